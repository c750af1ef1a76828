//! The edit steps of a recipe: an edit by its name, or with its settings.

use std::collections::BTreeMap;

use gristmill_core::{Edit, Given, Setting, Settings, Sort};
use serde_json::{Value as Json, json};

use super::{
    read::Reader,
    size::parse_size,
    suggest,
    yaml::{Node, Value},
};
use crate::registry::{Registry, find_edit};

/// An edit step.
pub(crate) struct EditSpec {
    /// With its settings.
    pub(crate) edit: &'static dyn Edit,
    settings: Settings,
}

impl EditSpec {
    /// An edit that has no settings.
    pub(super) fn plain(edit: &'static dyn Edit) -> Self {
        EditSpec {
            edit,
            settings: Settings::new(&[], []),
        }
    }

    /// The step as asked.
    pub(super) fn canonical(&self, step: &str) -> Json {
        let mut canonical = json!({ "step": step, "edit": self.edit.card().name });
        if !self.settings.is_empty() {
            canonical["settings"] = self.settings.to_json();
        }
        canonical
    }
}

impl Reader<'_> {
    /// `name`, or `{name: {setting: value}}`.
    pub(super) fn edit(&mut self, node: &Node, registry: &Registry) -> Option<EditSpec> {
        let (name, settings) = match &node.value {
            Value::Map(entries) => match entries.as_slice() {
                [(name, settings)] => (name, Some(settings)),
                _ => {
                    let hint = "write `edit: {resize: {size: 256}}`";
                    self.problems.add(&node.place, "a step makes one edit", hint);
                    return None;
                }
            },
            _ => (node, None),
        };
        let Some(edit) = find_edit(&registry.edits, name.text().unwrap_or_default()) else {
            self.unknown(name, "edit", registry.edits.iter().map(|edit| edit.card().name));
            return None;
        };
        let before = self.problems.count();
        let given = settings.map_or_else(BTreeMap::new, |settings| self.edit_settings(edit, settings));
        if self.problems.count() > before {
            return None;
        }
        let settings = Settings::new(edit.settings(), given);
        match edit.with(&settings) {
            Ok(with) => Some(EditSpec {
                edit: with.unwrap_or(edit),
                settings,
            }),
            Err(message) => {
                let names: Vec<_> = edit.settings().iter().map(|setting| setting.name).collect();
                let hint = format!("settings of {}: {}", edit.card().name, names.join(", "));
                self.problems.add(&node.place, message, hint);
                None
            }
        }
    }

    fn edit_settings(&mut self, edit: &'static dyn Edit, node: &Node) -> BTreeMap<&'static str, Given> {
        let mut given = BTreeMap::new();
        let card = edit.card();
        let Value::Map(entries) = &node.value else {
            let message = format!(
                "the settings of {:?} are a mapping, this is {}",
                card.name,
                node.kind()
            );
            let names = edit.settings().iter().map(|setting| setting.name);
            self.problems.add(&node.place, message, suggest("", names));
            return given;
        };
        for (name, value) in entries {
            let text = name.text().unwrap_or_default();
            let Some(setting) = edit.settings().iter().find(|setting| setting.name == text) else {
                let names = edit.settings().iter().map(|setting| setting.name);
                let message = format!("unknown key {text:?} in {:?}", card.name);
                self.problems.add(&name.place, message, suggest(text, names));
                continue;
            };
            if given.contains_key(setting.name) {
                let message = format!("key {text:?} stands here twice");
                self.problems.add(&name.place, message, "keep one of them");
            }
            if let Some(value) = self.setting(setting, value) {
                given.insert(setting.name, value);
            }
        }
        given
    }

    /// The value of a setting.
    pub(super) fn setting(&mut self, setting: &'static Setting, value: &Node) -> Option<Given> {
        let given = value.text().unwrap_or_default();
        let number = match setting.sort {
            Sort::Bytes { .. } => parse_size(given).map(|bytes| bytes.to_string()),
            _ => None,
        };
        match setting.sort.read(number.as_deref().unwrap_or(given)) {
            Ok(given) => Some(given),
            Err(wanted) => {
                let this = value
                    .text()
                    .map_or_else(|| value.kind().to_owned(), |text| format!("{text:?}"));
                let message = format!("{:?} is {wanted}, this is {this}", setting.name);
                self.problems.add(&value.place, message, setting.about);
                None
            }
        }
    }
}
