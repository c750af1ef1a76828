//! What the tokeniser cuts off the ends and out of the middle of a chunk.
//!
//! Each function is one family of spaCy's rules, written as a look at a few characters in place of a regular
//! expression. All lengths and positions are in bytes; none looks further than a run of full stops reaches.

use super::{
    classes::{ALPHA, BEFORE_STOP, INFIX, LOWER, PREFIX, QUOTE, SUFFIX, UPPER, classes, is},
    ranges::AFTER_DIGIT,
    strings::Strings,
};

/// The affix rules with their table of units.
pub(super) struct Affixes {
    after_digit: Strings,
}

impl Affixes {
    pub(super) fn new() -> Self {
        Affixes {
            after_digit: Strings::new(AFTER_DIGIT),
        }
    }

    /// Length of what is cut off the start; 0 if nothing is.
    #[inline]
    pub(super) fn prefix(&self, chunk: &str) -> usize {
        let bytes = chunk.as_bytes();
        let Some(first) = chunk.chars().next() else {
            return 0;
        };
        match first {
            '+' => usize::from(!bytes.get(1).is_some_and(u8::is_ascii_digit)),
            '.' => stops(bytes.iter()),
            'U' if bytes.starts_with(b"US$") => 3,
            'A' | 'C' if bytes.get(1) == Some(&b'$') => 2,
            _ if is(first, PREFIX) => first.len_utf8(),
            _ => 0,
        }
    }

    /// Length of what is cut off the end, the longest that any rule cuts; 0 if nothing is.
    #[inline]
    pub(super) fn suffix(&self, chunk: &str) -> usize {
        let mut backwards = chunk.chars().rev();
        let Some(last) = backwards.next() else {
            return 0;
        };
        let before = backwards.next();
        let fixed = match last {
            '.' => match stops(chunk.as_bytes().iter().rev()) {
                0 => usize::from(is_stop_suffix(before, backwards.next())),
                stops => stops,
            },
            's' | 'S' => match before {
                Some(quote @ ('\'' | '’')) => 1 + quote.len_utf8(),
                _ => 0,
            },
            '…' if before == Some('…') => 2 * '…'.len_utf8(),
            '—' | '–' => last.len_utf8(),
            _ if is(last, SUFFIX) => last.len_utf8(),
            _ => 0,
        };
        fixed.max(self.unit(chunk))
    }

    /// Length of a unit or currency directly behind the last digit.
    #[inline]
    fn unit(&self, chunk: &str) -> usize {
        let bytes = chunk.as_bytes();
        let tail = &bytes[bytes.len().saturating_sub(self.after_digit.longest() + 1)..];
        match tail.iter().rposition(u8::is_ascii_digit) {
            Some(digit) if digit + 1 < tail.len() => {
                let unit = &chunk[chunk.len() - (tail.len() - digit - 1)..];
                self.after_digit.find(unit).map_or(0, |_| unit.len())
            }
            _ => 0,
        }
    }

    /// Length of the separator that is cut out at byte `at`, between `before` and what follows; 0 if none is.
    #[inline]
    pub(super) fn infix(&self, chunk: &str, at: usize, before: Option<char>) -> usize {
        let mut rest = chunk[at..].chars();
        let Some(here) = rest.next() else {
            return 0;
        };
        let next = rest.next();
        let behind = before.map_or(0, classes);
        let ahead = next.map_or(0, classes);
        let behind_digit = before.is_some_and(|c| c.is_ascii_digit());
        let ahead_digit = next.is_some_and(|c| c.is_ascii_digit());
        let behind_alphanumeric = behind & ALPHA != 0 || behind_digit;
        match here {
            '.' => match stops(chunk.as_bytes()[at..].iter()) {
                0 if behind & (LOWER | QUOTE) != 0 && ahead & (UPPER | QUOTE) != 0 => 1,
                stops => stops,
            },
            '+' | '*' | '^' | '-' if behind_digit && (ahead_digit || next == Some('-')) => 1,
            ',' if behind & ahead & ALPHA != 0 => 1,
            '-' | '–' | '—' | '~' if behind_alphanumeric => dashes(here, &chunk[at..]),
            ':' | '<' | '>' | '=' | '/' if behind_alphanumeric && ahead & ALPHA != 0 => 1,
            _ if is(here, INFIX) => here.len_utf8(),
            _ => 0,
        }
    }
}

/// The number of full stops at the head of `bytes`, if there are at least two, else 0.
fn stops<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    match bytes.take_while(|&&byte| byte == b'.').count() {
        1 => 0,
        stops => stops,
    }
}

/// Whether a single full stop behind these two characters, the nearer first, is cut off.
fn is_stop_suffix(before: Option<char>, earlier: Option<char>) -> bool {
    let Some(before) = before else {
        return false;
    };
    is(before, BEFORE_STOP)
        || earlier.is_some_and(|earlier| {
            is(before, UPPER) && is(earlier, UPPER) || earlier == '°' && matches!(before, 'F' | 'C' | 'K')
        })
}

/// Length of the shortest dash of the rules at the head of `rest` that a letter follows: one to three `-`, one or
/// two `—`, one `–` or `~`.
fn dashes(dash: char, rest: &str) -> usize {
    let most = match dash {
        '-' => 3,
        '—' => 2,
        _ => 1,
    };
    let run = rest.chars().take(most + 1).take_while(|&c| c == dash).count();
    let length = run * dash.len_utf8();
    let followed = rest[length..].chars().next().is_some_and(|c| is(c, ALPHA));
    if run <= most && followed { length } else { 0 }
}
