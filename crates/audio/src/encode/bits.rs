//! Bits, highest first.

/// Bytes that bits are appended to.
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    /// Appends the lowest `width` bits, up to 32.
    pub(super) fn put(&mut self, value: u32, width: u32) {
        if width == 0 {
            return;
        }
        let masked = u64::from(value) & ((1 << width) - 1);
        self.held = self.held << width | masked;
        self.count += width;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.held >> self.count) as u8);
        }
    }

    /// Appends `zeros` zeros and a one.
    pub(super) fn put_unary(&mut self, mut zeros: u32) {
        while zeros >= 31 {
            self.put(0, 31);
            zeros -= 31;
        }
        self.put(1, zeros + 1);
    }

    /// Fills up the last byte with zeros.
    pub(super) fn align(&mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        (self.held, self.count) = (0, 0);
        self.bytes.clear();
    }
}
