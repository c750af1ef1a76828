//! Signals over images: they measure and never decide.
//!
//! [`SIGNALS`] lists them. All look at the thumbnail that the extractor `raster` makes: upright, sRGB, opaque, at most
//! 512 pixels long, never enlarged. An image is so decoded once, and what depends on resolution, like blur, compares
//! between images of any size above that. Values are null where the thumbnail is.
//!
//! Sums are of integers, so that a value is the same on every machine.

mod blur;
mod border;
mod colors;
mod dhash;
mod edges;
mod lanczos;
mod levels;
mod luma;
mod moments;
mod pdq;
mod phash;
mod pixel_hash;
mod thumbnail;

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, Float64Array, cast::AsArray};
use gristmill_core::{Column, Signal, columns::IMAGE_THUMBNAIL};

use crate::thumbnail::ThumbnailRef;

/// All signals over images.
pub static SIGNALS: &[&dyn Signal] = &[
    &blur::Blur,
    &border::Border,
    &colors::Colors,
    &dhash::Dhash,
    &edges::Edges,
    &levels::Levels,
    &luma::Luma,
    &pdq::Pdq,
    &phash::Phash,
    &pixel_hash::PixelHash,
    &thumbnail::ThumbnailOfFile,
];

/// Width and height of the picture at full scale, as the extractor gives them.
const IMAGE_WIDTH: Column = Column::u32("image_width_px", "width of the upright picture, in pixels");
const IMAGE_HEIGHT: Column = Column::u32("image_height_px", "height of the upright picture, in pixels");

/// The thumbnails of a column, none where it is null.
fn thumbnails(column: &ArrayRef) -> impl Iterator<Item = Option<ThumbnailRef<'_>>> {
    let thumbnails: &BinaryViewArray = column.as_binary_view();
    thumbnails
        .iter()
        .map(|thumbnail| thumbnail.and_then(ThumbnailRef::from_bytes))
}

/// One `Float64` column per element of the rows; a row that is `None` is null in all of them.
fn float_columns<const N: usize>(rows: impl Iterator<Item = Option<[f64; N]>>) -> Vec<ArrayRef> {
    let rows: Vec<_> = rows.collect();
    let column = |index: usize| {
        let values = rows.iter().map(|row| row.map(|row| row[index]));
        Arc::new(Float64Array::from_iter(values)) as ArrayRef
    };
    (0..N).map(column).collect()
}
