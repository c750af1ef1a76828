//! A position in the bytes of a model file: reads little-endian numbers and believes no length.

use bytes::Bytes;
use gristmill_core::{Error, Result};

/// Bytes and the offset of the next one to read.
#[derive(Debug)]
pub(super) struct Cursor {
    bytes: Bytes,
    at: usize,
}

impl Cursor {
    pub(super) fn new(bytes: Bytes) -> Self {
        Cursor { bytes, at: 0 }
    }

    /// Offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// All bytes of the file, shared and not copied.
    pub(super) fn whole(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Bytes that are left.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// The next `length` bytes, shared and not copied. `what` names them for the message, as in `truncated at byte
    /// 93: the dictionary takes 16 bytes, 3 are left`.
    pub(super) fn take(&mut self, length: u64, what: &str) -> Result<Bytes> {
        let left = self.rest().len();
        let fits = usize::try_from(length).ok().filter(|&length| length <= left);
        let length = fits.ok_or_else(|| {
            let at = self.at;
            Error::new(format!(
                "truncated at byte {at}: {what} takes {length} bytes, {left} are left"
            ))
        })?;
        let taken = self.bytes.slice(self.at..self.at + length);
        self.at += length;
        Ok(taken)
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    /// A byte that is 0 or 1.
    pub(super) fn bool(&mut self, what: &str) -> Result<bool> {
        match self.u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Error::new(format!("{what} is {other}, neither 0 nor 1"))),
        }
    }

    pub(super) fn i32(&mut self, what: &str) -> Result<i32> {
        self.array(what).map(i32::from_le_bytes)
    }

    pub(super) fn i64(&mut self, what: &str) -> Result<i64> {
        self.array(what).map(i64::from_le_bytes)
    }

    /// An `i32` that counts something: never negative.
    pub(super) fn count32(&mut self, what: &str) -> Result<u32> {
        let value = self.i32(what)?;
        u32::try_from(value).map_err(|_| Error::new(format!("{what} is {value}, less than 0")))
    }

    /// An `i64` that counts something: never negative.
    pub(super) fn count64(&mut self, what: &str) -> Result<u64> {
        let value = self.i64(what)?;
        u64::try_from(value).map_err(|_| Error::new(format!("{what} is {value}, less than 0")))
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        match self.rest().first_chunk::<N>() {
            Some(&array) => {
                self.at += N;
                Ok(array)
            }
            None => Err(self
                .take(N as u64, what)
                .err()
                .unwrap_or_else(|| Error::new(what))),
        }
    }
}
