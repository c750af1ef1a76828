//! Candidates are judged: which of the documents that met are as similar as the recipe asks.

use std::{collections::HashMap, io};

use rayon::prelude::*;

use crate::{Measure, evidence::Evidence, runs::RunReader, union_find::UnionFind};

/// Documents of runs that are judged between two updates of the components.
const CHUNK_MEMBERS: usize = 1 << 16;
/// Comparisons of one document within one run. A run has more different documents than that only where a band says
/// next to nothing, as in texts of one repeated sentence.
const COMPARISONS: usize = 256;
/// Documents of the same earlier run that one of them passes over within one run.
const SKIPS: usize = 16 * COMPARISONS;
/// Evidence of one run that is kept in memory.
const CACHE_BYTES: usize = 16 << 20;

/// How many pairs were judged, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) compared: u64,
    pub(crate) failed: u64,
    pub(crate) unchecked: u64,
}

impl Judged {
    fn add(&mut self, other: Judged) {
        self.compared += other.compared;
        self.failed += other.failed;
        self.unchecked += other.unchecked;
    }
}

/// Judges documents of runs by their evidence.
pub(crate) struct Judge<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) measure: &'a dyn Measure,
    /// Places from which on candidates are of an earlier run, one for each; ascending. Those of the same run were
    /// judged there.
    pub(crate) known: &'a [u32],
    pub(crate) pool: &'a rayon::ThreadPool,
}

impl Judge<'_> {
    /// Joins what is similar enough. Runs hold places of candidates.
    ///
    /// The result are the connected components of all pairs that met in a run and are similar enough, whatever the
    /// order of documents or runs: pairs that are connected already are not compared again, all others are, up to
    /// [`COMPARISONS`] a document and run. Within a run, documents are ordered by their evidence.
    pub(crate) fn join(
        &self,
        runs: RunReader,
        place: impl Fn(u32) -> u32,
        components: &mut UnionFind,
    ) -> io::Result<Judged> {
        let mut judged = Judged::default();
        let mut runs = runs.peekable();
        while runs.peek().is_some() {
            // Chunks are cut by their content, so what is connected before each does not depend on threads.
            let (mut chunk, mut members) = (Vec::new(), 0);
            while members < CHUNK_MEMBERS
                && let Some(run) = runs.next()
            {
                let run: Vec<u32> = run?.into_iter().map(&place).collect();
                members += run.len();
                chunk.push(run);
            }
            let found: io::Result<Vec<_>> = self
                .pool
                .install(|| chunk.par_iter().map(|run| self.run(run, components)).collect());
            for (pairs, run) in found? {
                pairs.iter().for_each(|&(a, b)| components.union(a, b));
                judged.add(run);
            }
        }
        Ok(judged)
    }

    /// The similar pairs of a run that are not connected yet; of those that they connect, enough to do so.
    fn run(&self, run: &[u32], components: &UnionFind) -> io::Result<(Vec<(u32, u32)>, Judged)> {
        let root = components.root(run[0]);
        let mut pairs = Vec::new();
        let mut judged = Judged::default();
        if run.iter().all(|place| components.root(*place) == root) {
            return Ok((pairs, judged));
        }
        let mut groups = Groups::default();
        let mut cache = Cache::default();
        for document in self.distinct(run, &mut pairs) {
            let (mut left, mut skips) = (COMPARISONS, SKIPS);
            let mut home = groups.of_root(components.root(document.place));
            let mut own = None;
            'groups: for group in 0..groups.members.len() {
                if Some(group) == home {
                    continue;
                }
                for other in 0..groups.members[group].len() {
                    let other = groups.members[group][other];
                    if document.origin.is_some() && document.origin == other.origin {
                        skips -= 1;
                        if skips == 0 {
                            break 'groups;
                        }
                        continue;
                    }
                    if left == 0 {
                        judged.unchecked += 1;
                        break 'groups;
                    }
                    left -= 1;
                    judged.compared += 1;
                    let lengths = [document.place, other.place].map(|place| self.evidence.length(place));
                    let threshold = self.measure.threshold();
                    let is_similar = self.measure.bound(lengths[0], lengths[1]) >= threshold && {
                        let own = match &own {
                            Some(own) => own,
                            None => own.insert(self.evidence.read(document.place)?),
                        };
                        let other = cache.read(self.evidence, &other)?;
                        self.measure.similarity(own, other) >= threshold
                    };
                    if is_similar {
                        pairs.push((other.place, document.place));
                        home = Some(home.map_or(group, |home| groups.merge(home, group)));
                        continue 'groups;
                    }
                    judged.failed += 1;
                }
            }
            groups.put(home, document, components);
        }
        Ok((pairs, judged))
    }

    /// One document for each evidence, in the order of its hash. The others are its equals.
    fn distinct(&self, run: &[u32], pairs: &mut Vec<(u32, u32)>) -> Vec<Document> {
        let mut hashed: Vec<(u64, u32)> = run
            .iter()
            .map(|place| (self.evidence.hash(*place), *place))
            .collect();
        hashed.sort_unstable();
        hashed
            .chunk_by(|a, b| a.0 == b.0)
            .map(|equal| {
                let place = equal[0].1;
                pairs.extend(equal[1..].iter().map(|other| (place, other.1)));
                // Equals of several runs, or of this one, are compared with everything.
                let origin = self.origin(place);
                let is_shared = equal.iter().any(|other| self.origin(other.1) != origin);
                Document {
                    place,
                    origin: origin.filter(|_| !is_shared),
                }
            })
            .collect()
    }

    /// The number of the earlier run that a candidate is of.
    fn origin(&self, place: u32) -> Option<usize> {
        self.known.partition_point(|first| *first <= place).checked_sub(1)
    }
}

/// A document of a run.
#[derive(Debug, Clone, Copy)]
struct Document {
    place: u32,
    origin: Option<usize>,
}

/// The documents of a run that were compared, by what is known to be connected.
#[derive(Default)]
struct Groups {
    members: Vec<Vec<Document>>,
    /// The group that holds a component's documents.
    of_root: HashMap<u32, usize>,
    /// Where a group went.
    merged: Vec<usize>,
}

impl Groups {
    fn of_root(&self, root: u32) -> Option<usize> {
        let mut group = *self.of_root.get(&root)?;
        while self.merged[group] != group {
            group = self.merged[group];
        }
        Some(group)
    }

    /// Puts the later group into the earlier one.
    fn merge(&mut self, a: usize, b: usize) -> usize {
        let (first, second) = (a.min(b), a.max(b));
        let moved = std::mem::take(&mut self.members[second]);
        self.members[first].extend(moved);
        self.merged[second] = first;
        first
    }

    fn put(&mut self, group: Option<usize>, document: Document, components: &UnionFind) {
        let group = group.unwrap_or_else(|| {
            self.members.push(Vec::new());
            self.merged.push(self.merged.len());
            self.merged.len() - 1
        });
        self.of_root.insert(components.root(document.place), group);
        self.members[group].push(document);
    }
}

/// Evidence of the documents of a run that later ones are compared with.
#[derive(Default)]
struct Cache {
    kept: HashMap<u32, Vec<u8>>,
    bytes: usize,
    last: Vec<u8>,
}

impl Cache {
    fn read(&mut self, evidence: &Evidence, document: &Document) -> io::Result<&[u8]> {
        if !self.kept.contains_key(&document.place) {
            let read = evidence.read(document.place)?;
            if self.bytes + read.len() > CACHE_BYTES {
                self.last = read;
                return Ok(&self.last);
            }
            self.bytes += read.len();
            self.kept.insert(document.place, read);
        }
        Ok(&self.kept[&document.place])
    }
}
