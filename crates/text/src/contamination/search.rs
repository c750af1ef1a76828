//! The search of a text: n-grams that items hold, and places where items may be.

use super::{
    Benchmarks, Hit,
    benchmarks::Record,
    measure::Measure,
    words::{Word, find_words, hash_run, runs},
};

/// Steps for weighing items that every text is given, and more per word.
const STEPS: usize = 1 << 22;
const STEPS_PER_WORD: usize = 64;

/// Places to look at per text.
const PLACES_MAX: usize = 1 << 20;

/// Elements that a list keeps room for from one text to the next.
const KEPT_MAX: usize = 1 << 18;

/// The number of nothing.
const NONE: u32 = u32::MAX;

/// An n-gram of the text that items hold. Words are at most 2^32 - 1, as bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Match {
    /// Its first word.
    pub(super) word: u32,
    pub(super) gram: u32,
}

/// An item that may be in the text.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    item: u32,
    /// The weights of all its rare n-grams met.
    weight: u64,
    /// First and last word where an n-gram counts together with the rare ones met last.
    place: (u32, u32),
}

/// A part of the text where n-grams of a candidate count: first words of n-grams, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    candidate: u32,
    first: u32,
    last: u32,
}

/// Room for the search, to be used again for the next text; of no particular [`Benchmarks`].
#[derive(Debug, Default)]
pub struct Scratch {
    words: Vec<Word>,
    buffer: String,
    matches: Vec<Match>,
    /// By item: its candidate, or [`NONE`].
    candidate_of: Vec<u32>,
    candidates: Vec<Candidate>,
    places: Vec<Place>,
    order: Vec<u32>,
    measure: Measure,
}

impl Benchmarks {
    /// The items that `text` holds in part or whole, by falling score, then by number. Nearly always none.
    #[must_use]
    pub fn check(&self, text: &str, scratch: &mut Scratch) -> Vec<Hit> {
        if self.filter.is_empty() {
            return Vec::new();
        }
        find_words(text, &mut scratch.words, &mut scratch.buffer);
        self.find_matches(&scratch.words, &mut scratch.matches);
        let hits = if scratch.matches.is_empty() {
            Vec::new()
        } else {
            self.find_candidates(scratch);
            self.weigh_candidates(scratch)
        };
        scratch.shrink();
        hits
    }

    /// All n-grams that items hold, by first word.
    fn find_matches(&self, words: &[Word], matches: &mut Vec<Match>) {
        matches.clear();
        for (word, hash) in runs(words, self.settings.ngram).enumerate() {
            if self.filter.may_hold(hash)
                && let Some(gram) = self.table.get(hash)
            {
                let word = word as u32;
                matches.push(Match { word, gram });
            }
        }
        if self.short_filter.is_empty() {
            return;
        }
        let long = matches.len();
        for (word, hash) in runs(words, self.settings.min_words).enumerate() {
            if self.short_filter.may_hold(hash) {
                let lengths = self.short_lengths.iter();
                let short = lengths.filter_map(|length| words.get(word..word + length));
                let grams = short.filter_map(|words| self.table.get(hash_run(words)));
                let word = word as u32;
                matches.extend(grams.map(|gram| Match { word, gram }));
            }
        }
        if matches.len() > long {
            matches.sort_unstable();
        }
    }

    /// Follows rare n-grams to the items that hold them, and notes where these may be.
    fn find_candidates(&self, scratch: &mut Scratch) {
        let Scratch {
            matches,
            candidate_of,
            candidates,
            places,
            ..
        } = scratch;
        candidates.clear();
        places.clear();
        if candidate_of.len() < self.len() {
            candidate_of.resize(self.len(), NONE);
        }
        for &Match { word, gram } in matches.iter() {
            let weight = u64::from(self.weights[gram as usize]);
            for &item in self.seeds(gram) {
                let record = self.item(item);
                let reach = region_words(record) - record.gram_words;
                let (first, last) = (word.saturating_sub(reach), word.saturating_add(reach));
                let is_full = places.len() + candidates.len() >= PLACES_MAX;
                let known = candidate_of[item as usize];
                if let Some(candidate) = candidates.get_mut(known as usize) {
                    candidate.weight += weight;
                    if first > candidate.place.1 {
                        if is_full {
                            continue;
                        }
                        places.push(candidate.close(known));
                        candidate.place.0 = first;
                    }
                    candidate.place.1 = last;
                } else if !is_full {
                    candidate_of[item as usize] = candidates.len() as u32;
                    let place = (first, last);
                    candidates.push(Candidate { item, weight, place });
                }
            }
        }
        for (number, candidate) in candidates.iter().enumerate() {
            candidate_of[candidate.item as usize] = NONE;
            places.push(candidate.close(number as u32));
        }
        places.sort_unstable();
    }

    /// Measures the candidates, the weightiest first, as long as there are steps left.
    fn weigh_candidates(&self, scratch: &mut Scratch) -> Vec<Hit> {
        let Scratch {
            words,
            matches,
            candidates,
            places,
            order,
            measure,
            ..
        } = scratch;
        order.clear();
        order.extend(0..candidates.len() as u32);
        order.sort_unstable_by_key(|&number| {
            let candidate = &candidates[number as usize];
            (std::cmp::Reverse(candidate.weight), candidate.item)
        });
        let mut steps = STEPS + STEPS_PER_WORD * words.len();
        let mut hits = Vec::new();
        for &number in order.iter() {
            let item = candidates[number as usize].item;
            let start = places.partition_point(|place| place.candidate < number);
            let own = places[start..]
                .iter()
                .take_while(|place| place.candidate == number);
            measure.begin(self, item);
            for place in own {
                let start = matches.partition_point(|found| found.word < place.first);
                let end = matches.partition_point(|found| found.word <= place.last);
                measure.add(&matches[start..end]);
            }
            let Some(left) = steps.checked_sub(measure.steps(self, item)) else {
                break;
            };
            steps = left;
            hits.extend(measure.finish(self, item, words));
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        hits
    }
}

impl Candidate {
    fn close(&self, candidate: u32) -> Place {
        let (first, last) = self.place;
        Place {
            candidate,
            first,
            last,
        }
    }
}

/// Words of text within which n-grams of an item count together.
pub(super) fn region_words(item: &Record) -> u32 {
    item.words + item.words / 2 + 10
}

impl Scratch {
    /// Gives room back that only a huge text needs.
    fn shrink(&mut self) {
        fn shrink<T>(list: &mut Vec<T>) {
            list.clear();
            list.shrink_to(KEPT_MAX);
        }
        if self.words.capacity() > KEPT_MAX {
            shrink(&mut self.words);
            shrink(&mut self.matches);
            shrink(&mut self.candidates);
            shrink(&mut self.places);
            shrink(&mut self.order);
            self.buffer = String::new();
            self.measure = Measure::default();
        }
    }
}
