//! Measures of all frames of a video: each is fed one frame after another in the order of display, and tells at the end.
//!
//! A frame is looked at in full, or small: at most 256 columns, sampled as PySceneDetect does it.

mod black;
mod frozen;
mod motion;
mod seconds;
mod shots;
mod small;

use gristmill_core::Column;
use serde_json::{Map, Value, json};

use crate::{decode::Frame, probe::rounded};
pub use shots::{Cut, Cuts, Detector, Scores};
pub(crate) use small::{Sampler, Small};

/// What is told, by the names of columns.
pub(crate) type Values = Map<String, Value>;

/// A frame, and what is made of it once for all measures.
pub(crate) struct View<'a> {
    /// When it is shown, in seconds.
    pub(crate) time_s: f64,
    pub(crate) frame: &'a Frame,
    pub(crate) small: &'a Small,
    /// The score of shots; 0 where nobody asks for them.
    pub(crate) score: f64,
    /// By how many degrees clockwise the frame is turned to be upright.
    pub(crate) rotation: u16,
}

/// Takes frames in the order of display.
pub(crate) trait Measure {
    /// Takes a frame.
    fn take(&mut self, view: &View<'_>);

    /// Tells of all frames. The last one is shown until `end_s`.
    fn finish(self: Box<Self>, end_s: f64, values: &mut Values);
}

/// A measure: what it gives, and how to begin it.
pub(crate) struct Entry {
    pub(crate) outputs: &'static [Column],
    pub(crate) begin: fn() -> Box<dyn Measure>,
}

/// All measures.
pub(crate) static MEASURES: &[Entry] = &[
    Entry {
        outputs: &shots::CONTENT_OUTPUTS,
        begin: || Box::new(shots::Shots::new(Detector::Content)),
    },
    Entry {
        outputs: &shots::ADAPTIVE_OUTPUTS,
        begin: || Box::new(shots::Shots::new(Detector::Adaptive)),
    },
    Entry {
        outputs: &motion::OUTPUTS,
        begin: || Box::new(motion::Motion::default()),
    },
    Entry {
        outputs: &black::OUTPUTS,
        begin: || Box::new(black::Black::default()),
    },
    Entry {
        outputs: &frozen::OUTPUTS,
        begin: || Box::new(frozen::Frozen::default()),
    },
    Entry {
        outputs: &seconds::OUTPUTS,
        begin: || Box::new(seconds::Seconds::default()),
    },
];

pub(crate) use black::{OUTPUTS as BLACK, is_black};
pub(crate) use frozen::OUTPUTS as FROZEN;
pub(crate) use motion::OUTPUTS as MOTION;
pub(crate) use seconds::OUTPUTS as SECONDS;
pub(crate) use shots::{ADAPTIVE_OUTPUTS as ADAPTIVE, CONTENT_OUTPUTS as CONTENT, Scorer};

/// Spans of seconds as a JSON list of pairs.
fn spans_json(spans: &[(f64, f64)]) -> Value {
    let pairs: Vec<[f64; 2]> = spans
        .iter()
        .map(|(from, to)| [rounded(*from), rounded(*to)])
        .collect();
    Value::String(json!(pairs).to_string())
}
