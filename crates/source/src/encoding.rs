//! Codings of HTTP bodies: chunked transfer, then the chain of content encodings.
//!
//! `gzip`, `x-gzip`, `deflate` (zlib or bare), `br` and `zstd` are undone, the last one applied first. Archives
//! often keep a body decoded and its header as it was, so a coding is undone only where it is: gzip and zstd are
//! told by their magic bytes; deflate and brotli by whether they decode. Where they do not, the bytes are taken as
//! they are. A body that breaks off gives what could be decoded, as browsers do. Tokens that name no coding
//! (`utf-8`, `none`) are passed over; `compress` and the dictionary codings are `unsupported`.
//!
//! Limits: `encodings` layers; `record_bytes` of output in each.
//!
//! Source: RFC 9110, section 8.4; RFC 7932, RFC 8878.

use std::io::{self, Read};

use gristmill_core::{Fault, Limits};

use crate::{chunked, http::Message, magic, unpack::unpack, zstd};

/// Undoes codings; keeps its buffers between bodies.
pub(crate) struct Decoder {
    layers: usize,
    most: usize,
    from: Vec<u8>,
    to: Vec<u8>,
}

/// Decoded bytes that are enough to sniff a media type.
const HEAD: usize = 2048;
/// Most memory that is kept for the next body.
const KEPT: usize = 16 << 20;

impl Decoder {
    pub(crate) fn new(limits: &Limits) -> Self {
        Decoder {
            layers: limits.encodings,
            most: limits.record_bytes,
            from: Vec::new(),
            to: Vec::new(),
        }
    }

    /// The decoded body.
    pub(crate) fn decode(&mut self, message: &Message<'_>) -> Result<&[u8], Fault> {
        self.run(message, self.most, false)
    }

    /// The first bytes of the decoded body.
    pub(crate) fn decode_head(&mut self, message: &Message<'_>) -> Result<&[u8], Fault> {
        self.run(message, HEAD.min(self.most), true)
    }

    fn run(&mut self, message: &Message<'_>, most: usize, is_cut: bool) -> Result<&[u8], Fault> {
        let codings: Vec<Coding> = message
            .encodings
            .iter()
            .rev()
            .filter_map(|token| Coding::of(token).transpose())
            .collect::<Result<_, _>>()?;
        if codings.len() > self.layers {
            let (count, most) = (codings.len(), self.layers);
            return Err(Fault::limit(format!("{count} content encodings exceed {most}")));
        }
        for buffer in [&mut self.from, &mut self.to] {
            buffer.clear();
            if buffer.capacity() > KEPT {
                *buffer = Vec::new();
            }
        }
        if message.is_chunked {
            chunked::decode(message.body, &mut self.from);
        } else {
            self.from.extend_from_slice(message.body);
        }
        for coding in codings {
            // An inner layer has to give enough for the outer ones.
            let Some(length) = coding.undo(&self.from, &mut self.to, most) else {
                continue;
            };
            if length > most as u64 {
                if !is_cut {
                    return Err(Fault::limit(format!("decoded content exceeds {most} bytes")));
                }
                self.to.truncate(most);
            }
            std::mem::swap(&mut self.from, &mut self.to);
        }
        Ok(&self.from)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn of(token: &[u8]) -> Result<Option<Coding>, Fault> {
        let token = token.to_ascii_lowercase();
        Ok(Some(match &token[..] {
            b"gzip" | b"x-gzip" => Coding::Gzip,
            b"deflate" => Coding::Deflate,
            b"br" => Coding::Brotli,
            b"zstd" => Coding::Zstd,
            b"compress" | b"x-compress" | b"dcb" | b"dcz" => {
                let token = token.escape_ascii();
                return Err(Fault::unsupported(format!("content encoding \"{token}\"")));
            }
            _ => return Ok(None),
        }))
    }

    /// Puts decoded bytes into `output` and gives how many there are, up to `most` + 1: then `output` may hold fewer. `None` if
    /// `bytes` are not coded that way.
    fn undo(self, bytes: &[u8], output: &mut Vec<u8>, most: usize) -> Option<u64> {
        let most = most as u64 + 1;
        match self {
            Coding::Gzip => {
                let is_gzip = bytes.starts_with(b"\x1f\x8b");
                let decoder = || Ok(flate2::bufread::MultiGzDecoder::new(bytes));
                is_gzip.then(|| take(decoder, output, most)).flatten()
            }
            Coding::Deflate => {
                let zlib = || Ok(flate2::bufread::ZlibDecoder::new(bytes));
                let bare = || Ok(flate2::bufread::DeflateDecoder::new(bytes));
                let found = is_zlib(bytes).then(|| take(zlib, output, most)).flatten();
                found.or_else(|| {
                    (!magic::is_text(bytes))
                        .then(|| take(bare, output, most))
                        .flatten()
                })
            }
            Coding::Brotli => {
                let decoder = || Ok(brotli::Decompressor::new(bytes, 4096));
                (!magic::is_text(bytes))
                    .then(|| take(decoder, output, most))
                    .flatten()
            }
            Coding::Zstd => {
                let is_zstd = bytes.starts_with(&zstd::FRAME) || zstd::is_skippable(bytes);
                let decoder = || ::zstd::stream::read::Decoder::with_buffer(bytes);
                is_zstd.then(|| take(decoder, output, most)).flatten()
            }
        }
    }
}

/// Reads what can be read; nothing if that fails with nothing.
fn take<R: Read>(decoder: impl Fn() -> io::Result<R>, output: &mut Vec<u8>, most: u64) -> Option<u64> {
    match unpack(decoder, most, output) {
        Ok(length) => Some(length),
        Err(_) if output.is_empty() => None,
        Err(_) => Some(output.len() as u64),
    }
}

fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [cmf, flags, ..] if cmf & 15 == 8 && (u16::from(*cmf) << 8 | u16::from(*flags)) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PAGE: &[u8] = b"<!doctype html><title>all is grist that comes to the mill</title>";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
        encoder.write_all(bytes).unwrap();
        encoder.into_inner()
    }

    fn check(encoding: &str, body: &[u8], expected: Result<&[u8], &str>) {
        let limits = Limits {
            record_bytes: 1000,
            ..Limits::default()
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n");
        let bytes = [head.as_bytes(), body].concat();
        let message = Message::parse(&bytes, 1000).unwrap();
        let mut decoder = Decoder::new(&limits);
        let found = decoder.decode(&message).map_err(|fault| fault.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{encoding}");
    }

    #[test]
    fn every_coding_is_undone() {
        check("gzip", &gzip(PAGE), Ok(PAGE));
        check("X-GZIP", &gzip(PAGE), Ok(PAGE));
        check("br", &brotli(PAGE), Ok(PAGE));
        check("zstd", &::zstd::encode_all(PAGE, 3).unwrap(), Ok(PAGE));
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(PAGE).unwrap();
        check("deflate", &zlib.finish().unwrap(), Ok(PAGE));
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        bare.write_all(PAGE).unwrap();
        check("deflate", &bare.finish().unwrap(), Ok(PAGE));
    }

    #[test]
    fn a_chain_is_undone_from_its_end() {
        check("gzip, br", &brotli(&gzip(PAGE)), Ok(PAGE));
        check(
            "gzip, gzip, gzip, gzip",
            PAGE,
            Err("limit: 4 content encodings exceed 3"),
        );
    }

    #[test]
    fn a_body_that_is_already_decoded_is_taken_as_it_is() {
        for encoding in ["gzip", "deflate", "br", "zstd", "utf-8", "identity"] {
            check(encoding, PAGE, Ok(PAGE));
        }
    }

    #[test]
    fn a_body_that_breaks_off_gives_what_could_be_decoded() {
        let whole = gzip(PAGE);
        check("gzip", &whole[..whole.len() - 4], Ok(PAGE));
    }

    #[test]
    fn a_bomb_is_a_limit() {
        check(
            "gzip",
            &gzip(&[b' '; 1001]),
            Err("limit: decoded content exceeds 1000 bytes"),
        );
        check("compress", b"", Err("unsupported: content encoding \"compress\""));
    }
}
