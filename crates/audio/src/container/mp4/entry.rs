//! Sample entries: which codec a track has, and its setup.

use gristmill_core::Fault;

use super::{
    super::{Block, Track, config, flac, ogg},
    boxes::{Boxes, find},
};
use crate::{Codec, cursor::Cursor, format::Sample};

/// Reads the first sample entry of a track of sound.
pub(super) fn read(entries: &[u8]) -> Result<Track, Fault> {
    let Some(entry) = Boxes::new(entries).next() else {
        return Err(Fault::truncated("sample description ends early"));
    };
    parse(entry.kind, entry.body).ok_or_else(|| Fault::truncated("sample description ends early"))?
}

fn parse(kind: [u8; 4], body: &[u8]) -> Option<Result<Track, Fault>> {
    let mut cursor = Cursor::at(body, 8);
    let version = cursor.u16_be()?;
    cursor.skip(6)?;
    let mut channels = cursor.u16_be()?;
    let mut bits = cursor.u16_be()?;
    cursor.skip(4)?;
    let mut rate = cursor.u32_be()? >> 16;
    let mut flags = None;
    match version {
        1 => cursor.skip(16)?,
        2 => {
            cursor.skip(4)?;
            let told = cursor.f64_be()?;
            rate = if (1.0..=1e9).contains(&told) {
                told as u32
            } else {
                0
            };
            channels = u16::try_from(cursor.u32_be()?).ok()?;
            cursor.skip(4)?;
            bits = cursor.u32_be()? as u16;
            flags = Some(cursor.u32_be()?);
            cursor.skip(8)?;
        }
        _ => {}
    }
    let inner = cursor.rest();
    // QuickTime puts boxes of the codec into one of their own.
    let wave = find(inner, b"wave").unwrap_or_default();
    let of = |kind: &[u8; 4]| find(inner, kind).or_else(|| find(wave, kind));
    let pcm = |sample: Sample, is_big: bool| Ok(config::pcm(sample, is_big, rate, channels, None));
    let whole = |is_big: bool| match Sample::integer(usize::from(bits.div_ceil(8)), bits == 8 && !is_big) {
        Some(sample) => Ok(config::pcm(sample, is_big, rate, channels, Some(bits))),
        None => Err(Fault::unsupported(format!("PCM of {bits} bits"))),
    };
    let plain = |codec: Codec| Track::new(codec, rate, channels);
    let is_little = || of(b"enda").is_some_and(|order| order.last() == Some(&1));
    Some(match &kind {
        b"mp4a" | b"aac " => match of(b"esds") {
            Some(esds) => elementary(esds, plain(Codec::Aac)),
            None => Err(Fault::malformed("no esds box for mp4a")),
        },
        b".mp3" | b"ms\0\x55" => Ok(plain(Codec::Mp3)),
        b".mp2" | b"ms\0\x50" => Ok(plain(Codec::Mp2)),
        b"alac" => match find(inner, b"alac").or_else(|| find(wave, b"alac")) {
            Some(cookie) => Ok(alac(cookie.get(4..)?, &plain(Codec::Alac))),
            None => Err(Fault::malformed("no alac box")),
        },
        b"fLaC" => {
            let block = of(b"dfLa")?.get(8..)?;
            let info = flac::StreamInfo::read(block)?;
            let mut track = info.track(block);
            track.frames = None;
            Ok(track)
        }
        b"Opus" => Ok(opus(of(b"dOps")?)?),
        b"sowt" => whole(false),
        b"twos" | b"NONE" => whole(true),
        b"raw " => match bits {
            8 => pcm(Sample::U8, true),
            _ => whole(true),
        },
        b"in24" => pcm(Sample::S24, !is_little()),
        b"in32" => pcm(Sample::S32, !is_little()),
        b"fl32" => pcm(Sample::F32, !is_little()),
        b"fl64" => pcm(Sample::F64, !is_little()),
        b"alaw" => pcm(Sample::Alaw, true),
        b"ulaw" => pcm(Sample::Mulaw, true),
        b"lpcm" => {
            let flags = flags.unwrap_or(4);
            let is_big = flags & 2 != 0;
            match (flags & 1 != 0, bits) {
                (true, 32) => pcm(Sample::F32, is_big),
                (true, 64) => pcm(Sample::F64, is_big),
                (false, 8) if flags & 4 == 0 => pcm(Sample::U8, is_big),
                (false, 8) => pcm(Sample::S8, is_big),
                (false, _) => whole(is_big),
                _ => Err(Fault::unsupported(format!("PCM of {bits} bits"))),
            }
        }
        b"ipcm" | b"fpcm" => {
            let format = of(b"pcmC").and_then(|body| body.get(4..6));
            let is_big = format.is_some_and(|format| format[0] & 1 == 0);
            let bits = format.map_or(bits, |format| u16::from(format[1]));
            match (&kind, bits) {
                (b"fpcm", 32) => pcm(Sample::F32, is_big),
                (b"fpcm", 64) => pcm(Sample::F64, is_big),
                (b"ipcm", 16) => pcm(Sample::S16, is_big),
                (b"ipcm", 24) => pcm(Sample::S24, is_big),
                (b"ipcm", 32) => pcm(Sample::S32, is_big),
                _ => Err(Fault::unsupported(format!("PCM of {bits} bits"))),
            }
        }
        b"ima4" => Ok(Track {
            block: Block {
                bytes: 34 * usize::from(channels),
                frames: 64,
            },
            ..plain(Codec::AdpcmImaQt)
        }),
        b"ac-3" => Ok(plain(Codec::Other("ac3"))),
        b"ec-3" => Ok(plain(Codec::Other("eac3"))),
        b"ac-4" => Ok(plain(Codec::Other("ac4"))),
        b"samr" => Ok(plain(Codec::Other("amr_nb"))),
        b"sawb" => Ok(plain(Codec::Other("amr_wb"))),
        b"dtsc" | b"dtse" | b"dtsh" | b"dtsl" => Ok(plain(Codec::Other("dts"))),
        b"mhm1" | b"mha1" => Ok(plain(Codec::Other("mpegh_3d_audio"))),
        b"enca" | b"drms" => Err(Fault::unsupported("sound is encrypted")),
        other => Err(Fault::unsupported(format!(
            "codec {} in MP4",
            other.escape_ascii()
        ))),
    })
}

/// Reads the descriptors of MPEG-4 systems.
fn elementary(esds: &[u8], mut track: Track) -> Result<Track, Fault> {
    let mut setup = &[][..];
    let mut kind = 0x40;
    let _ = descriptors(esds.get(4..).unwrap_or_default(), &mut kind, &mut setup, 0);
    let codec = match kind {
        0x40 | 0x66..=0x68 => Codec::Aac,
        0x69 | 0x6b => Codec::Mp3,
        0xa5 => Codec::Other("ac3"),
        0xa6 => Codec::Other("eac3"),
        0xa9 => Codec::Other("dts"),
        0xdd => Codec::Vorbis,
        0xe1 => Codec::Other("qcelp"),
        other => return Err(Fault::unsupported(format!("MPEG-4 object type {other:#04x}"))),
    };
    track.codec = codec;
    track.setup = setup.to_vec();
    Ok(track)
}

/// Looks for the kind of the codec and its setup.
fn descriptors<'a>(bytes: &'a [u8], kind: &mut u8, setup: &mut &'a [u8], depth: usize) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.rest().is_empty() && depth < 8 {
        let tag = cursor.u8()?;
        let mut length = 0;
        for _ in 0..4 {
            let byte = cursor.u8()?;
            length = length << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let body = cursor.take(length.min(cursor.rest().len()))?;
        match tag {
            3 => {
                let flags = *body.get(2)?;
                let mut at = 3;
                at += if flags & 0x80 != 0 { 2 } else { 0 };
                at += if flags & 0x40 != 0 {
                    1 + usize::from(*body.get(at)?)
                } else {
                    0
                };
                at += if flags & 0x20 != 0 { 2 } else { 0 };
                descriptors(body.get(at..)?, kind, setup, depth + 1);
            }
            4 => {
                *kind = *body.first()?;
                descriptors(body.get(13..)?, kind, setup, depth + 1);
            }
            5 => *setup = body,
            _ => {}
        }
    }
    Some(())
}

/// The track of an ALAC cookie, whose rate and channels hold.
pub(in crate::container) fn alac(cookie: &[u8], track: &Track) -> Track {
    let mut cursor = Cursor::new(cookie);
    let read = || {
        let frames = cursor.u32_be()?;
        cursor.skip(1)?;
        let bits = cursor.u8()?;
        cursor.skip(3)?;
        let channels = cursor.u8()?;
        cursor.skip(10)?;
        Some((frames, bits, channels, cursor.u32_be()?))
    };
    let mut read = read;
    let Some((frames, bits, channels, rate)) = read() else {
        return Track {
            setup: cookie.to_vec(),
            ..track.clone()
        };
    };
    Track {
        setup: cookie.to_vec(),
        bit_depth: Some(u16::from(bits)),
        packet_frames: Some(frames),
        channels: if channels > 0 {
            u16::from(channels)
        } else {
            track.channels
        },
        rate: if rate > 0 { rate } else { track.rate },
        ..track.clone()
    }
}

/// The header of Opus in Ogg, of that in MP4, whose numbers are big-endian.
fn opus(body: &[u8]) -> Option<Track> {
    let mut cursor = Cursor::new(body);
    cursor.skip(1)?;
    let channels = cursor.u8()?;
    let skip = cursor.u16_be()?;
    let rate = cursor.u32_be()?;
    let gain = cursor.u16_be()?;
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend(skip.to_le_bytes());
    head.extend(rate.to_le_bytes());
    head.extend(gain.to_le_bytes());
    head.extend_from_slice(cursor.rest());
    ogg::opus_track(&head)
}
