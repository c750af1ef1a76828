//! The configuration of H.264 and HEVC decoders in containers, and the units of their samples.
//!
//! Source: ISO/IEC 14496-15, sections 5.3.3 and 8.3.3.

use super::bits::{prefixed_units, units};
use crate::read::fields::u16_be;

/// How units are told apart in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each has its length before it, in that many bytes.
    Prefixed(usize),
    /// By start codes.
    StartCodes,
}

/// The parameter sets of `avcC`.
pub(crate) fn h264_units(config: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    if h264_length(config) == Framing::StartCodes {
        found.extend(units(config).map(|(_, unit)| unit));
        return found;
    }
    let mut at = 5;
    for mask in [0x1f, 0xff] {
        let Some(&count) = config.get(at) else {
            return found;
        };
        at += 1;
        for _ in 0..count & mask {
            let Some(unit) = sized(config, &mut at) else {
                return found;
            };
            found.push(unit);
        }
    }
    found
}

/// The parameter sets of `hvcC`.
pub(crate) fn hevc_units(config: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    if hevc_length(config) == Framing::StartCodes {
        found.extend(units(config).map(|(_, unit)| unit));
        return found;
    }
    let mut at = 23;
    for _ in 0..config.get(22).copied().unwrap_or(0) {
        let Some(count) = u16_be(config, at + 1) else {
            return found;
        };
        at += 3;
        for _ in 0..count {
            let Some(unit) = sized(config, &mut at) else {
                return found;
            };
            found.push(unit);
        }
    }
    found
}

fn sized<'a>(config: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::from(u16_be(config, *at)?);
    let unit = config.get(*at + 2..)?.get(..length)?;
    *at += 2 + length;
    Some(unit)
}

/// How H.264 samples with this configuration are framed.
pub(crate) fn h264_length(config: &[u8]) -> Framing {
    match config {
        [1, _, _, _, length, ..] => Framing::Prefixed(usize::from(length & 3) + 1),
        _ => Framing::StartCodes,
    }
}

/// How HEVC samples with this configuration are framed.
pub(crate) fn hevc_length(config: &[u8]) -> Framing {
    match config.get(21) {
        // Early writers left the version at 0.
        Some(length)
            if config[0] <= 1 && !config.starts_with(&[0, 0, 0, 1]) && !config.starts_with(&[0, 0, 1]) =>
        {
            Framing::Prefixed(usize::from(length & 3) + 1)
        }
        _ => Framing::StartCodes,
    }
}

/// The units of a sample.
pub(crate) fn sample_units(sample: &[u8], framing: Framing) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    match framing {
        Framing::Prefixed(length) => Box::new(prefixed_units(sample, length)),
        Framing::StartCodes => Box::new(units(sample).map(|(_, unit)| unit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_are_found_as_far_as_they_go() {
        let config = [1, 100, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 9, 1, 0, 1, 0x68];
        assert_eq!(h264_units(&config), [[0x67, 9].as_slice(), &[0x68]]);
        assert_eq!(h264_units(&config[..13]), [[0x67, 9].as_slice()]);
        assert_eq!(h264_length(&config), Framing::Prefixed(4));
        assert_eq!(h264_length(&[]), Framing::StartCodes);
    }
}
