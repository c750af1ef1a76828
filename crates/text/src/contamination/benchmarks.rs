//! The items of all evaluation sets, ready to be searched for.

use std::collections::{HashMap, hash_map::Entry};

use gristmill_core::{Error, Result};

use super::{
    Item, Settings,
    table::{Filter, Table},
    words::{Word, find_words, hash_run, runs},
};

/// An n-gram held by more items than this does not lead to them; it still counts where another one did.
pub(super) const SEED_ITEMS_MAX: u32 = 32;

/// Words of a question, an answer or a passage that are looked at.
pub(super) const ITEM_WORDS_MAX: usize = 4096;

/// Weights are whole numbers of this fraction, so that sums do not depend on their order.
const WEIGHT_UNIT: f64 = (1 << 20) as f64;

/// An evaluation set and what became of its items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Benchmark {
    /// The name given to [`add`](BenchmarksBuilder::add).
    pub name: String,
    /// All items.
    pub items: u32,
    /// Items not looked for: the question has fewer than [`Settings::min_words`] words.
    pub too_short: u32,
    /// Items not looked for: more than 32 items hold every n-gram of the question, and the rarest leads to 32 already.
    pub crowded: u32,
    /// Items looked for of which the question, answer or passage has more than 4,096 words; the rest is ignored.
    pub cut: u32,
}

/// What is kept of an item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) benchmark: u32,
    /// The end of the id in all ids.
    id_end: usize,
    /// Words of the question.
    pub(super) words: u32,
    /// Words of each of its n-grams; 0 if the item is not looked for.
    pub(super) gram_words: u32,
    /// Where its n-grams begin in the list of all sequences. There are `words - gram_words + 1`.
    sequence: usize,
    /// Different n-grams.
    pub(super) distinct: u32,
    /// Where its answer lies in the list of all answers' words.
    answer: Option<(usize, u32)>,
    passage: Option<u32>,
}

/// A passage, shared by the items that quote it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage<'a> {
    pub(super) words: u32,
    pub(super) gram_words: u32,
    /// Its different n-grams, sorted.
    pub(super) grams: &'a [u64],
}

/// Collects the items of evaluation sets, see [`Benchmarks`].
#[derive(Debug)]
pub struct BenchmarksBuilder {
    settings: Settings,
    parts: Parts,
    benchmark_numbers: HashMap<String, u32>,
    /// Numbers of n-grams by hash, and their hashes by number.
    gram_numbers: HashMap<u64, u32>,
    hashes: Vec<u64>,
    /// Items that hold an n-gram, and the last one of them.
    holders: Vec<(u32, u32)>,
    /// The first words of questions that are shorter than an n-gram.
    short_starts: Vec<u64>,
    /// Passages by the hash of all their words.
    passage_numbers: HashMap<u64, u32>,
    words: Vec<Word>,
    buffer: String,
}

/// What builder and result share.
#[derive(Debug, Default)]
struct Parts {
    benchmarks: Vec<Benchmark>,
    items: Vec<Record>,
    ids: String,
    /// The n-grams of all questions, in order.
    sequences: Vec<u32>,
    /// The different words of all answers, sorted within an answer.
    answers: Vec<u64>,
    /// Words, words of an n-gram, and end in the list of all passages' n-grams.
    passages: Vec<(u32, u32, usize)>,
    passage_grams: Vec<u64>,
}

impl BenchmarksBuilder {
    /// Begins without items. Fails if a setting is 0 or n-grams have more than 256 words.
    pub fn new(settings: Settings) -> Result<Self> {
        if settings.ngram == 0 || settings.ngram > 256 {
            return Err(Error::new(format!(
                "n-grams of {} words, not of 1 to 256",
                settings.ngram
            )));
        }
        if settings.min_words == 0 {
            return Err(Error::new("items of 0 words cannot be looked for"));
        }
        Ok(Self {
            settings,
            parts: Parts::default(),
            benchmark_numbers: HashMap::new(),
            gram_numbers: HashMap::new(),
            hashes: Vec::new(),
            holders: Vec::new(),
            short_starts: Vec::new(),
            passage_numbers: HashMap::new(),
            words: Vec::new(),
            buffer: String::new(),
        })
    }

    /// Adds an item; items are numbered from 0 over all evaluation sets. Fails from 2^32 items or words of
    /// questions on.
    pub fn add(&mut self, benchmark: &str, id: &str, item: Item<'_>) -> Result<u32> {
        let number = u32::try_from(self.parts.items.len()).unwrap_or(u32::MAX);
        if number == u32::MAX || self.parts.sequences.len() + ITEM_WORDS_MAX >= u32::MAX as usize {
            return Err(Error::new("evaluation sets of 2^32 items or words and more"));
        }
        let benchmark = self.benchmark_number(benchmark);
        self.parts.ids.push_str(id);
        let mut record = Record {
            benchmark,
            id_end: self.parts.ids.len(),
            words: 0,
            gram_words: 0,
            sequence: self.parts.sequences.len(),
            distinct: 0,
            answer: None,
            passage: None,
        };
        let mut is_cut = self.find_words(item.question);
        record.words = self.words.len() as u32;
        let is_long_enough = self.words.len() >= self.settings.min_words;
        if is_long_enough {
            record.gram_words = self.words.len().min(self.settings.ngram) as u32;
            record.distinct = self.add_grams(number, record.gram_words as usize);
            if self.words.len() < self.settings.ngram {
                let start = hash_run(&self.words[..self.settings.min_words]);
                self.short_starts.push(start);
            }
            is_cut |= item.answer.is_some_and(|answer| self.find_words(answer));
            record.answer = item.answer.and_then(|_| self.add_answer());
            is_cut |= item.passage.is_some_and(|passage| self.find_words(passage));
            record.passage = item.passage.and_then(|_| self.add_passage());
        }
        let counts = &mut self.parts.benchmarks[benchmark as usize];
        counts.items += 1;
        counts.too_short += u32::from(!is_long_enough);
        counts.cut += u32::from(is_long_enough && is_cut);
        self.parts.items.push(record);
        Ok(number)
    }

    fn benchmark_number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.benchmark_numbers.get(name) {
            return number;
        }
        let number = self.parts.benchmarks.len() as u32;
        self.benchmark_numbers.insert(name.to_owned(), number);
        self.parts.benchmarks.push(Benchmark {
            name: name.to_owned(),
            ..Benchmark::default()
        });
        number
    }

    /// Keeps the first words of `text` and tells whether there are more.
    fn find_words(&mut self, text: &str) -> bool {
        find_words(text, &mut self.words, &mut self.buffer);
        let is_cut = self.words.len() > ITEM_WORDS_MAX;
        self.words.truncate(ITEM_WORDS_MAX);
        is_cut
    }

    /// Numbers the n-grams of the words at hand and gives how many different ones there are.
    fn add_grams(&mut self, item: u32, gram_words: usize) -> u32 {
        let mut distinct = 0;
        for hash in runs(&self.words, gram_words) {
            let gram = match self.gram_numbers.entry(hash) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    self.holders.push((0, u32::MAX));
                    self.hashes.push(hash);
                    *entry.insert(self.hashes.len() as u32 - 1)
                }
            };
            let (count, last) = &mut self.holders[gram as usize];
            if *last != item {
                (*count, *last) = (*count + 1, item);
                distinct += 1;
            }
            self.parts.sequences.push(gram);
        }
        distinct
    }

    fn add_answer(&mut self) -> Option<(usize, u32)> {
        let mut hashes: Vec<u64> = self.words.iter().map(|word| word.hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let start = self.parts.answers.len();
        self.parts.answers.extend_from_slice(&hashes);
        (!hashes.is_empty()).then_some((start, hashes.len() as u32))
    }

    fn add_passage(&mut self) -> Option<u32> {
        if self.words.is_empty() {
            return None;
        }
        let number = self.parts.passages.len() as u32;
        match self.passage_numbers.entry(hash_run(&self.words)) {
            Entry::Occupied(entry) => return Some(*entry.get()),
            Entry::Vacant(entry) => entry.insert(number),
        };
        let gram_words = self.words.len().min(self.settings.ngram);
        let mut grams: Vec<u64> = runs(&self.words, gram_words).collect();
        grams.sort_unstable();
        grams.dedup();
        self.parts.passage_grams.extend_from_slice(&grams);
        let end = self.parts.passage_grams.len();
        self.parts
            .passages
            .push((self.words.len() as u32, gram_words as u32, end));
        Some(number)
    }

    /// Weighs the n-grams and makes them findable.
    pub fn build(self) -> Benchmarks {
        let mut parts = self.parts;
        let searched = parts.items.iter().filter(|item| item.gram_words > 0).count();
        let weigh = |&(count, _): &(u32, u32)| {
            ((1.0 + searched as f64 / f64::from(count)).ln() * WEIGHT_UNIT).round() as u32
        };
        let weights = self.holders.iter().map(weigh).collect();
        let seeds = Seeds::new(&mut parts, &self.holders);

        let lengths = parts.items.iter().map(|item| item.gram_words as usize);
        let is_short = |length: &usize| *length > 0 && *length < self.settings.ngram;
        let mut short_lengths: Vec<usize> = lengths.filter(is_short).collect();
        short_lengths.sort_unstable();
        short_lengths.dedup();
        Benchmarks {
            short_filter: Filter::new(self.short_starts.iter().copied()),
            settings: self.settings,
            filter: Filter::new(self.hashes.iter().copied()),
            table: Table::new(&self.hashes),
            short_lengths,
            parts,
            weights,
            seeds,
        }
    }
}

/// The items that an n-gram leads to.
#[derive(Debug)]
struct Seeds {
    /// Where the items of an n-gram begin; one more than there are n-grams.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Seeds {
    /// Every n-gram leads to the items that hold it if they are at most [`SEED_ITEMS_MAX`]. An item without such an
    /// n-gram is found by its rarest, the first among equals, as long as that has room; else it is counted as crowded.
    fn new(parts: &mut Parts, holders: &[(u32, u32)]) -> Self {
        let mut counts = vec![0_u32; holders.len()];
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (number, item) in parts.items.iter().enumerate() {
            let sequence = sequence(&parts.sequences, item);
            let before = pairs.len();
            let rare = |gram: &&u32| holders[**gram as usize].0 <= SEED_ITEMS_MAX;
            pairs.extend(sequence.iter().filter(rare).map(|&gram| (gram, number as u32)));
            pairs[before..].sort_unstable();
            if pairs.len() == before {
                let rarest = sequence.iter().min_by_key(|gram| holders[**gram as usize].0);
                if let Some(&gram) = rarest {
                    if counts[gram as usize] < SEED_ITEMS_MAX {
                        pairs.push((gram, number as u32));
                    } else {
                        parts.benchmarks[item.benchmark as usize].crowded += 1;
                    }
                }
            }
            let mut last = None;
            for &(gram, _) in &pairs[before..] {
                counts[gram as usize] += u32::from(last != Some(gram));
                last = Some(gram);
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = Vec::with_capacity(holders.len() + 1);
        let mut start = 0;
        for count in counts {
            starts.push(start);
            start += count;
        }
        starts.push(start);
        let items = pairs.into_iter().map(|(_, item)| item).collect();
        Self { starts, items }
    }
}

fn sequence<'a>(sequences: &'a [u32], item: &Record) -> &'a [u32] {
    match item.gram_words {
        0 => &[],
        length => &sequences[item.sequence..][..(item.words - length + 1) as usize],
    }
}

/// The items of evaluation sets, ready to be searched for in texts by any number of threads.
#[derive(Debug)]
pub struct Benchmarks {
    pub(super) settings: Settings,
    pub(super) filter: Filter,
    pub(super) table: Table,
    /// The first [`Settings::min_words`] words of questions that are one short n-gram.
    pub(super) short_filter: Filter,
    /// The lengths below n of questions that are one n-gram, ascending.
    pub(super) short_lengths: Vec<usize>,
    parts: Parts,
    /// By n-gram.
    pub(super) weights: Vec<u32>,
    seeds: Seeds,
}

impl Benchmarks {
    /// The evaluation sets in the order of their first items; [`Hit::benchmark`](super::Hit::benchmark) counts them.
    #[must_use]
    pub fn benchmarks(&self) -> &[Benchmark] {
        &self.parts.benchmarks
    }

    /// The id of item `number`; `None` if there is none of this number.
    #[must_use]
    pub fn id(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let end = self.parts.items.get(number)?.id_end;
        let before = number
            .checked_sub(1)
            .map_or(0, |before| self.parts.items[before].id_end);
        Some(&self.parts.ids[before..end])
    }

    /// Items, with those that are not looked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.items.len()
    }

    /// Whether there are no items at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.items.is_empty()
    }

    /// Bytes on the heap, names of evaluation sets left out.
    #[must_use]
    pub fn memory(&self) -> usize {
        let parts = &self.parts;
        self.filter.memory()
            + self.short_filter.memory()
            + self.table.memory()
            + size_of::<Record>() * parts.items.capacity()
            + parts.ids.capacity()
            + 4 * (parts.sequences.capacity() + self.weights.capacity())
            + 4 * (self.seeds.starts.capacity() + self.seeds.items.capacity())
            + 8 * (parts.answers.capacity() + parts.passage_grams.capacity())
            + size_of::<(u32, u32, usize)>() * parts.passages.capacity()
    }

    pub(super) fn item(&self, number: u32) -> &Record {
        &self.parts.items[number as usize]
    }

    /// The n-grams of an item's question, in order.
    pub(super) fn sequence(&self, item: &Record) -> &[u32] {
        sequence(&self.parts.sequences, item)
    }

    /// The different words of an item's answer, sorted.
    pub(super) fn answer(&self, item: &Record) -> Option<&[u64]> {
        let (start, length) = item.answer?;
        Some(&self.parts.answers[start..start + length as usize])
    }

    pub(super) fn passage(&self, item: &Record) -> Option<Passage<'_>> {
        let number = item.passage? as usize;
        let (words, gram_words, end) = self.parts.passages[number];
        let before = number
            .checked_sub(1)
            .map_or(0, |before| self.parts.passages[before].2);
        Some(Passage {
            words,
            gram_words,
            grams: &self.parts.passage_grams[before..end],
        })
    }

    /// The items that an n-gram leads to.
    pub(super) fn seeds(&self, gram: u32) -> &[u32] {
        let [start, end] = [gram, gram + 1].map(|place| self.seeds.starts[place as usize] as usize);
        &self.seeds.items[start..end]
    }
}
