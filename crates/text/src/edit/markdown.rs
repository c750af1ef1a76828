//! Markdown in place of plain text.
//!
//! Rules that were made for plain text look at plain text; what is written afterwards may be Markdown. This edit
//! puts the Markdown of the page where its text stood, whatever edits did to that before it, so it belongs behind
//! the last rule and before redaction and dedup. Documents without Markdown keep their text.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray, cast::AsArray};
use gristmill_core::{Card, Cost, Edit, Result, columns};

/// Describes [`Markdown`] to recipes, lists and docs.
pub(super) static CARD: Card = Card {
    name: "markdown",
    about: "the Markdown of a page becomes its text",
    inputs: &[columns::TEXT, columns::TEXT_MARKDOWN],
    outputs: &[columns::TEXT],
    source: "crates/text/src/extract/render_markdown.rs",
    cost: Cost::Cheap,
    version: 1,
};

/// Makes Markdown the text; see the module.
#[derive(Debug)]
pub(super) struct Markdown;

impl Edit for Markdown {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let [texts, markdowns] = [0, 1].map(|at: usize| inputs[at].as_string_view());
        let edited = texts
            .iter()
            .zip(markdowns)
            .map(|(text, markdown)| text.and(markdown.or(text)));
        Ok(vec![Arc::new(edited.collect::<StringViewArray>())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_markdown_stays() {
        let inputs: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from(vec![Some("a"), Some("b"), None])),
            Arc::new(StringViewArray::from(vec![Some("# a"), None, Some("c")])),
        ];
        let edited = Markdown.edit(&inputs).unwrap();
        let edited: Vec<_> = edited[0].as_string_view().iter().collect();
        assert_eq!(edited, [Some("# a"), Some("b"), None]);
    }
}
