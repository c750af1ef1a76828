//! The step that looks for evaluation sets: its files are read here, once, and become a signal.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::arrow::array::{Array, AsArray};
use gristmill_core::{
    ColumnType, EvaluationItem, EvaluationSet, FieldMap, MemoryObject, ReadOptions, Signal, columns,
};
use serde_json::{Value as Json, json};

use super::{
    RuleSpec,
    keys::{BENCHMARK, DECONTAMINATE},
    read::Reader,
    yaml::{Node, Place, Value},
};
use crate::registry::Registry;

/// Words of an n-gram.
const NGRAM: usize = 8;
/// The rule when a recipe has none. Copies of questions with one word in twenty changed score .68 on average.
const KEEP: &str = "text_contamination_score < 0.5";
/// The name of the rule.
pub(crate) const NOT_CONTAMINATED: &str = "not_contaminated";

/// A step that looks for evaluation sets.
#[derive(Clone)]
pub(crate) struct DecontaminateSpec {
    pub(crate) signal: &'static dyn Signal,
    pub(crate) keep: RuleSpec,
    sets: Vec<EvaluationSet>,
    /// Name and BLAKE3 of each file, in order.
    files: Vec<(String, String)>,
    ngram: usize,
}

impl DecontaminateSpec {
    /// The name of the step in labels.
    pub(super) fn label(&self) -> String {
        let names: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
        match names.as_slice() {
            [] | [_] | [_, _] | [_, _, _] => format!("decontaminate {}", names.join(", ")),
            [first, .., last] => format!("decontaminate {first} … {last} ({} sets)", names.len()),
        }
    }

    /// The columns of the signal, which rejected rows tell whatever the rule looks at.
    pub(crate) fn columns(&self) -> Vec<String> {
        let outputs = self.signal.card().outputs.iter();
        outputs.map(|output| output.name.to_owned()).collect()
    }

    /// As it stands in the plan.
    pub(super) fn canonical(&self, step: &str) -> Json {
        let sets: Vec<_> = self
            .sets
            .iter()
            .map(|set| json!({ "name": set.name, "items": set.items, "not_looked_for": set.not_looked_for }))
            .collect();
        json!({
            "step": step, "decontaminate": sets, "files": self.files, "ngram": self.ngram,
            "keep": [[self.keep.name, self.keep.sql]],
        })
    }
}

impl Reader<'_> {
    pub(super) fn decontaminate(&mut self, node: &Node, registry: &Registry) -> Option<DecontaminateSpec> {
        let fields = self.mapping(node, "\"decontaminate\"", DECONTAMINATE);
        let before = self.problems.count();
        let sets = fields.get("benchmarks")?;
        let Value::List(sets) = &sets.value else {
            self.problems.add(
                &sets.place,
                format!("\"benchmarks\" is a list of evaluation sets, this is {}", sets.kind()),
                "such as `benchmarks: [{name: gsm8k, uri: evals/gsm8k/*.jsonl, question: question, answer: answer}]`",
            );
            return None;
        };
        if sets.is_empty() {
            let hint = "a step that looks for nothing does nothing: leave it out";
            self.problems.add(&node.place, "\"benchmarks\" is empty", hint);
        }
        let (mut items, mut files) = (Vec::new(), Vec::new());
        for set in sets {
            self.benchmark(set, registry, &mut items, &mut files);
        }
        let number = fields.get("ngram").and_then(|node| node.text()?.parse().ok());
        let ngram = number.unwrap_or(NGRAM);
        if self.problems.count() > before {
            return None;
        }
        let made = registry.decontaminator.signal(&mut items.into_iter(), ngram);
        let (signal, sets) = match made {
            Ok(made) => made,
            Err(error) => {
                let hint = "n-grams have 1 to 256 words; 8 suits most sets";
                self.problems.add(&node.place, error.to_string(), hint);
                return None;
            }
        };
        for set in sets.iter().filter(|set| set.items == set.not_looked_for) {
            self.problems.add(
                &node.place,
                format!("nothing of the set {:?} can be looked for: its {} questions are too short or all alike", set.name, set.items),
                "questions have at least 5 words; name another field with `question: …`, or leave the set out",
            );
        }
        let keep = fields.get("keep");
        Some(DecontaminateSpec {
            signal,
            keep: RuleSpec {
                name: NOT_CONTAMINATED.to_owned(),
                sql: keep.and_then(|node| node.text()).unwrap_or(KEEP).to_owned(),
                place: keep.map_or_else(|| node.place.clone(), |node| node.place.clone()),
            },
            sets,
            files,
            ngram,
        })
    }

    /// Reads the items of a set.
    fn benchmark(
        &mut self,
        node: &Node,
        registry: &Registry,
        items: &mut Vec<EvaluationItem>,
        files: &mut Vec<(String, String)>,
    ) {
        let fields = self.mapping(node, "an evaluation set", BENCHMARK);
        let text = |name: &str| fields.get(name).and_then(|node| node.text()).map(str::to_owned);
        let (Some(name), Some(uri)) = (text("name"), text("uri")) else {
            return;
        };
        let place = &fields["uri"].place;
        let found = match matching(&uri) {
            Ok(found) if !found.is_empty() => found,
            Ok(_) => {
                self.problems.add(
                    place,
                    format!("no file matches {uri:?}"),
                    "a path of this machine, as seen from the folder where the command runs; * stands in the last part",
                );
                return;
            }
            Err(error) => {
                let hint = "a path of this machine, as seen from the folder where the command runs";
                self.problems
                    .add(place, format!("cannot read {uri:?}: {error}"), hint);
                return;
            }
        };
        let question = text("question").unwrap_or_else(|| "question".to_owned());
        let carried = [text("answer"), text("passage")];
        for path in found {
            match read_items(&path, registry, &name, &question, &carried) {
                Ok((read, blake3)) => {
                    let file = path
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned();
                    files.push((file, blake3));
                    items.extend(read);
                }
                Err(message) => self.cannot_read(place, &path, &message),
            }
        }
    }

    fn cannot_read(&mut self, place: &Place, path: &Path, message: &str) {
        self.problems.add(
            place,
            format!("cannot read {}: {message}", path.display()),
            "evaluation sets are JSON lines, also compressed, or Parquet; name the field of the question with `question: …`",
        );
    }
}

/// The files that a path means, sorted; `*` stands in its last part.
fn matching(uri: &str) -> std::io::Result<Vec<PathBuf>> {
    let path = Path::new(uri);
    let last = path.file_name().unwrap_or_default().to_string_lossy();
    if !last.contains('*') {
        return Ok(vec![path.to_owned()]);
    }
    let Ok(glob) = globset::Glob::new(&last) else {
        return Ok(Vec::new());
    };
    let matcher = glob.compile_matcher();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        if matcher.is_match(entry.file_name()) && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The items of a file, read as the input of a run is, and its hash.
fn read_items(
    path: &Path,
    registry: &Registry,
    benchmark: &str,
    question: &str,
    carried: &[Option<String>; 2],
) -> Result<(Vec<EvaluationItem>, String), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let blake3 = gristmill_shard::blake3_hex(&bytes);
    let length = bytes.len() as u64;
    let format = if bytes.starts_with(b"PAR1") {
        "parquet"
    } else {
        "jsonl"
    };
    let carry = carried
        .iter()
        .flatten()
        .map(|name| (name.clone(), ColumnType::Text));
    let options = ReadOptions {
        fields: FieldMap {
            content: question.to_owned(),
            carry: carry.collect(),
            ..FieldMap::default()
        },
        wanted: vec![columns::CONTENT.name],
        ..ReadOptions::default()
    };
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let object = Arc::new(MemoryObject::new(file.clone(), bytes));
    let format = registry
        .format(format)
        .ok_or_else(|| format!("this build does not read {format}"))?;
    let read = format.read(object, 0..length, &options);
    let mut records = read.map_err(|error| error.to_string())?;
    let mut items = Vec::new();
    let (mut number, mut without) = (0, 0);
    while let Some(batch) = records.next_batch().map_err(|error| error.to_string())? {
        let contents = batch
            .column_by_name(columns::CONTENT.name)
            .expect("records have content")
            .as_binary_view();
        let column = |name: &Option<String>| {
            let name = name.as_ref()?;
            Some(batch.column_by_name(name)?.as_string_view().clone())
        };
        let [answers, passages] = [&carried[0], &carried[1]].map(column);
        for row in 0..batch.num_rows() {
            number += 1;
            let content = contents.is_valid(row).then(|| contents.value(row));
            let Some(question) = content.and_then(|content| std::str::from_utf8(content).ok()) else {
                without += 1;
                continue;
            };
            let value = |column: &Option<datafusion::arrow::array::StringViewArray>| {
                let column = column.as_ref().filter(|column| column.is_valid(row))?;
                Some(column.value(row).to_owned())
            };
            items.push(EvaluationItem {
                benchmark: benchmark.to_owned(),
                id: format!("{file}:{number}"),
                question: question.to_owned(),
                answer: value(&answers),
                passage: value(&passages),
            });
        }
    }
    let answers = |item: &EvaluationItem| item.answer.is_some();
    let passages = |item: &EvaluationItem| item.passage.is_some();
    for (name, is_there) in [
        (&carried[0], items.iter().any(answers)),
        (&carried[1], items.iter().any(passages)),
    ] {
        if let Some(name) = name.as_ref().filter(|_| !is_there && !items.is_empty()) {
            return Err(format!("none of its {number} records has a field {name:?}"));
        }
    }
    if without > 0 {
        return Err(format!(
            "{without} of its {number} records have no field {question:?}"
        ));
    }
    Ok((items, blake3))
}
