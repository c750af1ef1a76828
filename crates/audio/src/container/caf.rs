//! Apple's Core Audio Format.
//!
//! Source: Apple, "Core Audio Format Specification 1.0".

use gristmill_core::Fault;

use super::{Block, Opened, Packet, Packets, Track, blocks::Blocks, config, mp4, ogg};
use crate::{
    Codec, Container,
    cursor::Cursor,
    format::Sample,
    tag::{Tags, utf8_or_latin1, vorbis},
};

/// Most chunks that are looked at.
const CHUNKS: usize = 100_000;

/// What a walk over chunks finds.
#[derive(Default)]
struct Found<'a> {
    description: Option<&'a [u8]>,
    cookie: &'a [u8],
    table: Option<&'a [u8]>,
    data: Option<(&'a [u8], bool)>,
    tags: Tags<'a>,
}

/// Opens a file.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let mut found = Found::default();
    let mut at = 8;
    for _ in 0..CHUNKS {
        let mut cursor = Cursor::at(bytes, at);
        let (Some(id), Some(size)) = (cursor.array::<4>(), cursor.u64_be()) else {
            break;
        };
        let there = cursor.rest();
        let is_open = &id == b"data" && size == u64::MAX;
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let body = there.get(..length).unwrap_or(there);
        match &id {
            b"desc" => found.description = Some(body),
            b"kuki" => found.cookie = body,
            b"pakt" => found.table = Some(body),
            // A count of edits comes first.
            b"data" => {
                found.data = Some((
                    body.get(4..).unwrap_or_default(),
                    length > there.len() && !is_open,
                ));
            }
            b"info" => drop(info(body, &mut found.tags)),
            _ => {}
        }
        at = cursor.position().saturating_add(length);
    }
    let description = found
        .description
        .ok_or_else(|| Fault::malformed("no desc chunk"))?;
    let (track, packet_bytes) =
        describe(description, found.cookie).ok_or_else(|| Fault::truncated("desc chunk ends early"))??;
    let (data, is_cut) = found.data.ok_or_else(|| Fault::truncated("no data chunk"))?;
    finish(track, packet_bytes, data, is_cut, found.table, found.tags)
}

fn finish<'a>(
    mut track: Track,
    packet_bytes: u32,
    data: &'a [u8],
    is_cut: bool,
    table: Option<&'a [u8]>,
    tags: Tags<'a>,
) -> Result<Opened<'a>, Fault> {
    let mut sizes = Cursor::new(table.unwrap_or_default());
    let mut header = || {
        let _packets = sizes.u64_be()?;
        let frames = sizes.u64_be()? as i64;
        let before = sizes.u32_be()? as i32;
        let after = sizes.u32_be()? as i32;
        Some((frames, before, after))
    };
    if let Some((frames, before, _)) = header()
        && frames > 0
        && before >= 0
    {
        track.skip = before as u64;
        track.frames = Some(frames as u64);
    }
    let packets: Box<dyn Packets<'a> + 'a> = if packet_bytes > 0 {
        if track.block.bytes == 0 {
            track.block = Block {
                bytes: packet_bytes as usize,
                frames: track.packet_frames.unwrap_or(1),
            };
        }
        Box::new(Blocks::new(data, track.block, is_cut))
    } else {
        if table.is_none() {
            return Err(Fault::malformed("no packet table"));
        }
        Box::new(Table {
            rest: data,
            sizes,
            has_frames: track.packet_frames.is_none() && !matches!(track.codec, Codec::Opus),
            is_broken: is_cut,
        })
    };
    Ok(Opened {
        container: Container::Caf,
        track,
        packets,
        tags,
    })
}

/// The track of a description, and the bytes of a packet where all are alike.
fn describe(body: &[u8], cookie: &[u8]) -> Option<Result<(Track, u32), Fault>> {
    let mut cursor = Cursor::new(body);
    let rate = cursor.f64_be()?;
    let kind = cursor.array::<4>()?;
    let flags = cursor.u32_be()?;
    let packet_bytes = cursor.u32_be()?;
    let packet_frames = cursor.u32_be()?;
    let channels = cursor.u32_be()?;
    let bits = cursor.u32_be()?;
    let rate = if (1.0..=4e9).contains(&rate) {
        rate.round() as u32
    } else {
        0
    };
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    let plain = |codec: Codec| Track {
        setup: cookie.to_vec(),
        packet_frames: (packet_frames > 0).then_some(packet_frames),
        ..Track::new(codec, rate, channels)
    };
    let pcm = |sample, is_big| Ok(config::pcm(sample, is_big, rate, channels, Some(bits as u16)));
    let track = match &kind {
        b"lpcm" => {
            let is_big = flags & 2 == 0;
            let stored = packet_bytes.checked_div(u32::from(channels)).unwrap_or(0) as usize;
            match (flags & 1 != 0, stored) {
                (true, 4) => pcm(Sample::F32, is_big),
                (true, 8) => pcm(Sample::F64, is_big),
                (false, stored) => match Sample::integer(stored, false) {
                    Some(sample) => pcm(sample, is_big),
                    None => Err(Fault::unsupported(format!("PCM of {bits} bits"))),
                },
                _ => Err(Fault::unsupported(format!("PCM of {bits} bits"))),
            }
        }
        b"alaw" => pcm(Sample::Alaw, true),
        b"ulaw" => pcm(Sample::Mulaw, true),
        b"ima4" => Ok(Track {
            block: Block {
                bytes: 34 * usize::from(channels),
                frames: 64,
            },
            ..plain(Codec::AdpcmImaQt)
        }),
        b"aac " | b"aach" | b"aacp" | b"aacl" => Ok(Track {
            setup: aac_setup(cookie),
            packet_frames: None,
            ..plain(Codec::Aac)
        }),
        b"alac" => Ok(mp4::alac(alac_cookie(cookie), &plain(Codec::Alac))),
        b"opus" => Ok(ogg::opus_track(cookie).unwrap_or_else(|| {
            let mut head = b"OpusHead\x01".to_vec();
            head.push(channels as u8);
            head.extend([0; 9]);
            Track {
                setup: head,
                ..Track::new(Codec::Opus, 48_000, channels)
            }
        })),
        b".mp1" => Ok(plain(Codec::Mp1)),
        b".mp2" => Ok(plain(Codec::Mp2)),
        b".mp3" => Ok(plain(Codec::Mp3)),
        other => Err(Fault::unsupported(format!("CAF codec {}", other.escape_ascii()))),
    };
    Some(track.map(|track| (track, packet_bytes)))
}

/// The AudioSpecificConfig in descriptors, or the cookie itself.
fn aac_setup(cookie: &[u8]) -> Vec<u8> {
    let found = cookie
        .windows(2)
        .position(|pair| pair[0] == 5 && pair[1] & 0x80 != 0);
    let inner = found.and_then(|at| {
        let mut cursor = Cursor::at(cookie, at + 1);
        let mut length = 0;
        loop {
            let byte = cursor.u8()?;
            length = length << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return cursor.take(length);
            }
        }
    });
    inner.unwrap_or(cookie).to_vec()
}

/// Old cookies have boxes around them.
fn alac_cookie(cookie: &[u8]) -> &[u8] {
    match cookie.get(4..12) {
        Some(b"frmaalac") => cookie.get(24..).unwrap_or(cookie),
        _ => cookie,
    }
}

/// Reads pairs of texts.
fn info(body: &[u8], tags: &mut Tags<'_>) -> Option<()> {
    let mut cursor = Cursor::new(body);
    let count = cursor.u32_be()?;
    for _ in 0..count {
        let mut text = || {
            let length = cursor.rest().iter().position(|&byte| byte == 0)?;
            let text = utf8_or_latin1(cursor.take(length)?);
            cursor.skip(1)?;
            Some(text)
        };
        let (name, value) = (text()?, text()?);
        vorbis::add(tags, &name, &value);
    }
    Some(())
}

/// Packets whose sizes stand in a table, as numbers of seven bits a byte.
struct Table<'a> {
    rest: &'a [u8],
    sizes: Cursor<'a>,
    /// Whether the frames of each packet stand there too.
    has_frames: bool,
    is_broken: bool,
}

impl<'a> Packets<'a> for Table<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        let mut number = || {
            let mut value = 0usize;
            for _ in 0..9 {
                let byte = self.sizes.u8()?;
                value = value << 7 | usize::from(byte & 0x7f);
                if byte & 0x80 == 0 {
                    return Some(value);
                }
            }
            None
        };
        let size = number()?;
        if self.has_frames {
            number()?;
        }
        let Some((packet, rest)) = self.rest.split_at_checked(size) else {
            self.is_broken = true;
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        Some(Packet::of(packet))
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
