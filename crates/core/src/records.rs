//! Records on their way out of a format: options in, record batches out.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchOptions,
    builder::{
        ArrayBuilder, BinaryViewBuilder, StringViewBuilder, TimestampMillisecondBuilder, UInt16Builder,
        UInt64Builder,
    },
};
use arrow_schema::{Schema, SchemaRef};

use crate::{Column, ColumnType, Fault, Limits, Result, columns, record_id};

/// How a recipe wants an object to be read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Bounds on what is believed of the input.
    pub limits: Limits,
    /// Which fields of structured formats (JSONL, CSV, Parquet, Arrow, WebDataset) become which record columns.
    pub fields: FieldMap,
    /// Record columns that somebody asked for. Others may be left null: a format need not decode `content`
    /// that nobody reads.
    pub wanted: Vec<&'static str>,
    /// A batch is handed on when it has this many rows …
    pub batch_rows: usize,
    /// … or this many bytes of content, urls and carried texts. Batches of 8 MiB read about 6 % slower than those of
    /// 1 to 4 MiB.
    pub batch_bytes: usize,
}

/// Which fields of a row or a sample become which record columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMap {
    /// The field that holds the content (`text`).
    pub content: String,
    /// The media type of that content (`text/plain`, or `text/html` for pages in a column).
    pub media_type: String,
    /// How the field holds the content.
    pub encoding: Encoding,
    /// The field that holds the id; the id is made from uri and offset when absent or null.
    pub id: Option<String>,
    /// The field that holds the url.
    pub url: Option<String>,
    /// Further fields to carry along, each a column of its own name and declared type.
    pub carry: Vec<(String, ColumnType)>,
    /// The field among the carried ones that becomes the column [`columns::TEXT`]: the caption of an image.
    pub caption: Option<String>,
}

/// How a field holds content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As it is: a text, or bytes.
    #[default]
    Plain,
    /// As Base64, or as a `data:` URL.
    Base64,
    /// As the path of another object, relative to the folder of the one that names it; see
    /// [`Object::sibling`](crate::Object::sibling).
    Path,
}

impl Default for FieldMap {
    fn default() -> Self {
        FieldMap {
            content: "text".into(),
            media_type: "text/plain".into(),
            encoding: Encoding::Plain,
            id: None,
            url: None,
            carry: Vec::new(),
            caption: None,
        }
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            limits: Limits::default(),
            fields: FieldMap::default(),
            wanted: columns::RECORD.iter().map(|column| column.name).collect(),
            batch_rows: 256,
            batch_bytes: 1 << 20,
        }
    }
}

impl ReadOptions {
    /// Whether a record column was asked for.
    pub fn wants(&self, column: &Column) -> bool {
        self.wanted.contains(&column.name)
    }

    /// The schema of the batches: the columns of [`columns::RECORD`], then the carried fields. Always all of
    /// them, in this order, whatever is wanted.
    pub fn schema(&self) -> SchemaRef {
        let carried = self.fields.carry.iter().map(|(name, kind)| {
            let name = match &self.fields.caption {
                Some(caption) if caption == name => columns::TEXT.name,
                _ => name,
            };
            arrow_schema::Field::new(name, kind.data_type(), true)
        });
        Arc::new(Schema::new(
            columns::RECORD
                .iter()
                .map(Column::field)
                .chain(carried)
                .collect::<Vec<_>>(),
        ))
    }
}

/// Batches of records of one slice, in the order of the object.
pub trait Records: Send {
    /// The next batch with the schema of [`ReadOptions::schema`], or `None` at the end of the slice.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>>;
}

/// One record on its way into a batch; borrowed parts are copied once, into the batch.
#[derive(Debug, Default)]
pub struct Record<'a> {
    /// Start of the record (of its gzip member) in the stored object.
    pub offset: u64,
    /// Stored bytes of the record (of its gzip member).
    pub length: u64,
    /// Counts the records that share `offset`, from 0.
    pub position: u64,
    /// An id that the data brings along; made from uri, offset and position when absent.
    pub id: Option<&'a str>,
    /// See [`columns::RECORD_TYPE`].
    pub record_type: &'a str,
    /// See [`columns::URL`].
    pub url: Option<&'a str>,
    /// See [`columns::MEDIA_TYPE`].
    pub media_type: Option<&'a str>,
    /// See [`columns::CHARSET`].
    pub charset: Option<&'a str>,
    /// See [`columns::HTTP_STATUS`].
    pub http_status: Option<u16>,
    /// Milliseconds since 1970, UTC.
    pub timestamp: Option<i64>,
    /// See [`columns::TRUNCATED`].
    pub truncated: Option<&'a str>,
    /// See [`columns::MEMBER`].
    pub member: Option<&'a str>,
    /// See [`columns::SAMPLE`].
    pub sample: Option<&'a str>,
    /// See [`columns::CONTENT`].
    pub content: Option<&'a [u8]>,
    /// Bytes of its carried texts, which the batch holds too.
    pub carried_bytes: usize,
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// Gathers records into batches cut by rows and by bytes of content.
pub struct RecordBatcher {
    uri: String,
    options: ReadOptions,
    schema: SchemaRef,
    rows: usize,
    bytes: usize,
    id: StringViewBuilder,
    uris: StringViewBuilder,
    offset: UInt64Builder,
    length: UInt64Builder,
    record_type: StringViewBuilder,
    url: StringViewBuilder,
    media_type: StringViewBuilder,
    charset: StringViewBuilder,
    http_status: UInt16Builder,
    timestamp: TimestampMillisecondBuilder,
    truncated: StringViewBuilder,
    member: StringViewBuilder,
    sample: StringViewBuilder,
    content: BinaryViewBuilder,
    fault: StringViewBuilder,
}

impl RecordBatcher {
    /// An empty batcher for records of one object.
    pub fn new(uri: &str, options: &ReadOptions) -> Self {
        RecordBatcher {
            uri: uri.to_owned(),
            schema: options.schema(),
            options: options.clone(),
            rows: 0,
            bytes: 0,
            id: strings(),
            uris: strings().with_deduplicate_strings(),
            offset: UInt64Builder::new(),
            length: UInt64Builder::new(),
            record_type: strings(),
            url: strings(),
            media_type: strings().with_deduplicate_strings(),
            charset: strings(),
            http_status: UInt16Builder::new(),
            timestamp: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            truncated: strings(),
            member: strings(),
            sample: strings(),
            content: BinaryViewBuilder::new()
                .with_fixed_block_size(options.batch_bytes.clamp(TEXT_BLOCK, CONTENT_BLOCK) as u32),
            fault: strings(),
        }
    }

    /// Adds a record.
    pub fn push(&mut self, record: &Record<'_>) {
        match record.id {
            Some(id) => self.id.append_value(id),
            None => self
                .id
                .append_value(record_id(&self.uri, record.offset, record.position)),
        }
        self.uris.append_value(&self.uri);
        self.offset.append_value(record.offset);
        self.length.append_value(record.length);
        self.record_type.append_value(record.record_type);
        self.url.append_option(record.url);
        self.media_type.append_option(record.media_type);
        self.charset.append_option(record.charset);
        self.http_status.append_option(record.http_status);
        self.timestamp.append_option(record.timestamp);
        self.truncated.append_option(record.truncated);
        self.member.append_option(record.member);
        self.sample.append_option(record.sample);
        let content = record.content.filter(|_| self.options.wants(&columns::CONTENT));
        self.content.append_option(content);
        self.fault
            .append_option(record.fault.as_ref().map(ToString::to_string));
        self.rows += 1;
        self.bytes += content.map_or(0, <[u8]>::len) + record.url.map_or(0, str::len) + record.carried_bytes;
    }

    /// Whether the batch should be taken before the next record is pushed.
    pub fn is_full(&self) -> bool {
        self.rows >= self.options.batch_rows || self.bytes >= self.options.batch_bytes
    }

    /// Rows gathered so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes what was gathered, or `None` if nothing was. `carried` holds one array per carried field, in the
    /// order of [`FieldMap::carry`], each with [`rows`](Self::rows) rows.
    ///
    /// # Errors
    /// When the carried arrays do not fit the schema.
    pub fn take(&mut self, carried: Vec<ArrayRef>) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let builders: [&mut dyn ArrayBuilder; 15] = [
            &mut self.id,
            &mut self.uris,
            &mut self.offset,
            &mut self.length,
            &mut self.record_type,
            &mut self.url,
            &mut self.media_type,
            &mut self.charset,
            &mut self.http_status,
            &mut self.timestamp,
            &mut self.truncated,
            &mut self.member,
            &mut self.sample,
            &mut self.content,
            &mut self.fault,
        ];
        let mut arrays: Vec<ArrayRef> = builders.into_iter().map(ArrayBuilder::finish).collect();
        arrays.extend(carried);
        let rows = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &rows)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(Some(batch))
    }
}

/// Blocks of short text columns, and the most that a block of content takes at once.
const TEXT_BLOCK: usize = 16 << 10;
const CONTENT_BLOCK: usize = 1 << 20;

/// A builder whose blocks stay small: left alone it doubles them up to 2 MiB and keeps that size for every later
/// batch, so that a batch of 200 kB of content comes with 4 MiB of mostly empty blocks of ids and urls.
fn strings() -> StringViewBuilder {
    StringViewBuilder::new().with_fixed_block_size(TEXT_BLOCK as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_the_schema_of_the_options() {
        let options = ReadOptions {
            batch_rows: 2,
            ..ReadOptions::default()
        };
        let mut batcher = RecordBatcher::new("a.warc", &options);
        batcher.push(&Record {
            record_type: "response",
            content: Some(b"x"),
            ..Record::default()
        });
        assert!(!batcher.is_full());
        batcher.push(&Record {
            offset: 1,
            record_type: "request",
            fault: Some(Fault::malformed("x")),
            ..Record::default()
        });
        assert!(batcher.is_full());
        let batch = batcher.take(vec![]).unwrap().unwrap();
        assert_eq!(batch.schema(), options.schema());
        assert_eq!(batch.num_rows(), 2);
        assert!(batcher.take(vec![]).unwrap().is_none());
    }
}
