//! Zstandard frames: one frame a WARC record, after an optional dictionary frame.
//!
//! A compressed WARC may begin with a skippable frame of magic number `0x184D2A5D` that holds the dictionary of all
//! later frames, either as it is or as a zstd frame of its own. Other skippable frames are skipped. Windows are
//! bounded at 128 MiB, dictionaries at 16 MiB; what needs more is malformed.
//!
//! Sources: RFC 8878; <https://iipc.github.io/warc-specifications/specifications/warc-zstd/>.

use std::io::{self, BufRead, Read};

use ::zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};
use gristmill_core::{Error, Object, Result};

use crate::member::{Codec, Step};

/// Magic bytes of a frame.
pub(crate) const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Magic bytes of the skippable frame that holds a dictionary.
const DICTIONARY: [u8; 4] = [0x5d, 0x2a, 0x4d, 0x18];
/// Largest dictionary, as stored and as used.
const DICTIONARY_BYTES: u64 = 16 << 20;
/// Base-2 logarithm of the largest window: 128 MiB, the reference tool's default.
const WINDOW_LOG: u32 = 27;

/// Whether `head` begins with a skippable frame.
pub(crate) fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The decompressed bytes of a whole object.
pub(crate) fn decoder<R: BufRead>(stored: R, object: &dyn Object) -> Result<impl Read + use<R>> {
    let mut decoder = ::zstd::stream::read::Decoder::with_dictionary(stored, &dictionary(object)?)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(decoder)
}

/// The dictionary at the start of an object; empty when there is none, or none that can be used.
fn dictionary(object: &dyn Object) -> Result<Vec<u8>> {
    let head = object.read_at(0..object.len().min(8))?;
    let [a, b, c, d, e, f, g, h] = head[..] else {
        return Ok(Vec::new());
    };
    let length = u64::from(u32::from_le_bytes([e, f, g, h]));
    if [a, b, c, d] != DICTIONARY || length > DICTIONARY_BYTES || 8 + length > object.len() {
        return Ok(Vec::new());
    }
    let stored = object.read_at(8..8 + length)?;
    if !stored.starts_with(&FRAME) {
        return Ok(stored.to_vec());
    }
    let mut dictionary = Vec::new();
    let unpacked = ::zstd::stream::read::Decoder::new(&stored[..])
        .and_then(|decoder| decoder.take(DICTIONARY_BYTES).read_to_end(&mut dictionary));
    Ok(if unpacked.is_ok() { dictionary } else { Vec::new() })
}

/// Inflates frames one by one.
pub(crate) struct Frames {
    decoder: Decoder<'static>,
}

impl Frames {
    /// With the dictionary that the object brings along.
    pub(crate) fn new(object: &dyn Object) -> Result<Self> {
        let mut decoder = Decoder::with_dictionary(&dictionary(object)?)?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Frames { decoder })
    }
}

impl Codec for Frames {
    fn begins(&self, stored: &[u8]) -> bool {
        stored.starts_with(&FRAME) || is_skippable(stored)
    }

    fn magic(&self) -> &'static [u8] {
        &FRAME
    }

    fn restart(&mut self) -> Result<()> {
        self.decoder.reinit().map_err(Error::from)
    }

    fn step(&mut self, stored: &[u8], output: &mut [u8]) -> Result<Step, String> {
        let (mut input, mut output) = (InBuffer::around(stored), OutBuffer::around(output));
        let hint = self
            .decoder
            .run(&mut input, &mut output)
            .map_err(|error: io::Error| format!("zstd: {}", error.to_string().to_lowercase()))?;
        Ok(Step {
            consumed: input.pos(),
            produced: output.pos(),
            ended: hint == 0,
        })
    }
}
