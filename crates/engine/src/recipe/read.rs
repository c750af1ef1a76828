//! From YAML to a [`Recipe`]: every key and value is looked at, every mistake noted.

use std::collections::{BTreeMap, HashMap};

use gristmill_core::{ColumnType, Encoding, Extractor, FieldMap, Limits};
use gristmill_shard::RejectMode;
use serde_json::json;

use super::{
    Action, Chain, Expectation, ModelSpec, NodesSpec, Place, Problem, Problems, ReadEntry, Recipe, RuleSpec,
    Step, WriteSpec,
    configured::Configured,
    expect::{METRICS, Texts},
    keys::{EXPECT, Key, Kind, NODES, READ, RECIPE, STEP, WRITE},
    size::parse_size,
    suggest,
    yaml::{self, Node, Value},
};
use crate::{
    address::shown,
    registry::{Modality, Registry, find_edit},
};

/// What the command line changes in a recipe.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--set path.to.key=value`
    pub set: Vec<String>,
    /// `--read URI`: replaces the addresses, and keeps the other keys of the first entry.
    pub read: Vec<String>,
    /// `--to URI`
    pub to: Option<String>,
    /// `--with PRESET`: presets to walk as well, each behind the last step of the same base name (`gopher_quality` of
    /// `gopher_quality@dclm`), or behind the extraction.
    pub with: Vec<String>,
}

/// How labels of steps begin that a recipe walks only because it was asked to ([`Overrides::with`]).
pub const WITH: &str = "with ";

const SLICE_BYTES: u64 = 256 << 20;
/// Most bytes that a recipe may allow a record: Arrow and Parquet count bytes of a value in 32 bits.
const RECORD_BYTES_MAX: u64 = 1 << 30;
const SHARD_BYTES: u64 = 512 << 20;
const CARRIED_TYPES: [ColumnType; 5] = [
    ColumnType::Text,
    ColumnType::Bool,
    ColumnType::I64,
    ColumnType::U64,
    ColumnType::F64,
];

/// Reads a recipe.
///
/// # Errors
/// All mistakes in keys, values and names; predicates are checked later, against the columns.
pub fn read(
    file: &str,
    source: &str,
    overrides: &Overrides,
    registry: &Registry,
) -> Result<Recipe, Vec<Problem>> {
    let mut problems = Problems::new(file);
    let mut root = match yaml::parse(source) {
        Ok(root) => root,
        Err((place, message)) => {
            problems.add(
                &place,
                format!("not YAML: {message}"),
                "quote texts that hold `: `, ` #`, or start with one of [ ] { } > | * & ! % @",
            );
            return Err(problems.into_sorted());
        }
    };
    apply(&mut root, overrides, &mut problems);
    let recipe = Reader {
        problems: &mut problems,
    }
    .recipe(&root, &overrides.with, registry);
    if problems.is_empty() {
        Ok(recipe)
    } else {
        Err(problems.into_sorted())
    }
}

fn apply(root: &mut Node, overrides: &Overrides, problems: &mut Problems) {
    for option in &overrides.set {
        let place = Place::Option(format!("--set {option}").into());
        let Some((path, value)) = option.split_once('=') else {
            problems.add(&place, "no value", "write --set path.to.key=value");
            continue;
        };
        let result = match yaml::parse(value) {
            Ok(value) => root.set(path, value.at(&place)),
            Err((_, message)) => Err(message),
        };
        if let Err(message) = result {
            problems.add(
                &place,
                message,
                "as in --set write.rejects=all or --set read.0.slice_bytes=64MiB",
            );
        }
    }
    let scalar = |text: &str, place: &Place| Node {
        place: place.clone(),
        value: Value::Scalar {
            text: text.to_owned(),
            quoted: true,
        },
    };
    if !overrides.read.is_empty() {
        let first = match root_key(root, "read").map(|node| &node.value) {
            Some(Value::List(entries)) => entries.first().cloned(),
            _ => None,
        };
        let entries = overrides.read.iter().map(|uri| {
            let place = Place::Option(format!("--read {}", shown(uri)).into());
            let mut entry = match &first {
                Some(node) if matches!(node.value, Value::Map(_)) => node.clone(),
                _ => Node {
                    place: place.clone(),
                    value: Value::Map(Vec::new()),
                },
            };
            entry
                .set("uri", scalar(uri, &place))
                .expect("an entry is a mapping");
            entry
        });
        let place = Place::Option("--read".into());
        let list = Node {
            place: place.clone(),
            value: Value::List(entries.collect()),
        };
        if let Err(message) = root.set("read", list) {
            problems.add(
                &place,
                message,
                "a recipe is a mapping with the keys recipe, name, read, text and write",
            );
        }
    }
    if let Some(uri) = &overrides.to {
        let place = Place::Option(format!("--to {}", shown(uri)).into());
        if let Err(message) = root.set("write.uri", scalar(uri, &place)) {
            problems.add(
                &place,
                message,
                "a recipe is a mapping with the keys recipe, name, read, text and write",
            );
        }
    }
}

fn root_key<'a>(root: &'a Node, key: &str) -> Option<&'a Node> {
    match &root.value {
        Value::Map(entries) => entries
            .iter()
            .find(|(k, _)| k.text() == Some(key))
            .map(|(_, value)| value),
        _ => None,
    }
}

/// Reads nodes and notes what is wrong with them.
pub(crate) struct Reader<'p> {
    pub(crate) problems: &'p mut Problems,
}

/// Where a step stands.
#[derive(Clone, Copy)]
struct Spot<'a> {
    modality: &'a Modality,
    registry: &'a Registry,
    preset: Option<&'a str>,
}

/// The known keys of a mapping.
type Fields<'n> = HashMap<&'static str, &'n Node>;

impl Reader<'_> {
    /// The entries of a mapping that a table of keys allows, each of the kind that the table says.
    pub(crate) fn mapping<'n>(&mut self, node: &'n Node, what: &str, keys: &'static [Key]) -> Fields<'n> {
        let mut fields = Fields::new();
        let Value::Map(entries) = &node.value else {
            self.problems.add(
                &node.place,
                format!("{what} is a mapping, this is {}", node.kind()),
                suggest("", keys.iter().map(|key| key.name)),
            );
            return fields;
        };
        for (name, value) in entries {
            let text = name.text().unwrap_or_default();
            let Some(key) = keys.iter().find(|key| key.name == text) else {
                let hint = suggest(text, keys.iter().map(|key| key.name));
                self.problems
                    .add(&name.place, format!("unknown key {text:?} in {what}"), hint);
                continue;
            };
            if fields.contains_key(key.name) {
                self.problems.add(
                    &name.place,
                    format!("key {text:?} stands here twice"),
                    "keep one of them",
                );
                continue;
            }
            if self.has_kind(value, key) {
                fields.insert(key.name, value);
            } else if key.required {
                // One problem a mistake: the wrong value was noted, so the key is not missing as well.
                fields.insert(key.name, value);
            }
        }
        for key in keys
            .iter()
            .filter(|key| key.required && !fields.contains_key(key.name))
        {
            self.problems
                .add(&node.place, format!("{what} has no {:?}", key.name), key.about);
        }
        fields
    }

    fn has_kind(&mut self, node: &Node, key: &Key) -> bool {
        let place = &node.place;
        let name = key.name;
        let wrong = |wanted: &str| format!("{name:?} is {wanted}, this is {}", node.kind());
        match (key.kind, &node.value) {
            (Kind::Own, _)
            | (Kind::Text | Kind::Texts, Value::Scalar { .. })
            | (Kind::TextMap, Value::Map(_))
            | (Kind::Texts, Value::List(_)) => true,
            (Kind::Number, Value::Scalar { text, quoted: false }) if text.parse::<u64>().is_ok() => true,
            (Kind::Size, Value::Scalar { text, .. }) => {
                let size = parse_size(text);
                if size.is_none_or(|size| size == 0) {
                    self.problems.add(
                        place,
                        format!("{name:?} is a size above 0, this is {text:?}"),
                        "such as 512MiB or 2GB",
                    );
                }
                size.is_some_and(|size| size > 0)
            }
            (Kind::Word(words), Value::Scalar { text, .. }) => {
                let known = words.contains(&text.as_str());
                if !known {
                    let hint = suggest(text, words.iter().copied());
                    self.problems
                        .add(place, format!("{text:?} is not a value of {name:?}"), hint);
                }
                known
            }
            (Kind::Number, Value::Scalar { text, .. }) => {
                self.problems.add(
                    place,
                    format!("{name:?} is a whole number, this is {text:?}"),
                    key.about,
                );
                false
            }
            (Kind::Text | Kind::Size | Kind::Word(_) | Kind::Number, _) => {
                self.problems.add(place, wrong("a single value"), key.about);
                false
            }
            (Kind::Texts, _) => {
                self.problems.add(place, wrong("a list"), key.about);
                false
            }
            (Kind::TextMap, _) => {
                self.problems.add(place, wrong("a mapping"), key.about);
                false
            }
        }
    }

    fn recipe(&mut self, root: &Node, with: &[String], registry: &Registry) -> Recipe {
        let fields = self.mapping(root, "a recipe", RECIPE);
        if let Some(node) = fields.get("recipe")
            && node
                .text()
                .is_some_and(|text| text != "1" && text.parse::<u64>().is_ok())
        {
            let version = node.text().unwrap_or_default();
            self.problems.add(
                &node.place,
                format!("recipe version {version} is not known"),
                "this gristmill reads version 1",
            );
        }
        let name = fields
            .get("name")
            .and_then(|node| node.text())
            .unwrap_or_default()
            .to_owned();
        let read = match fields.get("read") {
            Some(node) => self.read_entries(node, registry),
            None => Vec::new(),
        };
        let models = match fields.get("models") {
            Some(node) => self.models(node, registry),
            None => Vec::new(),
        };
        let chains = self.chains(root, &fields, with, registry);
        let write = self.write(fields.get("write").copied());
        let expect = match fields.get("expect") {
            Some(node) => self.expectations(node, &chains),
            None => Vec::new(),
        };
        let canonical = canonical(&name, &read, &models, &chains, &write);
        Recipe {
            name,
            read,
            models,
            chains,
            write,
            expect,
            canonical,
        }
    }

    /// The chains that the recipe has, in the order of the modalities.
    fn chains(
        &mut self,
        root: &Node,
        fields: &Fields<'_>,
        with: &[String],
        registry: &Registry,
    ) -> Vec<Chain> {
        let mut chains: Vec<Chain> = Vec::new();
        for modality in registry.modalities {
            let Some(node) = fields.get(modality.name) else {
                continue;
            };
            let steps = self.steps(node, modality, registry);
            let with = if chains.is_empty() { with } else { &[] };
            let steps = self.with_presets(steps, with, modality, registry);
            if steps.is_empty() && self.problems.is_empty() {
                self.problems.add(
                    &node.place,
                    format!("{:?} has no steps", modality.name),
                    format!("start with `- extract: {}`", modality.implied),
                );
            }
            chains.push(Chain {
                modality: modality.name,
                steps,
            });
        }
        if chains.is_empty() {
            let names: Vec<_> = registry
                .modalities
                .iter()
                .map(|modality| format!("{:?}", modality.name))
                .collect();
            let hint = "the steps that documents walk, in this order, such as `- extract: html`";
            self.problems.add(
                &root.place,
                format!("a recipe has no {}", names.join(" or ")),
                hint,
            );
        }
        let mut indexes: Vec<(usize, &str)> = Vec::new();
        for (number, chain) in chains.iter().enumerate() {
            for step in &chain.steps {
                let Some(index) = step.index() else { continue };
                // Within a chain that was looked at as the steps were read.
                if indexes
                    .iter()
                    .any(|(other, known)| *other != number && *known == index)
                {
                    let hint = "an index holds the keys of one method: give each step one of its own";
                    self.problems
                        .add(&step.place, "a step of another chain has this index", hint);
                }
                indexes.push((number, index));
            }
        }
        if chains.len() > 1 {
            for chain in &mut chains {
                for step in &mut chain.steps {
                    step.label = format!("{} {}", chain.modality, step.label);
                }
            }
        }
        chains
    }

    fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => {
                self.problems.add(
                    &node.place,
                    format!("{what} is a list, this is {}", node.kind()),
                    "begin each entry with `- `",
                );
                &[]
            }
        }
    }

    fn read_entries(&mut self, node: &Node, registry: &Registry) -> Vec<ReadEntry> {
        self.list(node, "\"read\"")
            .iter()
            .map(|entry| self.read_entry(entry, registry))
            .collect()
    }

    fn read_entry(&mut self, node: &Node, registry: &Registry) -> ReadEntry {
        if let Value::Scalar { text, .. } = &node.value {
            self.check_uri(text, &node.place);
            return ReadEntry {
                uri: text.clone(),
                format: None,
                fields: FieldMap::default(),
                slice_bytes: SLICE_BYTES,
                record_bytes: Limits::default().record_bytes,
                place: node.place.clone(),
            };
        }
        let fields = self.mapping(node, "an entry of \"read\"", READ);
        let text = |name: &str| fields.get(name).and_then(|node| node.text()).map(str::to_owned);
        let format = fields.get("format").and_then(|node| {
            let name = node.text().unwrap_or_default();
            if name == "auto" {
                return None;
            }
            let found = registry.format(name);
            if found.is_none() {
                let names = registry
                    .formats
                    .iter()
                    .map(|format| format.card().name)
                    .chain(["auto"]);
                self.problems.add(
                    &node.place,
                    format!("unknown format {name:?}"),
                    suggest(name, names),
                );
            }
            found.map(|format| format.card().name.to_owned())
        });
        let uri = text("uri").unwrap_or_default();
        let place = fields.get("uri").map_or(&node.place, |node| &node.place).clone();
        self.check_uri(&uri, &place);
        let record_bytes = text("record_bytes").and_then(|size| parse_size(&size));
        if let (Some(_), Some(node)) = (
            record_bytes.filter(|size| !(1..=RECORD_BYTES_MAX).contains(size)),
            fields.get("record_bytes"),
        ) {
            let message = "a record of more than 1 GiB, or of nothing";
            self.problems
                .add(&node.place, message, "give a size up to 1GiB, such as 256MiB");
        }
        let defaults = FieldMap::default();
        ReadEntry {
            format,
            fields: FieldMap {
                content: text("content").unwrap_or(defaults.content),
                media_type: text("media_type").unwrap_or(defaults.media_type),
                encoding: match text("encoding").as_deref() {
                    Some("base64") => Encoding::Base64,
                    Some("path") => Encoding::Path,
                    _ => Encoding::Plain,
                },
                id: text("id"),
                url: text("url"),
                carry: {
                    let columns = fields.get("columns");
                    let mut carry = columns.map_or_else(Vec::new, |node| self.carried(node, registry));
                    carry.extend(text("caption").map(|field| (field, ColumnType::Text)));
                    carry
                },
                caption: text("caption"),
            },
            slice_bytes: text("slice_bytes")
                .and_then(|size| parse_size(&size))
                .unwrap_or(SLICE_BYTES),
            record_bytes: record_bytes.map_or(Limits::default().record_bytes, |size| size as usize),
            uri,
            place,
        }
    }

    pub(super) fn check_uri(&mut self, uri: &str, place: &Place) {
        if let Some((scheme, _)) = uri.split_once("://") {
            const SCHEMES: [&str; 10] = [
                "file", "s3", "s3a", "gs", "az", "abfs", "abfss", "adl", "http", "https",
            ];
            if !SCHEMES.contains(&scheme) {
                self.problems.add(
                    place,
                    format!("unknown address scheme {scheme:?}"),
                    suggest(scheme, SCHEMES),
                );
            }
        }
        if shown(uri) != uri {
            self.problems.add(
                place,
                "the address holds a secret",
                "give credentials in the environment (AWS_*, GOOGLE_*, AZURE_*)",
            );
        }
    }

    fn carried(&mut self, node: &Node, registry: &Registry) -> Vec<(String, ColumnType)> {
        let Value::Map(entries) = &node.value else {
            return Vec::new();
        };
        let mut carried: Vec<(String, ColumnType)> = Vec::new();
        for (name, kind) in entries {
            let (name_text, kind_text) = (name.text().unwrap_or_default(), kind.text().unwrap_or_default());
            if gristmill_core::columns::RECORD
                .iter()
                .any(|column| column.name == name_text)
            {
                self.problems.add(
                    &name.place,
                    format!("{name_text:?} is a column of every record"),
                    "carry the field under another name: rename it in the source",
                );
            } else if let Some(maker) = registry.maker(name_text) {
                self.problems.add(
                    &name.place,
                    format!("{name_text:?} is a column that {maker} makes"),
                    "carry the field under another name: rename it in the source",
                );
            }
            if carried.iter().any(|(known, _)| known == name_text) {
                self.problems.add(
                    &name.place,
                    format!("{name_text:?} stands here twice"),
                    "name each field once",
                );
            }
            match CARRIED_TYPES.into_iter().find(|known| known.name() == kind_text) {
                Some(kind) => carried.push((name_text.to_owned(), kind)),
                None => {
                    let hint = suggest(kind_text, CARRIED_TYPES.iter().map(|kind| kind.name()));
                    self.problems
                        .add(&kind.place, format!("unknown type {kind_text:?}"), hint);
                }
            }
        }
        carried
    }

    fn steps(&mut self, node: &Node, modality: &Modality, registry: &Registry) -> Vec<Step> {
        let mut steps = Vec::new();
        let what = format!("{:?}", modality.name);
        let door = Spot {
            modality,
            registry,
            preset: None,
        };
        for (index, item) in self.list(node, &what).iter().enumerate() {
            self.step(item, index + 1, door, &mut steps);
        }
        steps
    }

    /// The steps, and those of presets that are to be walked as well.
    fn with_presets(
        &mut self,
        mut steps: Vec<Step>,
        with: &[String],
        modality: &Modality,
        registry: &Registry,
    ) -> Vec<Step> {
        for name in with {
            let place = Place::Option(format!("--with {name}").into());
            let value = Value::Scalar {
                text: name.clone(),
                quoted: true,
            };
            let node = Node { place, value };
            let mut added = Vec::new();
            let door = Spot {
                modality,
                registry,
                preset: None,
            };
            self.preset(&node, 0, door, &mut added);
            let changes = |step: &Step| !matches!(step.action, Action::Keep(_));
            if added.iter().any(changes) {
                self.problems.add(
                    &node.place,
                    format!("preset {name:?} changes the text that other rules look at"),
                    "put `use` of it into a recipe and compare that",
                );
            }
            for step in &mut added {
                step.label = format!("{WITH}{name}");
            }
            let base = base_name(name);
            let is_alike = |step: &Step| {
                step.label
                    .split(' ')
                    .next_back()
                    .is_some_and(|last| base_name(last) == base)
            };
            let behind = steps.iter().rposition(is_alike).or_else(|| {
                steps
                    .iter()
                    .position(|step| matches!(step.action, Action::Extract(_)))
            });
            let at = behind.map_or(0, |behind| behind + 1);
            steps.splice(at..at, added);
        }
        steps
    }

    /// Reads one step; presets become the steps they stand for.
    fn step(&mut self, node: &Node, number: usize, from: Spot<'_>, steps: &mut Vec<Step>) {
        let Spot { registry, preset, .. } = from;
        let fields = self.mapping(node, "a step", STEP);
        if fields.len() != 1 {
            if fields.len() > 1 {
                let names: Vec<_> = STEP
                    .iter()
                    .map(|key| key.name)
                    .filter(|name| fields.contains_key(name))
                    .collect();
                self.problems.add(
                    &node.place,
                    format!("one step does {}", names.join(" and ")),
                    "make them two steps: start each with `-`",
                );
            }
            if matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
                self.problems.add(
                    &node.place,
                    "a step that does nothing",
                    suggest("", STEP.iter().map(|key| key.name)),
                );
            }
            return;
        }
        let (&verb, &value) = fields.iter().next().expect("there is one");
        let place = value.place.clone();
        let is_decontaminated = steps
            .iter()
            .any(|step| matches!(step.action, Action::Decontaminate(_)));
        let indexes: Vec<String> = steps.iter().filter_map(Step::index).map(str::to_owned).collect();
        let mut add = |label: String, action| {
            steps.push(Step {
                label: format!("{number} {label}"),
                action,
                place: place.clone(),
            });
        };
        match verb {
            "extract" => {
                let extractors = self.extractors(value, from.modality);
                if !extractors.is_empty() {
                    let names: Vec<_> = extractors.iter().map(|extractor| extractor.card().name).collect();
                    add(
                        format!("extract {}", names.join(", ")),
                        Action::Extract(extractors),
                    );
                }
            }
            "edit" => {
                if let Some(spec) = self.configured(value, &registry.edits) {
                    add(spec.label(), Action::Edit(spec));
                }
            }
            "split" => {
                if let Some(spec) = self.configured(value, &registry.splitters) {
                    add(spec.label(), Action::Split(spec));
                }
            }
            "redact" => {
                let known = registry.redactions.iter().map(|e| e.card().name);
                for kind in self.one_or_more(value, "\"redact\"", known) {
                    match find_edit(registry.redactions, kind.text().unwrap_or_default()) {
                        Some(edit) => {
                            let label = format!("redact {}", edit.card().name);
                            add(label, Action::Edit(Configured::plain(edit)));
                        }
                        None => self.unknown(
                            kind,
                            "redaction",
                            registry.redactions.iter().map(|e| e.card().name),
                        ),
                    }
                }
            }
            "context" => add("context pages".to_owned(), Action::Context),
            "resolve" => add("resolve crawl".to_owned(), Action::Resolve),
            "nodes" => {
                let spec = self.nodes(value, number, from);
                add("nodes".to_owned(), Action::Nodes(spec));
            }
            "keep" => {
                let label = preset.unwrap_or("keep").to_owned();
                let rules = self.rules(value);
                add(label, Action::Keep(rules));
            }
            "decontaminate" => {
                if is_decontaminated {
                    self.problems.add(
                        &value.place,
                        "the documents were compared with evaluation sets already",
                        "a chain has one `decontaminate`; it takes any number of sets",
                    );
                } else if let Some(spec) = self.decontaminate(value, registry) {
                    add(spec.label(), Action::Decontaminate(Box::new(spec)));
                }
            }
            "dedup" => {
                if let Some(spec) = self.dedup(value, registry) {
                    if let Some(index) = spec.index.as_ref().filter(|index| indexes.contains(&index.uri)) {
                        self.problems.add(
                            &index.place,
                            "another step has this index",
                            "an index holds the keys of one method: give each step one of its own",
                        );
                    }
                    add(spec.label(), Action::Dedup(Box::new(spec)));
                }
            }
            _ if preset.is_some() => self.problems.add(
                &value.place,
                "a preset cannot use presets",
                "use both in the recipe, or copy the steps",
            ),
            _ => self.preset(value, number, from, steps),
        }
    }

    /// Reads the steps of the pieces of documents.
    fn nodes(&mut self, node: &Node, number: usize, from: Spot<'_>) -> NodesSpec {
        let fields = self.mapping(node, "\"nodes\"", NODES);
        let mut spec = NodesSpec::default();
        for (name, steps) in [("text", &mut spec.text), ("image", &mut spec.image)] {
            let Some(node) = fields.get(name) else { continue };
            for item in self.list(node, &format!("{name:?} of nodes")) {
                self.step(item, number, from, steps);
            }
            for step in &mut *steps {
                if !matches!(step.action, Action::Keep(_)) {
                    self.problems.add(
                        &step.place,
                        "nodes are judged by rules alone",
                        "use `keep` or a preset of rules",
                    );
                }
                step.label = format!("{} {name}", step.label);
            }
        }
        spec
    }

    /// Reads the steps that a preset stands for.
    fn preset(&mut self, node: &Node, number: usize, from: Spot<'_>, steps: &mut Vec<Step>) {
        let name = node.text().unwrap_or_default();
        let registry = from.registry;
        match registry.presets.iter().find(|preset| preset.name == name) {
            Some(preset) => {
                let inside = Spot {
                    preset: Some(preset.name),
                    ..from
                };
                for step in &preset.steps {
                    let step = step.clone().at(&node.place);
                    self.step(&step, number, inside, steps);
                }
            }
            None => self.unknown(node, "preset", registry.presets.iter().map(|preset| preset.name)),
        }
    }

    /// The extractors that a step names, one or a list.
    fn extractors(&mut self, node: &Node, modality: &Modality) -> Vec<&'static dyn Extractor> {
        let known = || modality.extractors.iter().map(|extractor| extractor.card().name);
        let mut extractors: Vec<&'static dyn Extractor> = Vec::new();
        for name in self.one_or_more(node, "\"extract\"", known()) {
            match modality.extractor(name.text().unwrap_or_default()) {
                None => self.unknown(name, "extractor", known()),
                Some(extractor) => {
                    let is_same = |other: &&dyn Extractor| other.card().name == extractor.card().name;
                    if extractors.iter().any(is_same) {
                        let message = format!("extractor {:?} stands here twice", extractor.card().name);
                        self.problems.add(&name.place, message, "keep one of them");
                    }
                    extractors.push(extractor);
                }
            }
        }
        extractors
    }

    /// The entries of a list, or the one value that stands in its place.
    fn one_or_more<'n, 'k>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: impl Iterator<Item = &'k str>,
    ) -> &'n [Node] {
        let Value::List(entries) = &node.value else {
            return std::slice::from_ref(node);
        };
        if entries.is_empty() {
            self.problems
                .add(&node.place, format!("{what} names nothing"), suggest("", known));
        }
        entries
    }

    pub(super) fn unknown<'k>(&mut self, node: &Node, what: &str, known: impl Iterator<Item = &'k str>) {
        match node.text() {
            Some(name) => self.problems.add(
                &node.place,
                format!("unknown {what} {name:?}"),
                suggest(name, known),
            ),
            None => self.problems.add(
                &node.place,
                format!("the name of a {what} stands here, not {}", node.kind()),
                suggest("", known),
            ),
        }
    }

    fn rules(&mut self, node: &Node) -> Vec<RuleSpec> {
        let hint = "name each rule: `keep: {min_words: text_word_count >= 50}`";
        let Value::Map(entries) = &node.value else {
            self.problems.add(
                &node.place,
                format!(
                    "\"keep\" is a mapping from names to predicates, this is {}",
                    node.kind()
                ),
                hint,
            );
            return Vec::new();
        };
        if entries.is_empty() {
            self.problems.add(&node.place, "\"keep\" has no rules", hint);
        }
        let mut rules: Vec<RuleSpec> = Vec::new();
        for (name, predicate) in entries {
            let text = name.text().unwrap_or_default();
            let is_word = !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            if !is_word {
                self.problems.add(
                    &name.place,
                    format!("{text:?} is not a rule's name"),
                    "letters, digits, _ and -",
                );
            }
            if let "fault" | "kept" = text {
                self.problems.add(
                    &name.place,
                    format!("{text:?} is a verdict already"),
                    "a rule is named for what it asks, such as min_words",
                );
            }
            if rules.iter().any(|rule| rule.name == text) {
                self.problems.add(
                    &name.place,
                    format!("rule {text:?} stands here twice"),
                    "give one of them another name",
                );
            }
            match &predicate.value {
                Value::Scalar { text: sql, quoted } => {
                    let place = match &predicate.place {
                        Place::Line(line, column) => Place::Line(*line, column + usize::from(*quoted)),
                        option @ Place::Option(_) => option.clone(),
                    };
                    rules.push(RuleSpec {
                        name: text.to_owned(),
                        sql: sql.trim().to_owned(),
                        place,
                    });
                }
                _ => self.problems.add(
                    &predicate.place,
                    format!("rule {text:?} has no predicate"),
                    "an SQL condition over columns, such as `text_word_count >= 50`",
                ),
            }
        }
        rules
    }

    fn write(&mut self, node: Option<&Node>) -> WriteSpec {
        let mut spec = WriteSpec {
            uri: None,
            columns: None,
            shard_bytes: SHARD_BYTES,
            rejects: RejectMode::Sample,
        };
        let Some(node) = node else { return spec };
        let fields = self.mapping(node, "\"write\"", WRITE);
        if let Some(node) = fields.get("uri") {
            let uri = node.text().unwrap_or_default();
            self.check_uri(uri, &node.place);
            if uri.starts_with("http://") || uri.starts_with("https://") {
                self.problems.add(
                    &node.place,
                    "http addresses are for reading",
                    "write to a path, s3://, gs:// or az://",
                );
            }
            spec.uri = Some(uri.to_owned());
        }
        if let Some(size) = fields
            .get("shard_bytes")
            .and_then(|node| parse_size(node.text()?))
        {
            spec.shard_bytes = size;
        }
        spec.rejects = match fields.get("rejects").and_then(|node| node.text()) {
            Some("counts") => RejectMode::Counts,
            Some("all") => RejectMode::All,
            _ => RejectMode::Sample,
        };
        spec.columns = fields.get("columns").map(|node| {
            let one = std::slice::from_ref(*node);
            let names = if let Value::List(names) = &node.value {
                names
            } else {
                one
            };
            let mut columns: Vec<(String, Place)> = Vec::new();
            for node in names {
                let name = node.text().unwrap_or_default();
                if columns.iter().any(|(known, _)| known == name) {
                    self.problems.add(
                        &node.place,
                        format!("column {name:?} stands here twice"),
                        "name each column once",
                    );
                } else {
                    columns.push((name.to_owned(), node.place.clone()));
                }
            }
            if columns.is_empty() {
                self.problems.add(
                    &node.place,
                    "\"columns\" is empty",
                    "leave \"columns\" out to write all columns",
                );
            }
            columns
        });
        spec
    }

    fn expectations(&mut self, node: &Node, chains: &[Chain]) -> Vec<Expectation> {
        let mut expectations = Vec::new();
        for item in self.list(node, "\"expect\"") {
            let fields = self.mapping(item, "an entry of \"expect\"", EXPECT);
            let text = |name: &str| fields.get(name).and_then(|node| node.text());
            let Some(metric) = text("metric") else { continue };
            if text("error_if").is_none() && text("warn_if").is_none() {
                self.problems.add(
                    &item.place,
                    "an expectation without a condition",
                    "add `error_if: \"< 0.02\"` or `warn_if: …`",
                );
            }
            let texts = Texts {
                metric,
                error_if: text("error_if"),
                warn_if: text("warn_if"),
                baseline: text("baseline"),
            };
            match Expectation::parse(texts, fields["metric"].place.clone()) {
                Ok(expectation) => {
                    let rules: Vec<&str> = rule_names(chains);
                    if let Some(rule) = expectation.rule()
                        && !rules.contains(&rule)
                    {
                        self.problems.add(
                            &fields["metric"].place,
                            format!("no rule is called {rule:?}"),
                            suggest(rule, rules),
                        );
                    }
                    expectations.push(expectation);
                }
                Err(message) => {
                    let hint = format!("metrics: {METRICS}; conditions: \"< 0.02 or > 0.6\"");
                    self.problems.add(&item.place, message, &hint);
                }
            }
        }
        expectations
    }
}

/// `gopher_quality` of `gopher_quality@dclm`.
fn base_name(preset: &str) -> &str {
    preset.split('@').next().unwrap_or_default()
}

fn rule_names(chains: &[Chain]) -> Vec<&str> {
    let mut names = vec![crate::plan::DOCUMENT_RULE];
    let asks = |step: &Step| matches!(step.action, Action::Context | Action::Resolve);
    let asks = chains.iter().flat_map(|chain| &chain.steps).any(asks);
    let is_routed = chains.len() > 1 || asks;
    if is_routed {
        names.push(crate::plan::READABLE_RULE);
    }
    if asks {
        names.push(crate::plan::ASKED_RULE);
    }
    for step in chains.iter().flat_map(|chain| &chain.steps) {
        match &step.action {
            Action::Keep(rules) => names.extend(rules.iter().map(|rule| rule.name.as_str())),
            Action::Extract(_) if is_routed => {}
            Action::Extract(extractors) => names.push(crate::plan::accepted(extractors).name),
            Action::Dedup(spec) => names.push(&spec.keep.name),
            Action::Decontaminate(spec) => names.push(&spec.keep.name),
            Action::Split(_) => names.extend([crate::plan::PARTS_RULE, crate::plan::WHOLE_RULE]),
            // Nodes leave within their document, not from the chain.
            Action::Edit(_) | Action::Context | Action::Resolve | Action::Nodes(_) => {}
        }
    }
    names
}

/// The recipe as asked: what the rows depend on, and nothing else: not where they are written, and not what is
/// expected of them, so that a run whose expectations were wrong can be published once they are corrected.
fn canonical(
    name: &str,
    read: &[ReadEntry],
    models: &[ModelSpec],
    chains: &[Chain],
    write: &WriteSpec,
) -> serde_json::Value {
    let entries: Vec<_> = read
        .iter()
        .map(|entry| {
            let fields = &entry.fields;
            let carry: BTreeMap<_, _> = fields
                .carry
                .iter()
                .map(|(name, kind)| (name, kind.name()))
                .collect();
            json!({
                "format": entry.format, "content": fields.content, "media_type": fields.media_type,
                "id": fields.id, "url": fields.url, "columns": carry, "slice_bytes": entry.slice_bytes, "record_bytes": entry.record_bytes,
                "caption": fields.caption, "encoding": match fields.encoding {
                    Encoding::Plain => "plain",
                    Encoding::Base64 => "base64",
                    Encoding::Path => "path",
                },
            })
        })
        .collect();
    let steps = |chain: &Chain| canonical_steps(&chain.steps);
    let models: Vec<_> = models.iter().map(ModelSpec::canonical).collect();
    let columns: Option<Vec<&str>> = write
        .columns
        .as_ref()
        .map(|columns| columns.iter().map(|(name, _)| name.as_str()).collect());
    let mut recipe = json!({
        "recipe": 1, "name": name, "read": entries, "models": models,
        "write": { "columns": columns, "shard_bytes": write.shard_bytes, "rejects": write.rejects },
    });
    for chain in chains {
        recipe[chain.modality] = json!(steps(chain));
    }
    recipe
}

fn canonical_steps(steps: &[Step]) -> Vec<serde_json::Value> {
    let told = steps.iter().map(|step| match &step.action {
            Action::Extract(extractors) => {
                let names: Vec<_> = extractors.iter().map(|extractor| extractor.card().name).collect();
                json!({ "step": step.label, "extract": names })
            }
            Action::Context => json!({ "step": step.label, "context": "pages" }),
            Action::Resolve => json!({ "step": step.label, "resolve": "crawl" }),
            Action::Nodes(spec) => json!({
                "step": step.label, "nodes": { "text": canonical_steps(&spec.text), "image": canonical_steps(&spec.image) },
            }),
            Action::Edit(spec) => spec.canonical(&step.label),
            Action::Split(spec) => spec.canonical(&step.label),
            Action::Dedup(spec) => spec.canonical(&step.label),
            Action::Decontaminate(spec) => spec.canonical(&step.label),
            Action::Keep(rules) => {
                let rules: Vec<_> = rules.iter().map(|rule| json!([rule.name, rule.sql])).collect();
                json!({ "step": step.label, "keep": rules })
            }
        });
    told.collect()
}
