//! Tar archives: kinds of members, damage, limits, and what Python's `tarfile` reads (`golden/make_tars.py`).
#![allow(clippy::unwrap_used)]

mod support;

use gristmill_core::{Limits, ReadOptions, conformance::check_slices};
use gristmill_source::{AUTO, detect, tar::Tar};
use support::{Row, few, fixtures, gzip, noise, rows, seal, sum, tar, tar_entry};

const CUTS: &[u64] = &[1, 2, 3, 7];

fn read(name: &str, bytes: &[u8], options: &ReadOptions) -> Vec<Row> {
    rows(&check_slices(&Tar, name, bytes, options, CUTS))
}

/// Names of the rows without a fault, and faults.
fn outcome(rows: &[Row]) -> (Vec<String>, Vec<String>) {
    let good = rows.iter().filter(|row| row.fault.is_none());
    (
        good.map(|row| row.member.clone().unwrap()).collect(),
        rows.iter().filter_map(|row| row.fault.clone()).collect(),
    )
}

fn check(bytes: &[u8], names: &[&str], faults: &[&str]) {
    let (found, told) = outcome(&read("a.tar", bytes, &ReadOptions::default()));
    assert_eq!(
        (&found[..], &told[..]),
        (&strings(names)[..], &strings(faults)[..])
    );
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// Files of sizes around those of blocks.
fn parts() -> Vec<Vec<u8>> {
    let sizes = [0, 1, 511, 512, 513, 3000, 70_000, 20];
    let files = sizes.iter().enumerate();
    files
        .map(|(at, size)| tar_entry(&format!("d/{at}.bin"), b'0', &noise(at as u64 + 1, *size)))
        .collect()
}

fn names(without: Option<usize>) -> Vec<String> {
    (0..8)
        .filter(|at| Some(*at) != without)
        .map(|at| format!("d/{at}.bin"))
        .collect()
}

#[test]
fn a_file_is_a_record_with_its_place_and_type() {
    let bytes = tar(&[("x/a.html", b"<p>a"), ("../b.md", b"# b"), ("/c", b"%PDF-1.7")]);
    let rows = read("a.tar", &bytes, &ReadOptions::default());
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.member.as_deref().unwrap(),
                row.media_type.as_deref().unwrap(),
                row.offset,
                row.length,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("x/a.html", "text/html", 0, 1024),
            ("../b.md", "text/markdown", 1024, 1024),
            ("/c", "application/pdf", 2048, 1024),
        ]
    );
    assert_eq!(rows[1].content.as_deref(), Some(&b"# b"[..]));
    assert_eq!((&rows[0].sample, &rows[0].url), (&None, &None));
    for row in &rows {
        let (from, to) = (row.offset as usize, (row.offset + row.length) as usize);
        let alone = read("a.tar", &bytes[from..to], &ReadOptions::default());
        assert_eq!(alone[0].content, row.content);
    }
}

#[test]
fn every_compression_gives_the_same_records() {
    let bytes = parts().concat();
    let plain = read("a.tar", &bytes, &ReadOptions::default());
    for (name, compressed) in [
        ("a.tar.gz", gzip(&bytes)),
        ("a.tar.zst", zstd::encode_all(&bytes[..], 3).unwrap()),
    ] {
        let rows = rows(&check_slices(
            AUTO,
            name,
            &compressed,
            &ReadOptions::default(),
            CUTS,
        ));
        assert_eq!(rows.len(), plain.len());
        for (row, plain) in rows.iter().zip(&plain) {
            assert_eq!(
                (&row.content, row.offset),
                (&plain.content, plain.offset),
                "{name}"
            );
        }
    }
}

#[test]
fn links_are_faults_and_folders_are_nothing() {
    let mut link = tar_entry("l", b'2', b"");
    link[157..160].copy_from_slice(b"../");
    seal(&mut link);
    let bytes = [
        tar_entry("d/", b'5', b""),
        link,
        tar_entry("p", b'6', b""),
        tar_entry("f", b'0', b"x"),
    ];
    check(
        &bytes.concat(),
        &["f"],
        &["unsupported: symbolic link to \"../\""],
    );
}

#[test]
fn extended_headers_say_name_and_size() {
    let long = "n/".repeat(90) + "a";
    let path = format!("path={long}\n");
    let path = format!("{} {path}", path.len() + 4);
    let size = b"13 size=1000\n";
    let mut small = tar_entry("short", b'0', &[]);
    small.extend(vec![b'x'; 1000]);
    small.resize(512 + 1024, 0);
    let bytes = [
        tar_entry("pax", b'x', &[path.as_bytes(), size].concat()),
        small,
        tar_entry("././@LongLink", b'L', &[long.as_bytes(), b"\0"].concat()),
        tar_entry("short", b'0', b"y"),
        tar_entry("last", b'0', b"z"),
    ];
    let rows = read("a.tar", &bytes.concat(), &ReadOptions::default());
    assert_eq!(outcome(&rows), (vec![long.clone(), long, "last".into()], vec![]));
    assert_eq!(rows[0].content.as_ref().unwrap().len(), 1000);
    assert_eq!((rows[0].offset, rows[0].length), (0, 1024 + 512 + 1024));
}

#[test]
fn an_archive_behind_another_is_read_and_junk_behind_one_is_not_told() {
    let one = tar(&[("a", b"1")]);
    check(
        &[one.clone(), vec![0; 9216], one.clone()].concat(),
        &["a", "a"],
        &[],
    );
    check(&[one.clone(), noise(1, 3000)].concat(), &["a"], &[]);
    let mut leftovers = one.clone();
    while leftovers.len() < 10_240 {
        leftovers.extend(tar_entry("left over", b'0', b""));
    }
    check(&leftovers, &["a"], &[]);
    let rows = read(
        "a.tar",
        &[&leftovers[..9728], &one].concat(),
        &ReadOptions::default(),
    );
    assert_eq!(
        (rows.len(), rows.iter().filter(|row| row.fault.is_some()).count()),
        (17, 0)
    );
    check(
        &[one.clone(), noise(1, 1000), one].concat(),
        &["a", "a"],
        &["malformed: 1000 bytes that are no member"],
    );
}

#[test]
fn a_cut_leaves_the_files_before_it_and_one_fault() {
    let parts = parts();
    let whole = parts.concat();
    let mut starts = vec![0];
    starts.extend(parts.iter().scan(0, |end, part| {
        *end += part.len();
        Some(*end)
    }));
    let sizes = [0, 1, 511, 512, 513, 3000, 70_000, 20];
    for at in (1..whole.len()).filter(|at| at % 512 < 3 || at % 127 == 0) {
        let last = starts.iter().rposition(|start| *start <= at).unwrap();
        let is_whole = last == parts.len() || at >= starts[last] + 512 + sizes[last];
        let (found, faults) = outcome(&read("a.tar", &whole[..at], &ReadOptions::default()));
        assert_eq!(
            found,
            names(None)[..last + usize::from(is_whole && starts[last] < at)],
            "cut at {at}"
        );
        let is_at_border =
            starts.contains(&at) || last < parts.len() && at == starts[last] + 512 && sizes[last] == 0;
        assert_eq!(
            faults.len(),
            usize::from(!is_at_border),
            "cut at {at}: {faults:?}"
        );
        assert!(
            faults.iter().all(|fault| fault.starts_with("truncated:")),
            "{faults:?}"
        );
        let compressed = gzip(&whole[..at]);
        let (again, faults_again) = outcome(&read("a.tar.gz", &compressed, &ReadOptions::default()));
        assert_eq!((again, faults_again), (found, faults));
    }
}

#[test]
fn a_header_that_is_damaged_hurts_one_file() {
    let parts = parts();
    for damaged in 0..parts.len() {
        for at in [0, 50, 124, 150, 156, 200, 260, 400] {
            let mut hurt = parts.clone();
            hurt[damaged][at] ^= 0x55;
            let (found, faults) = outcome(&read("a.tar", &hurt.concat(), &ReadOptions::default()));
            assert_eq!(found, names(Some(damaged)), "file {damaged}, byte {at}");
            assert_eq!(faults.len(), 1, "file {damaged}, byte {at}");
        }
    }
}

#[test]
fn bytes_lost_or_added_hurt_one_file() {
    let parts = parts();
    for damaged in 0..parts.len() {
        for (from, count) in [(40, 1), (300, 512), (513, 20), (513, 1), (600, 512), (2000, 700)] {
            if parts[damaged].len() < from + count {
                continue;
            }
            let mut lost = parts.clone();
            lost[damaged].drain(from..from + count);
            let mut added = parts.clone();
            added[damaged].splice(from..from, noise(3, count));
            for (what, bytes) in [("lost", lost), ("added", added)] {
                let (found, faults) = outcome(&read("a.tar", &bytes.concat(), &ReadOptions::default()));
                let missed: Vec<_> = names(Some(damaged))
                    .into_iter()
                    .filter(|name| !found.contains(name))
                    .collect();
                assert!(
                    missed.is_empty(),
                    "{count} {what} in {damaged} at {from}: {missed:?} {faults:?}"
                );
                assert!(
                    faults.len() <= 1,
                    "{count} {what} in {damaged} at {from}: {faults:?}"
                );
            }
        }
    }
}

#[test]
fn a_size_that_lies_hurts_one_file() {
    for lie in [
        "77777777777",
        "00000200000",
        "00000000003",
        "-0000000001",
        "00100000000",
    ] {
        let mut parts = parts();
        parts[3][124..135].copy_from_slice(lie.as_bytes());
        seal(&mut parts[3]);
        let (found, faults) = outcome(&read("a.tar", &parts.concat(), &ReadOptions::default()));
        let missed: Vec<_> = names(Some(3))
            .into_iter()
            .filter(|name| !found.contains(name))
            .collect();
        // A size that is too small cuts a file where nobody can see it.
        let is_small = lie.ends_with("03");
        assert!(
            missed.is_empty() && faults.len() == usize::from(!is_small),
            "{lie}: {missed:?} {faults:?}"
        );
    }
}

#[test]
fn a_file_larger_than_the_limit_is_passed_over() {
    let options = ReadOptions {
        limits: Limits {
            record_bytes: 10_000,
            header_bytes: 600,
            ..Limits::default()
        },
        ..ReadOptions::default()
    };
    let name = b"L".repeat(700);
    let parts = [
        tar_entry("a", b'0', b"x"),
        tar_entry("b", b'0', &noise(1, 1_000_000)),
        tar_entry("pax", b'x', &name),
        tar_entry("c", b'0', b"y"),
        tar_entry("d", b'0', b"z"),
    ];
    for bytes in [parts.concat(), gzip(&parts.concat())] {
        let rows = read("a.tar", &bytes, &options);
        let (found, faults) = outcome(&rows);
        assert_eq!(found, ["a", "d"]);
        assert_eq!(
            faults,
            [
                "limit: member of 1000000 bytes exceeds 10000 bytes",
                "limit: extended header of 700 bytes exceeds 600 bytes",
            ]
        );
        assert_eq!((rows[1].offset, rows[1].length), (1024, 512 + 1_000_448));
        assert_eq!(rows[2].member.as_deref(), Some("c"));
    }
}

#[test]
fn fixtures_read_as_tarfile_reads_them() {
    let Some(files) = fixtures("real/tar") else { return };
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden/tars.json")).unwrap();
    let (mut compared, mut differing) = (0, Vec::new());
    for (name, bytes) in files.iter().filter(|(name, _)| !golden[name].is_null()) {
        let rows = rows(&check_slices(&Tar, name, bytes, &ReadOptions::default(), CUTS));
        let found: Vec<_> = rows
            .iter()
            .filter(|row| {
                !row.fault
                    .as_ref()
                    .is_some_and(|fault| fault.contains(" link to "))
            })
            .map(|row| {
                let state = match (&row.content, &row.fault) {
                    (Some(content), _) => sum(content),
                    (None, Some(fault)) if fault.contains("sparse") => "sparse".into(),
                    (None, fault) => format!("{fault:?}"),
                };
                (row.member.clone().unwrap_or_default(), state)
            })
            .collect();
        let links = rows.len() - found.len();
        let expected = &golden[name];
        if is_beyond_tarfile(name) {
            continue;
        }
        if few(&found) != expected["files"] || Some(links as u64) != expected["links"].as_u64() {
            differing.push((name, found, links, expected));
        }
        compared += 1;
    }
    assert!(differing.is_empty(), "{differing:#?}");
    assert!(compared > 80, "{compared}");
}

/// Files that `tarfile` reads in another way.
fn is_beyond_tarfile(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        // Its pax header is one byte larger than the limit.
        "pax-bad-hdr-large.tar.bz2",
        // It takes two times of GNU headers for a part of the name.
        "test-times-gnu-incremental.tar",
        "test-times-oldgnu-incremental.tar",
        "test-times-gnutar.tar",
        "gnu-incremental.tar",
        // It does not let a member take back the name in a global header.
        "pax-global-records.tar",
        // It stops at a damaged member.
        "COMPRESS-553-fail.tar",
    ];
    OTHERS.iter().any(|other| name.ends_with(other))
}

#[test]
fn damaged_fixtures_are_told() {
    let Some(files) = fixtures("real/tar") else { return };
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden/tars.json")).unwrap();
    let mut told = Vec::new();
    for (name, bytes) in &files {
        if !golden.as_object().unwrap().contains_key(name) || !golden[name].is_null() {
            continue;
        }
        let rows = rows(&check_slices(&Tar, name, bytes, &ReadOptions::default(), CUTS));
        let (good, faults) = outcome(&rows);
        told.push((name.as_str(), good.len(), faults));
    }
    let told: Vec<_> = told
        .iter()
        .map(|(name, good, faults)| {
            (
                *name,
                *good,
                faults.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        })
        .collect();
    let expected: Vec<(&str, usize, Vec<&str>)> = DAMAGED
        .iter()
        .map(|(name, good, faults)| (*name, *good, faults.to_vec()))
        .collect();
    assert_eq!(told, expected, "{told:#?}");
}

/// Archives that `tarfile` gives up on, and what we make of them: good rows, faults.
const DAMAGED: &[(&str, usize, &[&str])] = &[
    (
        "tar/commons-compress__COMPRESS-178-fail.tar",
        1,
        &["malformed: checksum of the header is wrong"],
    ),
    (
        "tar/commons-compress__COMPRESS-279-fail.tar",
        3,
        &["truncated: content of 2648 bytes breaks off after 2616"],
    ),
    (
        "tar/commons-compress__COMPRESS-356.tar",
        1,
        &["malformed: checksum of the header is wrong"],
    ),
    ("tar/commons-compress__COMPRESS-417.tar", 2, &[]),
    (
        "tar/commons-compress__COMPRESS-529-fail.tar",
        0,
        &["truncated: content of 7 bytes breaks off after 0"],
    ),
    (
        "tar/commons-compress__COMPRESS-530-fail.tar",
        0,
        &["malformed: checksum of the header is wrong"],
    ),
    (
        "tar/commons-compress__COMPRESS-544_truncated_in_content-fail.tar",
        1,
        &["truncated: content of 30 bytes breaks off after 19"],
    ),
    (
        "tar/commons-compress__COMPRESS-544_truncated_in_padding-fail.tar",
        1,
        &["truncated: content of 30 bytes breaks off after 28"],
    ),
    (
        "tar/commons-compress__COMPRESS-569-fail.tar",
        0,
        &["malformed: 513 bytes that are no member"],
    ),
    (
        "tar/commons-compress__gnu-fail.tar",
        0,
        &["truncated: extended header of 2147483639 bytes breaks off"],
    ),
    (
        "tar/commons-compress__pax-fail.tar",
        0,
        &["truncated: extended header of 2147483647 bytes breaks off"],
    ),
    (
        "tar/golang-1-19-src__issue10968.tar",
        0,
        &["malformed: 512 bytes that are no member"],
    ),
    (
        "tar/golang-1-19-src__issue11169.tar",
        0,
        &["truncated: extended header breaks off"],
    ),
    (
        "tar/golang-1-19-src__issue12435.tar",
        0,
        &["malformed: 512 bytes that are no member"],
    ),
    (
        "tar/golang-1-19-src__neg-size.tar",
        0,
        &["malformed: 512 bytes that are no member"],
    ),
    (
        "tar/golang-1-19-src__pax-path-hdr.tar",
        0,
        &["truncated: archive ends behind an extended header"],
    ),
    (
        "tar/golang-1-19-src__writer-big-long.tar",
        0,
        &["truncated: content of 17179869184 bytes breaks off after 0"],
    ),
    (
        "tar/golang-1-19-src__writer-big.tar",
        0,
        &["truncated: content of 17179869184 bytes breaks off after 0"],
    ),
];

#[test]
fn mutated_archives_are_read_to_their_end() {
    for (name, bytes) in fixtures("real/tar").unwrap_or_default() {
        if bytes.len() > 20_000 {
            continue;
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 20 + 1) {
            let mut bytes = bytes.clone();
            bytes[at] = bytes[at].wrapping_add(1 + at as u8 % 250);
            rows(&check_slices(AUTO, &name, &bytes, &ReadOptions::default(), &[2]));
        }
    }
}

#[test]
fn tar_is_found_by_its_checksum() {
    let bytes = tar(&[("a", b"x")]);
    assert_eq!(detect("a.bin", &bytes).card().name, "tar");
    let mut old = bytes.clone();
    old[257..265].fill(0);
    seal(&mut old);
    assert_eq!(detect("a.bin", &old).card().name, "tar");
    old[0] ^= 1;
    assert_eq!(detect("a.bin", &old).card().name, "plain");
    assert_eq!(detect("a.tar.gz", &old).card().name, "tar");
    assert_eq!(detect("a.tar", &[0; 1024]).card().name, "tar");
}
