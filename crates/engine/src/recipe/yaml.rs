//! YAML as a tree that knows where each node stands.
//!
//! A recipe's mistakes are reported with line and column, all at once, so nothing here stops at the first
//! surprise but a syntax error. Values from `--set` enter the same tree and name the option as their place.

use std::{collections::HashMap, fmt, sync::Arc};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Most nodes of a recipe, aliases expanded.
const NODES_MAX: usize = 100_000;

/// Where a node stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Line and column, from 1.
    Line(usize, usize),
    /// An option of the command line.
    Option(Arc<str>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line, column) => write!(f, "{line}:{column}"),
            Place::Option(option) => f.write_str(option),
        }
    }
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    /// A scalar; `quoted` ones are text whatever they look like.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// "a mapping", "a list", …, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(entries) => entries
                .iter_mut()
                .find(|(k, _)| k.text() == Some(key))
                .map(|(_, v)| v),
            Value::List(items) => key.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        }
    }

    /// Puts `value` at `path` (`write.shard_bytes`, `text.2.keep.min_words`), making mappings on the way.
    pub(crate) fn set(&mut self, path: &str, value: Node) -> Result<(), String> {
        let (key, rest) = path
            .split_once('.')
            .map_or((path, None), |(key, rest)| (key, Some(rest)));
        if key.is_empty() {
            return Err(format!("the path {path:?} has an empty part"));
        }
        let place = value.place.clone();
        if matches!(self.value, Value::Null) {
            self.value = match key.parse::<usize>() {
                Ok(_) => Value::List(Vec::new()),
                Err(_) => Value::Map(Vec::new()),
            };
        }
        if let Value::List(items) = &mut self.value
            && key.parse() == Ok(items.len())
        {
            items.push(Node {
                place: place.clone(),
                value: Value::Null,
            });
        }
        if self.get_mut(key).is_none() {
            let Value::Map(entries) = &mut self.value else {
                return Err(format!("there is no {key:?} in {}", self.kind()));
            };
            let name = Node {
                place: place.clone(),
                value: Value::Scalar {
                    text: key.to_owned(),
                    quoted: false,
                },
            };
            entries.push((
                name,
                Node {
                    place,
                    value: Value::Null,
                },
            ));
        }
        let child = self.get_mut(key).expect("it was just put there");
        match rest {
            Some(rest) => child.set(rest, value),
            None => {
                *child = value;
                Ok(())
            }
        }
    }

    /// Replaces the place of the node and all below it.
    pub(crate) fn at(mut self, place: &Place) -> Self {
        self.place = place.clone();
        self.value = match self.value {
            Value::List(items) => Value::List(items.into_iter().map(|item| item.at(place)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.at(place), value.at(place)))
                    .collect(),
            ),
            other => other,
        };
        self
    }
}

/// A syntax error: where, and what.
pub(crate) type SyntaxError = (Place, String);

/// Parses one YAML document.
pub(crate) fn parse(source: &str) -> Result<Node, SyntaxError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(source) {
        match event {
            Ok((event, span)) => builder.event(event, span)?,
            Err(error) => {
                return Err((
                    Place::Line(error.marker().line(), error.marker().col() + 1),
                    error.info().to_owned(),
                ));
            }
        }
    }
    Ok(builder.root.unwrap_or(Node {
        place: Place::Line(1, 1),
        value: Value::Null,
    }))
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
}

/// A list or mapping that is being read.
struct Open {
    place: Place,
    anchor: usize,
    is_map: bool,
    items: Vec<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        let place = Place::Line(span.start.line(), span.start.col() + 1);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err((place, "a recipe is one YAML document; found a second one".into()));
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let quoted = style != ScalarStyle::Plain;
                let is_null = !quoted && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if is_null {
                    Value::Null
                } else {
                    Value::Scalar {
                        text: text.into_owned(),
                        quoted,
                    }
                };
                self.add(Node { place, value }, anchor)?;
            }
            Event::SequenceStart(anchor, _) => {
                self.open.push(Open {
                    place,
                    anchor,
                    is_map: false,
                    items: Vec::new(),
                });
            }
            Event::MappingStart(anchor, _) => {
                self.open.push(Open {
                    place,
                    anchor,
                    is_map: true,
                    items: Vec::new(),
                });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let done = self.open.pop().expect("the parser pairs starts and ends");
                let value = if done.is_map {
                    Value::Map(pairs(done.items))
                } else {
                    Value::List(done.items)
                };
                self.add(
                    Node {
                        place: done.place,
                        value,
                    },
                    done.anchor,
                )?;
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    let node = node.clone();
                    self.nodes += size(&node);
                    self.add(node, 0)?;
                }
                None => return Err((place, "this alias has no anchor before it".into())),
            },
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err((node.place, format!("more than {NODES_MAX} nodes")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

fn pairs(items: Vec<Node>) -> Vec<(Node, Node)> {
    let mut items = items.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => {
            1 + entries
                .iter()
                .map(|(key, value)| size(key) + size(value))
                .sum::<usize>()
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_line_and_column() {
        let root = parse("a: 1\nb:\n  - {c: 'x'}\n").unwrap();
        let Value::Map(entries) = &root.value else {
            panic!("a mapping")
        };
        assert_eq!(entries[1].0.place, Place::Line(2, 1));
        let Value::List(items) = &entries[1].1.value else {
            panic!("a list")
        };
        assert_eq!(items[0].place, Place::Line(3, 5));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut source = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let alias = format!("*a{},", i - 1).repeat(10);
            source.push_str(&format!("a{i}: &a{i} [{alias}]\n"));
        }
        assert!(parse(&source).unwrap_err().1.contains("nodes"));
    }

    #[test]
    fn set_makes_what_is_missing() {
        let mut root = parse("write: {uri: a}").unwrap();
        root.set("write.shard_bytes", parse("1MiB").unwrap()).unwrap();
        root.set("read.0", parse("x").unwrap()).unwrap();
        assert!(root.set("write.uri.deeper", parse("x").unwrap()).is_err());
    }
}
