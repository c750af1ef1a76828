//! Markdown of real pages, read back by a parser of its own: it says what the plain text says.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray};
use gristmill_text::EXTRACTORS;
use pulldown_cmark::{Event, Options, Parser};

use crate::gold;

/// The plain text and the Markdown of a page.
fn both(html: &[u8], url: &str) -> (String, String) {
    let inputs: Vec<ArrayRef> = vec![
        Arc::new(BinaryViewArray::from(vec![Some(html)])),
        Arc::new(StringViewArray::new_null(1)),
        Arc::new(StringViewArray::from(vec![Some(url)])),
    ];
    let extractor = EXTRACTORS
        .iter()
        .find(|extractor| extractor.card().name == "html")
        .unwrap();
    let documents = extractor.extract(&inputs, &["text", "text_markdown"]).unwrap();
    let column = |name: &str| {
        let outputs = extractor.card().outputs;
        let at = outputs.iter().position(|column| column.name == name).unwrap();
        documents.columns[at].as_string_view().value(0).to_owned()
    };
    (column("text"), column("text_markdown"))
}

/// What a reader of Markdown sees, a space between its pieces.
fn read(markdown: &str) -> String {
    let mut text = String::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(piece) | Event::Code(piece) => text.push_str(&piece),
            Event::Start(_) | Event::End(_) if !text.ends_with(' ') => {
                // Emphasis within a word does not part it; everything else does.
                let is_inline = matches!(
                    event,
                    Event::Start(
                        pulldown_cmark::Tag::Strong
                            | pulldown_cmark::Tag::Emphasis
                            | pulldown_cmark::Tag::Strikethrough
                    ) | Event::End(
                        pulldown_cmark::TagEnd::Strong
                            | pulldown_cmark::TagEnd::Emphasis
                            | pulldown_cmark::TagEnd::Strikethrough
                    )
                );
                if !is_inline {
                    text.push(' ');
                }
            }
            Event::SoftBreak | Event::HardBreak | Event::InlineHtml(_) => text.push(' '),
            _ => {}
        }
    }
    text
}

/// Letters and digits, and where words end.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn markdown_says_what_the_text_says() {
    let mut wrong = Vec::new();
    for page in gold::pages(3) {
        let (text, markdown) = both(&page.html, &page.url);
        let back = read(&markdown);
        if words(&text) != words(&back) {
            let at = words(&text)
                .iter()
                .zip(words(&back))
                .take_while(|(a, b)| *a == b)
                .count();
            let context = |text: &str| {
                words(text)
                    .iter()
                    .skip(at.saturating_sub(5))
                    .take(10)
                    .copied()
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            wrong.push(format!(
                "{}: {:?} became {:?}",
                page.url,
                context(&text),
                context(&back)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
