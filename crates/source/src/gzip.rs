//! Gzip members: one member a WARC record, in the common case.
//!
//! A member that lies wholly in the input is inflated in one call of libdeflate, which is about twice as fast as
//! streaming. Its safe interface does not say where the member ended, so the end is looked for: it is the first
//! place that holds the checksum and length of what came out (the 8 bytes that close a member). That another
//! place before it holds the same 64 bits is as likely as a hash collision, and nobody can write a checksum into
//! content that covers itself, its record id and its date.
//!
//! Everything else (members beyond the look-ahead, damaged ones) is streamed through zlib, which is slower and
//! knows exactly what it consumed.
//!
//! Source: RFC 1952.

use flate2::{Decompress, FlushDecompress, Status};
use gristmill_core::Result;
use libdeflater::{DecompressionError, Decompressor};
use memchr::memmem;

use crate::member::{Codec, Step};

/// First bytes of a member: magic number and the only method there is.
const MAGIC: &[u8] = b"\x1f\x8b\x08";
/// Shortest header.
const HEADER: usize = 10;
/// Checksum and length.
const TRAILER: usize = 8;
/// Most inflated bytes of a member that is inflated in one call.
const WHOLE: usize = 8 << 20;
/// The window of every gzip stream.
const WINDOW_BITS: u8 = 15;

/// Inflates members one by one.
pub(crate) struct Members {
    whole: Decompressor,
    stream: Decompress,
}

impl Members {
    pub(crate) fn new() -> Self {
        Members {
            whole: Decompressor::new(),
            stream: Decompress::new_gzip(WINDOW_BITS),
        }
    }
}

impl Codec for Members {
    /// Reserved flag bits are never set, which rejects seven of eight accidental matches.
    fn begins(&self, stored: &[u8]) -> bool {
        stored.starts_with(MAGIC) && stored.get(3).is_some_and(|flags| flags & 0xe0 == 0)
    }

    fn whole(&mut self, stored: &[u8], output: &mut Vec<u8>, most: usize) -> Option<(usize, usize)> {
        loop {
            match self.whole.gzip_decompress(stored, output) {
                // The trailer of an empty member is zeros, which its body may hold too.
                Ok(0) => return None,
                Ok(produced) => {
                    let mut trailer = [0; TRAILER];
                    trailer[..4].copy_from_slice(&libdeflater::crc32(&output[..produced]).to_le_bytes());
                    trailer[4..].copy_from_slice(&(produced as u32).to_le_bytes());
                    let end = memmem::find(&stored[HEADER..], &trailer)? + HEADER + TRAILER;
                    return (produced <= most).then_some((end, produced));
                }
                Err(DecompressionError::InsufficientSpace) if output.len() < most.min(WHOLE) => {
                    let grown = (output.len() * 2).max(1 << 20).min(most.min(WHOLE));
                    output.resize(grown, 0);
                }
                Err(_) => return None,
            }
        }
    }

    fn magic(&self) -> &'static [u8] {
        MAGIC
    }

    fn restart(&mut self) -> Result<()> {
        self.stream = Decompress::new_gzip(WINDOW_BITS);
        Ok(())
    }

    fn step(&mut self, stored: &[u8], output: &mut [u8]) -> Result<Step, String> {
        let (read, written) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(stored, output, FlushDecompress::None)
            .map_err(|error| format!("gzip: {}", error.to_string().to_lowercase()))?;
        Ok(Step {
            consumed: (self.stream.total_in() - read) as usize,
            produced: (self.stream.total_out() - written) as usize,
            ended: status == Status::StreamEnd,
        })
    }
}
