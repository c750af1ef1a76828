//! What is checked before a file is opened.
//!
//! The object parser unfolds object streams and cross-reference streams by itself and without bounds, and it looks for
//! the ends of streams of a wrong length byte by byte. Both are counted here first, from the bytes of the file alone:
//!
//! - streams whose dictionaries have the keys of object or cross-reference streams are unfolded once without keeping
//!   them; in encrypted files, which hide what unfolds, their stored bytes count;
//! - the distance from each stream to the next `endstream` is what a search for it would read;
//! - each dictionary takes memory;
//! - where a table is broken, the parser tries to read a value at every `obj` and `<<`, and what is not closed is read
//!   to the end of the file, again and again. These tries are made here first, without keeping anything.

use flate2::{Decompress, FlushDecompress, Status};
use gristmill_core::{Fault, Limits};
use memchr::memmem;

use super::lexer::unescape;

/// The most bytes of unfolded object streams, in records of the longest size.
const RECORDS_OF_OBJECTS: usize = 4;
/// The most stored bytes of object streams in an encrypted file.
const ENCRYPTED_OBJECT_BYTES: usize = 2 << 20;
/// The most bytes that searches for the ends of streams may read, in lengths of the file.
const SEARCHES: usize = 64;
/// The most dictionaries, stored and unfolded. A large file has some hundred thousand.
const DICTIONARIES: usize = 1_000_000;
/// The most bytes that are read in tries to mend a file, in lengths of the file.
const TRIES: usize = 32;
/// The same for small files.
const TRIES_BYTES: usize = 64 << 20;
/// The deepest nesting of values that the parser follows.
const DEPTH: usize = 512;
/// How far a dictionary is looked for before its stream.
const DICTIONARY_BYTES: usize = 1 << 16;

/// Checks a file.
///
/// # Errors
/// A `limit` where opening it would take too much memory or time.
pub(super) fn check(data: &[u8], limits: &Limits) -> Result<(), Fault> {
    let most = limits.record_bytes.saturating_mul(RECORDS_OF_OBJECTS);
    let is_encrypted = memmem::find(data, b"/Encrypt").is_some();
    let mut dictionaries = memmem::find_iter(data, b"<<").count();
    let (mut unfolded, mut stored, mut searched) = (0usize, 0usize, 0usize);
    let mut ends = memmem::find_iter(data, b"endstream").peekable();
    let mut before = 0;
    for at in memmem::find_iter(data, b"stream") {
        if data[..at].ends_with(b"end") {
            continue;
        }
        while let Some(end) = ends.next_if(|end| *end < at) {
            before = end;
        }
        let end = ends.peek().copied().unwrap_or(data.len());
        searched = searched.saturating_add(end - at);
        let head = dictionary(&data[before.max(at.saturating_sub(DICTIONARY_BYTES))..at]);
        let body = &data[(at + 6).min(end)..end];
        let body = body.strip_prefix(b"\r").unwrap_or(body);
        let body = body.strip_prefix(b"\n").unwrap_or(body);
        let Some(factor) = unfolding(head) else { continue };
        stored += body.len();
        if factor != FLATE {
            unfolded = unfolded.saturating_add(body.len().saturating_mul(factor));
        } else if !is_encrypted {
            measure(body, most, &mut unfolded, &mut dictionaries);
        }
        if unfolded > most {
            return Err(Fault::limit(format!(
                "object streams unfold to more than {most} bytes"
            )));
        }
    }
    if is_encrypted && stored > ENCRYPTED_OBJECT_BYTES {
        return Err(Fault::limit(format!(
            "object streams of {stored} encrypted bytes exceed {ENCRYPTED_OBJECT_BYTES}"
        )));
    }
    // Small files are read often enough whatever they hold.
    let longest = data.len().saturating_mul(SEARCHES).max(limits.record_bytes);
    if searched > longest {
        return Err(Fault::limit(format!(
            "{searched} bytes to search for the ends of streams exceed {longest}"
        )));
    }
    if dictionaries > DICTIONARIES {
        return Err(Fault::limit(format!(
            "{dictionaries} dictionaries exceed {DICTIONARIES}"
        )));
    }
    check_tries(data)
}

/// Checks what mending the file would read.
fn check_tries(data: &[u8]) -> Result<(), Fault> {
    let most = data.len().saturating_mul(TRIES).max(TRIES_BYTES);
    let mut tried = 0;
    let mut behind = 0;
    let objects = memmem::find_iter(data, b"obj").map(|at| (at + 3, true));
    let dictionaries = memmem::find_iter(data, b"<<").map(|at| (at, false));
    for (at, is_object) in objects.chain(dictionaries) {
        if at < behind && !is_object {
            continue;
        }
        let (length, is_whole) = value(&data[at..]);
        tried += length;
        if !is_object {
            behind = if is_whole { at + length } else { at };
        }
        if tried > most {
            return Err(Fault::limit(format!(
                "values that do not end take more than {most} bytes to read"
            )));
        }
    }
    Ok(())
}

/// How many bytes are read of the value at the start, and whether it ends.
fn value(data: &[u8]) -> (usize, bool) {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = data.get(at) {
        let rest = &data[at..];
        match byte {
            0 | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' => {
                at += 1;
                continue;
            }
            b'%' => {
                at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                continue;
            }
            b'(' => match literal(rest) {
                Some(length) => at += length,
                None => return (data.len(), false),
            },
            b'<' if rest.starts_with(b"<<") => {
                depth += 1;
                at += 2;
            }
            b'[' => {
                depth += 1;
                at += 1;
            }
            b'>' if rest.starts_with(b">>") => {
                depth = depth.saturating_sub(1);
                at += 2;
            }
            b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'<' => match memchr::memchr(b'>', rest) {
                Some(end) => at += end + 1,
                None => return (data.len(), false),
            },
            // Within an array or a dictionary the parser may pass over words that mean nothing to it.
            b'!'..=b'~' if !b"){}".contains(&byte) && (depth > 0 || !byte.is_ascii_alphabetic()) => {
                let is_regular = |byte: &&u8| byte.is_ascii_graphic() && !b"()<>[]{}/%".contains(byte);
                at += 1 + rest[1..].iter().take_while(is_regular).count();
            }
            _ => return (at, false),
        }
        if depth == 0 {
            return (at, true);
        }
        if depth > DEPTH {
            return (at, false);
        }
    }
    (data.len(), false)
}

/// The length of the string in parentheses at the start.
fn literal(data: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'(', b')', b'\\', &data[at..])?;
        match data[at] {
            b'\\' => at += 1,
            b'(' => depth += 1,
            _ => depth -= 1,
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
        if at >= data.len() {
            return None;
        }
    }
}

/// The dictionary at the end of `head`, or all of it where that is not plain to see.
fn dictionary(head: &[u8]) -> &[u8] {
    let Some(at) = memmem::rfind(head, b"endobj") else {
        return head;
    };
    let line = head[..at]
        .iter()
        .rposition(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(0, |end| end + 1);
    let own = head[at + 6..].trim_ascii();
    let count = |piece: &[u8]| memmem::find_iter(own, piece).count();
    let is_whole = own.first().is_some_and(u8::is_ascii_digit)
        && !head[line..at].contains(&b'%')
        && count(b"<<") == count(b">>")
        && count(b"(") == count(b")");
    if is_whole { own } else { head }
}

/// The most that Flate unfolds a byte to.
const FLATE: usize = 1032;

/// How much a stream with this dictionary may unfold, if the parser unfolds it by itself.
fn unfolding(dictionary: &[u8]) -> Option<usize> {
    let dictionary = unescape(dictionary);
    let count = |key: &[u8]| {
        let ends = memmem::find_iter(&dictionary, key).map(|at| at + key.len());
        ends.filter(|end| !dictionary.get(*end).is_some_and(u8::is_ascii_alphanumeric))
            .count()
    };
    if count(b"/First") + count(b"/W") == 0 {
        return None;
    }
    let flates = count(b"/FlateDecode") + count(b"/Fl");
    let others = count(b"/LZWDecode") + count(b"/LZW") + count(b"/RunLengthDecode") + count(b"/RL");
    if flates + others == 0 {
        return Some(1);
    }
    if flates + others == 1 && others == 0 {
        return Some(FLATE);
    }
    Some((0..flates + others).fold(1, |factor: usize, _| factor.saturating_mul(FLATE)))
}

/// Counts what `body` unfolds to, and the dictionaries in it.
fn measure(body: &[u8], most: usize, unfolded: &mut usize, dictionaries: &mut usize) {
    let mut state = Decompress::new(true);
    let mut out = Vec::with_capacity(1 << 15);
    loop {
        let consumed = state.total_in();
        out.clear();
        let status = state.decompress_vec(&body[consumed as usize..], &mut out, FlushDecompress::None);
        *unfolded += out.len();
        *dictionaries += memmem::find_iter(&out, b"<<").count();
        let goes_on = matches!(status, Ok(Status::Ok | Status::BufError))
            && (state.total_in() > consumed || !out.is_empty());
        if !goes_on || *unfolded > most {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_fails(data: &[u8], reason: &str) {
        let limits = Limits {
            record_bytes: 1 << 16,
            ..Limits::default()
        };
        let fault = check(data, &limits).unwrap_err().to_string();
        assert!(fault.contains(reason), "{fault}");
    }

    #[test]
    fn object_streams_that_unfold_too_far_are_a_limit() {
        let mut packed = Vec::with_capacity(1 << 14);
        let mut packer = flate2::Compress::new(flate2::Compression::best(), true);
        packer
            .compress_vec(&vec![b' '; 1 << 20], &mut packed, flate2::FlushCompress::Finish)
            .unwrap();
        let file = |dictionary: &str| [dictionary.as_bytes(), b"stream\n", &packed, b"\nendstream"].concat();
        check_fails(
            &file("<</Type/ObjStm/N 1/First 3/Filter/FlateDecode>>"),
            "unfold to more",
        );
        check_fails(
            &file("<</Type/ObjStm/N 1/First 3/Filter[/FlateDecode/Fl]>>"),
            "unfold to more",
        );
        check_fails(
            &file("<</Type/XRef/W[1 2 1]/Filter/FlateDecode>>"),
            "unfold to more",
        );
        check_fails(
            &file("<</N 1/Fi#72st 3/Filter/FlateDecode/X(endobj)>>"),
            "unfold to more",
        );
        // A picture is none of the parser's business.
        assert!(check(&file("<</Subtype/Image/Filter/FlateDecode>>"), &Limits::default()).is_ok());
    }

    #[test]
    fn streams_without_ends_are_a_limit() {
        check_fails(&b"1 0 obj<</Length 1>>stream\n".repeat(10_000), "ends of streams");
    }

    #[test]
    fn values_that_do_not_end_are_a_limit() {
        for piece in [
            "<<(( ",
            "<</A ",
            "1 0 obj <</A[",
            "<< ",
            "<</A[<a>",
            "1 0 obj ((",
            "<<<a ",
        ] {
            check_fails(&piece.repeat(300_000).into_bytes(), "values that do not end");
        }
        let whole = "1 0 obj <</A[(b(c)\\) ) <64> 1 0 R]/B<</C/D>>>> endobj\n".repeat(50_000);
        assert!(check(whole.as_bytes(), &Limits::default()).is_ok());
    }

    #[test]
    fn the_length_of_a_value_is_known() {
        assert_eq!(
            value(b" <</A[(b(c)\\) ) <64> 1 0 R]/B<</C/D>>>> endobj"),
            (39, true)
        );
        assert_eq!(value(b"<</A endobj"), (11, false));
        assert_eq!(value(b"<</A \xff"), (5, false));
        assert_eq!(value(b" endobj"), (1, false));
        assert_eq!(value(b"<</A (x"), (7, false));
        assert_eq!(literal(b"(a\\"), None);
        assert_eq!(literal(b"(a(b)\\))c"), Some(8));
    }

    #[test]
    fn too_many_dictionaries_are_a_limit() {
        check_fails(&b"<<>>".repeat(DICTIONARIES + 1), "dictionaries exceed");
    }
}
