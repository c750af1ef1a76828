//! Ogg with Vorbis, Opus or FLAC.
//!
//! Pages whose checksum is wrong are passed over, and packets that lost a part are left out. A last page that is cut is left
//! out, unless it is the only one of sound: then its whole packets are taken. Of streams side by side the first one of sound is read; streams one after the other are read on while
//! they have the codec of the first. What a last page says by its granule position to be beyond the end is not heard.
//!
//! Source: RFC 3533; RFC 7845 (Opus); the Vorbis I specification, appendix A; RFC 9639, section 10.1 (FLAC).

use std::borrow::Cow;

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track, flac};
use crate::{
    Codec, Container,
    cursor::Cursor,
    tag::{Tags, vorbis},
    timing::Timer,
};

/// Most header packets that are looked at.
const HEADERS: usize = 1000;
/// Longest packet.
const PACKET_BYTES: usize = 16 << 20;
/// A granule position that tells none.
const NO_POSITION: u64 = u64::MAX;

/// A page.
#[derive(Debug, Clone, Copy)]
struct Page<'a> {
    flags: u8,
    position: u64,
    serial: u32,
    number: u32,
    lacing: &'a [u8],
    body: &'a [u8],
}

impl Page<'_> {
    fn is_first(&self) -> bool {
        self.flags & 2 != 0
    }
}

/// The pages of a file.
#[derive(Debug, Clone)]
struct Pages<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Pages that told a position.
    positions: usize,
    /// Bytes of pages whose checksum was wrong: pages that lie may overlap, and cost more than they are long.
    wrong: usize,
    is_broken: bool,
}

impl<'a> Pages<'a> {
    fn next(&mut self) -> Option<Page<'a>> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            if !rest.starts_with(b"OggS") {
                self.is_broken |= !rest.is_empty();
                self.at += find(rest.get(1..)?)? + 1;
                continue;
            }
            match page(rest) {
                Some((page, length, true)) => {
                    self.at += length;
                    self.positions += usize::from(page.position != 0 && page.position != NO_POSITION);
                    return Some(page);
                }
                Some((page, _, false)) if rest.len() < 27 + page.lacing.len() + total(page.lacing) => {
                    self.at = self.bytes.len();
                    self.is_broken = true;
                    // Cut: nothing tells whether it is right, so it is taken where there is nothing else.
                    return (self.positions == 0).then_some(page);
                }
                found => {
                    self.is_broken = true;
                    self.at += 4;
                    self.wrong += found.map_or(0, |(_, length, _)| length);
                    if self.wrong > 16 * self.bytes.len() {
                        return None;
                    }
                }
            }
        }
    }
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"OggS")
}

fn total(lacing: &[u8]) -> usize {
    lacing.iter().map(|&length| usize::from(length)).sum()
}

/// The page at the start, its length, and whether it is whole and its checksum right.
fn page(bytes: &[u8]) -> Option<(Page<'_>, usize, bool)> {
    let mut cursor = Cursor::at(bytes, 4);
    let version = cursor.u8()?;
    let flags = cursor.u8()?;
    let position = cursor.u64_le()?;
    let serial = cursor.u32_le()?;
    let number = cursor.u32_le()?;
    let told = cursor.u32_le()?;
    let count = usize::from(cursor.u8()?);
    let lacing = cursor.take(count)?;
    let body = cursor.rest();
    let length = total(lacing);
    let page = |body| Page {
        flags,
        position,
        serial,
        number,
        lacing,
        body,
    };
    if version != 0 {
        return None;
    }
    let Some(whole) = body.get(..length) else {
        return Some((page(body), bytes.len(), false));
    };
    let length = 27 + count + length;
    let crc = crc32(crc32(crc32(0, &bytes[..22]), &[0; 4]), &bytes[26..length]);
    Some((page(whole), length, crc == told))
}

/// The checksum of a page, continued from `crc`.
pub(crate) fn crc32(mut crc: u32, bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let [a, b, c, d] = crc.to_be_bytes();
        crc = CRC32[7][usize::from(eight[0] ^ a)]
            ^ CRC32[6][usize::from(eight[1] ^ b)]
            ^ CRC32[5][usize::from(eight[2] ^ c)]
            ^ CRC32[4][usize::from(eight[3] ^ d)]
            ^ CRC32[3][usize::from(eight[4])]
            ^ CRC32[2][usize::from(eight[5])]
            ^ CRC32[1][usize::from(eight[6])]
            ^ CRC32[0][usize::from(eight[7])];
    }
    for &byte in rest {
        crc = crc << 8 ^ CRC32[0][usize::from((crc >> 24) as u8 ^ byte)];
    }
    crc
}

/// Tables that take the checksum over eight bytes at once.
static CRC32: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut at = 0;
    while at < 256 {
        let mut crc = (at as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = crc << 1 ^ if crc & 0x8000_0000 != 0 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        tables[0][at] = crc;
        at += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut at = 0;
        while at < 256 {
            let before = tables[table - 1][at];
            tables[table][at] = before << 8 ^ tables[0][(before >> 24) as usize];
            at += 1;
        }
        table += 1;
    }
    tables
};

/// What a first packet is the header of.
fn codec_of(packet: &[u8]) -> Option<Codec> {
    Some(match packet {
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => Codec::Vorbis,
        _ if packet.starts_with(b"OpusHead") => Codec::Opus,
        _ if packet.starts_with(b"\x7fFLAC") => Codec::Flac,
        _ if packet.starts_with(b"Speex   ") => Codec::Other("speex"),
        _ => return None,
    })
}

/// The packets of one stream, and of those that follow it.
#[derive(Debug, Clone)]
struct Stream<'a> {
    pages: Pages<'a>,
    codec: Codec,
    serial: u32,
    page: Option<Page<'a>>,
    /// The place in the page: the next lacing value, the next byte.
    place: (usize, usize),
    /// The start of a packet that goes on on the next page.
    begun: Option<Vec<u8>>,
    number: Option<u32>,
    is_broken: bool,
}

/// A packet, and of the last one that ends on a page that page's position and whether it ends the stream.
struct Piece<'a> {
    data: Cow<'a, [u8]>,
    end: Option<(u64, bool)>,
    /// Whether it is the first one of another stream.
    is_first: bool,
}

impl<'a> Stream<'a> {
    fn new(bytes: &'a [u8]) -> Result<Stream<'a>, Fault> {
        let mut pages = Pages {
            bytes,
            at: 0,
            positions: 0,
            wrong: 0,
            is_broken: false,
        };
        let mut other = None;
        while let Some(page) = pages.next() {
            if !page.is_first() {
                break;
            }
            match codec_of(page.body) {
                Some(Codec::Other(name)) => other = Some(name),
                Some(codec) => {
                    return Ok(Stream {
                        pages,
                        codec,
                        serial: page.serial,
                        page: Some(page),
                        place: (0, 0),
                        begun: None,
                        number: Some(page.number),
                        is_broken: false,
                    });
                }
                None => {}
            }
        }
        Err(match other {
            Some(name) => Fault::unsupported(format!("codec {name} in Ogg")),
            None => Fault::malformed("no stream of sound in Ogg"),
        })
    }

    /// Goes to the next page of the stream, or of one that follows it.
    fn turn(&mut self) -> Option<()> {
        loop {
            let page = self.pages.next()?;
            if page.is_first() && codec_of(page.body) == Some(self.codec) && page.serial != self.serial {
                self.serial = page.serial;
                self.begun = None;
                self.number = None;
            } else if page.serial != self.serial {
                continue;
            }
            let is_next = self
                .number
                .is_none_or(|number| number.wrapping_add(1) == page.number);
            self.is_broken |= !is_next;
            self.number = Some(page.number);
            self.place = (0, 0);
            let goes_on = page.flags & 1 != 0;
            if !is_next || !goes_on {
                self.begun = None;
            }
            self.page = Some(page);
            if goes_on && self.begun.is_none() {
                // Its start is lost.
                let lost = page.lacing.iter().take_while(|length| **length == 255).count();
                let lost = (lost + 1).min(page.lacing.len());
                self.place = (lost, total(&page.lacing[..lost]));
            }
            return Some(());
        }
    }

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let Some(page) = self.page else {
                self.turn()?;
                continue;
            };
            let (from, byte) = self.place;
            let left = &page.lacing[from.min(page.lacing.len())..];
            if left.is_empty() {
                self.page = None;
                continue;
            }
            let full = left.iter().take_while(|length| **length == 255).count();
            let is_ended = full < left.len();
            let count = if is_ended { full + 1 } else { full };
            let length = total(&left[..count]);
            let Some(data) = page.body.get(byte..byte + length) else {
                self.page = None;
                continue;
            };
            self.place = (from + count, byte + length);
            if !is_ended {
                let begun = self.begun.get_or_insert_default();
                begun.extend_from_slice(data);
                if begun.len() > PACKET_BYTES {
                    begun.clear();
                    self.is_broken = true;
                }
                self.page = None;
                continue;
            }
            let is_last = !page.lacing[from + count..].iter().any(|length| *length < 255);
            let is_first = page.is_first() && from == 0;
            let data = match self.begun.take() {
                Some(mut begun) => {
                    begun.extend_from_slice(data);
                    Cow::Owned(begun)
                }
                None => Cow::Borrowed(data),
            };
            return Some(Piece {
                data,
                end: (is_last && page.position != NO_POSITION)
                    .then_some((page.position, page.flags & 4 != 0)),
                is_first,
            });
        }
    }
}

/// Reads the headers of a stream whose first packet is this one.
fn headers<'a>(first: &[u8], stream: &mut Stream<'a>) -> Result<(Track, Tags<'a>), Fault> {
    let short = || Fault::truncated("headers end early");
    let mut tags = Tags::default();
    let mut cursor = Cursor::new(first);
    match stream.codec {
        Codec::Vorbis => {
            cursor.skip(11).ok_or_else(short)?;
            let channels = u16::from(cursor.u8().ok_or_else(short)?);
            let rate = cursor.u32_le().ok_or_else(short)?;
            let mut setup = first.to_vec();
            for _ in 0..HEADERS {
                let piece = stream.next().ok_or_else(short)?;
                match &*piece.data {
                    [3, b'v', b'o', b'r', b'b', b'i', b's', comments @ ..] => {
                        let _ = vorbis::read(comments, &mut tags);
                    }
                    [5, b'v', b'o', b'r', b'b', b'i', b's', ..] => {
                        setup.extend_from_slice(&piece.data);
                        break;
                    }
                    _ => {}
                }
            }
            let track = Track {
                setup,
                ..Track::new(Codec::Vorbis, rate, channels)
            };
            Ok((track, tags))
        }
        Codec::Opus => {
            let mut track = opus_track(first).ok_or_else(short)?;
            // Some files repeat their headers.
            let mut ahead = stream.clone();
            while let Some(piece) = ahead.next() {
                if let Some(comments) = piece.data.strip_prefix(b"OpusTags") {
                    let _ = vorbis::read(comments, &mut tags);
                } else if !piece.data.starts_with(b"OpusHead") {
                    break;
                }
                *stream = ahead.clone();
            }
            track.setup = first.to_vec();
            Ok((track, tags))
        }
        _ => {
            let info = first.get(17..).ok_or_else(short)?;
            let told = flac::StreamInfo::read(info).ok_or_else(short)?;
            let mut track = told.track(info);
            track.frames = None;
            let mut ahead = stream.clone();
            while let Some(piece) = ahead.next() {
                if piece.data.first().is_none_or(|byte| *byte == 0xff) {
                    break;
                }
                if let Some(body) = piece.data.get(4..).filter(|_| piece.data[0] & 0x7f == 4) {
                    let _ = vorbis::read(body, &mut tags);
                }
                *stream = ahead.clone();
            }
            Ok((track, tags))
        }
    }
}

/// The track of an identification header; RFC 7845, section 5.1.
pub(super) fn opus_track(head: &[u8]) -> Option<Track> {
    let mut cursor = Cursor::at(head, 9);
    let channels = cursor.u8()?;
    let skip = cursor.u16_le()?;
    cursor.skip(7)?;
    Some(Track {
        setup: head.to_vec(),
        skip: u64::from(skip),
        ..Track::new(Codec::Opus, 48_000, u16::from(channels))
    })
}

/// Opens Ogg.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let mut stream = Stream::new(bytes)?;
    let first = stream
        .next()
        .ok_or_else(|| Fault::truncated("headers end early"))?;
    let (mut track, tags) = headers(&first.data, &mut stream)?;
    let packets = Sound::new(stream, &track);
    if track.codec == Codec::Vorbis {
        track.skip = packets.ahead;
    }
    Ok(Opened {
        container: Container::Ogg,
        track,
        packets: Box::new(packets),
        tags,
    })
}

/// The packets of sound.
struct Sound<'a> {
    stream: Stream<'a>,
    timer: Timer,
    /// The position of the first frame, and frames since.
    base: u64,
    count: u64,
    /// Frames at the start that are not heard, because positions begin before 0.
    ahead: u64,
    has_ended: bool,
    next_setup: Option<(Vec<u8>, u64)>,
}

impl<'a> Sound<'a> {
    fn new(stream: Stream<'a>, track: &Track) -> Sound<'a> {
        let mut sound = Sound {
            stream,
            timer: Timer::new(track),
            base: 0,
            count: 0,
            ahead: 0,
            has_ended: false,
            next_setup: None,
        };
        sound.begin();
        sound
    }

    /// Where positions begin: the first page with sound tells its end, and its packets their frames.
    fn begin(&mut self) {
        (self.base, self.count, self.ahead) = (0, 0, 0);
        let (mut stream, mut timer) = (self.stream.clone(), self.timer.clone());
        let mut count = 0;
        while let Some(piece) = stream.next() {
            if piece.is_first {
                return;
            }
            count += u64::from(timer.frames(&piece.data).unwrap_or(0));
            if let Some((position, is_end)) = piece.end.filter(|_| count > 0) {
                // A stream of one page is trimmed at its end.
                if !is_end || position >= count {
                    self.base = position.saturating_sub(count);
                    self.ahead = count.saturating_sub(position);
                }
                return;
            }
        }
    }
}

impl<'a> Packets<'a> for Sound<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let piece = self.stream.next()?;
            if piece.is_first {
                let (track, _) = headers(&piece.data, &mut self.stream).ok()?;
                self.timer = Timer::new(&track);
                self.begin();
                self.has_ended = false;
                self.next_setup = Some((track.setup, track.skip));
                continue;
            }
            let frames = self.timer.frames(&piece.data);
            if self.stream.codec != Codec::Opus && frames.is_none() || piece.data.is_empty() {
                // No packet of sound: a header that is repeated, or damage.
                self.stream.is_broken |= !piece.data.starts_with(b"\x05vorbis");
                continue;
            }
            self.count += u64::from(frames.unwrap_or(0));
            let mut discard = 0;
            if let Some((position, is_end)) = piece.end {
                let reached = self.base + self.count;
                if is_end && self.ahead == 0 && position >= self.base {
                    discard = reached
                        .saturating_sub(position)
                        .min(u64::from(frames.unwrap_or(0))) as u32;
                }
                self.has_ended |= is_end;
            }
            return Some(Packet {
                data: piece.data,
                lost: 0,
                discard,
                setup: self.next_setup.take(),
            });
        }
    }

    fn is_broken(&self) -> bool {
        self.stream.is_broken || self.stream.pages.is_broken || self.stream.begun.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_catalogue() {
        // CRC-32/MPEG-2 with a start of 0 over "123456789".
        assert_eq!(crc32(0, b"123456789"), 0x89a1_897f);
    }
}
