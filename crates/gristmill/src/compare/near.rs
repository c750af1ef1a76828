//! Documents that one recipe keeps and another does not, of which the other keeps a near-duplicate.

use std::collections::HashMap;

use gristmill_engine::{Judged, KEPT};
use gristmill_text::fingerprint::{MinHash, ShingleHash, Shingler, Unit};
use xxhash_rust::xxh3::xxh3_64;

use super::Folds;

/// Most documents whose signatures are kept in memory, 0.9 KB each.
const DOCUMENTS: usize = 50_000;
/// Numbers of a signature, and of each of its bands, as FineWeb has them.
const HASHES: usize = 112;
const BAND: usize = 8;
/// The share of equal numbers from which documents are near-duplicates.
const SIMILAR: f64 = 0.8;

/// Signatures of sampled documents.
pub(crate) struct NearDuplicates {
    /// The place of each in the store.
    rows: Vec<usize>,
    signatures: Vec<[u64; HASHES]>,
    /// Documents by the hash of a band.
    bands: HashMap<u64, Vec<u32>>,
}

impl NearDuplicates {
    /// Of the sample of all documents.
    pub(crate) fn of(pool: &Folds) -> Self {
        let mut shingler = Shingler::new(Unit::Words, 5, ShingleHash::Xxh64);
        let (min_hash, mut shingles) = (MinHash::new(HASHES, 1), Vec::new());
        let mut found = NearDuplicates {
            rows: Vec::new(),
            signatures: Vec::new(),
            bands: HashMap::new(),
        };
        for document in pool.documents().take(DOCUMENTS) {
            shingler.shingles(&document.text, &mut shingles);
            let mut signature = [0; HASHES];
            if !min_hash.signature(&shingles, &mut signature) {
                continue;
            }
            let number = found.rows.len() as u32;
            for (place, band) in signature.chunks_exact(BAND).enumerate() {
                let mut bytes = vec![place as u8];
                bytes.extend(band.iter().flat_map(|value| value.to_le_bytes()));
                found.bands.entry(xxh3_64(&bytes)).or_default().push(number);
            }
            found.rows.push(document.row);
            found.signatures.push(signature);
        }
        found.bands.retain(|_, documents| documents.len() > 1);
        found
    }

    /// The share of the documents that only the first recipe keeps of which the second keeps a near-duplicate; none if
    /// there are no such documents in the sample.
    pub(crate) fn share(&self, first: &Judged, second: &Judged) -> Option<f64> {
        /// Documents of a band that are looked at: copies of copies are like the first ones.
        const LOOKED_AT: usize = 100;
        let is_kept = |judged: &Judged, number: usize| judged.verdicts[self.rows[number]] == KEPT;
        let mut near: HashMap<u32, bool> = (0..self.rows.len())
            .filter(|&number| is_kept(first, number) && !is_kept(second, number))
            .map(|number| (number as u32, false))
            .collect();
        for documents in self.bands.values() {
            for number in documents.iter().take(LOOKED_AT) {
                if near.get(number) != Some(&false) {
                    continue;
                }
                let own = &self.signatures[*number as usize];
                let is_near = |other: &u32| {
                    let equal = own
                        .iter()
                        .zip(&self.signatures[*other as usize])
                        .filter(|(a, b)| a == b)
                        .count();
                    is_kept(second, *other as usize) && equal as f64 >= SIMILAR * HASHES as f64
                };
                if documents.iter().take(LOOKED_AT).any(is_near) {
                    near.insert(*number, true);
                }
            }
        }
        let found = near.values().filter(|is_near| **is_near).count();
        (!near.is_empty()).then(|| found as f64 / near.len() as f64)
    }
}
