//! Changes of seeds: an input follows from the seeds and a number.

/// Longest input.
const BYTES: usize = 512 << 10;

/// Numbers that follow from the one they begin with (SplitMix64).
#[derive(Debug)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        if end == 0 {
            0
        } else {
            (self.next() % end as u64) as usize
        }
    }

    /// A length that is mostly small.
    fn length(&mut self, most: usize) -> usize {
        let scale = [4, 16, 64, 512, 4096, usize::MAX][self.below(6)];
        1 + self.below(most.min(scale))
    }
}

/// Values of fields where mistakes are made.
const EDGES: [u64; 22] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0xff_ffff,
    0x100_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

/// The input of this number.
///
/// # Panics
///
/// Where there is no seed.
pub fn input(seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut numbers = Numbers(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let seed = number as usize % seeds.len();
    let mut bytes = seeds[seed].clone();
    // Every seed by itself comes first.
    if number < seeds.len() as u64 {
        return bytes;
    }
    let changes = 1 << numbers.below(6);
    for _ in 0..changes {
        change(&mut bytes, seeds, &mut numbers);
    }
    bytes.truncate(BYTES);
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], numbers: &mut Numbers) {
    let at = place(bytes.len(), numbers);
    match numbers.below(16) {
        0 | 1 => with(bytes, at, |byte| *byte ^= 1 << numbers.below(8)),
        2 | 3 => with(bytes, at, |byte| *byte = numbers.next() as u8),
        4 => with(bytes, at, |byte| {
            *byte = byte.wrapping_add(numbers.below(35) as u8).wrapping_sub(17);
        }),
        5..=7 => field(bytes, at, numbers),
        8 => {
            let length = numbers.length(bytes.len() - at.min(bytes.len()));
            let end = (at + length).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        9 => {
            let part = piece(bytes, numbers);
            insert(bytes, at, &part);
        }
        10 => {
            let part = piece(bytes, numbers);
            overwrite(bytes, at, &part);
        }
        11 => {
            let other = &seeds[numbers.below(seeds.len())];
            let part = piece(other, numbers);
            if numbers.below(2) == 0 {
                insert(bytes, at, &part);
            } else {
                overwrite(bytes, at, &part);
            }
        }
        12 => bytes.truncate(at),
        13 => {
            let value = [0, 0xff, numbers.next() as u8][numbers.below(3)];
            let length = numbers.length(bytes.len() - at.min(bytes.len()));
            let end = (at + length).min(bytes.len());
            bytes[at.min(end)..end].fill(value);
        }
        14 => {
            // The same piece again and again: lists, frames, scans, nesting.
            let part = piece(bytes, numbers);
            let part = part[..part.len().min(512)].repeat(2 + numbers.below(64));
            insert(bytes, at, &part);
        }
        _ => digits(bytes, numbers),
    }
}

/// A place, often near the beginning, where headers are, or the end.
fn place(length: usize, numbers: &mut Numbers) -> usize {
    match numbers.below(8) {
        0 | 1 => numbers.below(length.min(64)),
        2 | 3 => numbers.below(length.min(1024)),
        4 => length - numbers.below(length.min(256) + 1),
        _ => numbers.below(length + 1),
    }
}

fn with(bytes: &mut [u8], at: usize, apply: impl FnOnce(&mut u8)) {
    if let Some(byte) = bytes.get_mut(at) {
        apply(byte);
    }
}

/// Writes a number of 1 to 8 bytes: one of the edges, one near what was there, or a length that there is.
fn field(bytes: &mut [u8], at: usize, numbers: &mut Numbers) {
    let size = [1, 2, 2, 4, 4, 4, 8][numbers.below(7)];
    let length = bytes.len() as u64;
    let Some(place) = bytes.get_mut(at..at + size) else {
        return;
    };
    let is_big_endian = numbers.below(2) == 0;
    let before = place.iter().enumerate().fold(0, |value, (index, byte)| {
        let shift = 8 * if is_big_endian { size - 1 - index } else { index };
        value | u64::from(*byte) << shift
    });
    let value = match numbers.below(5) {
        0 | 1 => EDGES[numbers.below(EDGES.len())],
        2 => before.wrapping_add(numbers.below(9) as u64).wrapping_sub(4),
        3 => before.wrapping_mul(2 + numbers.below(7) as u64),
        _ => length.wrapping_sub(numbers.below(at + 9) as u64),
    };
    for (index, byte) in place.iter_mut().enumerate() {
        let shift = 8 * if is_big_endian { size - 1 - index } else { index };
        *byte = (value >> shift) as u8;
    }
}

fn piece(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let from = place(bytes.len(), numbers).min(bytes.len());
    let length = numbers.length(bytes.len() - from).min(bytes.len() - from);
    bytes[from..from + length].to_vec()
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    let at = at.min(bytes.len());
    bytes.splice(at..at, part.iter().copied());
}

fn overwrite(bytes: &mut [u8], at: usize, part: &[u8]) {
    let rest = bytes.get_mut(at..).unwrap_or_default();
    let length = rest.len().min(part.len());
    rest[..length].copy_from_slice(&part[..length]);
}

/// Another number where one is written in digits.
fn digits(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let from = numbers.below(bytes.len() + 1);
    let Some(begin) = bytes[from..]
        .iter()
        .position(u8::is_ascii_digit)
        .map(|at| from + at)
    else {
        return;
    };
    let end = bytes[begin..]
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .map_or(bytes.len(), |at| begin + at);
    let value = match numbers.below(3) {
        0 => EDGES[numbers.below(EDGES.len())].to_string(),
        1 => format!("-{}", numbers.below(100_000)),
        _ => numbers.below(100_000).to_string(),
    };
    bytes.splice(begin..end, value.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_follows_from_its_number() {
        let seeds = [b"a seed of 27 bytes".to_vec(), Vec::new(), vec![7; 5000]];
        for number in 0..20_000 {
            assert_eq!(input(&seeds, number), input(&seeds, number));
        }
        assert_eq!(input(&seeds, 2), seeds[2]);
        assert_ne!(input(&seeds, 3), input(&seeds, 6));
    }
}
