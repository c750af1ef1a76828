//! PFM: floats of linear light, from the lowest row up.
//!
//! Source: the PFM format of HDRview and Netpbm (pfm(5)).

use gristmill_core::Fault;

use super::{
    by_image::curve,
    headers,
    raw::{Layout, Raw},
};
use crate::{ColorMode, Header, Orientation};

/// Decodes a PFM.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raw, Fault> {
    let (scale, body) = headers::pfm_scale(bytes)?;
    let layout = if header.mode == ColorMode::Gray {
        Layout::Gray
    } else {
        Layout::Rgb
    };
    let row = header.width as usize * layout.count();
    let length = row * header.height as usize;
    let (floats, _) = body.as_chunks::<4>();
    if floats.len() < row {
        return Err(Fault::truncated("pfm ends in its first row"));
    }
    let value = |four: &[u8; 4]| {
        curve(if scale < 0.0 {
            f32::from_le_bytes(*four)
        } else {
            f32::from_be_bytes(*four)
        })
    };
    let is_truncated = floats.len() < length;
    let mut pixels = vec![0; length];
    for (place, row) in pixels.chunks_mut(row).rev().zip(floats.chunks(row)) {
        place
            .iter_mut()
            .zip(row)
            .for_each(|(place, four)| *place = value(four));
    }
    Ok(Raw {
        width: header.width,
        height: header.height,
        layout,
        pixels,
        is_srgb: true,
        wide: None,
        orientation: Orientation::UPRIGHT,
        is_truncated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_run_from_the_bottom_in_the_byte_order_of_the_scale() {
        let body = [1f32.to_le_bytes(), 0f32.to_le_bytes()].concat();
        let file = [b"Pf\n1 2\n-1.0\n".as_slice(), &body].concat();
        let raw = decode(&file, &headers::pnm(&file).unwrap()).unwrap();
        assert_eq!(raw.pixels, [0, 255]);
        let file = [b"Pf\n1 1\n1\n".as_slice(), &1f32.to_be_bytes()].concat();
        let raw = decode(&file, &headers::pnm(&file).unwrap()).unwrap();
        assert_eq!(raw.pixels, [255]);
    }
}
