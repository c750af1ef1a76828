//! Why a run stops, and the exit code that says so.

use datafusion::error::DataFusionError;

use crate::recipe::Problem;

/// Why a run stopped. Bad data never does.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recipe has mistakes; nothing was read or written.
    #[error("{}", list(.0))]
    Recipe(Vec<Problem>),
    /// What was asked for beside the recipe cannot be; nothing was read or written.
    #[error("{0}")]
    Usage(String),
    /// The output was made, or begun, by another recipe or other versions.
    #[error("{0}")]
    PlanDiffers(String),
    /// Input is missing, or changed since the run began.
    #[error("{0}")]
    Input(String),
    /// An expectation does not hold; the manifest was not written.
    #[error("{0}")]
    Expectation(String),
    /// The store or the disk is not available: the same command may succeed later, and continues.
    #[error("{0}")]
    Unavailable(String),
    /// Everything that trying again does not help.
    #[error("{0}")]
    Failed(String),
}

/// A result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The command's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Failed(_) => 1,
            Error::Recipe(_) | Error::Usage(_) => 2,
            Error::PlanDiffers(_) => 3,
            Error::Input(_) => 4,
            Error::Expectation(_) => 5,
            Error::Unavailable(_) => 75,
        }
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl From<gristmill_shard::Error> for Error {
    fn from(error: gristmill_shard::Error) -> Self {
        match error {
            gristmill_shard::Error::Unavailable(message) => Error::Unavailable(message),
            gristmill_shard::Error::Failed(message) => Error::Failed(message),
        }
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<DataFusionError> for Error {
    /// Finds our own error at the bottom of DataFusion's, or reports DataFusion's.
    fn from(error: DataFusionError) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if let Some(own) = inner.downcast_ref::<Error>() {
                return own.copied();
            }
            if let Some(own) = inner.downcast_ref::<gristmill_shard::Error>() {
                return match own {
                    gristmill_shard::Error::Unavailable(message) => Error::Unavailable(message.clone()),
                    gristmill_shard::Error::Failed(message) => Error::Failed(message.clone()),
                };
            }
            let of_store = match inner.downcast_ref::<DataFusionError>() {
                Some(DataFusionError::ObjectStore(error)) => Some(error.as_ref()),
                // What reads Parquet wraps it once more.
                _ => inner.downcast_ref::<object_store::Error>(),
            };
            if let Some(error) = of_store {
                return gristmill_shard::Error::of_store(error, "cannot read what was staged or stored")
                    .into();
            }
            if let Some(DataFusionError::ResourcesExhausted(message)) =
                inner.downcast_ref::<DataFusionError>()
            {
                return Error::Failed(format!("{message}; give more memory with --memory"));
            }
            cause = inner.source();
        }
        Error::Failed(error.strip_backtrace())
    }
}

impl From<gristmill_core::Error> for Error {
    fn from(error: gristmill_core::Error) -> Self {
        let own = error
            .io()
            .and_then(|io| io.get_ref())
            .and_then(|inner| inner.downcast_ref::<Error>());
        own.map_or_else(|| Error::Failed(error.to_string()), Error::copied)
    }
}

impl Error {
    fn copied(&self) -> Self {
        match self {
            Error::Recipe(problems) => Error::Recipe(problems.clone()),
            Error::Usage(message) => Error::Usage(message.clone()),
            Error::PlanDiffers(message) => Error::PlanDiffers(message.clone()),
            Error::Input(message) => Error::Input(message.clone()),
            Error::Expectation(message) => Error::Expectation(message.clone()),
            Error::Unavailable(message) => Error::Unavailable(message.clone()),
            Error::Failed(message) => Error::Failed(message.clone()),
        }
    }
}
