//! Cuts objects into slices.

use super::{Found, Slice};

/// Name endings of objects that can be cut at bytes: the reader finds the first record after a cut by itself.
/// For others a cut would only give empty slices. Archives that are not packed are not cut: what looks like a record may be
/// part of one, and a reader that begins behind the record's start cannot know.
const CUT: [&str; 8] = [
    ".warc.gz",
    ".warc.zst",
    ".wet.gz",
    ".wat.gz",
    ".arc.gz",
    ".jsonl",
    ".ndjson",
    ".parquet",
];
/// Most objects of one slice.
const BUNDLE: usize = 4096;

/// Cuts objects, in order: a large one into equal ranges, small ones into bundles.
pub(crate) fn cut(objects: &[Found]) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut bundle = Slice { ranges: Vec::new() };
    for (index, object) in objects.iter().enumerate() {
        let (bytes, size) = (object.snapshot.bytes, object.reading.slice_bytes);
        let name = object.snapshot.uri.to_ascii_lowercase();
        let changes_reading = index > 0 && objects[index - 1].reading != object.reading;
        let is_cut = bytes > size && CUT.iter().any(|ending| name.ends_with(ending));
        let is_full = bundle.bytes() + bytes > size || bundle.ranges.len() == BUNDLE;
        if !bundle.ranges.is_empty() && (is_full || is_cut || changes_reading) {
            slices.push(std::mem::replace(&mut bundle, Slice { ranges: Vec::new() }));
        }
        if is_cut {
            let pieces = bytes.div_ceil(size);
            let at = |piece: u64| (u128::from(bytes) * u128::from(piece) / u128::from(pieces)) as u64;
            slices.extend((0..pieces).map(|piece| Slice {
                ranges: vec![(index, at(piece)..at(piece + 1))],
            }));
        } else {
            bundle.ranges.push((index, 0..bytes));
        }
    }
    if !bundle.ranges.is_empty() {
        slices.push(bundle);
    }
    slices
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use gristmill_core::FieldMap;

    use super::*;
    use crate::input::{Location, Reading, Snapshot};

    fn objects(sizes: &[(&str, u64)]) -> Vec<Found> {
        let reading = Arc::new(Reading {
            format: None,
            fields: FieldMap::default(),
            slice_bytes: 100,
            record_bytes: 100,
        });
        sizes
            .iter()
            .map(|&(uri, bytes)| Found {
                snapshot: Snapshot {
                    uri: uri.into(),
                    bytes,
                    version: String::new(),
                },
                location: Location::File(PathBuf::new()),
                reading: reading.clone(),
            })
            .collect()
    }

    #[test]
    fn slices_cover_every_byte_once_and_in_order() {
        let objects = objects(&[
            ("a.warc.gz", 30),
            ("b.warc.gz", 60),
            ("c.warc.gz", 250),
            ("d.jsonl.gz", 250),
            ("e.html", 0),
        ]);
        let slices = cut(&objects);
        let ranges: Vec<_> = slices.iter().flat_map(|slice| slice.ranges.clone()).collect();
        let expected = [
            (0, 0..30),
            (1, 0..60),
            (2, 0..83),
            (2, 83..166),
            (2, 166..250),
            (3, 0..250),
            (4, 0..0),
        ];
        assert_eq!(ranges, expected);
        assert_eq!(slices.len(), 6);
    }
}
