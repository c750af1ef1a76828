//! Bounds on what is believed of input.

/// Bounds that every length read from input is checked against.
///
/// They count bytes and steps, never time, so that output does not depend on the machine. What exceeds one ends
/// in `Fault::limit`, with the value and the bound in its detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest record: header and content, uncompressed. 64 MiB.
    pub record_bytes: usize,
    /// Longest header block of a WARC record or HTTP message. 1 MiB.
    pub header_bytes: usize,
    /// Most layers of HTTP Content-Encoding. 3.
    pub encodings: usize,
    /// Deepest nesting of HTML elements that is kept as structure; deeper ones are flattened. 512.
    pub html_depth: usize,
    /// Most HTML nodes of one page. 2 million.
    pub html_nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            record_bytes: 64 << 20,
            header_bytes: 1 << 20,
            encodings: 3,
            html_depth: 512,
            html_nodes: 2_000_000,
        }
    }
}
