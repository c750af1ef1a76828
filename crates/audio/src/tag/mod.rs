//! What files tell of their sound: fields, chapters and a cover.
//!
//! Fields have the names below, whatever their container calls them; others are left out. A field that is there several
//! times has its values in their order, joined by `; `. Values are text without white space at the ends and without NUL;
//! the first 4,096 bytes are kept, of lyrics and comments too.
//!
//! `title artist album album_artist composer genre date track disc comment lyrics language copyright publisher encoder isrc
//! description podcast_url`

pub(crate) mod ape;
pub(crate) mod id3;
pub(crate) mod vorbis;

use std::{borrow::Cow, collections::BTreeMap};

/// Most bytes of a value.
const VALUE_BYTES: usize = 4096;
/// Most values that are looked at.
const VALUES: u32 = 10_000;
/// Most chapters.
pub(crate) const CHAPTERS: usize = 4096;

/// What a file tells of its sound.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tags<'a> {
    /// Values by the names of the module.
    pub fields: BTreeMap<&'static str, String>,
    /// Chapters in the order of the file.
    pub chapters: Vec<Chapter>,
    /// The front cover, or the first picture where none is said to be that.
    pub cover: Option<Cover<'a>>,
    /// How many values were looked at.
    count: u32,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    /// Where it starts, in seconds.
    pub start_s: f64,
    /// Where it ends, where that is told.
    pub end_s: Option<f64>,
    /// Its title; may be empty.
    pub title: String,
}

/// A picture in a file of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Cover<'a> {
    /// Its file.
    pub bytes: Cow<'a, [u8]>,
    /// Whether it is said to be the front cover.
    pub is_front: bool,
}

impl Cover<'_> {
    /// The same, without borrowing from the file.
    pub(crate) fn into_owned(self) -> Cover<'static> {
        Cover {
            bytes: Cow::Owned(self.bytes.into_owned()),
            is_front: self.is_front,
        }
    }

    /// The ending of names of files like it, from its bytes.
    pub fn extension(&self) -> &'static str {
        match &*self.bytes {
            [0xff, 0xd8, ..] => "jpg",
            [0x89, b'P', b'N', b'G', ..] => "png",
            [b'G', b'I', b'F', ..] => "gif",
            [b'B', b'M', ..] => "bmp",
            [b'R', b'I', b'F', b'F', ..] => "webp",
            _ => "bin",
        }
    }
}

impl<'a> Tags<'a> {
    /// Adds a value of a field.
    pub(crate) fn add(&mut self, name: &'static str, value: &str) {
        self.count += 1;
        if self.count > VALUES {
            return;
        }
        let value = shortened(value)
            .trim_matches(|c: char| c.is_whitespace() || c == '\0')
            .replace('\0', "; ");
        let value = shortened(&value);
        if value.is_empty() {
            return;
        }
        let field = self.fields.entry(name).or_default();
        if field.split("; ").any(|before| before == value) || field.len() + value.len() + 2 > VALUE_BYTES {
            return;
        }
        if !field.is_empty() {
            field.push_str("; ");
        }
        field.push_str(value);
    }

    /// Adds a picture; a front cover goes before others.
    pub(crate) fn add_cover(&mut self, cover: Cover<'a>) {
        if cover.bytes.is_empty() {
            return;
        }
        match &self.cover {
            Some(before) if before.is_front || !cover.is_front => {}
            _ => self.cover = Some(cover),
        }
    }

    /// Adds what another part of the file tells, where this one tells nothing of it.
    pub(crate) fn add_missing(&mut self, other: Tags<'a>) {
        self.count = self.count.saturating_add(other.count);
        for (name, value) in other.fields {
            self.fields.entry(name).or_insert(value);
        }
        if self.chapters.is_empty() {
            self.chapters = other.chapters;
        }
        if let Some(cover) = other.cover {
            self.add_cover(cover);
        }
    }

    /// The same, without borrowing from the file.
    pub(crate) fn into_owned(self) -> Tags<'static> {
        Tags {
            fields: self.fields,
            chapters: self.chapters,
            cover: self.cover.map(Cover::into_owned),
            count: self.count,
        }
    }

    pub(crate) fn add_chapter(&mut self, start_s: f64, end_s: Option<f64>, title: &str) {
        if self.chapters.len() < CHAPTERS && start_s.is_finite() {
            let title = title.trim_matches(|c: char| c.is_whitespace() || c == '\0');
            let title = shortened(title).to_owned();
            self.chapters.push(Chapter {
                start_s,
                end_s,
                title,
            });
        }
    }
}

/// The first bytes of a value, whole characters of it.
fn shortened(value: &str) -> &str {
    &value[..value.floor_char_boundary(VALUE_BYTES)]
}

/// A byte each for a character, as in ISO 8859-1.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// UTF-8, or a byte each for a character where it is not.
pub(crate) fn utf8_or_latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(latin1(bytes)),
    }
}
