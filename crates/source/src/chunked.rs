//! The chunked transfer coding, as archives keep it.
//!
//! Chunks are read as long as they make sense. From the first one that does not (its size is no hexadecimal
//! number, or no line end follows its data) the bytes are taken as they are, as warcio does: a body that is
//! declared chunked and is not comes out whole. A chunk that is cut off gives what is there. Extensions and
//! trailers are passed over.
//!
//! Source: RFC 9112, section 7.1.

use memchr::memchr;

/// Longest line with a chunk size and its extensions.
const LINE: usize = 4096;

/// Appends the decoded body to `output`, which grows by no more than the length of `body`.
pub(crate) fn decode(body: &[u8], output: &mut Vec<u8>) {
    let mut rest = body;
    while !rest.is_empty() {
        let Some((size, data)) = chunk(rest) else {
            output.extend_from_slice(rest);
            return;
        };
        if size == 0 {
            return;
        }
        let taken = size.min(data.len());
        output.extend_from_slice(&data[..taken]);
        rest = &data[taken..];
        rest = match rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
            Some(rest) => rest,
            None => {
                output.extend_from_slice(rest);
                return;
            }
        };
    }
}

/// The size of the chunk at the start of `bytes`, and what follows the size.
fn chunk(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = memchr(b'\n', &bytes[..bytes.len().min(LINE)])?;
    let size = bytes[..end].split(|b| *b == b';').next()?.trim_ascii();
    let size = std::str::from_utf8(size)
        .ok()
        .filter(|size| size.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((usize::from_str_radix(size, 16).ok()?, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    fn check(body: &str, expected: &str) {
        let mut output = Vec::new();
        super::decode(body.as_bytes(), &mut output);
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn chunks_are_joined() {
        check(
            "4\r\nWiki\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
            "Wiki0123456789",
        );
        check("4 \nWiki\n0\n\n", "Wiki");
    }

    #[test]
    fn a_body_that_is_not_chunked_is_taken_as_it_is() {
        check("<html>\r\nno chunks</html>", "<html>\r\nno chunks</html>");
        check("no line end", "no line end");
        check("", "");
    }

    #[test]
    fn bytes_are_taken_as_they_are_from_the_first_wrong_chunk_on() {
        check("4\r\nWiki\r\nxyz\r\nrest", "Wikixyz\r\nrest");
        check("2\r\nWiki\r\n0\r\n\r\n", "Wiki\r\n0\r\n\r\n");
        check("ffffffffffffffffffff\r\nx", "ffffffffffffffffffff\r\nx");
    }

    #[test]
    fn a_chunk_that_is_cut_off_gives_what_is_there() {
        check("ffff\r\nWiki", "Wiki");
    }
}
