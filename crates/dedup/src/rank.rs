//! Which document of each cluster is kept: members in the order of the recipe, narrow and sorted.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringBuilder,
            StringViewArray, UInt32Array, UInt64Array,
        },
        compute::filter_record_batch,
        datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type, UInt64Type},
    },
    error::Result,
    execution::SendableRecordBatchStream,
    logical_expr::SortExpr,
    prelude::{DataFrame, SessionContext, cast, col, lit},
};

use crate::{
    CLUSTER_ID, CLUSTER_RANK, CLUSTER_SIMILARITY, CLUSTER_SIZE, DOCUMENT_COLUMN, EARLIER_COLUMN, Measure,
    Stats, evidence::Evidence, mapped::mapped, marked::Marked, numbering::Numbering, union_find::UnionFind,
};

/// The component of a document, for the sort.
const ROOT: &str = "__root";

/// The members of clusters, as [`Comparison`](crate::Comparison) gives them:
/// `document UInt64, id Utf8, cluster_id Utf8, cluster_rank UInt32, cluster_size UInt32, cluster_similarity Float64`.
pub fn members_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(DOCUMENT_COLUMN, DataType::UInt64, true),
        Field::new("id", DataType::Utf8, true),
        Field::new(CLUSTER_ID.name, DataType::Utf8, true),
        Field::new(CLUSTER_RANK.name, DataType::UInt32, true),
        Field::new(CLUSTER_SIZE.name, DataType::UInt32, true),
        Field::new(CLUSTER_SIMILARITY.name, DataType::Float64, true),
    ]))
}

/// What is known of the candidates when they are ranked.
#[derive(Debug)]
pub(crate) struct Components {
    pub(crate) numbering: Numbering,
    pub(crate) marked: Marked,
    pub(crate) sets: UnionFind,
}

impl Components {
    /// Documents that are in a component with another one.
    pub(crate) fn members(&self) -> u64 {
        self.sets.members()
    }

    /// The component of a document and its size, if it is not alone.
    fn of(&self, document: u64) -> Result<Option<(u32, u32)>> {
        let place = self.marked.place(self.numbering.dense(document)?);
        let root = place.map(|place| self.sets.root(place));
        Ok(root
            .map(|root| (root, self.sets.size(root)))
            .filter(|(_, size)| *size > 1))
    }
}

/// The members of one of several shares of the clusters, in the order of clusters and ranks: those of earlier runs first,
/// then by `prefer`, at the end by id.
pub(crate) async fn sorted_members(
    session: &SessionContext,
    new: DataFrame,
    known: Option<DataFrame>,
    prefer: &[SortExpr],
    components: &Arc<Components>,
    pass: (u32, u32),
) -> Result<SendableRecordBatchStream> {
    let order = |index: usize| format!("__prefer_{index}");
    let text = |name: &str| cast(col(name), DataType::Utf8View);
    let mut columns = vec![
        col(DOCUMENT_COLUMN),
        text("id").alias("id"),
        lit(u64::MAX).alias(EARLIER_COLUMN),
    ];
    columns.extend(
        prefer
            .iter()
            .enumerate()
            .map(|(index, by)| by.expr.clone().alias(order(index))),
    );
    let mut documents = new.select(columns)?;
    if let Some(known) = known {
        let mut columns = vec![col(DOCUMENT_COLUMN), text("id").alias("id"), col(EARLIER_COLUMN)];
        for index in 0..prefer.len() {
            let kind = documents.schema().field(index + 3).data_type().clone();
            columns.push(cast(lit(datafusion::common::ScalarValue::Null), kind).alias(order(index)));
        }
        documents = documents.union(known.select(columns)?)?;
    }
    let schema = with_root(documents.schema().as_arrow());
    let (components, with_root) = (components.clone(), schema.clone());
    let members = mapped(session, documents, schema, move |batch| {
        members_of(batch, &components, &with_root, pass)
    })
    .await?;
    let mut by = vec![col(ROOT).sort(true, false), col(EARLIER_COLUMN).sort(true, false)];
    by.extend(
        prefer
            .iter()
            .enumerate()
            .map(|(index, preferred)| col(order(index)).sort(preferred.asc, preferred.nulls_first)),
    );
    by.push(col("id").sort(true, false));
    // Two documents of one id, which users may give, are told apart by their place in the input.
    by.push(col(DOCUMENT_COLUMN).sort(true, false));
    members.sort(by)?.execute_stream().await
}

fn with_root(schema: &Schema) -> SchemaRef {
    let root = Arc::new(Field::new(ROOT, DataType::UInt32, false));
    let fields = schema.fields().iter().cloned().chain([root]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn members_of(
    batch: &RecordBatch,
    components: &Components,
    schema: &SchemaRef,
    (pass, passes): (u32, u32),
) -> Result<RecordBatch> {
    let documents = batch.column(0).as_primitive::<UInt64Type>().values();
    let found: Vec<_> = documents
        .iter()
        .map(|document| {
            let member = components.of(*document)?;
            Ok(member.filter(|(root, _)| root % passes == pass))
        })
        .collect::<Result<_>>()?;
    let rows = filter_record_batch(
        batch,
        &found
            .iter()
            .map(|found| Some(found.is_some()))
            .collect::<BooleanArray>(),
    )?;
    let roots = UInt32Array::from_iter_values(found.iter().flatten().map(|(root, _)| *root));
    let columns = rows
        .columns()
        .iter()
        .cloned()
        .chain([Arc::new(roots) as ArrayRef]);
    Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
}

/// One walk over the sorted members gives ranks; sizes and similarities come from what is known already.
pub(crate) struct Ranking {
    pub(crate) components: Arc<Components>,
    pub(crate) likeness: Likeness,
    pub(crate) stats: Stats,
    pub(crate) open: Option<Cluster>,
}

/// How alike the documents of a cluster are.
pub(crate) enum Likeness {
    /// Equal keys are equal documents.
    Equal,
    /// Nobody looked.
    Unknown,
    /// By their evidence.
    Measured(Arc<Evidence>, Arc<dyn Measure>),
}

/// The cluster that the walk is in.
pub(crate) struct Cluster {
    root: u32,
    size: u32,
    kept: Row,
    evidence: Option<Vec<u8>>,
    rank: u32,
    /// Whether the kept one is still to be told: one of an earlier run is, only if a new document follows.
    is_waiting: bool,
}

#[derive(Clone)]
struct Row {
    document: u64,
    id: Option<String>,
}

/// Columns of members under construction.
#[derive(Default)]
struct Output {
    documents: Vec<u64>,
    ids: StringBuilder,
    clusters: StringBuilder,
    ranks: Vec<u32>,
    sizes: Vec<u32>,
    similarities: Vec<Option<f64>>,
}

impl Output {
    fn push(&mut self, row: &Row, cluster: &Cluster, rank: u32, similarity: Option<f64>) {
        self.documents.push(row.document);
        self.ids.append_option(row.id.as_deref());
        self.clusters.append_option(cluster.kept.id.as_deref());
        self.ranks.push(rank);
        self.sizes.push(cluster.size);
        self.similarities.push(similarity);
    }

    fn finish(mut self) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(self.documents)),
            Arc::new(self.ids.finish()),
            Arc::new(self.clusters.finish()),
            Arc::new(UInt32Array::from(self.ranks)),
            Arc::new(UInt32Array::from(self.sizes)),
            Arc::new(Float64Array::from(self.similarities)),
        ];
        Ok(RecordBatch::try_new(members_schema(), columns)?)
    }
}

impl Ranking {
    /// The members among the next sorted rows, in order.
    pub(crate) fn next(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let column = |name: &str| batch.column_by_name(name).expect("sorted members have it");
        let documents = column(DOCUMENT_COLUMN).as_primitive::<UInt64Type>().values();
        let ids: &StringViewArray = column("id").as_string_view();
        let earlier = column(EARLIER_COLUMN).as_primitive::<UInt64Type>().values();
        let roots = column(ROOT).as_primitive::<UInt32Type>().values();
        let mut output = Output::default();
        for row in 0..batch.num_rows() {
            let is_new = earlier[row] == u64::MAX;
            let member = Row {
                document: documents[row],
                id: ids.is_valid(row).then(|| ids.value(row).to_owned()),
            };
            let opened = self.open.take().filter(|open| open.root == roots[row]);
            let Some(mut cluster) = opened else {
                let evidence = self.evidence(member.document)?;
                let cluster = Cluster {
                    root: roots[row],
                    size: self.components.sets.size(roots[row]),
                    kept: member,
                    evidence,
                    rank: 0,
                    is_waiting: !is_new,
                };
                if is_new {
                    self.tell_first(&cluster, &mut output);
                }
                self.open = Some(cluster);
                continue;
            };
            if is_new {
                if cluster.is_waiting {
                    self.tell_first(&cluster, &mut output);
                    cluster.is_waiting = false;
                    self.stats.known += 1;
                }
                cluster.rank += 1;
                let similarity = self.similarity(&cluster, member.document)?;
                self.stats.duplicates += 1;
                output.push(&member, &cluster, cluster.rank, similarity);
            }
            self.open = Some(cluster);
        }
        output.finish()
    }

    fn tell_first(&mut self, cluster: &Cluster, output: &mut Output) {
        self.stats.clusters += 1;
        *self.stats.sizes.entry(size_class(cluster.size)).or_default() += 1;
        let similarity = (!matches!(self.likeness, Likeness::Unknown)).then_some(1.0);
        output.push(&cluster.kept, cluster, 0, similarity);
    }

    fn evidence(&self, document: u64) -> Result<Option<Vec<u8>>> {
        let Likeness::Measured(evidence, _) = &self.likeness else {
            return Ok(None);
        };
        let place = self
            .components
            .marked
            .place(self.components.numbering.dense(document)?);
        Ok(place.map(|place| evidence.read(place)).transpose()?)
    }

    /// The similarity of a document and the one that is kept.
    fn similarity(&self, cluster: &Cluster, document: u64) -> Result<Option<f64>> {
        Ok(match &self.likeness {
            Likeness::Equal => Some(1.0),
            Likeness::Unknown => None,
            Likeness::Measured(_, measure) => {
                let own = self.evidence(document)?;
                let pair = cluster.evidence.as_ref().zip(own.as_ref());
                pair.map(|(kept, own)| measure.similarity(kept, own))
            }
        })
    }
}

/// The class of a cluster size in histograms: the largest power of two that is not above it.
fn size_class(size: u32) -> u32 {
    1 << size.ilog2()
}
