//! How much work one document may make.
//!
//! A few kilobytes can ask for terabytes: streams unfold a thousandfold, forms draw forms. Everything that a
//! document asks for is counted, and the count that runs out is a `limit`.

use gristmill_core::{Fault, Limits};

/// The most drawing operators of a document. A dense page has some ten thousand.
const OPERATORS: usize = 50_000_000;
/// The most glyphs of a page.
const GLYPHS: usize = 2_000_000;
/// The most bytes of all decoded streams, in records of the longest size.
const RECORDS_OF_STREAMS: usize = 8;

/// What is left for a document.
#[derive(Debug)]
pub(super) struct Budget {
    /// The longest stream and the longest text.
    pub(super) longest: usize,
    stream_bytes: usize,
    operators: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Budget {
            longest: limits.record_bytes,
            stream_bytes: limits.record_bytes.saturating_mul(RECORDS_OF_STREAMS),
            operators: OPERATORS,
        }
    }

    /// Takes the bytes of a decoded stream.
    pub(super) fn take_stream(&mut self, bytes: usize) -> Result<(), Fault> {
        self.stream_bytes = self.stream_bytes.checked_sub(bytes).ok_or_else(|| {
            Fault::limit(format!(
                "streams of the document exceed {} bytes",
                self.longest.saturating_mul(RECORDS_OF_STREAMS)
            ))
        })?;
        Ok(())
    }

    /// Takes one operator of a content stream.
    pub(super) fn take_operator(&mut self) -> Result<(), Fault> {
        self.operators = self
            .operators
            .checked_sub(1)
            .ok_or_else(|| Fault::limit(format!("document has more than {OPERATORS} operators")))?;
        Ok(())
    }

    /// Checks the glyphs that a page has so far, and the bytes of the text that they stand for.
    pub(super) fn check_glyphs(&self, glyphs: usize, text: usize) -> Result<(), Fault> {
        if glyphs > GLYPHS {
            return Err(Fault::limit(format!("page has more than {GLYPHS} glyphs")));
        }
        if text > self.longest {
            return Err(Fault::limit(format!(
                "text of a page exceeds {} bytes",
                self.longest
            )));
        }
        Ok(())
    }
}
