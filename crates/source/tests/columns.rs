//! Content in columns: CSV, Base64, structs of bytes and path, paths to other objects, Arrow.
#![allow(clippy::unwrap_used)]

mod support;

use std::{io, ops::Range, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, StructArray, cast::AsArray,
    types::Int64Type,
};
use arrow_ipc::{
    CompressionType,
    writer::{FileWriter, IpcWriteOptions, StreamWriter},
};
use arrow_schema::{DataType, Field, Fields};
use bytes::Bytes;
use gristmill_core::{
    ColumnType, Encoding, FieldMap, Format, Limits, MemoryObject, Object, ReadOptions,
    conformance::check_slices,
};
use gristmill_source::{AUTO, arrow::ArrowIpc, csv::Csv, jsonl::Jsonl, parquet::Parquet, plain::Plain};
use support::{Row, gzip, rows};

const CUTS: &[u64] = &[1, 2, 3, 7];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

fn options(content: &str, encoding: Encoding) -> ReadOptions {
    ReadOptions {
        fields: FieldMap {
            content: content.into(),
            encoding,
            ..FieldMap::default()
        },
        ..ReadOptions::default()
    }
}

fn csv(name: &str, text: &str, options: &ReadOptions) -> Vec<Row> {
    let plain = rows(&check_slices(&Csv, name, text.as_bytes(), options, CUTS));
    let gzipped = rows(&check_slices(&Csv, name, &gzip(text.as_bytes()), options, CUTS));
    assert_eq!(plain, gzipped);
    plain
}

fn check_csv(text: &str, expected: &[Result<&str, &str>]) {
    let rows = csv("a.csv", text, &ReadOptions::default());
    let found: Vec<_> = rows
        .iter()
        .map(|row| match &row.fault {
            None => Ok(std::str::from_utf8(row.content.as_deref().unwrap()).unwrap()),
            Some(fault) => Err(fault.as_str()),
        })
        .collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn a_row_is_a_record() {
    check_csv(
        "n,text\n1,a\r\n\n2,\"b,\n\"\"c\"\"\"\n3,",
        &[Ok("a"), Ok("b,\n\"c\""), Ok("")],
    );
    check_csv("\u{feff}\"text\";n\r\na;1\r\n", &[Ok("a")]);
    check_csv("text\nx", &[Ok("x")]);
    check_csv("text\n", &[]);
    check_csv("", &[]);
}

#[test]
fn a_row_that_is_damaged_is_a_fault_and_reading_goes_on() {
    check_csv(
        "n,text\n1,a,b\n2\n3,\"open\n4,d\n5,e",
        &[
            Err("malformed: row has 3 fields and not 2"),
            Err("malformed: row has 1 fields and not 2"),
            Err("malformed: quote is not closed"),
            Ok("d"),
            Ok("e"),
        ],
    );
    let stray = format!("n,text\n{}", "1,\"a\"b\"\n".repeat(40));
    let rows = csv("a.csv", &stray, &ReadOptions::default());
    assert!(rows.len() <= 40 && !rows.is_empty(), "{}", rows.len());
}

#[test]
fn a_row_longer_than_the_limit_is_passed_over() {
    let options = ReadOptions {
        limits: Limits {
            record_bytes: 1000,
            ..Limits::default()
        },
        ..ReadOptions::default()
    };
    let text = format!("text\na\n{}\nb\n\"{}\nc\n", "x".repeat(500_000), "y".repeat(2000));
    let rows = csv("a.csv", &text, &options);
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            row.fault
                .as_deref()
                .or(row.content.as_deref().and_then(|c| std::str::from_utf8(c).ok()))
        })
        .collect();
    let limit = Some("limit: row exceeds 1000 bytes");
    assert_eq!(found, [Some("a"), limit, Some("b"), limit, Some("c")]);
    assert_eq!((rows[1].offset, rows[1].length), (7, 500_001));
}

#[test]
fn columns_become_fields() {
    let mut options = options("body", Encoding::Plain);
    options.fields.id = Some("key".into());
    options.fields.url = Some("url".into());
    options.fields.carry = vec![("n".into(), ColumnType::I64), ("note".into(), ColumnType::Text)];
    let text = "n\tkey\turl\tnote\tbody\n7\tx\tu\t\ta\n\t\t\t\"\"\tb\n";
    let batches = check_slices(&Csv, "a.tsv", text.as_bytes(), &options, CUTS);
    let rows = rows(&batches);
    assert_eq!((rows[0].id.as_str(), rows[0].url.as_deref()), ("x", Some("u")));
    assert_eq!((rows[1].id.len(), rows[1].url.as_deref()), (32, None));
    let n = batches[0]
        .column_by_name("n")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!((n.value(0), n.is_null(1)), (7, true));
    let note = batches[0].column_by_name("note").unwrap().as_string_view();
    assert_eq!((note.is_null(0), note.value(1)), (true, ""));
    let object = Arc::new(MemoryObject::new("a.csv", "a,b\n1,2\n"));
    let error = Csv.read(object, 0..8, &options).err().unwrap();
    assert_eq!(error.to_string(), "no column \"body\"; there are: a, b");
}

#[test]
fn a_table_without_content_is_a_plain_file() {
    let of = |text: &str| {
        rows(&check_slices(
            AUTO,
            "a.csv",
            text.as_bytes(),
            &ReadOptions::default(),
            CUTS,
        ))
    };
    assert_eq!(of("a,text\n1,x\n")[0].content.as_deref(), Some(&b"x"[..]));
    let plain = of("a,b\n1,x\n");
    assert_eq!(plain[0].media_type.as_deref(), Some("text/csv"));
    assert_eq!(plain[0].length, 8);
}

#[test]
fn base64_in_lines_is_decoded() {
    let text = "{\"text\": \"iVBORw0KGgpyZXN0\"}\n{\"text\": \"data:image/gif;base64,R0lGODlh\"}\n{\"text\": \"?\"}\n";
    let rows = rows(&check_slices(
        &Jsonl,
        "a.jsonl",
        text.as_bytes(),
        &options("text", Encoding::Base64),
        CUTS,
    ));
    assert_eq!(rows[0].content.as_deref(), Some(PNG));
    assert_eq!(rows[0].media_type.as_deref(), Some("image/png"));
    assert_eq!(rows[1].media_type.as_deref(), Some("image/gif"));
    assert!(
        rows[2]
            .fault
            .as_deref()
            .unwrap()
            .starts_with("malformed: not base64")
    );
}

/// A column of media as `datasets` stores it, and one of numbers.
fn media() -> RecordBatch {
    let fields = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let bytes = BinaryArray::from(vec![Some(PNG), Some(b"damaged"), None, None]);
    let path = StringArray::from(vec![None, Some("b.jpg"), Some("c.jpg"), None]);
    let image = StructArray::new(fields, vec![Arc::new(bytes), Arc::new(path)], None);
    let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    RecordBatch::try_from_iter([("n", n), ("image", Arc::new(image) as ArrayRef)]).unwrap()
}

fn stream(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default()
        .try_with_compression(compression)
        .unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn check_media(format: &dyn Format, name: &str, bytes: &[u8]) {
    let mut options = options("image", Encoding::Plain);
    options.fields.carry = vec![("n".into(), ColumnType::I64)];
    let batches = check_slices(format, name, bytes, &options, CUTS);
    let rows = rows(&batches);
    assert_eq!(rows.len(), 4, "{name}");
    assert_eq!(rows[0].content.as_deref(), Some(PNG));
    let types: Vec<_> = rows
        .iter()
        .map(|row| row.media_type.as_deref().unwrap())
        .collect();
    assert_eq!(types, ["image/png", "image/jpeg", "text/plain", "text/plain"]);
    let members: Vec<_> = rows.iter().map(|row| row.member.as_deref()).collect();
    assert_eq!(members, [None, Some("b.jpg"), Some("c.jpg"), None]);
    let faults: Vec<_> = rows.iter().filter_map(|row| row.fault.as_deref()).collect();
    let expected = [
        "malformed: field \"image\" has a path and no bytes",
        "malformed: field \"image\" is null",
    ];
    assert_eq!(faults, expected);
    let n = batches[0]
        .column_by_name("n")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(n.value(0), 1);
}

#[test]
fn media_in_structs_are_read_from_parquet_and_arrow() {
    let batch = media();
    let mut parquet = Vec::new();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    check_media(&Parquet, "a.parquet", &parquet);
    let (one, two) = (batch.slice(0, 1), batch.slice(1, 3));
    for compression in [
        None,
        Some(CompressionType::ZSTD),
        Some(CompressionType::LZ4_FRAME),
    ] {
        let bytes = stream(&[one.clone(), two.clone()], compression);
        check_media(&ArrowIpc, "a.arrow", &bytes);
        check_media(AUTO, "a", &bytes);
    }
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&one).unwrap();
    writer.write(&two).unwrap();
    writer.finish().unwrap();
    check_media(AUTO, "a", &writer.into_inner().unwrap());
}

#[test]
fn damaged_streams_are_faults_and_bounded() {
    let batch = media();
    let parts: Vec<_> = (0..4).map(|row| batch.slice(row, 1)).collect();
    let read = |bytes: &[u8]| {
        rows(&check_slices(
            &ArrowIpc,
            "a.arrow",
            bytes,
            &options("image", Encoding::Plain),
            &[2],
        ))
    };
    for compression in [None, Some(CompressionType::ZSTD)] {
        let whole = stream(&parts, compression);
        for at in (8..whole.len()).step_by(5) {
            read(&whole[..at]);
            let mut hurt = whole.clone();
            hurt[at] ^= 0xff;
            let object = Arc::new(MemoryObject::new("a.arrow", hurt.clone()));
            // A name of a column that is damaged is an error.
            if ArrowIpc
                .read(object, 0..hurt.len() as u64, &options("image", Encoding::Plain))
                .is_ok()
            {
                read_to_end(&hurt);
            }
        }
        assert!(
            read(&whole[..whole.len() - 20])
                .iter()
                .any(|row| row.fault.is_some())
        );
    }
    let missing = Arc::new(MemoryObject::new("a", stream(&parts, None)));
    let error = ArrowIpc
        .read(missing, 0..100, &ReadOptions::default())
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "no column \"text\"; there are: n, image");
}

fn read_to_end(bytes: &[u8]) {
    let object = Arc::new(MemoryObject::new("a.arrow", bytes.to_vec()));
    let mut records = ArrowIpc
        .read(object, 0..bytes.len() as u64, &options("image", Encoding::Plain))
        .unwrap();
    while let Ok(Some(_)) = records.next_batch() {}
}

/// An object in a folder with others.
struct InFolder {
    inner: MemoryObject,
    others: Vec<(&'static str, Bytes)>,
}

impl Object for InFolder {
    fn uri(&self) -> &str {
        self.inner.uri()
    }

    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.inner.read_at(range)
    }

    fn reader(&self, start: u64) -> io::Result<Box<dyn io::Read + Send>> {
        self.inner.reader(start)
    }

    fn sibling(&self, path: &str) -> io::Result<Option<Arc<dyn Object>>> {
        let found = self.others.iter().find(|(name, _)| *name == path);
        Ok(found.map(|(name, bytes)| Arc::new(MemoryObject::new(*name, bytes.clone())) as Arc<dyn Object>))
    }
}

#[test]
fn a_path_names_an_object_beside_the_table() {
    let table = "file_name,caption\na/1.png,one\nb.jpg,two\n../c.png,three\nd.png,four\nlarge.png,five\n";
    let lines: String = table
        .lines()
        .skip(1)
        .map(|line| format!("{{\"file_name\": \"{}\"}}\n", line.split(',').next().unwrap()))
        .collect();
    for (format, name, text) in [
        (&Csv as &dyn Format, "metadata.csv", table),
        (&Jsonl, "metadata.jsonl", &lines),
    ] {
        let object = Arc::new(InFolder {
            inner: MemoryObject::new(name, text.to_owned()),
            others: vec![
                ("a/1.png", Bytes::from_static(PNG)),
                ("b.jpg", Bytes::from_static(b"damaged")),
                ("large.png", Bytes::from(vec![0; 2000])),
            ],
        });
        let options = ReadOptions {
            limits: Limits {
                record_bytes: 1000,
                ..Limits::default()
            },
            ..options("file_name", Encoding::Path)
        };
        let mut records = format.read(object, 0..text.len() as u64, &options).unwrap();
        let rows = rows(&[records.next_batch().unwrap().unwrap()]);
        assert_eq!(
            (rows[0].content.as_deref(), rows[0].member.as_deref()),
            (Some(PNG), Some("a/1.png"))
        );
        assert_eq!(rows[1].media_type.as_deref(), Some("image/jpeg"));
        let faults: Vec<_> = rows[2..]
            .iter()
            .map(|row| row.fault.as_deref().unwrap())
            .collect();
        assert_eq!(
            faults,
            [
                "malformed: \"../c.png\" is no relative path",
                "malformed: there is no object \"d.png\"",
                "limit: object of 2000 bytes exceeds 1000 bytes",
            ]
        );
    }
}

#[test]
fn files_beside_a_sound_tell_of_it() {
    let sound = |name: &str, others: Vec<(&'static str, Bytes)>| {
        let object = Arc::new(InFolder {
            inner: MemoryObject::new(name.to_owned(), b"fLaC\0\0\0\x22".to_vec()),
            others,
        });
        let fields = FieldMap {
            carry: vec![
                ("srt".to_owned(), ColumnType::Text),
                ("speaker".to_owned(), ColumnType::Text),
            ],
            ..FieldMap::default()
        };
        let options = ReadOptions {
            fields,
            ..ReadOptions::default()
        };
        let mut records = Plain.read(object, 0..u64::MAX, &options).unwrap();
        let batch = records.next_batch().unwrap().unwrap();
        ["srt", "speaker"].map(|name| {
            let column = batch.column_by_name(name).unwrap().as_string_view();
            column.is_valid(0).then(|| column.value(0).to_owned())
        })
    };
    let srt = Bytes::from_static(b"1\n00:00:00,000 --> 00:00:01,000\nhello\n");
    let json = Bytes::from_static(b"{\"speaker\": \"Ada\", \"srt\": \"not this one\"}");
    let text = Some("1\n00:00:00,000 --> 00:00:01,000\nhello\n".to_owned());
    assert_eq!(
        sound(
            "a/talk.flac",
            vec![("talk.srt", srt), ("talk.json", json.clone())]
        ),
        [text, Some("Ada".to_owned())]
    );
    assert_eq!(sound("talk.flac", vec![("other.json", json)]), [None, None]);
    assert_eq!(
        sound("talk.flac", vec![("talk.json", Bytes::from_static(b"{damaged"))]),
        [None, None]
    );
}
