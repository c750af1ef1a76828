//! Frames in the order in which they are shown, and single ones.

use std::collections::BTreeMap;

use gristmill_core::{Fault, Limits};

use super::{Decoder, Frame};
use crate::film::{Film, Track};

/// Most frames that wait for one that is shown before them: the most of any codec is 16.
const WAITING_MAX: usize = 24;
/// Most bytes of theirs; two may wait whatever their size.
const WAITING_BYTES: u64 = 256 << 20;

/// A frame that is shown.
#[derive(Debug)]
pub struct Shown {
    /// Its place among what is shown.
    pub number: usize,
    /// When, in seconds.
    pub time_s: f64,
    /// Its samples.
    pub frame: Frame,
}

/// What came of playing.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// Frames that were shown.
    pub frames: u32,
    /// Samples that gave a fault.
    pub damaged: u32,
    /// The first of these faults.
    pub fault: Option<Fault>,
    /// Whether the limit of pixels was reached before the end.
    pub is_partial: bool,
    pixels: u64,
}

impl Played {
    fn note(&mut self, fault: Fault) {
        self.damaged += 1;
        self.fault.get_or_insert(fault);
    }

    /// Counts the pixels of a sample; false where the limit is reached.
    fn pay(&mut self, pixels: u64, limits: &Limits) -> bool {
        self.pixels = self.pixels.saturating_add(pixels.max(1));
        self.is_partial = self.pixels > limits.video_decoded_pixels;
        !self.is_partial
    }

    /// The first fault, if nothing was shown.
    fn or_fault(self) -> Result<Played, Fault> {
        if self.frames > 0 {
            return Ok(self);
        }
        Err(self
            .fault
            .unwrap_or_else(|| Fault::malformed("no sample gives a frame")))
    }
}

/// Places of samples among what is shown; none for what is hidden.
fn numbers(track: &Track) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..track.samples.len())
        .filter(|&at| track.samples[at].is_shown)
        .collect();
    order.sort_by_key(|&at| track.samples[at].time);
    let mut numbers = vec![None; track.samples.len()];
    for (number, at) in order.into_iter().enumerate() {
        numbers[at] = Some(number);
    }
    numbers
}

/// Decodes all samples from the first key frame on and hands over what is shown, in order.
///
/// # Errors
/// As [`Decoder::of`], and the first fault of a sample if no frame comes out.
pub fn play(
    film: &Film<'_>,
    track: &Track,
    limits: &Limits,
    mut show: impl FnMut(Shown),
) -> Result<Played, Fault> {
    let mut decoder = Decoder::of(film, track, limits)?;
    let numbers = numbers(track);
    let mut played = Played::default();
    let pixels = u64::from(track.video.width) * u64::from(track.video.height);
    // Frames that wait; none for samples that gave no frame.
    let mut waiting: BTreeMap<usize, Option<(f64, Frame)>> = BTreeMap::new();
    let most = usize::try_from(WAITING_BYTES / (pixels * 3 / 2).max(1)).unwrap_or(usize::MAX);
    let most = most.clamp(2, WAITING_MAX);
    let mut next = 0;
    for (at, sample) in track.samples.iter().enumerate() {
        if !played.pay(pixels, limits) {
            break;
        }
        let frames = decoder.sample(&film.bytes(track, sample), sample.is_key || at == 0, at);
        let frames = frames.unwrap_or_else(|fault| {
            played.note(fault);
            Vec::new()
        });
        if decoder.is_late() {
            // They come in the order of display.
            for (at, frame) in frames {
                if let Some(number) = numbers[at] {
                    let shown = (track.seconds(&track.samples[at]), frame);
                    hand_over(number, Some(shown), &mut played, &mut show);
                }
            }
            continue;
        }
        if let Some(number) = numbers[at] {
            let shown = frames
                .into_iter()
                .next()
                .map(|(_, frame)| (track.seconds(sample), frame));
            waiting.insert(number, shown);
        }
        while let Some(first) = waiting.first_entry() {
            if *first.key() > next && waiting.len() <= most {
                break;
            }
            let (number, shown) = waiting.pop_first().expect("it has a first entry");
            next = number + 1;
            hand_over(number, shown, &mut played, &mut show);
        }
    }
    for (at, frame) in decoder.finish().unwrap_or_default() {
        if let Some(number) = numbers[at] {
            waiting.insert(number, Some((track.seconds(&track.samples[at]), frame)));
        }
    }
    for (number, shown) in waiting {
        hand_over(number, shown, &mut played, &mut show);
    }
    played.or_fault()
}

fn hand_over(number: usize, shown: Option<(f64, Frame)>, played: &mut Played, show: &mut impl FnMut(Shown)) {
    if let Some((time_s, frame)) = shown {
        played.frames += 1;
        show(Shown {
            number,
            time_s,
            frame,
        });
    }
}

/// The key frame that a sample is decoded from: the first sample where there is none.
fn key_before(track: &Track, place: usize) -> usize {
    (0..=place)
        .rev()
        .find(|&at| at == 0 || track.samples.get(at).is_some_and(|sample| sample.is_key))
        .unwrap_or(0)
}

/// The samples that [`at_samples`] decodes for these places, ascending.
pub(crate) fn samples_for(track: &Track, places: &[usize]) -> Vec<usize> {
    let mut needed = Vec::new();
    let mut next = 0;
    for &place in places.iter().filter(|&&place| place < track.samples.len()) {
        needed.extend(key_before(track, place).max(next)..=place);
        next = place + 1;
    }
    needed
}

/// Decodes the samples at these places, ascending, each from the key frame before it, and hands them over in this order.
///
/// # Errors
/// As [`play`].
pub fn at_samples(
    film: &Film<'_>,
    track: &Track,
    places: &[usize],
    limits: &Limits,
    mut show: impl FnMut(Shown),
) -> Result<Played, Fault> {
    let mut decoder = Decoder::of(film, track, limits)?;
    let numbers = numbers(track);
    let mut played = Played::default();
    let pixels = u64::from(track.video.width) * u64::from(track.video.height);
    let mut done = None;
    for &place in places {
        let key = key_before(track, place);
        // Go on where the last one ended, if that is in the same group of pictures.
        let from = match done {
            Some(done) if done >= key => done + 1,
            _ => {
                decoder.restart();
                key
            }
        };
        for (at, sample) in track.samples.iter().enumerate().take(place + 1).skip(from) {
            if !played.pay(pixels, limits) {
                return played.or_fault();
            }
            done = Some(at);
            let is_key = sample.is_key || at == 0;
            let mut frames = match decoder.sample(&film.bytes(track, sample), is_key, at) {
                Ok(frames) => frames,
                Err(fault) => {
                    played.note(fault);
                    continue;
                }
            };
            if at == place && decoder.is_late() && frames.iter().all(|(number, _)| *number != place) {
                frames.extend(decoder.finish().unwrap_or_default());
                done = None;
            }
            for (number, frame) in frames {
                if number == place {
                    played.frames += 1;
                    show(Shown {
                        number: numbers[at].unwrap_or(0),
                        time_s: track.seconds(sample),
                        frame,
                    });
                }
            }
        }
    }
    played.or_fault()
}
