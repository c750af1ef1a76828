//! The thumbnail of an image, from its file.
//!
//! The extractor `raster` gives the thumbnail as it decodes the image. Where it is not at hand any more, behind an edit
//! that changes the image or behind a dedup step, the file is decoded again. A file that cannot be decoded has none.

use std::sync::Arc;

use arrow_array::{ArrayRef, builder::BinaryViewBuilder};
use gristmill_core::{Card, Cost, Files, Limits, Result, Signal, columns};

use crate::{Scale, THUMBNAIL_SIDE, Thumbnail, decode};

/// Describes [`ThumbnailOfFile`].
pub(super) static CARD: Card = Card {
    name: "image_thumbnail",
    about: "the small picture that signals look at",
    inputs: &[columns::IMAGE],
    outputs: &[columns::IMAGE_THUMBNAIL],
    source: "extractor raster",
    cost: Cost::Expensive,
    version: 1,
};

/// Decodes files; see the module.
#[derive(Debug)]
pub(super) struct ThumbnailOfFile;

impl Signal for ThumbnailOfFile {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Struct -> [n] BinaryView`; null where there is no file, or none that can be decoded.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let limits = Limits::default();
        let mut thumbnails = BinaryViewBuilder::new();
        for bytes in Files::of(&inputs[0]).bytes() {
            let scale = Scale::LongestAtLeast(THUMBNAIL_SIDE);
            let decoded = bytes.and_then(|bytes| decode(bytes, scale, &limits).ok());
            let thumbnail = decoded.map(|decoded| Thumbnail::of(decoded.picture));
            thumbnails.append_option(thumbnail.as_ref().map(Thumbnail::to_bytes));
        }
        Ok(vec![Arc::new(thumbnails.finish())])
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array, BinaryViewArray, StringViewArray, cast::AsArray};
    use gristmill_core::media;

    use super::*;
    use crate::{
        Channels, Picture, ThumbnailRef,
        edit::{Encode, Encoding},
    };

    #[test]
    fn a_file_that_cannot_be_decoded_has_no_thumbnail() {
        let picture = Picture {
            width: 600,
            height: 300,
            channels: Channels::Rgb,
            pixels: vec![200; 600 * 300 * 3],
        };
        let file = Encode::new(Encoding::Png { compression: 1 })
            .encode(picture)
            .unwrap();
        let bytes = BinaryViewArray::from(vec![Some(file.as_slice()), Some(b"x".as_slice()), None]);
        let paths = StringViewArray::from(vec![None::<&str>; 3]);
        let files: ArrayRef = media(bytes, paths);
        let thumbnails = ThumbnailOfFile.compute(&[files]).unwrap();
        let thumbnails = thumbnails[0].as_binary_view();
        let thumbnail = ThumbnailRef::from_bytes(thumbnails.value(0)).unwrap();
        assert_eq!((thumbnail.width, thumbnail.height), (512, 256));
        assert_eq!(thumbnails.null_count(), 2);
    }
}
