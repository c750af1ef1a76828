//! What stops a run: a bad environment or a broken promise, never bad data.

use std::{fmt, io};

/// A bad environment (store, disk, model file) or a promise of ours that was broken.
///
/// Bad input is never an error; it is a [`Fault`](crate::Fault) in its row.
#[derive(Debug)]
pub struct Error {
    message: String,
    source: Option<io::Error>,
}

/// The result of everything that only a bad environment can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a message in lower case, without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Error {
            message: message.into(),
            source: None,
        }
    }

    /// Says what was being done when the error occurred.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        Error {
            message: format!("{what}: {}", self.message),
            source: self.source,
        }
    }

    /// The I/O error beneath, if that is what it was.
    pub fn io(&self) -> Option<&io::Error> {
        self.source.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Error {
            message: source.to_string(),
            source: Some(source),
        }
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Error::new(format!("arrow: {error}"))
    }
}
