//! Presets: named lists of steps in YAML files of their own.

use super::{
    Problem, Problems,
    keys::PRESET,
    read::Reader,
    yaml::{self, Node, Value},
};

/// The text of a preset's file.
#[derive(Debug, Clone, Copy)]
pub struct PresetFile {
    /// The name in `use`.
    pub name: &'static str,
    /// The YAML.
    pub source: &'static str,
}

/// A preset that can be used.
#[derive(Debug, Clone)]
pub struct Preset {
    /// The name in `use`.
    pub name: &'static str,
    /// One line for lists.
    pub about: String,
    /// Where the rules and thresholds come from.
    pub origin: String,
    /// The YAML.
    pub source: &'static str,
    pub(crate) steps: Vec<Node>,
}

impl Preset {
    /// Reads a preset's file. Its steps are checked when a recipe uses them.
    ///
    /// # Errors
    /// All mistakes in its frame.
    pub fn read(file: PresetFile) -> Result<Self, Vec<Problem>> {
        let name = format!("{}.yaml", file.name);
        let mut problems = Problems::new(name);
        let root = match yaml::parse(file.source) {
            Ok(root) => root,
            Err((place, message)) => {
                problems.add(
                    &place,
                    message,
                    "a preset has the keys name, about, source and steps",
                );
                return Err(problems.into_sorted());
            }
        };
        let mut reader = Reader {
            problems: &mut problems,
        };
        let fields = reader.mapping(&root, "a preset", PRESET);
        let text = |name: &str| {
            fields
                .get(name)
                .and_then(|node| node.text())
                .unwrap_or_default()
                .to_owned()
        };
        let steps = match fields.get("steps").map(|node| &node.value) {
            Some(Value::List(steps)) => steps.clone(),
            _ => Vec::new(),
        };
        let preset = Preset {
            name: file.name,
            about: text("about"),
            origin: text("source"),
            source: file.source,
            steps,
        };
        if text("name") != file.name {
            problems.add(
                &root.place,
                format!("the preset in this file is called {:?}", text("name")),
                "a preset has the name of its file",
            );
        }
        if problems.is_empty() {
            Ok(preset)
        } else {
            Err(problems.into_sorted())
        }
    }
}
