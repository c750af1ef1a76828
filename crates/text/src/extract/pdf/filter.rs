//! Streams, decoded within bounds: Flate, LZW, ASCII85, ASCIIHex, RunLength, and their predictors.
//!
//! Damaged data gives what comes before the damage, as viewers do. Image filters give nothing.

use flate2::{Decompress, FlushDecompress, Status};
use gristmill_core::Fault;
use hayro_syntax::{
    Filter,
    object::{Array, Dict, Object, Stream},
};

use super::budget::Budget;

/// The most filters of one stream.
const FILTERS: usize = 8;

/// The decoded bytes of `stream`.
///
/// # Errors
/// A `limit` where the stream unfolds to more than the budget has.
pub(super) fn decode(stream: &Stream<'_>, budget: &mut Budget) -> Result<Vec<u8>, Fault> {
    let filters = stream.filters();
    if filters.len() > FILTERS {
        return Err(Fault::limit(format!(
            "stream has {} filters, more than {FILTERS}",
            filters.len()
        )));
    }
    let mut data = stream.raw_data();
    for (index, filter) in filters.iter().enumerate() {
        let parameters = parameters(stream.dict(), index);
        let most = budget.longest;
        let decoded = match filter {
            Filter::FlateDecode => predict(inflate(&data, most)?, &parameters),
            Filter::LzwDecode => {
                let is_early = parameters.get::<i32>("EarlyChange") != Some(0);
                predict(lzw(&data, is_early, most)?, &parameters)
            }
            Filter::Ascii85Decode => ascii_85(&data),
            Filter::AsciiHexDecode => ascii_hex(&data),
            Filter::RunLengthDecode => run_length(&data, most)?,
            Filter::Crypt => continue,
            Filter::CcittFaxDecode | Filter::Jbig2Decode | Filter::DctDecode | Filter::JpxDecode => {
                Vec::new()
            }
        };
        budget.take_stream(decoded.len())?;
        data = decoded.into();
    }
    Ok(data.into_owned())
}

fn parameters<'a>(dict: &Dict<'a>, index: usize) -> Dict<'a> {
    let value = dict
        .get::<Object<'_>>("DecodeParms")
        .or_else(|| dict.get::<Object<'_>>("DP"));
    match value {
        Some(Object::Dict(parameters)) => parameters,
        Some(Object::Array(array)) => nth_dict(&array, index),
        _ => Dict::empty(),
    }
}

fn nth_dict<'a>(array: &Array<'a>, index: usize) -> Dict<'a> {
    array
        .iter::<Object<'_>>()
        .nth(index)
        .and_then(Object::into_dict)
        .unwrap_or_default()
}

fn too_long(most: usize) -> Fault {
    Fault::limit(format!("stream unfolds to more than {most} bytes"))
}

/// zlib data; raw deflate where its header is broken.
fn inflate(data: &[u8], most: usize) -> Result<Vec<u8>, Fault> {
    let out = inflate_as(data, true, most)?;
    if !out.is_empty() || data.len() < 3 {
        return Ok(out);
    }
    // The header may be wrong, or there is none.
    let behind = inflate_as(&data[2..], false, most)?;
    let whole = inflate_as(data, false, most)?;
    Ok(if whole.len() > behind.len() { whole } else { behind })
}

/// Bytes that are held before it is known how many there are; formats do the same, a room of their own away.
const HELD: usize = 8 << 20;

/// Whether data unfold to no more than `most` bytes, without holding them.
fn is_within(data: &[u8], has_header: bool, most: usize) -> bool {
    let mut state = Decompress::new(has_header);
    let mut scratch = vec![0; 64 << 10];
    loop {
        let (consumed, produced) = (state.total_in(), state.total_out());
        let status = state.decompress(&data[consumed as usize..], &mut scratch, FlushDecompress::None);
        if state.total_out() > most as u64 {
            return false;
        }
        let is_going_on = state.total_in() > consumed || state.total_out() > produced;
        if !matches!(status, Ok(Status::Ok | Status::BufError)) || !is_going_on {
            return true;
        }
    }
}

fn inflate_as(data: &[u8], has_header: bool, most: usize) -> Result<Vec<u8>, Fault> {
    let mut state = Decompress::new(has_header);
    let mut out = Vec::with_capacity(data.len().saturating_mul(4).clamp(1 << 10, 1 << 20));
    loop {
        let (consumed, length) = (state.total_in(), out.len());
        let rest = &data[consumed as usize..];
        let status = state.decompress_vec(rest, &mut out, FlushDecompress::None);
        if out.len() > most {
            return Err(too_long(most));
        }
        match status {
            Ok(Status::Ok | Status::BufError) if out.len() == out.capacity() => {
                if (HELD..2 * HELD).contains(&out.len()) && !is_within(data, has_header, most) {
                    return Err(too_long(most));
                }
                out.reserve(out.len());
            }
            Ok(Status::Ok | Status::BufError) if state.total_in() > consumed || out.len() > length => {}
            _ => return Ok(out),
        }
    }
}

fn lzw(data: &[u8], is_early: bool, most: usize) -> Result<Vec<u8>, Fault> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let early = usize::from(is_early);
    // Where in `out` the sequence of each code from 258 on stands, and how long it is.
    let mut table: Vec<(usize, usize)> = Vec::with_capacity(4096);
    let mut out: Vec<u8> = Vec::with_capacity(data.len().saturating_mul(3));
    let (mut bits, mut count, mut width) = (0u32, 0, 9);
    let mut before: Option<(usize, usize)> = None;
    for &byte in data {
        bits = bits << 8 | u32::from(byte);
        count += 8;
        if count < width {
            continue;
        }
        count -= width;
        let code = (bits >> count) as usize & ((1 << width) - 1);
        bits &= (1 << count) - 1;
        if code == CLEAR {
            table.clear();
            (width, before) = (9, None);
            continue;
        }
        if code == END {
            break;
        }
        let start = out.len();
        if code < CLEAR {
            out.push(code as u8);
        } else if let Some(&(from, length)) = table.get(code - 258) {
            out.extend_from_within(from..from + length);
        } else if let Some((from, length)) = before {
            out.extend_from_within(from..from + length);
            out.push(out[from]);
        } else {
            break;
        }
        if out.len() > most {
            return Err(too_long(most));
        }
        if let Some((from, length)) = before
            && table.len() < 4096 - 258
        {
            // The sequence before and the first byte of this one stand next to each other.
            table.push((from, length + 1));
        }
        before = Some((start, out.len() - start));
        width = match table.len() + 258 + early + 1 {
            0..=512 => 9,
            513..=1024 => 10,
            1025..=2048 => 11,
            _ => 12,
        };
    }
    Ok(out)
}

fn ascii_85(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 5 * 4 + 4);
    let mut group = [0u32; 5];
    let mut length = 0;
    let value = |group: &[u32; 5]| {
        group
            .iter()
            .fold(0u32, |value, digit| value.wrapping_mul(85).wrapping_add(*digit))
    };
    for &byte in data.strip_prefix(b"<~").unwrap_or(data) {
        match byte {
            b'z' if length == 0 => out.extend([0; 4]),
            b'!'..=b'u' => {
                group[length] = u32::from(byte - b'!');
                length += 1;
                if length == 5 {
                    out.extend(value(&group).to_be_bytes());
                    length = 0;
                }
            }
            b'~' => break,
            _ => {}
        }
    }
    if length > 1 {
        group[length..].fill(84);
        out.extend(&value(&group).to_be_bytes()[..length - 1]);
    }
    out
}

fn ascii_hex(data: &[u8]) -> Vec<u8> {
    let mut digits = data
        .iter()
        .take_while(|byte| **byte != b'>')
        .filter_map(|byte| (*byte as char).to_digit(16).map(|digit| digit as u8));
    let mut out = Vec::with_capacity(data.len() / 2 + 1);
    while let Some(high) = digits.next() {
        out.push(high << 4 | digits.next().unwrap_or(0));
    }
    out
}

fn run_length(data: &[u8], most: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let [length, tail @ ..] = rest {
        rest = match (*length, tail) {
            (0..=127, _) => {
                let (run, tail) = tail.split_at(tail.len().min(usize::from(*length) + 1));
                out.extend_from_slice(run);
                tail
            }
            (129..=255, [byte, tail @ ..]) => {
                out.extend(std::iter::repeat_n(*byte, 257 - usize::from(*length)));
                tail
            }
            _ => break,
        };
        if out.len() > most {
            return Err(too_long(most));
        }
    }
    Ok(out)
}

/// Undoes the predictor of PNG or TIFF.
fn predict(data: Vec<u8>, parameters: &Dict<'_>) -> Vec<u8> {
    let number = |name: &str, default: usize| {
        parameters
            .get::<u32>(name)
            .map_or(default, |value| value as usize)
    };
    let predictor = number("Predictor", 1);
    if predictor < 2 {
        return data;
    }
    let (colors, bits) = (
        number("Colors", 1).clamp(1, 32),
        number("BitsPerComponent", 8).clamp(1, 16),
    );
    let row = (number("Columns", 1).clamp(1, 1 << 24) * colors * bits).div_ceil(8);
    let pixel = (colors * bits).div_ceil(8);
    if predictor == 2 {
        let mut data = data;
        if bits == 8 {
            for row in data.chunks_mut(row) {
                for at in pixel..row.len() {
                    row[at] = row[at].wrapping_add(row[at - pixel]);
                }
            }
        }
        return data;
    }
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    for line in data.chunks(row + 1) {
        let (kind, line) = (line[0], &line[1..]);
        let start = out.len();
        for (at, byte) in line.iter().enumerate() {
            let left = if at >= pixel { out[start + at - pixel] } else { 0 };
            // Only the last row may be short, so the row above is whole.
            let up = if start >= row { out[start - row + at] } else { 0 };
            let corner = if start >= row && at >= pixel {
                out[start - row + at - pixel]
            } else {
                0
            };
            let guess = match kind {
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                4 => paeth(left, up, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(guess));
        }
    }
    out
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (guess - i16::from(value)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

    #[test]
    fn lzw_is_read() {
        // The example of ISO 32000-1, 7.4.4.2.
        let data = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        assert_eq!(
            lzw(&data, true, MOST).unwrap(),
            [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]
        );
    }

    #[test]
    fn ascii_filters_are_read() {
        assert_eq!(ascii_85(b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(ascii_85(b"z!!~>"), b"\0\0\0\0\0");
        assert_eq!(ascii_hex(b"48 65 6C6c6F2>ff"), b"Hello ");
    }

    #[test]
    fn runs_are_repeated() {
        assert_eq!(run_length(b"\x02abc\xfed\x80x", MOST).unwrap(), b"abcddd");
        assert_eq!(run_length(b"\x7fab", MOST).unwrap(), b"ab");
    }

    #[test]
    fn a_bomb_is_a_limit() {
        let runs = [0x81, 0].repeat(10_000);
        assert!(run_length(&runs, 1000).is_err());
        let mut zeros = flate2::Compress::new(flate2::Compression::best(), true);
        let mut data = Vec::with_capacity(1 << 16);
        zeros
            .compress_vec(&vec![0; MOST * 4], &mut data, flate2::FlushCompress::Finish)
            .unwrap();
        assert!(inflate(&data, MOST).is_err());
        assert_eq!(inflate(&data, MOST * 4).unwrap().len(), MOST * 4);
    }

    #[test]
    fn damage_keeps_what_comes_before_it() {
        let mut packer = flate2::Compress::new(flate2::Compression::best(), true);
        let text: Vec<u8> = (0..20_000u32).flat_map(u32::to_le_bytes).collect();
        let mut data = Vec::with_capacity(1 << 17);
        packer
            .compress_vec(&text, &mut data, flate2::FlushCompress::Finish)
            .unwrap();
        let out = inflate(&data[..data.len() / 2], MOST).unwrap();
        assert!(
            out.len() > text.len() / 4 && text.starts_with(&out),
            "{}",
            out.len()
        );
        // Without the header, and with a broken one.
        assert_eq!(inflate(&data[2..], MOST).unwrap(), text);
        assert_eq!(inflate(&[b"xx", &data[2..]].concat(), MOST).unwrap(), text);
    }
}
