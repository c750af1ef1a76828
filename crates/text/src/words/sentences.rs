//! Sentences by spaCy's rule-based sentencizer.
//!
//! A sentence starts at the first token behind a sentence-ending mark that is neither such a mark nor punctuation.
//! White space other than one blank is a token too. So `"Really?" he said.` is two sentences, `3.14` ends none, and
//! a line end behind a full stop starts the next sentence. There is always one sentence, even in an empty text.

use super::classes::{PUNCT, SENTENCE_END, is};

/// The ends of all sentences of `text` in bytes, where `words` are its words as first byte and end. The last is the
/// end of the text; white space between two sentences belongs to the second.
pub(crate) fn sentence_ends(text: &str, words: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
    let mut ends = Vec::new();
    let mut behind = 0;
    let mut has_ended = false;
    for (start, end) in words {
        let word = &text[start as usize..end as usize];
        let is_mark = is_sentence_mark(word);
        let starts_sentence =
            has_ended && (is_token(&text[behind..start as usize]) || !is_mark && !is_punctuation(word));
        if starts_sentence {
            ends.push(behind as u32);
        }
        has_ended = is_mark || has_ended && !starts_sentence;
        behind = end as usize;
    }
    if has_ended && is_token(&text[behind..]) {
        ends.push(behind as u32);
    }
    ends.push(text.len() as u32);
    ends
}

/// Whether white space behind a word is a token: all but nothing and one blank.
fn is_token(gap: &str) -> bool {
    !matches!(gap, "" | " ")
}

/// Whether a word is one sentence-ending mark.
fn is_sentence_mark(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| is(c, SENTENCE_END)) && chars.next().is_none()
}

fn is_punctuation(word: &str) -> bool {
    word.chars().all(|c| is(c, PUNCT))
}

#[cfg(test)]
mod tests {
    use super::{super::Tokenizer, *};

    fn check(text: &str, expected: &[&str]) {
        let mut tokenizer = Tokenizer::new();
        let mut start = 0;
        let ends = sentence_ends(text, tokenizer.tokenize(text));
        let sentences = ends.into_iter().map(|end| {
            let sentence = &text[start..end as usize];
            start = end as usize;
            sentence
        });
        assert_eq!(sentences.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn sentences_cover_the_whole_text() {
        check("One. Two!  Three", &["One.", " Two!", "  Three"]);
        check("\"Really?\" he said.", &["\"Really?\"", " he said."]);
        check("End.\n", &["End.", "\n"]);
        check("End. ", &["End. "]);
    }

    #[test]
    fn an_empty_text_is_one_sentence() {
        check("", &[""]);
        check(" \n", &[" \n"]);
    }
}
