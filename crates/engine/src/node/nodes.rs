//! Nodes: the pieces of interleaved documents are judged one by one, and what stays becomes aligned lists.
//!
//! The nodes of a document become rows: texts in the chain [`TEXTS`], images that the crawl holds in the chain [`IMAGES`],
//! everything else in [`OTHERS`], which no rule looks at. The steps of the recipe run over these rows as they do over
//! documents. What lives on is put together again: `texts` and `images` of equal length with one of them null at each
//! position, and `metadata` beside them. What left is told in `rejected_nodes` with its verdict, and what is only known
//! by its address in `references`.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BinaryViewArray, ListArray, RecordBatch, StringViewArray, UInt8Array,
            UInt32Array, new_null_array,
        },
        buffer::OffsetBuffer,
        compute::interleave,
        datatypes::{DataType, UInt32Type, UInt64Type},
    },
    common::Result as DfResult,
    prelude::SessionContext,
};
use gristmill_core::{
    ColumnType, columns,
    nodes::{self, Media, MediaKind, Node},
};
use gristmill_shard::VERDICT_COLUMN;
use serde_json::{Map, Value, json};

use super::{
    fetch::{Fetcher, Location},
    sieve::{Asking, Doors},
    stage::{Members, Work},
};
use crate::{
    Error,
    plan::{NODE_COLUMNS, NodesOp, Op, PlanStep},
};

/// The chain of pieces of text.
pub(crate) const TEXTS: u8 = 0;
/// The chain of images whose bytes are there.
pub(crate) const IMAGES: u8 = 1;
/// What is only known by its address.
const OTHERS: u8 = 2;

/// Nodes that are rows of one batch.
const CHUNK: usize = 32;

/// The steps of nodes, ready to run.
pub(crate) struct Nodes {
    op: Arc<NodesOp>,
    steps: Vec<Ready>,
    fetcher: Fetcher,
}

enum Ready {
    Stage(Work),
    Sieve(Doors),
}

/// A node on its way.
struct Piece {
    node: Node,
    /// The bytes of an image that the crawl holds, and its record.
    bytes: Option<bytes::Bytes>,
    record: Option<Location>,
    /// Why there are none.
    reason: Option<String>,
}

/// What became of the nodes of a document.
#[derive(Default)]
struct Assembled {
    texts: Vec<Option<String>>,
    /// Of each position the batch and row of its image.
    images: Vec<Option<(usize, usize)>>,
    metadata: Vec<Value>,
    rejected: Vec<Value>,
    references: Vec<Value>,
}

impl Nodes {
    pub(crate) fn new(session: &SessionContext, op: &Arc<NodesOp>, fetcher: Fetcher) -> DfResult<Self> {
        let mut input = op.input.clone();
        let mut steps = Vec::new();
        for PlanStep {
            chain, op, output, ..
        } in &op.steps
        {
            steps.push(match op {
                Op::Sieve(doors) => Ready::Sieve(Doors::new(
                    session,
                    &input,
                    *chain,
                    doors,
                    output.clone(),
                    None,
                    Asking::KeepValues,
                )?),
                op => Ready::Stage(Work::new(
                    *chain,
                    op.clone(),
                    output.clone(),
                    Arc::default(),
                    None,
                )),
            });
            input = output.clone();
        }
        Ok(Nodes {
            op: op.clone(),
            steps,
            fetcher,
        })
    }

    /// The columns of documents, from their nodes.
    pub(super) fn assemble(
        &self,
        batch: &RecordBatch,
        members: &Members,
    ) -> DfResult<HashMap<String, ArrayRef>> {
        let column = |name: &str| batch.column_by_name(name);
        let encoded = column(columns::DOCUMENT_NODES.name)
            .expect("the plan carries it")
            .as_binary_view();
        let documents = column(gristmill_dedup::DOCUMENT_COLUMN).map(AsArray::as_primitive::<UInt64Type>);
        let text = |name: &str, row: usize| {
            let texts = column(name)?.as_string_view();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut assembled = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let nodes = nodes::decode(encoded.value(row))
                .map_err(|fault| Error::Failed(format!("nodes cannot be read: {fault}")))?;
            let found = documents.and_then(|documents| members.resources.get(&documents.value(row)));
            let id = text(columns::ID.name, row).unwrap_or_default();
            let url = text(columns::URL.name, row);
            let mut document = Assembled::default();
            let mut left = self.fetcher.limits().document_bytes;
            let mut chunk = Vec::with_capacity(CHUNK);
            let mut first = 0;
            let mut nodes = nodes.into_iter().enumerate().peekable();
            while let Some((place, node)) = nodes.next() {
                chunk.push(self.piece(place, node, found, &mut left)?);
                if chunk.len() == CHUNK || nodes.peek().is_none() {
                    let judged = self.judge(&id, first, &chunk)?;
                    document.add(&chunk, &judged, batches.len(), url.as_deref(), &self.op);
                    batches.push(judged);
                    first = place + 1;
                    chunk.clear();
                }
            }
            assembled.push(document);
        }
        self.columns(batch, &batches, &assembled)
    }

    /// A node with the bytes of its image.
    fn piece(
        &self,
        place: usize,
        node: Node,
        found: Option<&HashMap<u32, Location>>,
        left: &mut usize,
    ) -> DfResult<Piece> {
        let mut piece = Piece {
            node,
            bytes: None,
            record: None,
            reason: None,
        };
        match &piece.node {
            Node::Media(media) if media.kind == MediaKind::Image => {
                let location = found.and_then(|found| found.get(&(place as u32)));
                let Some(location) = location else {
                    piece.reason = Some("not in the crawl".to_owned());
                    return Ok(piece);
                };
                match self.fetcher.fetch(location)? {
                    Some(bytes) if bytes.len() > *left => {
                        piece.reason = Some(format!(
                            "limit: images of a document exceed {} bytes",
                            self.fetcher.limits().document_bytes
                        ));
                    }
                    Some(bytes) => {
                        *left -= bytes.len();
                        piece.bytes = Some(bytes);
                        piece.record = Some(location.clone());
                    }
                    None => piece.reason = Some("its record has no content".to_owned()),
                }
            }
            Node::Media(_) => piece.reason = Some("kept as an address".to_owned()),
            Node::Text(_) => {}
        }
        Ok(piece)
    }

    /// Takes nodes through the steps.
    fn judge(&self, id: &str, first: usize, pieces: &[Piece]) -> DfResult<RecordBatch> {
        let media = |piece: &Piece| match &piece.node {
            Node::Media(media) => Some(media.clone()),
            Node::Text(_) => None,
        };
        let all: Vec<Option<Media>> = pieces.iter().map(media).collect();
        let of_media = |of: fn(&Media) -> Option<&str>| -> ArrayRef {
            Arc::new(
                all.iter()
                    .map(|media| media.as_ref().and_then(of))
                    .collect::<StringViewArray>(),
            )
        };
        let numbers = |of: fn(&Media) -> Option<u32>| -> ArrayRef {
            Arc::new(
                all.iter()
                    .map(|media| media.as_ref().and_then(of))
                    .collect::<UInt32Array>(),
            )
        };
        let chains = pieces.iter().map(|piece| match (&piece.node, &piece.bytes) {
            (Node::Text(_), _) => TEXTS,
            (Node::Media(_), Some(_)) => IMAGES,
            _ => OTHERS,
        });
        let ids = (first..)
            .take(pieces.len())
            .map(|number| Some(format!("{id}-{number}")));
        let texts = pieces.iter().map(|piece| match &piece.node {
            Node::Text(text) => Some(text.as_str()),
            Node::Media(_) => None,
        });
        let arrays = self.op.input.fields().iter().map(|field| -> ArrayRef {
            match field.name().as_str() {
                "id" => Arc::new(ids.clone().collect::<StringViewArray>()),
                "url" => of_media(|media| Some(&media.src)),
                "content" => Arc::new(
                    pieces
                        .iter()
                        .map(|piece| piece.bytes.as_deref())
                        .collect::<BinaryViewArray>(),
                ),
                "text" => Arc::new(texts.clone().collect::<StringViewArray>()),
                "node_alt" => of_media(|media| media.alt.as_deref()),
                "node_title" => of_media(|media| media.title.as_deref()),
                "node_caption" => of_media(|media| media.caption.as_deref()),
                "node_rendered_width_px" => numbers(|media| media.rendered_width_px),
                "node_rendered_height_px" => numbers(|media| media.rendered_height_px),
                gristmill_shard::CHAIN_COLUMN => Arc::new(chains.clone().collect::<UInt8Array>()),
                _ => new_null_array(field.data_type(), pieces.len()),
            }
        });
        let mut batch = RecordBatch::try_new(self.op.input.clone(), arrays.collect())?;
        for step in &self.steps {
            batch = match step {
                Ready::Stage(work) => work.run(&batch)?,
                Ready::Sieve(doors) => doors.ask(&batch)?,
            };
        }
        Ok(batch)
    }

    fn columns(
        &self,
        documents: &RecordBatch,
        batches: &[RecordBatch],
        assembled: &[Assembled],
    ) -> DfResult<HashMap<String, ArrayRef>> {
        let lengths =
            || OffsetBuffer::<i32>::from_lengths(assembled.iter().map(|document| document.texts.len()));
        let texts: StringViewArray = assembled
            .iter()
            .flat_map(|document| &document.texts)
            .map(Option::as_deref)
            .collect();
        let texts = list(ColumnType::Texts, lengths(), Arc::new(texts));
        let none = new_null_array(&ColumnType::Media.data_type(), 1);
        let stored = batches.iter().map(|batch| {
            batch
                .column_by_name(columns::IMAGE.name)
                .expect("the plan carries it")
                .as_ref()
        });
        let arrays: Vec<&dyn Array> = [none.as_ref()].into_iter().chain(stored).collect();
        let places: Vec<(usize, usize)> = assembled
            .iter()
            .flat_map(|document| &document.images)
            .map(|place| place.map_or((0, 0), |(batch, row)| (batch + 1, row)))
            .collect();
        let images = list(ColumnType::MediaList, lengths(), interleave(&arrays, &places)?);
        let told = |of: fn(&Assembled) -> &Vec<Value>| -> ArrayRef {
            let told = assembled
                .iter()
                .map(|document| Some(Value::from(of(document).clone()).to_string()));
            Arc::new(told.collect::<StringViewArray>())
        };
        let count = |of: fn(&Assembled) -> usize| -> ArrayRef {
            Arc::new(UInt32Array::from_iter_values(
                assembled.iter().map(|document| of(document) as u32),
            ))
        };
        let joined = assembled.iter().map(|document| {
            let texts: Vec<&str> = document.texts.iter().flatten().map(String::as_str).collect();
            Some(texts.join("\n\n"))
        });
        let general = (0..documents.num_rows()).map(|row| Some(general_metadata(documents, row).to_string()));
        let mut outputs: HashMap<String, ArrayRef> = HashMap::new();
        for column in &NODE_COLUMNS {
            let array: ArrayRef = match column.name {
                "text" => Arc::new(joined.clone().collect::<StringViewArray>()),
                "texts" => texts.clone(),
                "images" => images.clone(),
                "metadata" => told(|document| &document.metadata),
                "general_metadata" => Arc::new(general.clone().collect::<StringViewArray>()),
                "rejected_nodes" => told(|document| &document.rejected),
                "references" => told(|document| &document.references),
                "interleaved_text_count" => count(|document| document.texts.iter().flatten().count()),
                "interleaved_image_count" => count(|document| document.images.iter().flatten().count()),
                "interleaved_rejected_count" => count(|document| document.rejected.len()),
                name => unreachable!("{name} is a column of nodes"),
            };
            outputs.insert(column.name.to_owned(), array);
        }
        Ok(outputs)
    }
}

impl Assembled {
    /// Adds nodes that went through the steps.
    fn add(
        &mut self,
        pieces: &[Piece],
        judged: &RecordBatch,
        number: usize,
        url: Option<&str>,
        op: &NodesOp,
    ) {
        let verdicts = judged
            .column_by_name(VERDICT_COLUMN)
            .expect("the plan carries it")
            .as_primitive::<UInt32Type>();
        let string = |name: &str, row: usize| {
            let texts = judged.column_by_name(name)?.as_string_view();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        for (row, piece) in pieces.iter().enumerate() {
            if verdicts.is_valid(row) {
                let rule = &op.rules[verdicts.value(row) as usize];
                let mut told = match &piece.node {
                    Node::Text(text) => object([("kind", json!("text")), ("text", json!(text))]),
                    Node::Media(media) => address(media),
                };
                told.insert("verdict".into(), json!(rule.name));
                if let Some(fault) = string(columns::FAULT.name, row) {
                    told.insert("fault".into(), json!(fault));
                }
                told.insert("position".into(), json!(self.texts.len()));
                self.rejected.push(Value::Object(told));
                continue;
            }
            match (&piece.node, &piece.reason) {
                (Node::Text(_), _) => {
                    self.texts.push(string(columns::TEXT.name, row));
                    self.images.push(None);
                    self.metadata.push(Value::Null);
                }
                (Node::Media(media), Some(reason)) => {
                    let mut told = address(media);
                    told.insert("reason".into(), json!(reason));
                    told.insert("position".into(), json!(self.texts.len()));
                    self.references.push(Value::Object(told));
                }
                (Node::Media(media), None) => {
                    self.texts.push(None);
                    self.images.push(Some((number, row)));
                    self.metadata
                        .push(image_metadata(media, piece.record.as_ref(), judged, row, url));
                }
            }
        }
    }
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// What is told of a medium that is not in the document.
fn address(media: &Media) -> Map<String, Value> {
    let kind = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    let mut told = object([("kind", json!(kind)), ("src", json!(media.src))]);
    if let Some(alt) = &media.alt {
        told.insert("alt_text".into(), json!(alt));
    }
    told
}

/// The metadata of an image as OBELICS has it.
fn image_metadata(
    media: &Media,
    record: Option<&Location>,
    judged: &RecordBatch,
    row: usize,
    url: Option<&str>,
) -> Value {
    let number = |name: &str| {
        let numbers = judged.column_by_name(name)?.as_primitive_opt::<UInt32Type>()?;
        numbers.is_valid(row).then(|| numbers.value(row))
    };
    let format = judged.column_by_name("image_format").map(AsArray::as_string_view);
    let mut told = object([
        ("document_url", json!(url)),
        ("unformatted_src", json!(media.unformatted_src)),
        ("src", json!(media.src)),
        ("original_width", json!(number("image_width_px"))),
        ("original_height", json!(number("image_height_px"))),
        (
            "format",
            json!(
                format
                    .filter(|format| format.is_valid(row))
                    .map(|format| format.value(row))
            ),
        ),
    ]);
    let optional = [
        ("alt_text", media.alt.clone().map(Value::from)),
        ("title", media.title.clone().map(Value::from)),
        ("caption", media.caption.clone().map(Value::from)),
        ("rendered_width", media.rendered_width_px.map(Value::from)),
        ("rendered_height", media.rendered_height_px.map(Value::from)),
        ("warc_filename", record.map(|record| json!(record.uri))),
        ("warc_record_offset", record.map(|record| json!(record.offset))),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            told.insert(key.to_owned(), value);
        }
    }
    Value::Object(told)
}

/// Where a document is from, as OBELICS has it.
fn general_metadata(documents: &RecordBatch, row: usize) -> Value {
    let text = |name: &str| {
        let texts = documents.column_by_name(name)?.as_string_view();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let number = |name: &str| {
        let numbers = documents.column_by_name(name)?.as_primitive_opt::<UInt64Type>()?;
        numbers.is_valid(row).then(|| numbers.value(row))
    };
    json!({
        "url": text(columns::URL.name), "warc_filename": text(columns::URI.name),
        "warc_record_offset": number(columns::OFFSET.name), "warc_record_length": number(columns::LENGTH.name),
    })
}

/// A list column of a type of ours.
fn list(kind: ColumnType, offsets: OffsetBuffer<i32>, values: ArrayRef) -> ArrayRef {
    let DataType::List(item) = kind.data_type() else {
        unreachable!("lists alone are asked for");
    };
    Arc::new(ListArray::new(item, offsets, values, None))
}
