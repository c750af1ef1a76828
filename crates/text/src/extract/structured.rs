//! JSON-LD: who wrote a page, when, and under which licence.

use serde_json::Value;

/// What one block of JSON-LD says; the first object that says it counts.
#[derive(Debug, Default)]
pub(super) struct Structured {
    /// Names of persons or organisations, with `, ` between them.
    pub(super) author: Option<String>,
    pub(super) date_published: Option<String>,
    pub(super) licence: Option<String>,
}

impl Structured {
    /// Reads the content of a `script`; JSON that cannot be read says nothing. `serde_json` bounds its depth.
    pub(super) fn read(json: &str) -> Self {
        let mut found = Structured::default();
        let Ok(value) = serde_json::from_str::<Value>(json.trim()) else {
            return found;
        };
        let mut values = vec![&value];
        while let Some(value) = values.pop() {
            match value {
                Value::Array(items) => values.extend(items.iter().rev()),
                Value::Object(fields) => {
                    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
                    found.author = found.author.or_else(|| fields.get("author").and_then(names));
                    found.date_published = found.date_published.or_else(|| text("datePublished"));
                    found.licence = found.licence.or_else(|| text("license"));
                    // Reviews and comments have authors of their own; only containers of pages are entered.
                    values.extend(
                        ["@graph", "mainEntity", "mainEntityOfPage"]
                            .iter()
                            .filter_map(|name| fields.get(*name)),
                    );
                }
                _ => {}
            }
        }
        found
    }
}

fn names(author: &Value) -> Option<String> {
    let name = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(fields) => fields.get("name").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let names: Vec<String> = match author {
        Value::Array(authors) => authors.iter().filter_map(name).collect(),
        one => name(one).into_iter().collect(),
    };
    let names: Vec<String> = names
        .into_iter()
        .filter(|name| !name.starts_with("http"))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}
