//! Reading numbers of bytes that may end too early.

/// A place in bytes. What would reach beyond their end is `None` and leaves the place as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

macro_rules! numbers {
    ($($name:ident: $type:ty, $from:ident;)*) => {
        $(pub(crate) fn $name(&mut self) -> Option<$type> {
            self.array().map(<$type>::$from)
        })*
    };
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    /// At `at`, or at the end where that is earlier.
    pub(crate) fn at(bytes: &'a [u8], at: usize) -> Self {
        let at = at.min(bytes.len());
        Cursor { bytes, at }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..count)?;
        self.at += count;
        Some(taken)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.rest().first_chunk()?;
        self.at += N;
        Some(array)
    }

    numbers! {
        u8: u8, from_be_bytes;
        u16_be: u16, from_be_bytes;
        u16_le: u16, from_le_bytes;
        u32_be: u32, from_be_bytes;
        u32_le: u32, from_le_bytes;
        u64_be: u64, from_be_bytes;
        u64_le: u64, from_le_bytes;
        f64_be: f64, from_be_bytes;
    }

    pub(crate) fn u24_be(&mut self) -> Option<u32> {
        let [a, b, c] = self.array()?;
        Some(u32::from_be_bytes([0, a, b, c]))
    }
}
