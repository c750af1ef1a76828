//! Edits of text: they change content, and say so in a recipe.
//!
//! [`EDITS`] lists them. An edit's `text` output replaces the text; words and measures of the old text are of no use
//! behind it and are computed again when a rule asks for them.

mod c4_lines;
mod markdown;

use gristmill_core::Edit;

/// All edits of text.
pub static EDITS: &[&dyn Edit] = &[
    &c4_lines::C4_LINES,
    &c4_lines::C4_LINES_STRICT,
    &markdown::Markdown,
];
