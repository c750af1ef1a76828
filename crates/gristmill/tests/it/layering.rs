//! Arrows point down: who may depend on whom, and who may name DataFusion.

use std::process::Command;

use serde_json::Value;

use crate::kit::root;

/// Each room with the rooms that it may depend on, from the bottom up.
const ROOMS: &[(&str, &[&str])] = &[
    ("gristmill-core", &[]),
    ("gristmill-worker", &["gristmill-core"]),
    ("gristmill-source", &["gristmill-core"]),
    ("gristmill-text", &["gristmill-core"]),
    ("gristmill-image", &["gristmill-core", "gristmill-worker"]),
    ("gristmill-audio", &["gristmill-core"]),
    (
        "gristmill-video",
        &["gristmill-core", "gristmill-worker", "gristmill-image"],
    ),
    (
        "gristmill-dedup",
        &[
            "gristmill-core",
            "gristmill-text",
            "gristmill-image",
            "gristmill-audio",
            "gristmill-video",
        ],
    ),
    ("gristmill-shard", &["gristmill-core"]),
    (
        "gristmill-engine",
        &["gristmill-core", "gristmill-dedup", "gristmill-shard"],
    ),
    (
        "gristmill",
        &[
            "gristmill-core",
            "gristmill-worker",
            "gristmill-source",
            "gristmill-text",
            "gristmill-image",
            "gristmill-audio",
            "gristmill-video",
            "gristmill-dedup",
            "gristmill-shard",
            "gristmill-engine",
        ],
    ),
    // Beside the house: it goes to the doors of the leaves.
    (
        "gristmill-fuzz",
        &[
            "gristmill-core",
            "gristmill-source",
            "gristmill-text",
            "gristmill-image",
            "gristmill-audio",
            "gristmill-video",
        ],
    ),
];
/// The rooms that may name DataFusion.
const WITH_DATAFUSION: &[&str] = &[
    "gristmill-dedup",
    "gristmill-shard",
    "gristmill-engine",
    "gristmill",
];

#[test]
fn arrows_point_down() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(
        packages.len(),
        ROOMS.len(),
        "a new room needs its place in this list and in ARCHITECTURE.md"
    );
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) = ROOMS
            .iter()
            .find(|(room, _)| *room == name)
            .unwrap_or_else(|| panic!("{name} has no place"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let needed = dependency["name"].as_str().unwrap();
            if needed.starts_with("gristmill") {
                assert!(allowed.contains(&needed), "{name} depends on {needed}");
            }
            let is_engine = needed.starts_with("datafusion");
            assert!(
                !is_engine || WITH_DATAFUSION.contains(&name),
                "{name} names DataFusion"
            );
            assert!(
                needed != "tokio" || WITH_DATAFUSION.contains(&name),
                "{name} names tokio"
            );
        }
    }
}
