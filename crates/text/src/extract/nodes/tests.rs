use super::*;
use crate::{
    extract::{
        blocks::{self, Marked},
        media,
    },
    html::Document,
};

/// All blocks are kept, all media are content.
fn nodes(html: &str) -> Vec<Node> {
    let document = Document::parse(html, 512, 1 << 20);
    let page = blocks::cut_with(&document, Marked::Media);
    let base = media::base(&document, "http://a.org/");
    let found = media::read(&document, &page.marks, base.as_ref(), |_| true);
    arrange(&page, &vec![true; page.blocks.len()], found)
}

/// Texts as they are, media as `<` and what the page writes.
fn check(html: &str, expected: &[&str]) {
    let nodes: Vec<String> = nodes(html)
        .into_iter()
        .map(|node| match node {
            Node::Text(text) => text,
            Node::Media(media) => format!("<{}", media.unformatted_src),
        })
        .collect();
    assert_eq!(nodes, expected, "{html}");
}

#[test]
fn text_that_nothing_parts_is_one_node() {
    check("<h1>a</h1><p>b<p>c", &["a\n\nb\n\nc"]);
    check("<p>a<ul><li>b<li>c</ul><p>d", &["a\n\n- b\n- c\n\nd"]);
    check(
        "<p>a<table><tr><td>b<td>c<tr><td>d<td>e</table>f",
        &["a\n\nb | c\nd | e\n\nf"],
    );
    check("<pre>a\n  b</pre>", &["a\n  b"]);
    check("", &[]);
}

#[test]
fn media_stand_between_blocks() {
    check(
        "<img src=1><p>a<p><img src=2><p>b<div><img src=3></div>",
        &["<1", "a", "<2", "b", "<3"],
    );
    check("<p>a<video src=1></video><p>b", &["a", "<1", "b"]);
    check("<p>a</p><img src=1> <img src=2><p>b", &["a", "<1", "<2", "b"]);
    check("<img src=1>", &["<1"]);
}

#[test]
fn an_image_parts_the_paragraph_that_it_is_in() {
    check("<p>a <img src=1> b", &["a", "<1", "b"]);
    check("<p>a<img src=1> b <img src=2>", &["a", "<1", "b", "<2"]);
    check("<p><img src=1>a b<br><img src=2>c", &["<1", "a b", "<2", "c"]);
    check(
        "<ul><li>a <img src=1> b<li><img src=2>c</ul>",
        &["- a", "<1", "b", "<2", "- c"],
    );
}

#[test]
fn a_word_is_not_parted() {
    check("<p>a fo<img src=1>o b", &["a foo", "<1", "b"]);
    check("<p>fo<img src=1>o<p>b", &["foo", "<1", "b"]);
    check("<p>fö<img src=1><img src=2>ö", &["föö", "<1", "<2"]);
}

#[test]
fn an_image_in_a_row_stands_for_the_bar() {
    check("<table><tr><td>a<td><img src=1><td>b</table>", &["a", "<1", "b"]);
}

#[test]
fn media_know_the_text_around_them() {
    let around = |html: &str| {
        let media = nodes(html).into_iter().filter_map(|node| match node {
            Node::Media(media) => Some((media.text_before, media.text_after)),
            Node::Text(_) => None,
        });
        media.collect::<Vec<_>>()
    };
    let pair = |before: &str, after: &str| (before.to_owned(), after.to_owned());
    assert_eq!(
        around("<img src=1><p>a<p>b<img src=2> <img src=3><p>c<img src=4>"),
        [
            pair("", "a\n\nb"),
            pair("a\n\nb", "c"),
            pair("a\n\nb", "c"),
            pair("c", "")
        ]
    );
    let long = "word ".repeat(200);
    let near = "word ".repeat(100).trim().to_owned();
    assert_eq!(
        around(&format!("<p>{long}<p><img src=1><p>{long}")),
        [(near.clone(), near)]
    );
}

#[test]
fn media_follow_a_text_that_stands_for_the_layouts() {
    let document = Document::parse("<img src=/1>", 512, 1 << 20);
    let page = blocks::cut_with(&document, Marked::Media);
    let base = media::base(&document, "http://a.org/");
    let found = media::read(&document, &page.marks, base.as_ref(), |_| true);
    let nodes = behind("a\nb", found);
    assert_eq!(nodes[0], Node::Text("a\nb".into()));
    assert!(matches!(&nodes[1], Node::Media(media) if media.text_before == "a\nb"));
    assert_eq!(nodes.len(), 2);
}
