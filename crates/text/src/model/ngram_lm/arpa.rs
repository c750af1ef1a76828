//! ARPA text files, into the same tables as a binary file of the structure `probing`.

use std::collections::HashMap;

use bytes::Bytes;
use gristmill_core::{Error, Result};

use super::{
    ORDER_MAX, UNKNOWN, Word, hash_word,
    probing::{Probing, Table, extend},
};

/// Score of the unknown word in a model that does not list it.
const UNKNOWN_PROB: f32 = -100.0;
const SIGN: u32 = 0x8000_0000;

/// An n-gram as read.
#[derive(Debug, Clone, Copy)]
struct Gram {
    prob: f32,
    backoff: f32,
    /// Whether a longer n-gram ends in this one.
    is_extended: bool,
}

/// N-grams by their key; `[0]` holds the unigrams, by the number of the word.
#[derive(Debug)]
struct Grams {
    words: HashMap<u64, Word>,
    by_length: Vec<HashMap<u64, Gram>>,
}

pub(super) fn read(text: &[u8]) -> Result<Probing> {
    if text.starts_with(&[0x1f, 0x8b]) {
        return Err(Error::new("the file is gzipped; it must be inflated first"));
    }
    let mut lines = Lines { text, number: 0 };
    let counts = read_counts(&mut lines)?;
    let mut grams = Grams {
        words: HashMap::new(),
        by_length: vec![HashMap::new(); counts.len()],
    };
    for (length, &count) in (1..).zip(&counts) {
        let header = lines.next_filled("a list of n-grams")?;
        if header != format!("\\{length}-grams:").as_bytes() {
            return Err(lines.error(&format!("no header \\{length}-grams:")));
        }
        for _ in 0..count {
            let line = lines.next("an n-gram")?;
            read_gram(&mut grams, line, length, counts.len()).map_err(|message| lines.error(&message))?;
        }
        if length == 1 {
            finish_words(&mut grams)?;
        }
    }
    if lines.next_filled("\\end\\")? != b"\\end\\" {
        return Err(lines.error("no \\end\\ after the last n-gram"));
    }
    Ok(tables(&grams))
}

/// Numbers of n-grams from `\data\` on.
fn read_counts(lines: &mut Lines<'_>) -> Result<Vec<u64>> {
    let mut line = lines.next_filled("\\data\\")?;
    while line.starts_with(b"#") {
        line = lines.next_filled("\\data\\")?;
    }
    if line != b"\\data\\" {
        return Err(lines.error("neither \\data\\ of an ARPA file nor the magic text of a binary file"));
    }
    let mut counts = Vec::new();
    loop {
        let line = lines.next("the number of n-grams")?;
        if line.trim_ascii().is_empty() {
            break;
        }
        let count = str::from_utf8(line)
            .ok()
            .and_then(|line| line.strip_prefix("ngram "));
        let count = count.and_then(|line| line.trim().strip_prefix(&format!("{}=", counts.len() + 1)));
        let count = count.and_then(|count| count.trim().parse().ok());
        let count: u64 = count.ok_or_else(|| lines.error("no number of n-grams"))?;
        // An n-gram takes at least a digit, a tab, and for each word a letter and what follows it.
        let left = lines.text.len() as u64 + 1;
        if count > left / (2 + 2 * (counts.len() as u64 + 1)) {
            return Err(lines.error(&format!("{count} n-grams in {left} bytes")));
        }
        counts.push(count);
    }
    if !(2..=ORDER_MAX).contains(&counts.len()) {
        return Err(lines.error(&format!("order {} is not 2 to {ORDER_MAX}", counts.len())));
    }
    Ok(counts)
}

fn read_gram(grams: &mut Grams, line: &[u8], length: usize, order: usize) -> Result<(), String> {
    let mut fields = line
        .split(|&byte| matches!(byte, b'\t' | b'\r' | b' '))
        .filter(|field| !field.is_empty());
    let prob = fields
        .next()
        .and_then(number)
        .ok_or("an n-gram without a score")?;
    if prob > 0.0 {
        return Err(format!("score {prob} is above 0"));
    }
    // The last word first.
    let mut words = [UNKNOWN; ORDER_MAX];
    for place in (0..length).rev() {
        let word = fields.next().ok_or_else(|| format!("no {length} words"))?;
        words[place] = if length == 1 {
            add_word(grams, word)?
        } else {
            find_word(grams, word)?
        };
    }
    let backoff = match fields.next() {
        Some(field) => number(field).ok_or("a backoff that is no number")?,
        None => 0.0,
    };
    if fields.next().is_some() || (length == order && backoff != 0.0) {
        return Err("more than a score, words and a backoff".to_owned());
    }
    // Negative zero until an n-gram begins with this one.
    let backoff = if backoff == 0.0 { -0.0 } else { backoff };
    let words = &words[..length];
    let gram = Gram {
        prob: if prob == 0.0 { -0.0 } else { prob },
        backoff,
        is_extended: false,
    };
    grams.by_length[length - 1].insert(key(words), gram);
    if length > 1 {
        let context = grams.by_length[length - 2].get_mut(&key(&words[1..]));
        let context = context.ok_or_else(|| format!("the first {} words are no n-gram", length - 1))?;
        if context.backoff == 0.0 {
            context.backoff = 0.0;
        }
        add_ending(grams, &words[..length - 1]);
    }
    Ok(())
}

/// Marks the n-gram that a longer one ends in, and adds it first if the model lacks it. It then has the score that it
/// has by backing off.
fn add_ending(grams: &mut Grams, words: &[Word]) -> f32 {
    let length = words.len();
    if let Some(gram) = grams.by_length[length - 1].get_mut(&key(words)) {
        gram.is_extended = true;
        return gram.prob;
    }
    let mut prob = add_ending(grams, &words[..length - 1]);
    if let Some(context) = grams.by_length[length - 2].get_mut(&key(&words[1..])) {
        prob += context.backoff;
        if context.backoff == 0.0 {
            context.backoff = 0.0;
        }
    }
    let gram = Gram {
        prob,
        backoff: -0.0,
        is_extended: true,
    };
    grams.by_length[length - 1].insert(key(words), gram);
    prob
}

fn is_unknown(word: &[u8]) -> bool {
    matches!(word, b"<unk>" | b"<UNK>")
}

fn add_word(grams: &mut Grams, word: &[u8]) -> Result<Word, String> {
    if is_unknown(word) {
        return Ok(UNKNOWN);
    }
    let next = Word::try_from(grams.words.len() + 1).map_err(|_| "too many words".to_owned())?;
    match grams.words.insert(hash_word(word), next) {
        None => Ok(next),
        Some(_) => Err(format!("word {} is listed twice", String::from_utf8_lossy(word))),
    }
}

fn find_word(grams: &Grams, word: &[u8]) -> Result<Word, String> {
    match grams.words.get(&hash_word(word)) {
        Some(&word) => Ok(word),
        None if is_unknown(word) => Ok(UNKNOWN),
        None => Err(format!(
            "word {} is not among the 1-grams",
            String::from_utf8_lossy(word)
        )),
    }
}

fn finish_words(grams: &mut Grams) -> Result<()> {
    for word in ["<s>", "</s>"] {
        if !grams.words.contains_key(&hash_word(word.as_bytes())) {
            return Err(Error::new(format!("{word} is not among the 1-grams")));
        }
    }
    let unknown = Gram {
        prob: UNKNOWN_PROB,
        backoff: 0.0,
        is_extended: false,
    };
    grams.by_length[0].entry(u64::from(UNKNOWN)).or_insert(unknown);
    Ok(())
}

/// Key of the words of an n-gram, the last one first.
fn key(words: &[Word]) -> u64 {
    words[1..]
        .iter()
        .fold(u64::from(words[0]), |key, &word| extend(key, word))
}

fn tables(grams: &Grams) -> Probing {
    let unigrams = &grams.by_length[0];
    let mut unigram_bytes = Vec::with_capacity(unigrams.len() * 8);
    for word in 0..=grams.words.len() as u64 {
        let value = unigrams.get(&word).map_or([0; 8], value);
        unigram_bytes.extend_from_slice(&value);
    }
    let vocabulary = grams.words.iter().map(|(&hash, word)| (hash, word.to_le_bytes()));
    let (longest, middles) = grams.by_length[1..].split_last().unwrap_or((unigrams, &[]));
    Probing {
        vocabulary: table::<12, 4>(grams.words.len(), vocabulary),
        unigrams: Bytes::from(unigram_bytes),
        middles: middles
            .iter()
            .map(|grams| table::<16, 8>(grams.len(), grams.iter().map(|(&key, gram)| (key, value(gram)))))
            .collect(),
        longest: table::<12, 4>(
            longest.len(),
            longest.iter().map(|(&key, gram)| (key, gram.prob.to_le_bytes())),
        ),
    }
}

/// Score and backoff; the score's sign bit says that no longer n-gram ends so.
fn value(gram: &Gram) -> [u8; 8] {
    let prob = gram.prob.to_bits() & !SIGN | if gram.is_extended { 0 } else { SIGN };
    let mut value = [0; 8];
    value[..4].copy_from_slice(&prob.to_le_bytes());
    value[4..].copy_from_slice(&gram.backoff.to_le_bytes());
    value
}

/// A table that is two thirds full.
fn table<const N: usize, const V: usize>(
    count: usize,
    entries: impl Iterator<Item = (u64, [u8; V])>,
) -> Table<N> {
    let places = count + count / 2 + 1;
    let mut bytes = vec![0; places * N];
    for (key, value) in entries {
        let mut place = (key % places as u64) as usize;
        while bytes[place * N..][..8] != [0; 8] {
            place = (place + 1) % places;
        }
        let entry = &mut bytes[place * N..][..N];
        entry[..8].copy_from_slice(&key.to_le_bytes());
        entry[8..].copy_from_slice(&value);
    }
    Table {
        entries: Bytes::from(bytes),
    }
}

fn number(field: &[u8]) -> Option<f32> {
    let number: f32 = str::from_utf8(field).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// Lines without their ends; the file may lack the last newline.
struct Lines<'a> {
    text: &'a [u8],
    number: u64,
}

impl<'a> Lines<'a> {
    fn next(&mut self, what: &str) -> Result<&'a [u8]> {
        if self.text.is_empty() {
            let number = self.number;
            return Err(Error::new(format!(
                "truncated after line {number}: {what} is missing"
            )));
        }
        self.number += 1;
        let end = memchr::memchr(b'\n', self.text).unwrap_or(self.text.len());
        let line = &self.text[..end];
        self.text = self.text.get(end + 1..).unwrap_or_default();
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn next_filled(&mut self, what: &str) -> Result<&'a [u8]> {
        loop {
            let line = self.next(what)?;
            if !line.trim_ascii().is_empty() {
                return Ok(line);
            }
        }
    }

    fn error(&self, message: &str) -> Error {
        Error::new(format!("line {}: {message}", self.number))
    }
}
