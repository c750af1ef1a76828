//! The line rules of C4: drops lines that are no prose, removes citation marks, flags documents to reject.
//!
//! Lines end where Python's `splitlines` ends them. Each is stripped and walks these rules in order:
//!
//! 1. A line with a word of more than 1,000 code points is dropped. Words are what white space separates.
//! 2. `[edit]`, `[citation needed]` and `[123]` or `[]` are removed from the line.
//! 3. `c4_lines_strict` only: a line that does not end in `.`, `?`, `!`, `"` or `'`, or ends in `...`, is dropped.
//! 4. A line that had fewer than 3 words before rule 2 is dropped.
//! 5. "lorem ipsum" in any case flags the document.
//! 6. A line with "javascript" in any case is dropped.
//! 7. `{` flags the document.
//! 8. A line that speaks of cookies or policies (six phrases in any case) is dropped.
//!
//! What is kept is joined by line feeds and stripped at both ends. The sentences of kept lines are counted line by
//! line, as in the signal `sentences`.
//!
//! The reference rejects a document at its *first* offence against rule 5 or 7, so at most one of the two flags is
//! true. A flagged document keeps its text, and its sentence count is that of the lines before the offence. A `{` on
//! a line that an earlier rule drops is no offence. An empty text has no lines, 0 sentences and stays empty.
//!
//! White space parts words whatever surrounds it, so the words of what is kept are those that were there, moved; only
//! lines that lose a citation mark are cut into words again.
//!
//! `c4_lines` is what FineWeb runs (`filter_no_terminal_punct=False`), `c4_lines_strict` is C4 as published.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{BooleanBuilder, StringViewBuilder, UInt32Builder},
};
use gristmill_core::{Card, Column, Cost, Edit, Result, columns};

use crate::{
    signal::{
        document::{OffsetsBuilder, documents},
        words::TEXT_WORDS,
    },
    words::{
        Tokenizer,
        classes::{DIGIT, is},
        sentence_ends,
        white_space::{is_space, lines, strip},
    },
};

/// Words of more code points than this make a line no prose.
const LONGEST_WORD: usize = 1000;
/// Lines of fewer words are dropped.
const LEAST_WORDS: usize = 3;
const POLICY_PHRASES: [&str; 6] = [
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
];

const INPUTS: &[Column] = &[columns::TEXT, TEXT_WORDS];
const OUTPUTS: &[Column] = &[
    columns::TEXT,
    Column::bool(
        "text_c4_lorem_ipsum",
        "the first offence is the phrase lorem ipsum",
    ),
    Column::bool(
        "text_c4_curly_bracket",
        "the first offence is an opening curly bracket",
    ),
    Column::u32("text_c4_sentence_count", "sentences of the lines that were kept"),
    TEXT_WORDS,
];

/// FineWeb's variant, which keeps lines without terminal punctuation.
pub(crate) static C4_LINES: C4Lines = C4Lines {
    card: &Card {
        name: "c4_lines",
        about: "drops lines that are no prose and removes citation marks, as FineWeb runs the rules of C4",
        inputs: INPUTS,
        outputs: OUTPUTS,
        source: "Raffel et al. 2020, JMLR 21(140), section 2.2; datatrove 0.10.0 c4_filters.py with filter_no_terminal_punct=False",
        cost: Cost::Moderate,
        version: 1,
    },
    needs_terminal_punct: false,
};

/// C4 as published, which drops lines without terminal punctuation.
pub(crate) static C4_LINES_STRICT: C4Lines = C4Lines {
    card: &Card {
        name: "c4_lines_strict",
        about: "drops lines that are no prose or lack terminal punctuation and removes citation marks, as in C4",
        inputs: INPUTS,
        outputs: OUTPUTS,
        source: "Raffel et al. 2020, JMLR 21(140), section 2.2; datatrove 0.10.0 c4_filters.py",
        cost: Cost::Moderate,
        version: 1,
    },
    needs_terminal_punct: true,
};

/// The line rules of C4.
#[derive(Debug)]
pub(crate) struct C4Lines {
    card: &'static Card,
    needs_terminal_punct: bool,
}

impl Edit for C4Lines {
    fn card(&self) -> &'static Card {
        self.card
    }

    /// `[n] Utf8View, [n] List<UInt32> -> [n] Utf8View, [n] Boolean, [n] Boolean, [n] UInt32, [n] List<UInt32>`; null where
    /// the text is null.
    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut texts = StringViewBuilder::new();
        let (mut lorem_ipsum, mut curly_bracket) = (BooleanBuilder::new(), BooleanBuilder::new());
        let mut sentences = UInt32Builder::new();
        let mut words = OffsetsBuilder::default();
        let mut page = Page::new();
        for document in documents(inputs) {
            let offence = document
                .as_ref()
                .map(|document| self.read(document.text, document.spans(), &mut page));
            let is_kept = offence == Some(None);
            if is_kept {
                let kept = strip(&page.kept);
                let before = kept.as_ptr() as usize - page.kept.as_ptr() as usize;
                texts.append_value(kept);
                words.push(Some(page.kept_words.iter().map(|offset| offset - before as u32)));
            } else {
                texts.append_option(document.as_ref().map(|document| document.text));
                words.push(
                    document
                        .as_ref()
                        .map(|document| document.spans().flat_map(|(start, end)| [start, end])),
                );
            }
            lorem_ipsum.append_option(offence.map(|offence| offence == Some(Offence::LoremIpsum)));
            curly_bracket.append_option(offence.map(|offence| offence == Some(Offence::CurlyBracket)));
            sentences.append_option(document.map(|_| page.sentences));
        }
        Ok(vec![
            Arc::new(texts.finish()),
            Arc::new(lorem_ipsum.finish()),
            Arc::new(curly_bracket.finish()),
            Arc::new(sentences.finish()),
            words.finish(),
        ])
    }
}

/// What rejects a whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offence {
    LoremIpsum,
    CurlyBracket,
}

/// What was kept of a text; reused from text to text.
struct Page {
    kept: String,
    /// First byte and end of every word of it, alternating.
    kept_words: Vec<u32>,
    sentences: u32,
    /// The words of the line.
    words: Vec<(u32, u32)>,
    /// The line without citation marks.
    line: String,
    /// The same in lower case.
    lower: String,
    tokenizer: Tokenizer,
}

impl C4Lines {
    /// Reads the lines of `text`, which has these words, into `page`, up to the first offence.
    fn read(
        &self,
        text: &str,
        words_of_text: impl Iterator<Item = (u32, u32)>,
        page: &mut Page,
    ) -> Option<Offence> {
        page.clear();
        let mut words_of_text = words_of_text.peekable();
        for line in lines(text).map(strip) {
            let start = (line.as_ptr() as usize - text.as_ptr() as usize) as u32;
            let end = start + line.len() as u32;
            page.words.clear();
            while let Some((from, to)) = words_of_text.next_if(|word| word.0 < end) {
                if from >= start {
                    page.words.push((from - start, to - start));
                }
            }
            let Some(words) = count_words(line) else {
                continue;
            };
            page.set_line(line);
            if words < LEAST_WORDS || self.needs_terminal_punct && !ends_in_punct(&page.line) {
                continue;
            }
            if page.lower.contains("lorem ipsum") {
                return Some(Offence::LoremIpsum);
            }
            if page.lower.contains("javascript") {
                continue;
            }
            if page.line.contains('{') {
                return Some(Offence::CurlyBracket);
            }
            if !POLICY_PHRASES.iter().any(|phrase| page.lower.contains(phrase)) {
                page.keep_line(line);
            }
        }
        None
    }
}

impl Page {
    fn new() -> Self {
        Page {
            kept: String::new(),
            kept_words: Vec::new(),
            sentences: 0,
            words: Vec::new(),
            line: String::new(),
            lower: String::new(),
            tokenizer: Tokenizer::new(),
        }
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.kept_words.clear();
        self.sentences = 0;
    }

    fn set_line(&mut self, line: &str) {
        self.line.clear();
        push_without_citations(line, &mut self.line);
        self.lower.clear();
        if self.line.is_ascii() {
            self.lower.push_str(&self.line);
            self.lower.make_ascii_lowercase();
        } else {
            self.lower.extend(self.line.chars().flat_map(char::to_lowercase));
        }
    }

    /// Keeps the line, which was `read` with its citation marks.
    fn keep_line(&mut self, read: &str) {
        // Any line before this one, even one that the citation marks left empty, had a sentence.
        if self.sentences > 0 {
            self.kept.push('\n');
        }
        let start = self.kept.len() as u32;
        self.kept.push_str(&self.line);
        if self.line.len() != read.len() {
            self.words.clear();
            self.words.extend(self.tokenizer.tokenize(&self.line));
        }
        let words = self
            .words
            .iter()
            .flat_map(|word| [start + word.0, start + word.1]);
        self.kept_words.extend(words);
        self.sentences += sentence_ends(&self.line, self.words.iter().copied()).len() as u32;
    }
}

/// The number of words of a line, or `None` if one of them is too long.
fn count_words(line: &str) -> Option<usize> {
    let mut count = 0;
    for word in line.split(is_space).filter(|word| !word.is_empty()) {
        if word.len() > LONGEST_WORD && word.chars().nth(LONGEST_WORD).is_some() {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// Appends `line` to `cleaned` without its citation marks. What stands around a mark makes no new one.
fn push_without_citations(line: &str, cleaned: &mut String) {
    let mut rest = line;
    while let Some(bracket) = rest.find('[') {
        let (before, mark) = rest.split_at(bracket);
        cleaned.push_str(before);
        rest = match after_citation(&mark[1..]) {
            Some(rest) => rest,
            None => {
                cleaned.push('[');
                &mark[1..]
            }
        };
    }
    cleaned.push_str(rest);
}

/// What follows a citation mark whose opening bracket was read.
fn after_citation(rest: &str) -> Option<&str> {
    let closing = ["edit]", "citation needed]"];
    closing
        .iter()
        .find_map(|mark| rest.strip_prefix(mark))
        .or_else(|| rest.trim_start_matches(|c| is(c, DIGIT)).strip_prefix(']'))
}

fn ends_in_punct(line: &str) -> bool {
    line.ends_with(['.', '?', '!', '"', '\'']) && !line.ends_with("...")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edit: &C4Lines, text: &str, kept: &str, offence: Option<Offence>) {
        let mut page = Page::new();
        let words: Vec<_> = Tokenizer::new().tokenize(text).collect();
        assert_eq!(edit.read(text, words.into_iter(), &mut page), offence, "{text}");
        assert_eq!(strip(&page.kept), kept, "{text}");
    }

    #[test]
    fn short_script_and_policy_lines_are_dropped() {
        let text = "Two words\nThis is prose.\nPlease enable JavaScript here.\r\nWe use COOKIES on this site.\nThe end is here";
        check(&C4_LINES, text, "This is prose.\nThe end is here", None);
        check(&C4_LINES_STRICT, text, "This is prose.", None);
    }

    #[test]
    fn the_first_offence_ends_the_reading() {
        check(
            &C4_LINES,
            "One two three.\nSo Lorem Ipsum {",
            "One two three.",
            Some(Offence::LoremIpsum),
        );
        check(
            &C4_LINES,
            "a { b c\nlorem ipsum dolor",
            "",
            Some(Offence::CurlyBracket),
        );
    }

    #[test]
    fn an_offence_on_a_dropped_line_is_none() {
        check(&C4_LINES, "lorem ipsum\njavascript is {} here", "", None);
        check(&C4_LINES_STRICT, "this { has no stop", "", None);
    }

    #[test]
    fn citation_marks_are_removed_once() {
        let mut cleaned = String::new();
        push_without_citations("a[1][edit]b[citation needed] [] [x] [[2]3] [٣][", &mut cleaned);
        assert_eq!(cleaned, "ab  [x] [3] [");
    }

    #[test]
    fn a_word_of_a_thousand_code_points_is_not_too_long() {
        let word = "é".repeat(1000);
        check(&C4_LINES, &format!("{word} b c"), &format!("{word} b c"), None);
        check(&C4_LINES, &format!("{word}é b c"), "", None);
    }
}
