//! Pages for extractors.

use std::{
    env,
    fs::{self, File},
    io::Read,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray};
use flate2::read::GzDecoder;
use gristmill_text::EXTRACTORS;

use super::{Case, LONGER, check_growth, time};

/// Pages of one trouble each.
const PAGES: &[Case] = &[
    ("lists in lists", |n| "<ul><li>a".repeat(n / 9)),
    ("lists in lists, closed", |n| nested("<ul><li>a", "</li></ul>", n)),
    ("tables in tables", |n| "<table><tr><td>a".repeat(n / 16)),
    ("tables in tables, closed", |n| {
        nested("<table><tr><td>a", "</td></tr></table>", n)
    }),
    ("tables that lose their children", |n| {
        "<table><b>a<div>".repeat(n / 16)
    }),
    ("tables of rows", |n| {
        format!("<table>{}", "<tr><td>a<td>b".repeat(n / 14))
    }),
    ("a row of cells", |n| {
        format!("<table><tr>{}", "<td>a".repeat(n / 5))
    }),
    ("formatting without end", |n| "<b><i><u><s><em>a".repeat(n / 17)),
    ("formatting of paragraphs", |n| "<p><b>a".repeat(n / 7)),
    ("formatting that crosses", |n| {
        "<b><p><i>a</b></p></i>".repeat(n / 22)
    }),
    ("formatting around blocks", |n| {
        format!(
            "{}{}",
            "<b><i><u>".repeat(40),
            "<div>a</b></i></u>".repeat(n / 18)
        )
    }),
    ("links in links", |n| "<a href=x><div>a".repeat(n / 16)),
    ("the same formatting with other attributes", |n| {
        (0..n / 16).map(|tag| format!("<font size={tag}>a")).collect()
    }),
    ("elements in elements, then their ends", |n| {
        nested("<div>", "</div>", n)
    }),
    ("ends without starts", |n| {
        "</b></p></table></div></x-y>".repeat(n / 28)
    }),
    ("attributes", |n| format!("<div {}>text", "a=1 ".repeat(n / 4))),
    ("attributes of other names", |n| {
        let attributes: String = (0..n / 10).map(|name| format!("a{name:06}=1 ")).collect();
        format!("<div {attributes}>text")
    }),
    ("elements with attributes", |n| {
        "<p class='a b c' id=x style='d: e'>a".repeat(n / 36)
    }),
    ("classes", |n| {
        format!("<div class='{}'>text", "nav site-header ".repeat(n / 16))
    }),
    ("one text", |n| "word ".repeat(n / 5)),
    ("one text without spaces", |n| "x".repeat(n)),
    ("ampersands", |n| "&amp;".repeat(n / 5)),
    ("broken entities", |n| {
        "&ampx &#x; &#99999999; &notin &Counter".repeat(n / 39)
    }),
    ("entities in an attribute", |n| {
        format!("<a title='{}'>x", "&amp;&lt".repeat(n / 8))
    }),
    ("a comment without end", |n| {
        format!("<!--{}", " - -- >".repeat(n / 7))
    }),
    ("comments", |n| "<!-->--><!---->".repeat(n / 15)),
    ("starts of comments", |n| "<!--".repeat(n / 4)),
    ("a section of CDATA", |n| {
        format!("<svg><![CDATA[{}", "]]".repeat(n / 2))
    }),
    ("starts of CDATA", |n| "<![CDATA[".repeat(n / 9)),
    ("a script without end", |n| {
        format!("<script>{}", "</scrip <!--".repeat(n / 12))
    }),
    ("scripts in scripts", |n| "<script><!--<script>".repeat(n / 20)),
    ("scripts", |n| "<script>a</script>".repeat(n / 18)),
    ("starts of tags", |n| "<".repeat(n)),
    ("starts of ends of tags", |n| "</".repeat(n / 2)),
    ("open values", |n| "<a b='".repeat(n / 6)),
    ("options", |n| "<select><option>a<optgroup>".repeat(n / 27)),
    ("templates", |n| "<template>a".repeat(n / 11)),
    ("foreign elements", |n| {
        "<svg><foreignObject><math><mi>a".repeat(n / 31)
    }),
    ("headings", |n| "<h1>a<h2>b".repeat(n / 10)),
    ("definitions", |n| "<dl><dt>a<dd>b".repeat(n / 14)),
    ("forms", |n| "<form><input><button>a".repeat(n / 22)),
    ("breaks", |n| "<br>".repeat(n / 4)),
    ("preformatted", |n| format!("<pre>{}", "\n a".repeat(n / 3))),
    ("paragraphs", |n| {
        "<p>A word and <a href=x>a link</a>.".repeat(n / 35)
    }),
    ("the same paragraph", |n| {
        format!("<article>{}", "<p>The same sentence, again.</p>".repeat(n / 32))
    }),
    ("metadata", |n| {
        "<meta name=author content=a><link rel=canonical href=x>".repeat(n / 55)
    }),
    ("titles", |n| "<title>a</title>".repeat(n / 16)),
    ("times", |n| "<time datetime=2026-11-21>a</time>".repeat(n / 34)),
    ("JSON-LD", |n| {
        let item = "{\"@type\": \"Article\", \"author\": [{\"name\": \"a\"}]},";
        format!(
            "<script type='application/ld+json'>[{}",
            item.repeat(n / item.len())
        )
    }),
    ("JSON-LD, nested", |n| {
        format!("<script type='application/ld+json'>{}", "{\"a\":[".repeat(n / 6))
    }),
    ("many pieces of JSON-LD", |n| {
        let piece =
            "<script type='application/ld+json'>{\"@type\": \"Article\", \"headline\": \"a\"}</script>";
        piece.repeat(n / piece.len())
    }),
    ("bold", |n| "<b>".repeat(500) + &"<p>a".repeat(n / 4)),
    ("bold words", |n| "<b>a</b><i>b</i>".repeat(n / 16)),
    ("brackets", |n| "[".repeat(n)),
    ("quotations", |n| "<blockquote><p>a".repeat(n / 16)),
    ("wide and long table", |n| {
        format!(
            "<table><tr>{}{}",
            "<td>a".repeat(n / 10),
            "<tr><td>b".repeat(n / 18)
        )
    }),
    ("microdata", |n| {
        "<div itemscope itemtype=https://schema.org/Article><b itemprop=name>a</b>".repeat(n / 74)
    }),
];

fn nested(start: &str, end: &str, bytes: usize) -> String {
    let depth = bytes / (start.len() + end.len());
    [start.repeat(depth), end.repeat(depth)].concat()
}

/// Extracts a page by every extractor, and gives their faults.
fn extract(page: &[u8]) -> Vec<Option<String>> {
    let inputs: Vec<ArrayRef> = vec![
        Arc::new(BinaryViewArray::from(vec![Some(page)])),
        Arc::new(StringViewArray::from(vec![None::<&str>])),
        Arc::new(StringViewArray::from(vec![Some("https://example.org/a/b?c#d")])),
    ];
    let extractors = EXTRACTORS.iter().map(|extractor| {
        let name = extractor.card().name;
        let documents = extractor.extract(&inputs, &["text_markdown"]).unwrap();
        let fault = documents.faults.iter().next().flatten();
        assert!(
            !fault.is_some_and(|fault| fault.starts_with("internal")),
            "{name}: {fault:?}"
        );
        // A byte of a page is at most one character of three bytes; tags of two bytes and more make line feeds and marks.
        let text = documents.columns[0].as_string_view();
        let bytes = text.iter().flatten().map(str::len).sum::<usize>();
        assert!(
            bytes <= 3 * page.len() + 16,
            "{name} makes {bytes} bytes of {}",
            page.len()
        );
        let markdown = extractor
            .card()
            .outputs
            .iter()
            .position(|column| column.name == "text_markdown");
        let markdown = markdown.map(|at| {
            documents.columns[at]
                .as_string_view()
                .iter()
                .flatten()
                .map(str::len)
                .sum()
        });
        // What stands before a line is bounded, and a line has a tag.
        let bytes: usize = markdown.unwrap_or(0);
        assert!(
            bytes <= 16 * page.len() + 16,
            "{name} makes {bytes} bytes of Markdown of {}",
            page.len()
        );
        fault.map(str::to_owned)
    });
    extractors.collect()
}

#[test]
fn nothing_panics_and_texts_stay_small() {
    for (_, make) in PAGES {
        for bytes in [100, 5_000, 1_000_000] {
            extract(make(bytes).as_bytes());
        }
    }
}

#[test]
fn a_text_of_sixty_megabytes_passes() {
    extract(format!("<p>{}", "word ".repeat(12_000_000)).as_bytes());
}

#[test]
fn a_text_of_a_hundred_megabytes_is_a_fault() {
    let page = format!("<p>{}", "word ".repeat(20_000_000));
    for fault in extract(page.as_bytes()) {
        assert_eq!(
            fault.as_deref(),
            Some("limit: content of 100000003 bytes exceeds 67108864")
        );
    }
}

/// The first `count` real pages, none where there are no fixtures.
fn real_pages(count: usize) -> Vec<Vec<u8>> {
    let root = env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    let folder = root.join("extraction/pages");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("skipped: no {}; set GRISTMILL_FIXTURES", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let mut page = Vec::new();
        GzDecoder::new(File::open(path).unwrap())
            .read_to_end(&mut page)
            .unwrap();
        page
    };
    paths.iter().take(count).map(read).collect()
}

#[test]
fn pages_may_end_anywhere() {
    for page in real_pages(50) {
        // Every byte of the beginning, where the head is, and of a piece of the body; the rest at some places.
        let middle = page.len() / 2;
        let ends = (0..page.len().min(700)).chain((0..40).map(|part| part * page.len() / 40));
        for end in ends {
            extract(&page[..end]);
        }
        for end in middle..(middle + 300).min(page.len()) {
            extract(&page[middle.saturating_sub(1_000)..end]);
        }
    }
}

#[test]
fn bytes_may_change_anywhere() {
    // A generator of its own: the same bytes on every machine.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for page in real_pages(50) {
        for round in 0..12 {
            let mut page = page[..page.len().min(60_000)].to_vec();
            for _ in 0..1 << round {
                let at = random(page.len());
                // Half of the changes are bytes that mean something.
                page[at] = match random(2) {
                    0 => b"<>/&;'\"=-! \0\xff"[random(13)],
                    _ => u8::try_from(random(256)).unwrap(),
                };
            }
            extract(&page);
        }
    }
}

#[test]
#[ignore = "measures CPU time"]
fn time_grows_with_the_length() {
    let bytes = 125_000;
    let mut slow = Vec::new();
    for (name, make) in PAGES {
        let best = |bytes: usize| {
            let page = make(bytes);
            let times = (0..2).map(|_| time(|| drop(extract(page.as_bytes()))));
            times.min().unwrap_or(Duration::ZERO)
        };
        check_growth(name, best(bytes), best(LONGER * bytes), &mut slow);
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
