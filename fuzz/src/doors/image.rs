//! Images: decoders, signals of thumbnails, edits.

use gristmill_core::Limits;
use gristmill_image::{CODECS, EDITS, EXTRACTORS, SIGNALS, Scale, decode, decode_as_stored, probe};

use super::{edited, extracted, measured, record, settled};

/// Tighter than in a run, so that no time goes by with pixels that are all the same.
fn limits() -> Limits {
    Limits {
        image_pixels: 1 << 20,
        image_bytes: 64 << 20,
        ..Limits::default()
    }
}

/// Small enough for what a run does with a picture besides decoding it.
const SMALL: u64 = 1 << 18;

/// Any format: the bytes say which.
pub(crate) fn any(bytes: &[u8]) {
    let limits = limits();
    let header = settled(probe(bytes, &limits));
    let full = settled(decode(bytes, Scale::Full, &limits));
    let stored = settled(decode_as_stored(bytes, &limits));
    assert_eq!(
        full.is_some(),
        stored.is_some(),
        "pixels with and without a profile"
    );
    if let (Some(header), Some(full)) = (&header, &full) {
        let picture = &full.picture;
        assert_eq!(
            (picture.width, picture.height),
            header.upright(),
            "size of the header"
        );
        let expected = picture.width as usize * picture.height as usize * picture.channels.count();
        assert_eq!(picture.pixels.len(), expected, "bytes of the picture");
    }
    assert!(full.is_none() || header.is_some(), "a picture without a header");
    settled(decode(bytes, Scale::LongestAtMost(64), &limits));
    settled(decode(bytes, Scale::ShortestAtLeast(16), &limits));
    if header.is_some_and(|header| u64::from(header.width) * u64::from(header.height) <= SMALL) {
        for extractor in EXTRACTORS {
            if let Some(batch) = extracted(*extractor, &record(bytes, None)) {
                measured(SIGNALS, batch);
            }
        }
    }
}

/// The edits of recipes, with their defaults.
pub(crate) fn edits(bytes: &[u8]) {
    let Some(header) = settled(probe(bytes, &limits())) else {
        return;
    };
    if u64::from(header.width) * u64::from(header.height) > SMALL {
        return;
    }
    for extractor in EXTRACTORS {
        if let Some(batch) = extracted(*extractor, &record(bytes, None)) {
            for edit in EDITS {
                edited(*edit, &batch);
            }
        }
    }
}

/// The codec written in C, which a run keeps in a process of its own.
pub(crate) fn libwebp(bytes: &[u8]) {
    for codec in CODECS {
        drop(settled((codec.run)(bytes, 64 << 20)));
    }
}
