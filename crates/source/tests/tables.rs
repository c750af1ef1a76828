//! JSONL, Parquet and plain files: fields, faults, slices.
#![allow(clippy::unwrap_used)]

mod support;

use arrow_array::{Array, cast::AsArray, types::Float64Type};
use gristmill_core::{
    ColumnType, FieldMap, Limits, ReadOptions,
    conformance::{check_slices, ids},
};
use gristmill_source::{AUTO, FORMATS, detect, jsonl::Jsonl, parquet::Parquet, plain::Plain};
use support::{Row, fixtures, gzip, read, rows};

const CUTS: &[u64] = &[1, 2, 3, 7];

fn jsonl(text: &str, options: &ReadOptions) -> Vec<Row> {
    rows(&check_slices(&Jsonl, "a.jsonl", text.as_bytes(), options, CUTS))
}

fn check(text: &str, expected: &[Result<&str, &str>]) {
    let rows = jsonl(text, &ReadOptions::default());
    let found: Vec<_> = rows
        .iter()
        .map(|row| match &row.fault {
            None => Ok(std::str::from_utf8(row.content.as_deref().unwrap()).unwrap()),
            Some(fault) => Err(fault.as_str()),
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_line_is_a_record() {
    check(
        "{\"text\": \"a\"}\n\n  \r\n{\"text\": \"b\\n\"}\r\n{\"x\": [1], \"text\": \"c\"}",
        &[Ok("a"), Ok("b\n"), Ok("c")],
    );
    check("\u{feff}{\"text\": \"a\"}\n", &[Ok("a")]);
    check("", &[]);
}

#[test]
fn a_line_that_is_no_record_is_a_fault() {
    check(
        "{\"text\": 1}\n{\"text\": null}\n{\"other\": 1}\n[1]\n{\"text\": \"a\"\n{\"text\": \"\\ud800\"}\n{\"text\": \"b\"}",
        &[
            Err("malformed: field \"text\" is a number"),
            Err("malformed: field \"text\" is null"),
            Err("malformed: field \"text\" is missing"),
            Err("malformed: not a json object"),
            Err("malformed: not json: EOF while parsing an object at column 12"),
            Err("malformed: not json: unexpected end of hex escape at column 17"),
            Ok("b"),
        ],
    );
}

#[test]
fn an_array_of_objects_is_read_element_by_element() {
    check(
        "[{\"text\": \"a]\\\"},\"},\n {\"text\": \"b\", \"x\": [{}]}\n]\n",
        &[Ok("a]\"},"), Ok("b")],
    );
    check(" [ ] ", &[]);
    check(
        "[1, {\"text\": \"a\"}]",
        &[Err("malformed: not a json object"), Ok("a")],
    );
}

#[test]
fn a_line_longer_than_the_limit_is_passed_over() {
    let options = ReadOptions {
        limits: Limits {
            record_bytes: 100,
            ..Limits::default()
        },
        ..ReadOptions::default()
    };
    let long = format!("{{\"text\": \"{}\"}}", "x".repeat(1_000_000));
    let rows = jsonl(
        &format!("{{\"text\": \"a\"}}\n{long}\n{{\"text\": \"b\"}}\n"),
        &options,
    );
    assert_eq!(rows.len(), 3);
    let fault = format!("limit: line of {} bytes exceeds 100 bytes", long.len());
    assert_eq!(rows[1].fault.as_deref(), Some(&*fault));
    assert_eq!(rows[2].content.as_deref(), Some(&b"b"[..]));
}

#[test]
fn fields_become_columns() {
    let options = ReadOptions {
        fields: FieldMap {
            content: "body.html".into(),
            media_type: "text/html".into(),
            id: Some("id".into()),
            url: Some("meta.url".into()),
            carry: vec![
                ("score".into(), ColumnType::F64),
                ("meta".into(), ColumnType::Text),
            ],
            ..FieldMap::default()
        },
        ..ReadOptions::default()
    };
    let text = "{\"id\": 7, \"body\": {\"html\": \"<p>\"}, \"meta\": {\"url\": \"u\", \"n\": 1}, \"score\": \"0.5\"}\n{\"body.html\": \"x\", \"score\": []}\n";
    let batches = check_slices(&Jsonl, "a.jsonl", text.as_bytes(), &options, CUTS);
    let rows = rows(&batches);
    assert_eq!(rows[0].id, "7");
    assert_eq!(rows[0].url.as_deref(), Some("u"));
    assert_eq!(rows[0].media_type.as_deref(), Some("text/html"));
    assert_eq!(rows[0].content.as_deref(), Some(&b"<p>"[..]));
    assert_eq!(rows[1].content.as_deref(), Some(&b"x"[..]));
    let score = batches[0]
        .column_by_name("score")
        .unwrap()
        .as_primitive::<Float64Type>();
    assert_eq!((score.value(0), score.is_null(1)), (0.5, true));
    let meta = batches[0].column_by_name("meta").unwrap().as_string_view();
    assert_eq!(meta.value(0), "{\"n\":1,\"url\":\"u\"}");
}

#[test]
fn every_fixture_reads_the_same_in_slices() {
    for folder in ["real/jsonl", "real/parquet"] {
        for (name, bytes) in fixtures(folder).unwrap_or_default() {
            let object = std::sync::Arc::new(gristmill_core::MemoryObject::new(&*name, bytes.clone()));
            let opened = AUTO.read(object, 0..bytes.len() as u64, &ReadOptions::default());
            if opened.is_ok() {
                check_slices(AUTO, &name, &bytes, &ReadOptions::default(), CUTS);
            }
        }
    }
}

#[test]
fn compressed_copies_give_the_same_lines() {
    let Some(files) = fixtures("real/jsonl") else {
        return;
    };
    let options = ReadOptions {
        fields: FieldMap {
            content: "variety".into(),
            ..FieldMap::default()
        },
        ..ReadOptions::default()
    };
    let copies = files
        .iter()
        .filter(|(name, _)| name.contains("daft__iris_tiny.jsonl") && !name.contains(".lzma"));
    let copies: Vec<_> = copies.filter(|(name, _)| !name.ends_with(".zl")).collect();
    let contents = |name: &str, bytes: &[u8]| {
        let rows = read(AUTO, name, bytes, &options);
        rows.into_iter()
            .map(|row| (row.offset, row.content, row.fault))
            .collect::<Vec<_>>()
    };
    let plain = copies.iter().find(|(name, _)| name.ends_with(".jsonl")).unwrap();
    let expected = contents(&plain.0, &plain.1);
    assert!(
        expected.len() > 5 && copies.len() >= 6,
        "{:?}",
        copies.iter().map(|copy| &copy.0).collect::<Vec<_>>()
    );
    for (name, bytes) in copies {
        assert_eq!(contents(name, bytes), expected, "{name}");
    }
}

#[test]
fn parquet_rows_and_nulls_are_those_that_pyarrow_counts() {
    let (Some(files), Some(manifest)) = (fixtures("real/parquet"), fixtures("real")) else {
        return;
    };
    let (_, manifest) = manifest
        .iter()
        .find(|(name, _)| name == "MANIFEST.jsonl")
        .unwrap();
    let mut counted = 0;
    for line in manifest.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let line: serde_json::Value = serde_json::from_slice(line).unwrap();
        let path = line["path"].as_str().unwrap();
        let expected = &line["expected"];
        let Some(name) = path
            .strip_prefix("parquet/")
            .filter(|_| expected["valid"] == true)
        else {
            continue;
        };
        let (Some(schema), Some(nulls)) = (expected["schema"].as_array(), expected["nulls"].as_array())
        else {
            continue;
        };
        let columns = schema.iter().filter_map(|field| field.as_str()?.split_once(": "));
        let text = columns
            .enumerate()
            .find(|(_, (_, kind))| matches!(*kind, "string" | "binary"));
        let Some((at, (column, _))) = text else {
            continue;
        };
        let fields = FieldMap {
            content: column.into(),
            ..FieldMap::default()
        };
        let options = ReadOptions {
            fields,
            ..ReadOptions::default()
        };
        let (_, bytes) = files.iter().find(|(file, _)| file == name).unwrap();
        let found = rows(&check_slices(&Parquet, name, bytes, &options, CUTS));
        assert_eq!(Some(found.len() as u64), expected["read_rows"].as_u64(), "{name}");
        let faults: Vec<_> = found.iter().filter_map(|row| row.fault.as_deref()).collect();
        assert_eq!(
            Some(faults.len() as u64),
            nulls[at].as_u64(),
            "{name}: {faults:?}"
        );
        counted += 1;
    }
    assert!(counted > 30, "only {counted} files had something to count");
}

#[test]
fn a_parquet_column_that_is_missing_is_an_error_with_the_names_there_are() {
    let Some(files) = fixtures("real/parquet") else {
        return;
    };
    let (_, bytes) = files.iter().find(|(name, _)| name.contains("foods1")).unwrap();
    let object = std::sync::Arc::new(gristmill_core::MemoryObject::new("a.parquet", bytes.clone()));
    let error = AUTO
        .read(object, 0..bytes.len() as u64, &ReadOptions::default())
        .err()
        .unwrap();
    assert!(
        error.to_string().starts_with("no column \"text\"; there are: "),
        "{error}"
    );
}

#[test]
fn a_plain_file_is_one_record() {
    for (name, bytes, media_type) in [
        ("a.html", b"<!doctype html>x".to_vec(), Some("text/html")),
        ("a.html.gz", gzip(b"<!doctype html>x"), Some("text/html")),
        ("a.md", b"# x".to_vec(), Some("text/markdown")),
        ("a", b"%PDF-1.7".to_vec(), Some("application/pdf")),
        ("a.gz", gzip(b"x"), Some("application/gzip")),
    ] {
        let rows = rows(&check_slices(AUTO, name, &bytes, &ReadOptions::default(), CUTS));
        assert_eq!(rows.len(), 1, "{name}");
        assert_eq!(rows[0].media_type.as_deref(), media_type, "{name}");
        assert_eq!(rows[0].length as usize, bytes.len());
    }
}

#[test]
fn cards_have_names_meanings_and_versions() {
    let mut names = Vec::new();
    for format in FORMATS {
        let card = format.card();
        assert!(
            !names.contains(&card.name),
            "two formats are called {}",
            card.name
        );
        assert!(
            !card.about.ends_with('.') && !card.source.is_empty() && card.version > 0,
            "{}",
            card.name
        );
        names.push(card.name);
        for ending in card.extensions {
            assert_eq!(detect(&format!("a.{ending}"), b"").card().name, card.name);
        }
    }
}

#[test]
fn every_format_survives_empty_and_foreign_bytes() {
    for format in FORMATS {
        for bytes in [
            &b"x"[..],
            b"PAR1",
            b"\x1f\x8b\x08",
            b"WARC/1.0\r\n",
            b"{",
            b"\x28\xb5\x2f\xfd",
            b"BZh9",
        ] {
            // A table without a column for the content is an error of the recipe.
            let names = if format.card().name == "csv" {
                &b"text\n"[..]
            } else {
                b""
            };
            let bytes = [names, bytes].concat();
            let whole = check_slices(*format, "a", &bytes, &ReadOptions::default(), CUTS);
            assert!(ids(&whole).len() <= 1, "{}", format.card().name);
        }
    }
    let empty = read(&Plain, "a.txt", b"", &ReadOptions::default());
    assert_eq!(empty.len(), 1);
    assert_eq!(empty[0].media_type.as_deref(), Some("text/plain"));
}
