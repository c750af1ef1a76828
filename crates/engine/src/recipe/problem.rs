//! Mistakes in a recipe: all of them at once, each with its place and a hint.

use std::fmt;

use super::yaml::Place;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the option of the command line.
    pub file: String,
    /// Line from 1, or 0 for an option of the command line.
    pub line: usize,
    /// Column from 1, or 0 for an option of the command line.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        write!(f, "\n    hint: {}", self.hint)
    }
}

/// Gathers problems of one file.
#[derive(Debug)]
pub(crate) struct Problems {
    file: String,
    found: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(file: impl Into<String>) -> Self {
        Problems {
            file: file.into(),
            found: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        let (file, line, column) = match place {
            Place::Line(line, column) => (self.file.clone(), *line, *column),
            Place::Option(option) => (option.to_string(), 0, 0),
        };
        let problem = Problem {
            file,
            line,
            column,
            message: message.into(),
            hint: hint.into(),
        };
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All problems in the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.found
    }
}

/// "did you mean …", or the list of what there is.
pub(crate) fn suggest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(unknown, &known) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.len() <= 24 => format!("one of: {}", known.join(", ")),
        None => "`gristmill list` shows what there is".to_owned(),
    }
}

/// The known name that a typing mistake could have come from.
pub(crate) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let score = |name: &&str| strsim::jaro_winkler(&unknown.to_lowercase(), name);
    let best = known
        .iter()
        .copied()
        .max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(&best) >= 0.8).then_some(best)
}
