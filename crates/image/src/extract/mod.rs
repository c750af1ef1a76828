//! Extractors: records to image documents.

pub(crate) mod exif_json;
pub mod raster;

use gristmill_core::Extractor;

/// All extractors of images.
pub static EXTRACTORS: &[&dyn Extractor] = &[&raster::Raster];

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    #[test]
    fn cards_conform() {
        conformance::check_cards(EXTRACTORS.iter().map(|extractor| extractor.card()));
    }
}
