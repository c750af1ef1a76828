//! From samples to words.

use std::f64::consts::PI;

use crate::dsp::{
    fft::Fft,
    resample::{Design, Resampler},
};

const RATE: u32 = 11_025;
const WINDOW: usize = 4096;
const HOP: usize = 1365;
const NOTES: usize = 12;
/// The first and the last but one frequency of the transform that belong to a note: 28 and 3,520 Hz.
const BINS: std::ops::Range<usize> = 10..1308;
const SMOOTHING: [f64; 5] = [0.25, 0.75, 1.0, 0.75, 0.25];
/// The most windows that a filter looks at.
const WIDTH: usize = 16;

/// A filter over notes and windows, and the bounds of its four values.
struct Classifier {
    kind: u8,
    note: usize,
    notes: usize,
    windows: usize,
    bounds: [f64; 3],
}

const fn classifier(kind: u8, note: usize, notes: usize, windows: usize, bounds: [f64; 3]) -> Classifier {
    Classifier {
        kind,
        note,
        notes,
        windows,
        bounds,
    }
}

/// Those that Chromaprint's author trained.
static CLASSIFIERS: [Classifier; 16] = [
    classifier(0, 4, 3, 15, [1.98215, 2.35817, 2.63523]),
    classifier(4, 4, 6, 15, [-1.03809, -0.651211, -0.282167]),
    classifier(1, 0, 4, 16, [-0.298702, 0.119262, 0.558497]),
    classifier(3, 8, 2, 12, [-0.105439, 0.0153946, 0.135898]),
    classifier(3, 4, 4, 8, [-0.142891, 0.0258736, 0.200632]),
    classifier(4, 0, 3, 5, [-0.826319, -0.590612, -0.368214]),
    classifier(1, 2, 2, 9, [-0.557409, -0.233035, 0.0534525]),
    classifier(2, 7, 3, 4, [-0.0646826, 0.00620476, 0.0784847]),
    classifier(2, 6, 2, 16, [-0.192387, -0.029699, 0.215855]),
    classifier(2, 1, 3, 2, [-0.0397818, -0.00568076, 0.0292026]),
    classifier(5, 10, 1, 15, [-0.53823, -0.369934, -0.190235]),
    classifier(3, 6, 2, 10, [-0.124877, 0.0296483, 0.139239]),
    classifier(2, 1, 1, 14, [-0.101475, 0.0225617, 0.231971]),
    classifier(3, 5, 6, 4, [-0.0799915, -0.00729616, 0.063262]),
    classifier(1, 9, 2, 12, [-0.272556, 0.019424, 0.302559]),
    classifier(3, 4, 2, 14, [-0.164292, -0.0321188, 0.0846339]),
];

/// Computes a fingerprint.
pub(crate) struct Fingerprinter {
    resampler: Option<Resampler>,
    fft: Fft,
    window: Vec<f32>,
    notes: Vec<u8>,
    resampled: Vec<f32>,
    held: Vec<f32>,
    real: Vec<f32>,
    imaginary: Vec<f32>,
    /// The last windows' notes, before they are smoothed.
    recent: Vec<[f64; NOTES]>,
    /// The last windows' notes, summed over windows and notes: the first row is all 0.
    sums: Vec<[f64; NOTES + 1]>,
    words: Vec<u32>,
    /// Input samples that still count.
    left: u64,
}

impl Fingerprinter {
    pub(crate) fn new(rate: u32) -> Fingerprinter {
        let weight = |at: usize| 0.54 - 0.46 * (2.0 * PI * at as f64 / (WINDOW as f64 - 1.0)).cos();
        let note = |bin: usize| {
            let octave = (bin as f64 * f64::from(RATE) / WINDOW as f64 / (440.0 / 16.0)).log2();
            (NOTES as f64 * (octave - octave.floor())) as u8
        };
        Fingerprinter {
            resampler: (rate != RATE).then(|| Resampler::designed(rate, RATE, &design(rate))),
            fft: Fft::new(WINDOW),
            window: (0..WINDOW).map(|at| weight(at) as f32).collect(),
            notes: BINS.map(note).collect(),
            resampled: Vec::new(),
            held: Vec::new(),
            real: Vec::new(),
            imaginary: Vec::new(),
            recent: Vec::new(),
            sums: vec![[0.0; NOTES + 1]],
            words: Vec::new(),
            left: u64::from(rate) * u64::from(super::LONGEST_S),
        }
    }

    /// Takes samples of one channel.
    pub(crate) fn push(&mut self, mono: &[f32]) {
        let taken = (mono.len() as u64).min(self.left);
        self.left -= taken;
        let mono = &mono[..taken as usize];
        self.resampled.clear();
        match &mut self.resampler {
            Some(resampler) => resampler.push(mono, &mut self.resampled),
            None => self.resampled.extend_from_slice(mono),
        }
        self.run(2);
    }

    /// The words, once the sound has ended.
    pub(crate) fn finish(&mut self) -> Vec<u32> {
        self.resampled.clear();
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(&mut self.resampled);
        }
        self.run(1);
        std::mem::take(&mut self.words)
    }

    /// Transforms windows, two at a time, until fewer than `least` are there.
    fn run(&mut self, least: usize) {
        // Chromaprint takes 16 bits, and divides them by their largest number.
        let quantised =
            |sample: &f32| (sample * 32_768.0).round_ties_even().clamp(-32_768.0, 32_767.0) / 32_767.0;
        self.held.extend(self.resampled.iter().map(quantised));
        let mut from = 0;
        loop {
            let there = (self.held.len() - from)
                .checked_sub(WINDOW)
                .map_or(0, |more| 1 + more / HOP);
            if there < least {
                break;
            }
            let count = there.min(2);
            self.transform(from, count);
            from += count * HOP;
        }
        self.held.drain(..from.min(self.held.len()));
    }

    /// Transforms one window, or two as the parts of one of complex numbers.
    fn transform(&mut self, from: usize, count: usize) {
        let weighed = |start: usize, into: &mut Vec<f32>| {
            into.clear();
            into.extend(
                self.held[start..start + WINDOW]
                    .iter()
                    .zip(&self.window)
                    .map(|(a, b)| a * b),
            );
        };
        weighed(from, &mut self.real);
        if count == 2 {
            weighed(from + HOP, &mut self.imaginary);
        } else {
            self.imaginary.clear();
            self.imaginary.resize(WINDOW, 0.0);
        }
        self.fft.run(&mut self.real, &mut self.imaginary);
        let (mut first, mut second) = ([0.0; NOTES], [0.0; NOTES]);
        for (bin, &note) in BINS.zip(&self.notes) {
            let mirror = WINDOW - bin;
            let (a, b) = (f64::from(self.real[bin]), f64::from(self.imaginary[bin]));
            let (c, d) = (f64::from(self.real[mirror]), f64::from(self.imaginary[mirror]));
            let note = usize::from(note);
            first[note] += 0.25 * ((a + c) * (a + c) + (b - d) * (b - d));
            second[note] += 0.25 * ((b + d) * (b + d) + (c - a) * (c - a));
        }
        self.add(first);
        if count == 2 {
            self.add(second);
        }
    }

    /// Adds the notes of a window, and the word that they complete.
    fn add(&mut self, notes: [f64; NOTES]) {
        self.recent.push(notes);
        if self.recent.len() < SMOOTHING.len() {
            return;
        }
        let mut smooth = [0.0; NOTES];
        for (notes, weight) in self.recent.iter().zip(SMOOTHING) {
            for (sum, note) in smooth.iter_mut().zip(notes) {
                *sum += note * weight;
            }
        }
        self.recent.remove(0);
        let norm = smooth.iter().map(|note| note * note).sum::<f64>().sqrt();
        let scale = if norm < 0.01 { 0.0 } else { 1.0 / norm };
        let mut row = [0.0; NOTES + 1];
        let above = self.sums[self.sums.len() - 1];
        let mut sum = 0.0;
        for note in 0..NOTES {
            sum += smooth[note] * scale;
            row[note + 1] = sum + above[note + 1];
        }
        self.sums.push(row);
        if self.sums.len() > WIDTH {
            self.words.push(word(&self.sums[self.sums.len() - 1 - WIDTH..]));
        }
        // Sums grow without end otherwise.
        if self.sums.len() > 16 * WIDTH {
            let kept = self.sums.len() - WIDTH - 1;
            let base = self.sums[kept];
            self.sums.drain(..kept);
            for row in &mut self.sums {
                row.iter_mut().zip(base).for_each(|(sum, base)| *sum -= base);
            }
        }
    }
}

/// The filter of FFmpeg's resampler as `fpcalc` sets it.
fn design(rate: u32) -> Design {
    let cutoff = (f64::from(RATE) * 0.8 / f64::from(rate)).min(1.0);
    Design {
        taps: (16.0 / cutoff).ceil() as usize,
        cutoff,
        beta: 9.0,
    }
}

/// The word of 17 rows of sums.
fn word(sums: &[[f64; NOTES + 1]]) -> u32 {
    const GRAY: [u32; 4] = [0, 1, 3, 2];
    CLASSIFIERS.iter().fold(0, |word, classifier| {
        let value = classifier.value(sums);
        let level = classifier.bounds.iter().filter(|bound| value >= **bound).count();
        word << 2 | GRAY[level]
    })
}

impl Classifier {
    /// The logarithm of the ratio of two areas.
    fn value(&self, sums: &[[f64; NOTES + 1]]) -> f64 {
        let (w, h, y) = (self.windows, self.notes, self.note);
        let area = |from: usize, to: usize, low: usize, high: usize| {
            sums[to][y + high] - sums[from][y + high] - sums[to][y + low] + sums[from][y + low]
        };
        let (a, b) = match self.kind {
            0 => (area(0, w, 0, h), 0.0),
            1 => (area(0, w, h / 2, h), area(0, w, 0, h / 2)),
            2 => (area(w / 2, w, 0, h), area(0, w / 2, 0, h)),
            3 => (
                area(0, w / 2, h / 2, h) + area(w / 2, w, 0, h / 2),
                area(0, w / 2, 0, h / 2) + area(w / 2, w, h / 2, h),
            ),
            4 => (
                area(0, w, h / 3, 2 * (h / 3)),
                area(0, w, 0, h / 3) + area(0, w, 2 * (h / 3), h),
            ),
            _ => (
                area(w / 3, 2 * (w / 3), 0, h),
                area(0, w / 3, 0, h) + area(2 * (w / 3), w, 0, h),
            ),
        };
        ((1.0 + a) / (1.0 + b)).ln()
    }
}
