//! What headers of codecs tell of a track before a picture is decoded.
//!
//! A size of the container gives way to that of the codec, as decoders have it. Streams whose container has no presentation
//! times get them from the order of their pictures.

pub(crate) mod av1;
pub(crate) mod bits;
pub(crate) mod color;
pub(crate) mod config;
pub(crate) mod frames;
pub(crate) mod h264;
pub(crate) mod hevc;

use crate::film::{Film, Kind, Track};
use color::Coding;
use frames::Facts;

/// Most samples in which a header is looked for.
pub(crate) const LOOKED_AT: usize = 8;

/// Completes the facts of all video tracks.
pub(crate) fn complete(film: &mut Film<'_>) {
    for index in 0..film.tracks.len() {
        hide(film, index);
        let track = &film.tracks[index];
        if track.kind != Kind::Video || track.is_encrypted && track.config.is_empty() {
            continue;
        }
        let (facts, rate) = facts_of(film, track).unwrap_or_default();
        let track = &mut film.tracks[index];
        let video = &mut track.video;
        if facts.width > 0 && facts.height > 0 {
            (video.width, video.height) = (facts.width, facts.height);
        }
        if facts.bit_depth > 0 {
            video.bit_depth = Some(facts.bit_depth);
        }
        video.pixel_aspect = video.pixel_aspect.or(facts.pixel_aspect);
        video.stated_rate = video
            .stated_rate
            .or(rate.filter(|rate| rate.is_finite() && *rate > 0.0));
        track.profile = track.profile.take().or(facts.profile);
    }
}

/// Hides samples of VP8 and VP9 that are not shown: containers do not tell them from others.
fn hide(film: &mut Film<'_>, index: usize) {
    let track = &film.tracks[index];
    let is_shown = match track.codec.as_ref() {
        "vp8" => frames::vp8_is_shown,
        "vp9" => frames::vp9_is_shown,
        _ => return,
    };
    if track.is_encrypted {
        return;
    }
    let hidden: Vec<usize> = (0..track.samples.len())
        .filter(|&at| !is_shown(&film.bytes(track, &track.samples[at])))
        .collect();
    for at in hidden {
        film.tracks[index].samples[at].is_shown = false;
    }
}

/// How the samples of a track mean colours, by its headers.
pub(crate) fn coding_of(film: &Film<'_>, track: &Track) -> Coding {
    facts_of(film, track).map_or_else(Coding::default, |(facts, _)| facts.coding)
}

/// Facts of pictures and the rate that a codec states.
fn facts_of(film: &Film<'_>, track: &Track) -> Option<(Facts, Option<f64>)> {
    let plain = |facts: Facts| (facts, None);
    let first = || {
        let samples = track
            .samples
            .iter()
            .take(if track.is_encrypted { 0 } else { LOOKED_AT });
        samples.map(|sample| film.bytes(track, sample))
    };
    match track.codec.as_ref() {
        "h264" => config::h264_units(&track.config)
            .iter()
            .find_map(|unit| h264_facts(unit))
            .or_else(|| {
                let lengths = config::h264_length(&track.config);
                first().find_map(|sample| config::sample_units(&sample, lengths).find_map(h264_facts))
            }),
        "hevc" => config::hevc_units(&track.config)
            .iter()
            .find_map(|unit| hevc_facts(unit))
            .or_else(|| {
                let lengths = config::hevc_length(&track.config);
                first().find_map(|sample| config::sample_units(&sample, lengths).find_map(hevc_facts))
            }),
        "av1" => av1::Sequence::find(track.config.get(4..).unwrap_or_default())
            .or_else(|| first().find_map(|sample| av1::Sequence::find(&sample)))
            .map(|sequence| plain(sequence.facts)),
        "vp9" => first().find_map(|sample| frames::vp9(&sample)).map(plain),
        "vp8" => first().find_map(|sample| frames::vp8(&sample)).map(plain),
        "mpeg4" => frames::mpeg4(&track.config)
            .or_else(|| first().find_map(|sample| frames::mpeg4(&sample)))
            .map(plain),
        "mpeg2video" | "mpeg1video" => first()
            .find_map(|sample| frames::mpeg2(&sample))
            .map(|(facts, rate, _)| (facts, Some(rate))),
        "h263" | "flv1" => {
            let size = first().find_map(|sample| frames::h263(&sample, track.codec == "flv1"))?;
            Some(plain(Facts {
                width: size.0,
                height: size.1,
                bit_depth: 8,
                ..Facts::default()
            }))
        }
        "mjpeg" => {
            let first = first().next()?;
            let header = gristmill_image::probe(&first, &gristmill_core::Limits::default()).ok()?;
            Some(plain(Facts {
                width: header.width,
                height: header.height,
                bit_depth: header.bit_depth,
                ..Facts::default()
            }))
        }
        _ => None,
    }
}

fn h264_facts(unit: &[u8]) -> Option<(Facts, Option<f64>)> {
    if h264::kind(unit) != h264::SEQUENCE {
        return None;
    }
    let sequence = h264::Sequence::read(unit)?;
    let facts = Facts {
        width: sequence.width,
        height: sequence.height,
        bit_depth: sequence.bit_depth,
        profile: Some(sequence.profile_name()),
        pixel_aspect: sequence.pixel_aspect,
        coding: sequence.coding,
        ..Facts::default()
    };
    Some((facts, sequence.rate))
}

fn hevc_facts(unit: &[u8]) -> Option<(Facts, Option<f64>)> {
    if hevc::kind(unit) != hevc::SEQUENCE || hevc::layer(unit) > 0 {
        return None;
    }
    let sequence = hevc::Sequence::read(unit)?;
    let facts = Facts {
        width: sequence.width,
        height: sequence.height,
        bit_depth: sequence.bit_depth,
        profile: Some(sequence.profile_name()),
        pixel_aspect: sequence.pixel_aspect,
        coding: sequence.coding,
        ..Facts::default()
    };
    Some((facts, sequence.rate))
}

/// Presentation times, in frames, of pictures in the order of decoding: the ranks of their orders, by runs that each begin where
/// `begins` says. A picture that has no order follows the one before.
pub(crate) fn ranks(orders: &[(i64, bool)]) -> Vec<i64> {
    let mut ranks = vec![0; orders.len()];
    let mut from = 0;
    while from < orders.len() {
        let to = (from + 1..orders.len())
            .find(|&at| orders[at].1)
            .unwrap_or(orders.len());
        let mut run: Vec<usize> = (from..to).collect();
        run.sort_by_key(|&at| orders[at].0);
        for (rank, at) in run.into_iter().enumerate() {
            ranks[at] = (from + rank) as i64;
        }
        from = to;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_ranked_within_their_runs() {
        let orders = [(0, true), (8, false), (4, false), (0, true), (2, false)];
        assert_eq!(ranks(&orders), [0, 2, 1, 3, 4]);
    }
}
