//! Levels of the samples: root mean square, peak, offset, clipping, sign changes.
//!
//! - `audio_rms_dbfs`: root mean square of all samples of all channels, in dB of full scale: a sine of full scale has -3.01.
//!   Null for digital silence.
//! - `audio_peak_dbfs`: the largest sample without its sign. Null for digital silence.
//! - `audio_dc_offset`: the mean of the samples of the channel where it is farthest from 0, -1 to 1.
//! - `audio_clipped_share`: samples at or beyond the largest or smallest value that can be stored, among all. Of sound of
//!   less than 16 bits that is the value of its bits; of all other sound, lossy too, that of 16 bits.
//! - `audio_zero_crossing_rate`: pairs of neighbouring samples of a channel of which one is below 0 and the other is not, among
//!   all pairs.

use gristmill_core::Column;
use pulp::Arch;

use super::{Block, Kind, Meter, Shape, Value, decibels};

pub(super) const COLUMNS: [Column; 5] = [
    Column::f64(
        "audio_rms_dbfs",
        "root mean square of all samples, in dB of full scale; null for digital silence",
    ),
    Column::f64(
        "audio_peak_dbfs",
        "largest sample, in dB of full scale; null for digital silence",
    ),
    Column::f64(
        "audio_dc_offset",
        "mean of the samples of the channel where it is farthest from 0, as a share of full scale, -1 to 1",
    ),
    Column::f64(
        "audio_clipped_share",
        "samples at or beyond full scale among all, 0 to 1",
    ),
    Column::f64(
        "audio_zero_crossing_rate",
        "neighbouring samples with different signs among all neighbours, 0 to 1",
    ),
];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(Levels::new(shape)),
};

/// Sums of a channel.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    sum: f64,
    squares: f64,
    peak: f32,
    clipped: u64,
    crossings: u64,
    last: Option<f32>,
}

struct Levels {
    full: f32,
    channels: Vec<Sums>,
    frames: u64,
}

impl Levels {
    fn new(shape: Shape) -> Levels {
        let bits = shape.bits.map_or(16, |bits| bits.clamp(2, 16));
        Levels {
            full: 1.0 - 2f32.powi(1 - i32::from(bits)),
            channels: vec![Sums::default(); shape.channels],
            frames: 0,
        }
    }
}

/// Samples whose sums are taken in numbers of 32 bits, before they are added to those of 64.
const RUN: usize = 256;
const LANES: usize = 16;

/// Adds a stretch to the sums. Each lane has sums of its own, so that the order is the same on every vector unit.
#[inline(always)]
fn add(sums: &mut Sums, samples: &[f32], full: f32) {
    for run in samples.chunks(RUN) {
        let (groups, rest) = run.as_chunks::<LANES>();
        let (mut sum, mut squares, mut peak) = ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
        let mut clipped = [0u32; LANES];
        for group in groups {
            for lane in 0..LANES {
                let value = group[lane];
                sum[lane] += value;
                squares[lane] += value * value;
                peak[lane] = peak[lane].max(value.abs());
                clipped[lane] += u32::from(value.abs() >= full);
            }
        }
        for (lane, &value) in rest.iter().enumerate() {
            sum[lane] += value;
            squares[lane] += value * value;
            peak[lane] = peak[lane].max(value.abs());
            clipped[lane] += u32::from(value.abs() >= full);
        }
        for lane in 0..LANES {
            sums.sum += f64::from(sum[lane]);
            sums.squares += f64::from(squares[lane]);
            sums.peak = sums.peak.max(peak[lane]);
            sums.clipped += u64::from(clipped[lane]);
        }
    }
    let crossings: u64 = samples
        .windows(2)
        .map(|pair| u32::from((pair[0] < 0.0) != (pair[1] < 0.0)))
        .sum::<u32>()
        .into();
    let joint = sums.last.zip(samples.first());
    sums.crossings += crossings + u64::from(joint.is_some_and(|(a, b)| (a < 0.0) != (*b < 0.0)));
    sums.last = samples.last().copied().or(sums.last);
}

impl Meter for Levels {
    fn feed(&mut self, block: &Block<'_>) {
        self.frames += block.samples.frames() as u64;
        let full = self.full;
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (sums, plane) in self.channels.iter_mut().zip(block.samples.planes()) {
                    add(sums, plane, full);
                }
            },
        );
    }

    fn finish(&mut self) -> Vec<Value> {
        let count = self.frames as f64 * self.channels.len() as f64;
        let total = |of: fn(&Sums) -> f64| self.channels.iter().map(of).sum::<f64>();
        let peak = self
            .channels
            .iter()
            .fold(0.0f32, |peak, sums| peak.max(sums.peak));
        let offsets = self.channels.iter().map(|sums| sums.sum / self.frames as f64);
        let offset = offsets.fold(
            0.0,
            |most: f64, offset| if offset.abs() > most.abs() { offset } else { most },
        );
        let pairs = (self.frames.saturating_sub(1) as f64 * self.channels.len() as f64).max(1.0);
        vec![
            Value::rounded(decibels((total(|sums| sums.squares) / count).sqrt()), 2),
            Value::rounded(decibels(f64::from(peak)), 2),
            Value::rounded(offset, 6),
            Value::rounded(total(|sums| sums.clipped as f64) / count, 8),
            Value::rounded(total(|sums| sums.crossings as f64) / pairs, 6),
        ]
    }
}
