//! Letterboxes: black bars that all frames share.
//!
//! A bar is the run of rows (or columns) from a side whose mean luma (of 255) is at most 12, as far as it goes in every frame
//! that is not black all over. Without such a frame there is no bar.

use gristmill_image::ThumbnailRef;

/// The mean luma up to which a row is black.
const BLACK: u32 = 12;

/// Rows at the top and bottom and columns at the left and right, as shares of the height and width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bars {
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) left: f64,
    pub(super) right: f64,
}

impl Bars {
    /// The bars of one frame; none where it is black all over.
    pub(super) fn of(frame: &ThumbnailRef<'_>) -> Option<Bars> {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let (pixels, _) = frame.pixels.as_chunks::<3>();
        let mut rows = vec![0u32; height];
        let mut columns = vec![0u32; width];
        for (row, sum) in pixels.chunks_exact(width).zip(&mut rows) {
            for (&[red, green, blue], column) in row.iter().zip(&mut columns) {
                let luma =
                    (u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471) >> 16;
                *sum += luma;
                *column += luma;
            }
        }
        let black = |sums: &[u32], length: usize, from_end: bool| {
            let is_black = |sum: &&u32| **sum <= BLACK * length as u32;
            if from_end {
                sums.iter().rev().take_while(is_black).count()
            } else {
                sums.iter().take_while(is_black).count()
            }
        };
        let top = black(&rows, width, false);
        if top == height {
            return None;
        }
        let share = |count: usize, of: usize| count as f64 / of as f64;
        Some(Bars {
            top: share(top, height),
            bottom: share(black(&rows, width, true), height),
            left: share(black(&columns, height, false), width),
            right: share(black(&columns, height, true), width),
        })
    }

    /// The bars of both.
    pub(super) fn shared(self, other: Bars) -> Bars {
        Bars {
            top: self.top.min(other.top),
            bottom: self.bottom.min(other.bottom),
            left: self.left.min(other.left),
            right: self.right.min(other.right),
        }
    }

    /// The share of the area in bars.
    pub(super) fn share(&self) -> f64 {
        1.0 - (1.0 - self.top - self.bottom) * (1.0 - self.left - self.right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(rows: &[&str]) -> Option<Bars> {
        let pixels: Vec<u8> = rows
            .iter()
            .flat_map(|row| {
                row.bytes()
                    .flat_map(|byte| [if byte == b'#' { 200 } else { 5 }; 3])
            })
            .collect();
        Bars::of(&ThumbnailRef {
            width: rows[0].len() as u32,
            height: rows.len() as u32,
            pixels: &pixels,
        })
    }

    #[test]
    fn bars_are_what_all_frames_share() {
        let one = bars(&["....", "####", "....", "...."]).unwrap();
        let two = bars(&["....", "..##", "####", "...."]).unwrap();
        let shared = one.shared(two);
        assert_eq!((shared.top, shared.bottom, shared.left), (0.25, 0.25, 0.0));
        assert_eq!(shared.share(), 0.5);
        assert_eq!(bars(&["..", ".."]), None);
    }
}
