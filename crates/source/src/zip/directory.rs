//! The central directory of a zip file: where its members are.

use std::borrow::Cow;

use bytes::Bytes;
use gristmill_core::{Fault, Object, Result};
use memchr::memmem;

/// Largest central directory that is read: about two million members.
const DIRECTORY: u64 = 256 << 20;
/// Bytes at the end in which the end record is looked for: itself, the longest comment, and zip64's locator.
const TAIL: u64 = (64 << 10) + 22 + 20;
/// Most end records that are tried: a comment may hold what looks like one.
const ENDS: usize = 16;
/// Bytes of an entry without its name.
const ENTRY: usize = 46;

/// A member, as the directory or its local header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Where its local header stands in the object.
    pub(super) offset: u64,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) stored: u64,
    pub(super) size: u64,
    pub(super) is_link: bool,
    pub(super) is_folder: bool,
}

impl Entry {
    /// Bytes of its local header that are always there, and of its content.
    pub(super) fn least_end(&self) -> u64 {
        self.offset.saturating_add(30).saturating_add(self.stored)
    }

    /// Whether sizes and checksum stand behind the content.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// The members in the order of their places.
pub(super) struct Directory {
    bytes: Bytes,
    /// Place of the local header, and of the entry in `bytes`.
    entries: Vec<(u64, usize)>,
}

impl Directory {
    /// The directory of `object`, or why it cannot be used.
    pub(super) fn read(object: &dyn Object) -> Result<Result<Self, Fault>> {
        let length = object.len();
        let start = length.saturating_sub(TAIL);
        let tail = object.read_at(start..length)?;
        let mut last = Fault::truncated("zip file has no end record");
        for at in memmem::rfind_iter(&tail, b"PK\x05\x06").take(ENDS) {
            match Self::at_end(object, &tail, start, at)? {
                Ok(directory) => return Ok(Ok(directory)),
                Err(fault) => last = fault,
            }
        }
        Ok(Err(last))
    }

    /// Reads the directory that the end record at `at` in `tail` speaks of.
    fn at_end(object: &dyn Object, tail: &[u8], start: u64, at: usize) -> Result<Result<Self, Fault>> {
        let malformed = |problem: &str| Ok(Err(Fault::malformed(format!("zip directory: {problem}"))));
        let Some(end) = tail.get(at..at + 22) else {
            return Ok(Err(Fault::truncated("zip end record breaks off")));
        };
        let (mut count, mut size, mut offset) = (
            u64::from(u16_at(end, 10)),
            u64::from(u32_at(end, 12)),
            u64::from(u32_at(end, 16)),
        );
        let mut place = start + at as u64;
        let mut is_large = false;
        if let Some(found) = Self::large_end(object, tail, start, at)? {
            ((count, size, offset), place) = found;
            is_large = true;
        } else if u16_at(end, 4) != 0 && u16_at(end, 4) != u16::MAX {
            return Ok(Err(Fault::unsupported("zip file of several volumes")));
        }
        if size > DIRECTORY {
            return Ok(Err(Fault::limit(format!(
                "zip directory of {size} bytes exceeds {DIRECTORY} bytes"
            ))));
        }
        let Some(first) = place.checked_sub(size) else {
            return malformed("is larger than the file");
        };
        // Usually the archive begins where the object does; a program may stand in front of it.
        let bases = [first.checked_sub(offset), Some(0)];
        for base in bases.into_iter().flatten() {
            let from = base.saturating_add(offset);
            let Some(to) = from.checked_add(size).filter(|to| *to <= place) else {
                continue;
            };
            let bytes = object.read_at(from..to)?;
            let entries = entries(&bytes, base);
            let is_counted = match &entries {
                Some(entries) if is_large => entries.len() as u64 == count,
                Some(entries) => entries.len() as u64 % (1 << 16) == count,
                None => false,
            };
            if let Some(mut entries) = entries.filter(|_| is_counted) {
                entries.sort_unstable();
                return Ok(Ok(Directory { bytes, entries }));
            }
        }
        malformed("its entries are damaged")
    }

    /// Count, size and offset that the end record of zip64 gives, and where it stands.
    #[expect(clippy::type_complexity, reason = "three numbers and a place")]
    fn large_end(
        object: &dyn Object,
        tail: &[u8],
        start: u64,
        at: usize,
    ) -> Result<Option<((u64, u64, u64), u64)>> {
        let locator = at.checked_sub(20).map(|from| &tail[from..at]);
        let Some(locator) = locator.filter(|locator| locator.starts_with(b"PK\x06\x07")) else {
            return Ok(None);
        };
        let locator_at = start + at as u64 - 20;
        // Where something stands in front of the archive, the place that is told is wrong; it is then right before.
        for place in [Some(u64_at(locator, 8)), locator_at.checked_sub(56)]
            .into_iter()
            .flatten()
        {
            let Some(to) = place.checked_add(56).filter(|to| *to <= locator_at) else {
                continue;
            };
            let record = object.read_at(place..to)?;
            if record.starts_with(b"PK\x06\x06") {
                let numbers = (u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48));
                return Ok(Some((numbers, place)));
            }
        }
        Ok(None)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where the local header of member `at` stands.
    pub(super) fn offset(&self, at: usize) -> u64 {
        self.entries[at].0
    }

    /// Member `at`, in the order of places.
    pub(super) fn entry(&self, at: usize) -> Entry {
        let (offset, start) = self.entries[at];
        let bytes = &self.bytes[start..];
        let [name, extra] = [28, 30].map(|at| usize::from(u16_at(bytes, at)));
        let flags = u16_at(bytes, 8);
        let mut entry = Entry {
            name: String::new(),
            offset,
            flags,
            method: u16_at(bytes, 10),
            crc: u32_at(bytes, 16),
            stored: u64::from(u32_at(bytes, 20)),
            size: u64::from(u32_at(bytes, 24)),
            is_folder: false,
            is_link: bytes[5] == 3 && (u32_at(bytes, 38) >> 16) & 0o170_000 == 0o120_000,
        };
        let extra = &bytes[ENTRY + name..ENTRY + name + extra];
        let name = &bytes[ENTRY..ENTRY + name];
        entry.name = text(name, extra, flags);
        (entry.size, entry.stored) = large_sizes(extra, entry.size, entry.stored);
        entry.is_folder = name.ends_with(b"/") && entry.size == 0;
        entry
    }

    /// Whether a member has this name.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.entries.iter().any(|(_, start)| {
            let bytes = &self.bytes[*start..];
            let length = usize::from(u16_at(bytes, 28));
            &bytes[ENTRY..ENTRY + length] == name
        })
    }
}

/// Where the members of a directory stand, and their entries in `bytes`; `None` if it is damaged.
fn entries(bytes: &[u8], base: u64) -> Option<Vec<(u64, usize)>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while bytes.len() - at >= ENTRY && bytes[at..].starts_with(b"PK\x01\x02") {
        let entry = &bytes[at..];
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(entry, at)));
        let end = ENTRY + name + extra + comment;
        if end > entry.len() {
            return None;
        }
        let mut offset = u64::from(u32_at(entry, 42));
        if offset == u64::from(u32::MAX) {
            let sizes = [20, 24]
                .iter()
                .filter(|at| u32_at(entry, **at) == u32::MAX)
                .count();
            let field = extra_field(&entry[ENTRY + name..ENTRY + name + extra], 1)?;
            offset = u64_at(field.get(sizes * 8..sizes * 8 + 8)?, 0);
        }
        entries.push((base.checked_add(offset)?, at));
        at += end;
    }
    // A digital signature may follow.
    (at == bytes.len() || bytes[at..].starts_with(b"PK\x05\x05")).then_some(entries)
}

/// The entry that a local header at `offset` describes, and its length; `None` if `bytes` do not begin with one.
pub(super) fn local(bytes: &[u8], offset: u64) -> Option<(Entry, usize)> {
    if bytes.len() < 30 || !bytes.starts_with(b"PK\x03\x04") {
        return None;
    }
    let [name, extra] = [26, 28].map(|at| usize::from(u16_at(bytes, at)));
    let header = bytes.get(..30 + name + extra)?;
    let (name, extra) = header[30..].split_at(name);
    let flags = u16_at(bytes, 6);
    let mut entry = Entry {
        name: text(name, extra, flags),
        offset,
        flags,
        method: u16_at(bytes, 8),
        crc: u32_at(bytes, 14),
        stored: u64::from(u32_at(bytes, 18)),
        size: u64::from(u32_at(bytes, 22)),
        is_link: false,
        is_folder: false,
    };
    (entry.size, entry.stored) = large_sizes(extra, entry.size, entry.stored);
    entry.is_folder = name.ends_with(b"/") && entry.size == 0;
    Some((entry, header.len()))
}

/// Sizes that zip64's extra field holds where the plain ones say so.
fn large_sizes(extra: &[u8], mut size: u64, mut stored: u64) -> (u64, u64) {
    let Some(mut field) = extra_field(extra, 1) else {
        return (size, stored);
    };
    for number in [&mut size, &mut stored] {
        if *number == u64::from(u32::MAX) && field.len() >= 8 {
            *number = u64_at(field, 0);
            field = &field[8..];
        }
    }
    (size, stored)
}

fn extra_field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = extra.get(4..4 + length)?;
        if id == wanted {
            return Some(field);
        }
        extra = &extra[4 + length..];
    }
    None
}

/// A name: UTF-8 if it says so, is so, or has a UTF-8 copy that fits; else code page 437.
fn text(name: &[u8], extra: &[u8], flags: u16) -> String {
    let copy = extra_field(extra, 0x7075)
        .filter(|field| field.len() > 5 && field[0] == 1 && u32_at(field, 1) == libdeflater::crc32(name));
    if let Some(copy) = copy.and_then(|field| std::str::from_utf8(&field[5..]).ok()) {
        return copy.to_owned();
    }
    match String::from_utf8_lossy(name) {
        Cow::Borrowed(name) => name.to_owned(),
        Cow::Owned(name) if flags & 0x800 != 0 => name,
        Cow::Owned(_) => name.iter().map(|byte| old_letter(*byte)).collect(),
    }
}

/// A letter of code page 437.
fn old_letter(byte: u8) -> char {
    const HIGH: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
    match byte.checked_sub(128) {
        Some(at) => HIGH.chars().nth(usize::from(at)).expect("there are 128 letters"),
        None => char::from(byte),
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_of_code_page_437() {
        assert_eq!(text(b"\x81ber", &[], 0), "über");
        assert_eq!(text("über".as_bytes(), &[], 0), "über");
        assert_eq!(old_letter(0xff), '\u{a0}');
    }
}
