//! Documents of text and media, and references to images.

use arrow_array::{Array, cast::AsArray, types::UInt32Type};
use gristmill_core::{
    Extractor, Limits,
    nodes::{Media, MediaKind, Node, decode},
};
use gristmill_text::extract::{
    html::Html,
    image_references::{ImageReferences, image_references},
    interleaved::{CARD, Interleaved},
};

use crate::{documents, extract, gold};

fn nodes(html: &[u8], url: &str) -> Vec<Node> {
    let documents = documents(&Interleaved, html, url);
    decode(documents.columns.last().unwrap().as_binary_view().value(0)).unwrap()
}

/// Words, without the bars between cells, whose place an image may take.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().filter(|word| *word != "|").collect()
}

#[test]
fn the_text_is_that_of_html() {
    let (mut media_count, mut split_count) = (0, 0);
    let pages = gold::pages(1);
    for page in &pages {
        let text = extract(&Html, &page.html, &page.url).0;
        let interleaved = extract(&Interleaved, &page.html, &page.url).0;
        assert_eq!(interleaved, text, "{}", page.url);
        let nodes = nodes(&page.html, &page.url);
        let mut texts = String::new();
        for node in &nodes {
            match node {
                Node::Text(text) => {
                    assert!(!text.trim().is_empty(), "{}", page.url);
                    split_count += usize::from(!texts.is_empty());
                    texts.push_str(text);
                    texts.push('\n');
                }
                Node::Media(_) => media_count += 1,
            }
        }
        assert_eq!(words(&texts), words(&text), "{}", page.url);
        let is_text = |node: &Node| matches!(node, Node::Text(_));
        assert!(
            nodes
                .windows(2)
                .all(|pair| !(is_text(&pair[0]) && is_text(&pair[1]))),
            "two texts in a row: {}",
            page.url
        );
    }
    assert!(pages.is_empty() || media_count > pages.len() && split_count > pages.len() / 2);
}

#[test]
fn media_of_pages_have_addresses_of_the_web() {
    for page in gold::pages(9) {
        let images = image_references(&page.html, None, Some(&page.url), &Limits::default()).unwrap();
        let shown: Vec<String> = images.iter().map(|image| image.src.clone()).collect();
        for node in nodes(&page.html, &page.url) {
            if let Node::Media(media) = node {
                assert!(
                    media.src.starts_with("http://") || media.src.starts_with("https://"),
                    "{media:?}"
                );
                assert!(!media.src.contains(['#', ' ', '\n']), "{media:?}");
                assert!(
                    media.text_before.chars().count() <= 500 && media.text_after.chars().count() <= 500,
                    "{media:?}"
                );
                assert!(
                    media.kind != MediaKind::Image || shown.contains(&media.src),
                    "{media:?}"
                );
            }
        }
    }
}

const SENTENCE: &str =
    "The mill stands at the river, and its wheel has turned for three hundred years without a rest. ";

/// An article of two paragraphs with `between`, and boilerplate around it.
fn article(head: &str, between: &str) -> String {
    let (first, second) = (SENTENCE.repeat(4), SENTENCE.replace("mill", "house").repeat(4));
    format!(
        "<html><head><title>The mill</title>{head}</head><body><nav><a href=/><img src=/logo.svg>Home</a>\
         <a href=/x>Shop</a><a href=/y>Contact</a></nav><article><h1>The mill at the river</h1>\
         <p>{first}</p>{between}<p>{second}</p></article>\
         <footer><a href=/z><img src=/badge.png>Imprint</a></footer></body></html>"
    )
}

fn media(html: &str) -> Vec<Media> {
    let media = nodes(html.as_bytes(), "https://a.org/b/").into_iter();
    media
        .filter_map(|node| match node {
            Node::Media(media) => Some(media),
            Node::Text(_) => None,
        })
        .collect()
}

#[test]
fn a_figure_of_an_article_is_a_node_with_all_that_is_said_of_it() {
    let html = article(
        "",
        "<figure><img src=mill.jpg alt='A mill' title=Mill width=640 height=480><figcaption>In 1904.</figcaption></figure>",
    );
    let media = media(&html);
    assert_eq!(media.len(), 1);
    let image = &media[0];
    assert_eq!(image.src, "https://a.org/b/mill.jpg");
    assert_eq!(image.unformatted_src, "mill.jpg");
    assert_eq!(image.alt.as_deref(), Some("A mill"));
    assert_eq!(image.title.as_deref(), Some("Mill"));
    assert_eq!(image.caption.as_deref(), Some("In 1904."));
    assert_eq!(
        (image.rendered_width_px, image.rendered_height_px),
        (Some(640), Some(480))
    );
    assert!(
        image.text_before.ends_with("without a rest."),
        "{}",
        image.text_before
    );
    assert!(
        image.text_after.starts_with("The house stands"),
        "{}",
        image.text_after
    );
}

#[test]
fn counts_are_those_of_nodes_and_the_lead_image_is_none() {
    let html = article(
        "<meta property=og:image content=/lead.jpg>",
        "<img src=1.png><video src=2.mp4></video><audio src=3.mp3></audio><p><iframe src=https://www.youtube.com/embed/x></iframe>",
    );
    let documents = documents(&Interleaved, html.as_bytes(), "https://a.org/b/");
    let column = |name: &str| {
        let at = CARD
            .outputs
            .iter()
            .position(|column| column.name == name)
            .unwrap();
        &documents.columns[at]
    };
    let count = |name: &str| column(name).as_primitive::<UInt32Type>().value(0);
    assert_eq!(count("interleaved_text_count"), 2);
    assert_eq!(count("interleaved_image_count"), 1);
    assert_eq!(count("interleaved_video_count"), 2);
    assert_eq!(count("interleaved_audio_count"), 1);
    assert_eq!(
        column("interleaved_lead_image_url").as_string_view().value(0),
        "https://a.org/lead.jpg"
    );
    assert_eq!(column("text_title").as_string_view().value(0), "The mill");
}

#[test]
fn references_are_of_the_whole_page() {
    let html = article("", "<img src=mill.jpg>");
    let images = image_references(
        html.as_bytes(),
        None,
        Some("https://a.org/b/"),
        &Limits::default(),
    )
    .unwrap();
    let sources: Vec<_> = images
        .iter()
        .map(|image| image.unformatted_src.as_str())
        .collect();
    assert_eq!(sources, ["/logo.svg", "mill.jpg", "/badge.png"]);
    let documents = documents(&ImageReferences, html.as_bytes(), "https://a.org/b/");
    assert_eq!(documents.columns[0].as_primitive::<UInt32Type>().value(0), 3);
    let decoded = decode(documents.columns[1].as_binary_view().value(0)).unwrap();
    assert_eq!(decoded, images.into_iter().map(Node::Media).collect::<Vec<_>>());
}

#[test]
fn a_record_with_a_fault_has_no_columns() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray};

    let inputs: Vec<ArrayRef> = vec![
        Arc::new(BinaryViewArray::from(vec![None, Some(b"<p>a".as_slice())])),
        Arc::new(StringViewArray::new_null(2)),
        Arc::new(StringViewArray::new_null(2)),
    ];
    for extractor in [&Interleaved as &dyn Extractor, &ImageReferences] {
        let documents = extractor.extract(&inputs, &[]).unwrap();
        let card = extractor.card();
        assert_eq!(documents.faults.value(0), "malformed: record has no content");
        assert!(documents.faults.is_null(1));
        assert_eq!(documents.columns.len(), card.outputs.len());
        for (column, array) in card.outputs.iter().zip(&documents.columns) {
            assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
            assert_eq!(array.len(), 2);
            assert!(array.is_null(0), "{}", column.name);
        }
    }
}
