//! A picture in another size.
//!
//! The size follows from the [`ResizeMode`] and the upright size of the picture. It is decoded at the smallest scale that
//! its codec offers and that is not below the size wanted (JPEG: 1/2, 1/4 or 1/8), then scaled by a filter whose support
//! grows with the ratio, cut or laid on the background, and encoded. Opacity is taken into account when pixels are
//! averaged.
//!
//! img2dataset averages over areas when it makes a picture smaller; [`Filter::Area`] does that too, [`Filter::Lanczos3`] keeps
//! more detail where the scale of decoding leaves a small ratio.
//!
//! Where the size does not change, the file is treated as by [`Encode`]: its bytes stay if they are already as wanted.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use gristmill_core::{Fault, Limits};

use super::{
    encode::{Encode, over},
    size::{Layout, ResizeMode},
};
use crate::{Channels, Picture, Scale, decode, probe};

/// How pixels are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The mean of the area that a pixel covers.
    Area,
    /// A triangle.
    Bilinear,
    /// Catmull-Rom's cubic.
    Bicubic,
    /// Lanczos with 3 lobes.
    Lanczos3,
}

/// Makes images of a size; see the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resize {
    /// What becomes of a picture of another size.
    pub mode: ResizeMode,
    /// The side wanted, in pixels.
    pub side: u32,
    /// Whether smaller pictures stay as they are.
    pub only_if_bigger: bool,
    /// For pictures that become smaller. Others are enlarged by Lanczos.
    pub filter: Filter,
    /// How the result is written. Its background fills borders too.
    pub encode: Encode,
}

impl Resize {
    /// What is wrong with the settings.
    pub fn problem(&self) -> Option<String> {
        let problem = self.encode.problem();
        if self.side == 0 && self.mode != ResizeMode::No {
            return Some("side is 0 pixels".to_owned());
        }
        problem
    }

    /// The file in this size; none where its bytes can stay.
    ///
    /// # Errors
    ///
    /// Faults of decoding and encoding; a limit when the new picture has more pixels than `limits.image_pixels`.
    pub fn apply(&self, bytes: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(problem) = self.problem() {
            return Err(Fault::unsupported(problem));
        }
        let header = probe(bytes, limits)?;
        let (width, height) = header.upright();
        let Some(layout) = self.mode.layout(self.side, self.only_if_bigger, (width, height)) else {
            return self.encode.apply(bytes, limits);
        };
        for (width, height) in [layout.scaled, layout.frame] {
            let pixels = u64::from(width) * u64::from(height);
            if pixels > limits.image_pixels {
                let most = limits.image_pixels;
                return Err(Fault::limit(format!(
                    "resized to {pixels} pixels, more than {most}"
                )));
            }
        }
        let (shorter, longer) = (width.min(height), width.max(height));
        let scale = match self.mode {
            _ if longer <= self.side => Scale::Full,
            ResizeMode::KeepRatioLargest | ResizeMode::Border => Scale::LongestAtLeast(self.side),
            _ if shorter <= self.side => Scale::Full,
            _ => Scale::ShortestAtLeast(self.side),
        };
        let decoded = decode(bytes, scale, limits)?;
        let picture = self.lay_out(decoded.picture, &layout);
        self.encode.write(picture, Some(&decoded.header)).map(Some)
    }

    /// `picture`, at whatever scale it was decoded, laid out.
    fn lay_out(&self, picture: Picture, layout: &Layout) -> Picture {
        let (left, top) = layout.offset;
        // What of the scaled picture is seen.
        let size = (
            layout.scaled.0.min(layout.frame.0),
            layout.scaled.1.min(layout.frame.1),
        );
        let cut = (left.max(0) as f64, top.max(0) as f64);
        let seen = self.scaled(picture, layout.scaled, cut, size);
        if layout.frame == size {
            return seen;
        }
        framed(
            &over(seen, self.encode.background),
            layout.frame,
            (-left, -top),
            self.encode.background,
        )
    }

    /// The part of `size` at `cut` of the picture scaled to `scaled`.
    fn scaled(&self, picture: Picture, scaled: (u32, u32), cut: (f64, f64), size: (u32, u32)) -> Picture {
        if (picture.width, picture.height) == scaled && size == scaled {
            return picture;
        }
        let pixel_type = match picture.channels {
            Channels::Rgb => PixelType::U8x3,
            Channels::Rgba => PixelType::U8x4,
        };
        let source = ImageRef::new(picture.width, picture.height, &picture.pixels, pixel_type)
            .expect("a picture has the bytes that its size says");
        let mut target = Image::new(size.0, size.1, pixel_type);
        let across = f64::from(picture.width) / f64::from(scaled.0);
        let down = f64::from(picture.height) / f64::from(scaled.1);
        let filter = if across >= 1.0 {
            self.filter
        } else {
            Filter::Lanczos3
        };
        let (left, top) = (cut.0 * across, cut.1 * down);
        // Rounding must not lead beyond the picture.
        let width = (f64::from(size.0) * across).min(f64::from(picture.width) - left);
        let height = (f64::from(size.1) * down).min(f64::from(picture.height) - top);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(filter.kernel()))
            .crop(left, top, width, height);
        Resizer::new()
            .resize(&source, &mut target, &options)
            .expect("both pictures are of the same pixels, and the part is within the picture");
        Picture {
            width: size.0,
            height: size.1,
            channels: picture.channels,
            pixels: target.into_vec(),
        }
    }
}

impl Filter {
    fn kernel(self) -> FilterType {
        match self {
            Filter::Area => FilterType::Box,
            Filter::Bilinear => FilterType::Bilinear,
            Filter::Bicubic => FilterType::CatmullRom,
            Filter::Lanczos3 => FilterType::Lanczos3,
        }
    }
}

/// An opaque picture on a background of this size, at this place.
fn framed(picture: &Picture, size: (u32, u32), place: (i64, i64), background: [u8; 3]) -> Picture {
    let (left, top) = (place.0.max(0) as usize, place.1.max(0) as usize);
    let width = size.0 as usize * 3;
    let mut pixels = background.repeat(size.0 as usize * size.1 as usize);
    let rows = picture.pixels.chunks_exact(picture.width as usize * 3);
    for (row, into) in rows.zip(pixels.chunks_exact_mut(width).skip(top)) {
        into[left * 3..][..row.len()].copy_from_slice(row);
    }
    Picture {
        width: size.0,
        height: size.1,
        channels: Channels::Rgb,
        pixels,
    }
}
