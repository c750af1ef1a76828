//! Header blocks of tar files: 512 bytes that name a member, or that extend the header of the next one.
//!
//! Read are the fields that matter here: name, size, kind and link target, in the layouts of v7, ustar, GNU and star.
//! Numbers are octal, or base-256 where the first bit is set. A block is a header if its checksum holds, as the sum
//! of unsigned or (as old writers have it) signed bytes, and its size is a number.

use std::borrow::Cow;

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;
/// Where the magic of ustar, GNU and star headers stands, and what all of them begin with.
pub(super) const MAGIC: (usize, &[u8]) = (257, b"ustar");

/// What a header block says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) kind: u8,
    pub(super) name: Cow<'a, [u8]>,
    pub(super) link: Cow<'a, [u8]>,
    pub(super) size: u64,
    /// Whether blocks with a map of holes follow (GNU sparse files).
    pub(super) is_extended: bool,
}

impl Header<'_> {
    /// A copy that borrows nothing.
    pub(super) fn into_owned(self) -> Header<'static> {
        Header {
            name: Cow::Owned(self.name.into_owned()),
            link: Cow::Owned(self.link.into_owned()),
            ..self
        }
    }
}

/// The header in `block`, if it is one.
pub(super) fn header(block: &[u8]) -> Option<Header<'_>> {
    let block = block.get(..BLOCK)?;
    let told = octal(&block[148..156])?;
    let sum = |add: fn(i64, u8) -> i64| {
        let rest = block[..148].iter().chain(&block[156..]).copied();
        rest.fold(8 * i64::from(b' '), add)
    };
    let told = i64::try_from(told).ok()?;
    let is_valid = sum(|sum, byte| sum + i64::from(byte)) == told
        || sum(|sum, byte| sum + i64::from(byte.cast_signed())) == told;
    if !is_valid {
        return None;
    }
    let name = until_nul(&block[..100]);
    let prefix = match &block[257..265] {
        b"ustar\x0000" if &block[508..512] == b"tar\0" => &block[345..476],
        // Two times stand there, unless an old writer took it for ustar.
        b"ustar  \0" if number(&block[345..357]).is_some() && number(&block[357..369]).is_some() => &[],
        magic if magic.starts_with(MAGIC.1) => &block[345..500],
        _ => &[],
    };
    let prefix = until_nul(prefix);
    Some(Header {
        kind: block[156],
        name: if prefix.is_empty() {
            Cow::Borrowed(name)
        } else {
            Cow::Owned([prefix, b"/", name].concat())
        },
        link: Cow::Borrowed(until_nul(&block[157..257])),
        size: number(&block[124..136])?,
        is_extended: block[156] == b'S' && block[482] != 0,
    })
}

/// Whether `block` is all zeros.
pub(super) fn is_empty(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// Up to the first NUL.
pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// A size: octal or base-256, not negative.
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => {
            let start = u64::from(first & 0x7f);
            rest.iter().try_fold(start, |value, byte| {
                value
                    .checked_mul(256)
                    .and_then(|value| value.checked_add(u64::from(*byte)))
            })
        }
        _ => octal(field),
    }
}

/// Octal digits between blanks and NULs; nothing is 0.
fn octal(field: &[u8]) -> Option<u64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field
        .iter()
        .position(|byte| !is_blank(byte))
        .unwrap_or(field.len());
    let digits = &field[start..];
    let digits = &digits[..digits.iter().position(is_blank).unwrap_or(digits.len())];
    digits.iter().try_fold(0u64, |value, digit| {
        matches!(digit, b'0'..=b'7')
            .then(|| value.checked_mul(8)?.checked_add(u64::from(digit - b'0')))
            .flatten()
    })
}

/// The records `<length> <key>=<value>\n` of a pax header, whatever stands for the line end. What follows a record that
/// breaks the rules is not read.
pub(super) fn pax(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let space = memchr::memchr(b' ', bytes)?;
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length)?.split_last()?.1;
        let equals = memchr::memchr(b'=', record)?;
        bytes = &bytes[length..];
        Some((&record[..equals], &record[equals + 1..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"00000001750\0"), Some(0o1750));
        assert_eq!(number(b"  17 \0\0\0\0\0\0\0"), Some(15));
        assert_eq!(number(&[0; 12]), Some(0));
        assert_eq!(number(b"0000000175x\0"), None);
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Some(1 << 32));
        assert_eq!(number(&[0xff; 12]), None);
    }

    #[test]
    fn pax_records_end_where_they_break_the_rules() {
        let records: Vec<_> = pax(b"9 path=a\n11 size=12\n99 x=y\n9 path=b\n").collect();
        assert_eq!(records, [(&b"path"[..], &b"a"[..]), (b"size", b"12")]);
        assert_eq!(pax(b"0 a=b\n").count(), 0);
    }
}
