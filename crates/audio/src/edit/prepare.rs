//! Decoding for edits: the whole sound, in the channels and at the rate that are wanted.

use gristmill_core::{Fault, Limits};

use crate::{
    Samples, Sound,
    dsp::resample::{HIGH, Resampler},
    signal::mix,
};

/// Decodes a sound into memory. Channels are mixed and the rate is changed block by block, so that only what is wanted is held.
pub(crate) fn prepare(
    sound: &mut Sound<'_>,
    is_mono: bool,
    rate: Option<u32>,
    limits: &Limits,
) -> Result<(Samples, u32), Fault> {
    let from = sound.header().sample_rate;
    let is_mixed = is_mono && sound.header().channels > 1;
    let channels = if is_mixed {
        1
    } else {
        usize::from(sound.header().channels)
    };
    let rate = rate.unwrap_or(from);
    let mut resamplers: Vec<Resampler> = match rate == from {
        true => Vec::new(),
        false => (0..channels).map(|_| Resampler::new(from, rate, HIGH)).collect(),
    };
    let mut all = Samples::new(channels);
    let mut mixed = vec![Vec::new()];
    while let Some(block) = sound.next_block()? {
        let planes = match is_mixed {
            true => {
                mix(block.planes(), &mut mixed[0]);
                &mixed
            }
            false => block.planes(),
        };
        for (at, (into, plane)) in all.planes_mut().iter_mut().zip(planes).enumerate() {
            match resamplers.get_mut(at) {
                Some(resampler) => resampler.push(plane, into),
                None => into.extend_from_slice(plane),
            }
        }
        let bytes = all.frames() as u64 * channels as u64 * 4;
        if bytes > limits.audio_bytes {
            return Err(Fault::limit(format!(
                "samples of more than {} bytes",
                limits.audio_bytes
            )));
        }
    }
    for (resampler, into) in resamplers.iter_mut().zip(all.planes_mut()) {
        resampler.finish(into);
    }
    Ok((all, rate))
}
