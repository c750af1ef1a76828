//! WebDataset: samples, what is content and what is carried, limits, and how it is told from tar.
#![allow(clippy::unwrap_used)]

mod support;

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Float64Type, Int64Type},
};
use gristmill_core::{ColumnType, FieldMap, Limits, ReadOptions, conformance::check_slices};
use gristmill_source::{AUTO, webdataset::WebDataset};
use support::{Row, fixtures, gzip, rows, tar};

const CUTS: &[u64] = &[1, 2, 3, 7];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0rest";

fn options(content: &str, carry: &[(&str, ColumnType)]) -> ReadOptions {
    ReadOptions {
        fields: FieldMap {
            content: content.into(),
            carry: carry
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), *kind))
                .collect(),
            ..FieldMap::default()
        },
        ..ReadOptions::default()
    }
}

fn batches(files: &[(&str, &[u8])], options: &ReadOptions) -> Vec<RecordBatch> {
    check_slices(&WebDataset, "a.tar", &tar(files), options, CUTS)
}

/// Sample, member and fault of each row.
fn places(rows: &[Row]) -> Vec<(Option<&str>, Option<&str>, Option<&str>)> {
    rows.iter()
        .map(|row| (row.sample.as_deref(), row.member.as_deref(), row.fault.as_deref()))
        .collect()
}

fn check(files: &[(&str, &[u8])], content: &str, expected: &[(&str, &str)]) {
    let rows = rows(&batches(files, &options(content, &[])));
    let expected: Vec<_> = expected
        .iter()
        .map(|(sample, member)| (Some(*sample), Some(*member), None))
        .collect();
    assert_eq!(places(&rows), expected);
}

fn texts(batches: &[RecordBatch], name: &str) -> Vec<Option<String>> {
    let columns = batches
        .iter()
        .map(|batch| batch.column_by_name(name).unwrap().as_string_view());
    columns
        .flat_map(|column| {
            column
                .iter()
                .map(|text| text.map(str::to_owned))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_sample_gives_one_record_for_each_medium() {
    check(
        &[
            ("d/1.left.PNG", PNG),
            ("d/1.right.png", PNG),
            ("d/1.json", b"{}"),
            ("d/2.left.png", b"damaged"),
            ("d/2.unknown", JPEG),
            ("d/2.cls", b"GIF89a"),
            ("d/3.pdf", b"%PDF-1.7"),
        ],
        "text",
        &[
            ("d/1", "d/1.left.PNG"),
            ("d/1", "d/1.right.png"),
            ("d/2", "d/2.left.png"),
            ("d/2", "d/2.unknown"),
            ("d/3", "d/3.pdf"),
        ],
    );
}

#[test]
fn the_content_field_names_the_file_that_is_content() {
    let files: &[(&str, &[u8])] = &[
        ("1.jpg", JPEG),
        ("1.mask.png", PNG),
        ("1.txt", b"a"),
        ("2.jpeg", JPEG),
        ("2.mask.png", PNG),
    ];
    check(files, "jpg;jpeg", &[("1", "1.jpg"), ("2", "2.jpeg")]);
    check(
        files,
        "txt",
        &[("1", "1.txt"), ("2", "2.jpeg"), ("2", "2.mask.png")],
    );
}

#[test]
fn carried_fields_come_from_files_and_from_json() {
    let carry = [
        ("txt", ColumnType::Text),
        ("cls", ColumnType::I64),
        ("meta.score", ColumnType::F64),
        ("npy", ColumnType::Bytes),
        ("__key__", ColumnType::Text),
    ];
    let mut options = options("text", &carry);
    options.fields.id = Some("uid".into());
    options.fields.url = Some("url".into());
    let files: &[(&str, &[u8])] = &[
        ("1.TXT", "gr\u{fc}n\n".as_bytes()),
        ("1.jpg", JPEG),
        ("1.cls", b"7\n"),
        (
            "1.json",
            b"{\"uid\": \"x\", \"url\": \"u\", \"meta\": {\"score\": 0.5}, \"txt\": \"no\"}",
        ),
        ("1.png", PNG),
        ("2.jpg", JPEG),
        ("2.json", b"{\"txt\": \"from json\", \"cls\": 3"),
        ("2.npy", b"\x93NUMPY"),
        ("3.jpg", JPEG),
        ("3.json", b"{\"txt\": \"from json\", \"cls\": 3}"),
    ];
    let batches = batches(files, &options);
    let rows = rows(&batches);
    assert_eq!(rows.len(), 4);
    let text = Some("gr\u{fc}n\n".to_owned());
    assert_eq!(
        texts(&batches, "txt"),
        [text.clone(), text, None, Some("from json".into())]
    );
    let cls = batches[0]
        .column_by_name("cls")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(cls.iter().collect::<Vec<_>>(), [Some(7), Some(7), None, Some(3)]);
    let score = batches[0]
        .column_by_name("meta.score")
        .unwrap()
        .as_primitive::<Float64Type>();
    assert_eq!((score.value(0), score.is_null(2)), (0.5, true));
    let npy = batches[0].column_by_name("npy").unwrap().as_binary_view();
    assert_eq!((npy.is_null(0), npy.value(2)), (true, &b"\x93NUMPY"[..]));
    assert_eq!(texts(&batches, "__key__")[3].as_deref(), Some("3"));
    assert_eq!((rows[0].id.as_str(), rows[0].url.as_deref()), ("x", Some("u")));
    assert_ne!(rows[1].id, "x");
    assert_eq!(rows[1].url.as_deref(), Some("u"));
    assert_eq!(rows[0].media_type.as_deref(), Some("image/jpeg"));
}

#[test]
fn samples_without_media_give_their_text() {
    let files: &[(&str, &[u8])] = &[
        ("1.txt", b"one"),
        ("1.json", b"{}"),
        ("2.json", b"{\"text\": \"two\"}"),
        ("2.txt", b"not this"),
        ("3.npy", b"x"),
        ("3.pth", b"y"),
    ];
    let rows = rows(&batches(files, &ReadOptions::default()));
    assert_eq!(
        places(&rows),
        [
            (Some("1"), Some("1.txt"), None),
            (Some("2"), Some("2.json"), None),
            (
                Some("3"),
                None,
                Some("malformed: sample has no content, only npy, pth")
            ),
        ]
    );
    assert_eq!(rows[1].content.as_deref(), Some(&b"two"[..]));
    assert_eq!(rows[1].media_type.as_deref(), Some("text/plain"));
    assert_eq!((rows[2].offset, rows[2].length), (4096, 2048));
}

#[test]
fn files_without_a_field_are_records_of_their_own() {
    let files: &[(&str, &[u8])] = &[
        ("README", b"hello"),
        ("1.jpg", JPEG),
        ("._1.txt", b"\0\x05\x16\x07"),
        ("1.txt", b"one"),
        ("1.jpg/x", b"deep"),
    ];
    let batches = batches(files, &options("text", &[("txt", ColumnType::Text)]));
    let rows = rows(&batches);
    assert_eq!(
        places(&rows),
        [
            (None, Some("README"), None),
            (Some("1"), Some("1.jpg"), None),
            (None, Some("._1.txt"), None),
            (None, Some("1.jpg/x"), None),
        ]
    );
    assert_eq!(texts(&batches, "txt"), [None, Some("one".into()), None, None]);
}

#[test]
fn samples_and_files_that_are_too_large_are_faults() {
    let options = ReadOptions {
        limits: Limits {
            record_bytes: 10_000,
            ..Limits::default()
        },
        ..options("text", &[("txt", ColumnType::Text)])
    };
    let (large, half, text) = (vec![0; 20_000], vec![0; 9_000], vec![b'x'; 9_000]);
    let files: &[(&str, &[u8])] = &[
        ("1.jpg", &large),
        ("1.txt", b"one"),
        ("1.png", PNG),
        ("2.0.jpg", &half),
        ("2.1.jpg", &half),
        ("2.2.jpg", &half),
        ("2.3.jpg", &half),
        ("2.4.jpg", &half),
        ("3.0.jpg", JPEG),
        ("3.1.jpg", JPEG),
        ("3.2.jpg", JPEG),
        ("3.3.jpg", JPEG),
        ("3.4.jpg", JPEG),
        ("3.txt", &text),
        ("4.jpg", JPEG),
    ];
    let batches = batches(files, &options);
    let rows = rows(&batches);
    assert_eq!(
        places(&rows),
        [
            (
                Some("1"),
                Some("1.jpg"),
                Some("limit: member of 20000 bytes exceeds 10000 bytes")
            ),
            (Some("1"), Some("1.png"), None),
            (
                Some("2"),
                None,
                Some("limit: sample of 50155 bytes exceeds 40000 bytes")
            ),
            (
                Some("3"),
                None,
                Some("limit: 5 records that carry 9000 bytes each exceed 40000 bytes")
            ),
            (Some("4"), Some("4.jpg"), None),
        ]
    );
    assert_eq!(texts(&batches, "txt")[1].as_deref(), Some("one"));
}

#[test]
fn a_cut_leaves_the_samples_before_it() {
    let bytes = tar(&[
        ("1.jpg", JPEG),
        ("1.txt", b"one"),
        ("2.jpg", JPEG),
        ("2.txt", b"two"),
    ]);
    for at in (1..4096).step_by(11) {
        let read = |name: &str, bytes: &[u8]| {
            rows(&check_slices(
                &WebDataset,
                name,
                bytes,
                &options("text", &[("txt", ColumnType::Text)]),
                CUTS,
            ))
        };
        let rows = read("a.tar", &bytes[..at]);
        let good = rows.iter().filter(|row| row.fault.is_none()).count();
        let whole = usize::from(at >= 512 + JPEG.len()) + usize::from(at >= 2048 + 512 + JPEG.len());
        assert_eq!(
            (good, rows.len() - good),
            (whole, usize::from(at % 512 != 0 || at % 1024 != 0)),
            "{at}"
        );
        assert_eq!(read("a.tar.gz", &gzip(&bytes[..at])).len(), rows.len());
    }
}

fn found(files: &[(&str, &[u8])], expected: &str) {
    let bytes = tar(files);
    for (name, bytes) in [("a.tar", bytes.clone()), ("a.tar.gz", gzip(&bytes))] {
        let rows = rows(&check_slices(AUTO, name, &bytes, &ReadOptions::default(), CUTS));
        let is_dataset = rows.iter().any(|row| row.sample.is_some());
        assert_eq!(
            if is_dataset { "webdataset" } else { "tar" },
            expected,
            "{files:?}"
        );
    }
}

#[test]
fn samples_are_told_from_files() {
    found(
        &[
            ("1.jpg", JPEG),
            ("1.json", b"{}"),
            ("2.jpg", JPEG),
            ("2.json", b"{}"),
        ],
        "webdataset",
    );
    found(&[("1.jpg", JPEG), ("1.cls", b"1")], "webdataset");
    found(
        &[("d/README", b""), ("1.txt", b"a"), ("1.json", b"{}")],
        "webdataset",
    );
    found(&[("1.jpg", JPEG), ("2.jpg", JPEG)], "tar");
    found(
        &[
            ("1.jpg", JPEG),
            ("1.json", b"{}"),
            ("2.jpg", JPEG),
            ("3.jpg", JPEG),
        ],
        "tar",
    );
    found(
        &[
            ("a.html", b"<p>"),
            ("a.css", b""),
            ("b.html", b"<p>"),
            ("b.css", b""),
        ],
        "tar",
    );
    found(&[("a.c", b""), ("a.h", b""), ("b.c", b""), ("b.h", b"")], "tar");
    found(&[("1.npy", b""), ("1.json", b"{}")], "tar");
    found(&[("README.md", b""), ("LICENSE", b"")], "tar");
}

#[test]
fn fixtures_keep_every_file_that_is_content() {
    for (name, bytes) in fixtures("real/tar").unwrap_or_default() {
        if name.starts_with("tar") || name.starts_with("tgz") {
            check_slices(&WebDataset, &name, &bytes, &ReadOptions::default(), &[2, 5]);
        }
    }
}
