//! Drift: what moved between two datasets, told from the sketches and accounts of their manifests.
//!
//! Each measure is compared as counts in groups: the values of a category, up to 20 groups of bins of a column of numbers
//! that hold about the same number of values of both datasets together, rows without a value as a group of their own; for
//! rates of the account, rows that are counted and rows that are not. Groups of which fewer than five rows are expected in the smaller
//! dataset are joined with the next; where one group is left, nothing can be told. Of texts that are no category only rows
//! with and without a value are compared.
//!
//! Told are the Jensen–Shannon divergence (in bits, 0 to 1) and the population stability index (natural logarithm; common
//! practice calls .1 a small and .25 a large shift) of the groups' shares, and the p-value of the chi-squared test of
//! homogeneity. A measure *moved* if the p-value is below .005 divided by the number of measures (Bonferroni), so that
//! two samples of the same rows are called different in less than 1 % of comparisons, however many rows and measures they
//! have, and if the divergence is at least .0002 bits, so that datasets of very many rows are not called different for
//! what nobody would notice. The test takes rows as independent of each other; datasets of few, large sites differ by more
//! than that when other sites are drawn.

use std::collections::{BTreeMap, BTreeSet};

use gristmill_shard::{Account, Bin, Manifest, Sketch};

/// Most groups of a column of numbers.
const GROUPS: usize = 20;
/// Fewest rows in a group that are expected of the smaller dataset, if both are alike: with fewer, the chi-squared
/// distribution is not that of the test.
const EXPECTED_ROWS: f64 = 5.0;
/// The share of comparisons of equal datasets in which something is called moved.
const FALSE_ALARMS: f64 = 0.005;
/// The least divergence that is called moved, in bits.
const LEAST_DIVERGENCE: f64 = 0.0002;

/// A measure in two datasets.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The column, or the rate of the account, such as `reject_rate[min_words]`.
    pub measure: String,
    /// Jensen–Shannon divergence in bits.
    pub divergence: f64,
    /// Population stability index.
    pub psi: f64,
    /// The probability that two samples of the same rows differ as much or more.
    pub p_value: f64,
    /// Whether it moved; see the module.
    pub has_moved: bool,
    /// What it was, in words.
    pub before: String,
    /// What it is, in words.
    pub after: String,
}

/// Rows of two datasets in one group.
type Pair = (u64, u64);

/// What is the same and what is not, the largest divergence first. Columns that only one of them has are left out.
pub fn drift(before: &Manifest, after: &Manifest) -> Vec<Drift> {
    let mut found: Vec<Drift> = rates(&before.account)
        .into_iter()
        .filter_map(|(name, was)| {
            let is = *rates(&after.account).get(&name)?;
            let groups = vec![(was.1 - was.0, is.1 - is.0), (was.0, is.0)];
            let groups = joined(groups, least_rows(was.1, is.1));
            let told = |(rows, all): Pair| match all {
                0 => "none".to_owned(),
                _ => percent(rows as f64 / all as f64),
            };
            Some(measured(name, &groups, told(was), told(is)))
        })
        .collect();
    for (modality, columns) in &before.sketches {
        let others = after.sketches.get(modality);
        for (column, was) in columns {
            if let Some(is) = others.and_then(|others| others.get(column)) {
                let (was_told, is_told) = told(was, is);
                found.push(measured(column.clone(), &groups(was, is), was_told, is_told));
            }
        }
    }
    let level = FALSE_ALARMS / found.len().max(1) as f64;
    for drift in &mut found {
        drift.has_moved = drift.p_value < level && drift.divergence >= LEAST_DIVERGENCE;
    }
    found.sort_by(|a, b| {
        let key = |drift: &Drift| (drift.has_moved, drift.divergence);
        let ((a_moved, a_by), (b_moved, b_by)) = (key(a), key(b));
        b_moved
            .cmp(&a_moved)
            .then(b_by.total_cmp(&a_by))
            .then_with(|| a.measure.cmp(&b.measure))
    });
    found
}

/// Jensen–Shannon divergence (bits) and population stability index of two sketches; none if one has numbers or categories
/// and the other has not, or if neither has.
pub(crate) fn distances(before: &Sketch, after: &Sketch) -> Option<(f64, f64)> {
    let are_categories = before.categories.is_some() && after.categories.is_some();
    let are_numbers = before.numbers.is_some() && after.numbers.is_some();
    let groups = (are_categories || are_numbers).then(|| groups(before, after))?;
    Some((divergence(&groups), stability(&groups)))
}

fn measured(measure: String, groups: &[Pair], before: String, after: String) -> Drift {
    Drift {
        measure,
        divergence: divergence(groups),
        psi: stability(groups),
        p_value: p_value(groups),
        has_moved: false,
        before,
        after,
    }
}

/// Rates of an account, as rows that are counted and all rows.
fn rates(account: &Account) -> BTreeMap<String, Pair> {
    let all = account.read + account.born;
    let own = [("keep_rate", account.kept), ("fault_rate", account.faulty())];
    let mut rates: BTreeMap<String, Pair> = own
        .into_iter()
        .map(|(name, rows)| (name.to_owned(), (rows, all)))
        .collect();
    for verdict in &account.verdicts {
        let rate = rates
            .entry(format!("reject_rate[{}]", verdict.rule))
            .or_insert((0, all));
        rate.0 += verdict.rows;
    }
    rates
}

fn groups(before: &Sketch, after: &Sketch) -> Vec<Pair> {
    let nulls = (before.nulls, after.nulls);
    let values = (before.values, after.values);
    let mut groups = match (&before.categories, &after.categories) {
        (Some(was), Some(is)) => {
            let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            let rows = |counts: &BTreeMap<String, u64>, name: &String| counts.get(name).copied().unwrap_or(0);
            let mut pairs: Vec<Pair> = names
                .into_iter()
                .map(|name| (rows(was, name), rows(is, name)))
                .collect();
            // Rare values stand together at the end.
            pairs.sort_by_key(|(was, is)| std::cmp::Reverse(was + is));
            pairs
        }
        _ if before.numbers.is_some() && after.numbers.is_some() => numbers(before, after),
        _ => vec![values],
    };
    groups.push(nulls);
    joined(groups, least_rows(values.0 + nulls.0, values.1 + nulls.1))
}

/// The rows of a group of which enough are expected in the smaller dataset.
fn least_rows(was: u64, is: u64) -> u64 {
    let (smaller, all) = (was.min(is).max(1) as f64, (was + is) as f64);
    (EXPECTED_ROWS * all / smaller).ceil() as u64
}

/// Bins of both, in groups of about equal size.
fn numbers(before: &Sketch, after: &Sketch) -> Vec<Pair> {
    let mut bins: BTreeMap<Bin, Pair> = BTreeMap::new();
    let of = |sketch: &Sketch| {
        let numbers = sketch.numbers.as_ref();
        numbers.map_or_else(Vec::new, |numbers| numbers.bins.iter().collect())
    };
    for (bin, rows) in of(before) {
        bins.entry(bin).or_default().0 += rows;
    }
    for (bin, rows) in of(after) {
        bins.entry(bin).or_default().1 += rows;
    }
    let all: u64 = bins.values().map(|(was, is)| was + is).sum();
    joined(bins.into_values().collect(), all.div_ceil(GROUPS as u64))
}

/// Joins neighbours until each group has this many rows.
fn joined(pairs: Vec<Pair>, least: u64) -> Vec<Pair> {
    let mut groups: Vec<Pair> = Vec::new();
    let mut is_open = false;
    for (was, is) in pairs {
        match groups.last_mut().filter(|_| is_open) {
            Some(last) => *last = (last.0 + was, last.1 + is),
            None => groups.push((was, is)),
        }
        is_open = groups.last().is_some_and(|(was, is)| was + is < least);
    }
    // What is left at the end belongs to the one before.
    if is_open && groups.len() > 1 {
        let (was, is) = groups.pop().expect("there are two");
        let last = groups.last_mut().expect("one is left");
        *last = (last.0 + was, last.1 + is);
    }
    groups
}

fn totals(groups: &[Pair]) -> (f64, f64) {
    let sum = |of: fn(&Pair) -> u64| groups.iter().map(of).sum::<u64>() as f64;
    (sum(|pair| pair.0), sum(|pair| pair.1))
}

fn divergence(groups: &[Pair]) -> f64 {
    let (all_was, all_is) = totals(groups);
    if all_was == 0.0 || all_is == 0.0 {
        return 0.0;
    }
    let part = |p: f64, middle: f64| if p > 0.0 { p * (p / middle).log2() } else { 0.0 };
    let shares = groups
        .iter()
        .map(|(was, is)| (*was as f64 / all_was, *is as f64 / all_is));
    let sum: f64 = shares
        .map(|(p, q)| part(p, (p + q) / 2.0) + part(q, (p + q) / 2.0))
        .sum();
    (sum / 2.0).max(0.0)
}

/// Half a row in each group stands for what was not seen.
fn stability(groups: &[Pair]) -> f64 {
    let (all_was, all_is) = totals(groups);
    if all_was == 0.0 || all_is == 0.0 {
        return 0.0;
    }
    let half = 0.5 * groups.len() as f64;
    let shares = groups.iter().map(|(was, is)| {
        (
            (*was as f64 + 0.5) / (all_was + half),
            (*is as f64 + 0.5) / (all_is + half),
        )
    });
    shares.map(|(p, q)| (p - q) * (p / q).ln()).sum()
}

/// Of the chi-squared test of homogeneity, by the approximation of Wilson and Hilferty.
fn p_value(groups: &[Pair]) -> f64 {
    let (all_was, all_is) = totals(groups);
    let freedom = groups.iter().filter(|(was, is)| was + is > 0).count() as f64 - 1.0;
    if all_was == 0.0 || all_is == 0.0 || freedom < 1.0 {
        return 1.0;
    }
    let ratio = (all_is / all_was).sqrt();
    let pairs = groups.iter().filter(|(was, is)| was + is > 0);
    let statistic: f64 = pairs
        .map(|(was, is)| (ratio * *was as f64 - *is as f64 / ratio).powi(2) / (was + is) as f64)
        .sum();
    let spread = 2.0 / (9.0 * freedom);
    let normal = ((statistic / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
    upper_tail(normal)
}

/// The share of a normal distribution above `z`; the error is below 1.2e-7 of the value (the fit of `erfc` in Press et al.,
/// Numerical Recipes, section 6.2).
fn upper_tail(z: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let polynomial = FIT.iter().rev().fold(0.0, |sum, factor| sum * t + factor);
    let tail = 0.5 * t * (polynomial - x * x).exp();
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// Both in words: quantiles of numbers; of categories those whose share changed most.
fn told(before: &Sketch, after: &Sketch) -> (String, String) {
    if let (Some(was), Some(is)) = (&before.categories, &after.categories) {
        let values: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let share = |sketch: &Sketch, value: &str| sketch.share(value).unwrap_or_default();
        let change = |value: &str| (share(before, value) - share(after, value)).abs();
        let mut values: Vec<&String> = values.into_iter().collect();
        values.sort_by(|a, b| change(b).total_cmp(&change(a)).then(a.cmp(b)));
        values.truncate(3);
        let told = |sketch: &Sketch| {
            let told = values
                .iter()
                .map(|value| format!("{value} {}", percent(share(sketch, value))));
            told.chain(without(sketch)).collect::<Vec<_>>().join(", ")
        };
        return (told(before), told(after));
    }
    let told = |sketch: &Sketch| {
        let numbers = sketch.numbers.as_ref().map(|numbers| {
            let [low, middle, high] = [0.05, 0.5, 0.95].map(|share| short(numbers.quantile(share)));
            format!("median {middle} ({low} to {high})")
        });
        let told: Vec<String> = numbers.into_iter().chain(without(sketch)).collect();
        if told.is_empty() {
            "no values".to_owned()
        } else {
            told.join(", ")
        }
    };
    (told(before), told(after))
}

fn without(sketch: &Sketch) -> Option<String> {
    (sketch.nulls > 0).then(|| format!("{} null", percent(sketch.null_rate())))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Three digits that matter.
fn short(value: f64) -> String {
    if value == 0.0 || value.abs() >= 100.0 {
        return format!("{value:.0}");
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let text = format!("{value:.*}", digits.clamp(0, 9) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringViewArray};
    use gristmill_shard::Sketcher;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    /// Numbers that depend on a seed alone, between 0 and 1.
    fn random(seed: u64) -> impl FnMut() -> f64 {
        let mut count = 0_u64;
        move || {
            count += 1;
            let hash = xxh3_64(&[seed.to_le_bytes(), count.to_le_bytes()].concat());
            (hash >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// Lengths of a log-normal distribution, a rate, and languages of which `swapped` are others.
    fn sample(seed: u64, rows: usize, factor: f64, swapped: f64) -> Manifest {
        let mut next = random(seed);
        let mut normal = move || {
            let (a, b) = (next().max(1e-12), next());
            ((-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos(), b)
        };
        let mut languages = Vec::new();
        let (mut lengths, mut shares) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let (z, share) = normal();
            lengths.push((6.0 + z).exp() * factor);
            shares.push(share);
            let (_, pick) = normal();
            languages.push(Some(match pick {
                pick if pick < swapped => "fi",
                pick if pick < 0.8 => "en",
                pick if pick < 0.95 => "de",
                _ => "fr",
            }));
        }
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("text_length", Arc::new(Float64Array::from(lengths))),
            ("text_share", Arc::new(Float64Array::from(shares))),
            (
                "text_language",
                Arc::new(languages.into_iter().collect::<StringViewArray>()),
            ),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut sketcher = Sketcher::new(&batch.schema());
        sketcher.add(&batch).unwrap();
        let mut next = random(seed ^ 0xffff);
        let kept = (0..rows).filter(|_| next() < 0.4).count() as u64;
        Manifest {
            account: Account {
                read: rows as u64,
                kept,
                ..Account::default()
            },
            sketches: BTreeMap::from([("text".to_owned(), sketcher.finish())]),
            ..Manifest::default()
        }
    }

    fn moved(before: &Manifest, after: &Manifest) -> Vec<String> {
        let all = drift(before, after).into_iter();
        all.filter(|drift| drift.has_moved)
            .map(|drift| drift.measure)
            .collect()
    }

    #[test]
    fn samples_of_the_same_rows_have_not_moved() {
        let false_alarms = (0..300)
            .filter(|seed| {
                !moved(
                    &sample(2 * seed, 1000, 1.0, 0.0),
                    &sample(2 * seed + 1, 1000, 1.0, 0.0),
                )
                .is_empty()
            })
            .count();
        assert!(
            false_alarms <= 3,
            "{false_alarms} of 300 comparisons of 1,000 rows"
        );
        let samples: Vec<Manifest> = (0..8)
            .map(|seed| sample(1000 + seed, 100_000, 1.0, 0.0))
            .collect();
        for (number, before) in samples.iter().enumerate() {
            for after in &samples[number + 1..] {
                assert_eq!(moved(before, after), [""; 0], "of 100,000 rows");
            }
        }
    }

    #[test]
    fn a_small_dataset_beside_a_large_one_has_not_moved() {
        let large = sample(5000, 100_000, 1.0, 0.0);
        let alarms = (0..200).filter(|seed| !moved(&large, &sample(6000 + seed, 1000, 1.0, 0.0)).is_empty());
        let alarms = alarms.count();
        assert!(alarms <= 2, "{alarms} of 200");
        // One rare row among a thousand, none or five among a hundred thousand.
        for pair in [(0, 1), (5, 1)] {
            let groups = joined(vec![(100_000, 999), pair], least_rows(100_000, 1000));
            assert_eq!(groups.len(), 1);
        }
    }

    #[test]
    fn a_text_that_is_missing_more_often_has_moved() {
        let with = |nulls: u64| Manifest {
            account: Account::default(),
            sketches: BTreeMap::from([(
                "text".to_owned(),
                BTreeMap::from([(
                    "text_title".to_owned(),
                    Sketch {
                        values: 10_000 - nulls,
                        nulls,
                        ..Sketch::default()
                    },
                )]),
            )]),
            ..Manifest::default()
        };
        assert_eq!(moved(&with(0), &with(500)), ["text_title"]);
        assert_eq!(distances(&Sketch::default(), &Sketch::default()), None);
    }

    #[test]
    fn a_shift_of_lengths_and_a_swap_of_languages_are_found() {
        let before = sample(1, 100_000, 1.0, 0.0);
        assert_eq!(moved(&before, &sample(2, 100_000, 1.1, 0.0)), ["text_length"]);
        assert_eq!(moved(&before, &sample(3, 100_000, 1.0, 0.02)), ["text_language"]);
        // In a thousand rows, what is larger: half as much again, one document in twenty.
        let before = sample(4, 1000, 1.0, 0.0);
        assert_eq!(moved(&before, &sample(5, 1000, 1.5, 0.0)), ["text_length"]);
        assert_eq!(moved(&before, &sample(6, 1000, 1.0, 0.05)), ["text_language"]);
    }

    #[test]
    fn tails_and_distances_are_those_of_tables() {
        for (z, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_25),
            (1.96, 0.024_997_9),
            (4.0, 3.167_1e-5),
        ] {
            assert!((upper_tail(z) / tail - 1.0).abs() < 1e-5, "{z}");
        }
        // Shares 1/2, 1/2 against 1, 0: JSD is 0.3113 bits.
        assert!((divergence(&[(50, 100), (50, 0)]) - 0.311_278).abs() < 1e-6);
        // The statistic of this table is 8, with one degree of freedom.
        let p = p_value(&[(40, 60), (60, 40)]);
        assert!((p - 0.004_678).abs() < 0.000_3, "{p}");
    }
}
