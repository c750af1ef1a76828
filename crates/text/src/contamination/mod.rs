//! Items of evaluation sets in texts: contamination.
//!
//! A model that has read the questions of a benchmark is not measured by it. This module finds, for a text, the items of
//! evaluation sets that it holds, and measures how much of each; which measure is too much is for a rule to say.
//! [`BenchmarksBuilder`] takes the items, [`Benchmarks::check`] searches a text.
//!
//! # Definition
//!
//! **Words.** A text is decomposed (NFD). Dropped are accents: characters with a canonical combining class other than 0,
//! and combining marks that are not alphabetic. The rest is put in lower case (`ς` as `σ`). A word is a longest run of
//! letters and digits (Unicode *Alphabetic*, *Nd*, *Nl*, *No*); numbers are kept. In scripts without spaces (ideographs,
//! kana, Thai, Lao, Myanmar, Khmer) each letter is a word. All else separates words and does not count otherwise.
//!
//! **N-grams.** A question of `L` words is cut into its `L - n + 1` runs of `n` consecutive words, `n` being
//! [`Settings::ngram`]. A question of fewer words is one n-gram as a whole. One of fewer than [`Settings::min_words`]
//! words is not looked for, nor is one of which too many items share all n-grams (see *Limits*);
//! [`Benchmarks::benchmarks`] counts both.
//!
//! **Weights.** An n-gram that `h` of the `N` items looked for hold weighs `ln(1 + N / h)`, so what every prompt says
//! (*which of the following is the most likely*) weighs little. Weights are rounded to multiples of 2^-20, which makes
//! their sums exact: the order in which items were added does not matter.
//!
//! **Region.** N-grams of an item count together only if they lie within `L + ⌊L / 2⌋ + 10` consecutive words of the
//! text: room for the question with words added, not for a book that holds a phrase here and another there. The item's
//! region is where the n-grams found weigh most, the first such place.
//!
//! **Measures**, each between 0 and 1 where it is a share:
//!
//! | field | what |
//! |---|---|
//! | `score` | weight of the different n-grams in the region, of the weight of all different n-grams of the item |
//! | `overlap` | the same without weights |
//! | `ngrams` | different n-grams in the region |
//! | `run` | words in the longest run of consecutive words that question and text have in common, if at least an n-gram |
//! | `answer` | different words of the answer found near the region, of all |
//! | `passage` | different n-grams of the passage found near the region, of all |
//! | `spans` | bytes of the text that the n-grams in the region take, those that overlap or touch joined |
//!
//! The answer is looked for between the first word of the first n-gram of the region less `32 + 2 A` words and the last
//! word of the last one plus as many, `A` being the number of its different words. Words that n-grams of the question
//! cover do not count: an option named in the question is no answer. The passage, cut to n-grams like the question, is
//! looked for in the same way within `32 + 2 P` words around the region, `P` being the number of its words; here covered
//! words count. A passage alone is no hit: it comes from a public text as a rule.
//!
//! Rules follow from the measures. `run >= 12` is what datatrove's n-gram decontamination rejects (any 12 consecutive
//! words in common; its own words differ in detail), for an `n` of at most 12. Decon's rule on short questions, a higher
//! threshold, is one on `score` and `words`.
//!
//! # Limits
//!
//! - A question, answer or passage counts up to its first 4,096 words, a text up to its first 4 GiB.
//! - An item is noticed by its *rare* n-grams, those of at most 32 items; all its n-grams count wherever a rare one is
//!   near (so near that one region can hold both), and `run` is exact for runs there. An item without a rare n-gram is
//!   noticed by its rarest one, unless that leads to 32 such items already: then it is not looked for. This happens to
//!   questions that come more than 32 times, and to templates that differ in nothing rare.
//! - A text of `w` words is given `64 w + 2^22` steps (n-grams and words looked at) for measuring items, and 2^20 places
//!   where items may be. When these are used up, the items whose rare n-grams weigh least in the text are left out. A
//!   text with one question uses some thousand steps. Time is therefore linear in the
//!   length of the text; one that repeats a phrase of 32 items throughout takes about 0.2 s per MB.
//! - A text takes about 16 bytes of memory per word, 32 to 64 if all of its words belong to items. [`Scratch`] keeps up
//!   to some MB of it for the next text, and 4 bytes per item. An item takes about 30 bytes per word of the question, 8 per word of answer
//!   and passage; a passage that items share is kept once.
//!
//! The idea of weighing an item's n-grams by how rare they are among the evaluation sets, within one region and with
//! its answer nearby, is that of [decon](https://github.com/allenai/decon) (Allen Institute for AI, `doc/simple.md`). The
//! arithmetic above is this module's own.

mod benchmarks;
mod measure;
mod search;
mod signal;
mod table;
mod words;

use std::ops::Range;

pub use benchmarks::{Benchmark, Benchmarks, BenchmarksBuilder};
pub use search::Scratch;
pub use signal::DECONTAMINATOR;

/// An item of an evaluation set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Item<'a> {
    /// What is looked for.
    pub question: &'a str,
    /// Looked for near the question.
    pub answer: Option<&'a str>,
    /// What the question is about; looked for near the question.
    pub passage: Option<&'a str>,
}

/// How items are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Words in an n-gram, 1 to 256. A changed word of a question costs up to this many n-grams; short ones are met by
    /// chance. On 719 web texts and 13,615 pieces (12 to 61 words) of other web texts: with 5, 8 and 13 words, 541, 24
    /// and 5 texts have hits, nearly all below 0.3; pieces put into them with one word in twenty changed score 0.79,
    /// 0.68 and 0.54 on average, and 0.61, 0.46 and 0.28 with one in ten.
    pub ngram: usize,
    /// Questions of fewer words are not looked for; at least 1.
    pub min_words: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ngram: 8,
            min_words: 5,
        }
    }
}

/// An item that a text holds, at least in part. The [module](self) defines the measures.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// Counts [`Benchmarks::benchmarks`].
    pub benchmark: u32,
    /// The item's number, see [`Benchmarks::id`].
    pub item: u32,
    /// Weighted share of the item's n-grams in the region, above 0, at most 1.
    pub score: f64,
    /// Share of the item's n-grams in the region, above 0, at most 1.
    pub overlap: f64,
    /// Share of the answer's words near the region, 0 to 1; `None` without an answer that has words.
    pub answer: Option<f64>,
    /// Share of the passage's n-grams near the region, 0 to 1; `None` without a passage that has words.
    pub passage: Option<f64>,
    /// Words of the question, at most 4,096.
    pub words: u32,
    /// Different n-grams of the item in the region, at least 1.
    pub ngrams: u32,
    /// Words in the longest run in common, at least those of an n-gram.
    pub run: u32,
    /// Byte ranges of the text, ascending, apart, within the region; never empty.
    pub spans: Vec<Range<u32>>,
}

#[cfg(test)]
mod tests;
