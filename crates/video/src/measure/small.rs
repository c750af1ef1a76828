//! The small picture of a frame: at most 256 columns, or as many as it has.
//!
//! It is made as PySceneDetect makes it: the frame is scaled down by its width / 256 with OpenCV's `INTER_LINEAR`, which mixes four
//! pixels and skips the others. Chroma is that of the pixel, without interpolation, as FFmpeg's conversion has it.

use crate::decode::{Frame, Plane};

/// Columns of a small picture.
const COLUMNS: usize = 256;

/// Pixels of red, green and blue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Small {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// `width * height * 3` bytes.
    pub(crate) rgb: Vec<u8>,
}

/// Two neighbours and the weight of the second one, of 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tap {
    first: usize,
    second: usize,
    weight: i32,
}

/// Makes small pictures of frames of one size.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    /// Sizes of luma and chroma that the taps are for.
    sizes: [(usize, usize); 2],
    across: [Vec<Tap>; 2],
    down: [Vec<Tap>; 2],
    rows: [Vec<u8>; 3],
}

impl Sampler {
    /// The small picture of a frame, into one that is there.
    pub(crate) fn sample(&mut self, frame: &Frame, into: &mut Small) {
        let [luma, blue, red] = &frame.planes;
        let sizes = [(luma.width, luma.height), (blue.width, blue.height)];
        if self.sizes != sizes {
            self.fit(sizes);
        }
        into.width = self.across[0].len();
        into.height = self.down[0].len();
        into.rgb.clear();
        let colors = frame.colors();
        let has_color = !blue.samples.is_empty() && (red.width, red.height) == sizes[1];
        for row in &mut self.rows {
            row.resize(into.width, 128);
        }
        for y in 0..into.height {
            let [luma_row, blue_row, red_row] = &mut self.rows;
            mix(luma, self.down[0][y], &self.across[0], luma_row);
            if has_color {
                mix(blue, self.down[1][y], &self.across[1], blue_row);
                mix(red, self.down[1][y], &self.across[1], red_row);
            }
            let samples = luma_row.iter().zip(blue_row.iter()).zip(red_row.iter());
            into.rgb
                .extend(samples.flat_map(|((&luma, &blue), &red)| colors.rgb(luma, blue, red)));
        }
    }

    fn fit(&mut self, sizes: [(usize, usize); 2]) {
        self.sizes = sizes;
        let (width, height) = sizes[0];
        let factor = if width < COLUMNS {
            1.0
        } else {
            width as f64 / COLUMNS as f64
        };
        let fit = |side: usize| (side as f64 / factor).round_ties_even().max(1.0) as usize;
        let (small_width, small_height) = (fit(width), fit(height));
        self.across[0] = taps(width, small_width);
        self.down[0] = taps(height, small_height);
        // The chroma of a pixel is that of its place.
        let chroma = |taps: &[Tap], luma: usize, chroma: usize| -> Vec<Tap> {
            let place = |at: usize| (at * chroma / luma.max(1)).min(chroma.saturating_sub(1));
            taps.iter()
                .map(|tap| Tap {
                    first: place(tap.first),
                    second: place(tap.second),
                    weight: tap.weight,
                })
                .collect()
        };
        self.across[1] = chroma(&self.across[0], width, sizes[1].0);
        self.down[1] = chroma(&self.down[0], height, sizes[1].1);
    }
}

/// The taps of a side of `from` samples at `to` samples.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to.max(1) as f64;
    let last = from.saturating_sub(1);
    (0..to)
        .map(|at| {
            let place = ((at as f64 + 0.5) * scale - 0.5).max(0.0);
            let first = (place as usize).min(last);
            Tap {
                first,
                second: (first + 1).min(last),
                weight: ((place - first as f64) * 256.0).round() as i32,
            }
        })
        .collect()
}

fn mix(plane: &Plane, down: Tap, across: &[Tap], into: &mut [u8]) {
    let row = |y: usize| &plane.samples[y * plane.width..][..plane.width];
    let (above, below) = (row(down.first), row(down.second));
    for (out, tap) in into.iter_mut().zip(across) {
        let mixed = |row: &[u8]| {
            let (first, second) = (i32::from(row[tap.first]), i32::from(row[tap.second]));
            first * (256 - tap.weight) + second * tap.weight
        };
        let sum = mixed(above) * (256 - down.weight) + mixed(below) * down.weight;
        *out = ((sum + (1 << 15)) >> 16) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: usize, height: usize, level: impl Fn(usize, usize) -> u8) -> Frame {
        let samples = (0..width * height)
            .map(|at| level(at % width, at / width))
            .collect();
        Frame {
            planes: [
                Plane {
                    width,
                    height,
                    samples,
                },
                Plane::default(),
                Plane::default(),
            ],
            ..Frame::default()
        }
    }

    #[test]
    fn small_frames_stay_as_they_are() {
        let mut small = Small::default();
        Sampler::default().sample(
            &gray(3, 2, |x, y| if x == 1 && y == 1 { 235 } else { 16 }),
            &mut small,
        );
        assert_eq!((small.width, small.height), (3, 2));
        assert_eq!(small.rgb[12..15], [255; 3]);
        assert_eq!(small.rgb[..12], [0; 12]);
    }

    #[test]
    fn large_frames_are_sampled_at_the_middle_of_pixels() {
        let mut small = Small::default();
        // Columns 1 and 2 of each four are mixed.
        Sampler::default().sample(&gray(1024, 8, |x, _| [0, 16, 235, 0][x % 4]), &mut small);
        assert_eq!((small.width, small.height), (256, 2));
        assert!(
            small.rgb.iter().all(|value| value.abs_diff(128) <= 1),
            "{:?}",
            &small.rgb[..3]
        );
    }
}
