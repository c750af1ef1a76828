//! A sound in other channels, at another rate, of another loudness, without silence at its ends, in another format.
//!
//! In this order: all channels become their mean, where one is wanted; the rate is changed by a windowed sinc, flat to 91 % of
//! half the lower rate and 100 dB down from it on; silence is cut off at both ends, to 100 ms of samples below -60 dB of full
//! scale (a sound that is all silent stays); the sound is made louder or less loud by one factor, so that its integrated
//! loudness (ITU-R BS.1770-4) is what is wanted, but never made so loud that its true peak exceeds -1 dBTP; it is encoded.
//!
//! A file of which all that is already so keeps its bytes: it is not even decoded, unless silence or loudness has to be looked
//! at. A factor of less than 0.1 dB is none. With [`format`](Transcode::format) none a file that changes is written as FLAC.

use gristmill_core::{Fault, Limits};

use super::prepare::prepare;
use crate::{
    Codec, Container, Header, Samples, Sound,
    encode::{self, Format},
    meter::{Shape, integrated_loudness, silent_ends, true_peak},
    probe,
};

/// Highest true peak of what is made louder, in dB of full scale.
const CEILING: f64 = -1.0;
/// Least change of loudness that is one, in dB.
const LEAST: f64 = 0.1;

/// What a sound is to be; see the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcode {
    /// Whether all channels become one.
    pub is_mono: bool,
    /// The rate; none keeps it.
    pub rate: Option<u32>,
    /// Integrated loudness in LUFS; none keeps it.
    pub loudness: Option<f64>,
    /// Whether silence is cut off at both ends.
    pub is_trimmed: bool,
    /// The format; none keeps files that do not change otherwise.
    pub format: Option<Format>,
}

impl Transcode {
    /// What is wrong with the settings.
    pub fn problem(&self) -> Option<String> {
        match (self.format, self.rate) {
            (Some(Format::Opus { .. }), Some(rate)) if rate != encode::opus::RATE => {
                Some(format!("Opus is always at 48000 Hz, not at {rate}"))
            }
            _ => None,
        }
    }

    /// The file that takes the place of this one; none where its bytes can stay.
    ///
    /// # Errors
    /// Those of decoding; `limit` where its samples do not fit into `limits.audio_bytes`; `unsupported` for more channels than
    /// the format has.
    pub fn apply(&self, bytes: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, Fault> {
        let (header, _) = probe(bytes, limits)?;
        let is_kept = self.keeps(&header);
        if is_kept && self.loudness.is_none() && !self.is_trimmed {
            return Ok(None);
        }
        let rate = match self.format {
            Some(Format::Opus { .. }) => Some(encode::opus::RATE),
            _ => self.rate,
        };
        let mut sound = Sound::open(bytes, limits)?;
        let (mut samples, rate) = prepare(&mut sound, self.is_mono, rate, limits)?;
        let mut has_changed = self.is_trimmed && trim(&mut samples, rate);
        if let Some(target) = self.loudness {
            has_changed |= level(&mut samples, rate, target);
        }
        if is_kept && !has_changed {
            return Ok(None);
        }
        let bits = header
            .bit_depth
            .filter(|_| header.codec.is_lossless())
            .unwrap_or(16);
        encode::file(
            &samples,
            rate,
            self.format.unwrap_or(Format::Flac),
            bits,
            header.sample_rate,
        )
        .map(Some)
    }

    /// Whether a file has the channels, the rate and the format that are wanted.
    fn keeps(&self, header: &Header) -> bool {
        let is_format = match self.format {
            None => true,
            Some(Format::Flac) => header.container == Container::Flac,
            Some(Format::Opus { .. }) => header.container == Container::Ogg && header.codec == Codec::Opus,
            Some(Format::Wav) => header.container == Container::Wav && matches!(header.codec, Codec::Pcm(..)),
        };
        is_format
            && (!self.is_mono || header.channels == 1)
            && self.rate.is_none_or(|rate| rate == header.sample_rate)
    }
}

/// Cuts silence off at both ends; whether there was any.
fn trim(samples: &mut Samples, rate: u32) -> bool {
    let planes: Vec<&[f32]> = samples.planes().iter().map(Vec::as_slice).collect();
    let (start, end) = silent_ends(&planes);
    let frames = samples.frames();
    if start == frames {
        return false;
    }
    let kept = rate as usize / 10;
    let (start, end) = (start.saturating_sub(kept), end.saturating_sub(kept));
    samples.truncate(frames - end);
    samples.drop_front(start);
    start + end > 0
}

/// Brings a sound to a loudness; whether it was changed.
fn level(samples: &mut Samples, rate: u32, target: f64) -> bool {
    let shape = Shape {
        rate,
        channels: samples.channels(),
        bits: None,
    };
    let Some(loudness) = integrated_loudness(samples, shape) else {
        return false;
    };
    let wanted = target - loudness;
    // What is to be less loud has room in any case.
    let room = (CEILING - true_peak(samples, shape)).max(0.0);
    let gain = if wanted > 0.0 { wanted.min(room) } else { wanted };
    if gain.abs() < LEAST {
        return false;
    }
    let factor = 10f64.powf(gain / 20.0) as f32;
    for plane in samples.planes_mut() {
        plane.iter_mut().for_each(|sample| *sample *= factor);
    }
    true
}
