//! The author that a page shows to its readers, where its head names none.
//!
//! Looked at are elements that say that they hold one: `itemprop=author`, and a class or id with the word `byline`
//! or `author`, in that order of trust. Of the text, what comes before the name is dropped ("By", "Written by",
//! "Author:"), and what follows it: a bar, a dot between words, a date. What is left is a name if it has one to
//! six words, begins with a capital letter and holds no digit, sign or address.

use memchr::memmem::Finder;

use crate::html::{Document, Place, Tag, decode_into};

/// The most bytes of text that are looked at; more is no byline.
const LONGEST: usize = 200;
/// The most elements that are looked at.
const ELEMENTS: usize = 50;

/// The author in the first element that shows one.
pub(super) fn of_page(document: &Document<'_>) -> Option<String> {
    // Few elements say `author` or `byline`.
    let finders = ["uthor", "yline"].map(Finder::new);
    let mut by_class = None;
    let mut left = ELEMENTS;
    for (index, node) in document.nodes().iter().enumerate() {
        if matches!(
            node.tag,
            Tag::Text | Tag::Html | Tag::Body | Tag::Script | Tag::Link | Tag::Img | Tag::Input | Tag::Form
        ) {
            continue;
        }
        let raw = document.raw(node);
        if finders.iter().all(|finder| finder.find(raw.as_bytes()).is_none()) {
            continue;
        }
        for (name, value) in document.attributes(node) {
            let is_property = name.eq_ignore_ascii_case("itemprop") && value == "author";
            let is_class = by_class.is_none()
                && (name.eq_ignore_ascii_case("class") || name.eq_ignore_ascii_case("id"))
                && says_author(value);
            if is_property || is_class {
                let author = name_of(&text_of(document, index));
                left -= 1;
                if is_property && author.is_some() {
                    return author;
                }
                by_class = by_class.or(author);
            }
            if left == 0 {
                return by_class;
            }
        }
    }
    by_class
}

/// What stands before a name.
const STARTS: [&str; 11] = [
    "written by",
    "posted by",
    "published by",
    "reviewed by",
    "story by",
    "text by",
    "words by",
    "reported by",
    "article by",
    "author",
    "by",
];
/// What follows one.
const STOPS: [&str; 9] = [
    " on ",
    " - ",
    ", ",
    " Published",
    " Updated",
    " Posted",
    " Last",
    " Date",
    " Share",
];
/// What looks like a name and is none, in lower case.
const NO_NAMES: [&str; 14] = [
    "written by",
    "posted by",
    "the author",
    "author",
    "authors",
    "about",
    "by",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
];

/// Whether a class or id has the word `byline` or `author`, and none that makes it something else: a box on the
/// author, a list of authors, the author of a comment.
fn says_author(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let mut says = false;
    for word in value.split(|letter: char| !letter.is_ascii_alphabetic()) {
        match word {
            "byline" | "author" | "authorname" | "postauthor" => says = true,
            "comment" | "comments" | "bio" | "box" | "about" | "related" | "card" | "quote" | "review"
            | "testimonial" | "image" | "img" | "avatar" | "photo" | "social" | "list" | "archive" => {
                return false;
            }
            _ => {}
        }
    }
    says
}

/// The text below an element, with white space collapsed; empty if there is too much of it.
fn text_of(document: &Document<'_>, index: usize) -> String {
    let mut out = String::new();
    for node in &document.nodes()[index + 1..document.nodes()[index].end as usize] {
        if node.tag == Tag::Text {
            out.push(' ');
            decode_into(document.raw(node), Place::Text, &mut out);
        }
        if out.len() > LONGEST * 4 {
            return String::new();
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name in a byline.
fn name_of(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let mut rest = text;
    loop {
        let before = rest;
        rest = rest.trim_start_matches([':', '-', '–', '—', '|', '•', '·', ' ']);
        for start in STARTS {
            let Some(head) = rest.get(..start.len()) else {
                continue;
            };
            let after = &rest[start.len()..];
            if head.eq_ignore_ascii_case(start) && after.starts_with([' ', ':']) {
                rest = after;
                break;
            }
        }
        if rest == before {
            break;
        }
    }
    let end = rest
        .find(['|', '•', '·', '–', '—', '(', '\u{2022}'])
        .unwrap_or(rest.len());
    let mut name = &rest[..end];
    for stop in STOPS {
        let ends_word = |at: usize| !name[at + stop.len()..].starts_with(char::is_alphabetic);
        let is_word = stop.ends_with(char::is_alphabetic);
        let mut found = name.match_indices(stop).map(|(at, _)| at);
        if let Some(at) = found.find(|&at| !is_word || ends_word(at)) {
            name = &name[..at];
        }
    }
    let name = name.trim_matches([' ', ',', ':', '.', ';']);
    let words = name.split(' ').count();
    let is_name = (1..=6).contains(&words)
        && !NO_NAMES.contains(&name.to_ascii_lowercase().as_str())
        && name.len() <= 80
        && name.chars().next().is_some_and(char::is_uppercase)
        && !name.contains(|letter: char| letter.is_ascii_digit() || "@/\\{}<>[]=?!#$%*+".contains(letter));
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: Option<&str>) {
        let author = of_page(&Document::parse(html, 512, 1 << 20));
        assert_eq!(author.as_deref(), expected, "{html}");
    }

    #[test]
    fn a_byline_is_a_name_without_what_is_around_it() {
        check(
            "<p class=byline>By <a>Ann B. Lee</a> | May 3, 2024</p>",
            Some("Ann B. Lee"),
        );
        check(
            "<div class='post-author'>Written by: Jörg Müller</div>",
            Some("Jörg Müller"),
        );
        check("<span class=author>Ann Lee on May 3</span>", Some("Ann Lee"));
        check("<p class=byline>By Omar Shareef Share</p>", Some("Omar Shareef"));
    }

    #[test]
    fn a_property_is_trusted_more_than_a_class() {
        check(
            "<b class=author>Ann Lee</b><b itemprop=author>Bo Chen</b>",
            Some("Bo Chen"),
        );
    }

    #[test]
    fn what_is_no_name_is_no_author() {
        check("<p class=byline>3 May 2024</p>", None);
        check(
            "<p class=author>one who writes about many things on this page and more</p>",
            None,
        );
        check(
            "<p class=comment-author>Ann Lee</p><p class=authority>Bo</p>",
            None,
        );
        check("<p class=author>", None);
        check("<p class=byline>Written By</p>", None);
    }
}
