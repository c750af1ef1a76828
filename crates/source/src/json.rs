//! The wanted fields of one JSON object; everything else is passed over without being built.

use std::{borrow::Cow, fmt};

use gristmill_core::{Fault, FieldMap};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value};
use serde_json::{Number, Value};

/// A field as it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field<'a> {
    Missing,
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    /// Bytes that are no text; JSON has none.
    Bytes(Vec<u8>),
    /// An array or object.
    Nested(Value),
}

impl Field<'_> {
    /// What it is, for faults.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Field::Missing => "missing",
            Field::Null => "null",
            Field::Bool(_) => "a boolean",
            Field::Number(_) => "a number",
            Field::Text(_) => "a string",
            Field::Bytes(_) => "bytes",
            Field::Nested(Value::Array(_)) => "an array",
            Field::Nested(_) => "an object",
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Field::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A copy that borrows nothing.
    pub(crate) fn into_owned(self) -> Field<'static> {
        match self {
            Field::Missing => Field::Missing,
            Field::Null => Field::Null,
            Field::Bool(value) => Field::Bool(value),
            Field::Number(value) => Field::Number(value),
            Field::Text(text) => Field::Text(Cow::Owned(text.into_owned())),
            Field::Bytes(bytes) => Field::Bytes(bytes),
            Field::Nested(value) => Field::Nested(value),
        }
    }

    /// Bytes that it takes in a batch, nested values aside.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Field::Text(text) => text.len(),
            Field::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }

    /// A string or a number as text.
    pub(crate) fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Field::Text(text) => Some(Cow::Borrowed(text)),
            Field::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }
}

impl From<Value> for Field<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Field::Null,
            Value::Bool(value) => Field::Bool(value),
            Value::Number(value) => Field::Number(value),
            Value::String(value) => Field::Text(Cow::Owned(value)),
            nested => Field::Nested(nested),
        }
    }
}

/// The fields of a line by their use.
pub(crate) struct Found<'a> {
    pub(crate) content: Field<'a>,
    pub(crate) id: Field<'a>,
    pub(crate) url: Field<'a>,
    pub(crate) carried: Vec<Field<'a>>,
}

/// The wanted fields as a tree of keys.
pub(crate) struct Fields {
    root: Node,
    slots: usize,
    id: Option<usize>,
    url: Option<usize>,
    carried: Vec<usize>,
}

#[derive(Debug, Default)]
struct Node {
    /// Where its value goes.
    slot: Option<usize>,
    children: Vec<(String, Node)>,
}

impl Fields {
    /// The fields that `map` names.
    pub(crate) fn new(map: &FieldMap) -> Self {
        let mut fields = Fields {
            root: Node::default(),
            slots: 0,
            id: None,
            url: None,
            carried: Vec::new(),
        };
        fields.want(&map.content);
        fields.id = map.id.as_deref().map(|name| fields.want(name));
        fields.url = map.url.as_deref().map(|name| fields.want(name));
        fields.carried = map.carry.iter().map(|(name, _)| fields.want(name)).collect();
        fields
    }

    /// Reads one line.
    pub(crate) fn read<'a>(&self, line: &'a [u8]) -> Result<Found<'a>, Fault> {
        let line = std::str::from_utf8(line)
            .map_err(|error| Fault::malformed(format!("not utf-8 at byte {}", error.valid_up_to())))?;
        if !line.starts_with('{') {
            return Err(Fault::malformed("not a json object"));
        }
        let mut slots = vec![Field::Missing; self.slots];
        let mut json = serde_json::Deserializer::from_str(line);
        let seed = Inside {
            node: &self.root,
            slots: &mut slots,
        };
        seed.deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|error| {
                let problem = error.to_string();
                let problem = problem.split(" at line ").next().unwrap_or_default();
                Fault::malformed(format!("not json: {problem} at column {}", error.column()))
            })?;
        let take = |slot: Option<usize>| slot.map_or(Field::Missing, |slot| slots[slot].clone());
        Ok(Found {
            content: take(Some(0)),
            id: take(self.id),
            url: take(self.url),
            carried: self.carried.iter().map(|slot| take(Some(*slot))).collect(),
        })
    }

    /// Adds a field, as a path and as a key; gives its slot. A field that is wanted twice has one.
    fn want(&mut self, name: &str) -> usize {
        let path = name.split('.');
        let node = path.fold(&mut self.root, Node::child);
        let slot = *node.slot.get_or_insert_with(|| {
            self.slots += 1;
            self.slots - 1
        });
        if name.contains('.') {
            self.root.child(name).slot = Some(slot);
        }
        slot
    }
}

impl Node {
    fn child(&mut self, key: &str) -> &mut Node {
        let at = self
            .children
            .iter()
            .position(|(known, _)| known == key)
            .unwrap_or_else(|| {
                self.children.push((key.to_owned(), Node::default()));
                self.children.len() - 1
            });
        &mut self.children[at].1
    }

    fn get(&self, key: &str) -> Option<&Node> {
        self.children
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, node)| node)
    }

    /// Fills the slots at and below this node from a value that was built.
    fn fill(&self, value: Value, slots: &mut [Field<'_>]) {
        for (key, child) in &self.children {
            if let Some(value) = value.get(key) {
                child.fill(value.clone(), slots);
            }
        }
        if let Some(slot) = self.slot {
            slots[slot] = value.into();
        }
    }
}

/// Reads the value at a node whose fields are wanted.
struct Inside<'n, 's, 'a> {
    node: &'n Node,
    slots: &'s mut [Field<'a>],
}

impl<'a> DeserializeSeed<'a> for Inside<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Inside<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        if self.node.slot.is_some() {
            let built = value::MapAccessDeserializer::new(map);
            self.node
                .fill(serde::Deserialize::deserialize(built)?, self.slots);
            return Ok(());
        }
        while let Some(key) = map.next_key::<Key<'a>>()? {
            match self.node.get(&key.0) {
                Some(node) => map.next_value_seed(Inside {
                    node,
                    slots: self.slots,
                })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<(), S::Error> {
        if self.node.slot.is_some() {
            let built = value::SeqAccessDeserializer::new(seq);
            self.node
                .fill(serde::Deserialize::deserialize(built)?, self.slots);
            return Ok(());
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<(), E> {
        self.set(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.set(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.set(Field::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.set(Field::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.set(Field::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.set(Field::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.set(Number::from_f64(value).map_or(Field::Null, Field::Number))
    }
}

impl<'a> Inside<'_, '_, 'a> {
    fn set<E>(self, field: Field<'a>) -> Result<(), E> {
        if let Some(slot) = self.node.slot {
            self.slots[slot] = field;
        }
        Ok(())
    }
}

/// A key, borrowed where it holds no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'a> serde::Deserialize<'a> for Key<'a> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'a> Visitor<'a> for Text {
            type Value = Key<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        json.deserialize_str(Text)
    }
}
