//! Footers and page headers of Parquet files, walked before a reader believes their lengths.
//!
//! The reader of the `parquet` crate makes room for as many elements as a list says it has and for as many children as a
//! column says it has, passes over lists of any length, and builds nested columns by recursion: 124 bytes could ask for
//! 10 GB or take seconds, and a deep schema overflow the stack. What cannot be true is refused here; whether the rest is
//! a footer or a header is left to the reader.
//!
//! Source: Thrift's compact protocol; `FileMetaData`, `SchemaElement` and `PageHeader` of Apache Parquet's `parquet.thrift`.

use gristmill_core::Fault;

/// Deepest nesting of values, and of columns.
const DEPTH: usize = 64;

/// The field with the columns of a file, and the one with the number of children of a column.
const COLUMNS: i16 = 2;
const CHILDREN: i16 = 5;
/// The fields with the sizes of a page, unpacked and as it is stored.
const UNPACKED: i16 = 2;
const STORED: i16 = 3;

/// A page that is larger than this must not be more than [`RATIO`] times its stored size.
const LARGE: u64 = 64 << 20;
const RATIO: u64 = 256;

/// Walks a footer.
///
/// # Errors
///
/// `malformed` where it has more elements than bytes or more children than columns, `limit` where it is nested too deeply.
pub(crate) fn check_footer(bytes: &[u8]) -> Result<(), Fault> {
    let mut walk = Walk::new(bytes);
    match walk.fields(Place::File, 0) {
        // What is no footer the reader tells in its own words.
        Ok(_) | Err(Problem::Broken) => check_columns(&walk.children),
        Err(Problem::Fault(fault)) => Err(fault),
    }
}

/// Walks the header of a page at the start of these bytes. Gives whether it ends within them.
///
/// # Errors
///
/// `malformed` where it has more elements than there are bytes, `limit` where it is nested too deeply, or the page is small and
/// wants to be large.
pub(crate) fn check_page(bytes: &[u8]) -> Result<bool, Fault> {
    let mut walk = Walk::new(bytes);
    match walk.fields(Place::Page, 0) {
        Ok(_) => {}
        Err(Problem::Broken) => return Ok(false),
        Err(Problem::Fault(fault)) => return Err(fault),
    }
    let [unpacked, stored] = walk.page;
    if unpacked > LARGE && unpacked / RATIO > stored {
        return Err(Fault::limit(format!(
            "parquet: page of {stored} bytes that unpacks to {unpacked}"
        )));
    }
    Ok(true)
}

/// Whether columns with so many children each, one behind the other from the root on, are a tree.
fn check_columns(children: &[u64]) -> Result<(), Fault> {
    // Children that are to come of each column around the next one, and of all of them.
    let mut around: Vec<u64> = Vec::new();
    let mut owed = 0_u64;
    for (left, &own) in (0..children.len() as u64).rev().zip(children) {
        while around.pop_if(|owed| *owed == 0).is_some() {}
        if let Some(siblings) = around.last_mut() {
            *siblings -= 1;
            owed -= 1;
        }
        owed = owed.saturating_add(own);
        if owed > left {
            return Err(Fault::malformed(format!(
                "parquet: footer with {owed} more children, and {left} more columns"
            )));
        }
        around.push(own);
        if around.len() > DEPTH {
            return Err(too_deep());
        }
    }
    Ok(())
}

fn too_deep() -> Fault {
    Fault::limit(format!("parquet: values nested more than {DEPTH} deep"))
}

fn is_truth(kind: u8) -> bool {
    matches!(kind, 1 | 2)
}

enum Problem {
    /// It is not what it should be.
    Broken,
    Fault(Fault),
}

/// Where a struct stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Column,
    Page,
    Elsewhere,
}

struct Walk<'a> {
    /// What is left.
    bytes: &'a [u8],
    /// How many more elements may have no bytes of their own: truth values, which the reader passes over one by one.
    spare: u64,
    /// How many children each column has.
    children: Vec<u64>,
    /// The sizes of a page: unpacked, stored.
    page: [u64; 2],
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Walk {
            bytes,
            spare: bytes.len() as u64,
            children: Vec::new(),
            page: [0; 2],
        }
    }

    fn byte(&mut self) -> Result<u8, Problem> {
        let (byte, rest) = self.bytes.split_first().ok_or(Problem::Broken)?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn skip(&mut self, count: u64) -> Result<(), Problem> {
        let count = usize::try_from(count).map_err(|_| Problem::Broken)?;
        self.bytes = self.bytes.get(count..).ok_or(Problem::Broken)?;
        Ok(())
    }

    fn number(&mut self) -> Result<u64, Problem> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Problem::Broken)
    }

    fn signed(&mut self) -> Result<i64, Problem> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A size or a number of children, cut to 32 bits as the reader does.
    fn size(&mut self) -> Result<u64, Problem> {
        Ok(u64::try_from(self.signed()? as i32).unwrap_or(0))
    }

    /// The number of elements that are to be walked: each takes a byte at least, but for truth values, of which none is.
    fn count(&mut self, count: u64, is_truth: bool) -> Result<u64, Problem> {
        let left = if is_truth {
            self.spare
        } else {
            self.bytes.len() as u64
        };
        if count > left {
            let fault = format!("parquet: list of {count} elements in {left} bytes");
            return Err(Problem::Fault(Fault::malformed(fault)));
        }
        if is_truth {
            self.spare -= count;
            return Ok(0);
        }
        Ok(count)
    }

    /// Walks the fields of a struct; gives the number of children if it is a column.
    fn fields(&mut self, place: Place, depth: usize) -> Result<u64, Problem> {
        let (mut id, mut children) = (0_i16, 0);
        loop {
            let header = self.byte()?;
            let kind = header & 0x0f;
            if kind == 0 {
                return Ok(children);
            }
            id = match header >> 4 {
                0 => self.signed()? as i16,
                step => id.wrapping_add(i16::from(step)),
            };
            match (place, id, kind) {
                (Place::Column, CHILDREN, 5) => children = self.size()?,
                (Place::Page, UNPACKED, 5) => self.page[0] = self.size()?,
                (Place::Page, STORED, 5) => self.page[1] = self.size()?,
                (Place::File, COLUMNS, 9) => self.list(Place::Column, depth + 1)?,
                _ => self.value(kind, depth + 1)?,
            }
        }
    }

    fn list(&mut self, place: Place, depth: usize) -> Result<(), Problem> {
        let header = self.byte()?;
        let (kind, count) = (header & 0x0f, header >> 4);
        let count = match count {
            15 => self.number()?,
            few => u64::from(few),
        };
        for _ in 0..self.count(count, is_truth(kind))? {
            match kind {
                // Nothing is empty there: the reader makes room for what it holds.
                12 if self.bytes.first() == Some(&0) => {
                    let fault = Fault::malformed("parquet: list with an empty element");
                    return Err(Problem::Fault(fault));
                }
                12 => {
                    let children = self.fields(place, depth)?;
                    if place == Place::Column {
                        self.children.push(children);
                    }
                }
                kind => self.value(kind, depth)?,
            }
        }
        Ok(())
    }

    /// Walks a value. Truth values are in the header of their field; of a list of them the reader passes over none.
    fn value(&mut self, kind: u8, depth: usize) -> Result<(), Problem> {
        if depth > DEPTH {
            return Err(Problem::Fault(too_deep()));
        }
        match kind {
            1 | 2 => Ok(()),
            3 => self.skip(1),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.number()?;
                self.skip(length)
            }
            9 | 10 => self.list(Place::Elsewhere, depth + 1),
            11 => {
                let count = self.number()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                let (key, value) = (kinds >> 4, kinds & 0x0f);
                for _ in 0..self.count(count, is_truth(key) && is_truth(value))? {
                    self.value(key, depth + 1)?;
                    self.value(value, depth + 1)?;
                }
                Ok(())
            }
            12 => self.fields(Place::Elsewhere, depth + 1).map(drop),
            13 => self.skip(16),
            _ => Err(Problem::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use gristmill_core::FaultKind;

    use super::*;

    /// A footer with these columns: version 1, and for each its name and the number of its children.
    fn footer(children: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, 0xfc];
        number(children.len() as u64, &mut bytes);
        for children in children {
            bytes.extend([0x48, 1, b'a', 0x15]);
            number(children << 1, &mut bytes);
            bytes.push(0);
        }
        bytes.push(0);
        bytes
    }

    fn number(mut number: u64, into: &mut Vec<u8>) {
        while number >= 0x80 {
            into.push(number as u8 | 0x80);
            number >>= 7;
        }
        into.push(number as u8);
    }

    fn kind(bytes: &[u8]) -> Option<FaultKind> {
        check_footer(bytes).err().map(|fault| fault.kind)
    }

    #[test]
    fn columns_are_a_tree() {
        assert_eq!(kind(&footer(&[3, 0, 2, 0, 0, 0])), None);
        assert_eq!(kind(&footer(&[2, 0, 1])), Some(FaultKind::Malformed));
        assert_eq!(kind(&footer(&[1, 1 << 30])), Some(FaultKind::Malformed));
        assert_eq!(kind(&footer(&[1, 0x3_0000_0003])), Some(FaultKind::Malformed));
        let chain = |length: usize| {
            let mut children = vec![1; length];
            children[length - 1] = 0;
            footer(&children)
        };
        assert_eq!(kind(&chain(60)), None);
        assert_eq!(kind(&chain(100_000)), Some(FaultKind::Limit));
    }

    #[test]
    fn lists_have_no_more_elements_than_bytes() {
        // A list of truth values in a field that nobody knows, which have no bytes of their own.
        let mut bytes = vec![0xf9, 0xf1];
        number(1 << 30, &mut bytes);
        assert_eq!(kind(&bytes), Some(FaultKind::Malformed));
        // Many such lists, each no longer than what is left.
        let lists: Vec<u8> = (0..2000).flat_map(|_| [0x19, 0xf1, 100]).collect();
        assert_eq!(kind(&lists), Some(FaultKind::Malformed));
        // Lists in lists.
        assert_eq!(
            kind(&[[0x19].as_slice(), &[0x19; 1000]].concat()),
            Some(FaultKind::Limit)
        );
        // Structs without a field.
        assert_eq!(kind(&[0x29, 0x4c, 0, 0, 0, 0, 0]), Some(FaultKind::Malformed));
        // No footer at all.
        assert_eq!(kind(b"no footer"), None);
        assert_eq!(kind(b""), None);
    }

    #[test]
    fn small_pages_are_not_large() {
        let header = |unpacked: u64, stored: u64| {
            let mut bytes = vec![0x15, 0, 0x15];
            number(unpacked << 1, &mut bytes);
            bytes.push(0x15);
            number(stored << 1, &mut bytes);
            bytes.push(0);
            bytes
        };
        assert_eq!(check_page(&header(1 << 20, 10)), Ok(true));
        assert_eq!(check_page(&header(1 << 30, 1 << 24)), Ok(true));
        assert_eq!(check_page(&header(1 << 20, 10)[..5]), Ok(false));
        let bomb = check_page(&header(1 << 30, 1 << 20)).unwrap_err();
        assert_eq!(bomb.kind, FaultKind::Limit);
    }
}
