//! Compression of stored objects: how it is recognised, and how it is undone.
//!
//! Recognised by the first bytes: gzip, zstd (also with leading skippable frames, such as the dictionary frame of
//! WARC files), bzip2, xz, LZ4 frames. Brotli has no magic bytes and is recognised by the ending `.br` alone.
//! Concatenated streams (gzip members, zstd frames, bzip2 and xz streams, LZ4 frames) read as one.
//!
//! Memory: zstd windows are bounded at 128 MiB and xz at 256 MiB of decoder memory, as the reference tools do;
//! what needs more is damage. Output is a stream, so that a bomb costs time in proportion to its output but no
//! memory; formats bound what they take from it.
//!
//! Sources: RFC 1952, RFC 8878, RFC 7932, the bzip2 and xz formats, the LZ4 frame format.

use std::{
    fmt,
    io::{self, BufReader, Read},
    ops::Range,
    sync::Arc,
};

use gristmill_core::{Error, Fault, Object, Result};

use crate::zstd;

/// How an object is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// RFC 7932.
    Brotli,
    /// LZ4 frames.
    Lz4,
}

/// How an object is compressed, from its name and its first bytes (16 are enough).
///
/// Bytes decide. The name is asked only for brotli, which has no magic bytes.
pub fn compression(name: &str, head: &[u8]) -> Compression {
    const MAGIC: &[(&[u8], Compression)] = &[
        (b"\x1f\x8b\x08", Compression::Gzip),
        (&zstd::FRAME, Compression::Zstd),
        (b"BZh", Compression::Bzip2),
        (b"\xfd7zXZ\0", Compression::Xz),
        (b"\x04\x22\x4d\x18", Compression::Lz4),
    ];
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *found;
    }
    if zstd::is_skippable(head) {
        return Compression::Zstd;
    }
    match compression_by_name(name) {
        Compression::Brotli => Compression::Brotli,
        _ => Compression::None,
    }
}

/// How an object is compressed, as far as its name says.
pub(crate) fn compression_by_name(name: &str) -> Compression {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let known = Compression::ENDINGS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(ending));
    known.map_or(Compression::None, |(_, compression)| *compression)
}

impl Compression {
    /// Usual file-name endings.
    pub(crate) const ENDINGS: [(&'static str, Compression); 7] = [
        ("gz", Compression::Gzip),
        ("zst", Compression::Zstd),
        ("zstd", Compression::Zstd),
        ("bz2", Compression::Bzip2),
        ("xz", Compression::Xz),
        ("br", Compression::Brotli),
        ("lz4", Compression::Lz4),
    ];

    /// The name on cards, and the encoding token of HTTP where there is one.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::Brotli => "brotli",
            Compression::Lz4 => "lz4",
        }
    }
}

/// Decoder memory of xz: what `xz -9` needs is 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// How an object is compressed, from its name and its own first bytes.
pub(crate) fn compression_of(object: &dyn Object) -> Result<Compression> {
    let head = object.read_at(0..object.len().min(16))?;
    Ok(compression(object.uri(), &head))
}

/// Whether `range` is the one that gives everything of an object that cannot be cut.
pub(crate) fn is_first(object: &dyn Object, range: &Range<u64>) -> bool {
    range.start == 0 && (range.end > 0 || object.is_empty())
}

/// The stored bytes of an object from `start` on.
pub(crate) fn open(object: &dyn Object, start: u64) -> Result<Box<dyn Read + Send>> {
    Ok(Box::new(Tagged(object.reader(start.min(object.len()))?)))
}

/// The decompressed bytes of a whole object.
pub(crate) fn decompress(object: &Arc<dyn Object>, compression: Compression) -> Result<Box<dyn Read + Send>> {
    let stored = BufReader::with_capacity(256 << 10, Tagged(object.reader(0)?));
    Ok(match compression {
        Compression::None => Box::new(stored),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(stored)),
        Compression::Zstd => Box::new(zstd::decoder(stored, object.as_ref())?),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(stored)),
        Compression::Xz => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)
                    .map_err(|error| Error::new(format!("xz: {error}")))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(stored, stream))
        }
        Compression::Brotli => Box::new(brotli::Decompressor::new(stored, 64 << 10)),
        Compression::Lz4 => Box::new(Lz4Frames(Some(lz4_flex::frame::FrameDecoder::new(stored)))),
    })
}

/// What an [`io::Error`] of the readers of this module means.
pub(crate) enum Failure {
    /// The bytes are bad.
    Damage(Fault),
    /// The store failed.
    Environment(Error),
}

/// Tells bad bytes from a bad environment.
pub(crate) fn failure(error: io::Error) -> Failure {
    let kind = error.kind();
    let problem = error.to_string().to_lowercase();
    if let Some(inner) = error
        .into_inner()
        .and_then(|inner| inner.downcast::<Environment>().ok())
    {
        return Failure::Environment(inner.0.into());
    }
    Failure::Damage(match kind {
        io::ErrorKind::UnexpectedEof => Fault::truncated("compressed data ends early"),
        _ => Fault::malformed(format!("compressed data is damaged: {problem}")),
    })
}

/// Marks the errors of the store, so that decoders can pass them through unchanged.
struct Tagged<R>(R);

impl<R: Read> Read for Tagged<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, Environment(error)),
        })
    }
}

#[derive(Debug)]
struct Environment(io::Error);

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Environment {}

/// LZ4 frames one after another; the library's decoder stops after the first.
struct Lz4Frames<R: io::BufRead>(Option<lz4_flex::frame::FrameDecoder<R>>);

impl<R: io::BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut decoder) = self.0.take() {
            let read = decoder.read(buffer)?;
            if read > 0 {
                self.0 = Some(decoder);
                return Ok(read);
            }
            let mut stored = decoder.into_inner();
            if !stored.fill_buf()?.is_empty() {
                self.0 = Some(lz4_flex::frame::FrameDecoder::new(stored));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use gristmill_core::MemoryObject;

    use super::*;

    fn check(compressed: &[u8], name: &str, expected: Compression) {
        let twice = match expected {
            Compression::Brotli => compressed.to_vec(),
            _ => compressed.repeat(2),
        };
        let times = twice.len() / compressed.len();
        let object: Arc<dyn Object> = Arc::new(MemoryObject::new(name, twice));
        let found = compression_of(object.as_ref()).unwrap();
        assert_eq!(found, expected);
        let mut text = String::new();
        decompress(&object, found)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "all is grist".repeat(times));
    }

    #[test]
    fn every_compression_is_found_and_reads_concatenated_streams_as_one() {
        let text = b"all is grist";
        check(text, "a", Compression::None);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        check(&gzip.finish().unwrap(), "a", Compression::Gzip);
        check(&::zstd::encode_all(&text[..], 3).unwrap(), "a", Compression::Zstd);
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(text).unwrap();
        check(&bzip2.finish().unwrap(), "a", Compression::Bzip2);
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(text).unwrap();
        check(&xz.finish().unwrap(), "a", Compression::Xz);
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(text).unwrap();
        check(&lz4.finish().unwrap(), "a", Compression::Lz4);
        let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
        brotli.write_all(text).unwrap();
        check(&brotli.into_inner(), "a.BR", Compression::Brotli);
    }

    #[test]
    fn a_failing_store_is_not_taken_for_damage() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "connection lost"))
            }
        }
        let mut reader = flate2::read::MultiGzDecoder::new(Tagged(Broken));
        let error = reader.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(failure(error), Failure::Environment(_)));
    }
}
