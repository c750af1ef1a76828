//! The text next to a place: at most [`NEAR`] characters, cut at a word where there are words.

use super::blocks::{Mark, Page};

/// Characters of text before and behind a medium.
const NEAR: usize = 500;

/// The end of a text.
pub(super) fn end_of(text: &str) -> &str {
    let Some((from, _)) = text.char_indices().rev().nth(NEAR - 1) else {
        return text;
    };
    let is_cut = from > 0 && !text[..from].ends_with(char::is_whitespace);
    let end = &text[from..];
    let words = if is_cut {
        end.find(char::is_whitespace).map_or(end, |space| &end[space..])
    } else {
        end
    };
    words.trim_start()
}

/// The start of a text.
pub(super) fn start_of(text: &str) -> &str {
    let Some((until, _)) = text.char_indices().nth(NEAR) else {
        return text;
    };
    let start = &text[..until];
    let words = if text[until..].starts_with(char::is_whitespace) {
        start
    } else {
        start
            .rfind(char::is_whitespace)
            .map_or(start, |space| &start[..space])
    };
    words.trim_end()
}

/// The text of a page before and behind a mark, whether it is content or not: the blocks next to it, a line each.
pub(super) fn around(page: &Page, mark: &Mark) -> (String, String) {
    let block = mark.block as usize;
    let at = mark.at as usize;
    let part = |index: usize| &page.blocks[index].text;
    let split = page.blocks.get(block).map_or(page.text.len(), |block| {
        at.clamp(block.text.start, block.text.end)
    });
    let mut before: Vec<&str> = Vec::new();
    let mut bytes = 0;
    let own = (block < page.blocks.len() && split > part(block).start).then_some(block);
    for index in own.into_iter().chain((0..block).rev()) {
        let text = end_of(page.text[part(index).start..part(index).end.min(split)].trim_end());
        before.push(text);
        bytes += text.len();
        // A character has at most four bytes; what is too much is cut below.
        if bytes >= 4 * NEAR {
            break;
        }
    }
    before.reverse();
    let mut after: Vec<&str> = Vec::new();
    bytes = 0;
    for index in block..page.blocks.len() {
        let from = part(index).start.max(if index == block { split } else { 0 });
        let text = start_of(page.text[from..part(index).end].trim_start());
        after.extend(Some(text).filter(|text| !text.is_empty()));
        bytes += text.len();
        if bytes >= 4 * NEAR {
            break;
        }
    }
    (
        end_of(&before.join("\n")).to_owned(),
        start_of(&after.join("\n")).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        extract::blocks::{self, Marked},
        html::Document,
    };

    #[test]
    fn long_texts_are_cut_at_words() {
        let text = "word ".repeat(200);
        let text = text.trim();
        // 500 characters hold 100 words of 5 with their spaces, and are cut within none.
        assert_eq!(start_of(text), "word ".repeat(100).trim());
        assert_eq!(end_of(text), "word ".repeat(100).trim());
        let text = format!("xx{text}");
        assert_eq!(start_of(&text), format!("xx{}", "word ".repeat(99)).trim());
    }

    #[test]
    fn texts_without_words_are_cut_between_characters() {
        let text = "字".repeat(600);
        assert_eq!(start_of(&text).chars().count(), NEAR);
        assert_eq!(end_of(&text).chars().count(), NEAR);
        assert_eq!(start_of("short"), "short");
        assert_eq!(end_of(""), "");
    }

    fn check(html: &str, expected: (&str, &str)) {
        let page = blocks::cut_with(&Document::parse(html, 512, 1 << 20), Marked::Media);
        let (before, after) = around(&page, &page.marks[0]);
        assert_eq!((before.as_str(), after.as_str()), expected, "{html}");
    }

    #[test]
    fn text_is_next_to_an_image() {
        check("<p>a<p>b <img> c<p>d", ("a\nb", "c\nd"));
        check("<p>a<p><img>b", ("a", "b"));
        check("<p>a <img><p>b", ("a", "b"));
        check("<img>", ("", ""));
        check("<p>a<img>", ("a", ""));
        let long = "word ".repeat(500);
        check(
            &format!("<p>{long}<p>x<img>"),
            (&format!("{}\nx", "word ".repeat(99).trim()), ""),
        );
    }
}
