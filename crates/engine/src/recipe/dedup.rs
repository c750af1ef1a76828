//! The dedup steps of a recipe: a method, what it looks at, its settings, and which copy is kept.

use std::collections::BTreeMap;

use gristmill_core::{Given, Settings};
use gristmill_dedup::{CLUSTER_RANK, Dedup, Method, TEXT_REPEAT_SHARE, Verdict};
use serde_json::{Value as Json, json};

use super::{
    RuleSpec,
    keys::{DEDUP, Kind},
    read::Reader,
    suggest,
    yaml::{Node, Place, Value},
};
use crate::registry::Registry;

/// A dedup step.
#[derive(Clone)]
pub(crate) struct DedupSpec {
    pub(crate) method: &'static dyn Method,
    pub(crate) settings: Settings,
    pub(crate) dedup: Dedup,
    /// What the method looks at.
    pub(crate) column: String,
    /// The order in which copies are preferred, as SQL.
    pub(crate) prefer: Option<RuleSpec>,
    /// The rule of the step.
    pub(crate) keep: RuleSpec,
    pub(crate) index: Option<IndexSpec>,
}

/// The index of a dedup step: what it reads of earlier runs, and adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexSpec {
    pub(crate) uri: String,
    /// The name of the entry that this run adds; made from its plan when absent.
    pub(crate) entry: Option<String>,
    /// The entries to read; all when absent.
    pub(crate) read: Option<Vec<String>>,
    pub(crate) place: Place,
}

impl DedupSpec {
    /// The name of the step in labels.
    pub(super) fn label(&self) -> String {
        format!("dedup {} {}", self.method.card().name, self.column)
    }

    /// What two runs must share to be compared: the method, what it looks at and its settings, but for those that only say
    /// what is done with pairs that met.
    pub(crate) fn keys_json(&self) -> Json {
        let mut settings = self.settings.to_json();
        if let Json::Object(settings) = &mut settings {
            settings.retain(|name, _| !["verify", "measure"].contains(&name.as_str()));
        }
        let card = self.method.card();
        json!({
            "method": card.name, "version": card.version, "column": self.column, "settings": settings,
            "evidence": self.is_verified(),
        })
    }

    fn is_verified(&self) -> bool {
        match &self.dedup {
            Dedup::Whole(fingerprint) => matches!(fingerprint.verdict(), Verdict::Verified(_)),
            Dedup::Parts(_) => false,
        }
    }

    /// As it stands in the plan.
    pub(super) fn canonical(&self, step: &str) -> Json {
        let mut canonical = json!({
            "step": step, "dedup": self.method.card().name, "column": self.column, "settings": self.settings.to_json(),
            "prefer": self.prefer.as_ref().map(|prefer| &prefer.sql),
            "keep": [[self.keep.name, self.keep.sql]],
        });
        if let Some(index) = &self.index {
            // What the entry is called does not change the output.
            canonical["index"] = json!({ "read": index.read });
        }
        canonical
    }
}

impl Reader<'_> {
    pub(super) fn dedup(&mut self, node: &Node, registry: &Registry) -> Option<DedupSpec> {
        let Value::Map(entries) = &node.value else {
            return self.no_method(node);
        };
        let [(name, value)] = entries.as_slice() else {
            return self.no_method(node);
        };
        let Some(method) = registry.method(name.text().unwrap_or_default()) else {
            let names = registry.methods.iter().map(|method| method.card().name);
            self.unknown(name, "dedup method", names);
            return None;
        };
        let before = self.problems.count();
        let mut asked = Asked::default();
        match &value.value {
            Value::Scalar { .. } => asked.column = Some(value),
            Value::Map(entries) => self.dedup_settings(method, entries, &mut asked),
            Value::Null => {}
            Value::List(_) => {
                let message = format!(
                    "{:?} is what the method looks at, or its settings",
                    method.card().name
                );
                self.problems.add(&value.place, message, example(method));
            }
        }
        let column = self.dedup_column(method, asked.column)?;
        let settings = Settings::new(method.settings(), std::mem::take(&mut asked.given));
        if self.problems.count() > before {
            return None;
        }
        let dedup = match method.with(&settings) {
            Ok(dedup) => dedup,
            Err(message) => {
                self.problems.add(&value.place, message, example(method));
                return None;
            }
        };
        let sql = |node: &Node, name: &str| RuleSpec {
            name: name.to_owned(),
            sql: node.text().unwrap_or_default().to_owned(),
            place: node.place.clone(),
        };
        let rank = CLUSTER_RANK.name;
        let (rule, condition) = match &dedup {
            Dedup::Whole(fingerprint) => {
                let what = match fingerprint.verdict() {
                    Verdict::Equal => &column,
                    _ => method.card().name,
                };
                (format!("unique_{what}"), format!("{rank} = 0"))
            }
            Dedup::Parts(_) => {
                self.not_for_parts(&asked, method);
                (
                    "has_own_text".to_owned(),
                    format!("{} < 1", TEXT_REPEAT_SHARE.name),
                )
            }
        };
        let keep = asked.keep.map_or_else(
            || RuleSpec {
                name: rule.clone(),
                sql: condition,
                place: node.place.clone(),
            },
            |node| sql(node, &rule),
        );
        Some(DedupSpec {
            method,
            settings,
            dedup,
            column,
            prefer: asked.prefer.map(|node| sql(node, "prefer")),
            keep,
            index: asked.index,
        })
    }

    /// Only whole documents have an order of preference and an index.
    fn not_for_parts(&mut self, asked: &Asked<'_>, method: &'static dyn Method) {
        let prefer = asked.prefer.map(|node| ("prefer", &node.place));
        let index = asked.index.as_ref().map(|index| ("index", &index.place));
        for (key, place) in prefer.into_iter().chain(index) {
            let message = format!(
                "{key:?} is for methods that compare whole documents, and {:?} takes out parts",
                method.card().name
            );
            self.problems.add(place, message, "leave it out");
        }
    }

    fn no_method(&mut self, node: &Node) -> Option<DedupSpec> {
        self.problems.add(
            &node.place,
            format!(
                "\"dedup\" names one method and what it looks at, this is {}",
                node.kind()
            ),
            "write `dedup: {exact: text}`",
        );
        None
    }

    fn dedup_settings<'n>(
        &mut self,
        method: &'static dyn Method,
        entries: &'n [(Node, Node)],
        asked: &mut Asked<'n>,
    ) {
        let names = || {
            let common = DEDUP.iter().map(|key| key.name);
            common.chain(method.settings().iter().map(|setting| setting.name))
        };
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in entries {
            let text = name.text().unwrap_or_default();
            if seen.contains(&text) {
                let message = format!("key {text:?} stands here twice");
                self.problems.add(&name.place, message, "keep one of them");
                continue;
            }
            seen.push(text);
            if let Some(setting) = method.settings().iter().find(|setting| setting.name == text) {
                if let Some(given) = self.setting(setting, value) {
                    asked.given.insert(setting.name, given);
                }
                continue;
            }
            let Some(key) = DEDUP.iter().find(|key| key.name == text) else {
                let message = format!("unknown key {text:?} in {:?}", method.card().name);
                self.problems.add(&name.place, message, suggest(text, names()));
                continue;
            };
            if key.kind == Kind::Text && value.text().is_none() {
                let message = format!("{text:?} is text, this is {}", value.kind());
                self.problems.add(&value.place, message, key.about);
                continue;
            }
            match key.name {
                "column" => asked.column = Some(value),
                "prefer" => asked.prefer = Some(value),
                "keep" => asked.keep = Some(value),
                _ => asked.index = self.index(value),
            }
        }
    }

    fn dedup_column(&mut self, method: &'static dyn Method, node: Option<&Node>) -> Option<String> {
        let columns = method.columns();
        let Some(node) = node else {
            return Some(columns[0].name.to_owned());
        };
        let name = node.text().unwrap_or_default();
        if let Some(column) = columns.iter().find(|column| column.name == name) {
            return Some(column.name.to_owned());
        }
        self.problems.add(
            &node.place,
            format!("{} dedup does not look at {name:?}", method.card().name),
            example(method),
        );
        None
    }

    fn index(&mut self, node: &Node) -> Option<IndexSpec> {
        let spec = |uri: &str, entry, read| IndexSpec {
            uri: uri.to_owned(),
            entry,
            read,
            place: node.place.clone(),
        };
        if let Some(uri) = node.text() {
            self.check_index(uri, &node.place);
            return Some(spec(uri, None, None));
        }
        let fields = self.mapping(node, "\"index\"", super::keys::INDEX);
        let uri = fields.get("uri").and_then(|node| node.text())?;
        self.check_index(uri, &node.place);
        let entry = fields.get("entry").and_then(|node| node.text());
        if let Some(entry) = entry
            && !is_entry_name(entry)
        {
            self.problems.add(
                &fields["entry"].place,
                format!("{entry:?} is not a name of an entry"),
                "up to 100 letters, digits, `-`, `_` and `.`, not starting with `.`",
            );
        }
        let read = fields.get("read").map(|node| match &node.value {
            Value::List(names) => names.iter().filter_map(Node::text).map(str::to_owned).collect(),
            _ => node.text().map(str::to_owned).into_iter().collect(),
        });
        Some(spec(uri, entry.map(str::to_owned), read))
    }

    fn check_index(&mut self, uri: &str, place: &Place) {
        self.check_uri(uri, place);
        if uri.starts_with("http://") || uri.starts_with("https://") {
            self.problems.add(
                place,
                "an index is written as well, and http addresses are for reading",
                "use a path, s3://, gs:// or az://",
            );
        }
    }
}

/// What stands in a step.
#[derive(Default)]
struct Asked<'n> {
    column: Option<&'n Node>,
    prefer: Option<&'n Node>,
    keep: Option<&'n Node>,
    index: Option<IndexSpec>,
    given: BTreeMap<&'static str, Given>,
}

/// Whether a name can be that of an entry of an index; it becomes the name of a folder.
pub(crate) fn is_entry_name(name: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(is_fine)
}

fn example(method: &'static dyn Method) -> String {
    format!(
        "write `dedup: {{{}: {}}}`",
        method.card().name,
        method.columns()[0].name
    )
}
