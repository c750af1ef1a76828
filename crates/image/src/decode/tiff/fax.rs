//! Strips packed as fax: black and white, run by run.
//!
//! Modified Huffman codes each row by itself and begins it with a byte (compression 2). Group 3 puts an end-of-line code
//! before each row and may code a row by its difference to the one above (compression 3), group 4 does so with every
//! row and has no such codes (compression 4). A row is a list of the columns where its colour changes, from white on.
//!
//! A row that is damaged keeps what came before the damage. Group 3 goes on with the next row that begins with an
//! end-of-line code, Modified Huffman with the next byte; in group 4 nothing that comes after can be read. Rows that
//! are left out before the code that ends a strip are white.
//!
//! Source: ITU-T T.4 and T.6; TIFF revision 6.0, sections 10 and 11.

use std::sync::LazyLock;

/// Codes of the runs 0 to 63, 64 to 1,728 by 64, and 1,792 to 2,560 by 64.
const WHITE: &str = "\
    00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101 \
    101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 \
    0011000 00000010 00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 \
    00101000 00101001 00101010 00101011 00101100 00101101 00000100 00000101 00001010 00001011 01010010 \
    01010011 01010100 01010101 00100100 00100101 01011000 01011001 01011010 01011011 01001010 01001011 \
    00110010 00110011 00110100 11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 \
    01100111 011001100 011001101 011010010 011010011 011010100 011010101 011010110 011010111 011011000 \
    011011001 011011010 011011011 010011000 010011001 010011010 011000 010011011 00000001000 00000001100 \
    00000001101 000000010010 000000010011 000000010100 000000010101 000000010110 000000010111 \
    000000011100 000000011101 000000011110 000000011111";
const BLACK: &str = "\
    0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 \
    000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 \
    00000101000 00000010111 00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 \
    000001101001 000001101010 000001101011 000011010010 000011010011 000011010100 000011010101 \
    000011010110 000011010111 000001101100 000001101101 000011011010 000011011011 000001010100 \
    000001010101 000001010110 000001010111 000001100100 000001100101 000001010010 000001010011 \
    000000100100 000000110111 000000111000 000000100111 000000101000 000001011000 000001011001 \
    000000101011 000000101100 000001011010 000001100110 000001100111 0000001111 000011001000 \
    000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 0000001101101 \
    0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100 \
    0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101 \
    0000001011010 0000001011011 0000001100100 0000001100101 00000001000 00000001100 00000001101 \
    000000010010 000000010011 000000010100 000000010101 000000010110 000000010111 000000011100 \
    000000011101 000000011110 000000011111";

/// Bits of the longest code of a run.
const CODE_BITS: u32 = 13;

/// Zeros that begin an end-of-line code: no other code has so many.
const ZEROS: usize = 11;

/// For each 13 bits how long the run is whose code they begin with, and how long the code.
type Codes = Vec<Option<(u16, u8)>>;

static WHITE_CODES: LazyLock<Codes> = LazyLock::new(|| codes(WHITE));
static BLACK_CODES: LazyLock<Codes> = LazyLock::new(|| codes(BLACK));

fn codes(words: &str) -> Codes {
    let runs = (0..64).chain((64..=2560).step_by(64));
    let mut codes = vec![None; 1 << CODE_BITS];
    for (run, word) in runs.zip(words.split(' ')) {
        let value = word
            .bytes()
            .fold(0, |value, digit| value << 1 | usize::from(digit - b'0'));
        let free = CODE_BITS as usize - word.len();
        codes[value << free..(value + 1) << free].fill(Some((run, word.len() as u8)));
    }
    codes
}

/// How rows are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fax {
    /// Each by itself, beginning with a byte.
    Huffman,
    /// Each behind an end-of-line code, by itself or, with a bit behind that code that says so, by its difference.
    Group3 { is_two_dimensional: bool },
    /// Each by its difference to the one above.
    Group4,
}

/// The bytes of rows, 1 for black, the highest bit first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) bytes: Vec<u8>,
    /// Whether a row is damaged or missing.
    pub(super) is_damaged: bool,
    /// Whether not one row came out whole.
    pub(super) is_empty: bool,
}

impl Fax {
    /// By the values of Compression and T4Options; none for other compressions.
    pub(super) fn of(compression: u32, options: u32) -> Option<Fax> {
        match compression {
            2 => Some(Fax::Huffman),
            3 => Some(Fax::Group3 {
                is_two_dimensional: options & 1 == 1,
            }),
            4 => Some(Fax::Group4),
            _ => None,
        }
    }

    /// Unpacks `rows` rows of `width` pixels. The caller has made sure that so many bytes may be held.
    pub(super) fn unpacked(self, packed: &[u8], width: usize, rows: usize) -> Rows {
        let row_bytes = width.div_ceil(8);
        let mut bits = Bits { bytes: packed, at: 0 };
        let mut bytes = vec![0; row_bytes * rows];
        let (mut above, mut row) = (Vec::new(), Vec::new());
        let (mut is_damaged, mut whole) = (false, 0);
        for place in bytes.chunks_exact_mut(row_bytes.max(1)) {
            let coding = match self.begin(&mut bits) {
                Begin::Row(coding) => coding,
                Begin::End => break,
                Begin::Cut => {
                    is_damaged = true;
                    break;
                }
            };
            row.clear();
            let is_whole = match coding {
                Coding::Alone => alone(&mut bits, width, &mut row),
                Coding::Difference => difference(&mut bits, width, &above, &mut row),
            };
            paint(place, &row, width);
            if is_whole.is_some() {
                whole += 1;
            } else {
                is_damaged = true;
                match self {
                    Fax::Group4 => break,
                    Fax::Group3 { .. } => bits.skip_to_end_of_line(),
                    Fax::Huffman => bits.at += 1,
                }
            }
            std::mem::swap(&mut above, &mut row);
        }
        Rows {
            bytes,
            is_damaged,
            is_empty: is_damaged && whole == 0,
        }
    }

    /// Reads what is between two rows.
    fn begin(self, bits: &mut Bits<'_>) -> Begin {
        match self {
            Fax::Huffman => {
                bits.at = bits.at.next_multiple_of(8);
                if bits.is_at_end() {
                    Begin::Cut
                } else {
                    Begin::Row(Coding::Alone)
                }
            }
            Fax::Group3 { is_two_dimensional } => {
                let mut ends = 0;
                let mut coding = Coding::Alone;
                while bits.skip_end_of_line() {
                    ends += 1;
                    if is_two_dimensional {
                        coding = if bits.take() == 0 {
                            Coding::Difference
                        } else {
                            Coding::Alone
                        };
                    }
                }
                match ends {
                    2.. => Begin::End,
                    _ if bits.is_at_end() => Begin::Cut,
                    _ => Begin::Row(coding),
                }
            }
            Fax::Group4 if bits.skip_end_of_line() => Begin::End,
            Fax::Group4 if bits.is_at_end() => Begin::Cut,
            Fax::Group4 => Begin::Row(Coding::Difference),
        }
    }
}

/// What comes where a row should begin.
enum Begin {
    Row(Coding),
    /// The code that ends a strip.
    End,
    Cut,
}

#[derive(Debug, Clone, Copy)]
enum Coding {
    Alone,
    Difference,
}

/// Reads a row that is coded by itself; none where it is damaged.
fn alone(bits: &mut Bits<'_>, width: usize, row: &mut Vec<usize>) -> Option<()> {
    let (mut at, mut is_black) = (0, false);
    while at < width {
        at += bits.run(is_black)?;
        row.push(at);
        is_black = !is_black;
    }
    (at == width).then_some(())
}

/// Reads a row that is coded by its difference to the one above; none where it is damaged.
fn difference(bits: &mut Bits<'_>, width: usize, above: &[usize], row: &mut Vec<usize>) -> Option<()> {
    let changes_at = |index: usize| above.get(index).map_or(width, |at| (*at).min(width));
    // Where the row is, but before its first pixel it is left of the picture; and the next change above.
    let (mut at, mut is_black, mut next, mut is_begun) = (0, false, 0usize, false);
    while at < width {
        let is_behind = |change: usize| change > at || !is_begun && change == 0;
        while next > 0 && is_behind(changes_at(next - 1)) {
            next -= 1;
        }
        while next < above.len() && !is_behind(changes_at(next)) {
            next += 1;
        }
        // Changes to black have even places.
        next += usize::from((next % 2 == 1) != is_black);
        let below = changes_at(next);
        match bits.mode()? {
            Mode::Pass => at = changes_at(next + 1),
            Mode::Horizontal => {
                for _ in 0..2 {
                    at += bits.run(is_black)?;
                    row.push(at);
                    is_black = !is_black;
                }
            }
            Mode::Vertical(by) => {
                let to = below.checked_add_signed(by).filter(|to| *to >= at)?;
                at = to;
                row.push(at);
                is_black = !is_black;
            }
        }
        is_begun = true;
    }
    (at == width).then_some(())
}

/// Makes the black runs of a row black; one whose end is not known stays white.
fn paint(place: &mut [u8], row: &[usize], width: usize) {
    for &[from, to] in row.as_chunks::<2>().0 {
        let (from, to) = (from.min(width), to.min(width));
        if from >= to {
            continue;
        }
        let (first, last) = (from / 8, (to - 1) / 8);
        let (head, tail) = (0xff >> (from % 8), 0xffu8 << (7 - (to - 1) % 8));
        if first == last {
            place[first] |= head & tail;
        } else {
            place[first] |= head;
            place[first + 1..last].fill(0xff);
            place[last] |= tail;
        }
    }
}

/// How the next change is told.
enum Mode {
    /// There is none before the second of the changes above.
    Pass,
    /// By two runs.
    Horizontal,
    /// So many pixels to the right of the change above.
    Vertical(isize),
}

/// Bits, the highest of a byte first, and zeros behind the last.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len() * 8
    }

    /// The next `count` bits, at most 16.
    fn peek(&self, count: u32) -> usize {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let byte = |index: usize| rest.get(index).copied().map_or(0, usize::from);
        let three = byte(0) << 16 | byte(1) << 8 | byte(2);
        three >> (24 - count as usize - self.at % 8) & ((1 << count) - 1)
    }

    fn take(&mut self) -> usize {
        let bit = self.peek(1);
        self.at += 1;
        bit
    }

    /// A run, with all of its codes.
    fn run(&mut self, is_black: bool) -> Option<usize> {
        let codes = if is_black { &*BLACK_CODES } else { &*WHITE_CODES };
        let mut run = 0;
        loop {
            let (part, length) = codes[self.peek(CODE_BITS)]?;
            self.at += usize::from(length);
            run += usize::from(part);
            if part < 64 {
                return Some(run);
            }
        }
    }

    fn mode(&mut self) -> Option<Mode> {
        let seven = self.peek(7);
        let (mode, length) = match seven.leading_zeros() - (usize::BITS - 7) {
            0 => (Mode::Vertical(0), 1),
            1 => (Mode::Vertical(if seven & 0x10 == 0 { -1 } else { 1 }), 3),
            2 => (Mode::Horizontal, 3),
            3 => (Mode::Pass, 4),
            4 => (Mode::Vertical(if seven & 2 == 0 { -2 } else { 2 }), 6),
            5 => (Mode::Vertical(if seven & 1 == 0 { -3 } else { 3 }), 7),
            _ => return None,
        };
        self.at += length;
        Some(mode)
    }

    /// Passes an end-of-line code, with zeros that fill up before it, if one is next.
    fn skip_end_of_line(&mut self) -> bool {
        if self.peek(ZEROS as u32) != 0 {
            return false;
        }
        let mut after = Bits {
            at: self.at + ZEROS,
            ..*self
        };
        while !after.is_at_end() && after.peek(1) == 0 {
            // Whole bytes of zeros are passed as such.
            after.at += if after.peek(8) == 0 { 8 } else { 1 };
        }
        // Zeros up to the end hold no row either.
        self.at = after.at + usize::from(!after.is_at_end());
        !after.is_at_end()
    }

    /// Goes to the next end-of-line code, or to the end.
    fn skip_to_end_of_line(&mut self) {
        while !self.is_at_end() && self.peek(ZEROS as u32) != 0 {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of digits as packed bytes.
    fn packed(digits: &str) -> Vec<u8> {
        let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_digit).collect();
        digits
            .chunks(8)
            .map(|byte| {
                (0..8).fold(0, |value, at| {
                    value << 1 | byte.get(at).map_or(0, |digit| digit - b'0')
                })
            })
            .collect()
    }

    fn check(fax: Fax, digits: &str, width: usize, expected: &[&[u8]], is_damaged: bool) {
        let rows = fax.unpacked(&packed(digits), width, expected.len());
        assert_eq!(rows.bytes, expected.concat());
        assert_eq!(rows.is_damaged, is_damaged);
    }

    const END: &str = "000000000001";

    #[test]
    fn runs_are_painted() {
        // 3 white, 2 black, 4 white.
        let row = "1000 11 1011";
        check(Fax::Huffman, row, 9, &[&[0b0001_1000, 0]], false);
        // 0 white, 64 + 3 black.
        let long = format!("00110101 0000001111 10 {}", "0".repeat(5));
        check(
            Fax::Huffman,
            &long,
            67,
            &[&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe0]],
            false,
        );
    }

    #[test]
    fn a_row_of_group_3_is_found_after_a_damaged_one() {
        let group3 = Fax::Group3 {
            is_two_dimensional: false,
        };
        let rows = format!("{END} 1000 11 1011 {END} 1000 000000001 {END} 0111 10 1011");
        check(group3, &rows, 9, &[&[0x18, 0], &[0, 0], &[0b0011_1000, 0]], true);
        let ended = format!("{END} 1000 11 1011 {}", END.repeat(6));
        check(group3, &ended, 9, &[&[0x18, 0], &[0, 0]], false);
    }

    #[test]
    fn differences_to_the_row_above_are_undone() {
        // Horizontal 3 white 2 black, then the end of the row; the same moved by one; none.
        let rows = format!("001 1000 11 1  011 011 1  0001 1 {END}{END}");
        check(
            Fax::Group4,
            &rows,
            9,
            &[&[0x18, 0], &[0x0c, 0], &[0, 0], &[0, 0]],
            false,
        );
    }

    #[test]
    fn bits_that_end_early_leave_rows_white() {
        check(Fax::Group4, "001 1000 11 1", 9, &[&[0x18, 0], &[0, 0]], true);
        check(Fax::Huffman, "1000 11", 9, &[&[0x18, 0]], true);
        assert!(Fax::Group4.unpacked(&[], 9, 2).is_empty);
    }

    /// Rows of `width` pixels, as group 4 codes them.
    fn group4(rows: &[Vec<usize>], width: usize) -> String {
        let runs = |words: &'static str| -> Vec<&str> { words.split(' ').collect() };
        let run = |mut run: usize, is_black: bool| {
            let words = runs(if is_black { BLACK } else { WHITE });
            let mut code = String::new();
            while run >= 64 {
                let part = (run / 64).min(40);
                code.push_str(words[63 + part]);
                run -= part * 64;
            }
            code + words[run]
        };
        let (mut coded, mut above) = (String::new(), Vec::new());
        for row in rows {
            let (mut at, mut is_black) = (-1, false);
            while at < width as i64 {
                let after = |row: &[usize], parity: usize| {
                    let found = row.iter().enumerate();
                    let mut found =
                        found.filter(|(place, change)| place % 2 == parity && **change as i64 > at);
                    found.next().map_or((row.len(), width as i64), |(place, change)| {
                        (place, *change as i64)
                    })
                };
                let (_, a1) = after(row, usize::from(is_black));
                let (place, b1) = after(&above, usize::from(is_black));
                let b2 = above.get(place + 1).map_or(width as i64, |change| *change as i64);
                if b2 < a1 {
                    coded.push_str("0001");
                    at = b2;
                } else if (a1 - b1).abs() <= 3 {
                    let modes = ["0000010", "000010", "010", "1", "011", "000011", "0000011"];
                    coded.push_str(modes[(a1 - b1 + 3) as usize]);
                    at = a1;
                    is_black = !is_black;
                } else {
                    let begin = at.max(0);
                    let a2 = {
                        let at = a1;
                        let later = row.iter().find(|change| **change as i64 > at);
                        later.map_or(width as i64, |change| *change as i64)
                    };
                    coded.push_str("001");
                    coded.push_str(&run((a1 - begin) as usize, is_black));
                    coded.push_str(&run((a2 - a1) as usize, !is_black));
                    at = a2;
                }
            }
            above.clone_from(row);
        }
        coded
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let mut state = 7u32;
        let mut random = |most: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % most
        };
        for width in [1, 7, 64, 200, 3000] {
            let rows: Vec<Vec<usize>> = (0..40)
                .map(|_| {
                    let mut changes: Vec<usize> = (0..random(20)).map(|_| random(width)).collect();
                    changes.sort_unstable();
                    changes.dedup();
                    if changes.len() % 2 == 1 {
                        changes.push(width);
                    }
                    changes
                })
                .collect();
            let mut expected = vec![0; width.div_ceil(8) * rows.len()];
            for (place, row) in expected.chunks_exact_mut(width.div_ceil(8)).zip(&rows) {
                paint(place, row, width);
            }
            let unpacked = Fax::Group4.unpacked(&packed(&group4(&rows, width)), width, rows.len());
            assert!(!unpacked.is_damaged, "width {width}");
            assert_eq!(unpacked.bytes, expected, "width {width}");
        }
    }
}
