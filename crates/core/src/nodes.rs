//! Nodes: the pieces of a document in which text and media alternate, and their bytes in a work column.
//!
//! Little endian: the number 1 as one byte, the number of nodes as `u32`, then the nodes. A node begins with a byte: 0 is
//! text, 1 an image, 2 audio, 3 a video. Strings are their length in bytes as `u32`, and UTF-8. Text is one string. A medium is
//! src, unformatted src, alt, title, caption, text before and text behind as strings, then width and height as `u32`.
//! `u32::MAX` stands for what is not there, as a length and as a number.

use crate::Fault;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A piece of text, not empty.
    Text(String),
    /// What is shown or played there.
    Media(Media),
}

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Something to hear.
    Audio,
    /// Something to watch.
    Video,
}

/// A medium as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Its address: absolute, `http` or `https`, without fragment.
    pub src: String,
    /// The same as the page writes it.
    pub unformatted_src: String,
    /// What it shows, for those who do not see it; `None` where the page says nothing.
    pub alt: Option<String>,
    /// Its `title`.
    pub title: Option<String>,
    /// What stands below it.
    pub caption: Option<String>,
    /// The width that the page asks for, in pixels.
    pub rendered_width_px: Option<u32>,
    /// The height that the page asks for, in pixels.
    pub rendered_height_px: Option<u32>,
    /// The text before it, at most 500 characters, cut at a word; empty if there is none.
    pub text_before: String,
    /// The text behind it.
    pub text_after: String,
}

const VERSION: u8 = 1;
const ABSENT: u32 = u32::MAX;
/// The bytes of the shortest node: a kind and a length.
const SHORTEST: usize = 5;

/// The bytes of nodes.
pub fn encode(nodes: &[Node]) -> Vec<u8> {
    let mut out = vec![VERSION];
    push_number(nodes.len() as u32, &mut out);
    for node in nodes {
        match node {
            Node::Text(text) => {
                out.push(0);
                push_text(Some(text), &mut out);
            }
            Node::Media(media) => push_media(media, &mut out),
        }
    }
    out
}

fn push_media(media: &Media, out: &mut Vec<u8>) {
    out.push(match media.kind {
        MediaKind::Image => 1,
        MediaKind::Audio => 2,
        MediaKind::Video => 3,
    });
    for text in [
        Some(&media.src),
        Some(&media.unformatted_src),
        media.alt.as_ref(),
        media.title.as_ref(),
        media.caption.as_ref(),
        Some(&media.text_before),
        Some(&media.text_after),
    ] {
        push_text(text.map(String::as_str), out);
    }
    push_number(media.rendered_width_px.unwrap_or(ABSENT), out);
    push_number(media.rendered_height_px.unwrap_or(ABSENT), out);
}

fn push_number(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// A record is far below 4 GiB, and so are its texts.
fn push_text(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => {
            push_number(text.len() as u32, out);
            out.extend_from_slice(text.as_bytes());
        }
        None => push_number(ABSENT, out),
    }
}

/// The nodes of bytes that [`encode`] made.
///
/// # Errors
/// `malformed` for other bytes. No more is allocated than the bytes hold.
pub fn decode(bytes: &[u8]) -> Result<Vec<Node>, Fault> {
    let mut reader = Reader { bytes };
    if reader.byte()? != VERSION {
        return Err(Fault::malformed("nodes are of another version"));
    }
    let count = reader.number()? as usize;
    if count > reader.bytes.len() / SHORTEST {
        return Err(Fault::malformed(format!(
            "{count} nodes in {} bytes",
            reader.bytes.len()
        )));
    }
    let nodes = (0..count).map(|_| reader.node()).collect::<Result<_, _>>()?;
    if !reader.bytes.is_empty() {
        return Err(Fault::malformed(format!(
            "{} bytes behind the last node",
            reader.bytes.len()
        )));
    }
    Ok(nodes)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(|| {
            Fault::malformed(format!(
                "a length of {length} with {} bytes left",
                self.bytes.len()
            ))
        })?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u32, Fault> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn number_or_none(&mut self) -> Result<Option<u32>, Fault> {
        Ok(Some(self.number()?).filter(|number| *number != ABSENT))
    }

    fn text_or_none(&mut self) -> Result<Option<String>, Fault> {
        let Some(length) = self.number_or_none()? else {
            return Ok(None);
        };
        let bytes = self.take(length as usize)?;
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::malformed("a text is not UTF-8"))?;
        Ok(Some(text.to_owned()))
    }

    fn text(&mut self) -> Result<String, Fault> {
        self.text_or_none()?
            .ok_or_else(|| Fault::malformed("a text that every node has is absent"))
    }

    fn node(&mut self) -> Result<Node, Fault> {
        let kind = match self.byte()? {
            0 => return Ok(Node::Text(self.text()?)),
            1 => MediaKind::Image,
            2 => MediaKind::Audio,
            3 => MediaKind::Video,
            other => return Err(Fault::malformed(format!("a node of kind {other}"))),
        };
        Ok(Node::Media(Media {
            kind,
            src: self.text()?,
            unformatted_src: self.text()?,
            alt: self.text_or_none()?,
            title: self.text_or_none()?,
            caption: self.text_or_none()?,
            text_before: self.text()?,
            text_after: self.text()?,
            rendered_width_px: self.number_or_none()?,
            rendered_height_px: self.number_or_none()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Vec<Node> {
        let media = Media {
            kind: MediaKind::Video,
            src: "https://a.org/ü".into(),
            unformatted_src: "ü".into(),
            alt: Some(String::new()),
            title: None,
            caption: Some("c".into()),
            rendered_width_px: Some(0),
            rendered_height_px: None,
            text_before: "t".into(),
            text_after: String::new(),
        };
        let kinds = [MediaKind::Image, MediaKind::Audio, MediaKind::Video];
        let media = kinds.map(|kind| {
            Node::Media(Media {
                kind,
                ..media.clone()
            })
        });
        std::iter::once(Node::Text("t".into())).chain(media).collect()
    }

    #[test]
    fn nodes_come_back_as_they_were() {
        for nodes in [nodes(), Vec::new()] {
            assert_eq!(decode(&encode(&nodes)).unwrap(), nodes);
        }
    }

    #[test]
    fn bytes_that_end_early_or_late_are_malformed() {
        let bytes = encode(&nodes());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
        assert!(decode(&[bytes.as_slice(), b"x"].concat()).is_err());
    }

    #[test]
    fn lengths_are_not_believed() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(decode(bytes).unwrap_err().to_string(), expected);
        };
        check(
            &[1, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0],
            "malformed: 4294967294 nodes in 5 bytes",
        );
        check(
            &[1, 1, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff],
            "malformed: a length of 4294967294 with 0 bytes left",
        );
        check(&[2, 0, 0, 0, 0], "malformed: nodes are of another version");
        check(&[1, 1, 0, 0, 0, 9, 0, 0, 0, 0], "malformed: a node of kind 9");
        check(
            &[1, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
            "malformed: a text that every node has is absent",
        );
        check(
            &[1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0xff],
            "malformed: a text is not UTF-8",
        );
    }

    /// xorshift: the same damage on every machine.
    #[test]
    fn damaged_bytes_do_not_panic() {
        let whole = encode(&nodes());
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let at = state as usize % bytes.len();
                bytes[at] = (state >> 32) as u8;
            }
            if let Ok(nodes) = decode(&bytes) {
                assert_eq!(encode(&nodes), bytes);
            }
        }
    }
}
