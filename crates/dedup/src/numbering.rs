//! Document numbers without gaps.

use datafusion::error::{DataFusionError, Result};

/// Turns document numbers, `slice << 32 | row`, into dense ones from 0, in the same order.
#[derive(Debug, Clone, Default)]
pub struct Numbering {
    /// Slice, its first dense number, its rows; by slice.
    slices: Vec<(u32, u32, u32)>,
    documents: u32,
}

impl Numbering {
    /// The numbers of slices with these rows: `(slice, rows)`, in ascending order of slices.
    ///
    /// # Errors
    /// When there are 2³² documents or more; a dense number has 32 bits.
    pub fn new(slices: impl IntoIterator<Item = (u32, u64)>) -> Result<Self> {
        let mut numbering = Numbering::default();
        for (slice, rows) in slices {
            let total = u64::from(numbering.documents) + rows;
            let Ok(total) = u32::try_from(total) else {
                return Err(DataFusionError::Execution(format!(
                    "{total} documents to compare in one run; the limit is {}: read a part, and the rest against its index",
                    u32::MAX
                )));
            };
            debug_assert!(numbering.slices.last().is_none_or(|last| last.0 < slice));
            numbering.slices.push((slice, numbering.documents, rows as u32));
            numbering.documents = total;
        }
        Ok(numbering)
    }

    /// How many documents there are.
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// The number of the document with this dense number, which is below [`documents`](Self::documents).
    pub(crate) fn document(&self, dense: u32) -> u64 {
        // Of slices with the same first number all but the last are empty.
        let place = self.slices.partition_point(|known| known.1 <= dense) - 1;
        let (slice, first, _) = self.slices[place];
        u64::from(slice) << 32 | u64::from(dense - first)
    }

    /// The dense number that the first document of a slice has, or would have.
    pub(crate) fn first(&self, slice: u32) -> u32 {
        let place = self.slices.partition_point(|known| known.0 < slice);
        self.slices.get(place).map_or(self.documents, |known| known.1)
    }

    /// The dense number of a document.
    pub(crate) fn dense(&self, document: u64) -> Result<u32> {
        let (slice, row) = ((document >> 32) as u32, document as u32);
        let place = self.slices.binary_search_by_key(&slice, |known| known.0).ok();
        let known = place.map(|place| self.slices[place]);
        match known {
            Some((_, first, rows)) if row < rows => Ok(first + row),
            _ => Err(DataFusionError::Execution(format!(
                "document {row} of slice {slice} is in no record"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gaps_and_keep_the_order() {
        let numbering = Numbering::new([(2, 3), (5, 0), (9, 2)]).unwrap();
        let dense = |slice: u64, row: u64| numbering.dense(slice << 32 | row).ok();
        assert_eq!(numbering.documents(), 5);
        assert_eq!(
            [dense(2, 0), dense(2, 2), dense(9, 0), dense(9, 1)],
            [0, 2, 3, 4].map(Some)
        );
        assert_eq!([dense(2, 3), dense(5, 0), dense(3, 0)], [None; 3]);
        assert_eq!(
            [0, 2, 3, 4].map(|dense| numbering.document(dense)),
            [2 << 32, 2 << 32 | 2, 9 << 32, 9 << 32 | 1]
        );
    }

    #[test]
    fn too_many_documents_are_refused() {
        assert!(Numbering::new([(0, 1 << 31), (1, 1 << 31)]).is_err());
    }
}
