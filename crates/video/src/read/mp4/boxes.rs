//! Boxes of ISO base media files.

use crate::read::fields::{array, u32_be, u64_be};

/// The kind of a box.
pub(crate) type FourCc = [u8; 4];

/// A box in the bytes that hold it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Box<'a> {
    pub(crate) kind: FourCc,
    /// Where it starts in the file.
    pub(crate) at: usize,
    /// What follows its head.
    pub(crate) body: &'a [u8],
    /// Where that starts in the file.
    pub(crate) body_at: usize,
    /// Whether it says that it is longer than what holds it.
    pub(crate) is_cut: bool,
}

/// The boxes in `bytes`, which start at `base` in the file. Each turn goes on by at least the head of a box. A box that does not
/// fit is cut; what cannot be a box ends the list.
pub(crate) fn boxes(bytes: &[u8], base: usize) -> impl Iterator<Item = Box<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let short = u32_be(rest, 0)?;
        let kind = array(rest, 4)?;
        let (length, head) = match short {
            0 => (rest.len() as u64, 8),
            1 => (u64_be(rest, 8)?, 16),
            length => (u64::from(length), 8),
        };
        if length < head {
            return None;
        }
        let is_cut = length > rest.len() as u64;
        let length = length.min(rest.len() as u64) as usize;
        let found = Box {
            kind,
            at: base + at,
            body: &rest[head as usize..length],
            body_at: base + at + head as usize,
            is_cut,
        };
        at += length;
        Some(found)
    })
}

impl<'a> Box<'a> {
    /// The boxes within, after `skip` bytes.
    pub(crate) fn children(&self, skip: usize) -> impl Iterator<Item = Box<'a>> + use<'a> {
        let skip = skip.min(self.body.len());
        boxes(&self.body[skip..], self.body_at + skip)
    }

    /// The first box of this kind within.
    pub(crate) fn child(&self, kind: &FourCc) -> Option<Box<'a>> {
        self.children(0).find(|child| child.kind == *kind)
    }

    /// The box at the end of a path.
    pub(crate) fn descendant(&self, path: &[&FourCc]) -> Option<Box<'a>> {
        path.iter().try_fold(*self, |parent, kind| parent.child(kind))
    }

    /// The version of a full box.
    pub(crate) fn version(&self) -> u8 {
        self.body.first().copied().unwrap_or(0)
    }

    /// The flags of a full box.
    pub(crate) fn flags(&self) -> u32 {
        u32_be(self.body, 0).unwrap_or(0) & 0xff_ffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_end_where_their_bytes_do() {
        let bytes = [
            0, 0, 0, 9, b'a', b'b', b'c', b'd', 7, 0, 0, 0, 99, b'l', b'o', b'n', b'g', 1,
        ];
        let found: Vec<_> = boxes(&bytes, 100).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].body, found[0].body_at, found[0].is_cut),
            ([7].as_slice(), 108, false)
        );
        assert_eq!(
            (found[1].body, found[1].at, found[1].is_cut),
            ([1].as_slice(), 109, true)
        );
    }

    #[test]
    fn a_box_shorter_than_its_head_ends_the_list() {
        assert_eq!(
            boxes(&[0, 0, 0, 7, 1, 1, 1, 1, 0, 0, 0, 8, 2, 2, 2, 2], 0).count(),
            0
        );
        assert_eq!(
            boxes(&[0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 3], 0).count(),
            0
        );
    }
}
