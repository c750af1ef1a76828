//! How samples mean colours: code points of ITU-T H.273.

use super::bits::Bits;

/// What matters of them for showing a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coding {
    /// Matrix coefficients; 2 where nothing is said.
    pub(crate) matrix: u8,
    /// Whether all values of a sample are used.
    pub(crate) is_full_range: bool,
}

impl Default for Coding {
    fn default() -> Self {
        Coding {
            matrix: 2,
            is_full_range: false,
        }
    }
}

impl Coding {
    /// The `video_signal_type` of H.264 and HEVC.
    pub(crate) fn read_signal(bits: &mut Bits<'_>) -> Option<Coding> {
        bits.skip(3)?;
        let is_full_range = bits.bit()?;
        let mut matrix = 2;
        if bits.bit()? {
            bits.skip(16)?;
            matrix = bits.number(8)? as u8;
        }
        Some(Coding {
            matrix,
            is_full_range,
        })
    }
}
