//! Turning a picture upright.
//!
//! Source: Exif 2.3, tag 0x0112 (Orientation).

use crate::{Orientation, Picture};

/// The picture as it is meant to be seen.
pub(super) fn upright(picture: Picture, orientation: Orientation) -> Picture {
    let (width, height) = (picture.width as usize, picture.height as usize);
    // Where the pixel in column x and row y of the upright picture comes from.
    let source: fn(usize, usize, usize, usize) -> (usize, usize) = match orientation.exif() {
        2 => |w, _, x, y| (w - 1 - x, y),
        3 => |w, h, x, y| (w - 1 - x, h - 1 - y),
        4 => |_, h, x, y| (x, h - 1 - y),
        5 => |_, _, x, y| (y, x),
        6 => |_, h, x, y| (y, h - 1 - x),
        7 => |w, h, x, y| (w - 1 - y, h - 1 - x),
        8 => |w, _, x, y| (w - 1 - y, x),
        _ => return picture,
    };
    let count = picture.channels.count();
    let (upright_width, upright_height) = if orientation.swaps_sides() {
        (height, width)
    } else {
        (width, height)
    };
    let mut pixels = Vec::with_capacity(picture.pixels.len());
    for y in 0..upright_height {
        for x in 0..upright_width {
            let (from_x, from_y) = source(width, height, x, y);
            let at = (from_y * width + from_x) * count;
            pixels.extend_from_slice(&picture.pixels[at..at + count]);
        }
    }
    Picture {
        width: upright_width as u32,
        height: upright_height as u32,
        channels: picture.channels,
        pixels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channels;

    /// Turns a picture of rows `ab`, `cd`, `ef`.
    fn check(orientation: u32, expected: &[&str]) {
        let picture = Picture {
            width: 2,
            height: 3,
            channels: Channels::Rgb,
            pixels: b"abcdef".iter().flat_map(|letter| [*letter; 3]).collect(),
        };
        let turned = upright(picture, Orientation::of_exif(orientation));
        let letters: Vec<u8> = turned.pixels.chunks(3).map(|pixel| pixel[0]).collect();
        let rows: Vec<&str> = letters
            .chunks(turned.width as usize)
            .map(|row| std::str::from_utf8(row).unwrap())
            .collect();
        assert_eq!(rows, expected, "orientation {orientation}");
        assert_eq!(turned.height as usize, expected.len());
    }

    #[test]
    fn every_orientation_is_turned_as_exif_says() {
        check(1, &["ab", "cd", "ef"]);
        check(2, &["ba", "dc", "fe"]);
        check(3, &["fe", "dc", "ba"]);
        check(4, &["ef", "cd", "ab"]);
        check(5, &["ace", "bdf"]);
        check(6, &["eca", "fdb"]);
        check(7, &["fdb", "eca"]);
        check(8, &["bdf", "ace"]);
    }

    #[test]
    fn values_that_exif_does_not_know_turn_nothing() {
        check(0, &["ab", "cd", "ef"]);
        check(9, &["ab", "cd", "ef"]);
    }
}
