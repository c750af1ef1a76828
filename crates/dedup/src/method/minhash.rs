//! Near duplicates by MinHash and locality-sensitive hashing, verified.
//!
//! A text is the set of its shingles: every run of `ngram` words (of the simplified text, joined by one space) or
//! characters. The signature has `bands × rows` minima, with the hash functions and the arithmetic of datatrove, so
//! that signatures are equal to its own, bit for bit, for `hash: xxhash` and `hash: sha1`; see
//! [`fingerprint`](gristmill_text::fingerprint). Documents meet if the minima of one band are equal: two texts of Jaccard similarity
//! s do with a chance of 1 − (1 − sʳᵒʷˢ)ᵇᵃⁿᵈˢ, which for 14 × 8 is .924 at s = .8 and one half at .72. The key of a band is
//! xxh3-64 of its minima.
//!
//! Unless `verify` is `off`, documents that met are compared: the Jaccard similarity of their sets of shingles, or with
//! `measure: containment` the share of the smaller set that is in the other, must be `verify` at least. Sets hold 32-bit
//! digests of the shingles; two texts of n shingles share about n²/2³² by chance, so the error of the similarity is
//! below 10⁻⁶ for texts of up to 4,000 words. A document takes 4 bytes a shingle between the phases.
//!
//! Texts with fewer words (characters) than `ngram` have no shingles and no copy.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, UInt64Builder};
use gristmill_core::{Card, Cost, Error, Result, Setting, Settings, Sort, columns};
use gristmill_text::fingerprint::{self, ShingleHash, Shingler, Unit};
use xxhash_rust::xxh3::xxh3_64;

use super::{Dedup, Fingerprint, Keys, Measure, Method, Verdict};
use crate::CLUSTER_COLUMNS;

/// Describes [`MinHash`].
pub(crate) static CARD: Card = Card {
    name: "minhash",
    about: "documents that share most of their n-grams, by MinHash and LSH, verified",
    inputs: &[columns::TEXT],
    outputs: &CLUSTER_COLUMNS,
    source: "Broder 1997; Penedo et al. 2024, arXiv:2406.17557 (FineWeb); datatrove 0.10.0 dedup/minhash.py",
    cost: Cost::Expensive,
    version: 1,
};

/// Hashes of a signature at most; RefinedWeb has 9,000.
const HASHES_MAX: usize = 20_000;

static SETTINGS: [Setting; 8] = [
    Setting {
        name: "ngram",
        sort: Sort::Number {
            default: 5,
            min: 1,
            max: 100,
        },
        about: "words (characters) of a shingle",
    },
    UNIT,
    Setting {
        name: "bands",
        sort: Sort::Number {
            default: 14,
            min: 1,
            max: 1000,
        },
        about: "bands; documents meet if one is equal",
    },
    Setting {
        name: "rows",
        sort: Sort::Number {
            default: 8,
            min: 1,
            max: 1000,
        },
        about: "minima of a band",
    },
    Setting {
        name: "verify",
        sort: Sort::ShareOrOff { default: 0.8 },
        about: "least similarity of two documents that met; off: all that met are copies",
    },
    Setting {
        name: "measure",
        sort: Sort::Word(&["jaccard", "containment"]),
        about: "what is verified: shared shingles as a share of those of both (jaccard), or of those of the shorter one (containment)",
    },
    HASH,
    Setting {
        name: "seed",
        sort: Sort::Number {
            default: 1,
            min: 0,
            max: u32::MAX as u64,
        },
        about: "seed of the hash functions, as for numpy's RandomState",
    },
];

/// What shingles are made of.
pub(super) const UNIT: Setting = Setting {
    name: "unit",
    sort: Sort::Word(&["words", "characters"]),
    about: "what shingles are made of",
};

/// The hash of a shingle.
pub(super) const HASH: Setting = Setting {
    name: "hash",
    sort: Sort::Word(&["xxhash", "sha1"]),
    about: "hash of a shingle: xxh64 (FineWeb-2, datatrove's default), or 8 bytes of SHA-1 (FineWeb)",
};

/// The shingles that settings ask for.
pub(super) fn shingler(settings: &Settings) -> impl Fn() -> Shingler + Send + Sync + use<> {
    let unit = match settings.word("unit") {
        "characters" => Unit::Characters,
        _ => Unit::Words,
    };
    let hash = match settings.word("hash") {
        "sha1" => ShingleHash::Sha1,
        _ => ShingleHash::Xxh64,
    };
    let n = settings.number("ngram") as usize;
    move || Shingler::new(unit, n, hash)
}

/// Near duplicates; see the module.
#[derive(Debug)]
pub(crate) struct MinHash;

impl Method for MinHash {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> Result<Dedup, String> {
        let (bands, rows) = (
            settings.number("bands") as usize,
            settings.number("rows") as usize,
        );
        if bands * rows > HASHES_MAX {
            return Err(format!(
                "{bands} bands of {rows} rows are {} hashes, more than {HASHES_MAX}",
                bands * rows
            ));
        }
        let threshold = settings.share("verify");
        let measure = threshold.map(|threshold| -> Arc<dyn Measure> {
            match settings.word("measure") {
                "containment" => Arc::new(Containment { threshold }),
                _ => Arc::new(Jaccard { threshold }),
            }
        });
        Ok(Dedup::Whole(Arc::new(Signatures {
            shingler: Box::new(shingler(settings)),
            hashes: fingerprint::MinHash::new(bands * rows, settings.number("seed") as u32),
            bands,
            rows,
            measure,
        })))
    }
}

/// MinHash with its settings.
struct Signatures {
    shingler: Box<dyn Fn() -> Shingler + Send + Sync>,
    hashes: fingerprint::MinHash,
    bands: usize,
    rows: usize,
    measure: Option<Arc<dyn Measure>>,
}

impl std::fmt::Debug for Signatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "minhash {} × {}", self.bands, self.rows)
    }
}

impl Fingerprint for Signatures {
    fn key_columns(&self) -> usize {
        self.bands
    }

    fn keys(&self, inputs: &[ArrayRef]) -> Result<Keys> {
        let content = &inputs[0];
        let texts = content
            .as_string_view_opt()
            .ok_or_else(|| Error::new(format!("minhash of a column of type {}", content.data_type())))?;
        let mut shingler = (self.shingler)();
        let mut keys: Vec<UInt64Builder> = (0..self.bands)
            .map(|_| UInt64Builder::with_capacity(texts.len()))
            .collect();
        let mut evidence = self.measure.as_ref().map(|_| BinaryBuilder::new());
        let (mut shingles, mut digests, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        let mut signature = vec![0; self.bands * self.rows];
        for text in texts {
            shingles.clear();
            if let Some(text) = text {
                shingler.shingles(text, &mut shingles);
            }
            if !self.hashes.signature(&shingles, &mut signature) {
                keys.iter_mut().for_each(UInt64Builder::append_null);
                evidence.iter_mut().for_each(BinaryBuilder::append_null);
                continue;
            }
            for (key, band) in keys.iter_mut().zip(signature.chunks_exact(self.rows)) {
                bytes.clear();
                bytes.extend(band.iter().flat_map(|minimum| minimum.to_le_bytes()));
                key.append_value(xxh3_64(&bytes));
            }
            if let Some(evidence) = &mut evidence {
                fingerprint::digests(&shingles, &mut digests);
                bytes.clear();
                bytes.extend(digests.iter().flat_map(|digest| digest.to_le_bytes()));
                evidence.append_value(&bytes);
            }
        }
        Ok(Keys {
            columns: keys
                .iter_mut()
                .map(|keys| Arc::new(keys.finish()) as ArrayRef)
                .collect(),
            evidence: evidence.map(|mut evidence| Arc::new(evidence.finish()) as ArrayRef),
        })
    }

    fn verdict(&self) -> Verdict {
        match &self.measure {
            Some(measure) => Verdict::Verified(measure.clone()),
            None => Verdict::Unverified,
        }
    }
}

/// Sets of digests from evidence, and how many they share.
fn shared(a: &[u8], b: &[u8]) -> (usize, usize, usize) {
    let read = |bytes: &[u8]| -> Vec<u32> {
        let (words, _) = bytes.as_chunks();
        words.iter().map(|word| u32::from_le_bytes(*word)).collect()
    };
    let (a, b) = (read(a), read(b));
    (a.len(), b.len(), fingerprint::common(&a, &b))
}

/// |A ∩ B| ÷ |A ∪ B|.
#[derive(Debug)]
struct Jaccard {
    threshold: f64,
}

impl Measure for Jaccard {
    fn threshold(&self) -> f64 {
        self.threshold
    }

    fn bound(&self, a: usize, b: usize) -> f64 {
        a.min(b) as f64 / a.max(b).max(1) as f64
    }

    fn similarity(&self, a: &[u8], b: &[u8]) -> f64 {
        let (a, b, shared) = shared(a, b);
        shared as f64 / (a + b - shared).max(1) as f64
    }
}

/// |A ∩ B| ÷ min(|A|, |B|).
#[derive(Debug)]
struct Containment {
    threshold: f64,
}

impl Measure for Containment {
    fn threshold(&self) -> f64 {
        self.threshold
    }

    fn similarity(&self, a: &[u8], b: &[u8]) -> f64 {
        let (a, b, shared) = shared(a, b);
        shared as f64 / a.min(b).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::StringViewArray;

    use super::*;
    use gristmill_core::Given;

    fn fingerprint(given: &[(&'static str, Given)]) -> Arc<dyn Fingerprint> {
        let settings = Settings::new(&SETTINGS, given.iter().copied());
        match MinHash.with(&settings) {
            Ok(Dedup::Whole(fingerprint)) => fingerprint,
            other => panic!("{other:?}"),
        }
    }

    fn similarity(measure: &'static str, a: &str, b: &str) -> f64 {
        let fingerprint = fingerprint(&[("ngram", Given::Number(1)), ("measure", Given::Word(measure))]);
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![a, b]));
        let evidence = fingerprint.keys(&[texts]).unwrap().evidence.unwrap();
        let evidence = evidence.as_binary::<i32>();
        let Verdict::Verified(measure) = fingerprint.verdict() else {
            panic!("verification is the default");
        };
        measure.similarity(evidence.value(0), evidence.value(1))
    }

    #[test]
    fn similarities_are_those_of_the_sets() {
        assert_eq!(similarity("jaccard", "a b c d", "a b c d e"), 0.8);
        assert_eq!(similarity("containment", "a b c d", "a b c d e"), 1.0);
        assert_eq!(similarity("jaccard", "a b", "c d"), 0.0);
    }

    #[test]
    fn short_and_missing_texts_have_no_keys() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("four words are few"),
            None,
            Some(""),
        ]));
        let keys = fingerprint(&[]).keys(&[texts]).unwrap();
        assert_eq!(keys.columns.len(), 14);
        assert!(keys.columns.iter().all(|column| column.null_count() == 3));
        assert_eq!(keys.evidence.unwrap().null_count(), 3);
    }
}
