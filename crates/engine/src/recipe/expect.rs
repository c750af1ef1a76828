//! Expectations: conditions on the account that gate the manifest.

use gristmill_shard::Account;

/// A condition on a metric of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    metric: Metric,
    error_if: Vec<Comparison>,
    warn_if: Vec<Comparison>,
}

/// What an expectation found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The metric as written.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// The comparison that was true.
    pub condition: String,
    /// Whether it stops the publication.
    pub is_error: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Metric {
    Rows,
    KeepRate,
    FaultRate,
    RejectRate(String),
}

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    operator: &'static str,
    bound: f64,
}

const OPERATORS: [&str; 6] = ["<=", ">=", "==", "!=", "<", ">"];

impl Expectation {
    /// Reads the three texts of an entry of `expect`.
    pub(crate) fn parse(metric: &str, error_if: Option<&str>, warn_if: Option<&str>) -> Result<Self, String> {
        let conditions = |text: Option<&str>| text.map_or(Ok(Vec::new()), parse_comparisons);
        Ok(Expectation {
            metric: Metric::parse(metric)?,
            error_if: conditions(error_if)?,
            warn_if: conditions(warn_if)?,
        })
    }

    /// The rule that the metric names, if any.
    pub(crate) fn rule(&self) -> Option<&str> {
        match &self.metric {
            Metric::RejectRate(rule) => Some(rule),
            _ => None,
        }
    }

    /// The comparisons that are true of an account.
    pub fn judge(&self, account: &Account) -> Vec<Verdict> {
        let value = self.metric.value(account);
        let conditions = self
            .error_if
            .iter()
            .map(|c| (c, true))
            .chain(self.warn_if.iter().map(|c| (c, false)));
        conditions
            .filter(|(comparison, _)| comparison.holds(value))
            .map(|(comparison, is_error)| Verdict {
                metric: self.metric.name(),
                value,
                condition: format!("{} {}", comparison.operator, comparison.bound),
                is_error,
            })
            .collect()
    }
}

impl Metric {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "rows" => Ok(Metric::Rows),
            "keep_rate" => Ok(Metric::KeepRate),
            "fault_rate" => Ok(Metric::FaultRate),
            _ => match text
                .strip_prefix("reject_rate[")
                .and_then(|rest| rest.strip_suffix(']'))
            {
                Some(rule) if !rule.is_empty() => Ok(Metric::RejectRate(rule.to_owned())),
                _ => Err(format!("unknown metric {text:?}")),
            },
        }
    }

    fn name(&self) -> String {
        match self {
            Metric::Rows => "rows".into(),
            Metric::KeepRate => "keep_rate".into(),
            Metric::FaultRate => "fault_rate".into(),
            Metric::RejectRate(rule) => format!("reject_rate[{rule}]"),
        }
    }

    /// The metric of an account; rates of an empty run are 0.
    fn value(&self, account: &Account) -> f64 {
        let rate = |rows: u64| {
            let all = account.read + account.born;
            if all == 0 { 0.0 } else { rows as f64 / all as f64 }
        };
        match self {
            Metric::Rows => account.kept as f64,
            Metric::KeepRate => rate(account.kept),
            Metric::FaultRate => rate(account.faulty()),
            Metric::RejectRate(rule) => rate(
                account
                    .verdicts
                    .iter()
                    .filter(|verdict| &verdict.rule == rule)
                    .map(|verdict| verdict.rows)
                    .sum(),
            ),
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
    use super::*;

    #[test]
    fn a_rate_out_of_bounds_is_an_error() {
        let account = Account {
            read: 100,
            kept: 1,
            ..Account::default()
        };
        let expectation = Expectation::parse("keep_rate", Some("< 0.02 or > 0.6"), None).unwrap();
        let verdicts = expectation.judge(&account);
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].is_error);
        assert_eq!(verdicts[0].condition, "< 0.02");
        assert!(
            expectation
                .judge(&Account {
                    read: 100,
                    kept: 30,
                    ..Account::default()
                })
                .is_empty()
        );
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Expectation::parse("keep", None, None).is_err());
        assert!(Expectation::parse("rows", Some("about 5"), None).is_err());
        assert!(Expectation::parse("rows", Some("< five"), None).is_err());
    }
}
