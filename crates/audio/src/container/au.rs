//! Sun and NeXT AU, and its little-endian kin of DEC.
//!
//! Source: NeXT, "SNDSoundStruct"; `audio/basic` of RFC 2046 has no header and is not read.

use gristmill_core::Fault;

use super::{Opened, config, wav};
use crate::{
    Container,
    cursor::Cursor,
    format::Sample,
    tag::{Tags, utf8_or_latin1},
};

/// Opens AU.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let is_big = bytes.starts_with(b".snd");
    let mut cursor = Cursor::at(bytes, 4);
    let mut fields = [0u32; 5];
    for field in &mut fields {
        let next = if is_big { cursor.u32_be() } else { cursor.u32_le() };
        *field = next.ok_or_else(|| Fault::truncated("header of 24 bytes ends early"))?;
    }
    let [offset, size, encoding, rate, channels] = fields;
    let sample = match encoding {
        1 => Sample::Mulaw,
        2 => Sample::S8,
        3 => Sample::S16,
        4 => Sample::S24,
        5 => Sample::S32,
        6 => Sample::F32,
        7 => Sample::F64,
        27 => Sample::Alaw,
        other => return Err(Fault::unsupported(format!("AU encoding {other}"))),
    };
    let channels = u16::try_from(channels).map_err(|_| Fault::limit(format!("{channels} channels")))?;
    let mut track = config::pcm(sample, is_big, rate, channels, None);
    let offset = offset as usize;
    let there = bytes
        .get(offset..)
        .ok_or_else(|| Fault::truncated("no sound after the header"))?;
    let is_open = size == u32::MAX;
    let data = there.get(..size as usize).filter(|_| !is_open).unwrap_or(there);
    let is_cut = !is_open && (size as usize) > there.len();
    let mut tags = Tags::default();
    tags.add(
        "description",
        &utf8_or_latin1(bytes.get(24..offset).unwrap_or_default()),
    );
    let packets = wav::packets(data, &mut track, None, is_cut)?;
    Ok(Opened {
        container: Container::Au,
        track,
        packets,
        tags,
    })
}
