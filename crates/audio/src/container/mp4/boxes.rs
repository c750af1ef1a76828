//! Boxes: what ISO base media files are made of.

use crate::cursor::Cursor;

/// A box, without its header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) kind: [u8; 4],
    pub(super) body: &'a [u8],
    /// Where the box starts, its header included.
    pub(super) start: usize,
    /// Whether it says that it is longer than what is there.
    pub(super) is_cut: bool,
}

/// The boxes that follow each other in some bytes. A box of size 0 goes to their end; one that cannot be ends them.
#[derive(Debug, Clone)]
pub(super) struct Boxes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Boxes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Boxes<'a> {
        Boxes { bytes, at: 0 }
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let start = self.at;
        let mut cursor = Cursor::at(self.bytes, start);
        let size = u64::from(cursor.u32_be()?);
        let kind = cursor.array::<4>()?;
        let size = match size {
            0 => (self.bytes.len() - start) as u64,
            1 => cursor.u64_be()?,
            size => size,
        };
        let header = cursor.position() - start;
        if size < header as u64 {
            return None;
        }
        let there = self.bytes.len() - start;
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let is_cut = length > there;
        let length = length.min(there);
        self.at = start + length;
        Some(Found {
            kind,
            body: &self.bytes[start + header..start + length],
            start,
            is_cut,
        })
    }
}

/// The body of the first box of a kind.
pub(super) fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    Boxes::new(bytes)
        .find(|found| &found.kind == kind)
        .map(|found| found.body)
}

/// Version, flags and the rest of a box that has them.
pub(super) fn full(body: &[u8]) -> Option<(u8, u32, Cursor<'_>)> {
    let mut cursor = Cursor::new(body);
    let version = cursor.u8()?;
    Some((version, cursor.u24_be()?, cursor))
}
