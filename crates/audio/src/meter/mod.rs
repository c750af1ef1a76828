//! Meters: what is measured of a sound while it is decoded.
//!
//! A meter is fed the sound block by block and tells its values at the end. It keeps sums and short windows, or a few bytes
//! for each tenth of a second, so that memory stays small however long the sound is. Values are rounded, decibels to 0.01 and
//! others as stated, so that last bits of sums do not matter.

mod fingerprint;
mod levels;
mod loudness;
mod sample_hash;
mod silence;
mod spectrum;
mod speech;
mod true_peak;

use gristmill_core::Column;

pub(crate) use silence::silent_ends;
pub(crate) use speech::{SHAPING, Shaping, Speech};

use crate::{Samples, facts::rounded};

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Text(String),
    /// What cannot be told of this sound.
    Null,
}

impl Value {
    /// A number to so many digits after the point; null where it is none.
    pub(crate) fn rounded(value: f64, digits: i32) -> Value {
        if value.is_finite() {
            Value::Number(rounded(value, digits))
        } else {
            Value::Null
        }
    }
}

/// What a meter is fed.
pub(crate) struct Block<'a> {
    pub(crate) samples: &'a Samples,
    /// The mean of all channels.
    pub(crate) mono: &'a [f32],
}

/// Measures a sound.
pub(crate) trait Meter {
    fn feed(&mut self, block: &Block<'_>);

    /// The values of its columns, in their order.
    fn finish(&mut self) -> Vec<Value>;
}

/// What a meter has to know of a sound beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    /// Bits of a stored sample.
    pub(crate) bits: Option<u16>,
}

/// A kind of meter.
pub(crate) struct Kind {
    /// Its columns.
    pub(crate) columns: &'static [Column],
    pub(crate) make: fn(Shape) -> Box<dyn Meter>,
}

/// All kinds of meters. Those with columns that somebody reads are run.
pub(crate) static KINDS: &[Kind] = &[
    levels::KIND,
    true_peak::KIND,
    loudness::KIND,
    silence::KIND,
    spectrum::KIND,
    speech::KIND,
    fingerprint::KIND,
    sample_hash::KIND,
];

/// Decibels of a share of full scale.
pub(crate) fn decibels(amplitude: f64) -> f64 {
    20.0 * amplitude.log10()
}

/// Integrated loudness of samples in LUFS.
pub(crate) fn integrated_loudness(samples: &Samples, shape: Shape) -> Option<f64> {
    let mut meter = loudness::Loudness::new(shape);
    meter.push(samples.planes());
    meter.end();
    meter.integrated()
}

/// True peak of samples in dB of full scale; negative infinity for digital silence.
pub(crate) fn true_peak(samples: &Samples, shape: Shape) -> f64 {
    let mut meter = true_peak::TruePeak::new(shape);
    meter.push(samples);
    meter.end()
}

/// The columns of all meters, in their order.
pub(crate) const COLUMNS: [Column; COUNT] = {
    let groups: [&[Column]; 8] = [
        &levels::COLUMNS,
        &true_peak::COLUMNS,
        &loudness::COLUMNS,
        &silence::COLUMNS,
        &spectrum::COLUMNS,
        &speech::COLUMNS,
        &fingerprint::COLUMNS,
        &sample_hash::COLUMNS,
    ];
    let mut columns = [levels::COLUMNS[0]; COUNT];
    let (mut group, mut at) = (0, 0);
    while group < groups.len() {
        let mut inner = 0;
        while inner < groups[group].len() {
            columns[at] = groups[group][inner];
            inner += 1;
            at += 1;
        }
        group += 1;
    }
    assert!(at == COUNT, "every column has its place");
    columns
};

/// How many columns meters have.
pub(crate) const COUNT: usize = 17;
