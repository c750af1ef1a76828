//! How much of one item a text holds.

use std::{collections::HashSet, ops::Range};

use super::{
    Benchmarks, Hit,
    search::{Match, region_words},
    words::{Word, roll, runs},
};

/// Words on either side of a region in which answer and passage are looked for, besides twice their own.
const NEAR_WORDS: usize = 32;

/// Measures one item at a time; room is used again.
#[derive(Debug, Default)]
pub(super) struct Measure {
    /// The item's different n-grams, sorted, each with the place of its first use in the question.
    grams: Vec<(u32, u32)>,
    /// The item's n-grams in the text, as places in `grams`, by word.
    found: Vec<Match>,
    /// N-grams looked at, the item's own or not.
    looked_at: usize,
    /// How often each of `grams` is in the region at hand.
    counts: Vec<u32>,
    /// Which parts of an answer or a passage were met.
    is_met: Vec<bool>,
}

/// The best region of an item.
struct Region {
    weight: u64,
    ngrams: u32,
    /// Places in the list of n-grams found.
    found: Range<usize>,
}

impl Measure {
    /// Turns to `item`.
    pub(super) fn begin(&mut self, benchmarks: &Benchmarks, item: u32) {
        let sequence = benchmarks.sequence(benchmarks.item(item));
        self.grams.clear();
        self.grams.extend(sequence.iter().copied().zip(0..));
        self.grams.sort_unstable();
        self.grams.dedup_by_key(|(gram, _)| *gram);
        self.found.clear();
        self.looked_at = sequence.len();
    }

    /// Takes those of the text's n-grams that are the item's. Calls follow the text.
    pub(super) fn add(&mut self, matches: &[Match]) {
        let own = matches.iter().filter_map(|&Match { word, gram }| {
            let place = self.grams.binary_search_by_key(&gram, |(gram, _)| *gram);
            place.ok().map(|place| Match {
                word,
                gram: place as u32,
            })
        });
        self.found.extend(own);
        self.looked_at += matches.len();
    }

    /// Steps taken so far and those that [`finish`](Self::finish) will take.
    pub(super) fn steps(&self, benchmarks: &Benchmarks, item: u32) -> usize {
        let item = benchmarks.item(item);
        let answer = benchmarks.answer(item).map_or(0, |answer| 5 * answer.len() + 64);
        let passage = benchmarks
            .passage(item)
            .map_or(0, |passage| 5 * passage.words as usize + 64);
        let ngrams = (item.words - item.gram_words + 1) as usize;
        let run = if self.grams.len() < ngrams { 12 } else { 1 };
        self.looked_at + run * (self.found.len() + ngrams) + answer + passage
    }

    /// The measures of the item; none if nothing was found.
    pub(super) fn finish(&mut self, benchmarks: &Benchmarks, number: u32, words: &[Word]) -> Option<Hit> {
        let item = benchmarks.item(number);
        let weigh = |gram: u32| u64::from(benchmarks.weights[gram as usize]);
        let total: u64 = self.grams.iter().map(|&(gram, _)| weigh(gram)).sum();
        let region = self.find_region(region_words(item) - item.gram_words, weigh)?;
        let found = &self.found[region.found.clone()];
        let covered = cover(found, item.gram_words);
        let (first, last) = (covered.first()?.start, covered.last()?.end);
        let answer = benchmarks.answer(item).map(|answer| {
            let near = near(first..last, answer.len(), words.len());
            share_of_words(
                answer,
                &words[near.clone()],
                near.start,
                &covered,
                &mut self.is_met,
            )
        });
        let passage = benchmarks.passage(item).map(|passage| {
            let near = near(first..last, passage.words as usize, words.len());
            let hashes = runs(&words[near], passage.gram_words as usize);
            share_of(passage.grams, hashes, &mut self.is_met)
        });
        Some(Hit {
            benchmark: item.benchmark,
            item: number,
            score: region.weight as f64 / total as f64,
            overlap: f64::from(region.ngrams) / f64::from(item.distinct),
            answer,
            passage,
            words: item.words,
            ngrams: region.ngrams,
            run: self.longest_run(benchmarks.sequence(item)) + item.gram_words - 1,
            spans: covered
                .iter()
                .map(|run| words[run.start].start..words[run.end - 1].end)
                .collect(),
        })
    }

    /// The first of the weightiest regions in which first words of n-grams are at most `reach` words apart.
    fn find_region(&mut self, reach: u32, weigh: impl Fn(u32) -> u64) -> Option<Region> {
        let Self {
            grams, found, counts, ..
        } = self;
        counts.clear();
        counts.resize(grams.len(), 0);
        let (mut start, mut weight, mut ngrams) = (0, 0, 0);
        let mut best: Option<Region> = None;
        for (place, entering) in found.iter().enumerate() {
            while entering.word - found[start].word > reach {
                let gram = found[start].gram as usize;
                counts[gram] -= 1;
                if counts[gram] == 0 {
                    weight -= weigh(grams[gram].0);
                    ngrams -= 1;
                }
                start += 1;
            }
            let gram = entering.gram as usize;
            counts[gram] += 1;
            if counts[gram] == 1 {
                weight += weigh(grams[gram].0);
                ngrams += 1;
                if best.as_ref().is_none_or(|best| weight > best.weight) {
                    let found = start..place + 1;
                    best = Some(Region {
                        weight,
                        ngrams,
                        found,
                    });
                }
            }
        }
        best
    }

    /// N-grams in the longest run that text and question have in common; at least 1.
    fn longest_run(&self, sequence: &[u32]) -> u32 {
        if self.grams.len() == sequence.len() {
            return self.longest_run_of_different();
        }
        // A run of k n-grams in common holds one of k - 1, so the longest can be found by halving.
        let ids: Vec<u64> = sequence
            .iter()
            .map(|gram| self.grams.partition_point(|(other, _)| other < gram) as u64)
            .collect();
        let chunks: Vec<Vec<u64>> = self
            .found
            .chunk_by(|a, b| a.word + 1 == b.word)
            .map(|chunk| chunk.iter().map(|found| u64::from(found.gram)).collect())
            .collect();
        let longest = chunks.iter().map(Vec::len).max().unwrap_or(0);
        let (mut known, mut bound) = (1, ids.len().min(longest) + 1);
        while bound - known > 1 {
            let middle = known.midpoint(bound);
            let in_question: HashSet<u64> = roll(&ids, middle, |id| *id).collect();
            let mut in_text = chunks.iter().flat_map(|chunk| roll(chunk, middle, |id| *id));
            if in_text.any(|hash| in_question.contains(&hash)) {
                known = middle;
            } else {
                bound = middle;
            }
        }
        known as u32
    }

    /// [`longest_run`](Self::longest_run) of a question whose n-grams all differ.
    fn longest_run_of_different(&self) -> u32 {
        let (mut longest, mut run) = (1, 1);
        for pair in self.found.windows(2) {
            let [place, next] = [pair[0], pair[1]].map(|found| self.grams[found.gram as usize].1);
            let goes_on = pair[0].word + 1 == pair[1].word && place + 1 == next;
            run = if goes_on { run + 1 } else { 1 };
            longest = longest.max(run);
        }
        longest
    }
}

/// The words that n-grams of `gram_words` cover, joined where they overlap or touch.
fn cover(found: &[Match], gram_words: u32) -> Vec<Range<usize>> {
    let mut covered: Vec<Range<usize>> = Vec::new();
    for found in found {
        let (start, end) = (found.word as usize, (found.word + gram_words) as usize);
        match covered.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => covered.push(start..end),
        }
    }
    covered
}

/// The words around `region` in which something of `length` words is looked for, in a text of `words` words.
fn near(region: Range<usize>, length: usize, words: usize) -> Range<usize> {
    let reach = NEAR_WORDS + 2 * length;
    region.start.saturating_sub(reach)..words.min(region.end + reach)
}

/// Share of `answer` among `words`, of which the first is word `start` of the text, those `covered` left out.
fn share_of_words(
    answer: &[u64],
    words: &[Word],
    start: usize,
    covered: &[Range<usize>],
    is_met: &mut Vec<bool>,
) -> f64 {
    let mut covered = covered.iter().peekable();
    let open = (start..).zip(words).filter(|(place, _)| {
        while covered.next_if(|run| run.end <= *place).is_some() {}
        covered.peek().is_none_or(|run| *place < run.start)
    });
    share_of(answer, open.map(|(_, word)| word.hash), is_met)
}

/// Share of the sorted `wanted`, at least one, that is in `hashes`.
fn share_of(wanted: &[u64], hashes: impl Iterator<Item = u64>, is_met: &mut Vec<bool>) -> f64 {
    is_met.clear();
    is_met.resize(wanted.len(), false);
    for hash in hashes {
        if let Ok(place) = wanted.binary_search(&hash) {
            is_met[place] = true;
        }
    }
    is_met.iter().filter(|is_met| **is_met).count() as f64 / wanted.len() as f64
}
