//! Motion JPEG: each sample is a JPEG. Those without Huffman tables have the usual ones.

use gristmill_core::{Fault, Limits};
use gristmill_image::{Scale, decode};

use super::{Decode, Frame, Plane};
use crate::header::color::Coding;

pub(super) struct Mjpeg {
    limits: Limits,
}

impl Mjpeg {
    pub(super) fn new(limits: &Limits) -> Self {
        Mjpeg {
            limits: Limits {
                image_pixels: limits.video_pixels,
                ..limits.clone()
            },
        }
    }
}

impl Decode for Mjpeg {
    fn sample(&mut self, sample: &[u8], _: bool) -> Result<Option<Frame>, Fault> {
        let picture = decode(sample, Scale::Full, &self.limits)?.picture;
        let (width, height) = (picture.width as usize, picture.height as usize);
        let count = picture.channels.count();
        let mut planes = [(); 3].map(|()| Plane {
            width,
            height,
            samples: Vec::with_capacity(width * height),
        });
        for pixel in picture.pixels.chunks_exact(count) {
            let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(i32::from);
            // BT.601 in steps of 2^-16.
            let luma = 19_595 * red + 38_470 * green + 7_471 * blue;
            let to_blue = -11_059 * red - 21_709 * green + 32_768 * blue;
            let to_red = 32_768 * red - 27_439 * green - 5_329 * blue;
            let values = [
                luma + 32_768,
                to_blue + (128 << 16) + 32_767,
                to_red + (128 << 16) + 32_767,
            ];
            for (plane, value) in planes.iter_mut().zip(values) {
                plane.samples.push((value >> 16).clamp(0, 255) as u8);
            }
        }
        Ok(Some(Frame {
            planes,
            coding: Coding {
                matrix: 6,
                is_full_range: true,
            },
        }))
    }
}
