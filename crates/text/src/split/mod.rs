//! Splitters of text: they cut documents into parts.

mod rows;

use gristmill_core::Splitter;

/// All splitters of text.
pub static SPLITTERS: &[&dyn Splitter] = &[&rows::Rows];
