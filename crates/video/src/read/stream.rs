//! Byte streams of H.264 and HEVC: units between start codes, cut into pictures.
//!
//! A stream alone has no times: frames are told apart by their order, at the rate that the stream states, 25 a second where it
//! states none.

use std::ops::Range;

use gristmill_core::{Fault, Limits};

use super::check_samples;
use crate::{
    film::{Container, Film, Kind, Sample, TickLength, Track},
    header::{
        bits::units,
        config::{self, Framing},
        h264, hevc, ranks,
    },
};

/// Frames in a second where nothing tells, as FFmpeg has it.
const USUAL_RATE: f64 = 25.0;

/// The codec of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    H264,
    Hevc,
}

impl Codec {
    /// The codec of this name; HEVC for any but H.264.
    pub(crate) fn of(name: &str) -> Codec {
        if name == "h264" { Codec::H264 } else { Codec::Hevc }
    }
}

/// The container of a stream that begins with a unit: H.264 or HEVC, or none.
pub(super) fn container_of(file: &[u8]) -> Option<Container> {
    if !(file.starts_with(&[0, 0, 0, 1]) || file.starts_with(&[0, 0, 1])) {
        return None;
    }
    for (_, unit) in units(&file[..file.len().min(1 << 16)]).take(16) {
        let (avc, hevc_kind) = (h264::kind(unit), hevc::kind(unit));
        let is_forbidden = unit[0] & 0x80 != 0;
        if is_forbidden {
            return None;
        }
        if avc == h264::SEQUENCE && unit[0] & 0x60 != 0 && h264::Sequence::read(unit).is_some() {
            return Some(Container::H264);
        }
        if hevc_kind == hevc::VIDEO && unit.get(1) == Some(&1) {
            return Some(Container::Hevc);
        }
        if hevc_kind == hevc::SEQUENCE && hevc::Sequence::read(unit).is_some() {
            return Some(Container::Hevc);
        }
    }
    None
}

/// A picture in a stream.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) range: Range<usize>,
    /// Its place in the order of display.
    pub(crate) rank: i64,
    pub(crate) is_key: bool,
}

/// Cuts a stream into pictures. What precedes the first slice of a picture belongs to it.
pub(crate) fn pictures(codec: Codec, stream: &[u8], limits: &Limits) -> Result<Vec<Picture>, Fault> {
    let mut order = Order::new(codec, &[]);
    let mut found: Vec<(usize, Option<Told>)> = Vec::new();
    let mut lead: Option<usize> = None;
    let mut has_recovery = false;
    let mut end = 0;
    for (at, unit) in units(stream) {
        end = at + unit.len();
        // The start code has three bytes, and often a zero before.
        let at = if at >= 4 && stream[at - 4] == 0 {
            at - 4
        } else {
            at - 3
        };
        match order.take(unit) {
            Taken::Slice(told) => {
                let begins = match found.last() {
                    Some((_, Some(before))) => told.begins_after(before) || lead.is_some() && told.is_first(),
                    _ => true,
                };
                if begins {
                    found.push((lead.unwrap_or(at), Some(told.with_recovery(has_recovery))));
                    check_samples(found.len() as u64, limits)?;
                }
                (lead, has_recovery) = (None, false);
            }
            Taken::Lead { is_recovery } => {
                lead = lead.or(Some(at));
                has_recovery |= is_recovery;
            }
            Taken::Other => {}
        }
    }
    let orders: Vec<(i64, bool)> = found
        .iter()
        .map(|(_, told)| told.map_or((0, false), |told| (told.order(), told.restarts())))
        .collect();
    let ranks = ranks(&orders);
    let ends = found.iter().skip(1).map(|(at, _)| *at).chain([end]);
    let pictures = found
        .iter()
        .zip(ends)
        .zip(&ranks)
        .map(|(((at, told), end), rank)| Picture {
            range: *at..end,
            rank: *rank,
            is_key: told.is_some_and(|told| told.is_key()),
        });
    Ok(pictures.collect())
}

/// Reads a file.
pub(super) fn read<'a>(container: Container, file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let codec = if container == Container::H264 {
        Codec::H264
    } else {
        Codec::Hevc
    };
    let mut film = Film::new(container, file);
    let mut track = Track::new(1, Kind::Video, container.name());
    let pictures = pictures(codec, file, limits)?;
    let rate = units(file).take(64).find_map(|(_, unit)| match codec {
        Codec::H264 if h264::kind(unit) == h264::SEQUENCE => h264::Sequence::read(unit)?.rate,
        Codec::Hevc if hevc::kind(unit) == hevc::SEQUENCE => hevc::Sequence::read(unit)?.rate,
        _ => None,
    });
    let rate = rate
        .filter(|rate| (1e-3..1e4).contains(rate))
        .unwrap_or(USUAL_RATE);
    // A tick is a frame, so that no time is rounded.
    track.tick = TickLength::new(1_000_000, (rate * 1e6).round() as u32).unwrap_or(TickLength::MILLISECONDS);
    track.video.stated_rate = Some(rate);
    for (place, picture) in pictures.into_iter().enumerate() {
        track.samples.push(Sample {
            at: picture.range.start as u64,
            length: picture.range.len() as u32,
            time: picture.rank,
            decode_time: place as i64,
            duration: 1,
            is_key: picture.is_key,
            is_shown: true,
        });
    }
    if track.samples.is_empty() {
        return Err(Fault::malformed("stream without a picture"));
    }
    film.tracks.push(track);
    Ok(film)
}

/// What a slice tells of its picture.
#[derive(Debug, Clone, Copy)]
enum Told {
    H264(h264::Slice, bool),
    Hevc(hevc::Slice),
}

impl Told {
    fn begins_after(&self, before: &Told) -> bool {
        match (self, before) {
            (Told::H264(slice, _), Told::H264(before, _)) => slice.begins_after(before),
            (Told::Hevc(slice), _) => slice.is_first,
            _ => true,
        }
    }

    fn is_first(&self) -> bool {
        match self {
            Told::H264(slice, _) => slice.is_first && !slice.is_bottom_field,
            Told::Hevc(slice) => slice.is_first,
        }
    }

    fn with_recovery(self, has_recovery: bool) -> Told {
        match self {
            Told::H264(slice, _) => Told::H264(slice, has_recovery),
            other => other,
        }
    }

    fn order(&self) -> i64 {
        match self {
            Told::H264(slice, _) => slice.order,
            Told::Hevc(slice) => slice.order,
        }
    }

    fn restarts(&self) -> bool {
        match self {
            Told::H264(slice, _) => slice.is_idr,
            Told::Hevc(slice) => slice.is_idr,
        }
    }

    fn is_key(&self) -> bool {
        match self {
            Told::H264(slice, has_recovery) => slice.is_idr || *has_recovery && slice.is_intra,
            Told::Hevc(slice) => slice.is_random_access,
        }
    }
}

enum Taken {
    Slice(Told),
    /// What may only precede the slices of a picture.
    Lead {
        is_recovery: bool,
    },
    Other,
}

/// Tells the order of pictures of either codec.
pub(crate) struct Order {
    state: State,
    framing: Framing,
}

enum State {
    H264(Box<h264::Orders>),
    Hevc(Box<hevc::Orders>),
}

impl Order {
    /// With the parameter sets of a configuration.
    pub(crate) fn new(codec: Codec, config: &[u8]) -> Self {
        let (state, framing, sets) = match codec {
            Codec::H264 => (
                State::H264(Box::default()),
                config::h264_length(config),
                config::h264_units(config),
            ),
            Codec::Hevc => (
                State::Hevc(Box::default()),
                config::hevc_length(config),
                config::hevc_units(config),
            ),
        };
        let mut order = Order { state, framing };
        for unit in sets {
            order.take(unit);
        }
        order
    }

    /// The order of the picture in a sample, whether order starts anew with it, and whether it is a key frame.
    pub(crate) fn of_sample(&mut self, sample: &[u8]) -> (i64, bool, bool) {
        let mut has_recovery = false;
        for unit in config::sample_units(sample, self.framing) {
            match self.take(unit) {
                Taken::Slice(told) => {
                    let told = told.with_recovery(has_recovery);
                    return (told.order(), told.restarts(), told.is_key());
                }
                Taken::Lead { is_recovery } => has_recovery |= is_recovery,
                Taken::Other => {}
            }
        }
        (i64::MAX, false, false)
    }

    fn take(&mut self, unit: &[u8]) -> Taken {
        match &mut self.state {
            State::H264(orders) => {
                if let Some(slice) = orders.take(unit) {
                    return Taken::Slice(Told::H264(slice, false));
                }
                match h264::kind(unit) {
                    h264::SEI => Taken::Lead {
                        is_recovery: is_recovery_point(unit),
                    },
                    h264::SEQUENCE | h264::PICTURE | h264::DELIMITER => Taken::Lead { is_recovery: false },
                    _ => Taken::Other,
                }
            }
            State::Hevc(orders) => {
                if let Some(slice) = orders.take(unit) {
                    return Taken::Slice(Told::Hevc(slice));
                }
                match hevc::kind(unit) {
                    hevc::VIDEO..=hevc::DELIMITER | hevc::PREFIX_SEI if hevc::layer(unit) == 0 => {
                        Taken::Lead { is_recovery: false }
                    }
                    _ => Taken::Other,
                }
            }
        }
    }
}

/// Whether supplemental information has a recovery point (payload type 6).
fn is_recovery_point(unit: &[u8]) -> bool {
    let mut rest = &unit[1..];
    for _ in 0..32 {
        let (Some(kind), Some(length)) = (variable(&mut rest), variable(&mut rest)) else {
            return false;
        };
        if kind == 6 {
            return true;
        }
        match rest.get(length..) {
            Some(after) if after.len() > 1 => rest = after,
            _ => return false,
        }
    }
    false
}

/// A number as bytes of 255 and a last one below.
fn variable(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value += usize::from(byte);
        if byte < 255 {
            return Some(value);
        }
    }
}
