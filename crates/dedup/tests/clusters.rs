//! Documents to clusters, end to end: the reference's golden clusters, known pairs, and independence of the order.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Read,
    path::PathBuf,
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, UInt64Array},
        datatypes::{Float64Type, UInt32Type},
    },
    prelude::{SessionConfig, SessionContext, col},
};
use gristmill_core::{Given, Settings};
use gristmill_dedup::{
    CLUSTER_ID, CLUSTER_RANK, CLUSTER_SIMILARITY, Comparison, DOCUMENT_COLUMN, Dedup, EVIDENCE_COLUMN,
    Fingerprint, METHODS, Numbering, Room, Stats, key_column,
};
use serde_json::Value;

/// A member of a cluster: id, cluster, rank, similarity.
type Member = (String, String, u32, Option<f64>);

fn fingerprint(method: &str, given: &[(&'static str, Given)]) -> Arc<dyn Fingerprint> {
    let method = METHODS.iter().find(|known| known.card().name == method).unwrap();
    let settings = Settings::new(method.settings(), given.iter().copied());
    match method.with(&settings).unwrap() {
        Dedup::Whole(fingerprint) => fingerprint,
        Dedup::Parts(parts) => panic!("{parts:?} compares parts"),
    }
}

/// Compares texts by id. `rows_of_slice` cuts them into slices, `threads` sort and verify.
async fn compare(
    fingerprint: &Arc<dyn Fingerprint>,
    documents: &[(String, String)],
    rows_of_slice: usize,
    threads: usize,
) -> (Vec<Member>, Stats) {
    let texts: ArrayRef = Arc::new(
        documents
            .iter()
            .map(|(_, text)| Some(text.as_str()))
            .collect::<StringViewArray>(),
    );
    let ids: ArrayRef = Arc::new(
        documents
            .iter()
            .map(|(id, _)| Some(id.as_str()))
            .collect::<StringViewArray>(),
    );
    let keys = fingerprint.keys(std::slice::from_ref(&texts)).unwrap();
    let numbers =
        (0..documents.len()).map(|row| ((row / rows_of_slice) as u64) << 32 | (row % rows_of_slice) as u64);
    let mut columns: Vec<(String, ArrayRef)> = vec![
        (
            DOCUMENT_COLUMN.into(),
            Arc::new(UInt64Array::from_iter_values(numbers)),
        ),
        ("id".into(), ids),
        ("text".into(), texts.clone()),
    ];
    columns.extend((0..).map(key_column).zip(keys.columns));
    columns.extend(
        keys.evidence
            .map(|evidence| (EVIDENCE_COLUMN.to_owned(), evidence)),
    );
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(threads));
    let slices = documents.chunks(rows_of_slice).enumerate();
    let comparison = Comparison {
        new: session.read_batch(batch).unwrap(),
        session,
        fingerprint: fingerprint.clone(),
        known: None,
        numbering: Numbering::new(slices.map(|(slice, rows)| (slice as u32, rows.len() as u64))).unwrap(),
        known_slices: Vec::new(),
        prefer: vec![datafusion::prelude::character_length(col("text")).sort(false, false)],
        room: Room {
            memory: 8 << 10,
            scratch: None,
            pool: Arc::new(
                rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap(),
            ),
        },
    };
    let mut found = comparison.run().await.unwrap();
    let mut members = Vec::new();
    while let Some(batch) = found.next().await.unwrap() {
        let text = |name: &str, row: usize| {
            let column = batch.column_by_name(name).unwrap().as_string::<i32>();
            column.value(row).to_owned()
        };
        for row in 0..batch.num_rows() {
            let similarity = batch.column_by_name(CLUSTER_SIMILARITY.name).unwrap();
            let similarity = similarity.as_primitive::<Float64Type>();
            let ranks = batch.column_by_name(CLUSTER_RANK.name).unwrap();
            members.push((
                text("id", row),
                text(CLUSTER_ID.name, row),
                ranks.as_primitive::<UInt32Type>().value(row),
                similarity.is_valid(row).then(|| similarity.value(row)),
            ));
        }
    }
    let stats = found.stats().clone();
    (members, stats)
}

fn clusters(members: &[Member]) -> BTreeSet<BTreeSet<String>> {
    let mut clusters: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (id, cluster, ..) in members {
        clusters.entry(cluster).or_default().insert(id.clone());
    }
    clusters.into_values().collect()
}

/// The golden documents and what datatrove made of them; `None` where the fixtures are not there.
fn golden() -> Option<(Vec<(String, String)>, Value)> {
    let fixtures = env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    let folder = fixtures.join("text/minhash_golden");
    let Ok(file) = fs::File::open(folder.join("docs.jsonl.gz")) else {
        eprintln!("skipped: no {}", folder.display());
        return None;
    };
    let mut lines = String::new();
    flate2::read::MultiGzDecoder::new(file)
        .read_to_string(&mut lines)
        .unwrap();
    let documents = lines.lines().map(|line| {
        let document: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| document[name].as_str().unwrap().to_owned();
        (text("id"), text("text"))
    });
    let golden = fs::read(folder.join("golden.json")).unwrap();
    Some((documents.collect(), serde_json::from_slice(&golden).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn unverified_clusters_are_those_of_datatrove() {
    let Some((documents, golden)) = golden() else {
        return;
    };
    for hash in ["xxhash", "sha1"] {
        let fingerprint = fingerprint(
            "minhash",
            &[("verify", Given::Share(None)), ("hash", Given::Word(hash))],
        );
        let (members, _) = compare(&fingerprint, &documents, 100, 2).await;
        let expected = golden[hash]["clusters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cluster| {
                let ids = cluster.as_array().unwrap().iter();
                ids.map(|id| id.as_str().unwrap().to_owned()).collect()
            });
        assert_eq!(clusters(&members), expected.collect(), "{hash}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_order_nor_slices_nor_threads_show_in_clusters() {
    let Some((documents, _)) = golden() else { return };
    let reversed: Vec<_> = documents.iter().rev().cloned().collect();
    for (method, given) in [
        ("exact", vec![]),
        ("minhash", vec![("verify", Given::Share(Some(0.7)))]),
        ("simhash", vec![("distance", Given::Number(6))]),
    ] {
        let fingerprint = fingerprint(method, &given);
        let (expected, stats) = compare(&fingerprint, &documents, 800, 1).await;
        let sorted = |mut members: Vec<Member>| {
            members.sort_by(|a, b| (&a.1, a.2).cmp(&(&b.1, b.2)));
            members
        };
        let expected = sorted(expected);
        for (order, rows, threads) in [(&documents, 7, 2), (&reversed, 64, 3), (&reversed, 800, 1)] {
            let (found, _) = compare(&fingerprint, order, rows, threads).await;
            assert_eq!(sorted(found), expected, "{method}");
        }
        eprintln!("{method}: {stats:?}");
    }
}

/// Words of a text by number; texts of other numbers share none.
fn words(from: usize, count: usize) -> String {
    (from..from + count)
        .map(|n| format!("qz{}", letters(n)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A number in letters, since simplification makes one zero of all numbers.
fn letters(mut number: usize) -> String {
    let mut text = String::new();
    loop {
        text.push((b'a' + (number % 16) as u8) as char);
        number /= 16;
        if number == 0 {
            return text;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_holds_what_is_verified_and_prefers_as_asked() {
    let base = words(0, 200);
    let documents = [
        ("d", base.clone() + " " + &words(1000, 10)), // 196 of 206 shingles
        ("b", base.clone()),
        ("c", base.clone()),
        ("a", words(0, 120) + " " + &words(2000, 80)), // 116 of 276 with the base
        ("e", words(5000, 200)),
    ]
    .map(|(id, text)| (id.to_owned(), text));
    let fingerprint = fingerprint(
        "minhash",
        &[("bands", Given::Number(50)), ("rows", Given::Number(2))],
    );
    let (members, stats) = compare(&fingerprint, &documents, 2, 2).await;
    let member = |id: &str, rank, similarity| (id.to_owned(), "d".to_owned(), rank, Some(similarity));
    let expected = [
        member("d", 0, 1.0),
        member("b", 1, 196.0 / 206.0),
        member("c", 2, 196.0 / 206.0),
    ];
    assert_eq!(members, expected);
    assert_eq!((stats.documents, stats.candidates), (5, 4));
    assert!(stats.failed > 0, "a met the others and failed: {stats:?}");
    assert_eq!((stats.clusters, stats.duplicates), (1, 2));
    assert_eq!(stats.sizes, BTreeMap::from([(2, 1)]));
}
