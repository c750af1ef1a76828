//! Proxies: numbers that a CPU can measure of a sample in seconds, and that go along with what a model makes of the data.
//!
//! They are no substitute for training: they compare samples with texts that somebody has chosen, and say nothing of what a
//! model can do with them. Each is measured in every fold, on the same number of bytes of each recipe.
//!
//! - `bits_per_byte` of a target: how many bits a small model of bytes ([`super::ngram`]), trained on the sample, needs for a
//!   byte of the target. Lower is better.
//! - `kl_reduction` of a target: by how many bits the sample is nearer to the target than all documents are, as
//!   Kullback–Leibler divergence of hashed words and pairs of words in 10,000 buckets (DSIR: Xie et al. 2023,
//!   arXiv:2302.03169). Higher is better.
//! - `unique_5grams`: the share of runs of five words that are the first of their kind. Neither end is better.
//! - `repeated_13grams`: the share of runs of 13 words that an earlier document of the sample has too: copies left.
//! - `contaminated` by an evaluation set: the share of the sample's documents that hold a run of 13 words of one of its items, or
//!   a whole item of 8 to 12 words; case and marks do not count. Lower is better, and says nothing of quality.
//! - `domain_entropy`: the entropy of the hosts of the sample's documents, in bits.

use std::{
    collections::{HashMap, HashSet},
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{FOLDS, Folds, ngram::Model};

/// Most bytes of a recipe in a fold.
const FOLD_BYTES: usize = 256 << 10;
/// Most bytes of a target.
const TARGET_BYTES: usize = 128 << 10;
/// Buckets of words and pairs of words.
const BUCKETS: usize = 10_000;

/// Texts that samples are compared with.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) texts: Vec<String>,
}

/// A metric of all recipes, or controls.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) target: Option<String>,
    /// Whether higher values are better, where one end is.
    pub(crate) is_higher_better: Option<bool>,
    /// By recipe and fold.
    pub(crate) values: Vec<Vec<f64>>,
}

impl Metric {
    /// Its name with its target.
    pub(crate) fn title(&self) -> String {
        match &self.target {
            Some(target) => format!("{} of {target}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// The differences of two recipes, fold by fold; positive where the first is better, or higher.
    pub(crate) fn differences(&self, first: usize, second: usize) -> Vec<f64> {
        let sign = if self.is_higher_better == Some(false) {
            -1.0
        } else {
            1.0
        };
        let pairs = self.values[first].iter().zip(&self.values[second]);
        pairs.map(|(a, b)| sign * (a - b)).collect()
    }
}

/// The metrics of samples, and the bytes that each gave to a fold; none where a sample is too small to say anything.
pub(crate) fn metrics(
    samples: &[&Folds],
    pool: &Folds,
    targets: &[Target],
    evaluations: &[Target],
    threads: usize,
) -> Option<(Vec<Metric>, usize)> {
    let least = samples.iter().map(|folds| folds.least_bytes()).min()?;
    let bytes = least.min(pool.least_bytes()).min(FOLD_BYTES);
    if !pool.is_enough() || samples.iter().any(|folds| !folds.is_enough()) {
        return None;
    }
    let targets: Vec<(&Target, Vec<&str>)> = targets
        .iter()
        .map(|target| (target, cut(&target.texts)))
        .collect();
    let of_targets: Vec<Vec<f64>> = targets.iter().map(|(_, texts)| buckets(texts)).collect();
    let of_pool: Vec<Vec<f64>> = (0..FOLDS).map(|fold| buckets(&pool.texts(fold, bytes))).collect();
    let of_evaluations: Vec<Runs> = evaluations.iter().map(Runs::of).collect();
    let jobs: Vec<(usize, usize)> = (0..samples.len())
        .flat_map(|sample| (0..FOLDS).map(move |fold| (sample, fold)))
        .collect();
    let measured = in_parallel(&jobs, threads, |(sample, fold)| {
        let texts = samples[*sample].texts(*fold, bytes);
        let mut values = Vec::new();
        if !targets.is_empty() {
            let model = Model::train(&texts);
            let own = buckets(&texts);
            for ((_, target), of_target) in targets.iter().zip(&of_targets) {
                let size: usize = target.iter().map(|text| text.len()).sum();
                let bits: f64 = target.iter().map(|text| model.bits(text)).sum();
                values.push(bits / size.max(1) as f64);
                values.push(divergence(of_target, &of_pool[*fold]) - divergence(of_target, &own));
            }
        }
        for runs in &of_evaluations {
            let holds = |text: &&&str| runs.are_in(text);
            values.push(texts.iter().filter(holds).count() as f64 / texts.len().max(1) as f64);
        }
        values.extend(diversity(&texts));
        values.push(domain_entropy(samples[*sample], *fold, texts.len()));
        values
    });
    let mut names: Vec<(&'static str, Option<String>, Option<bool>)> = Vec::new();
    for (target, _) in &targets {
        names.push(("bits_per_byte", Some(target.name.clone()), Some(false)));
        names.push(("kl_reduction", Some(target.name.clone()), Some(true)));
    }
    names.extend(
        evaluations
            .iter()
            .map(|set| ("contaminated", Some(set.name.clone()), None)),
    );
    names.extend([
        ("unique_5grams", None, None),
        ("repeated_13grams", None, None),
        ("domain_entropy", None, None),
    ]);
    let of_metric = |place: usize| -> Vec<Vec<f64>> {
        measured
            .chunks(FOLDS)
            .map(|folds| folds.iter().map(|values| values[place]).collect())
            .collect()
    };
    let metrics = names
        .into_iter()
        .enumerate()
        .map(|(place, (name, target, is_higher_better))| Metric {
            name,
            target,
            is_higher_better,
            values: of_metric(place),
        });
    Some((metrics.collect(), bytes))
}

/// Runs of words of an evaluation set, as hashes by their length.
struct Runs(HashMap<usize, HashSet<u64>>);

impl Runs {
    /// Words of a run, and of the shortest item that is looked for.
    const WORDS: usize = 13;
    const LEAST: usize = 8;

    fn of(set: &Target) -> Self {
        let mut runs: HashMap<usize, HashSet<u64>> = HashMap::new();
        for text in &set.texts {
            let hashes = plain_words(text);
            let length = hashes.len().min(Runs::WORDS);
            if length >= Runs::LEAST {
                runs.entry(length)
                    .or_default()
                    .extend(hashes.windows(length).map(run));
            }
        }
        Runs(runs)
    }

    fn are_in(&self, text: &str) -> bool {
        let hashes = plain_words(text);
        self.0
            .iter()
            .any(|(length, runs)| hashes.windows(*length).any(|words| runs.contains(&run(words))))
    }
}

/// The hashes of the words of a text without case and marks.
fn plain_words(text: &str) -> Vec<u64> {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(|word| xxh3_64(word.to_lowercase().as_bytes()))
        .collect()
}

/// The hash of some words in their order.
fn run(words: &[u64]) -> u64 {
    words
        .iter()
        .fold(0, |run, word| xxh3_64_with_seed(&word.to_le_bytes(), run))
}

/// Does jobs on several threads; results are in the order of the jobs.
fn in_parallel<J: Sync, R: Send>(jobs: &[J], threads: usize, work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = NonZero::new(threads).map_or(1, NonZero::get);
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(place) else {
                    return done;
                };
                done.push((place, work(job)));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker does not panic"))
            .collect()
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Texts up to the most bytes of a target.
fn cut(texts: &[String]) -> Vec<&str> {
    let mut left = TARGET_BYTES;
    let mut taken = Vec::new();
    for text in texts {
        if left == 0 {
            break;
        }
        let text = &text[..text.floor_char_boundary(left)];
        left -= text.len().min(left);
        taken.push(text);
    }
    taken
}

/// Words and single marks, in lower case, as DSIR cuts them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|piece| {
        let mut rest = piece;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            rest = behind;
            Some(word)
        })
    })
}

/// The shares of words and pairs of words by bucket; half a one stands for what was not seen.
fn buckets(texts: &[&str]) -> Vec<f64> {
    let mut counts = vec![0.5; BUCKETS];
    for text in texts {
        let mut before = None;
        for word in words(text) {
            let hash = xxh3_64(word.to_lowercase().as_bytes());
            counts[(hash % BUCKETS as u64) as usize] += 1.0;
            if let Some(before) = before {
                counts[(xxh3_64_with_seed(&hash.to_le_bytes(), before) % BUCKETS as u64) as usize] += 1.0;
            }
            before = Some(hash);
        }
    }
    let all: f64 = counts.iter().sum();
    counts.iter_mut().for_each(|count| *count /= all);
    counts
}

/// Kullback–Leibler divergence in bits.
fn divergence(of: &[f64], from: &[f64]) -> f64 {
    of.iter().zip(from).map(|(p, q)| p * (p / q).log2()).sum()
}

/// The share of new runs of five words, and of runs of 13 words that an earlier text has.
fn diversity(texts: &[&str]) -> [f64; 2] {
    let (mut fives, mut all_fives) = (HashSet::new(), 0_usize);
    let (mut earlier, mut all_thirteens, mut repeated): (HashSet<u64>, usize, usize) = (HashSet::new(), 0, 0);
    for text in texts {
        let hashes: Vec<u64> = text
            .split_whitespace()
            .map(|word| xxh3_64(word.as_bytes()))
            .collect();
        for five in hashes.windows(5) {
            all_fives += 1;
            fives.insert(run(five));
        }
        let own: Vec<u64> = hashes.windows(13).map(run).collect();
        all_thirteens += own.len();
        repeated += own.iter().filter(|run| earlier.contains(run)).count();
        earlier.extend(own);
    }
    let share = |part: usize, whole: usize| {
        if whole == 0 {
            0.0
        } else {
            part as f64 / whole as f64
        }
    };
    [share(fives.len(), all_fives), share(repeated, all_thirteens)]
}

/// The entropy of the hosts of the first documents of a fold, in bits.
fn domain_entropy(folds: &Folds, fold: usize, documents: usize) -> f64 {
    let mut hosts: HashMap<&str, f64> = HashMap::new();
    let urls = folds.folds[fold]
        .iter()
        .take(documents)
        .filter_map(|document| document.url.as_deref());
    for url in urls {
        *hosts.entry(host(url)).or_default() += 1.0;
    }
    let all: f64 = hosts.values().sum();
    let mut shares: Vec<f64> = hosts.values().map(|count| count / all).collect();
    shares.sort_by(f64::total_cmp);
    -shares.iter().map(|share| share * share.log2()).sum::<f64>()
}

/// The host of a URL.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@')
        .map_or(host, |(_, host)| host)
        .split(':')
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_marks_are_cut_as_by_dsir() {
        let cut: Vec<&str> = words("It's 3.5€, isn't  it?!").collect();
        assert_eq!(
            cut,
            ["It", "'", "s", "3", ".", "5", "€,", "isn", "'", "t", "it", "?!"]
        );
        assert_eq!(host("https://user@www.example.org:80/a?b"), "www.example.org");
    }

    #[test]
    fn a_text_that_comes_again_is_repeated() {
        let text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
        assert_eq!(diversity(&[text]), [1.0, 0.0]);
        assert_eq!(diversity(&[text, text]), [0.5, 0.5]);
        assert!(divergence(&buckets(&[text]), &buckets(&[text])).abs() < 1e-12);
        assert!(divergence(&buckets(&[text]), &buckets(&["something else entirely"])) > 0.0);
    }
}
