//! The columns of what is known of a file, and of another one that takes its place.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringViewArray, UInt16Array, UInt32Array, UInt64Array};
use gristmill_core::Column;

use crate::Header;

/// Columns that the extractor, edits and splitters give.
pub(crate) const FACTS: [Column; 8] = [
    Column::f64(
        "audio_duration_s",
        "seconds that are heard, without what encoders add; null where only decoding would tell",
    ),
    Column::u32(
        "audio_sample_rate_hz",
        "samples of a channel by second, as decoded",
    ),
    Column::u16("audio_channel_count", "channels, as decoded"),
    Column::u16(
        "audio_bit_depth",
        "bits of a stored sample; null for lossy codecs",
    ),
    Column::text(
        "audio_codec",
        "codec by FFmpeg's names: mp3, aac, opus, vorbis, flac, alac, pcm_s16le and the like",
    ),
    Column::text(
        "audio_container",
        "container, from the bytes: wav, w64, aiff, au, caf, flac, mpeg, adts, loas, ogg, mp4, matroska, avi, flv, mpegts",
    ),
    Column::u64(
        "audio_bitrate_bps",
        "bits of the sound's packets by second, rounded; the file's other bytes do not count",
    ),
    Column::u64("audio_byte_count", "bytes of the file"),
];

/// What is known of a file.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) header: Header,
    pub(crate) bytes: u64,
}

/// The arrays of [`FACTS`]; null where nothing is known.
pub(crate) fn arrays(rows: &[Option<&Facts>]) -> Vec<ArrayRef> {
    let headers = || rows.iter().map(|facts| facts.map(|facts| &facts.header));
    let seconds: Float64Array = headers()
        .map(|header| header?.seconds.map(|seconds| rounded(seconds, 6)))
        .collect();
    let rates: UInt32Array = headers().map(|header| Some(header?.sample_rate)).collect();
    let channels: UInt16Array = headers().map(|header| Some(header?.channels)).collect();
    let depths: UInt16Array = headers()
        .map(|header| header.filter(|header| header.codec.is_lossless())?.bit_depth)
        .collect();
    let codecs: StringViewArray = headers().map(|header| Some(header?.codec.name())).collect();
    let containers: StringViewArray = headers().map(|header| Some(header?.container.name())).collect();
    let rates_of_bits: UInt64Array = headers()
        .map(|header| header?.bitrate.map(|bitrate| bitrate.round() as u64))
        .collect();
    let lengths: UInt64Array = rows.iter().map(|facts| Some((*facts)?.bytes)).collect();
    vec![
        Arc::new(seconds),
        Arc::new(rates),
        Arc::new(channels),
        Arc::new(depths),
        Arc::new(codecs),
        Arc::new(containers),
        Arc::new(rates_of_bits),
        Arc::new(lengths),
    ]
}

/// A number with so many digits after the point: what differs between machines is beyond them.
pub(crate) fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    // Without the sign of a zero.
    (value * scale).round() / scale + 0.0
}
