//! The header of KenLM's binary files, and where their tables are.

use bytes::Bytes;
use gristmill_core::{Error, Result};

use super::{
    Cursor, ORDER_MAX, Tables,
    probing::{LONGEST_BYTES, MIDDLE_BYTES, Probing, Table, UNIGRAM_BYTES, VOCABULARY_BYTES},
    trie,
};

/// What every version begins with.
const MAGIC: &[u8] = b"mmap lm http://kheafield.com/code";
/// The same, with the version.
const MAGIC_VERSION: &[u8] = b"mmap lm http://kheafield.com/code format version 5\n\0";
/// Bytes of the magic text, and of the test values behind it.
const MAGIC_BYTES: u64 = 56;
const TEST_BYTES: u64 = 32;
/// Structures by number.
const STRUCTURES: [&str; 6] = [
    "probing",
    "probing with rest costs",
    "trie",
    "quantised trie",
    "array-compressed trie",
    "quantised array-compressed trie",
];

pub(super) fn is_binary(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(super) fn read(bytes: Bytes) -> Result<Tables> {
    let mut file = Cursor::new(bytes);
    if !file
        .take(MAGIC_BYTES, "the magic text")?
        .starts_with(MAGIC_VERSION)
    {
        return Err(Error::new(
            "the binary file is not of format version 5, or was not finished",
        ));
    }
    // Numbers that tell byte order and sizes of the machine that wrote the file.
    let tests: [u32; 8] = [0, 1_f32.to_bits(), (-0.5_f32).to_bits(), 1, u32::MAX, 0, 1, 0];
    let expected = tests.map(u32::to_le_bytes);
    if *file.take(TEST_BYTES, "the test values")? != *expected.as_flattened() {
        return Err(Error::new(
            "the binary file is from a machine of another byte order",
        ));
    }
    let order = usize::from(file.u8("the order")?);
    file.take(3, "padding")?;
    let multiplier = f32::from_bits(file.i32("the probing multiplier")?.cast_unsigned());
    let structure = file.count32("the structure")?;
    file.take(4, "the flag of a word list")?;
    let version = file.count32("the version of the structure")?;
    if !(2..=ORDER_MAX).contains(&order) {
        return Err(Error::new(format!("order {order} is not 2 to {ORDER_MAX}")));
    }
    let mut counts = Vec::with_capacity(order);
    for _ in 0..order {
        counts.push(file.count64("the number of n-grams")?);
    }
    if counts[0] >= u64::from(u32::MAX) {
        return Err(Error::new(format!("{} words exceed {}", counts[0], u32::MAX)));
    }
    // Tables begin at a multiple of eight bytes.
    file.take(
        (file.at() as u64).next_multiple_of(8) - file.at() as u64,
        "padding",
    )?;
    match (structure, version) {
        (0, 0) => read_probing(&mut file, &counts, multiplier).map(Tables::Probing),
        (2, 1) => trie::read(&mut file, &counts).map(Tables::Trie),
        (0 | 2, _) => {
            let name = STRUCTURES[structure as usize];
            Err(Error::new(format!(
                "version {version} of structure {name} is unsupported"
            )))
        }
        _ => match STRUCTURES.get(structure as usize) {
            Some(name) => Err(Error::new(format!(
                "structure {name} is unsupported; build_binary makes probing and trie"
            ))),
            None => Err(Error::new(format!("structure {structure} is unknown"))),
        },
    }
}

fn read_probing(file: &mut Cursor, counts: &[u64], multiplier: f32) -> Result<Probing> {
    if !(multiplier.is_finite() && multiplier >= 1.0) {
        return Err(Error::new(format!(
            "probing multiplier {multiplier} is less than 1"
        )));
    }
    if file.i32("the version of the vocabulary")? != 0 {
        return Err(Error::new("the version of the vocabulary is not 0"));
    }
    file.count32("the number of words")?;
    let vocabulary = read_table::<VOCABULARY_BYTES>(file, counts[0], multiplier, "the vocabulary")?;
    // One more, for the unknown word of a model that does not list it.
    let unigrams = (counts[0] + 1).saturating_mul(UNIGRAM_BYTES as u64);
    let unigrams = file.take(unigrams, "the unigrams")?;
    let (longest, middles) = counts[1..].split_last().ok_or_else(|| Error::new("order 1"))?;
    let middles = middles
        .iter()
        .map(|&count| read_table::<MIDDLE_BYTES>(file, count, multiplier, "the n-grams"));
    let middles = middles.collect::<Result<_>>()?;
    let longest = read_table::<LONGEST_BYTES>(file, *longest, multiplier, "the longest n-grams")?;
    Ok(Probing {
        vocabulary,
        unigrams,
        middles,
        longest,
    })
}

fn read_table<const N: usize>(
    file: &mut Cursor,
    count: u64,
    multiplier: f32,
    what: &str,
) -> Result<Table<N>> {
    // In single precision, as the writer computed it.
    let places = count.saturating_add(1).max((multiplier * count as f32) as u64);
    let entries = file.take(places.saturating_mul(N as u64), what)?;
    Ok(Table { entries })
}
