//! EXIF blocks: the orientation.

use crate::{
    Orientation,
    fields::{u16_be, u16_le, u32_be, u32_le},
};

/// Most entries of a directory that are looked at.
const ENTRIES: usize = 1024;

/// The tag of the orientation.
const ORIENTATION: u16 = 0x0112;

/// What stands before the block in JPEG, and sometimes elsewhere.
const PREFIX: &[u8] = b"Exif\0\0";

/// An EXIF block without the words that may stand before it; none where it is no TIFF structure.
pub(super) fn block(bytes: &[u8]) -> Option<&[u8]> {
    let block = bytes.strip_prefix(PREFIX).unwrap_or(bytes);
    (block.starts_with(b"II*\0") || block.starts_with(b"MM\0*")).then_some(block)
}

/// The orientation that the first directory of an EXIF block says; upright where it says nothing.
pub(super) fn orientation(block: &[u8]) -> Orientation {
    entry(block, ORIENTATION).map_or(Orientation::UPRIGHT, Orientation::of_exif)
}

/// The first value of an entry of numbers in the first directory.
fn entry(block: &[u8], tag: u16) -> Option<u32> {
    let is_big = block.starts_with(b"MM");
    let short = |at| {
        if is_big {
            u16_be(block, at)
        } else {
            u16_le(block, at)
        }
    };
    let long = |at| {
        if is_big {
            u32_be(block, at)
        } else {
            u32_le(block, at)
        }
    };
    let directory = long(4)? as usize;
    let count = usize::from(short(directory)?).min(ENTRIES);
    let at = (0..count)
        .map(|index| directory + 2 + index * 12)
        .find(|at| short(*at) == Some(tag))?;
    match short(at + 2)? {
        3 => short(at + 8).map(u32::from),
        4 => long(at + 8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &[u8], expected: u8) {
        assert_eq!(orientation(block).exif(), expected, "{}", block.escape_ascii());
    }

    #[test]
    fn the_orientation_is_read_in_both_byte_orders() {
        check(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 6);
        check(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 8);
    }

    #[test]
    fn damage_leaves_the_picture_upright() {
        check(b"II*\0\xff\xff\xff\xff", 1);
        check(b"II*\0\x08\0\0\0\xff\xff\x12\x01", 1);
        check(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0", 1);
        check(b"", 1);
    }
}
