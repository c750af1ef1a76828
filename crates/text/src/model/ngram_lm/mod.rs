//! Scores of KenLM-compatible n-gram language models.
//!
//! [`Model::score`] gives the logarithm (base 10) of the probability of a sentence, and from it the perplexity, as
//! KenLM does for the same file. Read are ARPA text files (not compressed: the caller inflates them) and KenLM's binary
//! files, format version 5, of the structures `probing` and `trie`. The others (rest costs, quantised and
//! array-compressed tries) are errors that name the structure.
//!
//! Exact definition. The words of a sentence are the runs of bytes between `\t`, `\n`, `\v`, `\f`, `\r` and space; they
//! follow `<s>`, which is context and is not scored, and `</s>` follows them and is. A word that is not in the model is
//! `<unk>`. With `c` the up to `order - 1` words before, the score of a word `w` is that of the longest n-gram `c' w`
//! of the model where `c'` ends `c`, plus the backoff weights of all ends of `c` that are longer than `c'`. Scores are
//! summed in single precision, as KenLM does. Perplexity is `10^(-score / (words + 1))`; of several sentences, such as
//! the lines of a document, add the [scores](Score) and take it of the sum.
//!
//! A newline is white space: a text of many lines scores as one sentence, so give the lines one by one if the model was
//! trained on lines. Empty text is the word `</s>` after `<s>`. Models expect words as they were in training: lower
//! case, cut into pieces, with digits replaced; that is the caller's work.
//!
//! Of an ARPA file: a model without `<unk>` gives it a score of -100; one without `<s>` or `</s>`, with a score above 0,
//! or with an n-gram whose first words are not listed, is an error, as in KenLM. N-grams that lack their ending
//! (`a b c` without `b c`) are accepted; the ending gets the score that it has by backing off. The n-grams
//! are in memory twice while the text is read; a binary file is used as it is.
//!
//! Limits: orders 2 to 10, and 4 billion words.
//!
//! Sources: Heafield 2011, KenLM: Faster and Smaller Language Model Queries (W11-2123), whose hashes, tables and
//! header these are; Katz 1987 for backoff. The ARPA format is that of Doug Paul at MIT Lincoln Laboratory.

mod arpa;
mod binary;
mod probing;
mod trie;

use std::ops::Add;

use bytes::Bytes;
use gristmill_core::Result;

use self::{probing::Probing, trie::Trie};
use super::cursor::Cursor;

/// Longest n-gram.
const ORDER_MAX: usize = 10;
/// The word that is not in the model.
const UNKNOWN: u32 = 0;

/// An n-gram language model; see the module.
#[derive(Debug)]
pub struct Model {
    tables: Tables,
    begin: Word,
    end: Word,
    /// Unigram backoff of `<s>`.
    begin_backoff: f32,
}

/// A word's number, in the order of the model; [`UNKNOWN`] is 0.
type Word = u32;

#[derive(Debug)]
enum Tables {
    Probing(Probing),
    Trie(Trie),
}

/// Score of a sentence, or the sum of several.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Logarithm of the probability, base 10; 0 or less.
    pub log10: f64,
    /// Words without `<s>` and `</s>`.
    pub words: u64,
    /// Words that are not in the model.
    pub unknown: u64,
    /// Sentences; each has one `</s>` that counts as a word for the perplexity.
    pub sentences: u64,
}

impl Score {
    /// `10^(-log10 / (words + sentences))`; 1 for the sum of no sentence.
    pub fn perplexity(&self) -> f64 {
        let words = (self.words + self.sentences).max(1);
        10_f64.powf(-self.log10 / words as f64)
    }
}

impl Add for Score {
    type Output = Score;

    /// The score of both together.
    fn add(self, other: Score) -> Score {
        Score {
            log10: self.log10 + other.log10,
            words: self.words + other.words,
            unknown: self.unknown + other.unknown,
            sentences: self.sentences + other.sentences,
        }
    }
}

/// What of the words before a word its score can depend on.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    length: usize,
    /// Words, the last one first.
    words: [Word; ORDER_MAX - 1],
    /// Backoff of the last word, of the last two and so on.
    backoffs: [f32; ORDER_MAX - 1],
}

/// An n-gram that was found.
#[derive(Debug, Clone, Copy)]
struct Entry {
    prob: f32,
    backoff: f32,
    /// Whether the model can have a longer n-gram that ends in this one.
    is_extended: bool,
}

/// N-grams by their words from the last to the first.
trait Search {
    /// Stands for the words that were looked up.
    type Node: Copy;

    fn order(&self) -> usize;
    fn word(&self, word: &[u8]) -> Word;
    fn unigram(&self, word: Word) -> (Entry, Self::Node);
    /// The n-gram of `length` words that is the node's with `word` before it; `length` is less than the order.
    fn middle(&self, node: Self::Node, length: usize, word: Word) -> Option<(Entry, Self::Node)>;
    /// The same for n-grams as long as the order: their score.
    fn longest(&self, node: Self::Node, word: Word) -> Option<f32>;
}

impl Model {
    /// Reads the bytes of an ARPA file or of a KenLM binary file. Those of a binary file are kept, not copied.
    ///
    /// An error if the file is damaged, compressed or of another version or structure.
    pub fn read(bytes: Bytes) -> Result<Model> {
        let tables = if binary::is_binary(&bytes) {
            binary::read(bytes)
        } else {
            arpa::read(&bytes).map(Tables::Probing)
        };
        let tables = tables.map_err(|error| error.context("n-gram language model"))?;
        let (begin, end) = (b"<s>".as_slice(), b"</s>".as_slice());
        let (begin, end, begin_backoff) = match &tables {
            Tables::Probing(search) => special(search, begin, end),
            Tables::Trie(search) => special(search, begin, end),
        };
        Ok(Model {
            tables,
            begin,
            end,
            begin_backoff,
        })
    }

    /// Most words of an n-gram.
    pub fn order(&self) -> usize {
        match &self.tables {
            Tables::Probing(search) => search.order(),
            Tables::Trie(search) => search.order(),
        }
    }

    /// Score of one sentence between `<s>` and `</s>`.
    pub fn score(&self, sentence: &str) -> Score {
        match &self.tables {
            Tables::Probing(search) => self.score_with(search, sentence.as_bytes()),
            Tables::Trie(search) => self.score_with(search, sentence.as_bytes()),
        }
    }

    fn score_with(&self, search: &impl Search, sentence: &[u8]) -> Score {
        let mut state = State {
            length: 1,
            ..State::default()
        };
        state.words[0] = self.begin;
        state.backoffs[0] = self.begin_backoff;
        let mut score = Score {
            sentences: 1,
            ..Score::default()
        };
        let mut sum = 0.0_f32;
        for word in sentence
            .split(|&byte| is_space(byte))
            .filter(|word| !word.is_empty())
        {
            let word = search.word(word);
            sum += score_word(search, &mut state, word);
            score.words += 1;
            score.unknown += u64::from(word == UNKNOWN);
        }
        sum += score_word(search, &mut state, self.end);
        score.log10 = f64::from(sum);
        score
    }
}

/// Numbers of `<s>` and `</s>`, and the backoff of the first.
fn special(search: &impl Search, begin: &[u8], end: &[u8]) -> (Word, Word, f32) {
    let begin = search.word(begin);
    (begin, search.word(end), search.unigram(begin).0.backoff)
}

/// Score of a word after the words of the state, to which it is then added.
fn score_word<S: Search>(search: &S, state: &mut State, word: Word) -> f32 {
    let (entry, mut node) = search.unigram(word);
    let mut next = State::default();
    next.words[0] = word;
    next.backoffs[0] = entry.backoff;
    next.length = usize::from(has_extension(entry.backoff));
    let mut prob = entry.prob;
    let mut found = 1;
    let mut is_extended = entry.is_extended;
    let order = search.order();
    for (&before, length) in state.words[..state.length].iter().zip(2..) {
        if !is_extended {
            break;
        }
        if length == order {
            if let Some(longest) = search.longest(node, before) {
                prob = longest;
                found = length;
            }
            break;
        }
        let Some((entry, longer)) = search.middle(node, length, before) else {
            break;
        };
        node = longer;
        prob = entry.prob;
        found = length;
        is_extended = entry.is_extended;
        next.backoffs[length - 1] = entry.backoff;
        if has_extension(entry.backoff) {
            next.length = length;
        }
    }
    for backoff in state.backoffs.iter().take(state.length).skip(found - 1) {
        prob += backoff;
    }
    let kept = next.length.saturating_sub(1);
    next.words[1..=kept].copy_from_slice(&state.words[..kept]);
    *state = next;
    prob
}

/// A backoff of negative zero says that no n-gram begins with these words, so that they need not be remembered.
fn has_extension(backoff: f32) -> bool {
    backoff.to_bits() != (-0.0_f32).to_bits()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// 64-bit MurmurHash2 by Austin Appleby (in the public domain), variant A, seed 0.
fn hash_word(word: &[u8]) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    let (chunks, rest) = word.as_chunks::<8>();
    let mut hash = (word.len() as u64).wrapping_mul(FACTOR);
    for &chunk in chunks {
        let part = u64::from_le_bytes(chunk).wrapping_mul(FACTOR);
        hash = (hash ^ (part ^ (part >> 47)).wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let tail = rest
            .iter()
            .rev()
            .fold(0, |tail: u64, &byte| (tail << 8) | u64::from(byte));
        hash = (hash ^ tail).wrapping_mul(FACTOR);
    }
    hash = (hash ^ (hash >> 47)).wrapping_mul(FACTOR);
    hash ^ (hash >> 47)
}
