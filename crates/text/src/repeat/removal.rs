//! A text without some of its parts, tidied where they stood.

use crate::words::white_space::{is_space, strip};

/// The text without these byte ranges, tidied up where they stood. Without ranges it is the text as it is.
///
/// `ranges` may overlap or touch and come in any order. What lies behind the text is ignored, and a range that cuts
/// a character leaves that character whole.
///
/// Every character outside of the ranges that is no white space stays, in order. White space changes only at a
/// removal:
///
/// * What a removed line end or white space kept apart stays apart, by a line feed or else one blank: of
///   `one [two ]three` and `one[ two ]three` both times `one three` is left. Without white space in the range the
///   sides join.
/// * White space behind a removal goes where white space or the start of the line stands before it; white space
///   before a removal goes where the line ends behind it.
/// * A line that lost something and is blank now goes with its line feed. Blank lines behind it go if a blank line or
///   nothing stands before it, so a paragraph goes with one of the gaps around it. If only blank lines are left
///   behind it, those around it go.
/// * The text ends in a line feed if it did before and anything is left.
///
/// Lines end at `\n`; a `\r` before it is white space. Time and memory are linear in the text and the ranges, whose
/// order costs a sort.
pub fn without(text: &str, ranges: &[(u32, u32)]) -> String {
    let ranges = merged(text, ranges);
    if ranges.is_empty() {
        return text.to_owned();
    }
    let mut page = Page::with_capacity(text.len());
    let mut behind = 0;
    for (start, end) in ranges {
        page.push(&text[behind..start]);
        page.cut(&text[start..end]);
        behind = end;
    }
    page.push(&text[behind..]);
    page.finish(text.ends_with('\n'))
}

/// The ranges in order, on character boundaries, without empty ones; between two of them something stands.
fn merged(text: &str, ranges: &[(u32, u32)]) -> Vec<(usize, usize)> {
    let mut sorted: Vec<_> = ranges
        .iter()
        .map(|&(start, end)| {
            let (start, end) = (start as usize, end as usize);
            (text.ceil_char_boundary(start), text.floor_char_boundary(end))
        })
        .filter(|(start, end)| start < end)
        .collect();
    if !sorted.is_sorted() {
        sorted.sort_unstable();
    }
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.0 <= last.1 => last.1 = last.1.max(range.1),
            _ => merged.push(range),
        }
    }
    merged
}

/// What is left of a text, line by line.
struct Page {
    text: String,
    /// Where the current line starts.
    line: usize,
    /// Something of the current line was removed.
    is_touched: bool,
    /// Nothing but white space came behind the last removal on this line.
    is_cut: bool,
    /// The line before this one is blank, or there is none.
    is_behind_blank: bool,
    /// A line went, and none with text came behind it.
    has_gone: bool,
    /// Blank lines behind the line that went go as well.
    drops_blank: bool,
    /// The end of the last line with text.
    visible_end: usize,
}

impl Page {
    fn with_capacity(bytes: usize) -> Self {
        Page {
            text: String::with_capacity(bytes),
            line: 0,
            is_touched: false,
            is_cut: false,
            is_behind_blank: true,
            has_gone: false,
            drops_blank: false,
            visible_end: 0,
        }
    }

    /// Keeps a piece of the text.
    fn push(&mut self, piece: &str) {
        let mut lines = piece.split('\n');
        if let Some(first) = lines.next() {
            self.push_within_line(first);
        }
        for line in lines {
            self.end_line();
            self.text.push_str(line);
        }
    }

    fn push_within_line(&mut self, mut piece: &str) {
        if self.is_cut && self.text[self.line..].chars().next_back().is_none_or(is_space) {
            piece = piece.trim_start_matches(is_space);
        }
        self.is_cut = self.is_cut && strip(piece).is_empty();
        self.text.push_str(piece);
    }

    /// Removes a piece of the text.
    fn cut(&mut self, piece: &str) {
        if piece.contains('\n') {
            // A piece that starts or ends with the line feed leaves the line before or behind it alone.
            self.is_touched |= !piece.starts_with('\n');
            self.is_cut |= self.is_touched;
            self.end_line();
            self.is_touched = !piece.ends_with('\n');
            self.is_cut = self.is_touched;
        } else {
            self.is_touched = true;
            self.is_cut = true;
            // The blank goes again if white space follows, or the line ends.
            if piece.contains(is_space)
                && self.text[self.line..]
                    .chars()
                    .next_back()
                    .is_some_and(|c| !is_space(c))
            {
                self.text.push(' ');
            }
        }
    }

    fn end_line(&mut self) {
        if self.is_cut {
            let visible = self.text[self.line..].trim_end_matches(is_space).len();
            self.text.truncate(self.line + visible);
        }
        let is_blank = strip(&self.text[self.line..]).is_empty();
        let goes = is_blank && (self.is_touched || self.has_gone && self.drops_blank);
        if goes {
            self.text.truncate(self.line);
        } else {
            self.text.push('\n');
            self.line = self.text.len();
        }
        if is_blank && self.is_touched {
            self.has_gone = true;
            self.drops_blank = self.is_behind_blank;
        }
        if !is_blank {
            self.has_gone = false;
            self.visible_end = self.line;
        }
        self.is_behind_blank = is_blank && (!goes || self.is_behind_blank);
        self.is_touched = false;
        self.is_cut = false;
    }

    fn finish(mut self, ends_in_line_feed: bool) -> String {
        // Behind the last line feed there is no line, unless something stands or stood there.
        if self.text.len() > self.line || self.is_touched {
            self.end_line();
        }
        if self.has_gone {
            self.text.truncate(self.visible_end);
        }
        if !ends_in_line_feed && self.text.ends_with('\n') {
            self.text.pop();
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repeat::tests::Random;

    /// `marked` holds the text with what is removed in brackets.
    fn check(marked: &str, expected: &str) {
        let (mut text, mut ranges) = (String::new(), Vec::new());
        for c in marked.chars() {
            let at = text.len() as u32;
            match c {
                '[' => ranges.push((at, at)),
                ']' => ranges.last_mut().unwrap().1 = at,
                _ => text.push(c),
            }
        }
        assert_eq!(without(&text, &ranges), expected, "{marked:?}");
    }

    #[test]
    fn a_line_goes_with_its_line_feed() {
        check("one\n[two]\nthree\n", "one\nthree\n");
        check("one\n [two]\t\nthree", "one\nthree");
        check("[one]\ntwo", "two");
        check("one\n[two]", "one");
        check("one\n[two]\n", "one\n");
        check("one\r\n[two]\r\nthree", "one\r\nthree");
        check("one\n[two\n]three", "one\nthree");
        check("one[\ntwo]\n  three", "one\n  three");
        check("one\n[two\nthree]\nfour", "one\nfour");
    }

    #[test]
    fn a_text_that_is_removed_leaves_nothing() {
        check("[one]", "");
        check("[one]\n", "");
        check("\n [one]\n\n[two] \n", "");
        check("", "");
    }

    #[test]
    fn a_paragraph_goes_with_one_gap() {
        check("one\n\n[two\n2]\n\nthree", "one\n\nthree");
        check("one\n\n[two]\n\n[three]\n\nfour\n", "one\n\nfour\n");
        check("[one]\n\ntwo", "two");
        check("one\n\n[two]", "one");
        check("one\n\n[two]\n\n", "one\n");
        check("one\n[two]\n\nthree", "one\n\nthree");
        check("one\n\n[two\n\n]three", "one\n\nthree");
    }

    #[test]
    fn blank_lines_elsewhere_stay() {
        check("\n\n\none\n\n\n[two]\nthree\n\n\n", "\n\n\none\n\n\nthree\n\n\n");
        check("one\n\n\n", "one\n\n\n");
    }

    #[test]
    fn words_stay_apart_and_blanks_stay_single() {
        check("one [two ]three", "one three");
        check("one[ two ]three", "one three");
        check("one[ two] three", "one three");
        check("one [two] three", "one three");
        check("  [one] two", "  two");
        check("[one] two", "two");
        check("one [two]\nthree", "one\nthree");
        check("one[ two]  \nthree", "one\nthree");
        check("一二[三]四", "一二四");
        check("on[e tw]o", "on o");
    }

    #[test]
    fn a_removed_line_end_keeps_lines_apart() {
        check("one [two\nthree] four\nfive", "one\nfour\nfive");
        check("one[\n\n]two", "one\ntwo");
    }

    #[test]
    fn wrong_ranges_do_no_harm() {
        let text = "añb";
        assert_eq!(without(text, &[(2, 3)]), text);
        assert_eq!(without(text, &[(3, 4), (0, 1), (3, 2)]), "ñ");
        assert_eq!(without(text, &[(0, 1), (0, 2), (u32::MAX, 9), (1, u32::MAX)]), "");
    }

    #[test]
    fn what_is_left_is_what_a_naive_removal_leaves() {
        let alphabet = ["a", "b", " ", "\n", "\n\n", "é", "\t", "cd ", "。"];
        let mut random = Random(7);
        for _ in 0..20_000 {
            let length = random.below(16);
            let text = random.text(&alphabet, length);
            let bounds: Vec<_> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            let ranges: Vec<_> = (0..random.below(4))
                .map(|_| {
                    let [one, two] = [0; 2].map(|_| bounds[random.below(bounds.len())] as u32);
                    (one.min(two), one.max(two))
                })
                .collect();
            let found = without(&text, &ranges);
            assert_eq!(
                words(&found),
                words(&naive(&text, &ranges)),
                "{text:?} {ranges:?}"
            );
            if !found.is_empty() {
                let blank = |text: &str| text.split('\n').filter(|line| strip(line).is_empty()).count();
                assert!(blank(&found) <= blank(&text), "{text:?} {ranges:?} {found:?}");
                assert_eq!(
                    found.ends_with('\n'),
                    text.ends_with('\n'),
                    "{text:?} {ranges:?} {found:?}"
                );
            }
        }
    }

    /// The words of every line that has any.
    fn words(text: &str) -> Vec<Vec<&str>> {
        let lines = text.split('\n').map(|line| line.split_whitespace().collect());
        lines.filter(|line: &Vec<_>| !line.is_empty()).collect()
    }

    /// Each run of removed characters replaced by the strongest white space in it.
    fn naive(text: &str, ranges: &[(u32, u32)]) -> String {
        let is_removed = |at: usize| {
            ranges
                .iter()
                .any(|&(start, end)| (start as usize..end as usize).contains(&at))
        };
        let mut left = String::new();
        let mut removed = String::new();
        let close = |removed: &mut String, left: &mut String| {
            if removed.contains('\n') {
                left.push('\n');
            } else if removed.contains(is_space) {
                left.push(' ');
            }
            removed.clear();
        };
        for (at, c) in text.char_indices() {
            if is_removed(at) {
                removed.push(c);
            } else {
                close(&mut removed, &mut left);
                left.push(c);
            }
        }
        close(&mut removed, &mut left);
        left
    }
}
