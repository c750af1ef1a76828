//! The content of zip members.

use std::io::{self, BufRead};

use gristmill_core::Fault;
use libdeflater::{DecompressionError, Decompressor};

use super::directory::Entry;
use crate::unpack::fill;

/// Most bytes that one stored byte of deflate can stand for.
const DEFLATE: u64 = 1032;
/// Base-2 logarithm of the largest zstd window, and decoder memory of xz.
const WINDOW_LOG: u32 = 27;
const XZ_MEMORY: u64 = 256 << 20;

/// Why a member is not read, whatever its bytes are.
pub(super) fn refusal(entry: &Entry, most: usize) -> Option<Fault> {
    if entry.flags & 0x2041 != 0 {
        return Some(Fault::unsupported("encrypted member"));
    }
    if entry.is_link {
        return Some(Fault::unsupported("symbolic link"));
    }
    if !matches!(entry.method, 0 | 8 | 12 | 93 | 95) {
        return Some(Fault::unsupported(format!("compression method {}", entry.method)));
    }
    let largest = entry.size.max(entry.stored);
    let is_known = !entry.has_descriptor() || entry.size > 0 || entry.stored > 0;
    (is_known && largest > most as u64)
        .then(|| Fault::limit(format!("member of {largest} bytes exceeds {most} bytes")))
}

/// Unpacks members; keeps its buffer between them.
pub(super) struct Unpacker {
    inflater: Decompressor,
    output: Vec<u8>,
    most: usize,
}

impl Unpacker {
    /// For members of at most `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Unpacker {
            inflater: Decompressor::new(),
            output: Vec::new(),
            most,
        }
    }

    /// The content of a member whose `stored` bytes, size and checksum are known.
    pub(super) fn unpack<'a>(&'a mut self, entry: &Entry, stored: &'a [u8]) -> Result<&'a [u8], Fault> {
        let content = match entry.method {
            0 => stored,
            8 => self.inflate(entry.size, stored)?,
            _ => self.stream(entry.method, stored)?.0,
        };
        check(content, entry.size, entry.crc)?;
        Ok(content)
    }

    fn inflate(&mut self, size: u64, stored: &[u8]) -> Result<&[u8], Fault> {
        // The size is believed as far as the stored bytes can carry it.
        let size = size.min(self.most as u64).min(stored.len() as u64 * DEFLATE) as usize;
        if self.output.len() < size.max(1) {
            self.output.resize(size.max(1), 0);
        }
        match self.inflater.deflate_decompress(stored, &mut self.output[..size]) {
            Ok(written) => Ok(&self.output[..written]),
            Err(DecompressionError::InsufficientSpace) => {
                Err(Fault::malformed("content is larger than the directory says"))
            }
            Err(DecompressionError::BadData) => Err(Fault::malformed("deflate data is damaged")),
        }
    }

    /// Unpacks a stream that tells its own end; gives how many bytes of `stored` it took as well.
    pub(super) fn stream(&mut self, method: u16, mut stored: &[u8]) -> Result<(&[u8], usize), Fault> {
        self.output.clear();
        let most = self.most as u64 + 1;
        let before = stored.len();
        let output = &mut self.output;
        let read = match method {
            8 => fill(flate2::bufread::DeflateDecoder::new(&mut stored), most, output),
            12 => fill(bzip2::bufread::BzDecoder::new(&mut stored), most, output),
            93 => unzstd(&mut stored, most, output),
            95 => unxz(&mut stored, most, output),
            _ => return Err(Fault::unsupported(format!("compression method {method}"))),
        };
        match read {
            Ok(read) if read as u64 == most => {
                Err(Fault::limit(format!("member exceeds {} bytes", self.most)))
            }
            Ok(_) => Ok((&self.output, before - stored.len())),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Fault::truncated("compressed data ends early"))
            }
            Err(error) => {
                let problem = error.to_string().to_lowercase();
                Err(Fault::malformed(format!("compressed data is damaged: {problem}")))
            }
        }
    }
}

fn unzstd(stored: &mut impl BufRead, most: u64, output: &mut Vec<u8>) -> io::Result<usize> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(stored)?.single_frame();
    decoder.window_log_max(WINDOW_LOG)?;
    fill(decoder, most, output)
}

fn unxz(stored: &mut impl BufRead, most: u64, output: &mut Vec<u8>) -> io::Result<usize> {
    let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0)?;
    fill(
        liblzma::bufread::XzDecoder::new_stream(stored, stream),
        most,
        output,
    )
}

/// Checks size and checksum.
pub(super) fn check(content: &[u8], size: u64, crc: u32) -> Result<(), Fault> {
    if content.len() as u64 != size {
        return Err(Fault::malformed(format!(
            "content has {} bytes and not {size}",
            content.len()
        )));
    }
    if libdeflater::crc32(content) != crc {
        return Err(Fault::malformed("checksum of the content is wrong"));
    }
    Ok(())
}
