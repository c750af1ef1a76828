//! Pictures coded as AV1, by `rusty_av1d` on one thread.
//!
//! The decoder panics on some damaged streams; a panic ends in `Fault::malformed` and the decoder is thrown away. It
//! writes a line on standard error for some damaged streams, which its interface gives no way to turn off.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gristmill_core::Fault;
use rusty_av1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Rav1dError, Settings, pixel};

use super::yuv::{Coding, Planes, Subsampling};

/// Most frames, hidden ones included, that are decoded for one picture. A layered picture has at most 4 layers.
const FRAMES_MAX: usize = 16;

/// Which of the pictures in the data is meant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Choice {
    /// The operating point (`a1op`).
    pub(crate) operating_point: u8,
    /// The spatial layer (`lsel`); the best if none.
    pub(crate) layer: Option<u16>,
}

/// Decodes a temporal unit of at most `pixels_max` pixels a frame. The coding is what the sequence header says.
pub(crate) fn decode(data: &[u8], choice: Choice, pixels_max: u64) -> Result<(Planes, Coding), Fault> {
    let frames = count_frames(data)?;
    if frames > FRAMES_MAX {
        return Err(Fault::limit(format!(
            "AV1 picture of {frames} frames exceeds {FRAMES_MAX}"
        )));
    }
    if frames == 0 {
        return Err(Fault::malformed("AV1 data without a frame"));
    }
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_operating_point(choice.operating_point & 31);
    settings.set_all_layers(choice.layer.is_some());
    settings.set_frame_size_limit(pixels_max.clamp(1, u64::from(u32::MAX)) as u32);
    let mut decoder =
        Decoder::with_settings(&settings).map_err(|_| Fault::internal("AV1 decoder does not start"))?;

    let result = catch_unwind(AssertUnwindSafe(|| run(&mut decoder, data, choice)));
    // What is left of a decoder that panicked may panic once more.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(decoder)));
    match (result, dropped) {
        (Ok(result), Ok(())) => result,
        _ => Err(Fault::malformed("AV1 data that its decoder fails on")),
    }
}

fn run(decoder: &mut Decoder, data: &[u8], choice: Choice) -> Result<(Planes, Coding), Fault> {
    let mut sent = decoder.send_data(data.into(), None, None, None);
    let mut last = None;
    let mut index = 0;
    // Each turn gives a picture or consumes data, and both are bounded by the count of frames.
    for _ in 0..2 * FRAMES_MAX {
        match decoder.get_picture() {
            Ok(picture) => {
                last = Some(picture);
                if choice.layer.is_some_and(|layer| layer == index) {
                    break;
                }
                index += 1;
            }
            Err(Rav1dError::TryAgain) => match sent {
                Err(Rav1dError::TryAgain) => {}
                Err(error) => return Err(fault_of(error)),
                Ok(()) => break,
            },
            Err(error) if last.is_none() => return Err(fault_of(error)),
            Err(_) => break,
        }
        if matches!(sent, Err(Rav1dError::TryAgain)) {
            sent = decoder.send_pending_data();
        }
    }
    let picture = last.ok_or_else(|| Fault::malformed("AV1 data gives no picture"))?;
    Ok((planes_of(&picture)?, coding_of(&picture)))
}

fn fault_of(error: Rav1dError) -> Fault {
    match error {
        // The decoder says so of a frame above its size limit.
        Rav1dError::OutOfRange => Fault::limit("AV1 frame is larger than allowed"),
        Rav1dError::OutOfMemory => Fault::limit("AV1 frame does not fit in memory"),
        Rav1dError::UnsupportedBitstream => Fault::unsupported("AV1 stream of an unknown kind"),
        _ => Fault::malformed("AV1 data is damaged"),
    }
}

fn planes_of(picture: &Picture) -> Result<Planes, Fault> {
    let (width, height) = (picture.width(), picture.height());
    let bits = picture
        .bits_per_component()
        .ok_or_else(|| Fault::unsupported("AV1 bit depth"))?
        .0;
    let subsampling = match picture.pixel_layout() {
        PixelLayout::I400 => Subsampling::Gray,
        PixelLayout::I420 => Subsampling::Both,
        PixelLayout::I422 => Subsampling::Columns,
        PixelLayout::I444 => Subsampling::None,
    };
    let mut planes = Planes::new(width, height, bits, subsampling);
    let components = [
        PlanarImageComponent::Y,
        PlanarImageComponent::U,
        PlanarImageComponent::V,
    ];
    for (component, plane) in components.into_iter().zip(&mut planes.planes) {
        if plane.samples.is_empty() {
            continue;
        }
        let stride = picture.stride(component) as usize;
        let source = picture.plane(component).chunks(stride.max(1));
        for (row, source) in plane.samples.chunks_exact_mut(plane.width).zip(source) {
            if bits == 8 {
                for (sample, &byte) in row.iter_mut().zip(source) {
                    *sample = u16::from(byte);
                }
            } else {
                for (sample, bytes) in row.iter_mut().zip(source.as_chunks::<2>().0) {
                    *sample = u16::from_ne_bytes(*bytes);
                }
            }
        }
    }
    Ok(planes)
}

fn coding_of(picture: &Picture) -> Coding {
    Coding {
        primaries: picture.color_primaries() as u16,
        transfer: picture.transfer_characteristic() as u16,
        matrix: picture.matrix_coefficients() as u16,
        is_full_range: picture.color_range() == pixel::YUVRange::Full,
    }
}

/// Counts frames and frame headers of open bitstream units (AV1 specification, section 5.3).
fn count_frames(data: &[u8]) -> Result<usize, Fault> {
    const FRAME_HEADER: u8 = 3;
    const FRAME: u8 = 6;
    let mut rest = data;
    let mut frames = 0;
    while let Some((&head, after)) = rest.split_first() {
        if head & 0x80 != 0 {
            return Err(Fault::malformed("AV1 unit begins with a forbidden bit"));
        }
        let (has_extension, has_size) = (head & 4 != 0, head & 2 != 0);
        let after = after.get(usize::from(has_extension)..).unwrap_or_default();
        let (size, after) = if has_size {
            leb128(after)?
        } else {
            (after.len(), after)
        };
        if matches!(head >> 3 & 15, FRAME_HEADER | FRAME) {
            frames += 1;
        }
        rest = after.get(size..).ok_or_else(|| {
            Fault::truncated(format!("AV1 unit of {size} bytes ends after {}", after.len()))
        })?;
    }
    Ok(frames)
}

fn leb128(bytes: &[u8]) -> Result<(usize, &[u8]), Fault> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((usize::try_from(value).unwrap_or(usize::MAX), &bytes[index + 1..]));
        }
    }
    Err(Fault::malformed("AV1 unit without a size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_are_not_frames_are_not_counted() {
        // A temporal delimiter, a padding unit of one byte, a frame of two.
        assert_eq!(count_frames(&[0x12, 0, 0x7a, 1, 9, 0x32, 2, 1, 2]), Ok(1));
    }

    #[test]
    fn a_unit_that_is_longer_than_the_data_is_truncated() {
        let fault = count_frames(&[0x32, 5, 1]).unwrap_err();
        assert_eq!(fault.to_string(), "truncated: AV1 unit of 5 bytes ends after 1");
    }

    #[test]
    fn a_picture_of_too_many_frames_is_refused_before_it_is_decoded() {
        let fault = decode(&[0x32, 0].repeat(17), Choice::default(), 1 << 20).unwrap_err();
        assert_eq!(fault.to_string(), "limit: AV1 picture of 17 frames exceeds 16");
    }
}
