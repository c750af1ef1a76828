//! The small picture of a frame: at most 256 columns, or as many as it has.
//!
//! It is made as PySceneDetect makes it: the frame is scaled down by its width / 256 with OpenCV's `INTER_LINEAR`, which mixes four
//! pixels and skips the others. Chroma is that of the pixel, without interpolation, as FFmpeg's conversion has it.

use pulp::{Arch, NullaryFnOnce};

use crate::decode::{Frame, Plane};

/// Columns of a small picture.
const COLUMNS: usize = 256;

/// Pixels in planes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Small {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Red, green and blue: `width * height` bytes each.
    pub(crate) planes: [Vec<u8>; 3],
}

/// Two neighbours and the weight of the second one, of 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tap {
    first: usize,
    second: usize,
    weight: i32,
}

/// What is picked of rows of one width.
#[derive(Debug, Default)]
struct Across {
    firsts: Vec<u32>,
    seconds: Vec<u32>,
    weights: Vec<i32>,
    /// Whether second neighbours have no weight at all, as at whole factors.
    is_single: bool,
    /// Picked first and second neighbours.
    picked: [Vec<u8>; 2],
    /// Rows that are mixed across, of 256.
    mixed: [Vec<i32>; 2],
}

impl Across {
    fn of(taps: &[Tap]) -> Self {
        Across {
            firsts: taps.iter().map(|tap| tap.first as u32).collect(),
            seconds: taps.iter().map(|tap| tap.second as u32).collect(),
            weights: taps.iter().map(|tap| tap.weight).collect(),
            is_single: taps.iter().all(|tap| tap.weight == 0),
            picked: [vec![0; taps.len()], vec![0; taps.len()]],
            mixed: [vec![0; taps.len()], vec![0; taps.len()]],
        }
    }

    /// Mixes four samples to one, for each place of a row.
    #[inline(always)]
    fn mix(&mut self, plane: &Plane, down: Tap, into: &mut [u8]) {
        let rows = [down.first, down.second];
        let count = if down.weight == 0 { 1 } else { 2 };
        for (at, y) in rows.into_iter().enumerate().take(count) {
            let row = &plane.samples[y * plane.width..][..plane.width];
            let [first, second] = &mut self.picked;
            pick(row, &self.firsts, first);
            if self.is_single {
                for (out, first) in self.mixed[at].iter_mut().zip(first) {
                    *out = i32::from(*first) << 8;
                }
                continue;
            }
            pick(row, &self.seconds, second);
            let picked = first.iter().zip(second.iter()).zip(&self.weights);
            for (out, ((first, second), weight)) in self.mixed[at].iter_mut().zip(picked) {
                *out = i32::from(*first) * (256 - weight) + i32::from(*second) * weight;
            }
        }
        let [above, below] = &self.mixed;
        if count == 1 {
            for (out, above) in into.iter_mut().zip(above) {
                *out = ((above * 256 + (1 << 15)) >> 16) as u8;
            }
            return;
        }
        for (out, (above, below)) in into.iter_mut().zip(above.iter().zip(below)) {
            let sum = above * (256 - down.weight) + below * down.weight;
            *out = ((sum + (1 << 15)) >> 16) as u8;
        }
    }
}

/// Picks samples of a row, at places that do not descend.
#[inline(always)]
fn pick(row: &[u8], places: &[u32], into: &mut [u8]) {
    let (eights, rest) = places.as_chunks::<8>();
    let (into_eights, into_rest) = into.as_chunks_mut::<8>();
    for (out, places) in into_eights.iter_mut().zip(eights) {
        // One check for all eight: the last place is the largest.
        let row = &row[..=places[7] as usize];
        *out = places.map(|place| row[place as usize]);
    }
    for (out, place) in into_rest.iter_mut().zip(rest) {
        *out = row[*place as usize];
    }
}

/// Makes small pictures of frames of one size.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    /// Sizes of luma and chroma that the taps are for.
    sizes: [(usize, usize); 2],
    across: [Across; 2],
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
        into.width = self.across[0].firsts.len();
        into.height = self.down[0].len();
        for plane in &mut into.planes {
            plane.resize(into.width * into.height, 0);
        }
        let has_color = !blue.samples.is_empty() && (red.width, red.height) == sizes[1];
        for row in &mut self.rows {
            row.resize(into.width, 128);
            if !has_color {
                row.fill(128);
            }
        }
        Arch::new().dispatch(Fill {
            sampler: self,
            frame,
            has_color,
            into,
        });
    }

    #[inline(always)]
    fn fill(&mut self, frame: &Frame, has_color: bool, into: &mut Small) {
        let [luma, blue, red] = &frame.planes;
        let colors = frame.colors();
        let width = into.width;
        let [of_luma, of_chroma] = &mut self.across;
        for y in 0..into.height {
            let [luma_row, blue_row, red_row] = &mut self.rows;
            of_luma.mix(luma, self.down[0][y], luma_row);
            if has_color {
                of_chroma.mix(blue, self.down[1][y], blue_row);
                of_chroma.mix(red, self.down[1][y], red_row);
            }
            let [reds, greens, blues] = &mut into.planes;
            let row = y * width..(y + 1) * width;
            let out = reds[row.clone()]
                .iter_mut()
                .zip(&mut greens[row.clone()])
                .zip(&mut blues[row]);
            let samples = luma_row.iter().zip(blue_row.iter()).zip(red_row.iter());
            for (((r, g), b), ((luma, blue), red)) in out.zip(samples) {
                [*r, *g, *b] = colors.rgb(*luma, *blue, *red);
            }
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
        let across = taps(width, small_width);
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
        self.across[1] = Across::of(&chroma(&across, width, sizes[1].0));
        self.across[0] = Across::of(&across);
        self.down[1] = chroma(&self.down[0], height, sizes[1].1);
    }
}

/// [`Sampler::fill`] on the widest vectors that the processor has. Closures are not compiled for them.
struct Fill<'a> {
    sampler: &'a mut Sampler,
    frame: &'a Frame,
    has_color: bool,
    into: &'a mut Small,
}

impl NullaryFnOnce for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.sampler.fill(self.frame, self.has_color, self.into);
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
        for plane in &small.planes {
            assert_eq!(plane[..], [0, 0, 0, 0, 255, 0]);
        }
    }

    #[test]
    fn large_frames_are_sampled_at_the_middle_of_pixels() {
        let mut small = Small::default();
        // Columns 1 and 2 of each four are mixed.
        Sampler::default().sample(&gray(1024, 8, |x, _| [0, 16, 235, 0][x % 4]), &mut small);
        assert_eq!((small.width, small.height), (256, 2));
        let [red, ..] = &small.planes;
        assert!(
            red.iter().all(|value| value.abs_diff(128) <= 1),
            "{:?}",
            &red[..3]
        );
    }
}
