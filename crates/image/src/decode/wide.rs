//! Colours that code points of H.273 tell of, and no profile: wide gamuts and high dynamic range to sRGB.
//!
//! Samples become light: by the curve of sRGB, or by that of PQ (SMPTE ST 2084) or HLG (BT.2100, on a display of 1,000
//! cd/m², gamma 1.2), as parts of 203 cd/m², the white of graphics in BT.2408. Primaries of BT.2020 and Display P3 become
//! those of sRGB by a matrix. Light of high dynamic range is then brought into the range of sRGB by Reinhard's extended
//! curve of its greatest component `m`: all three are multiplied with `(1 + m / w²) / (1 + m)`, where `w` = 1,000 / 203 is
//! what becomes white. What is out of range after that is clamped. Other primaries and curves are taken for those of sRGB.
//!
//! It is done with 8 bits a sample, so that the dark parts of PQ have fewer steps than they could have.
//!
//! Source: ITU-T H.273; ITU-R BT.2100-2, BT.2408; Reinhard et al. 2002, equation 4.

use super::{
    by_image::curve,
    raw::{Layout, Raw},
};

/// Of graphics, in cd/m².
const WHITE: f64 = 203.0;
/// The brightest light that is told apart, in cd/m².
const BRIGHTEST: f64 = 1000.0;

/// What samples mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wide {
    /// From the primaries of the samples to those of sRGB.
    matrix: [[f64; 3]; 3],
    transfer: Transfer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transfer {
    Srgb,
    Pq,
    Hlg,
}

const SAME: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
const FROM_BT2020: [[f64; 3]; 3] = [
    [1.660_491, -0.587_641, -0.072_850],
    [-0.124_550, 1.132_900, -0.008_349],
    [-0.018_151, -0.100_579, 1.118_730],
];
const FROM_P3: [[f64; 3]; 3] = [
    [1.224_940, -0.224_940, 0.0],
    [-0.042_057, 1.042_057, 0.0],
    [-0.019_638, -0.078_636, 1.098_274],
];

impl Wide {
    /// By the code points of primaries and transfer characteristics; none where samples can be taken for sRGB.
    pub(crate) fn of(primaries: u16, transfer: u16) -> Option<Wide> {
        let matrix = match primaries {
            9 => FROM_BT2020,
            12 => FROM_P3,
            _ => SAME,
        };
        let transfer = match transfer {
            16 => Transfer::Pq,
            18 => Transfer::Hlg,
            _ => Transfer::Srgb,
        };
        (matrix != SAME || transfer != Transfer::Srgb).then_some(Wide { matrix, transfer })
    }

    /// Brings the pixels to sRGB.
    pub(super) fn apply(self, raw: &mut Raw) {
        let lights: Vec<f64> = (0..=255)
            .map(|sample| self.light(f64::from(sample) / 255.0))
            .collect();
        let shades = |samples: [u8; 3]| self.shade(samples.map(|sample| lights[usize::from(sample)]));
        let step = raw.layout.count();
        match raw.layout {
            Layout::Gray | Layout::GrayAlpha => {
                let grays: Vec<u8> = (0..=255).map(|gray| shades([gray; 3])[1]).collect();
                for pixel in raw.pixels.chunks_exact_mut(step) {
                    pixel[0] = grays[usize::from(pixel[0])];
                }
            }
            Layout::Rgb | Layout::Rgba => {
                // Neighbours are often the same.
                let (mut last, mut shade) = ([0; 3], shades([0; 3]));
                for pixel in raw.pixels.chunks_exact_mut(step) {
                    let samples = [pixel[0], pixel[1], pixel[2]];
                    if samples != last {
                        (last, shade) = (samples, shades(samples));
                    }
                    pixel[..3].copy_from_slice(&shade);
                }
            }
            Layout::Cmyk => {}
        }
    }

    /// The light of a sample, 1 for white; of HLG that of the scene, 1 for the brightest.
    fn light(self, sample: f64) -> f64 {
        match self.transfer {
            Transfer::Srgb if sample <= 0.040_45 => sample / 12.92,
            Transfer::Srgb => ((sample + 0.055) / 1.055).powf(2.4),
            Transfer::Pq => {
                let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 4096.0 * 128.0);
                let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
                let root = sample.powf(1.0 / m2);
                let part = ((root - c1).max(0.0) / (c2 - c3 * root)).powf(1.0 / m1);
                part * 10_000.0 / WHITE
            }
            Transfer::Hlg if sample <= 0.5 => sample * sample / 3.0,
            Transfer::Hlg => {
                let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
                (((sample - c) / a).exp() + b) / 12.0
            }
        }
    }

    /// Samples of sRGB for such lights.
    fn shade(self, [mut red, mut green, mut blue]: [f64; 3]) -> [u8; 3] {
        if self.transfer == Transfer::Hlg {
            let luminance = 0.2627 * red + 0.6780 * green + 0.0593 * blue;
            let gain = luminance.powf(0.2) * BRIGHTEST / WHITE;
            (red, green, blue) = (red * gain, green * gain, blue * gain);
        }
        let mut shade = self.matrix.map(|[r, g, b]| r * red + g * green + b * blue);
        if self.transfer != Transfer::Srgb {
            let most = shade.into_iter().fold(0.0, f64::max);
            let white = BRIGHTEST / WHITE;
            let gain = (1.0 + most / (white * white)) / (1.0 + most);
            shade = shade.map(|light| light * gain);
        }
        shade.map(|light| curve(light as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Orientation;

    fn check(primaries: u16, transfer: u16, samples: [u8; 3], expected: [u8; 3]) {
        let mut raw = Raw {
            width: 1,
            height: 1,
            layout: Layout::Rgb,
            pixels: samples.to_vec(),
            is_srgb: false,
            wide: Wide::of(primaries, transfer),
            orientation: Orientation::UPRIGHT,
            is_truncated: false,
        };
        raw.wide.unwrap().apply(&mut raw);
        let is_near = raw.pixels.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1);
        assert!(is_near, "{samples:?}: {:?} is not {expected:?}", raw.pixels);
    }

    #[test]
    fn srgb_is_not_wide() {
        assert_eq!(Wide::of(1, 13), None);
        assert_eq!(Wide::of(2, 2), None);
        assert_eq!(Wide::of(1, 1), None);
    }

    #[test]
    fn pq_has_its_white_where_reinhard_puts_it() {
        // 203 cd/m² is .5807 of PQ, and (1 + 1 / 24.27) / 2 of light.
        check(9, 16, [148; 3], [191; 3]);
        // 1,000 cd/m² is .7518.
        check(9, 16, [192; 3], [255; 3]);
        check(9, 16, [0; 3], [0; 3]);
        check(1, 16, [255; 3], [255; 3]);
    }

    #[test]
    fn hlg_has_its_white_at_three_quarters() {
        // .75 of HLG is 203 cd/m².
        check(9, 18, [191; 3], [191; 3]);
        check(9, 18, [255; 3], [255; 3]);
    }

    #[test]
    fn wide_gamuts_become_narrow() {
        check(12, 13, [255; 3], [255; 3]);
        // The red of sRGB in Display P3.
        check(12, 13, [234, 51, 35], [255, 0, 0]);
        check(12, 13, [255, 0, 0], [255, 0, 0]);
    }
}
