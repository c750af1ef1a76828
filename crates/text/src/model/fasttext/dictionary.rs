//! Words and labels of a model, and the rows of the input matrix that a text adds.

use bytes::Bytes;
use gristmill_core::{Error, Result};

use super::{Arguments, Cursor};

/// The word that ends a line.
const END: &[u8] = b"</s>";
/// What a label begins with. The training can choose another prefix, but models do not store it, and the reference
/// assumes this one when it predicts.
const LABEL_PREFIX: &[u8] = b"__label__";
/// FNV-1a, 32 bits.
const HASH_START: u32 = 2_166_136_261;
const HASH_PRIME: u32 = 16_777_619;
/// What combines the hashes of neighbouring words.
const NGRAM_FACTOR: u64 = 116_049_371;
/// A free place of a table.
const FREE: u32 = u32::MAX;

/// Words, labels, and how n-grams become rows.
#[derive(Debug)]
pub(super) struct Dictionary {
    file: Bytes,
    /// Words, then labels.
    entries: Vec<Entry>,
    /// Indices into `entries` at the hash of the word and after; a power of two in length, at most half full.
    table: Vec<u32>,
    words: u32,
    labels: Vec<String>,
    label_counts: Vec<i64>,
    word_ngrams: usize,
    minn: usize,
    maxn: usize,
    buckets: Buckets,
    /// Rows of the character n-grams of the first words, as many as fit; see [`Self::remember_subwords`].
    subwords: Vec<u32>,
    /// Where the rows of each of these words end in `subwords`.
    subword_ends: Vec<u32>,
}

/// Where a word stands in the file.
#[derive(Debug)]
struct Entry {
    start: usize,
    length: usize,
    hash: u32,
}

/// Buffers of [`Dictionary::rows`].
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Hash of each word.
    hashes: Vec<u32>,
    /// `<word>`
    bracketed: Vec<u8>,
}

impl Dictionary {
    pub(super) fn read(file: &mut Cursor, arguments: &Arguments) -> Result<Self> {
        let size = file.count32("the size of the dictionary")?;
        let words = file.count32("the number of words")?;
        let label_count = file.count32("the number of labels")?;
        file.i64("the number of tokens")?;
        let pruned = file.i64("the size of the pruned index")?;
        if words.checked_add(label_count) != Some(size) {
            return Err(Error::new(format!(
                "dictionary of {size} entries has {words} words and {label_count} labels"
            )));
        }
        if label_count == 0 {
            return Err(Error::new("the dictionary has no labels"));
        }
        // An entry takes at least its zero, its count and its type.
        let left = file.rest().len();
        if size as usize > left / 10 {
            return Err(Error::new(format!(
                "dictionary of {size} entries in {left} bytes"
            )));
        }
        let mut entries = Vec::with_capacity(size as usize);
        let mut labels = Vec::with_capacity(label_count as usize);
        let mut label_counts = Vec::with_capacity(label_count as usize);
        let bytes = file.whole();
        for index in 0..size {
            let start = file.at();
            let length = memchr::memchr(0, file.rest())
                .ok_or_else(|| Error::new(format!("truncated at byte {start}: word {index} does not end")))?;
            let word = &bytes[start..start + length];
            let hash = hash(word);
            file.take(length as u64 + 1, "a word")?;
            let count = file.i64("the count of a word")?;
            let is_label = file.bool("the type of a dictionary entry")?;
            if is_label != (index >= words) {
                return Err(Error::new(format!(
                    "dictionary entry {index} is out of order: {words} words come before the labels"
                )));
            }
            if is_label {
                labels.push(String::from_utf8_lossy(word).into_owned());
                label_counts.push(count);
            }
            entries.push(Entry { start, length, hash });
        }
        let buckets = Buckets::read(file, arguments, pruned)?;
        let mut dictionary = Dictionary {
            file: bytes,
            table: vec![FREE; (size as usize * 2).next_power_of_two()],
            entries,
            words,
            labels,
            label_counts,
            word_ngrams: arguments.word_ngrams,
            minn: arguments.minn,
            maxn: arguments.maxn,
            buckets,
            subwords: Vec::new(),
            subword_ends: Vec::new(),
        };
        for index in 0..size {
            let entry = &dictionary.entries[index as usize];
            let place = dictionary.place(dictionary.word(entry), entry.hash);
            dictionary.table[place] = index;
        }
        dictionary.remember_subwords();
        Ok(dictionary)
    }

    /// Hashing the character n-grams of a word takes longer than adding their rows. Words of the dictionary, the
    /// frequent ones first, have theirs kept, in no more memory than the file has.
    fn remember_subwords(&mut self) {
        if self.maxn == 0 {
            return;
        }
        let room = (self.file.len() / 4).min(u32::MAX as usize);
        let mut line = Line::default();
        let (mut rows, mut ends) = (Vec::new(), Vec::new());
        for entry in &self.entries[..self.words as usize] {
            let word = self.word(entry);
            // An upper bound of the n-grams of this word, so that no long word takes more than there is.
            if rows.len() + (word.len() + 2) * self.maxn > room {
                break;
            }
            self.add_subwords(word, &mut line, &mut |row| rows.push(row));
            ends.push(rows.len() as u32);
        }
        self.subwords = rows;
        self.subword_ends = ends;
    }

    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    pub(super) fn label_counts(&self) -> &[i64] {
        &self.label_counts
    }

    pub(super) fn is_pruned(&self) -> bool {
        !matches!(self.buckets, Buckets::All(_))
    }

    /// Rows that the input matrix must have, so that every row of [`Self::rows`] is one.
    pub(super) fn rows_needed(&self) -> u64 {
        let buckets = match &self.buckets {
            Buckets::All(modulus) if self.maxn > 0 || self.word_ngrams > 1 => u64::from(modulus.divisor),
            Buckets::Some { rows, .. } => *rows,
            Buckets::All(_) | Buckets::None => 0,
        };
        u64::from(self.words) + buckets
    }

    /// Gives `add` the rows of a text in the order in which the reference adds them.
    pub(super) fn rows(&self, text: &[u8], line: &mut Line, mut add: impl FnMut(u32)) {
        line.hashes.clear();
        let words = text.split(|&byte| is_space(byte)).filter(|word| !word.is_empty());
        for word in words.chain([END]) {
            let hash = hash(word);
            self.add_word(word, hash, line, &mut add);
            if word == END {
                break;
            }
        }
        // As wide as the reference's: a hash is a signed number, so its sign is extended.
        let wide = |hash: u32| hash.cast_signed() as u64;
        for (first, &hash) in line.hashes.iter().enumerate() {
            let mut sum = wide(hash);
            for &next in line.hashes[first + 1..]
                .iter()
                .take(self.word_ngrams.saturating_sub(1))
            {
                sum = sum.wrapping_mul(NGRAM_FACTOR).wrapping_add(wide(next));
                if let Some(row) = self.buckets.row_wide(sum) {
                    add(self.words + row);
                }
            }
        }
    }

    fn add_word(&self, word: &[u8], hash: u32, line: &mut Line, add: &mut impl FnMut(u32)) {
        let index = self.table[self.place(word, hash)];
        let is_label = if index == FREE {
            word.starts_with(LABEL_PREFIX)
        } else {
            index >= self.words
        };
        if is_label {
            return;
        }
        line.hashes.push(hash);
        if index != FREE {
            add(index);
        }
        if let Some(&end) = self.subword_ends.get(index as usize) {
            let start = index
                .checked_sub(1)
                .map_or(0, |before| self.subword_ends[before as usize]);
            self.subwords[start as usize..end as usize]
                .iter()
                .for_each(|&row| add(row));
        } else if self.maxn > 0 {
            self.add_subwords(word, line, add);
        }
    }

    /// Character n-grams of `<word>`, but neither bracket alone. The end of the line has none.
    fn add_subwords(&self, word: &[u8], line: &mut Line, add: &mut impl FnMut(u32)) {
        if word == END {
            return;
        }
        line.bracketed.clear();
        line.bracketed.push(b'<');
        line.bracketed.extend_from_slice(word);
        line.bracketed.push(b'>');
        let word = line.bracketed.as_slice();
        for start in (0..word.len()).filter(|&at| is_boundary(word[at])) {
            let mut hash = HASH_START;
            let mut at = start;
            for length in 1..=self.maxn {
                if at == word.len() {
                    break;
                }
                hash = hash_byte(hash, word[at]);
                at += 1;
                while at < word.len() && !is_boundary(word[at]) {
                    hash = hash_byte(hash, word[at]);
                    at += 1;
                }
                let is_bracket = length == 1 && (start == 0 || at == word.len());
                if length >= self.minn
                    && !is_bracket
                    && let Some(row) = self.buckets.row(hash)
                {
                    add(self.words + row);
                }
            }
        }
    }

    /// Where the word is in the table, or the free place where it would be.
    fn place(&self, word: &[u8], hash: u32) -> usize {
        let mask = self.table.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let index = self.table[place];
            if index == FREE {
                return place;
            }
            let entry = &self.entries[index as usize];
            if entry.hash == hash && self.word(entry) == word {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    fn word(&self, entry: &Entry) -> &[u8] {
        &self.file[entry.start..entry.start + entry.length]
    }
}

/// Rows of n-grams, counted from the row after the last word.
#[derive(Debug)]
enum Buckets {
    /// Every n-gram has the row of its hash modulo the number of buckets.
    All(Modulus),
    /// A pruned model keeps the rows of some buckets.
    Some {
        modulus: Modulus,
        /// Bucket and row at the hash of the bucket and after; a power of two in length, at most half full.
        table: Vec<(u32, u32)>,
        /// One more than the largest row.
        rows: u64,
    },
    /// A pruned model that keeps none, or one without n-grams.
    None,
}

impl Buckets {
    /// `pruned` is the number of buckets that are kept; less than 0 if the model is not pruned.
    fn read(file: &mut Cursor, arguments: &Arguments, pruned: i64) -> Result<Self> {
        let has_ngrams = arguments.maxn > 0 || arguments.word_ngrams > 1;
        if has_ngrams && pruned != 0 && arguments.bucket == 0 {
            return Err(Error::new("the model has n-grams but bucket is 0"));
        }
        let modulus = Modulus::new(arguments.bucket.max(1));
        let Ok(pruned) = u64::try_from(pruned) else {
            return Ok(Buckets::All(modulus));
        };
        if pruned == 0 {
            return Ok(Buckets::None);
        }
        let pairs = file.take(pruned.saturating_mul(8), "the pruned index")?;
        let (pairs, _) = pairs.as_chunks::<8>();
        let mut table = vec![(FREE, 0); (pairs.len() * 2).next_power_of_two()];
        let mut rows = 0;
        for &[a, b, c, d, row @ ..] in pairs {
            let (bucket, row) = (i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes(row));
            let (Ok(bucket), Ok(row)) = (u32::try_from(bucket), u32::try_from(row)) else {
                return Err(Error::new(format!(
                    "the pruned index maps bucket {bucket} to row {row}, less than 0"
                )));
            };
            let place = bucket_place(&table, bucket);
            table[place] = (bucket, row);
            rows = rows.max(u64::from(row) + 1);
        }
        Ok(Buckets::Some { modulus, table, rows })
    }

    fn row(&self, hash: u32) -> Option<u32> {
        match self {
            Buckets::All(modulus) => Some(modulus.of(hash)),
            Buckets::Some { modulus, table, .. } => kept_row(table, modulus.of(hash)),
            Buckets::None => None,
        }
    }

    fn row_wide(&self, hash: u64) -> Option<u32> {
        match self {
            Buckets::All(modulus) => Some(modulus.of_wide(hash)),
            Buckets::Some { modulus, table, .. } => kept_row(table, modulus.of_wide(hash)),
            Buckets::None => None,
        }
    }
}

fn kept_row(table: &[(u32, u32)], bucket: u32) -> Option<u32> {
    let (found, row) = table[bucket_place(table, bucket)];
    (found == bucket).then_some(row)
}

fn bucket_place(table: &[(u32, u32)], bucket: u32) -> usize {
    let mask = table.len() - 1;
    // Kept buckets are remainders and so spread as they are.
    let mut place = bucket as usize & mask;
    while table[place].0 != FREE && table[place].0 != bucket {
        place = (place + 1) & mask;
    }
    place
}

/// Remainders of one divisor, without a division for numbers of 32 bits (Lemire, Kaser and Kurz 2019,
/// arXiv:1902.01961).
#[derive(Debug)]
struct Modulus {
    divisor: u32,
    reciprocal: u64,
}

impl Modulus {
    fn new(divisor: u32) -> Self {
        let reciprocal = (u64::MAX / u64::from(divisor)).wrapping_add(1);
        Modulus { divisor, reciprocal }
    }

    fn of(&self, value: u32) -> u32 {
        let fraction = self.reciprocal.wrapping_mul(u64::from(value));
        ((u128::from(fraction) * u128::from(self.divisor)) >> 64) as u32
    }

    fn of_wide(&self, value: u64) -> u32 {
        (value % u64::from(self.divisor)) as u32
    }
}

/// White space of the reference, which is that of C and the zero byte.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0b | 0x0c | 0)
}

/// Whether a character of UTF-8 begins with this byte.
fn is_boundary(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

fn hash(word: &[u8]) -> u32 {
    word.iter().fold(HASH_START, |hash, &byte| hash_byte(hash, byte))
}

/// The reference hashes signed bytes, so those from 0x80 also flip the upper three bytes.
fn hash_byte(hash: u32, byte: u8) -> u32 {
    (hash ^ byte.cast_signed() as u32).wrapping_mul(HASH_PRIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_remainder_is_the_remainder() {
        for divisor in [1, 2, 3, 7, 100, 99_991, 2_000_000, u32::MAX >> 1] {
            let modulus = Modulus::new(divisor);
            let values = (0..2_000).map(|step: u32| step.wrapping_mul(2_654_435_761));
            for value in values.chain([0, 1, divisor - 1, divisor, divisor + 1, u32::MAX]) {
                assert_eq!(modulus.of(value), value % divisor, "{value} % {divisor}");
            }
        }
    }

    #[test]
    fn the_hash_extends_the_sign_of_bytes() {
        assert_eq!(hash(b"a"), 0xe40c_292c);
        assert_eq!(hash_byte(0, 0xc3), 0xffff_ffc3_u32.wrapping_mul(HASH_PRIME));
    }
}
