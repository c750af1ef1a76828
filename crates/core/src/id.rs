//! The identity of a record.

use xxhash_rust::xxh3::Xxh3;

/// The id of a record: xxh3-128 of object name, offset and position, as 32 hexadecimal digits.
///
/// `position` counts the records that share one offset (records of one gzip member, rows of one Parquet file
/// have their own). The same bytes under the same name get the same id on every machine.
pub fn record_id(uri: &str, offset: u64, position: u64) -> String {
    let mut hash = Xxh3::new();
    hash.update(uri.as_bytes());
    hash.update(&[0]);
    hash.update(&offset.to_le_bytes());
    hash.update(&position.to_le_bytes());
    format!("{:032x}", hash.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_object_offset_and_position() {
        let ids = [
            record_id("a", 0, 0),
            record_id("b", 0, 0),
            record_id("a", 1, 0),
            record_id("a", 0, 1),
        ];
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(id.len(), 32);
            assert!(!ids[..i].contains(id));
        }
    }
}
