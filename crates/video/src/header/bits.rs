//! Bits of headers, most significant first, and the units of byte streams.

/// Reads bits; none beyond the end.
#[derive(Debug, Clone)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Bits { bytes, at: 0 }
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of up to 32 bits.
    pub(crate) fn number(&mut self, count: u32) -> Option<u32> {
        let mut value = 0u64;
        for _ in 0..count.min(32) {
            value = value << 1 | u64::from(self.bit()?);
        }
        Some(value as u32)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// `ue(v)`: Exp-Golomb without sign, of up to 32 bits.
    pub(crate) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = u64::from(self.number(zeros)?);
        u32::try_from((1u64 << zeros) - 1 + rest).ok()
    }

    /// `se(v)`: Exp-Golomb with sign.
    pub(crate) fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        let value = if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -(code / 2)
        };
        i32::try_from(value).ok()
    }

    /// The number of an AV1 `uvlc()`.
    pub(crate) fn variable(&mut self) -> Option<u32> {
        self.unsigned()
    }
}

/// The payload of a unit of H.264 or HEVC without its emulation prevention, at most `most` bytes of it.
pub(crate) fn unescaped(unit: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(unit.len().min(most));
    let mut zeros = 0;
    for &byte in unit {
        if out.len() == most {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// The units of an Annex B byte stream with the place of each: between start codes, without trailing zeros.
pub(crate) fn units(stream: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut next = start_code(stream, 0);
    std::iter::from_fn(move || {
        loop {
            let from = next? + 3;
            next = start_code(stream, from);
            let mut to = next.unwrap_or(stream.len());
            while to > from && stream[to - 1] == 0 {
                to -= 1;
            }
            if to > from {
                return Some((from, &stream[from..to]));
            }
        }
    })
}

/// Where the next `00 00 01` is.
pub(crate) fn start_code(stream: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // The third byte tells how far to go on.
    while let Some(&third) = stream.get(at + 2) {
        match third {
            0 => at += 1,
            1 if stream[at] == 0 && stream[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

/// The units of a sample in which each has its length before it. What does not fit is cut.
pub(crate) fn prefixed_units(sample: &[u8], length_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        let head = rest.get(..length_bytes)?;
        let length = head
            .iter()
            .fold(0usize, |length, &byte| length << 8 | usize::from(byte));
        let after = &rest[length_bytes..];
        let (unit, after) = after.split_at(length.min(after.len()));
        rest = after;
        (!unit.is_empty() || !rest.is_empty()).then_some(unit)
    })
    .filter(|unit| !unit.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_lie_between_start_codes() {
        let stream = [0, 0, 0, 1, 9, 8, 0, 0, 1, 7, 0, 0, 0, 1, 0, 0, 1, 6];
        let found: Vec<_> = units(&stream).collect();
        assert_eq!(found, [(4, [9, 8].as_slice()), (9, &[7]), (17, &[6])]);
        assert_eq!(units(&[0, 0, 2, 0, 0]).count(), 0);
    }

    #[test]
    fn golomb_codes_are_read() {
        // 1, 010, 011, 00100, 00101
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.unsigned().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
        assert_eq!(Bits::new(&[0; 8]).unsigned(), None);
        assert_eq!(Bits::new(&[0b0010_1000]).signed(), Some(-2));
    }

    #[test]
    fn lengths_are_cut_to_the_sample() {
        let units: Vec<_> = prefixed_units(&[0, 2, 7, 8, 0, 9, 5], 2).collect();
        assert_eq!(units, [[7, 8].as_slice(), &[5]]);
    }

    #[test]
    fn emulation_prevention_goes() {
        assert_eq!(unescaped(&[1, 0, 0, 3, 1, 0, 0, 3, 0], 99), [1, 0, 0, 1, 0, 0, 0]);
    }
}
