//! What stops writing or reading shards: only the environment.

use std::io;

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

    /// Whether what is not found is the bucket.
    pub(crate) fn is_of_bucket(error: &(dyn std::error::Error + 'static)) -> bool {
        let chain = describe(error);
        ["NoSuchBucket", "ContainerNotFound"]
            .iter()
            .any(|sign| chain.contains(sign))
    }

    /// Sorts an error of a local disk into the two kinds.
    pub(crate) fn of_disk(error: &io::Error, what: impl std::fmt::Display) -> Self {
        match is_for_good(error) {
            true => Error::Failed(format!("{what}: {error}; check the permissions")),
            false => Error::Unavailable(format!("{what}: {error}; run the same command again to continue")),
        }
    }

    /// Sorts an error of the object store into the two kinds.
    pub fn of_store(error: &object_store::Error, what: impl std::fmt::Display) -> Self {
        use object_store::Error as E;
        let chain = describe(error);
        if let Some((advice, is_final)) = advice(&chain) {
            let message = format!("{what}: {chain}; {advice}");
            return if is_final {
                Error::Failed(message)
            } else {
                Error::Unavailable(message)
            };
        }
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

/// What to do about an answer, by what is known of such answers, and whether trying again does not change it.
fn advice(chain: &str) -> Option<(&'static str, bool)> {
    // A machine of the cloud asks these for its credentials; they may be out for a while.
    const METADATA: [&str; 3] = ["169.254.169.254", "metadata.google.internal", "169.254.170.2"];
    const ADVICE: [(&[&str], &str); 8] = [
        (
            &METADATA,
            "no credentials were found in the environment, and this machine has none of its own: set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, GOOGLE_SERVICE_ACCOUNT, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY; for what \
             is public, AWS_SKIP_SIGNATURE=true, GOOGLE_SKIP_SIGNATURE=true or AZURE_SKIP_SIGNATURE=true",
        ),
        (
            &[
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "without LOCATION",
                "301 Moved",
            ],
            "the bucket is in another region: set AWS_REGION to its region",
        ),
        (
            &[
                "NoSuchBucket",
                "ContainerNotFound",
                "specified bucket does not exist",
            ],
            "there is no bucket of this name: create it first, or check the address and AWS_ENDPOINT_URL",
        ),
        (
            &[
                "InvalidAccessKeyId",
                "SignatureDoesNotMatch",
                "InvalidAuthenticationInfo",
            ],
            "the store does not know these credentials: check them, and that they are of this store",
        ),
        (
            &["ExpiredToken", "TokenExpired"],
            "the credentials have expired: get new ones",
        ),
        (
            &["RequestTimeTooSkewed"],
            "the clock of this machine is wrong: set it",
        ),
        (
            &["URL scheme is not allowed", "invalid URL, scheme is not http"],
            "the endpoint is not encrypted: set AWS_ALLOW_HTTP=true (AZURE_ALLOW_HTTP, GOOGLE_ALLOW_HTTP) if that is right",
        ),
        (
            &["Account must be specified", "Missing bucket name"],
            "the store needs to be told more: set AZURE_STORAGE_ACCOUNT_NAME, or give the bucket in the address",
        ),
    ];
    let said = |signs: &[&str]| signs.iter().any(|sign| chain.contains(sign));
    let found = ADVICE.iter().find(|(signs, _)| said(signs));
    found.map(|(signs, advice)| (*advice, *signs != METADATA))
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
        if let Some(error) = inner.downcast_ref::<io::Error>() {
            return is_for_good(error);
        }
        cause = inner.source();
    }
    false
}

/// Whether trying again does not help.
fn is_for_good(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(
        error.kind(),
        E::PermissionDenied | E::ReadOnlyFilesystem | E::NotADirectory
    )
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
