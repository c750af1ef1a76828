//! Damaged archives: intact records are read, damaged ones are told, nothing panics, slices agree.
#![allow(clippy::unwrap_used)]

mod support;

use gristmill_core::{Format, Limits, ReadOptions, conformance::check_slices};
use gristmill_source::{AUTO, warc::Warc};
use support::{Row, fixtures, gzip, noise, read, record, response, rows};

const CUTS: &[u64] = &[1, 2, 3, 7];

/// Pages of very different sizes and compressibility, as WARC records.
fn records() -> Vec<Vec<u8>> {
    let page = |number: usize| {
        let words = noise(number as u64, 40 * number * number);
        let hex: String = words.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "<!doctype html><p>{hex}</p>{}",
            "all is grist ".repeat(10 * number)
        )
    };
    (0..12).map(|number| response(number, &page(number))).collect()
}

fn check(name: &str, bytes: &[u8], options: &ReadOptions) -> Vec<Row> {
    rows(&check_slices(&Warc, name, bytes, options, CUTS))
}

/// The urls of the rows without a fault, and how many rows have one.
fn good(rows: &[Row]) -> (Vec<String>, usize) {
    let good: Vec<_> = rows.iter().filter(|row| row.fault.is_none()).collect();
    (
        good.iter().filter_map(|row| row.url.clone()).collect(),
        rows.len() - good.len(),
    )
}

fn urls(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers
        .into_iter()
        .map(|number| format!("https://a.example/{number}"))
        .collect()
}

fn others(count: usize, damaged: usize) -> Vec<String> {
    urls((0..count).filter(|number| *number != damaged))
}

/// Where each part starts when they are joined, and the end.
fn starts(parts: &[Vec<u8>]) -> Vec<usize> {
    let mut starts = vec![0];
    starts.extend(parts.iter().scan(0, |end, part| {
        *end += part.len();
        Some(*end)
    }));
    starts
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_empty_member_is_no_damage() {
    let mut empty = Vec::new();
    flate2::write::GzEncoder::new(&mut empty, flate2::Compression::default())
        .finish()
        .unwrap();
    let members: Vec<_> = records().iter().map(|record| gzip(record)).collect();
    let mut bytes = members[..5].concat();
    bytes.extend_from_slice(&empty);
    bytes.extend(members[5..].concat());
    bytes.extend_from_slice(&empty);
    let (urls_read, faults) = good(&check("empty.warc.gz", &bytes, &ReadOptions::default()));
    assert_eq!((urls_read, faults), (urls(0..12), 0));
}

fn flips_hurt_one_member(name: &str, members: &[Vec<u8>]) {
    let (whole, starts) = (members.concat(), starts(members));
    let intact = check(name, &whole, &ReadOptions::default());
    for (damaged, member) in members.iter().enumerate() {
        for at in (0..member.len()).step_by(member.len() / 12 + 1) {
            let mut bytes = whole.clone();
            bytes[starts[damaged] + at] ^= 0x55;
            let rows = check(name, &bytes, &ReadOptions::default());
            let (found, faults) = good(&rows);
            if faults == 0 {
                // The byte said nothing that matters, such as the time in a gzip header.
                let same = rows
                    .iter()
                    .zip(&intact)
                    .all(|(row, intact)| row.content == intact.content);
                assert!(same && rows.len() == intact.len(), "member {damaged}, byte {at}");
                continue;
            }
            assert_eq!(
                found,
                others(members.len(), damaged),
                "member {damaged}, byte {at}"
            );
            assert_eq!(faults, 1, "member {damaged}, byte {at}");
            let fault = rows.iter().find(|row| row.fault.is_some()).unwrap();
            assert_eq!(fault.offset as usize, starts[damaged], "byte {at}");
            assert_eq!(fault.length as usize, member.len(), "member {damaged}, byte {at}");
        }
    }
}

#[test]
fn a_flipped_byte_hurts_one_gzip_member() {
    flips_hurt_one_member(
        "a.warc.gz",
        &records().iter().map(|record| gzip(record)).collect::<Vec<_>>(),
    );
}

#[test]
fn a_flipped_byte_hurts_one_zstd_frame() {
    flips_hurt_one_member(
        "a.warc.zst",
        &records().iter().map(|record| zstd(record)).collect::<Vec<_>>(),
    );
}

fn a_cut_truncates_the_last(name: &str, parts: &[Vec<u8>]) {
    let (whole, starts) = (parts.concat(), starts(parts));
    for at in (1..whole.len()).step_by(whole.len() / 97) {
        let last = starts.iter().rposition(|start| *start <= at).unwrap();
        let rows = check(name, &whole[..at], &ReadOptions::default());
        let (found, faults) = good(&rows);
        let missing_newlines = starts[last + 1] - at <= 4 && found.len() == last + 1;
        if !missing_newlines {
            assert_eq!(found, urls(0..last), "cut at {at}");
            assert_eq!(faults, usize::from(starts[last] < at), "cut at {at}");
            let is_told = rows.iter().filter_map(|row| row.fault.as_deref());
            let (far, near) = (starts[last] + 20 < at, at);
            assert!(
                is_told
                    .clone()
                    .all(|fault| !far || fault.starts_with("truncated:")),
                "cut at {near}: {:?}",
                is_told.collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_file_that_breaks_off_truncates_its_last_record() {
    let records = records();
    a_cut_truncates_the_last("a.warc", &records);
    a_cut_truncates_the_last(
        "a.warc.gz",
        &records.iter().map(|record| gzip(record)).collect::<Vec<_>>(),
    );
    a_cut_truncates_the_last(
        "a.warc.zst",
        &records.iter().map(|record| zstd(record)).collect::<Vec<_>>(),
    );
}

#[test]
fn garbage_between_records_is_one_fault() {
    let plain = records();
    let members: Vec<_> = plain.iter().map(|record| gzip(record)).collect();
    let frames: Vec<_> = plain.iter().map(|record| zstd(record)).collect();
    for (name, parts) in [("a.warc", plain), ("a.warc.gz", members), ("a.warc.zst", frames)] {
        for at in 0..=parts.len() {
            for garbage in [
                noise(at as u64, 1000),
                vec![0; 7],
                b"\x1f\x8b\x08\x00WARC/1.0\r\n".to_vec(),
            ] {
                if at == 0 && garbage.starts_with(b"\x1f\x8b") && name != "a.warc.gz" {
                    continue; // the object says that it is gzip
                }
                let mut with = parts.clone();
                with.insert(at, garbage.clone());
                let rows = check(name, &with.concat(), &ReadOptions::default());
                assert_eq!(
                    good(&rows),
                    (urls(0..parts.len()), 1),
                    "{} bytes at {at}",
                    garbage.len()
                );
                let fault = rows.iter().find(|row| row.fault.is_some()).unwrap();
                assert_eq!(fault.length as usize, garbage.len());
            }
        }
    }
}

#[test]
fn bytes_lost_or_added_hurt_one_record() {
    for parts in [records(), records().iter().map(|record| gzip(record)).collect()] {
        for damaged in 0..parts.len() {
            for (from, count) in [(40, 1), (parts[damaged].len() / 2, 20)] {
                let mut lost = parts.clone();
                lost[damaged].drain(from..from + count);
                let mut added = parts.clone();
                added[damaged].splice(from..from, noise(3, count));
                for bytes in [lost, added] {
                    let rows = check("a.warc", &bytes.concat(), &ReadOptions::default());
                    let (found, faults) = good(&rows);
                    assert!(faults <= 1, "record {damaged} at {from}");
                    let missed: Vec<_> = others(parts.len(), damaged)
                        .into_iter()
                        .filter(|url| !found.contains(url))
                        .collect();
                    assert!(missed.is_empty(), "record {damaged} at {from}: {missed:?}");
                }
            }
        }
    }
}

#[test]
fn lengths_that_lie_hurt_one_record() {
    let lies = [
        "-1",
        "99999999999999999999",
        "18446744073709551615",
        "1e3",
        "",
        "3",
        "100000000",
        "700",
    ];
    for lie in lies {
        let mut parts = records();
        let text = String::from_utf8(parts[5].clone()).unwrap();
        let (head, rest) = text.split_once("Content-Length: ").unwrap();
        let (_, rest) = rest.split_once("\r\n").unwrap();
        parts[5] = format!("{head}Content-Length: {lie}\r\n{rest}").into_bytes();
        for bytes in [
            parts.concat(),
            parts.iter().flat_map(|record| gzip(record)).collect(),
        ] {
            let rows = check("a.warc", &bytes, &ReadOptions::default());
            assert_eq!(good(&rows), (others(12, 5), 1), "{lie}");
        }
    }
}

fn small_limits() -> ReadOptions {
    ReadOptions {
        limits: Limits {
            record_bytes: 20_000,
            header_bytes: 2000,
            ..Limits::default()
        },
        ..ReadOptions::default()
    }
}

#[test]
fn records_larger_than_the_limit_are_passed_over() {
    let mut parts: Vec<_> = (0..9).map(|number| response(number, "<p>small")).collect();
    parts[4] = response(4, &"<p>large".repeat(1_000_000));
    let members: Vec<_> = parts.iter().map(|record| gzip(record)).collect();
    let large = parts[4].len() - 4;
    let expected = format!("limit: record of {large} bytes exceeds 20000 bytes");
    for (bytes, length) in [
        (parts.concat(), large),
        (members.concat(), members[4].len()),
        (gzip(&parts.concat()), 0),
        (zstd(&parts.concat()), 0),
    ] {
        let rows = check("a.warc", &bytes, &small_limits());
        assert_eq!(good(&rows), (others(9, 4), 1));
        assert_eq!(rows[4].fault.as_deref(), Some(&*expected));
        assert_eq!(rows[4].url.as_deref(), Some("https://a.example/4"));
        assert_eq!(rows[4].length as usize, length);
    }
}

#[test]
fn a_header_bomb_is_a_limit() {
    let mut parts: Vec<_> = (0..3).map(|number| response(number, "x")).collect();
    parts[1] = record(
        &format!("WARC-Type: response\r\nX: {}\r\n", "x".repeat(10_000)),
        b"x",
    );
    for bytes in [
        parts.concat(),
        parts.iter().flat_map(|record| gzip(record)).collect(),
    ] {
        let rows = check("a.warc", &bytes, &small_limits());
        assert_eq!(good(&rows), (others(3, 1), 1));
        assert_eq!(
            rows[1].fault.as_deref(),
            Some("limit: header is longer than 2000 bytes")
        );
    }
}

#[test]
fn a_decompression_bomb_in_a_response_is_a_limit() {
    let body = gzip(&vec![b' '; 1_000_000]);
    let http = [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", &body[..]].concat();
    let rows = check(
        "a.warc",
        &gzip(&record("WARC-Type: response\r\n", &http)),
        &small_limits(),
    );
    assert_eq!(
        rows[0].fault.as_deref(),
        Some("limit: decoded content exceeds 20000 bytes")
    );
}

#[test]
fn a_dictionary_frame_is_used() {
    let samples: Vec<_> = (0..200)
        .map(|number| response(number, "<!doctype html><p>all is grist"))
        .collect();
    let dictionary = samples[..3].concat();
    for stored in [dictionary.clone(), zstd(&dictionary)] {
        let mut bytes = b"\x5d\x2a\x4d\x18".to_vec();
        bytes.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&stored);
        for sample in &samples {
            let mut encoder =
                ::zstd::stream::write::Encoder::with_dictionary(Vec::new(), 3, &dictionary).unwrap();
            std::io::Write::write_all(&mut encoder, sample).unwrap();
            bytes.extend(encoder.finish().unwrap());
        }
        assert_eq!(
            good(&check("a.warc", &bytes, &ReadOptions::default())),
            (urls(0..200), 0)
        );
    }
}

#[test]
fn mutated_fixtures_are_read_to_their_end() {
    for folder in ["warc", "real/jsonl", "real/parquet"] {
        for (name, bytes) in fixtures(folder).unwrap_or_default() {
            if bytes.len() > 20_000 {
                continue;
            }
            for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
                let mut bytes = bytes.clone();
                bytes[at] = bytes[at].wrapping_add(1 + at as u8 % 250);
                read_to_end(AUTO, &name, &bytes);
            }
        }
    }
}

/// A column that is missing is an error, and the end as well.
fn read_to_end(format: &dyn Format, name: &str, bytes: &[u8]) {
    let object = std::sync::Arc::new(gristmill_core::MemoryObject::new(name, bytes.to_vec()));
    if let Ok(mut records) = format.read(object, 0..bytes.len() as u64, &ReadOptions::default()) {
        while let Ok(Some(_)) = records.next_batch() {}
    }
}

#[test]
fn a_body_in_chunks_is_joined() {
    let http = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<p>\r\n5\r\ngrist\r\n0\r\n\r\n";
    let rows = read(
        &Warc,
        "a",
        &record("WARC-Type: response\r\n", http),
        &ReadOptions::default(),
    );
    assert_eq!(rows[0].content.as_deref(), Some(&b"<p>grist"[..]));
    assert_eq!(rows[0].media_type.as_deref(), Some("text/html"));
}
