//! Colours: from those of a profile to sRGB.
//!
//! A profile is applied with its own rendering intent by moxcms, in fixed point. Where there is none, or the codec gave
//! sRGB, or the profile is sRGB's own, or it cannot be read or belongs to another kind of pixels, samples stay as they
//! are; ink becomes light as `(255 - colour) * (255 - black) / 255`.

use gristmill_core::Limits;
use moxcms::{ColorProfile, DataColorSpace, Layout as IccLayout, ParsingOptions, TransformOptions};

use super::raw::{Layout, Raw};
use crate::{Channels, Picture};

/// The picture in sRGB, and whether its profile could not be applied.
pub(super) fn to_srgb(mut raw: Raw, icc: Option<&[u8]>, limits: &Limits) -> (Picture, bool) {
    let profile = match icc {
        Some(icc) if !raw.is_srgb => icc,
        _ => {
            if let Some(wide) = raw.wide {
                wide.apply(&mut raw);
            }
            return (plain(raw), false);
        }
    };
    match transformed(&raw, profile, limits) {
        Applied::Done(picture) => (picture, false),
        Applied::Needless => (plain(raw), false),
        Applied::Broken => (plain(raw), true),
    }
}

/// Whether this profile leaves the colours of RGB pixels as they are.
pub(crate) fn is_profile_of_srgb(icc: &[u8], limits: &Limits) -> bool {
    profile(icc, limits).is_some_and(|profile| {
        profile.color_space == DataColorSpace::Rgb && is_srgb(&profile, &ColorProfile::new_srgb())
    })
}

fn profile(icc: &[u8], limits: &Limits) -> Option<ColorProfile> {
    let options = ParsingOptions {
        max_profile_size: limits.icc_bytes,
        ..ParsingOptions::default()
    };
    ColorProfile::new_from_slice_with_options(icc, options).ok()
}

enum Applied {
    Done(Picture),
    /// The profile is sRGB's own.
    Needless,
    Broken,
}

fn transformed(raw: &Raw, icc: &[u8], limits: &Limits) -> Applied {
    let Some(profile) = profile(icc, limits) else {
        return Applied::Broken;
    };
    let (space, from, to) = match raw.layout {
        Layout::Gray => (DataColorSpace::Gray, IccLayout::Gray, IccLayout::Rgb),
        Layout::GrayAlpha => (DataColorSpace::Gray, IccLayout::GrayAlpha, IccLayout::Rgba),
        Layout::Rgb => (DataColorSpace::Rgb, IccLayout::Rgb, IccLayout::Rgb),
        Layout::Rgba => (DataColorSpace::Rgb, IccLayout::Rgba, IccLayout::Rgba),
        // Four inks go through the layout of four samples.
        Layout::Cmyk => (DataColorSpace::Cmyk, IccLayout::Rgba, IccLayout::Rgb),
    };
    if profile.color_space != space {
        // Grey pixels with the profile of an RGB picture: what is grey there is grey.
        let is_gray = matches!(raw.layout, Layout::Gray | Layout::GrayAlpha);
        return if is_gray && profile.color_space == DataColorSpace::Rgb {
            Applied::Needless
        } else {
            Applied::Broken
        };
    }
    let srgb = ColorProfile::new_srgb();
    if is_srgb(&profile, &srgb) {
        return Applied::Needless;
    }
    let options = TransformOptions {
        rendering_intent: profile.rendering_intent,
        ..TransformOptions::default()
    };
    let Ok(transform) = profile.create_transform_8bit(from, &srgb, to, options) else {
        return Applied::Broken;
    };
    let channels = if to == IccLayout::Rgb {
        Channels::Rgb
    } else {
        Channels::Rgba
    };
    let mut pixels = vec![0; raw.width as usize * raw.height as usize * channels.count()];
    if transform.transform(&raw.pixels, &mut pixels).is_err() {
        return Applied::Broken;
    }
    Applied::Done(Picture {
        width: raw.width,
        height: raw.height,
        channels,
        pixels,
    })
}

/// Whether `profile` is sRGB's: no tables, the same primaries, and the same curve within half a step of 8 bits.
fn is_srgb(profile: &ColorProfile, srgb: &ColorProfile) -> bool {
    let is_near = |a: moxcms::Xyzd, b: moxcms::Xyzd| {
        (a.x - b.x).abs() < 1e-3 && (a.y - b.y).abs() < 1e-3 && (a.z - b.z).abs() < 1e-3
    };
    let has_tables = profile.lut_a_to_b_perceptual.is_some()
        || profile.lut_a_to_b_colorimetric.is_some()
        || profile.lut_a_to_b_saturation.is_some();
    let is_curve = |curve: &Option<moxcms::ToneReprCurve>| curve.as_ref().is_some_and(is_srgb_curve);
    !has_tables
        && is_near(profile.red_colorant, srgb.red_colorant)
        && is_near(profile.green_colorant, srgb.green_colorant)
        && is_near(profile.blue_colorant, srgb.blue_colorant)
        && is_curve(&profile.red_trc)
        && is_curve(&profile.green_trc)
        && is_curve(&profile.blue_trc)
}

fn is_srgb_curve(curve: &moxcms::ToneReprCurve) -> bool {
    let linear = |value: f64| {
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    match curve {
        moxcms::ToneReprCurve::Lut(table) => {
            table.len() > 2
                && table.iter().enumerate().all(|(at, value)| {
                    let expected = linear(at as f64 / (table.len() - 1) as f64);
                    (f64::from(*value) / 65535.0 - expected).abs() < 5e-4
                })
        }
        moxcms::ToneReprCurve::Parametric(parameters) => {
            let expected = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045];
            parameters.len() >= expected.len()
                && parameters
                    .iter()
                    .zip(expected)
                    .all(|(value, expected)| (f64::from(*value) - expected).abs() < 1e-3)
                && parameters[expected.len()..].iter().all(|rest| rest.abs() < 1e-3)
        }
    }
}

/// The picture without a profile.
pub(super) fn plain(raw: Raw) -> Picture {
    let (channels, pixels) = match raw.layout {
        Layout::Rgb => (Channels::Rgb, raw.pixels),
        Layout::Rgba => (Channels::Rgba, raw.pixels),
        Layout::Gray => (
            Channels::Rgb,
            raw.pixels.iter().flat_map(|gray| [*gray; 3]).collect(),
        ),
        Layout::GrayAlpha => {
            let (pixels, _) = raw.pixels.as_chunks::<2>();
            let spread = pixels
                .iter()
                .flat_map(|&[gray, opacity]| [gray, gray, gray, opacity]);
            (Channels::Rgba, spread.collect())
        }
        Layout::Cmyk => {
            let (pixels, _) = raw.pixels.as_chunks::<4>();
            let light = pixels.iter().flat_map(|&[cyan, magenta, yellow, black]| {
                let paper = 255 - u32::from(black);
                let light = |ink: u8| (((255 - u32::from(ink)) * paper + 127) / 255) as u8;
                [light(cyan), light(magenta), light(yellow)]
            });
            (Channels::Rgb, light.collect())
        }
    };
    Picture {
        width: raw.width,
        height: raw.height,
        channels,
        pixels,
    }
}
