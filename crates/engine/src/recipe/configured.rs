//! Steps of a recipe that name a thing with settings: edits and splitters.

use std::collections::BTreeMap;

use gristmill_core::{Card, Edit, Given, Setting, Settings, Sort, Splitter};
use serde_json::{Value as Json, json};

use super::{
    read::Reader,
    size::parse_size,
    suggest,
    yaml::{Node, Value},
};

/// What a recipe can say more of than its name.
pub(crate) trait Configurable {
    /// The key of its steps.
    const VERB: &'static str;

    fn card(&self) -> &'static Card;
    fn settings(&self) -> &'static [Setting];
    fn with(&self, settings: &Settings) -> Result<Option<&'static Self>, String>;
}

impl Configurable for dyn Edit {
    const VERB: &'static str = "edit";

    fn card(&self) -> &'static Card {
        Edit::card(self)
    }

    fn settings(&self) -> &'static [Setting] {
        Edit::settings(self)
    }

    fn with(&self, settings: &Settings) -> Result<Option<&'static Self>, String> {
        Edit::with(self, settings)
    }
}

impl Configurable for dyn Splitter {
    const VERB: &'static str = "split";

    fn card(&self) -> &'static Card {
        Splitter::card(self)
    }

    fn settings(&self) -> &'static [Setting] {
        Splitter::settings(self)
    }

    fn with(&self, settings: &Settings) -> Result<Option<&'static Self>, String> {
        Splitter::with(self, settings)
    }
}

/// An edit or a splitter as a step asks for it.
pub(crate) struct Configured<T: ?Sized + 'static> {
    /// With its settings.
    pub(crate) thing: &'static T,
    settings: Settings,
}

impl<T: ?Sized + Configurable> Configured<T> {
    /// One that has no settings.
    pub(super) fn plain(thing: &'static T) -> Self {
        Configured {
            thing,
            settings: Settings::new(&[], []),
        }
    }

    /// Its step's name in accounts.
    pub(super) fn label(&self) -> String {
        format!("{} {}", T::VERB, self.thing.card().name)
    }

    /// The step as asked.
    pub(super) fn canonical(&self, step: &str) -> Json {
        let mut canonical = json!({ "step": step });
        canonical[T::VERB] = json!(self.thing.card().name);
        if !self.settings.is_empty() {
            canonical["settings"] = self.settings.to_json();
        }
        canonical
    }
}

impl Reader<'_> {
    /// `name`, or `{name: {setting: value}}`.
    pub(super) fn configured<T: ?Sized + Configurable>(
        &mut self,
        node: &Node,
        all: &[&'static T],
    ) -> Option<Configured<T>> {
        let verb = T::VERB;
        let (name, settings) = match &node.value {
            Value::Map(entries) => match entries.as_slice() {
                [(name, settings)] => (name, Some(settings)),
                _ => {
                    let message = format!("a step has one {verb:?}");
                    let hint = format!("write `{verb}: {{name: {{setting: value}}}}`");
                    self.problems.add(&node.place, message, hint);
                    return None;
                }
            },
            _ => (node, None),
        };
        let wanted = name.text().unwrap_or_default();
        let Some(thing) = all.iter().copied().find(|thing| thing.card().name == wanted) else {
            self.unknown(name, verb, all.iter().map(|thing| thing.card().name));
            return None;
        };
        let before = self.problems.count();
        let given = settings.map_or_else(BTreeMap::new, |settings| {
            self.settings(thing.card(), thing.settings(), settings)
        });
        if self.problems.count() > before {
            return None;
        }
        let settings = Settings::new(thing.settings(), given);
        match thing.with(&settings) {
            Ok(with) => Some(Configured {
                thing: with.unwrap_or(thing),
                settings,
            }),
            Err(message) => {
                let names: Vec<_> = thing.settings().iter().map(|setting| setting.name).collect();
                let hint = format!("settings of {}: {}", thing.card().name, names.join(", "));
                self.problems.add(&node.place, message, hint);
                None
            }
        }
    }

    fn settings(
        &mut self,
        card: &'static Card,
        known: &'static [Setting],
        node: &Node,
    ) -> BTreeMap<&'static str, Given> {
        let mut given = BTreeMap::new();
        let names = || known.iter().map(|setting| setting.name);
        let Value::Map(entries) = &node.value else {
            let message = format!(
                "the settings of {:?} are a mapping, this is {}",
                card.name,
                node.kind()
            );
            self.problems.add(&node.place, message, suggest("", names()));
            return given;
        };
        for (name, value) in entries {
            let text = name.text().unwrap_or_default();
            let Some(setting) = known.iter().find(|setting| setting.name == text) else {
                let message = format!("unknown key {text:?} in {:?}", card.name);
                self.problems.add(&name.place, message, suggest(text, names()));
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
