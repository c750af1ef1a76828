//! A hash of the samples.
//!
//! Every channel's samples are hashed as 32-bit floating-point numbers, little-endian, full scale at 1; then rate, number of
//! channels and those hashes are. So files of different containers and lossless codecs with the same samples have the same
//! hash, as long as samples have no more than 24 bits; a sound of 16 bits that was stored in 24 has that of 16.
//!
//! Source: xxh3-128.

use gristmill_core::Column;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{Block, Kind, Meter, Shape, Value};

pub(super) const COLUMNS: [Column; 1] = [Column::text(
    "audio_sample_hash",
    "xxh3-128 of rate, channels and decoded samples, 32 hexadecimal digits",
)];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(SampleHash::new(shape)),
};

struct SampleHash {
    rate: u32,
    channels: Vec<Xxh3>,
}

impl SampleHash {
    fn new(shape: Shape) -> SampleHash {
        SampleHash {
            rate: shape.rate,
            channels: vec![Xxh3::new(); shape.channels],
        }
    }
}

impl Meter for SampleHash {
    fn feed(&mut self, block: &Block<'_>) {
        let mut bytes = [0u8; 4096];
        for (hash, plane) in self.channels.iter_mut().zip(block.samples.planes()) {
            for run in plane.chunks(1024) {
                for (four, sample) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(run) {
                    // Both zeros are one.
                    *four = (sample + 0.0).to_le_bytes();
                }
                hash.update(&bytes[..4 * run.len()]);
            }
        }
    }

    fn finish(&mut self) -> Vec<Value> {
        let mut all = self.rate.to_le_bytes().to_vec();
        all.extend((self.channels.len() as u32).to_le_bytes());
        for hash in &self.channels {
            all.extend(hash.digest128().to_le_bytes());
        }
        vec![Value::Text(format!("{:032x}", xxh3_128(&all)))]
    }
}
