//! Near duplicates of sounds by Chromaprint and of videos by vPDQ: sequences of hashes, compared with tolerance.
//!
//! A recording is the set of its *marks*: of a sound the words of its fingerprint without their last 8 bits (silence and
//! repeated words have none), of a video the slots of 24 bits, ten of them, of the PDQ hash of each frame of quality 50 or
//! more. Copies that were encoded again keep many marks whole, parts keep some; unrelated recordings share hardly one.
//! The minimum of each of `bands` hash functions over the marks is a key: recordings that share the share s of their marks
//! meet with a chance of 1 − (1 − s)ᵇᵃⁿᵈˢ.
//!
//! Recordings that met are compared. Sounds: at the best offset of one against the other, at most `bits` of 32 bits differ on
//! average, over 2 s or more (below 10 s at most 6 to 10), and what lies above each other is `share` of the shorter one at
//! least; similarity is 1 − bits that differ ÷ 32. Only the first two minutes of a sound are in its fingerprint, so two
//! that are both longer are copies only if their lengths agree within a hundredth: podcasts begin alike. Videos:
//! similarity is the share of the frames of one that match a frame of the other in all but 31 bits, of whichever it is
//! more, and must be `share` at least: a part is a copy of its whole. Where fewer than 3 frames match, the lengths must agree
//! as well: a title is no film. With `positions` frames have marks in each of them, and all frames of a copy lie in one.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, BinaryBuilder, StringViewArray, UInt64Builder},
    datatypes::Float64Type,
};
use gristmill_audio::fingerprint as chromaprint;
use gristmill_core::{Card, Column, Cost, Error, Result, Setting, Settings, Sort, columns};
use gristmill_image::hash::pdq::PdqHash;
use gristmill_text::fingerprint::MinHash;
use gristmill_video::vpdq::{self, VpdqFrame};
use xxhash_rust::xxh3::xxh3_64;

use super::{Dedup, Fingerprint, Keys, Measure, Method, Positions, Verdict, positions};
use crate::CLUSTER_COLUMNS;

/// Describes [`CHROMAPRINT`].
pub(crate) static CHROMAPRINT_CARD: Card = Card {
    name: "chromaprint",
    about: "sounds that are the same where they overlap, by acoustic fingerprints",
    inputs: &[columns::AUDIO_FINGERPRINT, columns::AUDIO_DURATION],
    outputs: &CLUSTER_COLUMNS,
    source: "Chromaprint 1.5, fingerprint_matcher.h: 10 of 32 bits",
    cost: Cost::Moderate,
    version: 1,
};

/// Describes [`VPDQ`].
pub(crate) static VPDQ_CARD: Card = Card {
    name: "vpdq",
    about: "videos most of whose frames are in the other one, by PDQ hashes of frames",
    inputs: &[columns::VIDEO_PDQ, columns::VIDEO_DURATION],
    outputs: &CLUSTER_COLUMNS,
    source: "vPDQ of ThreatExchange: 31 bits, quality 50, 80 % of the frames",
    cost: Cost::Moderate,
    version: 1,
};

const BANDS: Setting = Setting {
    name: "bands",
    sort: Sort::Number {
        default: 48,
        min: 1,
        max: 1000,
    },
    about: "keys; recordings meet if one is equal",
};

const SHARE: Setting = Setting {
    name: "share",
    sort: Sort::Share { default: 0.8 },
    about: "least share of the shorter sound that overlaps, or of the frames of one video that the other has",
};

static CHROMAPRINT_SETTINGS: [Setting; 3] = [
    Setting {
        name: "bits",
        sort: Sort::Number {
            default: 10,
            min: 0,
            max: 10,
        },
        about: "bits of 32 in which copies may differ on average; fewer where the overlap is below 10 s",
    },
    SHARE,
    BANDS,
];

static VPDQ_SETTINGS: [Setting; 3] = [SHARE, positions::SETTING, BANDS];

/// What recordings are compared by; see the module.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Sound,
    Video,
}

/// A kind of recordings.
#[derive(Debug)]
pub(crate) struct Recordings {
    kind: Kind,
    card: &'static Card,
    settings: &'static [Setting],
}

/// Chromaprint.
pub(crate) static CHROMAPRINT: Recordings = Recordings {
    kind: Kind::Sound,
    card: &CHROMAPRINT_CARD,
    settings: &CHROMAPRINT_SETTINGS,
};
/// vPDQ.
pub(crate) static VPDQ: Recordings = Recordings {
    kind: Kind::Video,
    card: &VPDQ_CARD,
    settings: &VPDQ_SETTINGS,
};

impl Method for Recordings {
    fn card(&self) -> &'static Card {
        self.card
    }

    fn columns(&self) -> &'static [Column] {
        &self.card.inputs[..1]
    }

    fn settings(&self) -> &'static [Setting] {
        self.settings
    }

    fn with(&self, settings: &Settings) -> Result<Dedup, String> {
        let share = settings.share("share").unwrap_or(1.0);
        let positions = match self.kind {
            Kind::Sound => Positions::Upright,
            Kind::Video => Positions::read(settings),
        };
        let measure: Arc<dyn Measure> = match self.kind {
            Kind::Sound => Arc::new(Sounds {
                bits: settings.number("bits") as f64,
                share,
            }),
            Kind::Video => Arc::new(Videos { share, positions }),
        };
        let bands = settings.number("bands") as usize;
        Ok(Dedup::Whole(Arc::new(Marked {
            kind: self.kind,
            positions,
            name: self.card.name,
            beside: &self.card.inputs[1..],
            hashes: MinHash::new(bands, 1),
            measure,
        })))
    }
}

/// A method with its settings.
struct Marked {
    kind: Kind,
    positions: Positions,
    name: &'static str,
    /// The length.
    beside: &'static [Column],
    hashes: MinHash,
    measure: Arc<dyn Measure>,
}

impl std::fmt::Debug for Marked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.hashes.hashes())
    }
}

impl Fingerprint for Marked {
    fn key_columns(&self) -> usize {
        self.hashes.hashes()
    }

    fn beside(&self) -> &'static [Column] {
        self.beside
    }

    fn keys(&self, inputs: &[ArrayRef]) -> Result<Keys> {
        let content = &inputs[0];
        let mut keys: Vec<UInt64Builder> = (0..self.key_columns())
            .map(|_| UInt64Builder::with_capacity(content.len()))
            .collect();
        let mut evidence = BinaryBuilder::new();
        let mut signature = vec![0; self.key_columns()];
        let wrong = || {
            Error::new(format!(
                "{} of a column of type {}",
                self.name,
                content.data_type()
            ))
        };
        let lengths = inputs
            .get(1)
            .and_then(|lengths| lengths.as_primitive_opt::<Float64Type>());
        for row in 0..content.len() {
            let (marks, bytes) = match self.kind {
                _ if content.is_null(row) => (Vec::new(), Vec::new()),
                Kind::Sound => marks_of_sound(content.as_string_view_opt().ok_or_else(wrong)?.value(row)),
                Kind::Video => {
                    let lines = content.as_list_opt::<i32>().ok_or_else(wrong)?.value(row);
                    marks_of_video(lines.as_string_view_opt().ok_or_else(wrong)?, self.positions)
                }
            };
            if !self.hashes.signature(&marks, &mut signature) {
                keys.iter_mut().for_each(UInt64Builder::append_null);
                evidence.append_null();
                continue;
            }
            for (key, minimum) in keys.iter_mut().zip(&signature) {
                key.append_value(xxh3_64(&minimum.to_le_bytes()));
            }
            let seconds = lengths.filter(|lengths| lengths.is_valid(row));
            let seconds = seconds.map_or(0.0, |lengths| lengths.value(row));
            evidence.append_value([seconds.to_le_bytes().as_slice(), &bytes].concat());
        }
        Ok(Keys {
            columns: keys
                .iter_mut()
                .map(|keys| Arc::new(keys.finish()) as ArrayRef)
                .collect(),
            evidence: Some(Arc::new(evidence.finish())),
        })
    }

    fn verdict(&self) -> Verdict {
        Verdict::Verified(self.measure.clone())
    }
}

/// The marks of a fingerprint, and its words.
fn marks_of_sound(text: &str) -> (Vec<u64>, Vec<u8>) {
    let words = chromaprint::decode(text).unwrap_or_default();
    let marks = chromaprint::keys(&words, usize::MAX);
    let marks = marks.iter().map(|mark| xxh3_64(&mark.to_le_bytes()));
    (
        marks.collect(),
        words.iter().flat_map(|word| word.to_le_bytes()).collect(),
    )
}

/// The marks of frames in all positions, and their hashes.
fn marks_of_video(lines: &StringViewArray, positions: Positions) -> (Vec<u64>, Vec<u8>) {
    let frames = lines.iter().flatten().filter_map(VpdqFrame::parse);
    let hashes: Vec<PdqHash> = frames
        .filter(|frame| frame.quality >= vpdq::QUALITY)
        .map(|frame| frame.hash)
        .collect();
    let slots = |hash: PdqHash| -> Vec<u64> {
        let slots = hash.0.as_chunks::<3>().0.iter().zip(0_u8..);
        slots
            .map(|(slot, number)| xxh3_64(&[slot[0], slot[1], slot[2], number]))
            .collect()
    };
    let all = hashes.iter().flat_map(|hash| positions.of(*hash));
    let mut marks: Vec<u64> = all.flat_map(slots).collect();
    marks.sort_unstable();
    marks.dedup();
    (marks, hashes.iter().flat_map(|hash| hash.0).collect())
}

/// The length in seconds, and the rest of evidence.
fn parted(evidence: &[u8]) -> (f64, &[u8]) {
    match evidence.split_first_chunk() {
        Some((seconds, rest)) => (f64::from_le_bytes(*seconds), rest),
        None => (0.0, &[]),
    }
}

/// Whether two lengths agree, but for what encoders add.
fn is_as_long(a: f64, b: f64) -> bool {
    (a - b).abs() <= 0.01 * a.max(b) + 0.2
}

/// Sounds at their best offset.
#[derive(Debug)]
struct Sounds {
    bits: f64,
    share: f64,
}

impl Measure for Sounds {
    fn threshold(&self) -> f64 {
        1.0 - self.bits / 32.0
    }

    fn similarity(&self, a: &[u8], b: &[u8]) -> f64 {
        let ((a_s, a), (b_s, b)) = (parted(a), parted(b));
        let words = |bytes: &[u8]| -> Vec<u32> {
            let (words, _) = bytes.as_chunks();
            words.iter().map(|word| u32::from_le_bytes(*word)).collect()
        };
        // The order of two sounds must not matter where two offsets are equally good.
        let (first, second) = if a <= b {
            (words(a), words(b))
        } else {
            (words(b), words(a))
        };
        let Some(overlap) = chromaprint::overlap(&first, &second).filter(chromaprint::Overlap::is_match)
        else {
            return 0.0;
        };
        let (first, second) = (first.len() as i64, second.len() as i64);
        let is_cut =
            |words: i64| words as f64 * chromaprint::STEP_S > f64::from(chromaprint::LONGEST_S) - 5.0;
        if is_cut(first) && is_cut(second) && !is_as_long(a_s, b_s) {
            return 0.0;
        }
        let start = overlap.offset.max(0);
        let end = first.min(second + overlap.offset);
        let share = (end - start).max(0) as f64 / first.min(second).max(1) as f64;
        if share < self.share {
            0.0
        } else {
            1.0 - overlap.bit_error / 32.0
        }
    }
}

/// Frames that match by which a part is known.
const FRAMES: usize = 3;

/// Videos by the frames that they have in common.
#[derive(Debug)]
struct Videos {
    share: f64,
    positions: Positions,
}

impl Measure for Videos {
    fn threshold(&self) -> f64 {
        self.share
    }

    fn similarity(&self, a: &[u8], b: &[u8]) -> f64 {
        let ((a_s, a), (b_s, b)) = (parted(a), parted(b));
        let frames = |bytes: &[u8]| -> Vec<PdqHash> {
            let (hashes, _) = bytes.as_chunks();
            hashes.iter().map(|hash| PdqHash(*hash)).collect()
        };
        let (a, b) = (frames(a), frames(b));
        // All frames of a copy are in the same position.
        let turned: Vec<Vec<PdqHash>> = a.iter().map(|frame| self.positions.of(*frame)).collect();
        let positions = 0..turned.first().map_or(0, Vec::len);
        let in_position = positions.map(|position| {
            let a: Vec<PdqHash> = turned.iter().map(|frame| frame[position]).collect();
            self.in_this_position((a_s, &a), (b_s, &b))
        });
        in_position.fold(0.0, f64::max)
    }
}

impl Videos {
    /// The share of the frames of one that the other has, of whichever it is more. Lengths are in seconds.
    fn in_this_position(&self, (a_s, a): (f64, &[PdqHash]), (b_s, b): (f64, &[PdqHash])) -> f64 {
        let matching = |of: &[PdqHash], within: &[PdqHash]| {
            let is_near =
                |frame: &PdqHash| within.iter().any(|other| frame.distance(other) <= vpdq::DISTANCE);
            of.iter().filter(|frame| is_near(frame)).count()
        };
        let (of_a, of_b) = (matching(a, b), matching(b, a));
        if of_a.max(of_b) < FRAMES && !is_as_long(a_s, b_s) {
            return 0.0;
        }
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        share(of_a, a.len()).max(share(of_b, b.len()))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Float64Array, ListBuilder, StringViewBuilder};
    use gristmill_core::Given;

    use super::*;

    fn method(method: &Recordings) -> Arc<dyn Fingerprint> {
        let Dedup::Whole(fingerprint) = method.with(&Settings::new(method.settings(), [])).unwrap() else {
            panic!("whole documents are compared");
        };
        fingerprint
    }

    /// Whether two documents share a key, and how similar they are.
    fn compared(method: &Recordings, texts: [&str; 2]) -> (bool, f64) {
        compared_by_length(method, texts, [60.0, 60.0])
    }

    fn compared_by_length(method: &Recordings, texts: [&str; 2], lengths: [f64; 2]) -> (bool, f64) {
        compared_by(&*self::method(method), method.kind, texts, lengths)
    }

    fn compared_by(
        fingerprint: &dyn Fingerprint,
        kind: Kind,
        texts: [&str; 2],
        lengths: [f64; 2],
    ) -> (bool, f64) {
        let texts: ArrayRef = match kind {
            Kind::Sound => Arc::new(StringViewArray::from_iter_values(texts)),
            Kind::Video => {
                let mut lists = ListBuilder::new(StringViewBuilder::new());
                for text in texts {
                    lists.append_value(text.lines().map(Some));
                }
                Arc::new(lists.finish())
            }
        };
        let keys = fingerprint
            .keys(&[texts, Arc::new(Float64Array::from(lengths.to_vec()))])
            .unwrap();
        let meet = keys.columns.iter().any(|column| {
            let column = column.as_primitive::<datafusion::arrow::datatypes::UInt64Type>();
            column.is_valid(0) && column.is_valid(1) && column.value(0) == column.value(1)
        });
        let Verdict::Verified(measure) = fingerprint.verdict() else {
            panic!("recordings are compared");
        };
        let evidence = keys.evidence.unwrap();
        let evidence = evidence.as_binary::<i32>();
        let (a, b) = (evidence.value(0), evidence.value(1));
        let similarity = measure.similarity(a, b);
        assert_eq!(similarity, measure.similarity(b, a));
        (meet, similarity)
    }

    fn words(seed: u64, count: u64) -> Vec<u32> {
        (0..count)
            .map(|at| xxh3_64(&(seed << 32 | at).to_le_bytes()) as u32)
            .collect()
    }

    #[test]
    fn a_part_of_a_sound_meets_it_wherever_it_lies() {
        let whole = words(1, 700);
        let noisy: Vec<u32> = whole[200..500]
            .iter()
            .enumerate()
            .map(|(at, word)| if at % 2 == 0 { word ^ 0x8100_0001 } else { *word })
            .collect();
        let [whole, noisy, other] = [whole, noisy, words(2, 700)].map(|words| chromaprint::encode(&words));
        let (meet, similarity) = compared(&CHROMAPRINT, [&whole, &noisy]);
        assert!(meet && similarity > 0.9, "{meet} {similarity}");
        assert_eq!(compared(&CHROMAPRINT, [&whole, &other]), (false, 0.0));
    }

    #[test]
    fn sounds_that_share_a_jingle_are_no_copies() {
        let (mut one, mut two) = (words(1, 600), words(2, 600));
        one[..100].copy_from_slice(&words(3, 100));
        two[..100].copy_from_slice(&words(3, 100));
        let [one, two] = [one, two].map(|words| chromaprint::encode(&words));
        assert_eq!(compared(&CHROMAPRINT, [&one, &two]).1, 0.0);
    }

    fn film(seed: u64, frames: std::ops::Range<u64>, flipped: u32) -> String {
        let line = |at: u64| {
            let mut hash = [0_u8; 32];
            for (part, bytes) in hash.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *bytes = xxh3_64(&(seed << 32 | at << 8 | part as u64).to_le_bytes()).to_le_bytes();
            }
            for bit in 0..flipped {
                let place = (xxh3_64(&(at << 16 | u64::from(bit)).to_le_bytes()) % 256) as usize;
                hash[place / 8] ^= 1 << (place % 8);
            }
            let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{at},100,{digits},{at}.000")
        };
        frames.map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_clip_meets_its_film() {
        let whole = film(1, 0..120, 0);
        let (meet, similarity) = compared(&VPDQ, [&whole, &film(1, 40..70, 6)]);
        assert!(meet && similarity == 1.0, "{meet} {similarity}");
        assert_eq!(compared(&VPDQ, [&whole, &film(2, 0..120, 0)]), (false, 0.0));
    }

    #[test]
    fn a_mirrored_film_meets_its_original_if_that_is_asked_for() {
        let film = film(1, 0..60, 0);
        let mirrored = film.lines().map(|line| {
            let mut frame = VpdqFrame::parse(line).unwrap();
            frame.hash = frame.hash.mirrored();
            frame.to_string()
        });
        let mirrored = mirrored.collect::<Vec<_>>().join("\n");
        let both = [film.as_str(), mirrored.as_str()];
        assert_eq!(compared(&VPDQ, both), (false, 0.0));
        let by_words = |words: &'static str| {
            let given = [("positions", Given::Word(words))];
            let Dedup::Whole(vpdq) = VPDQ.with(&Settings::new(&VPDQ_SETTINGS, given)).unwrap() else {
                panic!("whole documents are compared");
            };
            compared_by(&*vpdq, Kind::Video, both, [60.0, 60.0])
        };
        assert_eq!(by_words("mirrored"), (true, 1.0));
        assert_eq!(by_words("any"), (true, 1.0));
    }

    #[test]
    fn long_sounds_that_begin_alike_and_films_with_one_title_are_no_copies() {
        let opening = chromaprint::encode(&words(1, 960));
        let both = [opening.as_str(), opening.as_str()];
        assert_eq!(compared_by_length(&CHROMAPRINT, both, [1800.0, 3600.0]).1, 0.0);
        assert_eq!(compared_by_length(&CHROMAPRINT, both, [3600.0, 3601.0]).1, 1.0);
        let title = film(1, 0..1, 0);
        let both = [title.as_str(), title.as_str()];
        assert_eq!(compared_by_length(&VPDQ, both, [8.0, 30.0]).1, 0.0);
        assert_eq!(compared_by_length(&VPDQ, both, [8.0, 8.1]).1, 1.0);
    }
}
