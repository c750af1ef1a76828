//! What a page says it is about: the words of its title, its description and its structured data, and how much of
//! them a block repeats.
//!
//! A block that repeats the title is its heading; one that repeats the description or what structured data says of
//! the product, the article or the entries is likely content, whatever the layout. Sets of words are bits of a
//! table by hash, so that a page of any length costs the same memory; two words rarely share a bit, and then a
//! share is a little too high.

use crate::html::{Document, Place, Tag, decode_into, decoded};

/// Bits of a set; 32 KiB.
const BITS: usize = 1 << 18;
/// Bytes of structured data that are looked at.
const DATA_BYTES: usize = 1 << 18;

/// What a page says it is about.
#[derive(Debug)]
pub(crate) struct About {
    /// Words of the titles.
    title: Set,
    /// Pairs of words of the descriptions.
    description: Set,
    /// Pairs of words of structured data.
    data: Set,
}

/// A set of hashes.
#[derive(Debug)]
struct Set {
    bits: Vec<u64>,
    /// How many were added.
    count: f32,
}

impl Set {
    fn new() -> Self {
        Set {
            bits: vec![0; BITS / 64],
            count: 0.0,
        }
    }

    fn add(&mut self, hash: u64) {
        let bit = hash as usize % BITS;
        self.bits[bit / 64] |= 1 << (bit % 64);
        self.count += 1.0;
    }

    fn has(&self, hash: u64) -> bool {
        let bit = hash as usize % BITS;
        self.bits[bit / 64] >> (bit % 64) & 1 == 1
    }
}

impl About {
    /// Reads the head and the structured data of a page.
    pub(crate) fn read(document: &Document<'_>) -> Self {
        let mut about = About {
            title: Set::new(),
            description: Set::new(),
            data: Set::new(),
        };
        let mut scratch = String::new();
        let mut data_left = DATA_BYTES;
        for (index, node) in document.nodes().iter().enumerate() {
            match node.tag {
                Tag::Title => {
                    scratch.clear();
                    decode_into(&document.content(index), Place::Text, &mut scratch);
                    each_word(&scratch, |word| about.title.add(word));
                }
                Tag::Meta => {
                    let (mut name, mut content) = ("", "");
                    for (key, value) in document.attributes(node) {
                        match key.to_ascii_lowercase().as_str() {
                            "name" | "property" => name = value,
                            "content" => content = value,
                            _ => {}
                        }
                    }
                    match name.to_ascii_lowercase().as_str() {
                        "og:title" | "twitter:title" => {
                            each_word(&decoded(content), |word| about.title.add(word));
                        }
                        "description" | "og:description" | "twitter:description" => {
                            each_pair(&decoded(content), |pair| about.description.add(pair));
                        }
                        _ => {}
                    }
                }
                Tag::Script => {
                    let is_data = document
                        .attributes(node)
                        .value("type")
                        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json"));
                    if is_data && data_left > 0 {
                        let json = document.content(index);
                        let json = &json[..json.floor_char_boundary(data_left)];
                        data_left -= json.len();
                        each_string(json, |value| each_pair(value, |pair| about.data.add(pair)));
                    }
                }
                _ => {}
            }
        }
        about
    }

    /// The shares of a text that the page says: words of its titles, pairs of words of its descriptions and of its data.
    pub(crate) fn shares(&self, text: &str) -> [f32; 3] {
        let (mut words, mut title, mut pairs, mut description, mut data) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let mut before = None;
        each_word(text, |word| {
            words += 1.0;
            title += f32::from(u8::from(self.title.has(word)));
            if let Some(before) = before {
                pairs += 1.0;
                let pair = pair_of(before, word);
                description += f32::from(u8::from(self.description.has(pair)));
                data += f32::from(u8::from(self.data.has(pair)));
            }
            before = Some(word);
        });
        let share = |part: f32, whole: f32| if whole > 0.0 { part / whole } else { 0.0 };
        [share(title, words), share(description, pairs), share(data, pairs)]
    }

    /// How much the page says of itself: words of titles, pairs of descriptions and of data.
    pub(crate) fn counts(&self) -> [f32; 3] {
        [self.title.count, self.description.count, self.data.count]
    }
}

fn pair_of(one: u64, other: u64) -> u64 {
    (one.rotate_left(17) ^ other).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

/// Calls `see` for each pair of neighbouring words.
fn each_pair(text: &str, mut see: impl FnMut(u64)) {
    let mut before = None;
    each_word(text, |word| {
        if let Some(before) = before {
            see(pair_of(before, word));
        }
        before = Some(word);
    });
}

/// Calls `see` with a hash of each word: a run of letters and digits, in lower case as far as it is ASCII.
fn each_word(text: &str, mut see: impl FnMut(u64)) {
    let mut hash = 0u64;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            hash = (hash.rotate_left(5) ^ u64::from(byte.to_ascii_lowercase()))
                .wrapping_mul(0x517c_c1b7_2722_0a95);
        } else if hash != 0 {
            see(hash >> 20);
            hash = 0;
        }
    }
    if hash != 0 {
        see(hash >> 20);
    }
}

/// Calls `see` with the strings of JSON that are not names of fields; escapes stay as they are.
fn each_string(json: &str, mut see: impl FnMut(&str)) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'"', &bytes[at..]) {
        let start = at + length + 1;
        let mut end = start;
        loop {
            match memchr::memchr2(b'"', b'\\', &bytes[end..]) {
                Some(more) if bytes[end + more] == b'\\' => end = (end + more + 2).min(bytes.len()),
                Some(more) => {
                    end += more;
                    break;
                }
                None => return,
            }
        }
        let is_name = bytes[end + 1..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        let value = &json[start..end];
        if !is_name && !value.starts_with("http") {
            see(value);
        }
        at = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<title>The Red Chair</title><meta name=description content="A chair &amp; more">
        <script type=application/ld+json>{"name": "oak \"and\" steel", "url": "http://red.org/a/b"}</script>"#;

    fn check(text: &str, expected: [f32; 3]) {
        let about = About::read(&Document::parse(PAGE, 512, 1 << 20));
        assert_eq!(about.shares(text), expected, "{text}");
    }

    #[test]
    fn a_text_is_compared_with_what_the_page_says() {
        check("red chair", [1.0, 0.0, 0.0]);
        check("A chair, more", [1.0 / 3.0, 1.0, 0.0]);
        check("oak and steel", [0.0, 0.0, 1.0]);
        check("red org", [0.5, 0.0, 0.0]);
        check("name oak", [0.0; 3]);
        check("", [0.0; 3]);
    }

    #[test]
    fn data_that_ends_early_says_what_it_can() {
        for json in ["\"", "\"a\\", "{\"a\": \"b c\"", "\"\\\"", "\"é\\é"] {
            let html = format!("<script type=application/ld+json>{json}</script>");
            About::read(&Document::parse(&html, 512, 1 << 20));
        }
    }
}
