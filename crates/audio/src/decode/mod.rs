//! Decoding: from packets to samples, block by block.
//!
//! A packet that cannot be decoded is silence as long as its header says, so that what follows stays in its place, and the
//! sound counts as truncated. Decoders of others run behind a guard: a panic is such a packet, and a new decoder goes on
//! after it. Memory does not grow with the length of the sound.

mod aac;
mod adpcm;
mod gsm;
mod linear;
mod opus;
mod symphonia;
mod tta;
mod wavpack;

use std::panic::{AssertUnwindSafe, catch_unwind};

use gristmill_core::{Fault, Limits};

use crate::{
    Codec, Samples,
    container::{self, Opened, Packets, Track},
    header::Header,
    timing::Timer,
};

/// Frames that a block has at least, unless the sound ends.
const BLOCK: usize = 8192;
/// Packets that are decoded to find rate and channels of AAC, whose header does not tell them for sure.
const TRIALS: usize = 12;

/// Most frames of silence for a packet that cannot be decoded.
const PACKET_FRAMES: u32 = 1 << 16;

/// Decodes packets.
pub(crate) trait Decode: Send {
    /// Appends what a packet decodes to.
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault>;
}

/// A decoder for a track.
fn decoder(track: &Track) -> Result<Box<dyn Decode>, Fault> {
    Ok(match track.codec {
        Codec::Pcm(sample, is_big) => Box::new(linear::Linear::new(sample, is_big)),
        Codec::AdpcmIma => Box::new(adpcm::ImaWav::new(track.block)),
        Codec::AdpcmImaQt => Box::new(adpcm::ImaQt::new(track.channels)),
        Codec::AdpcmMs => Box::new(adpcm::Microsoft::new(track)?),
        Codec::Gsm => Box::new(gsm::Gsm::new(false)),
        Codec::GsmMs => Box::new(gsm::Gsm::new(true)),
        Codec::Mp1 | Codec::Mp2 | Codec::Mp3 => Box::new(symphonia::Mpeg::new(track)?),
        Codec::Flac | Codec::Alac | Codec::Vorbis => Box::new(symphonia::Plain::new(track)?),
        Codec::Aac | Codec::AacLatm => Box::new(aac::Aac::new(track)?),
        Codec::Opus => Box::new(opus::Opus::new(&track.setup)?),
        Codec::Tta => Box::new(tta::Tta::new(track)?),
        Codec::WavPack => Box::new(wavpack::WavPack),
        Codec::Other(name) => return Err(Fault::unsupported(format!("codec {name}"))),
    })
}

/// The sound of a file, decoded while it is asked for.
pub struct Sound<'a> {
    header: Header,
    track: Track,
    packets: Box<dyn Packets<'a> + 'a>,
    decoder: Box<dyn Decode>,
    timer: Timer,
    block: Samples,
    limits: Limits,
    /// Frames at the start that are still to be left out.
    skip: u64,
    /// Frames that are still to be heard.
    left: Option<u64>,
    /// Frames that packets gave, those of them that were decoded, and those that were heard.
    given: u64,
    decoded: u64,
    heard: u64,
    problem: Option<Fault>,
    is_damaged: bool,
    is_done: bool,
}

impl std::fmt::Debug for Sound<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sound")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl<'a> Sound<'a> {
    /// Opens a file: any of sound, or a video, of which the default sound track is taken.
    ///
    /// # Errors
    /// `malformed` and `truncated` where there is no sound to be found, `limit` where it has more channels or a higher rate
    /// than the limits allow, `unsupported` for containers and codecs that are not read.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Sound<'a>, Fault> {
        let guarded = catch_unwind(AssertUnwindSafe(|| Sound::open_bare(bytes, limits)));
        guarded.unwrap_or_else(|_| Err(Fault::internal("reading the container panicked")))
    }

    fn open_bare(bytes: &'a [u8], limits: &Limits) -> Result<Sound<'a>, Fault> {
        let mut opened = container::open(bytes, limits)?;
        settle(&mut opened, bytes, limits)?;
        let decoder = decoder(&opened.track)?;
        let Opened {
            container,
            track,
            packets,
            tags: _,
        } = opened;
        Ok(Sound {
            header: Header::of(container, &track),
            decoder,
            timer: Timer::new(&track),
            block: Samples::new(usize::from(track.channels)),
            limits: limits.clone(),
            skip: track.skip,
            left: track.frames,
            track,
            packets,
            given: 0,
            decoded: 0,
            heard: 0,
            problem: None,
            is_damaged: false,
            is_done: false,
        })
    }

    /// What is told of the sound without decoding it. Duration and the like are not counted yet; see
    /// [`probe`](crate::probe).
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next samples, none at the end.
    ///
    /// # Errors
    /// `limit` once there are more frames than `limits.audio_frames`, or than `limits.audio_seconds` have; what is wrong with the first packet, if no packet can
    /// be decoded; `truncated` where there is none.
    pub fn next_block(&mut self) -> Result<Option<&Samples>, Fault> {
        self.block.clear();
        while self.block.frames() < BLOCK && !self.is_done {
            self.decode_packet()?;
        }
        let frames = self.block.frames() as u64;
        self.heard += frames;
        if frames > 0 {
            return Ok(Some(&self.block));
        }
        if self.decoded == 0 {
            return Err(self
                .problem
                .take()
                .unwrap_or_else(|| Fault::truncated("no packet of sound")));
        }
        Ok(None)
    }

    /// Whether a part of the sound was missing or damaged so far; certain at its end.
    pub fn is_truncated(&self) -> bool {
        let is_short = self.is_done
            && self
                .left
                .is_some_and(|left| left > u64::from(self.track.rate) / 20);
        self.is_damaged || self.packets.is_broken() || is_short
    }

    /// Frames that were given so far.
    pub fn frames(&self) -> u64 {
        self.heard
    }

    fn decode_packet(&mut self) -> Result<(), Fault> {
        let next = catch_unwind(AssertUnwindSafe(|| self.packets.next()));
        let Ok(next) = next else {
            self.is_done = true;
            self.is_damaged = true;
            self.problem
                .get_or_insert_with(|| Fault::internal("reading the container panicked"));
            return Ok(());
        };
        let Some(packet) = next else {
            self.is_done = true;
            return Ok(());
        };
        if let Some((setup, skip)) = packet.setup {
            self.track.setup = setup;
            self.skip = skip;
            self.decoder = decoder(&self.track)?;
            self.timer = Timer::new(&self.track);
        }
        let before = self.block.frames();
        let frames = self.timer.frames(&packet.data);
        self.block.extend_silence(packet.lost as usize);
        if !packet.data.is_empty() {
            self.run(&packet.data, frames)?;
        }
        let seconds = u64::from(self.limits.audio_seconds);
        let most = self.limits.audio_frames.min(seconds * u64::from(self.track.rate));
        self.given += (self.block.frames() - before) as u64;
        if self.given > most {
            return Err(Fault::limit(format!("sound of more than {most} frames")));
        }
        self.trim(before, packet.discard as usize);
        Ok(())
    }

    /// Decodes a packet; silence where it cannot be.
    fn run(&mut self, data: &[u8], frames: Option<u32>) -> Result<(), Fault> {
        let before = self.block.frames();
        let decoded = catch_unwind(AssertUnwindSafe(|| self.decoder.decode(data, &mut self.block)));
        let result = decoded.unwrap_or_else(|_| {
            let name = self.track.codec.name();
            Err(Fault::internal(format!("decoder of {name} panicked")))
        });
        let Err(fault) = result else {
            self.decoded += (self.block.frames() - before) as u64;
            return Ok(());
        };
        if fault.kind == gristmill_core::FaultKind::Internal {
            self.decoder = decoder(&self.track)?;
        }
        // A decoder that failed may have written to some channels only.
        self.block.truncate(before);
        let frames = frames.unwrap_or(0).min(PACKET_FRAMES);
        self.block.extend_silence(frames as usize);
        self.problem.get_or_insert(fault);
        self.is_damaged = true;
        Ok(())
    }

    /// Takes away what is not heard of what was added after `before`.
    fn trim(&mut self, before: usize, discard: usize) {
        let added = self.block.frames() - before;
        self.block.truncate(before + added.saturating_sub(discard));
        let added = self.block.frames() - before;
        let skipped = self.skip.min(added as u64) as usize;
        if skipped > 0 {
            self.skip -= skipped as u64;
            for plane in self.block.planes_mut() {
                plane.drain(before..before + skipped);
            }
        }
        let added = added - skipped;
        if let Some(left) = &mut self.left {
            let kept = (added as u64).min(*left) as usize;
            *left -= kept as u64;
            self.block.truncate(before + kept);
            self.is_done |= *left == 0;
        }
    }
}

/// Sets rate and channels of AAC to what it decodes to: spectral band replication may double the one, parametric stereo the
/// other, and neither has to stand in a header.
pub(crate) fn settle(opened: &mut Opened<'_>, bytes: &[u8], limits: &Limits) -> Result<(), Fault> {
    if !matches!(opened.track.codec, Codec::Aac | Codec::AacLatm) {
        return Ok(());
    }
    let mut trial = container::open(bytes, limits)?;
    let mut decoder = aac::Aac::new(&trial.track)?;
    let mut found: Option<aac::Shape> = None;
    for _ in 0..TRIALS {
        let Some(packet) = trial.packets.next() else { break };
        let shape = catch_unwind(AssertUnwindSafe(|| decoder.shape(&packet.data)));
        if let Ok(Ok(mut shape)) = shape {
            // Two channels that are the same may still come apart.
            let is_settled = found.is_some() && !shape.is_doubled;
            shape.is_doubled &= found.is_none_or(|before| before.is_doubled);
            found = Some(shape);
            if is_settled {
                break;
            }
        }
    }
    // Without parametric stereo in sight, one channel stays one.
    let core = aac::core_channels(&opened.track.setup);
    let core = if opened.track.setup.is_empty() {
        Some(opened.track.channels)
    } else {
        core
    };
    if let Some(shape) = &mut found
        && shape.is_doubled
        && core == Some(1)
    {
        shape.channels = 1;
    }
    if let Some(shape) = found {
        let track = &mut opened.track;
        if shape.rate != track.rate && track.rate > 0 {
            let ratio = f64::from(shape.rate) / f64::from(track.rate);
            track.skip = (track.skip as f64 * ratio).round() as u64;
            track.frames = track.frames.map(|frames| (frames as f64 * ratio).round() as u64);
        }
        track.rate = shape.rate;
        track.channels = shape.channels;
        track.packet_frames = Some(shape.frames);
    }
    Ok(())
}
