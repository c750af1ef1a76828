//! Containers: from bytes to tracks and samples.
//!
//! All are read by own code that makes one pass, allocates nothing that the file does not back, and keeps what came before the
//! damage. Every count and length is checked against the bytes that are there; the number of samples is bounded by
//! [`Limits::video_samples`].

mod avi;
pub(crate) mod fields;
mod flv;
mod ivf;
mod matroska;
mod mp4;
mod stream;
mod ts;

pub(crate) use mp4::media;

use std::panic::{AssertUnwindSafe, catch_unwind};

use gristmill_core::{Fault, Limits};

use crate::{
    film::{Container, Film, Kind},
    header,
};

/// The container that the bytes begin like.
pub(crate) fn container_of(file: &[u8]) -> Result<Container, Fault> {
    if file.is_empty() {
        return Err(Fault::truncated("no bytes"));
    }
    let kind = file.get(4..8).unwrap_or_default();
    if mp4::begins(file) {
        return Ok(
            if file.get(8..12) == Some(b"qt  ") || (kind != b"ftyp" && mp4::is_quicktime(file)) {
                Container::Mov
            } else {
                Container::Mp4
            },
        );
    }
    if file.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        return Ok(Container::Matroska);
    }
    if file.starts_with(b"RIFF") && file.get(8..11) == Some(b"AVI") {
        return Ok(Container::Avi);
    }
    if file.starts_with(b"FLV\x01") {
        return Ok(Container::Flv);
    }
    if file.starts_with(b"DKIF") {
        return Ok(Container::Ivf);
    }
    if ts::packet_length(file).is_some() {
        return Ok(Container::Ts);
    }
    if let Some(container) = stream::container_of(file) {
        return Ok(container);
    }
    Err(Fault::unsupported(match other(file) {
        Some(name) => format!("{name} is not a container that is read"),
        None => "bytes begin like no video".to_owned(),
    }))
}

fn other(file: &[u8]) -> Option<&'static str> {
    const OTHERS: [(&[u8], &str); 8] = [
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "ASF"),
        (b"OggS", "Ogg"),
        (b"\0\0\x01\xba", "MPEG program stream"),
        (b"\0\0\x01\xb3", "MPEG video stream"),
        (b".RMF", "RealMedia"),
        (b"YUV4MPEG2 ", "YUV4MPEG2"),
        (b"GIF8", "GIF"),
        (b"RIFF", "RIFF"),
    ];
    let known = OTHERS.iter().find(|(magic, _)| file.starts_with(magic));
    known.map(|(_, name)| *name)
}

/// Reads a container: tracks, samples and what headers of codecs tell of the pictures.
///
/// # Errors
/// `malformed`, `truncated` where no track comes out, `unsupported` for other containers, `limit` for more samples than
/// [`Limits::video_samples`].
pub fn read<'a>(file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let container = container_of(file)?;
    let reading = AssertUnwindSafe(|| {
        let mut film = match container {
            Container::Mp4 | Container::Mov => mp4::read(container, file, limits),
            Container::Matroska | Container::Webm => matroska::read(file, limits),
            Container::Ts => ts::read(file, limits),
            Container::Avi => avi::read(file, limits),
            Container::Flv => flv::read(file, limits),
            Container::Ivf => ivf::read(file, limits),
            Container::H264 | Container::Hevc => stream::read(container, file, limits),
        }?;
        header::complete(&mut film);
        complete_durations(&mut film);
        Ok(film)
    });
    catch_unwind(reading).unwrap_or_else(|_| {
        Err(Fault::internal(format!(
            "reader of {} panicked",
            container.name()
        )))
    })
}

/// Gives samples that state no duration the step to the next one; the last one has the usual step.
fn complete_durations(film: &mut Film<'_>) {
    for track in &mut film.tracks {
        if track.kind == Kind::Subtitle || track.samples.iter().all(|sample| sample.duration > 0) {
            continue;
        }
        let times = track.times();
        let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.retain(|step| *step > 0);
        steps.sort_unstable();
        let usual = steps.get(steps.len() / 2).copied().or_else(|| {
            let rate = track.video.stated_rate?;
            Some((1.0 / rate / track.tick.seconds(1)).round() as i64)
        });
        for sample in track.samples.iter_mut().filter(|sample| sample.duration == 0) {
            let after = times.partition_point(|time| *time <= sample.time);
            let step = times.get(after).map(|next| next - sample.time).or(usual);
            sample.duration = step.and_then(|step| u32::try_from(step).ok()).unwrap_or(0);
        }
    }
}

/// A fault if a track has more samples than allowed.
pub(crate) fn check_samples(count: u64, limits: &Limits) -> Result<(), Fault> {
    if count > u64::from(limits.video_samples) {
        return Err(Fault::limit(format!(
            "{count} samples exceed {}",
            limits.video_samples
        )));
    }
    Ok(())
}
