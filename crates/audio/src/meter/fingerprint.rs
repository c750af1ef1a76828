//! An acoustic fingerprint; see [`fingerprint`](crate::fingerprint).
//!
//! - `audio_fingerprint`: the text that `fpcalc` prints. Null for sounds below 2.6 s, which have no word.

use gristmill_core::Column;

use super::{Block, Kind, Meter, Value};
use crate::fingerprint::{Fingerprinter, encode};

pub(super) const COLUMNS: [Column; 1] = [Column::text(
    "audio_fingerprint",
    "Chromaprint of the first 120 s as fpcalc prints it (algorithm 2); null below 2.6 s",
)];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(Fingerprint(Fingerprinter::new(shape.rate))),
};

struct Fingerprint(Fingerprinter);

impl Meter for Fingerprint {
    fn feed(&mut self, block: &Block<'_>) {
        self.0.push(block.mono);
    }

    fn finish(&mut self) -> Vec<Value> {
        let words = self.0.finish();
        let text = (!words.is_empty()).then(|| encode(&words));
        vec![text.map_or(Value::Null, Value::Text)]
    }
}
