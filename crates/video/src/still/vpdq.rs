//! vPDQ: the PDQ hashes of frames of a video, and how much of one video is in another.
//!
//! A video has a list of frames with hash, quality and time: here of key frames at least a second apart. Frames of a quality below
//! 50 are left out of matching. Two frames match where their hashes differ in at most 31 of 256 bits. The *share* of one video in
//! another is the share of its frames that match any frame of the other. Pictures of the same scene match whatever frames
//! of it were key frames, so that other encoders, sizes, rates and cuts of a film are found; a mirrored film is not,
//! unless dedup is asked to look for it.
//!
//! Source: Facebook, ThreatExchange, vpdq (2022): one frame a second, distance 31, quality 50, query match of 80 %.

use std::fmt;

use gristmill_image::hash::pdq::PdqHash;

/// The most bits by which frames that match differ.
pub const DISTANCE: u32 = 31;
/// The least quality of a frame that is matched.
pub const QUALITY: u8 = 50;
/// The share of frames that makes a video a copy, by the reference.
pub const SHARE: f64 = 0.8;

/// A frame of a video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VpdqFrame {
    /// Its place among what is shown.
    pub number: u32,
    /// How far the hash can be trusted, 0 to 100.
    pub quality: u8,
    /// The hash.
    pub hash: PdqHash,
    /// When it is shown, in seconds.
    pub time_s: f64,
}

/// A line of the reference's text form: number, quality, hash, time.
impl fmt::Display for VpdqFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{},{:.3}",
            self.number, self.quality, self.hash, self.time_s
        )
    }
}

impl VpdqFrame {
    /// Reads a line as it is written; none for another one.
    pub fn parse(line: &str) -> Option<VpdqFrame> {
        let mut fields = line.split(',');
        let number = fields.next()?.parse().ok()?;
        let quality = fields.next()?.parse().ok().filter(|quality| *quality <= 100)?;
        let digits = fields.next()?;
        let time_s = fields
            .next()?
            .parse()
            .ok()
            .filter(|time: &f64| time.is_finite())?;
        if digits.len() != 64 || !digits.is_ascii() || fields.next().is_some() {
            return None;
        }
        let mut hash = PdqHash::default();
        for (byte, at) in hash.0.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
        }
        Some(VpdqFrame {
            number,
            quality,
            hash,
            time_s,
        })
    }
}

/// How much of each of two videos is in the other one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// The share of the first one's frames that match one of the second.
    pub of_first: f64,
    /// The share of the second one's frames that match one of the first.
    pub of_second: f64,
}

impl Overlap {
    /// The share of the one that is more within the other: 1 for a part and its whole.
    pub fn containment(&self) -> f64 {
        self.of_first.max(self.of_second)
    }
}

/// Compares two videos; none where one of them has no frame of enough quality.
pub fn overlap(first: &[VpdqFrame], second: &[VpdqFrame]) -> Option<Overlap> {
    let usable = |frames: &[VpdqFrame]| -> Vec<PdqHash> {
        let frames = frames.iter().filter(|frame| frame.quality >= QUALITY);
        frames.map(|frame| frame.hash).collect()
    };
    let (first, second) = (usable(first), usable(second));
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let share = |of: &[PdqHash], within: &[PdqHash]| {
        let matches = |hash: &&PdqHash| within.iter().any(|other| other.distance(hash) <= DISTANCE);
        of.iter().filter(matches).count() as f64 / of.len() as f64
    };
    Some(Overlap {
        of_first: share(&first, &second),
        of_second: share(&second, &first),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(byte: u8, quality: u8) -> VpdqFrame {
        VpdqFrame {
            number: 3,
            quality,
            hash: PdqHash([byte; 32]),
            time_s: 1.5,
        }
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        let frame = frame(0xa7, 99);
        let line = frame.to_string();
        assert_eq!(line, format!("3,99,{},1.500", "a7".repeat(32)));
        assert_eq!(VpdqFrame::parse(&line), Some(frame));
        for other in [
            "",
            "3,99,a7,1.5",
            &line[1..],
            &format!("{line},1"),
            &line.replace("99", "101"),
        ] {
            assert_eq!(VpdqFrame::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_part_is_contained_in_its_whole() {
        let whole = [frame(0, 90), frame(0x0f, 90), frame(0xff, 90), frame(0x55, 10)];
        let part = [frame(0x0f, 90)];
        let found = overlap(&part, &whole).unwrap();
        assert_eq!(found.of_first, 1.0);
        assert!((found.of_second - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(found.containment(), 1.0);
        assert_eq!(overlap(&part, &[frame(0, 10)]), None);
    }
}
