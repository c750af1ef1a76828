//! Character classes of the tokeniser and of the signals over words.
//!
//! ASCII is one lookup. Other code points go through pages of 128 that are unfolded once from [`RANGES`].

use std::sync::LazyLock;

use super::ranges::RANGES;
pub(crate) use super::ranges::{
    ALPHA, BEFORE_STOP, DIGIT, INFIX, LETTER, LOWER, MARK, PREFIX, PUNCT, QUOTE, SENTENCE_END, SUFFIX,
    SYMBOL, TERMINAL, UPPER, WORD,
};

const PAGE: usize = 128;
const PAGES: usize = (char::MAX as usize + 1) / PAGE;

static ASCII: [u16; PAGE] = ascii();
static OTHERS: LazyLock<Pages> = LazyLock::new(Pages::unfold);

/// Page numbers by `code point / 128`, and the classes of each distinct page; page 0 is in no class.
struct Pages {
    numbers: Vec<u16>,
    classes: Vec<[u16; PAGE]>,
}

/// The classes that `c` is in, as a set of bits.
#[inline]
pub(crate) fn classes(c: char) -> u16 {
    let code = c as usize;
    if code < PAGE {
        ASCII[code]
    } else {
        let pages = &*OTHERS;
        pages.classes[usize::from(pages.numbers[code / PAGE])][code % PAGE]
    }
}

/// Whether `c` is in one of the classes of the set.
#[inline]
pub(crate) fn is(c: char, set: u16) -> bool {
    classes(c) & set != 0
}

const fn ascii() -> [u16; PAGE] {
    let mut table = [0; PAGE];
    let mut range = 0;
    while range < RANGES.len() && (RANGES[range].0 as usize) < PAGE {
        let (first, last, classes) = RANGES[range];
        let mut code = first as usize;
        while code <= last as usize && code < PAGE {
            table[code] = classes;
            code += 1;
        }
        range += 1;
    }
    table
}

impl Pages {
    fn unfold() -> Self {
        let mut numbers = vec![0u16; PAGES];
        let mut classes = vec![[0u16; PAGE]];
        for &(first, last, set) in &RANGES {
            for code in first as usize..=last as usize {
                let number = &mut numbers[code / PAGE];
                if *number == 0 {
                    *number = classes.len() as u16;
                    classes.push([0; PAGE]);
                }
                classes[usize::from(*number)][code % PAGE] = set;
            }
        }
        Pages { numbers, classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_the_ranges_at_their_borders() {
        assert!(is('a', ALPHA) && is('a', LOWER) && !is('a', UPPER));
        assert!(is('Ж', UPPER) && is('中', LOWER) && is('中', UPPER));
        assert!(is('…', PREFIX) && is('…', SUFFIX) && is('…', INFIX));
        assert!(is('\u{2ebef}', ALPHA) && classes(char::MAX) == 0);
        assert!(is('।', TERMINAL) && is('।', SENTENCE_END) && is('•', PUNCT) && !is('•', SYMBOL));
    }
}
