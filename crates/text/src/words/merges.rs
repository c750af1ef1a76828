//! Runs of tokens that become an exception after all.
//!
//! The end of `(optional):` is cut into `)` and `:` before anything looks like the exception `):`, so the tokens of
//! the whole text are searched once more for what the rules alone would make of an exception (`merges.txt`). Longer
//! runs win over shorter ones and earlier ones over later ones; a run that lost still blocks those that overlap it.
//! Only a run without white space is replaced, yet one with single blanks between its tokens takes part in that
//! contest. Few texts have a run to merge: the contest is held only in texts where [`Merges::may_apply`] saw one.

use super::{
    strings::Strings,
    tokenizer::{Exceptions, Token},
};

/// The runs to look for.
pub(super) struct Merges {
    /// The first two tokens, joined, of every run that becomes something else.
    pairs: Strings,
    /// The first token of every run, and for each the runs that start with it.
    first: Strings,
    runs: Vec<Vec<Vec<&'static str>>>,
}

impl Merges {
    pub(super) fn new(exceptions: &Exceptions) -> Self {
        let all = || include_str!("merges.txt").lines().map(tokens_of);
        let changed = all().filter(|run| !exceptions.leaves(run));
        // Leaked once per process, like the tables of the other rules.
        let pairs = Strings::new(changed.map(|run| &*run[..2].concat().leak()));
        let first = Strings::new(all().map(|run| run[0]));
        let mut runs = vec![Vec::new(); all().count()];
        for run in all() {
            if let Some(number) = first.find(run[0]) {
                runs[number].push(run);
            }
        }
        Merges { pairs, first, runs }
    }

    /// Whether a run to merge may start within the tokens of one chunk.
    #[inline]
    pub(super) fn may_apply(&self, text: &str, tokens: &[Token]) -> bool {
        tokens
            .windows(2)
            .any(|pair| self.pairs.find(&text[pair[0].start..pair[1].end]).is_some())
    }

    /// Merges the runs among all tokens of a text.
    pub(super) fn apply(&self, text: &str, tokens: &mut Vec<Token>, exceptions: &Exceptions) {
        let mut merged = Vec::with_capacity(tokens.len());
        let mut next = 0;
        for run in self.contest(text, tokens) {
            let span = Token {
                start: tokens[run.start].start,
                end: tokens[run.end - 1].end,
            };
            if let Some(exception) = exceptions.find(span.of(text)) {
                merged.extend_from_slice(&tokens[next..run.start]);
                merged.extend(exceptions.cut(exception, span.start));
                next = run.end;
            }
        }
        merged.extend_from_slice(&tokens[next..]);
        *tokens = merged;
    }

    /// The runs that win, in order, as ranges of tokens.
    fn contest(&self, text: &str, tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
        let mut runs = Vec::new();
        for (start, token) in tokens.iter().enumerate() {
            if let Some(first) = self.first.find(token.of(text)) {
                let found = self.runs[first]
                    .iter()
                    .filter(|run| starts_with(text, &tokens[start..], run));
                runs.extend(found.map(|run| start..start + run.len()));
            }
        }
        runs.sort_by_key(|run| (std::cmp::Reverse(run.len()), run.start));
        let mut taken = vec![false; tokens.len()];
        runs.retain(|run| {
            let wins = !taken[run.start] && !taken[run.end - 1];
            taken[run.clone()].fill(true);
            wins
        });
        runs.sort_by_key(|run| run.start);
        runs
    }
}

/// The tokens of a line of `merges.txt`.
fn tokens_of(line: &'static str) -> Vec<&'static str> {
    line.split(' ').collect()
}

/// Whether the tokens start with this run, nothing or one blank between any two.
fn starts_with(text: &str, tokens: &[Token], run: &[&str]) -> bool {
    tokens.get(..run.len()).is_some_and(|tokens| {
        tokens
            .iter()
            .zip(run)
            .all(|(token, expected)| token.of(text) == *expected)
            && tokens
                .windows(2)
                .all(|pair| matches!(&text[pair[0].end..pair[1].start], "" | " "))
    })
}
