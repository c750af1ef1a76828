//! Between segments: which pages show which images.
//!
//! For images: what pages say of them. For interleaved documents: where in the crawl their images are.
//!
//! The addresses of images and of the references in pages become keys of 128 bits. Both meet in a join over keys and
//! document numbers alone, one share of the keys after the other, as much as memory holds. Of the references to an image the one that
//! says most counts: one with an alternative text before one without, then the first in the order of the input. A second
//! pass over the pages takes the texts of those that were chosen, and they are sorted by the image that they belong to.

use std::{collections::VecDeque, sync::Arc};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, RecordBatch, StringViewArray, UInt8Array, UInt32Array, UInt64Array,
        },
        compute::cast,
        datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type, UInt32Type, UInt64Type},
    },
    execution::SendableRecordBatchStream,
    prelude::{DataFrame, col, lit},
};
use futures::TryStreamExt;
use gristmill_core::{
    columns,
    nodes::{self, Media, MediaKind, Node},
};
use gristmill_dedup::DOCUMENT_COLUMN;
use gristmill_shard::{
    CHAIN_COLUMN, Created, ShardEntry, ShardOptions, ShardTable, ShardWriter, SliceRecord, layout,
};

use super::{Run, dedup::documents_of};
use crate::{
    Error, Result,
    node::{Location, Members},
    plan::{CONTEXT_COLUMNS, Op},
};

/// Keys of references, and what decides between those of one image.
const REFERENCES: [(&str, DataType); 5] = [
    ("high", DataType::UInt64),
    ("low", DataType::UInt64),
    ("page", DataType::UInt64),
    ("place", DataType::UInt32),
    ("silence", DataType::UInt8),
];
/// Keys of images, and where their records are.
const IMAGES: [(&str, DataType); 6] = [
    ("high", DataType::UInt64),
    ("low", DataType::UInt64),
    ("image", DataType::UInt64),
    ("uri", DataType::Utf8View),
    ("offset", DataType::UInt64),
    ("id", DataType::Utf8View),
];
/// Where the image of a node is.
const FOUND: [(&str, DataType); 5] = [
    (DOCUMENT_COLUMN, DataType::UInt64),
    ("place", DataType::UInt32),
    ("uri", DataType::Utf8View),
    ("offset", DataType::UInt64),
    ("id", DataType::Utf8View),
];
/// The reference that was chosen for an image, and how many there were.
const CHOSEN: [(&str, DataType); 4] = [
    ("image", DataType::UInt64),
    ("page", DataType::UInt64),
    ("place", DataType::UInt32),
    ("times", DataType::UInt32),
];
/// Memory that a row of the join takes, roughly.
const ROW_BYTES: u64 = 200;
/// The texts of a reference take as much memory in a sort as this many members of clusters, roughly.
const TEXT_ROWS: u64 = 10;

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    let fields = fields
        .iter()
        .map(|(name, kind)| Field::new(*name, kind.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// An image and what pages say of it.
fn told_schema() -> SchemaRef {
    let number = Field::new(DOCUMENT_COLUMN, DataType::UInt64, true);
    let told = CONTEXT_COLUMNS.iter().map(gristmill_core::Column::field);
    Arc::new(Schema::new([number].into_iter().chain(told).collect::<Vec<_>>()))
}

impl Run {
    /// The chain whose images pages are asked for behind a segment.
    fn asking(&self, segment: usize) -> Option<(u8, u8)> {
        let asks = self.plan.segments[segment]
            .steps
            .iter()
            .find(|step| matches!(step.op, Op::Ask))?;
        Some((asks.chain?, self.plan.pages?))
    }

    /// The chain whose documents look for images behind a segment, and the chain of these.
    fn seeking(&self, segment: usize) -> Option<(u8, u8)> {
        let steps = &self.plan.segments[segment].steps;
        let seeks = steps.iter().find(|step| matches!(step.op, Op::Seek))?;
        Some((seeks.chain?, self.plan.resources?))
    }

    /// Finds where the images of the documents are that a segment staged, unless an earlier attempt did.
    async fn seek_images(&self, segment: usize, staged: &[SliceRecord]) -> Result<()> {
        let Some((documents, images)) = self.seeking(segment) else {
            return Ok(());
        };
        let name = found_name(segment);
        if self.store.get(&name).await?.is_some() {
            return Ok(());
        }
        let files: Vec<ShardEntry> = staged.iter().flat_map(|record| record.shards.clone()).collect();
        let found = if files.is_empty() {
            Vec::new()
        } else {
            let image_keys = self.image_keys(segment, &files, images).await?;
            let references = self
                .reference_keys(segment, &files, documents, columns::DOCUMENT_NODES.name)
                .await?;
            let first = format!(
                "SELECT r.page AS \"{DOCUMENT_COLUMN}\", r.place, i.uri, i.\"offset\", i.id
                FROM (SELECT *, row_number() OVER (PARTITION BY high, low ORDER BY image) AS number FROM images) AS i
                JOIN page_references AS r
                ON i.high = r.high AND i.low = r.low
                WHERE i.number = 1
                ORDER BY r.page, r.place"
            );
            let found = self
                .joined(
                    segment,
                    ("found", &schema(&FOUND)),
                    &first,
                    &image_keys,
                    &references,
                )
                .await?;
            self.by_number(
                segment,
                ("by-document-found", &schema(&FOUND)),
                &[DOCUMENT_COLUMN, "place"],
                &found,
                staged,
            )
            .await?
        };
        self.note_files(&name, &found).await
    }

    /// Where the images of the documents of a range of slices are.
    async fn resources(&self, segment: usize, slices: (u32, u32), members: &mut Members) -> Result<()> {
        if self.seeking(segment).is_none() {
            return Ok(());
        }
        for batch in self.share_of(&found_name(segment), slices).await? {
            let documents = batch.column(0).as_primitive::<UInt64Type>().values();
            let places = batch.column(1).as_primitive::<UInt32Type>().values();
            let uris = batch.column(2).as_string_view();
            let offsets = batch.column(3).as_primitive::<UInt64Type>().values();
            let ids = batch.column(4).as_string_view();
            for (row, document) in documents.iter().enumerate() {
                let location = Location {
                    uri: uris.value(row).to_owned(),
                    offset: offsets[row],
                    id: ids.value(row).to_owned(),
                };
                members
                    .resources
                    .entry(*document)
                    .or_default()
                    .insert(places[row], location);
            }
        }
        Ok(())
    }

    /// Finds what pages say of the images that a segment staged, unless an earlier attempt did.
    pub(super) async fn ask_pages(&self, segment: usize, staged: &[SliceRecord]) -> Result<()> {
        self.seek_images(segment, staged).await?;
        let Some((images, pages)) = self.asking(segment) else {
            return Ok(());
        };
        if self.store.get(&record_name(segment)).await?.is_some() {
            return Ok(());
        }
        let files: Vec<ShardEntry> = staged.iter().flat_map(|record| record.shards.clone()).collect();
        let told = if files.is_empty() {
            Vec::new()
        } else {
            let image_keys = self.image_keys(segment, &files, images).await?;
            let references = self
                .reference_keys(segment, &files, pages, columns::PAGE_IMAGES.name)
                .await?;
            let chosen = self.chosen(segment, &image_keys, &references).await?;
            let texts = self.texts(segment, &files, pages, &chosen).await?;
            self.by_number(
                segment,
                ("by-image", &told_schema()),
                &[DOCUMENT_COLUMN],
                &texts,
                staged,
            )
            .await?
        };
        self.note_files(&record_name(segment), &told).await
    }

    /// Says once which files hold what was found.
    async fn note_files(&self, name: &str, files: &[ShardEntry]) -> Result<()> {
        let json = serde_json::to_vec_pretty(files).expect("a plain struct is JSON");
        match self.store.create(name, json.into()).await? {
            Created::Now => Ok(()),
            Created::Before(bytes) if read_record(&bytes)? == files => Ok(()),
            Created::Before(_) => Err(Error::Failed(format!(
                "another run found something else for {name}; this is a bug: please report it"
            ))),
        }
    }

    /// The rows of those files that are of documents of a range of slices.
    async fn share_of(&self, name: &str, slices: (u32, u32)) -> Result<Vec<RecordBatch>> {
        let bytes = self.store.get(name).await?;
        let files = read_record(&bytes.ok_or_else(|| Error::Failed(format!("{name} is gone")))?)?;
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let (from, to) = documents_of(slices.0, slices.1);
        let rows = self.staged(&files).await?;
        let share = rows.filter(col(DOCUMENT_COLUMN).between(lit(from), lit(to)))?;
        Ok(share.collect().await?)
    }

    fn scratch(&self, segment: usize, name: &str, schema: &SchemaRef) -> ShardWriter {
        let options = ShardOptions {
            row_group_rows: 100_000,
            ..self.shards.staged()
        };
        ShardWriter::new(format!("{}/{name}", layout::stage(segment)), 0, schema, options)
    }

    /// The rows of a chain, with these columns.
    async fn of_chain(&self, files: &[ShardEntry], chain: u8, names: &[&str]) -> Result<DataFrame> {
        let table = ShardTable::open(&self.session, &self.store, files).await?;
        let rows = self.session.read_table(Arc::new(table))?;
        let names: Vec<_> = names.iter().map(|name| col(*name)).collect();
        Ok(rows.filter(col(CHAIN_COLUMN).eq(lit(chain)))?.select(names)?)
    }

    /// Keys of the addresses of images.
    async fn image_keys(&self, segment: usize, files: &[ShardEntry], images: u8) -> Result<Vec<ShardEntry>> {
        let key = self.scan.registry.resource_key;
        let mut image_keys = self.scratch(segment, "image-keys", &schema(&IMAGES));
        let mut rows = self
            .of_chain(
                files,
                images,
                &[
                    columns::URL.name,
                    DOCUMENT_COLUMN,
                    columns::URI.name,
                    columns::OFFSET.name,
                    columns::ID.name,
                ],
            )
            .await?
            .filter(col(columns::URL.name).is_not_null())?
            .execute_stream()
            .await?;
        while let Some(batch) = rows.try_next().await? {
            let urls = batch.column(0).as_string_view();
            let keys: Vec<u128> = urls.iter().flatten().map(key).collect();
            let [high, low] = halves(&keys);
            let located = batch.columns()[1..].iter().cloned();
            let columns = [high, low].into_iter().chain(located).collect();
            image_keys
                .write(&RecordBatch::try_new(schema(&IMAGES), columns)?, &self.store)
                .await?;
        }
        Ok(image_keys.finish(&self.store).await?)
    }

    /// Keys of the addresses that the nodes of a chain refer to.
    async fn reference_keys(
        &self,
        segment: usize,
        files: &[ShardEntry],
        pages: u8,
        column: &str,
    ) -> Result<Vec<ShardEntry>> {
        let key = self.scan.registry.resource_key;
        let mut references = self.scratch(segment, "references", &schema(&REFERENCES));
        let mut rows = self.references(files, pages, column).await?;
        while let Some(pages) = rows.next().await? {
            let (mut keys, mut numbers, mut places, mut silent) = (vec![], vec![], vec![], vec![]);
            for page in pages {
                for (place, media) in &page.images {
                    keys.push(key(&media.src));
                    numbers.push(page.document);
                    places.push(*place);
                    silent.push(u8::from(
                        media.alt.as_ref().is_none_or(|alt| alt.trim().is_empty()),
                    ));
                }
            }
            let [high, low] = halves(&keys);
            let columns: Vec<ArrayRef> = vec![
                high,
                low,
                Arc::new(UInt64Array::from(numbers)),
                Arc::new(UInt32Array::from(places)),
                Arc::new(UInt8Array::from(silent)),
            ];
            let batch = RecordBatch::try_new(schema(&REFERENCES), columns)?;
            references.write(&batch, &self.store).await?;
        }
        Ok(references.finish(&self.store).await?)
    }

    /// The best reference of each image, in the order of pages.
    async fn chosen(
        &self,
        segment: usize,
        images: &[ShardEntry],
        references: &[ShardEntry],
    ) -> Result<Vec<ShardEntry>> {
        let best = "SELECT i.image, r.page, r.place, CAST(r.times AS INT UNSIGNED) AS times
            FROM images AS i
            JOIN (SELECT *, count(*) OVER (PARTITION BY high, low) AS times,
                    row_number() OVER (PARTITION BY high, low ORDER BY silence, page, place) AS number
                FROM page_references) AS r
            ON i.high = r.high AND i.low = r.low
            WHERE r.number = 1
            ORDER BY r.page, r.place, i.image";
        self.joined(segment, ("chosen", &schema(&CHOSEN)), best, images, references)
            .await
    }

    /// What a query over `images` and `page_references` gives, of which one is reduced to a row for each key before they
    /// are joined: popular addresses stand in both very often.
    async fn joined(
        &self,
        segment: usize,
        (name, schema): (&str, &SchemaRef),
        query: &str,
        images: &[ShardEntry],
        references: &[ShardEntry],
    ) -> Result<Vec<ShardEntry>> {
        let mut joined = self.scratch(segment, name, schema);
        if images.is_empty() || references.is_empty() {
            return Ok(joined.finish(&self.store).await?);
        }
        let rows: u64 = images.iter().chain(references).map(|file| file.rows).sum();
        let passes = (rows * ROW_BYTES).div_ceil(self.memory as u64).max(1);
        let session = &self.keys_session;
        let tables = [("image_keys", images), ("reference_keys", references)];
        for (name, files) in tables {
            let table = ShardTable::open(session, &self.store, files).await?;
            session.register_table(name, Arc::new(table))?;
        }
        for pass in 0..passes {
            let sql = format!(
                "WITH images AS (SELECT * FROM image_keys WHERE low % {passes} = {pass}),
                    page_references AS (SELECT * FROM reference_keys WHERE low % {passes} = {pass})
                {query}"
            );
            let mut rows = session.sql(&sql).await?.execute_stream().await?;
            while let Some(batch) = rows.try_next().await? {
                let columns = batch.columns().iter().zip(schema.fields());
                let columns = columns.map(|(array, field)| cast(array, field.data_type()));
                let batch = RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)?;
                joined.write(&batch, &self.store).await?;
            }
        }
        for (name, _) in tables {
            session.deregister_table(name)?;
        }
        Ok(joined.finish(&self.store).await?)
    }

    /// The texts of the references that were chosen, in the order of pages.
    async fn texts(
        &self,
        segment: usize,
        files: &[ShardEntry],
        pages: u8,
        chosen: &[ShardEntry],
    ) -> Result<Vec<ShardEntry>> {
        let mut writer = self.scratch(segment, "told", &told_schema());
        if !chosen.is_empty() {
            let mut wanted = self
                .staged(chosen)
                .await?
                .sort(vec![
                    col("page").sort(true, false),
                    col("place").sort(true, false),
                ])?
                .execute_stream()
                .await?;
            let mut next: VecDeque<(u64, u32, u64, u32)> = VecDeque::new();
            let mut rows = self.references(files, pages, columns::PAGE_IMAGES.name).await?;
            while let Some(pages) = rows.next().await? {
                let mut told = Told::new();
                for page in pages {
                    loop {
                        while next.is_empty()
                            && let Some(batch) = wanted.try_next().await?
                        {
                            let number = |at: usize| batch.column(at).as_primitive::<UInt64Type>().values();
                            let small = |at: usize| batch.column(at).as_primitive::<UInt32Type>().values();
                            let (image, page, place, times) = (number(0), number(1), small(2), small(3));
                            next.extend(
                                (0..batch.num_rows()).map(|at| (page[at], place[at], image[at], times[at])),
                            );
                        }
                        match next.front() {
                            Some((document, place, image, times)) if *document == page.document => {
                                let media = page.images.iter().find(|(other, _)| other == place);
                                let (_, media) = media.expect("the place came from this page");
                                told.push(*image, media, &page, *times);
                                next.pop_front();
                            }
                            _ => break,
                        }
                    }
                }
                writer.write(&told.finish()?, &self.store).await?;
            }
        }
        Ok(writer.finish(&self.store).await?)
    }

    /// Rows in the order of documents, so that each slice finds its own in one stretch of row groups.
    async fn by_number(
        &self,
        segment: usize,
        (name, schema): (&str, &SchemaRef),
        order: &[&str],
        told: &[ShardEntry],
        staged: &[SliceRecord],
    ) -> Result<Vec<ShardEntry>> {
        let mut writer = self.scratch(segment, name, schema);
        if !told.is_empty() {
            let rows: u64 = told.iter().map(|file| file.rows).sum();
            for (first, last) in self.shares(staged, rows * TEXT_ROWS) {
                let (from, to) = documents_of(first, last);
                let mut sorted = self
                    .staged(told)
                    .await?
                    .filter(col(DOCUMENT_COLUMN).between(lit(from), lit(to)))?
                    .sort(order.iter().map(|name| col(*name).sort(true, false)).collect())?
                    .execute_stream()
                    .await?;
                while let Some(batch) = sorted.try_next().await? {
                    writer.write(&batch, &self.store).await?;
                }
            }
        }
        Ok(writer.finish(&self.store).await?)
    }

    /// What pages say of the images of a range of slices.
    pub(super) async fn contexts(
        &self,
        segment: usize,
        slices: (u32, u32),
        members: &mut Members,
    ) -> Result<()> {
        self.resources(segment, slices, members).await?;
        if self.asking(segment).is_none() {
            return Ok(());
        }
        for batch in self.share_of(&record_name(segment), slices).await? {
            let number = members.context_batches.len();
            let documents = batch.column(0).as_primitive::<UInt64Type>().values();
            let places = documents
                .iter()
                .enumerate()
                .map(|(row, document)| (*document, (number, row)));
            members.contexts.extend(places);
            members.context_batches.push(batch);
        }
        Ok(())
    }

    /// The images of pages, in the order of pages.
    async fn references(&self, files: &[ShardEntry], pages: u8, column: &str) -> Result<References> {
        let names = [
            DOCUMENT_COLUMN,
            column,
            columns::URL.name,
            columns::ID.name,
            CHAIN_COLUMN,
        ];
        let table = ShardTable::open(&self.session, &self.store, files).await?;
        let rows = table.read_columns(&names)?.execute(0, self.session.task_ctx())?;
        Ok(References { rows, pages })
    }
}

/// Reads the references of pages, in the order of pages.
struct References {
    rows: SendableRecordBatchStream,
    /// The chain of the pages.
    pages: u8,
}

/// A page that has images.
struct PageImages {
    document: u64,
    url: Option<String>,
    id: Option<String>,
    /// With their places among the nodes.
    images: Vec<(u32, Media)>,
}

impl References {
    /// The next pages.
    async fn next(&mut self) -> Result<Option<Vec<PageImages>>> {
        match self.rows.try_next().await? {
            Some(batch) => Ok(Some(pages_of(&batch, self.pages)?)),
            None => Ok(None),
        }
    }
}

fn pages_of(batch: &RecordBatch, pages: u8) -> Result<Vec<PageImages>> {
    let chains = batch.column(4).as_primitive::<UInt8Type>();
    let documents = batch.column(0).as_primitive::<UInt64Type>().values();
    let nodes = batch.column(1).as_binary_view();
    let text = |column: usize, row: usize| {
        let texts = batch.column(column).as_string_view();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let mut found = Vec::new();
    for (row, nodes) in nodes.iter().enumerate() {
        let Some(nodes) = nodes.filter(|_| chains.is_valid(row) && chains.value(row) == pages) else {
            continue;
        };
        let nodes = nodes::decode(nodes)
            .map_err(|fault| Error::Failed(format!("staged references cannot be read: {fault}")))?;
        let images = (0_u32..).zip(nodes).filter_map(|(place, node)| match node {
            Node::Media(media) if media.kind == MediaKind::Image => Some((place, media)),
            _ => None,
        });
        found.push(PageImages {
            document: documents[row],
            url: text(2, row),
            id: text(3, row),
            images: images.collect(),
        });
    }
    Ok(found)
}

/// Gathers what pages say of images.
struct Told {
    images: Vec<u64>,
    times: Vec<u32>,
    texts: Vec<[Option<String>; TEXTS]>,
}

/// The columns of texts.
const TEXTS: usize = CONTEXT_COLUMNS.len() - 1;

impl Told {
    fn new() -> Self {
        Told {
            images: Vec::new(),
            times: Vec::new(),
            texts: Vec::new(),
        }
    }

    fn push(&mut self, image: u64, media: &Media, page: &PageImages, times: u32) {
        let full = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        self.images.push(image);
        self.times.push(times);
        self.texts.push([
            media.alt.as_deref().and_then(full),
            media.title.clone(),
            media.caption.clone(),
            full(&media.text_before),
            full(&media.text_after),
            page.url.clone(),
            page.id.clone(),
        ]);
    }

    fn finish(self) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(self.images))];
        for column in 0..TEXTS {
            let texts = self.texts.iter().map(|texts| texts[column].as_deref());
            columns.push(Arc::new(texts.collect::<StringViewArray>()));
        }
        columns.push(Arc::new(UInt32Array::from(self.times)));
        Ok(RecordBatch::try_new(told_schema(), columns)?)
    }
}

/// The high and the low half of keys.
fn halves(keys: &[u128]) -> [ArrayRef; 2] {
    [64, 0].map(|shift| {
        let halves = keys.iter().map(|key| (key >> shift) as u64);
        Arc::new(UInt64Array::from_iter_values(halves)) as ArrayRef
    })
}

fn found_name(segment: usize) -> String {
    format!("{}/images.json", layout::stage(segment))
}

fn record_name(segment: usize) -> String {
    format!("{}/context.json", layout::stage(segment))
}

fn read_record(bytes: &[u8]) -> Result<Vec<ShardEntry>> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Failed(format!("not the record of what pages say: {error}")))
}
