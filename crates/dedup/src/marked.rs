//! A set of document numbers that gives each of its members a place of its own.

/// Documents that met another one: one bit for each document, and a counter for every 64.
///
/// What is known of candidates alone is then kept in arrays as long as there are candidates, not documents.
#[derive(Debug)]
pub(crate) struct Marked {
    bits: Vec<u64>,
    /// Marks before each word of `bits`; empty until [`seal`](Self::seal).
    before: Vec<u32>,
}

impl Marked {
    pub(crate) fn new(documents: u32) -> Self {
        Marked {
            bits: vec![0; (documents as usize).div_ceil(64)],
            before: Vec::new(),
        }
    }

    pub(crate) fn mark(&mut self, document: u32) {
        self.bits[document as usize / 64] |= 1 << (document % 64);
    }

    /// Ends the marking; gives the number of marks.
    pub(crate) fn seal(&mut self) -> u32 {
        let mut marks = 0;
        self.before = self
            .bits
            .iter()
            .map(|word| {
                let before = marks;
                marks += word.count_ones();
                before
            })
            .collect();
        marks
    }

    /// How many documents below this one are marked, after [`seal`](Self::seal).
    pub(crate) fn before(&self, document: u32) -> u32 {
        let (word, bit) = (document as usize / 64, 1_u64 << (document % 64));
        match self.before.get(word) {
            Some(before) => before + (self.bits[word] & (bit - 1)).count_ones(),
            None => self
                .before
                .last()
                .map_or(0, |last| last + self.bits[self.bits.len() - 1].count_ones()),
        }
    }

    /// The place of a document among those that are marked, after [`seal`](Self::seal).
    pub(crate) fn place(&self, document: u32) -> Option<u32> {
        let is_marked = self.bits[document as usize / 64] & (1 << (document % 64)) != 0;
        is_marked.then(|| self.before(document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_the_marks_before() {
        let mut marked = Marked::new(200);
        for document in [3, 64, 65, 199] {
            marked.mark(document);
        }
        assert_eq!(marked.seal(), 4);
        let places = [3, 64, 65, 199, 4, 0].map(|document| marked.place(document));
        assert_eq!(places, [Some(0), Some(1), Some(2), Some(3), None, None]);
        assert_eq!(
            [0, 4, 65, 200, 256].map(|document| marked.before(document)),
            [0, 1, 2, 4, 4]
        );
    }
}
