//! Expectations: conditions on the account and on the columns of a dataset, which gate its manifest.

use gristmill_shard::{Manifest, Sketch};

use crate::{
    drift::{distances, drift},
    recipe::Place,
};

/// The metrics that a condition can be about, for messages.
pub(crate) const METRICS: &str = "rows, keep_rate, fault_rate, reject_rate[rule], null_rate[column], mean[column], p50[column] \
     and other percentiles, share[column=value]; beside a `baseline`: psi[column], jensen_shannon[column], moved";

/// A condition on a metric of the run.
#[derive(Debug, Clone)]
pub struct Expectation {
    metric: Metric,
    error_if: Vec<Comparison>,
    warn_if: Vec<Comparison>,
    baseline: Option<String>,
    pub(crate) place: Place,
}

/// What an expectation found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What was measured and which comparison is true of it, in words.
    pub text: String,
    /// Whether it stops the publication.
    pub is_error: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Metric {
    Rows,
    KeepRate,
    FaultRate,
    RejectRate(String),
    NullRate(String),
    Mean(String),
    Percentile(f64, String),
    Share(String, String),
    Psi(String),
    JensenShannon(String),
    Moved,
}

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    operator: &'static str,
    bound: f64,
}

const OPERATORS: [&str; 6] = ["<=", ">=", "==", "!=", "<", ">"];

/// The texts of an entry of `expect`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Texts<'a> {
    pub(crate) metric: &'a str,
    pub(crate) error_if: Option<&'a str>,
    pub(crate) warn_if: Option<&'a str>,
    pub(crate) baseline: Option<&'a str>,
}

impl Expectation {
    /// Reads an entry of `expect`.
    pub(crate) fn parse(texts: Texts<'_>, place: Place) -> Result<Self, String> {
        let conditions = |text: Option<&str>| text.map_or(Ok(Vec::new()), parse_comparisons);
        let metric = Metric::parse(texts.metric)?;
        match (metric.needs_baseline(), texts.baseline) {
            (true, None) => {
                return Err(format!(
                    "{} compares with a `baseline`, which is not given",
                    texts.metric
                ));
            }
            (false, Some(_)) => return Err(format!("{} does not look at a `baseline`", texts.metric)),
            _ => {}
        }
        Ok(Expectation {
            metric,
            error_if: conditions(texts.error_if)?,
            warn_if: conditions(texts.warn_if)?,
            baseline: texts.baseline.map(str::to_owned),
            place,
        })
    }

    /// The rule that the metric names, if any.
    pub(crate) fn rule(&self) -> Option<&str> {
        match &self.metric {
            Metric::RejectRate(rule) => Some(rule),
            _ => None,
        }
    }

    /// The column that the metric names, if any.
    pub(crate) fn column(&self) -> Option<&str> {
        match &self.metric {
            Metric::NullRate(column)
            | Metric::Mean(column)
            | Metric::Percentile(_, column)
            | Metric::Share(column, _)
            | Metric::Psi(column)
            | Metric::JensenShannon(column) => Some(column),
            Metric::Rows | Metric::KeepRate | Metric::FaultRate | Metric::RejectRate(_) | Metric::Moved => {
                None
            }
        }
    }

    /// The address of the dataset to compare with, if it does.
    pub(crate) fn baseline(&self) -> Option<&str> {
        self.baseline.as_deref()
    }

    /// The comparisons that are true of a dataset. A metric that has no value, because its column has none, is an error:
    /// what could not be looked at must not pass.
    pub fn judge(&self, manifest: &Manifest, baseline: Option<&Manifest>) -> Vec<Verdict> {
        let name = self.metric.name();
        let Some(value) = self.metric.value(manifest, baseline) else {
            return vec![Verdict {
                text: format!("{name} cannot be measured, because there are no such values"),
                is_error: !self.error_if.is_empty(),
            }];
        };
        let conditions = self
            .error_if
            .iter()
            .map(|c| (c, true))
            .chain(self.warn_if.iter().map(|c| (c, false)));
        conditions
            .filter(|(comparison, _)| comparison.holds(value))
            .map(|(comparison, is_error)| Verdict {
                text: format!(
                    "{name} is {}, which is {} {}",
                    (value * 1e4).round() / 1e4,
                    comparison.operator,
                    comparison.bound
                ),
                is_error,
            })
            .collect()
    }
}

impl Metric {
    fn parse(text: &str) -> Result<Self, String> {
        let unknown = || format!("unknown metric {text:?}");
        let Some((name, of)) = text.split_once('[') else {
            return match text {
                "rows" => Ok(Metric::Rows),
                "keep_rate" => Ok(Metric::KeepRate),
                "fault_rate" => Ok(Metric::FaultRate),
                "moved" => Ok(Metric::Moved),
                _ => Err(unknown()),
            };
        };
        let of = of
            .strip_suffix(']')
            .filter(|of| !of.is_empty())
            .ok_or_else(unknown)?
            .to_owned();
        match name {
            "reject_rate" => Ok(Metric::RejectRate(of)),
            "null_rate" => Ok(Metric::NullRate(of)),
            "mean" => Ok(Metric::Mean(of)),
            "psi" => Ok(Metric::Psi(of)),
            "jensen_shannon" => Ok(Metric::JensenShannon(of)),
            "share" => match of.split_once('=') {
                Some((column, value)) => Ok(Metric::Share(column.trim().into(), value.trim().into())),
                None => Err(format!(
                    "{text:?} does not say which value, as in share[text_language=en]"
                )),
            },
            _ => match name
                .strip_prefix('p')
                .and_then(|percent| percent.parse::<f64>().ok())
            {
                Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Metric::Percentile(percent, of)),
                _ => Err(unknown()),
            },
        }
    }

    fn needs_baseline(&self) -> bool {
        matches!(self, Metric::Psi(_) | Metric::JensenShannon(_) | Metric::Moved)
    }

    fn name(&self) -> String {
        match self {
            Metric::Rows => "rows".into(),
            Metric::KeepRate => "keep_rate".into(),
            Metric::FaultRate => "fault_rate".into(),
            Metric::RejectRate(rule) => format!("reject_rate[{rule}]"),
            Metric::NullRate(column) => format!("null_rate[{column}]"),
            Metric::Mean(column) => format!("mean[{column}]"),
            Metric::Percentile(percent, column) => format!("p{percent}[{column}]"),
            Metric::Share(column, value) => format!("share[{column}={value}]"),
            Metric::Psi(column) => format!("psi[{column}]"),
            Metric::JensenShannon(column) => format!("jensen_shannon[{column}]"),
            Metric::Moved => "moved".into(),
        }
    }

    /// The metric of a dataset; rates of an empty run are 0. None where a column has no values.
    fn value(&self, manifest: &Manifest, baseline: Option<&Manifest>) -> Option<f64> {
        let account = &manifest.account;
        let rate = |rows: u64| {
            let all = account.read + account.born;
            if all == 0 { 0.0 } else { rows as f64 / all as f64 }
        };
        let against = |column: &str| -> Option<(f64, f64)> {
            let (was, is) = (baseline?.sketch(column)?, manifest.sketch(column)?);
            distances(was, is)
        };
        match self {
            Metric::Rows => Some(account.kept as f64),
            Metric::KeepRate => Some(rate(account.kept)),
            Metric::FaultRate => Some(rate(account.faulty())),
            Metric::RejectRate(rule) => {
                let verdicts = account.verdicts.iter().filter(|verdict| &verdict.rule == rule);
                Some(rate(verdicts.map(|verdict| verdict.rows).sum()))
            }
            Metric::NullRate(column) => manifest.sketch(column).map(Sketch::null_rate),
            Metric::Mean(column) => manifest.sketch(column)?.mean(),
            Metric::Percentile(percent, column) => {
                let numbers = manifest.sketch(column)?.numbers.as_ref()?;
                Some(numbers.quantile(percent / 100.0))
            }
            Metric::Share(column, value) => manifest.sketch(column)?.share(value),
            Metric::Psi(column) => Some(against(column)?.1),
            Metric::JensenShannon(column) => Some(against(column)?.0),
            Metric::Moved => {
                let baseline = baseline?;
                let is_blind =
                    |manifest: &Manifest| manifest.account.kept > 0 && manifest.sketches.is_empty();
                if is_blind(baseline) || is_blind(manifest) {
                    return None;
                }
                let moved = drift(baseline, manifest);
                Some(moved.iter().filter(|drift| drift.has_moved).count() as f64)
            }
        }
    }
}

impl Comparison {
    fn holds(&self, value: f64) -> bool {
        match self.operator {
            "<" => value < self.bound,
            ">" => value > self.bound,
            "<=" => value <= self.bound,
            ">=" => value >= self.bound,
            "==" => value == self.bound,
            _ => value != self.bound,
        }
    }
}

fn parse_comparisons(text: &str) -> Result<Vec<Comparison>, String> {
    text.split(" or ")
        .map(|part| parse_comparison(part.trim()))
        .collect()
}

fn parse_comparison(text: &str) -> Result<Comparison, String> {
    let operator = OPERATORS.into_iter().find(|operator| text.starts_with(operator));
    let Some(operator) = operator else {
        return Err(format!(
            "{text:?} does not start with one of {}",
            OPERATORS.join(" ")
        ));
    };
    match text[operator.len()..].trim().parse() {
        Ok(bound) => Ok(Comparison { operator, bound }),
        Err(_) => Err(format!("{:?} is not a number", text[operator.len()..].trim())),
    }
}

#[cfg(test)]
mod tests {
    use gristmill_shard::Account;

    use super::*;

    fn texts<'a>(metric: &'a str, error_if: &'a str) -> Texts<'a> {
        Texts {
            metric,
            error_if: Some(error_if),
            ..Texts::default()
        }
    }

    fn judged(metric: &str, error_if: &str, kept: u64) -> Vec<Verdict> {
        let account = Account {
            read: 100,
            kept,
            ..Account::default()
        };
        let manifest = Manifest {
            account,
            ..Manifest::default()
        };
        let expectation = Expectation::parse(texts(metric, error_if), Place::Line(1, 1)).unwrap();
        expectation.judge(&manifest, None)
    }

    #[test]
    fn a_rate_out_of_bounds_is_an_error() {
        let verdicts = judged("keep_rate", "< 0.02 or > 0.6", 1);
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].is_error);
        assert_eq!(verdicts[0].text, "keep_rate is 0.01, which is < 0.02");
        assert!(judged("keep_rate", "< 0.02 or > 0.6", 30).is_empty());
    }

    #[test]
    fn what_has_no_value_does_not_pass() {
        let verdicts = judged("p50[text_word_count]", "< 10", 30);
        assert!(verdicts[0].is_error, "{verdicts:?}");
    }

    #[test]
    fn nonsense_is_refused() {
        let parse = |texts| Expectation::parse(texts, Place::Line(1, 1));
        for (metric, condition) in [
            ("keep", "> 1"),
            ("rows", "about 5"),
            ("rows", "< five"),
            ("p101[text_word_count]", "< 5"),
            ("p50[]", "< 5"),
            ("share[text_language]", "< 5"),
            ("psi[text_word_count]", "> 0.1"),
        ] {
            assert!(parse(texts(metric, condition)).is_err(), "{metric} {condition}");
        }
        let with_baseline = Texts {
            baseline: Some("out/"),
            ..texts("psi[text_word_count]", "> 0.1")
        };
        assert!(parse(with_baseline).is_ok());
        assert!(
            parse(Texts {
                metric: "rows",
                ..with_baseline
            })
            .is_err()
        );
    }
}
