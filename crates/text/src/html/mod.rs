//! An HTML parser for text: one pass over the bytes, an arena of nodes, text as ranges of the source.
//!
//! [`Document::parse`] gives a flat list of nodes in document order; a node knows its parent and where its
//! subtree ends, so every walk is a loop over indices and no depth of nesting can overflow a stack. Nothing is
//! copied: an element points at its attributes in the source, a text node at its characters. Attributes are read
//! and entities are decoded when somebody asks.
//!
//! It recovers as browsers do (WHATWG HTML, section 13.2) wherever that changes which text is seen, in which
//! block: raw text elements, implied end tags (`p`, `li`, `dt`, `dd`, `option`, table parts, headings), void
//! elements, unclosed and stray tags, nested links, comments, CDATA, `head` and `body` left out. It does not
//! rebuild the exact tree of a browser: misnested formatting is not cloned, and text that a browser would move in
//! front of a table stays where it is. Scripting is off, so `noscript` is content.
//!
//! Elements nested deeper than `Limits::html_depth` are left out of the tree and their content joins the
//! deepest kept one; reading ends at `Limits::html_nodes` nodes. Time is linear in the bytes for any input.

mod attributes;
mod entities;
mod entity_table;
mod tag;
mod tree;

pub(crate) use attributes::{Attributes, decoded};
pub(crate) use entities::{Place, decode_into};
pub(crate) use tag::Tag;
pub(crate) use tree::{Document, Node};
