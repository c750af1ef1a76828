//! Settings of edits and dedup methods: what a recipe may say, and what holds when it does not.

use std::collections::BTreeMap;

use serde_json::Value;

/// A setting of an edit or a method.
#[derive(Debug)]
pub struct Setting {
    /// The key in recipes.
    pub name: &'static str,
    /// What may stand there, and what holds when nothing does.
    pub sort: Sort,
    /// What it means.
    pub about: &'static str,
}

/// What may stand at a setting.
#[derive(Debug, Clone, Copy)]
pub enum Sort {
    /// A whole number from `min` to `max`.
    Number {
        /// What holds when nothing is given.
        default: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A number above 0, up to 1.
    Share {
        /// What holds when nothing is given.
        default: f64,
    },
    /// A share, or `off`.
    ShareOrOff {
        /// What holds when nothing is given.
        default: f64,
    },
    /// One of these words; the first when nothing is given.
    Word(&'static [&'static str]),
    /// A size in bytes such as `512MiB`.
    Bytes {
        /// What holds when nothing is given.
        default: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
}

impl Sort {
    /// What holds when nothing is given.
    pub fn default(self) -> Given {
        match self {
            Sort::Number { default, .. } | Sort::Bytes { default, .. } => Given::Number(default),
            Sort::Share { default } | Sort::ShareOrOff { default } => Given::Share(Some(default)),
            Sort::Word(words) => Given::Word(words[0]),
        }
    }

    /// Reads what stands in a recipe; sizes are read by the caller, who knows their units.
    ///
    /// # Errors
    /// What may stand there.
    pub fn read(self, text: &str) -> Result<Given, String> {
        match self {
            Sort::Number { min, max, .. } | Sort::Bytes { min, max, .. } => text
                .parse()
                .ok()
                .filter(|number| (min..=max).contains(number))
                .map(Given::Number)
                .ok_or_else(|| format!("a whole number from {min} to {max}")),
            Sort::Share { .. } | Sort::ShareOrOff { .. } => {
                let is_off = matches!(self, Sort::ShareOrOff { .. }) && ["off", "false"].contains(&text);
                let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
                match share {
                    Some(share) => Ok(Given::Share(Some(share))),
                    None if is_off => Ok(Given::Share(None)),
                    None if matches!(self, Sort::ShareOrOff { .. }) => {
                        Err("a number above 0 and up to 1, or off".to_owned())
                    }
                    None => Err("a number above 0 and up to 1".to_owned()),
                }
            }
            Sort::Word(words) => words
                .iter()
                .find(|word| **word == text)
                .map(|word| Given::Word(word))
                .ok_or_else(|| format!("one of {}", words.join(", "))),
        }
    }
}

/// The value of a setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given {
    /// A number, or bytes.
    Number(u64),
    /// A share; `None` is `off`.
    Share(Option<f64>),
    /// A word.
    Word(&'static str),
}

/// The settings of an edit or a method, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings(BTreeMap<&'static str, Given>);

impl Settings {
    /// Those that were given, and the defaults of the others.
    pub fn new(all: &'static [Setting], given: impl IntoIterator<Item = (&'static str, Given)>) -> Self {
        let mut settings: BTreeMap<_, _> = all
            .iter()
            .map(|setting| (setting.name, setting.sort.default()))
            .collect();
        settings.extend(given);
        Settings(settings)
    }

    /// The number at a setting that is declared as one, or the bytes.
    ///
    /// # Panics
    /// When it is declared otherwise.
    pub fn number(&self, name: &str) -> u64 {
        match self.0[name] {
            Given::Number(number) => number,
            _ => unreachable!("{name} is declared as a number"),
        }
    }

    /// The share at a setting that is declared as one; none is `off`.
    ///
    /// # Panics
    /// When it is declared otherwise.
    pub fn share(&self, name: &str) -> Option<f64> {
        match self.0[name] {
            Given::Share(share) => share,
            _ => unreachable!("{name} is declared as a share"),
        }
    }

    /// The word at a setting that is declared as one.
    ///
    /// # Panics
    /// When it is declared otherwise.
    pub fn word(&self, name: &str) -> &'static str {
        match self.0[name] {
            Given::Word(word) => word,
            _ => unreachable!("{name} is declared as a word"),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they stand in the plan.
    pub fn to_json(&self) -> Value {
        let value = |given: &Given| match given {
            Given::Number(number) => Value::from(*number),
            Given::Share(Some(share)) => Value::from(*share),
            Given::Share(None) => Value::from("off"),
            Given::Word(word) => Value::from(*word),
        };
        let all = self
            .0
            .iter()
            .map(|(name, given)| ((*name).to_owned(), value(given)));
        Value::Object(all.collect())
    }
}
