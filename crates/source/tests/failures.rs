//! What is read when a Parquet file is damaged where its content lies, and when the store fails.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    io::{self, Read, Write},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::parquet::{
    arrow::ArrowWriter,
    file::{properties::WriterProperties, reader::FileReader, serialized_reader::SerializedFileReader},
};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use bytes::Bytes;
use gristmill_core::{Format, MemoryObject, Object, ReadOptions, conformance::check_slices};
use gristmill_source::{
    AUTO, arc::ArcFormat, csv::Csv, jsonl::Jsonl, parquet::Parquet, plain::Plain, tar::Tar, warc::Warc,
    webdataset::WebDataset,
};
use support::{Row, gzip, noise, read, response, rows, tar};

const GROUPS: usize = 5;
const ROWS: usize = 8;

/// `GROUPS` row groups of `ROWS` texts each.
fn parquet() -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(ROWS))
        .build();
    let texts: Vec<String> = (0..GROUPS * ROWS)
        .map(|row| {
            noise(row as u64 + 1, 20)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        })
        .collect();
    let column: ArrayRef = Arc::new(StringArray::from(texts));
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Where the content of every row group lies.
fn chunks(bytes: &[u8]) -> Vec<Range<usize>> {
    let reader = SerializedFileReader::new(Bytes::from(bytes.to_vec())).unwrap();
    let groups = reader.metadata().row_groups().iter();
    let ranges = groups.map(|group| group.column(0).byte_range());
    ranges
        .map(|(start, length)| start as usize..(start + length) as usize)
        .collect()
}

fn of_group(rows: &[Row], group: usize) -> Vec<&Row> {
    let range = (group * ROWS) as u64..((group + 1) * ROWS) as u64;
    rows.iter()
        .filter(|row| range.contains(&row.offset) && row.fault.is_none())
        .collect()
}

/// Checks that all groups but `damaged` are read as in `intact`, and that at most one fault, about it, is told.
/// Gives whether one is.
fn hurts_one(bytes: &[u8], intact: &[Row], damaged: usize, what: &str) -> bool {
    let rows = rows(&check_slices(
        &Parquet,
        "a.parquet",
        bytes,
        &ReadOptions::default(),
        &[1, 3],
    ));
    for group in (0..GROUPS).filter(|group| *group != damaged) {
        assert_eq!(
            of_group(&rows, group),
            of_group(intact, group),
            "{what}: group {group}"
        );
    }
    let faults: Vec<_> = rows.iter().filter(|row| row.fault.is_some()).collect();
    assert!(faults.len() <= 1, "{what}: {faults:?}");
    if let [fault] = faults[..] {
        let place = (damaged * ROWS) as u64..=((damaged + 1) * ROWS) as u64;
        assert!(place.contains(&fault.offset), "{what}: {fault:?}");
    } else {
        // A flip inside of a text is not seen: the format has no checksum that must be there.
        assert_eq!(
            of_group(&rows, damaged).len(),
            ROWS,
            "{what}: rows are missing and nothing is told"
        );
    }
    !faults.is_empty()
}

#[test]
fn damage_in_the_content_of_a_row_group_hurts_that_one() {
    let whole = parquet();
    let intact = read(&Parquet, "a.parquet", &whole, &ReadOptions::default());
    assert_eq!(intact.len(), GROUPS * ROWS);
    let mut told = 0;
    for (group, chunk) in chunks(&whole).into_iter().enumerate() {
        for at in chunk.clone().step_by(7) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                told += usize::from(hurts_one(
                    &bytes,
                    &intact,
                    group,
                    &format!("byte {at} ^ {flip:#x}"),
                ));
            }
        }
        let mut bytes = whole.clone();
        bytes[chunk].fill(0xff);
        assert!(hurts_one(&bytes, &intact, group, "overwritten"), "group {group}");
    }
    assert!(told > GROUPS, "{told} flips were told");
}

#[test]
fn a_parquet_file_that_is_cut_is_one_fault() {
    let whole = parquet();
    for at in (0..whole.len()).step_by(13) {
        let rows = read(&Parquet, "a.parquet", &whole[..at], &ReadOptions::default());
        assert_eq!(rows.len(), 1, "cut at {at}");
        assert!(rows[0].fault.is_some(), "cut at {at}");
    }
}

#[test]
fn bytes_lost_before_the_footer_are_told() {
    let whole = parquet();
    for chunk in chunks(&whole) {
        let mut bytes = whole.clone();
        bytes.drain(chunk.start + 10..chunk.start + 30);
        let rows = read(&Parquet, "a.parquet", &bytes, &ReadOptions::default());
        assert!(
            rows.iter().any(|row| row.fault.is_some()),
            "20 bytes lost at {}",
            chunk.start
        );
    }
}

/// An object whose n-th call, counted from 0, fails, and every call after it.
struct Failing {
    inner: MemoryObject,
    calls: Arc<AtomicUsize>,
    fails_at: usize,
}

/// Bytes of one read, so that there are many.
const STEP: usize = 3000;

fn call(calls: &AtomicUsize, fails_at: usize) -> io::Result<()> {
    if calls.fetch_add(1, Ordering::Relaxed) < fails_at {
        return Ok(());
    }
    // Of a kind that decoders use for damage as well.
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "connection lost"))
}

impl Object for Failing {
    fn uri(&self) -> &str {
        self.inner.uri()
    }

    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Bytes> {
        call(&self.calls, self.fails_at)?;
        self.inner.read_at(range)
    }

    fn reader(&self, start: u64) -> io::Result<Box<dyn Read + Send>> {
        call(&self.calls, self.fails_at)?;
        Ok(Box::new(FailingReader {
            inner: self.inner.reader(start)?,
            calls: self.calls.clone(),
            fails_at: self.fails_at,
        }))
    }
}

struct FailingReader {
    inner: Box<dyn Read + Send>,
    calls: Arc<AtomicUsize>,
    fails_at: usize,
}

impl Read for FailingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        call(&self.calls, self.fails_at)?;
        let most = buffer.len().min(STEP);
        self.inner.read(&mut buffer[..most])
    }
}

/// Reads `bytes` from `start` on with a store that fails at call `fails_at`. Gives rows, or the error, and the
/// calls made.
fn read_failing(
    format: &dyn Format,
    name: &str,
    bytes: &[u8],
    start: u64,
    fails_at: usize,
) -> (Result<usize, String>, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let object = Arc::new(Failing {
        inner: MemoryObject::new(name, bytes.to_vec()),
        calls: calls.clone(),
        fails_at,
    });
    let options = ReadOptions {
        batch_rows: 3,
        ..ReadOptions::default()
    };
    let read = || -> Result<usize, gristmill_core::Error> {
        let mut records = format.read(object, start..bytes.len() as u64, &options)?;
        let mut count = 0;
        while let Some(batch) = records.next_batch()? {
            let faults = rows(std::slice::from_ref(&batch))
                .into_iter()
                .filter_map(|row| row.fault);
            for fault in faults {
                assert!(!fault.contains("connection"), "{name}: told as damage: {fault}");
            }
            count += batch.num_rows();
        }
        Ok(count)
    };
    let result = read().map_err(|error| error.to_string());
    (result, calls.load(Ordering::Relaxed))
}

/// Checks that a store that fails at the n-th call is an error, for every n.
fn check(format: &dyn Format, name: &str, bytes: &[u8]) {
    for start in [0, bytes.len() as u64 / 3] {
        let (whole, calls) = read_failing(format, name, bytes, start, usize::MAX);
        assert!(whole.is_ok(), "{name}: {whole:?}");
        for fails_at in 0..calls {
            let (result, _) = read_failing(format, name, bytes, start, fails_at);
            let error = result.expect_err(&format!("{name} from {start}: call {fails_at} of {calls}"));
            assert!(error.contains("connection lost"), "{name}: {error}");
        }
        assert_eq!(read_failing(format, name, bytes, start, calls).0, whole);
    }
}

fn pages() -> Vec<Vec<u8>> {
    let body = |number: usize| -> String {
        noise(number as u64 + 1, 900 * number)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    (0..9).map(|number| response(number, &body(number))).collect()
}

#[test]
fn a_failing_store_is_an_error_in_archives() {
    let pages = pages();
    check(&Warc, "a.warc", &pages.concat());
    let members: Vec<_> = pages.iter().map(|page| gzip(page)).collect();
    check(&Warc, "a.warc.gz", &members.concat());
    check(&Warc, "a.warc.gz", &gzip(&pages.concat()));
    let frames: Vec<_> = pages
        .iter()
        .map(|page| ::zstd::encode_all(&page[..], 3).unwrap())
        .collect();
    check(&Warc, "a.warc.zst", &frames.concat());
    let arc = "http://a.example/ 192.0.2.1 20240220000000 text/html 5\n<p>x\n\n".repeat(300);
    check(&ArcFormat, "a.arc", arc.as_bytes());
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&pages.concat()).unwrap();
    check(&Warc, "a.warc.bz2", &bzip2.finish().unwrap());
}

#[test]
fn a_failing_store_is_an_error_in_damaged_archives() {
    let mut members: Vec<_> = pages().iter().map(|page| gzip(page)).collect();
    let middle = members[5].len() / 2;
    members[5][middle] ^= 0x55;
    members.insert(3, noise(7, 5000));
    check(&Warc, "a.warc.gz", &members.concat());
    let mut bytes = pages().concat();
    bytes.truncate(bytes.len() - 5000);
    check(&Warc, "a.warc", &bytes);
}

#[test]
fn a_failing_store_is_an_error_in_tables_and_plain_files() {
    let lines: String = (0..200)
        .map(|row| format!("{{\"text\": \"{}\"}}\n", "x".repeat(row)))
        .collect();
    check(&Jsonl, "a.jsonl", lines.as_bytes());
    check(&Jsonl, "a.jsonl.gz", &gzip(lines.as_bytes()));
    check(&Parquet, "a.parquet", &parquet());
    check(&Plain, "a.html", "<p>all is grist".repeat(1000).as_bytes());
}

#[test]
fn a_failing_store_is_an_error_in_archives_of_files() {
    let files: Vec<_> = (0..6)
        .map(|number| (format!("{number}.txt"), noise(number + 1, 2000 * number as usize)))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    let bytes = tar(&files);
    check(&Tar, "a.tar", &bytes);
    check(&Tar, "a.tar.gz", &gzip(&bytes));
    check(&WebDataset, "a.tar", &bytes);
    check(AUTO, "a.tar", &bytes);
    check(&Csv, "a.csv", "text,n\nall is grist,1\n".repeat(500).as_bytes());
}
