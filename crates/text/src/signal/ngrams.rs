//! The runs of n words of a document, told apart by keys.
//!
//! Most n-grams occur once. A filter finds out which may occur again, so that the table stays small and is asked
//! seldom, see [`repeat_filter`](super::repeat_filter).

use super::{
    document::Document,
    joined_words::JoinedWords,
    key_table::{Entry, KeyTable},
    repeat_filter::RepeatFilter,
};

/// The n-grams of a document. Reused from document to document: [`join`](Self::join), then [`find`](Self::find) for
/// each n.
#[derive(Debug, Default)]
pub(crate) struct Ngrams {
    joined: JoinedWords,
    /// Code points of the separator.
    separator: usize,
    /// The key of the n-gram at each word.
    keys: Vec<u64>,
    filter: RepeatFilter,
    /// N-grams that the filter let through.
    table: KeyTable,
}

impl Ngrams {
    /// Joins the words of `document` with `separator`. N-grams are equal where the joined words are.
    pub(crate) fn join(&mut self, document: &Document<'_>, separator: &str) {
        self.joined.join(document, separator);
        self.separator = separator.chars().count();
    }

    /// Finds the n-grams, and makes room for those that may occur again. None is counted yet.
    pub(crate) fn find(&mut self, n: usize) {
        let runs = self.joined.runs(n);
        self.keys.clear();
        self.keys.extend((0..runs).map(|first| self.joined.key(first, n)));
        self.filter.clear(runs);
        for &key in &self.keys {
            self.filter.insert(key);
        }
        let repeats = self.keys.iter().filter(|&&key| self.filter.may_repeat(key));
        self.table.clear(repeats.count());
    }

    /// How many n-grams there are, copies included.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Counts the n-gram that starts at the word `first`, and gives how often it was counted. Of n-grams that
    /// occur once, some are not counted again: their answer is 1 each time.
    pub(crate) fn count(&mut self, first: usize) -> u32 {
        let key = self.keys[first];
        if self.filter.may_repeat(key) {
            self.table.insert(key, first).count
        } else {
            1
        }
    }

    /// Counts all n-grams.
    pub(crate) fn count_all(&mut self) {
        for first in 0..self.len() {
            self.count(first);
        }
    }

    /// Whether the n-gram that starts at the word `first` was counted more than once.
    pub(crate) fn is_repeated(&self, first: usize) -> bool {
        let key = self.keys[first];
        self.filter.may_repeat(key) && self.table.count(key) > 1
    }

    /// The n-grams that were counted more than once, with count and first word, in no order to rely on.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = &Entry> {
        self.table.entries().filter(|ngram| ngram.count > 1)
    }

    /// Count and first word of the n-gram that was counted most, on a tie of the one that comes first. All must be
    /// counted before. `None` when there is no n-gram.
    pub(crate) fn top(&self) -> Option<(usize, usize)> {
        let top = self
            .repeated()
            .max_by_key(|ngram| (ngram.count, std::cmp::Reverse(ngram.first)));
        match top {
            Some(top) => Some((top.count as usize, top.first as usize)),
            // All occur once, so the first is the top.
            None => (self.len() > 0).then_some((1, 0)),
        }
    }

    /// Code points of the `n` words from `first` on, with the separators between them.
    pub(crate) fn chars(&self, first: usize, n: usize) -> usize {
        self.joined.chars(first, n)
    }

    /// Code points of the `n` words from `first` on, without separators.
    pub(crate) fn word_chars(&self, first: usize, n: usize) -> usize {
        self.joined.chars(first, n) - (n - 1) * self.separator
    }
}
