//! CIE L*a*b* of the white D50 to sRGB.
//!
//! Source: CIE 15:2004; the matrix from D50 is that of the ICC profile of sRGB, inverted.

/// The sRGB colour, clamped.
pub(super) fn srgb(lightness: f64, a: f64, b: f64) -> [u8; 3] {
    let y = (lightness + 16.0) / 116.0;
    let inverse = |t: f64| {
        if t > 6.0 / 29.0 {
            t.powi(3)
        } else {
            3.0 * (6.0f64 / 29.0).powi(2) * (t - 4.0 / 29.0)
        }
    };
    let x = 0.9642 * inverse(y + a / 500.0);
    let z = 0.8249 * inverse(y - b / 200.0);
    let y = inverse(y);
    [
        3.134_136 * x - 1.617_386 * y - 0.490_662 * z,
        -0.978_795 * x + 1.916_254 * y + 0.033_442_8 * z,
        0.071_955_4 * x - 0.228_977 * y + 1.405_386 * z,
    ]
    .map(|light| crate::decode::by_image::curve(light as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_black_and_red_are_where_they_should_be() {
        let near = |colour: [u8; 3], expected: [u8; 3]| {
            let is_near = colour.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1);
            assert!(is_near, "{colour:?} is not {expected:?}");
        };
        near(srgb(100.0, 0.0, 0.0), [255; 3]);
        near(srgb(0.0, 0.0, 0.0), [0; 3]);
        near(srgb(54.29, 80.81, 69.89), [255, 0, 0]);
    }
}
