//! The account: where every row went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Rows in and rows out of a slice, a phase or a run.
///
/// It adds up when `read + born = kept + Σ verdicts + Σ faults`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Records read.
    pub read: u64,
    /// Documents born beyond the first of a record.
    pub born: u64,
    /// Rows kept.
    pub kept: u64,
    /// Rows rejected, by rule, in the order of the recipe.
    pub verdicts: Vec<RuleCount>,
    /// Rows with a fault, by kind.
    pub faults: BTreeMap<String, u64>,
}

/// How many rows left at a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The step of the recipe.
    pub step: String,
    /// The rule's name, which is the verdict.
    pub rule: String,
    /// Rows.
    pub rows: u64,
}

impl Account {
    /// Rows rejected by all rules.
    pub fn rejected(&self) -> u64 {
        self.verdicts.iter().map(|verdict| verdict.rows).sum()
    }

    /// Rows with any fault.
    pub fn faulty(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Whether every row is where it should be.
    pub fn adds_up(&self) -> bool {
        self.read + self.born == self.kept + self.rejected() + self.faulty()
    }

    /// Adds another slice of the same phase.
    pub fn add(&mut self, other: &Account) {
        self.read += other.read;
        self.born += other.born;
        self.kept += other.kept;
        self.add_exits(other);
    }

    /// Follows this phase with the next one, which read what this one kept.
    ///
    /// # Errors
    /// When the next phase read another number of rows.
    pub fn then(&mut self, next: &Account) -> Result<(), String> {
        if next.read != self.kept {
            return Err(format!(
                "one phase kept {} rows and the next read {}",
                self.kept, next.read
            ));
        }
        self.born += next.born;
        self.kept = next.kept;
        self.add_exits(next);
        Ok(())
    }

    fn add_exits(&mut self, other: &Account) {
        for verdict in &other.verdicts {
            match self
                .verdicts
                .iter_mut()
                .find(|v| v.step == verdict.step && v.rule == verdict.rule)
            {
                Some(known) => known.rows += verdict.rows,
                None => self.verdicts.push(verdict.clone()),
            }
        }
        for (kind, rows) in &other.faults {
            *self.faults.entry(kind.clone()).or_default() += rows;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(read: u64, kept: u64, rejected: u64) -> Account {
        let verdicts = vec![RuleCount {
            step: "text[0]".into(),
            rule: "long".into(),
            rows: rejected,
        }];
        Account {
            read,
            kept,
            verdicts,
            ..Account::default()
        }
    }

    #[test]
    fn a_missing_row_does_not_add_up() {
        assert!(account(3, 1, 2).adds_up());
        assert!(!account(3, 1, 1).adds_up());
    }

    #[test]
    fn phases_chain_by_what_was_kept() {
        let mut first = account(10, 4, 6);
        assert!(first.clone().then(&account(5, 5, 0)).is_err());
        first.then(&account(4, 3, 1)).unwrap();
        assert_eq!((first.read, first.kept, first.rejected()), (10, 3, 7));
        assert!(first.adds_up());
    }
}
