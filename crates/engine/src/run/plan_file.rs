//! `plan.json`: what was asked of what input, created once.

use std::collections::BTreeMap;

use gristmill_shard::{Created, Store, layout};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error, Plan, Recipe, Result,
    index::{EntryName, StepIndex},
    input::{Input, Snapshot},
};

/// What was asked.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlanFile {
    plan: u32,
    gristmill: String,
    recipe_blake3: String,
    recipe: Value,
    versions: BTreeMap<String, u32>,
    /// The folder that the objects' names are relative to.
    base: String,
    slices: usize,
    inputs: Vec<Snapshot>,
    /// The entries of indexes that the steps read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    known: BTreeMap<String, Vec<EntryName>>,
}

/// What a plan file says that is not known without it.
pub(crate) struct Agreed {
    /// The hash of what was asked of what input: of the plan without the entries of indexes.
    pub(crate) asked_blake3: String,
    /// The entries that each step reads.
    pub(crate) known: BTreeMap<String, Vec<EntryName>>,
}

/// The hash of a canonical recipe.
pub(crate) fn recipe_hash(recipe: &Recipe) -> String {
    gristmill_shard::blake3_hex(recipe.canonical.to_string().as_bytes())
}

/// Creates the plan file, or checks that the one that is there asks for the same.
pub(crate) async fn agree(
    store: &Store,
    recipe: &Recipe,
    plan: &Plan,
    input: &Input,
    slices: usize,
    indexes: &[StepIndex],
) -> Result<Agreed> {
    let mut ours = PlanFile {
        plan: 1,
        gristmill: env!("CARGO_PKG_VERSION").to_owned(),
        recipe_blake3: recipe_hash(recipe),
        recipe: recipe.canonical.clone(),
        versions: plan.versions.clone(),
        base: input.base.clone(),
        slices,
        inputs: input
            .objects
            .iter()
            .map(|object| object.snapshot.clone())
            .collect(),
        known: BTreeMap::new(),
    };
    let asked_blake3 = gristmill_shard::blake3_hex(&to_json(&ours));
    // What indexes hold changes as others add to them; the plan that was made first counts.
    ours.known = match store.get(layout::PLAN).await? {
        Some(bytes) => read(&bytes, store)?.known,
        None => {
            let mut known = BTreeMap::new();
            for index in indexes {
                known.insert(index.label.clone(), index.select(&asked_blake3).await?);
            }
            known
        }
    };
    if let Created::Before(bytes) = store.create(layout::PLAN, to_json(&ours).into()).await? {
        let theirs = read(&bytes, store)?;
        compare(&theirs, &ours, store)?;
        ours = theirs;
    }
    Ok(Agreed {
        asked_blake3,
        known: ours.known,
    })
}

fn to_json(plan: &PlanFile) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(plan).expect("a plan file is JSON");
    bytes.push(b'\n');
    bytes
}

fn read(bytes: &[u8], store: &Store) -> Result<PlanFile> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::PlanDiffers(format!(
            "{}/{} was not written by this gristmill: {error}",
            store.uri(),
            layout::PLAN
        ))
    })
}

fn compare(theirs: &PlanFile, ours: &PlanFile, store: &Store) -> Result<()> {
    let mut differences = Vec::new();
    if theirs.gristmill != ours.gristmill {
        differences.push(format!(
            "gristmill: {} there, {} now",
            theirs.gristmill, ours.gristmill
        ));
    }
    json_differences("recipe", &theirs.recipe, &ours.recipe, &mut differences);
    for (name, version) in &ours.versions {
        match theirs.versions.get(name) {
            Some(known) if known != version => {
                differences.push(format!("{name}: version {known} there, {version} now"));
            }
            _ => {}
        }
    }
    if !differences.is_empty() {
        differences.truncate(20);
        return Err(Error::PlanDiffers(format!(
            "{} holds the output of another plan; write to a new address, or undo these changes:\n  {}",
            store.uri(),
            differences.join("\n  ")
        )));
    }
    let known: BTreeMap<&str, &Snapshot> = theirs
        .inputs
        .iter()
        .map(|input| (input.uri.as_str(), input))
        .collect();
    let now: BTreeMap<&str, &Snapshot> = ours
        .inputs
        .iter()
        .map(|input| (input.uri.as_str(), input))
        .collect();
    let gone = known
        .keys()
        .filter(|uri| !now.contains_key(*uri))
        .map(|uri| format!("{uri} is gone"));
    let new = now
        .keys()
        .filter(|uri| !known.contains_key(*uri))
        .map(|uri| format!("{uri} is new"));
    let changed = now
        .iter()
        .filter(|(uri, input)| known.get(*uri).is_some_and(|old| old != *input))
        .map(|(uri, _)| format!("{uri} changed"));
    let mut inputs: Vec<String> = gone.chain(new).chain(changed).collect();
    if theirs.base != ours.base {
        inputs.push(format!("the folder was {} and is {}", theirs.base, ours.base));
    }
    if inputs.is_empty() {
        return match theirs.slices == ours.slices {
            true => Ok(()),
            // Records of slices would be taken for those of other ranges.
            false => Err(Error::PlanDiffers(format!(
                "{} was begun by a gristmill that cuts the same input into {} slices, where this one cuts {}; write to a new address",
                store.uri(),
                theirs.slices,
                ours.slices
            ))),
        };
    }
    let count = inputs.len();
    inputs.truncate(20);
    Err(Error::Input(format!(
        "the input is not what {} was begun with ({count} differences); write to a new address, or restore it:\n  {}",
        store.uri(),
        inputs.join("\n  ")
    )))
}

fn json_differences(path: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let null = Value::Null;
                json_differences(
                    &format!("{path}.{key}"),
                    a.get(key).unwrap_or(&null),
                    b.get(key).unwrap_or(&null),
                    differences,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let null = Value::Null;
                json_differences(
                    &format!("{path}.{index}"),
                    a.get(index).unwrap_or(&null),
                    b.get(index).unwrap_or(&null),
                    differences,
                );
            }
        }
        (a, b) if a != b => differences.push(format!("{path}: {a} there, {b} now")),
        _ => {}
    }
}
