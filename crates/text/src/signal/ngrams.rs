//! The runs of n words of a document, told apart by keys.
//!
//! Most n-grams occur once. A filter finds out which may occur again, so that the table stays small and is asked
//! seldom, see [`repeat_filter`](super::repeat_filter). Where the first bytes from a word on are found nowhere else, no
//! n-gram that is at least as long as these bytes can occur again, so most words are done with before their n-grams are
//! looked at, for all lengths at once.

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
    /// How many bytes were compared to find [`begins_again`](Self::begins_again).
    compared: usize,
    /// Whether the first bytes from each word on may be found elsewhere.
    begins_again: Vec<bool>,
    /// How many n-grams there are, copies included.
    runs: usize,
    /// The first words of the n-grams that may occur again, in order, and their keys.
    firsts: Vec<u32>,
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
        self.compared = 0;
    }

    /// Finds the n-grams that may occur again, and makes room for them. None is counted yet.
    pub(crate) fn find(&mut self, n: usize) {
        self.runs = self.joined.runs(n);
        // Shorter n-grams begin alike too often, so fewer of their bytes are worth a look.
        let bytes = match n {
            0..=2 => 0,
            3..=4 => 8,
            _ => 16,
        };
        if bytes != self.compared {
            self.compare(bytes);
        }
        let begins_again =
            |first| bytes == 0 || self.begins_again[first] || self.joined.length(first, n) < bytes;
        keep(self.runs, begins_again, &mut self.firsts);
        self.keys.clear();
        self.keys.extend(
            self.firsts
                .iter()
                .map(|&first| self.joined.key(first as usize, n)),
        );
        self.filter.clear(self.keys.len());
        for &key in &self.keys {
            self.filter.insert(key);
        }
        let mut repeats = 0;
        for at in 0..self.keys.len() {
            (self.keys[repeats], self.firsts[repeats]) = (self.keys[at], self.firsts[at]);
            repeats += usize::from(self.filter.may_repeat(self.keys[at]));
        }
        self.keys.truncate(repeats);
        self.firsts.truncate(repeats);
        self.table.clear(repeats);
    }

    /// Finds the words from which on the first bytes may be those from another word on.
    fn compare(&mut self, bytes: usize) {
        self.compared = bytes;
        let words = self.joined.runs(1);
        self.filter.clear(words);
        for first in 0..words {
            self.filter.insert(self.joined.prefix(first, bytes));
        }
        self.begins_again.clear();
        let begins_again = (0..words).map(|first| self.filter.may_repeat(self.joined.prefix(first, bytes)));
        self.begins_again.extend(begins_again);
    }

    /// How many n-grams there are, copies included.
    pub(crate) fn len(&self) -> usize {
        self.runs
    }

    /// How many of them may occur again. All others occur once.
    pub(crate) fn candidates(&self) -> usize {
        self.firsts.len()
    }

    /// The first word of a candidate. Candidates are in the order of the text.
    pub(crate) fn first(&self, candidate: usize) -> usize {
        self.firsts[candidate] as usize
    }

    /// Counts a candidate, and gives how often it was counted.
    pub(crate) fn count(&mut self, candidate: usize) -> u32 {
        self.table
            .insert(self.keys[candidate], self.first(candidate))
            .count
    }

    /// Counts all n-grams.
    pub(crate) fn count_all(&mut self) {
        for candidate in 0..self.candidates() {
            self.count(candidate);
        }
    }

    /// Whether a candidate was counted more than once.
    pub(crate) fn is_repeated(&self, candidate: usize) -> bool {
        self.table.count(self.keys[candidate]) > 1
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

/// The numbers below `count` for which something is true, in order. Without a branch, which nothing could foresee.
fn keep(count: usize, is_kept: impl Fn(usize) -> bool, out: &mut Vec<u32>) {
    out.resize(count, 0);
    let mut kept = 0;
    for number in 0..count {
        out[kept] = number as u32;
        kept += usize::from(is_kept(number));
    }
    out.truncate(kept);
}
