//! What stops writing or reading shards: only the environment.

/// Why shards could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not answer, is overloaded, or the disk is full: the same command may succeed later.
    #[error("{0}")]
    Unavailable(String),
    /// Anything that trying again does not help: denied access, a broken file, a bug.
    #[error("{0}")]
    Failed(String),
}

/// A result of the shard room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Says what was being done.
    #[must_use]
    pub fn context(self, what: impl std::fmt::Display) -> Self {
        match self {
            Error::Unavailable(message) => Error::Unavailable(format!("{what}: {message}")),
            Error::Failed(message) => Error::Failed(format!("{what}: {message}")),
        }
    }

    /// Sorts an error of the object store into the two kinds.
    pub fn of_store(error: &object_store::Error, what: impl std::fmt::Display) -> Self {
        use object_store::Error as E;
        let chain = describe(error);
        match error {
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => Error::Failed(format!(
                "{what}: access denied: {chain}; check the credentials in the environment (AWS_*, GOOGLE_*, AZURE_*)"
            )),
            E::NotFound { .. } => Error::Failed(format!("{what}: not found: {chain}")),
            E::NotImplemented { .. } | E::NotSupported { .. } => {
                Error::Failed(format!("{what}: the store cannot do this: {chain}"))
            }
            _ if is_permission(error) => Error::Failed(format!("{what}: {chain}; check the permissions")),
            _ => Error::Unavailable(format!("{what}: {chain}; run the same command again to continue")),
        }
    }
}

/// The error and its causes in one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_permission(error: &object_store::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return matches!(
                io.kind(),
                std::io::ErrorKind::PermissionDenied
                    | std::io::ErrorKind::ReadOnlyFilesystem
                    | std::io::ErrorKind::NotADirectory
            );
        }
        cause = inner.source();
    }
    false
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Error::Failed(format!("parquet: {error}"))
    }
}

impl From<datafusion::arrow::error::ArrowError> for Error {
    fn from(error: datafusion::arrow::error::ArrowError) -> Self {
        Error::Failed(format!("arrow: {error}"))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Error::Unavailable(format!(
                "no space left for scratch files: {error}; free some or name another folder with --scratch, then run the same command again"
            )),
            _ => Error::Failed(error.to_string()),
        }
    }
}
