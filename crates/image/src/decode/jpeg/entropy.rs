//! Huffman codes of a baseline JPEG.
//!
//! A block takes about 10 lookups, a megapixel 24,000 blocks: half the time of decoding is spent here. Bits are read from a
//! word of 64 that takes 7 bytes at once, and one lookup gives the run, the value and the length of most codes.

/// Bits that are looked up at once: codes of photographs are longer, value included, in one case of twenty.
const LOOK: u32 = 10;

/// Place of each coefficient in its block. A run that leads past the end leads to the last place, as in libjpeg.
pub(super) const ZIGZAG: [u8; 128] = {
    #[rustfmt::skip]
    let order: [u8; 64] = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];
    let mut padded = [63; 128];
    let mut at = 0;
    while at < order.len() {
        padded[at] = order[at];
        at += 1;
    }
    padded
};

/// The codes of one table.
pub(super) struct Codes {
    /// By the next [`LOOK`] bits: `value << 16 | bits << 8 | symbol`, the bits with those of the value where both fit.
    /// 0 where the code is longer or there is none.
    short: Vec<u32>,
    /// By length: one past the last code, as the top of 16 bits.
    ends: [u32; 17],
    /// By length: what leads from a code to its symbol.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Reads the number of codes of each length, 1 to 16, and their symbols. None where they are no code.
    pub(super) fn read(counts: &[u8; 16], symbols: &[u8], is_dc: bool) -> Option<Codes> {
        if symbols.len() > 256 || (is_dc && symbols.iter().any(|bits| *bits > 15)) {
            return None;
        }
        let mut codes = Codes {
            short: vec![0; 1 << LOOK],
            ends: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut at) = (0, 0);
        for (length, count) in (1..).zip(counts) {
            codes.offsets[length as usize] = at as i32 - code as i32;
            for _ in 0..*count {
                let symbol = *symbols.get(at)?;
                if length <= LOOK {
                    codes.set(code, length, symbol, is_dc)?;
                }
                code += 1;
                at += 1;
            }
            if code > 1 << length {
                return None;
            }
            codes.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(codes)
    }

    fn set(&mut self, code: u32, length: u32, symbol: u8, is_dc: bool) -> Option<()> {
        let first = (code << (LOOK - length)) as usize;
        let entries = self.short.get_mut(first..first + (1 << (LOOK - length)))?;
        let bits = u32::from(if is_dc { symbol } else { symbol & 15 });
        for (rest, entry) in (0..).zip(entries) {
            *entry = length << 8 | u32::from(symbol);
            if bits > 0 && length + bits <= LOOK {
                let value = extended(rest >> (LOOK - length - bits), bits);
                *entry = (value as u32) << 16 | (length + bits) << 8 | u32::from(symbol);
            }
        }
        Some(())
    }

    #[inline(always)]
    fn look(&self, bits: &Bits<'_>) -> u32 {
        self.short[..1 << LOOK][(bits.next >> (64 - LOOK)) as usize]
    }

    /// Symbol of an entry without a value, behind whose code `bits` are then.
    #[inline(always)]
    fn symbol(&self, entry: u32, bits: &mut Bits<'_>) -> Option<u8> {
        let (length, symbol) = match entry {
            0 => self.long((bits.next >> 48) as u32)?,
            _ => (entry >> 8, entry as u8),
        };
        bits.skip(length);
        Some(symbol)
    }

    /// Length and symbol of the longer code that 16 bits begin with.
    #[cold]
    fn long(&self, bits: u32) -> Option<(u32, u8)> {
        let length = (LOOK + 1..=16).find(|length| bits < self.ends[*length as usize])?;
        let at = (bits >> (16 - length)) as i32 + self.offsets[length as usize];
        Some((length, *self.symbols.get(usize::try_from(at).ok()?)?))
    }
}

/// The value that `count` bits, at least 1, stand for: those that begin with 0 are negative.
#[inline(always)]
fn extended(bits: u32, count: u32) -> i32 {
    let value = bits as i32;
    if value >> (count - 1) == 0 {
        value - (1 << count) + 1
    } else {
        value
    }
}

/// The bits of a scan up to its next marker, and zeros behind them.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, from the top. Below those that count may stand bits that follow them.
    next: u64,
    /// How many of them count, zeros behind the end included.
    count: u32,
    /// How many zeros were added behind the end.
    added: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits {
            bytes,
            at: 0,
            next: 0,
            count: 0,
            added: 0,
        }
    }

    /// Whether bits were read that are not there.
    pub(super) fn is_past_end(&self) -> bool {
        self.count < self.added
    }

    /// The bits behind restart marker `number`, where it comes next and nothing but padding is left before it.
    pub(super) fn restarted(&self, number: u8) -> Option<Bits<'a>> {
        let is_over = !self.is_past_end() && self.count - self.added < 8;
        let rest = self.bytes.get(self.at..)?.strip_prefix(&[0xff, 0xd0 | number])?;
        is_over.then(|| Bits::new(rest))
    }

    /// Makes 32 bits ready: a code and its value have at most 31.
    #[inline(always)]
    fn fill(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        if self.count >= 32 {
            return;
        }
        if let Some(window) = self.bytes.get(self.at..self.at + 8) {
            let word = u64::from_be_bytes(window.try_into().expect("the window has 8 bytes"));
            let has_ff = (!word).wrapping_sub(ONES) & word & (ONES << 7) != 0;
            if !has_ff {
                self.next |= word >> self.count;
                self.at += (63 - self.count as usize) >> 3;
                self.count |= 56;
                return;
            }
        }
        self.fill_by_bytes();
    }

    #[inline(never)]
    fn fill_by_bytes(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some([byte, ..]) if *byte != 0xff => {
                    self.at += 1;
                    *byte
                }
                _ => {
                    self.added += 8;
                    0
                }
            };
            self.next |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.next <<= count;
        self.count -= count;
    }

    /// The next bits, at least 1.
    #[inline(always)]
    fn take(&mut self, count: u32) -> u32 {
        let bits = (self.next >> (64 - count)) as u32;
        self.skip(count);
        bits
    }
}

/// Reads the coefficients of a block into zeros, row by row, and says whether there may be others than the first one,
/// which counts from `last`.
#[inline(always)]
pub(super) fn read_block(
    bits: &mut Bits<'_>,
    dc: &Codes,
    ac: &Codes,
    last: &mut i16,
    block: &mut [i16; 64],
) -> Option<bool> {
    bits.fill();
    let entry = dc.look(bits);
    let mut step = entry as i32 >> 16;
    if step != 0 {
        bits.skip(entry >> 8 & 0xff);
    } else {
        let count = u32::from(dc.symbol(entry, bits)?);
        if count > 0 {
            step = extended(bits.take(count), count);
        }
    }
    *last = last.wrapping_add(step as i16);
    block[0] = *last;
    let mut at = 1;
    while at < 64 {
        bits.fill();
        let entry = ac.look(bits);
        let mut value = entry as i32 >> 16;
        let symbol = if value != 0 {
            bits.skip(entry >> 8 & 0xff);
            entry as u8
        } else {
            let symbol = ac.symbol(entry, bits)?;
            let count = u32::from(symbol & 15);
            if count == 0 {
                // A run of 16 zeros, or the end of the block.
                if symbol != 0xf0 {
                    break;
                }
                at += 16;
                continue;
            }
            value = extended(bits.take(count), count);
            symbol
        };
        at += usize::from(symbol >> 4);
        block[usize::from(ZIGZAG[at & 127]) & 63] = value as i16;
        at += 1;
    }
    Some(at > 1)
}
