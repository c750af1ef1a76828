//! Unpacking into memory that is bounded by what is kept, and not by what a bomb becomes.

use std::io::{self, Read};

/// Bytes that are held before it is known how many there are.
const HELD: u64 = 8 << 20;
/// Bytes of a buffer for what is counted and not held.
const SCRATCH: usize = 64 << 10;

/// Puts what a decoder gives into `output`, in place of what was there, and gives how many bytes there are, up to `most`.
///
/// What is long is counted before it is held, at the cost of unpacking it twice. Of what has `most` bytes or more, of a bomb,
/// `output` holds the beginning alone.
///
/// # Errors
/// Those of the decoder; `output` holds what came before.
pub(crate) fn unpack<R: Read>(
    open: impl Fn() -> io::Result<R>,
    most: u64,
    output: &mut Vec<u8>,
) -> io::Result<u64> {
    output.clear();
    let mut decoder = open()?;
    let held = decoder.by_ref().take(HELD.min(most)).read_to_end(output)? as u64;
    if held < HELD || held == most {
        return Ok(held);
    }
    let length = held + count(&mut decoder, most - held);
    if length < most {
        // As much as there is, and a little, so that its end is found without more room.
        output.clear();
        output.reserve_exact(length as usize + 64);
        open()?.take(most).read_to_end(output)?;
    }
    Ok(length)
}

/// Appends up to `most` bytes of a decoder, and gives how many. Memory for many is asked for once, and touched as it fills.
///
/// # Errors
/// Those of the decoder.
pub(crate) fn fill(mut decoder: impl Read, most: u64, output: &mut Vec<u8>) -> io::Result<usize> {
    let held = decoder.by_ref().take(HELD.min(most)).read_to_end(output)?;
    if (held as u64) < HELD {
        return Ok(held);
    }
    output.reserve_exact((most - held as u64) as usize + 64);
    Ok(held + decoder.take(most - held as u64).read_to_end(output)?)
}

/// How many bytes there are before an end or an error, up to `most`.
fn count(decoder: &mut impl Read, most: u64) -> u64 {
    let mut scratch = vec![0; SCRATCH];
    let mut counted = 0;
    while counted < most {
        let step = scratch.len().min((most - counted) as usize);
        match decoder.read(&mut scratch[..step]) {
            Ok(0) | Err(_) => break,
            Ok(read) => counted += read as u64,
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_held_when_it_is_known_to_be_short_enough() {
        let bytes: Vec<u8> = (0..20 << 20_u32).map(|at| (at % 251) as u8).collect();
        let open = || Ok(bytes.as_slice());
        let mut output = vec![1];
        for (most, held) in [(100, 100), (HELD, HELD), (25 << 20, 20 << 20)] {
            assert_eq!(unpack(open, most, &mut output).unwrap(), most.min(20 << 20));
            assert_eq!(output, bytes[..held as usize]);
        }
        let mut output = Vec::new();
        assert_eq!(unpack(open, 15 << 20, &mut output).unwrap(), 15 << 20);
        assert_eq!(output.len() as u64, HELD);
        assert!(output.capacity() < 17 << 20);
    }
}
