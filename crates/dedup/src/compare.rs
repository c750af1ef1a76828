//! Keys to clusters, in memory that hardly grows with the number of documents.
//!
//! 1. For each band, the pairs (key, document) are sorted, through scratch files if need be, and walked once: documents with equal keys
//!    are a *run*. Documents in runs are *candidates*; the runs go to a scratch file, 4 bytes a member.
//!    Perceptual hashes meet where they differ in few bits: those pairs are found in memory ([`neighbours`](crate::neighbours)).
//! 2. If the method verifies, the evidence of candidates, and of nobody else, is copied to a scratch file in one pass.
//! 3. Runs are walked. Pairs of a run that are not connected yet are compared, in parallel; those that are similar
//!    enough are joined by union-find. Without verification a run is joined as it is.
//! 4. The members of the components, with nothing but their id and what `prefer` looks at, are sorted by component and
//!    preference, as many components at a time as memory holds. One walk gives ranks.
//!
//! Memory: 1.5 bits a document, 8 bytes a candidate for the components, 24 more with verification, and what the caller
//! gives for the sorts; documents of one run that are verified take 60 bytes each while the run is. Disk: the pairs of one band at a time (12 bytes each), 4 bytes for each member of a
//! run, the evidence of the candidates. Texts are neither sorted nor joined.
//!
//! The clusters depend on the documents alone: not on threads, slices, or the order of the input.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::{DataType, UInt64Type},
    },
    common::runtime::SpawnedTask,
    error::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
    logical_expr::SortExpr,
    prelude::{DataFrame, SessionContext, cast, col},
};
use futures::TryStreamExt;

use crate::{
    CLUSTER_KEY_COLUMN, DOCUMENT_COLUMN, EVIDENCE_COLUMN, Fingerprint, Hamming, Stats, Verdict,
    evidence::Evidence,
    key_column,
    marked::Marked,
    neighbours::near,
    numbering::Numbering,
    rank::{Components, Likeness, Ranking, sorted_members},
    runs::{RunFile, find_runs},
    sorter::Room,
    union_find::UnionFind,
    verify::{Judge, Judged},
};

/// What a member takes in the sort by preference, roughly: its id and a few numbers, twice.
const MEMBER_BYTES: u64 = 400;

/// A comparison of documents with each other and with those of earlier runs.
pub struct Comparison {
    /// Where to sort; its pool bounds the memory of the sorts. Batches of thousands of rows suit it, here and in the
    /// tables: a row is a few numbers.
    pub session: SessionContext,
    /// What equal keys mean.
    pub fingerprint: Arc<dyn Fingerprint>,
    /// The documents: [`DOCUMENT_COLUMN`], the key columns, [`EVIDENCE_COLUMN`] if the method verifies, `id` and what
    /// `prefer` looks at.
    pub new: DataFrame,
    /// Documents of earlier runs: the same but for `prefer`, and [`EARLIER_COLUMN`](crate::EARLIER_COLUMN) and
    /// [`CLUSTER_KEY_COLUMN`]. Their slices come after all others.
    pub known: Option<DataFrame>,
    /// The documents of all slices.
    pub numbering: Numbering,
    /// The first slice of each earlier run, ascending.
    pub known_slices: Vec<u32>,
    /// Which document of a cluster is kept: the first in this order; ties are decided by id.
    pub prefer: Vec<SortExpr>,
    /// What it may use of the machine.
    pub room: Room,
}

/// The members of clusters, on their way; see [`members_schema`](crate::members_schema).
pub struct Members {
    /// Passes that are to come, the next one last.
    passes: Vec<u32>,
    passes_all: u32,
    sorted: Option<SendableRecordBatchStream>,
    session: SessionContext,
    new: DataFrame,
    known: Option<DataFrame>,
    prefer: Vec<SortExpr>,
    ranking: Ranking,
}

impl Members {
    /// The next members, in the order of clusters and ranks. Documents without a copy are in no cluster. Of those of
    /// earlier runs only the one that stands for a cluster with a new document is told.
    ///
    /// # Errors
    /// When memory or disk do not suffice.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(sorted) = &mut self.sorted
                && let Some(batch) = sorted.try_next().await?
            {
                return Ok(Some(self.ranking.next(&batch)?));
            }
            let Some(pass) = self.passes.pop() else {
                return Ok(None);
            };
            let sorted = sorted_members(
                &self.session,
                self.new.clone(),
                self.known.clone(),
                &self.prefer,
                &self.ranking.components,
                (pass, self.passes_all),
            );
            self.sorted = Some(sorted.await?);
        }
    }

    /// The numbers of the comparison; those of clusters are complete behind the last member.
    pub fn stats(&self) -> &Stats {
        &self.ranking.stats
    }
}

impl Comparison {
    /// Finds the clusters.
    ///
    /// # Errors
    /// When memory or disk do not suffice, or there are 2³² documents or more.
    pub async fn run(self) -> Result<Members> {
        let (runs, mut marked, mut stats) = self.runs().await?;
        let candidates = marked.seal();
        stats.candidates = u64::from(candidates);
        let evidence = match self.fingerprint.verdict() {
            Verdict::Verified(_) => Some(Arc::new(self.evidence(&marked, candidates).await?)),
            _ => None,
        };
        let likeness = match (self.fingerprint.verdict(), &evidence) {
            (Verdict::Verified(measure), Some(evidence)) => Likeness::Measured(evidence.clone(), measure),
            (Verdict::Equal, _) => Likeness::Equal,
            _ => Likeness::Unknown,
        };
        let known: Vec<u32> = self
            .known_slices
            .iter()
            .map(|slice| marked.before(self.numbering.first(*slice)))
            .collect();
        let joined = {
            let (numbering, pool) = (self.numbering.clone(), self.room.pool.clone());
            let measured = match &likeness {
                Likeness::Measured(evidence, measure) => Some((evidence.clone(), measure.clone())),
                _ => None,
            };
            SpawnedTask::spawn_blocking(move || {
                let place = |document: u32| marked.place(document).expect("members of runs are marked");
                let mut sets = UnionFind::new(candidates);
                let mut judged = Judged::default();
                if let Some(linked) = runs.linked {
                    join_all(linked, place, &mut sets)?;
                }
                match &measured {
                    Some((evidence, measure)) => {
                        let judge = Judge {
                            evidence,
                            measure: measure.as_ref(),
                            known: &known,
                            pool: &pool,
                        };
                        judged = judge.join(runs.met.read()?, place, &mut sets)?;
                    }
                    None => join_all(runs.met, place, &mut sets)?,
                }
                let components = Components {
                    numbering,
                    marked,
                    sets,
                };
                Ok::<_, DataFusionError>((components, judged))
            })
            .await
            .map_err(|error| DataFusionError::Execution(format!("a comparison ended early: {error}")))??
        };
        let (components, judged) = joined;
        stats.compared = judged.compared;
        stats.failed = judged.failed;
        stats.unchecked = judged.unchecked;
        let components = Arc::new(components);
        let members = components.members();
        let passes = (members * MEMBER_BYTES).div_ceil(self.room.memory as u64).max(1) as u32;
        Ok(Members {
            passes: (0..passes).rev().collect(),
            passes_all: passes,
            sorted: None,
            session: self.session,
            new: self.new,
            known: self.known,
            prefer: self.prefer,
            ranking: Ranking {
                components,
                likeness,
                stats,
                open: None,
            },
        })
    }

    /// The runs of all bands.
    async fn runs(&self) -> Result<(Runs, Marked, Stats)> {
        let mut marked = Marked::new(self.numbering.documents());
        let mut stats = Stats::default();
        let mut met = RunFile::new(&self.room)?;
        if let Some(hamming) = self.fingerprint.neighbours() {
            stats.documents = self.neighbours(hamming, &mut met, &mut marked).await?;
        }
        let names: Vec<String> = (0..self.fingerprint.key_columns()).map(key_column).collect();
        for band in names.chunks(self.fingerprint.columns_per_band()) {
            let key: Vec<&str> = band.iter().map(String::as_str).collect();
            let documents = self.columns(&key)?;
            let rows = find_runs(
                &documents,
                &key,
                &self.numbering,
                &self.room,
                &mut met,
                &mut marked,
            )
            .await?;
            stats.documents = stats.documents.max(rows);
        }
        let linked = match &self.known {
            Some(known) => {
                let mut linked = RunFile::new(&self.room)?;
                let key = [CLUSTER_KEY_COLUMN];
                find_runs(known, &key, &self.numbering, &self.room, &mut linked, &mut marked).await?;
                Some(linked)
            }
            None => None,
        };
        Ok((Runs { met, linked }, marked, stats))
    }

    /// The pairs of documents whose evidence differs in a few bits, as runs of two; gives the number of documents that
    /// have evidence, which is in memory as a whole.
    async fn neighbours(&self, hamming: Hamming, met: &mut RunFile, marked: &mut Marked) -> Result<u64> {
        let words = hamming.bits as usize / 64;
        let mut rows = self
            .columns(&[EVIDENCE_COLUMN])?
            .filter(col(EVIDENCE_COLUMN).is_not_null())?
            .select(vec![
                col(DOCUMENT_COLUMN),
                cast(col(EVIDENCE_COLUMN), DataType::BinaryView).alias(EVIDENCE_COLUMN),
            ])?
            .execute_stream()
            .await?;
        let mut documents: Vec<u32> = Vec::new();
        let mut hashes: Vec<u64> = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            let numbers = batch.column(0).as_primitive::<UInt64Type>().values();
            let evidence = batch.column(1).as_binary_view();
            for (number, hash) in numbers.iter().zip(evidence.iter().flatten()) {
                documents.push(self.numbering.dense(*number)?);
                let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("chunks of 8 bytes"));
                hashes.extend(hash.chunks_exact(8).map(word));
            }
        }
        let pool = self.room.pool.clone();
        let found = SpawnedTask::spawn_blocking(move || {
            (
                near(&hashes, words, hamming.distance, hamming.positions, &pool),
                documents,
            )
        })
        .await
        .map_err(|error| DataFusionError::Execution(format!("a comparison ended early: {error}")))?;
        let (pairs, documents) = found;
        for (a, b) in pairs {
            let pair = [a, b].map(|place| documents[place as usize]);
            pair.iter().for_each(|document| marked.mark(*document));
            met.push(&pair)?;
        }
        Ok(documents.len() as u64)
    }

    async fn evidence(&self, marked: &Marked, candidates: u32) -> Result<Evidence> {
        let documents = self.columns(&[EVIDENCE_COLUMN])?;
        Evidence::gather(&documents, &self.numbering, marked, candidates, &self.room).await
    }

    /// These columns and the number of all documents.
    fn columns(&self, names: &[&str]) -> Result<DataFrame> {
        let columns = || names.iter().chain(&[DOCUMENT_COLUMN]).map(|name| col(*name));
        let new = self.new.clone().select(columns())?;
        match &self.known {
            Some(known) => new.union(known.clone().select(columns())?),
            None => Ok(new),
        }
    }
}

/// Documents that met.
struct Runs {
    /// In this comparison.
    met: RunFile,
    /// In earlier ones.
    linked: Option<RunFile>,
}

fn join_all(runs: RunFile, place: impl Fn(u32) -> u32, sets: &mut UnionFind) -> Result<()> {
    for run in runs.read()? {
        let run = run?;
        let first = place(run[0]);
        run[1..]
            .iter()
            .for_each(|document| sets.union(first, place(*document)));
    }
    Ok(())
}
