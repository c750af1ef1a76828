//! What is known of a sound without decoding it.

use crate::{
    Codec, Container,
    container::{self, Opened, Track},
    decode,
    tag::Tags,
    timing::Timer,
};
use gristmill_core::{Fault, Limits};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a file says of its sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The container.
    pub container: Container,
    /// The codec.
    pub codec: Codec,
    /// Frames a second of what is decoded.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u16,
    /// Bits of a stored sample; none where the codec has no such.
    pub bit_depth: Option<u16>,
    /// Frames that are heard; none before they are counted.
    pub frames: Option<u64>,
    /// Seconds that are heard.
    pub seconds: Option<f64>,
    /// Bits of its packets by second.
    pub bitrate: Option<f64>,
    /// Whether bytes are missing or damaged, as far as can be seen without decoding.
    pub is_truncated: bool,
}

impl Header {
    pub(crate) fn of(container: Container, track: &Track) -> Header {
        Header {
            container,
            codec: track.codec,
            sample_rate: track.rate,
            channels: track.channels,
            bit_depth: track.bit_depth,
            frames: None,
            seconds: None,
            bitrate: None,
            is_truncated: false,
        }
    }

    /// The ending of names of such files.
    pub fn extension(&self) -> &'static str {
        self.container.extension(self.codec)
    }
}

/// Reads what a file says of its sound, and counts its packets. Nothing is decoded, but two packets of AAC for its rate and
/// channels.
///
/// # Errors
/// Those of [`Sound::open`](crate::Sound::open); codecs that are not decoded have a header all the same. `truncated` where
/// there is no packet.
pub fn probe<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Header, Tags<'a>), Fault> {
    let guarded = catch_unwind(AssertUnwindSafe(|| probe_bare(bytes, limits)));
    guarded.unwrap_or_else(|_| Err(Fault::internal("reading the container panicked")))
}

fn probe_bare<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Header, Tags<'a>), Fault> {
    let mut opened = container::open(bytes, limits)?;
    decode::settle(&mut opened, bytes, limits)?;
    let Opened {
        container,
        track,
        mut packets,
        tags,
    } = opened;
    let mut header = Header::of(container, &track);
    let mut timer = Timer::new(&track);
    let (mut count, mut length, mut frames, mut is_timed) = (0u64, 0u64, 0u64, true);
    while let Some(packet) = packets.next() {
        count += 1;
        length += packet.data.len() as u64;
        if let Some((setup, skip)) = packet.setup {
            timer = Timer::new(&Track {
                setup,
                ..track.clone()
            });
            frames = frames.saturating_sub(skip);
        }
        let timed = timer.frames(&packet.data);
        is_timed &= timed.is_some() || packet.data.is_empty();
        let heard = u64::from(timed.unwrap_or(0)).saturating_sub(u64::from(packet.discard));
        frames += u64::from(packet.lost) + heard;
    }
    if count == 0 && track.frames != Some(0) {
        return Err(Fault::truncated("no packet of sound"));
    }
    frames = frames.saturating_sub(track.skip);
    header.is_truncated = packets.is_broken();
    if let Some(told) = track.frames {
        header.is_truncated |= is_timed && told > frames + u64::from(track.rate) / 20;
        frames = if is_timed { frames.min(told) } else { told };
        is_timed = true;
    }
    let rate = f64::from(track.rate);
    if is_timed {
        header.frames = Some(frames);
        header.seconds = Some(frames as f64 / rate);
    } else {
        header.seconds = track.seconds;
    }
    if let Some(seconds) = header.seconds.filter(|seconds| *seconds > 0.0) {
        header.bitrate = Some(length as f64 * 8.0 / seconds);
    }
    Ok((header, tags))
}
