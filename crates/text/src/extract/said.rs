//! Text that a page says in its structured data only.
//!
//! Some pages send their text as JSON-LD and leave the layout to scripts: the body of an article, the posts of a
//! discussion, questions and answers, reviews, the steps of a recipe, the description of a product. It is asked for
//! where the layout gave next to nothing, see [`instead_of`].
//!
//! Bounds: scripts are read up to 1 MiB together, nesting is bounded by `serde_json`, and at most 1,000 pieces count.

use serde_json::Value;

use super::blocks;
use crate::html::{Document, Tag};
use gristmill_core::Limits;

/// Words of a layout that is a stub.
const STUB: usize = 60;
/// How many times as many words structured data must have to count instead.
const MORE: usize = 4;
/// The least words that are a text.
const LEAST: usize = 40;
/// Bytes of JSON-LD that are read.
const BYTES: usize = 1 << 20;
/// Pieces that count.
const PIECES: usize = 1000;

/// The text of the structured data of a page if the layout's is a stub beside it: at most [`STUB`] words, and data
/// has at least [`LEAST`] and [`MORE`] times as many.
pub(super) fn instead_of(text: &str, document: &Document<'_>, limits: &Limits) -> Option<String> {
    let count = |text: &str| text.split_whitespace().count();
    let words = text.split_whitespace().take(STUB + 1).count();
    if words > STUB {
        return None;
    }
    let said = read(document, limits);
    (count(&said) >= LEAST.max(words * MORE)).then_some(said)
}

fn read(document: &Document<'_>, limits: &Limits) -> String {
    let mut pieces: Vec<String> = Vec::new();
    let mut bytes_left = BYTES;
    for (index, node) in document.nodes().iter().enumerate() {
        let is_data = node.tag == Tag::Script
            && document
                .attributes(node)
                .value("type")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json"));
        if !is_data {
            continue;
        }
        let json = document.content(index);
        if json.len() > bytes_left {
            break;
        }
        bytes_left -= json.len();
        if let Ok(value) = serde_json::from_str::<Value>(json.trim()) {
            collect(&value, &mut pieces);
        }
    }
    let mut out = String::new();
    for piece in pieces {
        // Values are plain text or HTML, and nothing says which.
        let document = Document::parse(&piece, limits.html_depth, limits.html_nodes);
        let page = blocks::cut(&document);
        for block in &page.blocks {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&page.text[block.text.clone()]);
        }
    }
    out
}

/// Appends the texts of a value, each once, in the order of the page.
fn collect(value: &Value, pieces: &mut Vec<String>) {
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        if pieces.len() >= PIECES {
            return;
        }
        match value {
            Value::Array(items) => values.extend(items.iter().rev()),
            Value::Object(fields) => {
                let is_any = |kinds: &[&str]| is_of(fields.get("@type"), kinds);
                let mut say = |name: &str| {
                    let texts = match fields.get(name) {
                        Some(Value::Array(items)) => items.as_slice(),
                        Some(one) => std::slice::from_ref(one),
                        None => &[],
                    };
                    for text in texts.iter().filter_map(Value::as_str) {
                        if pieces.len() < PIECES && pieces.iter().all(|piece| piece != text) {
                            pieces.push(text.to_owned());
                        }
                    }
                };
                if is_any(&["Question"]) {
                    say("name");
                }
                if is_any(&[
                    "Product",
                    "ProductGroup",
                    "Recipe",
                    "JobPosting",
                    "Event",
                    "Course",
                    "Book",
                ]) {
                    say("description");
                }
                for name in [
                    "articleBody",
                    "text",
                    "reviewBody",
                    "recipeIngredient",
                    "recipeInstructions",
                ] {
                    say(name);
                }
                // In this order, last first: the stack turns it round.
                values.extend(
                    [
                        "review",
                        "comment",
                        "suggestedAnswer",
                        "acceptedAnswer",
                        "itemListElement",
                        "recipeInstructions",
                        "step",
                        "mainEntityOfPage",
                        "mainEntity",
                        "@graph",
                    ]
                    .iter()
                    .filter_map(|name| fields.get(*name))
                    .filter(|value| !value.is_string()),
                );
            }
            _ => {}
        }
    }
}

/// Whether a `@type`, a name or a list of names, is one of `kinds`.
fn is_of(kind: Option<&Value>, kinds: &[&str]) -> bool {
    match kind {
        Some(Value::String(kind)) => kinds.contains(&kind.as_str()),
        Some(Value::Array(all)) => all
            .iter()
            .any(|kind| kind.as_str().is_some_and(|kind| kinds.contains(&kind))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, text: &str, expected: Option<&str>) {
        let html = format!("<script type=application/ld+json>{json}</script>");
        let said = instead_of(text, &Document::parse(&html, 512, 1 << 20), &Limits::default());
        assert_eq!(said.as_deref(), expected, "{json}");
    }

    #[test]
    fn the_body_of_an_article_counts_where_the_layout_is_a_stub() {
        let body = "word ".repeat(50);
        let json =
            format!(r#"{{"@graph": [{{"@type": "Article", "articleBody": "<p>{body}</p>a &amp; b"}}]}}"#);
        let expected = format!("{}\na & b", body.trim());
        check(&json, "", Some(&expected));
        check(&json, &"other ".repeat(20), None);
        check(&json.replace("word word", ""), "", None);
    }

    #[test]
    fn a_discussion_is_read_in_order() {
        let post = |name: &str| format!("{name} {}", "word ".repeat(20)).trim().to_owned();
        let json = format!(
            r#"{{"@type": "QAPage", "mainEntity": {{"@type": "Question", "name": "{}", "text": "{}",
            "acceptedAnswer": {{"text": "{}"}}, "suggestedAnswer": [{{"text": "{}"}}]}}}}"#,
            post("a"),
            post("b"),
            post("c"),
            post("d")
        );
        let expected = ["a", "b", "c", "d"].map(post).join("\n");
        check(&json, "", Some(&expected));
    }

    #[test]
    fn what_is_no_json_says_nothing() {
        check("{\"articleBody\": ", "", None);
        check(&"[".repeat(100_000), "", None);
    }
}
