//! IVF: frames of VP8, VP9 or AV1 with their times.

use gristmill_core::{Fault, Limits};

use super::{
    check_samples,
    fields::{array, u16_le, u32_le, u64_le},
};
use crate::{
    film::{Container, Film, Kind, Sample, TickLength, Track},
    header::{av1, frames},
};

/// Reads a file.
pub(super) fn read<'a>(file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let early = || Fault::truncated("file ends within its header");
    let format: [u8; 4] = array(file, 8).ok_or_else(early)?;
    let head = usize::from(u16_le(file, 6).ok_or_else(early)?);
    let (rate, scale) = u32_le(file, 16).zip(u32_le(file, 20)).ok_or_else(early)?;
    let codec = match &format {
        b"VP80" => "vp8",
        b"VP90" => "vp9",
        b"AV01" => "av1",
        b"H264" => "h264",
        b"H265" | b"HEVC" => "hevc",
        _ => {
            let name = String::from_utf8_lossy(&format).escape_default().to_string();
            return Err(Fault::unsupported(format!("IVF of codec {name}")));
        }
    };
    let mut film = Film::new(Container::Ivf, file);
    let mut track = Track::new(1, Kind::Video, codec);
    track.video.width = u16_le(file, 12).map_or(0, u32::from);
    track.video.height = u16_le(file, 14).map_or(0, u32::from);
    track.tick = TickLength::new(scale, rate).unwrap_or(TickLength::MILLISECONDS);
    let mut at = head.max(32);
    while let Some((length, time)) = u32_le(file, at).zip(u64_le(file, at + 4)) {
        at += 12;
        let Some(frame) = file.get(at..).and_then(|rest| rest.get(..length as usize)) else {
            film.is_truncated = true;
            break;
        };
        let time = i64::try_from(time).unwrap_or(i64::MAX);
        track.samples.push(Sample {
            at: at as u64,
            length,
            time,
            decode_time: time,
            duration: 0,
            is_key: match codec {
                "vp8" => frames::vp8_is_key(frame),
                "vp9" => frames::vp9_is_key(frame),
                "av1" => av1::is_key(frame),
                _ => track.samples.is_empty(),
            },
            is_shown: true,
        });
        check_samples(track.samples.len() as u64, limits)?;
        at += length as usize;
    }
    film.tracks.push(track);
    Ok(film)
}
