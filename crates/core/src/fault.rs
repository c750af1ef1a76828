//! Faults: bad data as a value in its row.
//!
//! A fault is stored in the `fault` column as `kind: detail`. The kind is one of five words, so that it can be
//! counted; the detail names value and bound, and holds no bytes of the input beyond short, escaped excerpts.

use std::fmt;

/// What is wrong with a record or document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind, for counting.
    pub kind: FaultKind,
    /// What exactly, in lower case without a full stop: "chunk size is not hexadecimal".
    pub detail: String,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The bytes break the rules of their format.
    Malformed,
    /// The bytes end too early.
    Truncated,
    /// A larger size, depth or count than [`Limits`](crate::Limits) allows.
    Limit,
    /// A valid variant that this version does not read.
    Unsupported,
    /// Our own code failed on this input (a caught panic): a bug worth reporting.
    Internal,
}

impl FaultKind {
    /// The word in the `fault` column.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Malformed => "malformed",
            FaultKind::Truncated => "truncated",
            FaultKind::Limit => "limit",
            FaultKind::Unsupported => "unsupported",
            FaultKind::Internal => "internal",
        }
    }
}

impl Fault {
    /// A fault of this kind.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        Fault {
            kind,
            detail: detail.into(),
        }
    }

    /// `malformed: …`
    pub fn malformed(detail: impl Into<String>) -> Self {
        Fault::new(FaultKind::Malformed, detail)
    }

    /// `truncated: …`
    pub fn truncated(detail: impl Into<String>) -> Self {
        Fault::new(FaultKind::Truncated, detail)
    }

    /// `limit: …`
    pub fn limit(detail: impl Into<String>) -> Self {
        Fault::new(FaultKind::Limit, detail)
    }

    /// `unsupported: …`
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Fault::new(FaultKind::Unsupported, detail)
    }

    /// `internal: …`
    pub fn internal(detail: impl Into<String>) -> Self {
        Fault::new(FaultKind::Internal, detail)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_kind_and_detail() {
        assert_eq!(
            Fault::limit("record of 65 MiB exceeds 64 MiB").to_string(),
            "limit: record of 65 MiB exceeds 64 MiB"
        );
    }
}
