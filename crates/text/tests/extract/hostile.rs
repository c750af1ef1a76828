//! Input that is made to hurt: every case ends, soon, without a panic and without a fault of kind `internal`.

use std::time::{Duration, Instant};

use gristmill_text::EXTRACTORS;

use crate::extract;

/// Far more than any case needs on a busy machine, far less than quadratic time takes.
const LONG: Duration = Duration::from_secs(20);

fn check(content: &[u8]) {
    for extractor in EXTRACTORS {
        let start = Instant::now();
        let fault = extract(*extractor, content, "https://example.org/").1;
        let name = extractor.card().name;
        assert!(start.elapsed() < LONG, "{name} took {:?}", start.elapsed());
        assert!(
            !fault.as_ref().is_some_and(|fault| fault.starts_with("internal")),
            "{name}: {fault:?}"
        );
    }
}

#[test]
fn deep_nesting_is_flattened() {
    for tag in [
        "div", "b", "table", "ul><li", "x-y", "svg", "select", "p", "a href=x", "template", "button",
    ] {
        check(format!("<{tag}>").repeat(100_000).as_bytes());
    }
    let text = format!(
        "{}{}<p>{}",
        "<div>".repeat(100_000),
        "</div>".repeat(99_990),
        "A sentence of the article. ".repeat(20)
    );
    check(text.as_bytes());
}

#[test]
fn a_million_attributes_are_read_once() {
    check(format!("<div {}><p>text", "a=1 ".repeat(1_000_000)).as_bytes());
    check(format!("<div {}", "a='".repeat(1_000_000)).as_bytes());
    check(format!("<div class='{}'>text", "site-header ".repeat(1_000_000)).as_bytes());
    check(format!("<meta content={} name=robots>", "x".repeat(10_000_000)).as_bytes());
}

#[test]
fn storms_of_entities_pass() {
    for entity in [
        "&amp;",
        "&",
        "&#",
        "&#x10ffff;",
        "&#99999999999999999999;",
        "&CounterClockwiseContourIntegra",
        "&notit",
    ] {
        check(format!("<p>{}", entity.repeat(500_000)).as_bytes());
    }
}

#[test]
fn what_does_not_end_ends_with_the_page() {
    for start in [
        "<!--",
        "<!-- --",
        "<script>",
        "<script><!--<script>",
        "<style>",
        "<textarea>",
        "<title>",
        "<![CDATA[",
        "<?",
        "</",
        "<a b='",
        "<plaintext>",
    ] {
        check(format!("{start}{}", "text < > ' \" & -- ".repeat(100_000)).as_bytes());
        check(start.repeat(300_000).as_bytes());
    }
}

#[test]
fn stray_tags_take_linear_time() {
    check("</p></b></div></table></x-y></li>".repeat(100_000).as_bytes());
    check(format!("{}{}", "<x-a>".repeat(600), "</x-b>".repeat(300_000)).as_bytes());
    check("<table><tr><td><b></table>".repeat(50_000).as_bytes());
    check("<li><dt><option><h1>".repeat(100_000).as_bytes());
}

#[test]
fn many_small_blocks_pass() {
    check(
        "<p>A word, a link <a href=x>here</a>.</p>"
            .repeat(100_000)
            .as_bytes(),
    );
    check(
        "<div><h2>Title</h2><ul><li>a<li>b</ul></div>"
            .repeat(50_000)
            .as_bytes(),
    );
    check(format!("{}{}", "<div>".repeat(500), "<p>word word word".repeat(50_000)).as_bytes());
}

#[test]
fn many_images_take_linear_time() {
    for image in [
        "<img src=x>",
        "<p>word <img src=x alt='a &amp; b'> word",
        "<img src=x><noscript><img src=y></noscript>",
        "<figure><img src=x>",
        "<figure><figcaption><img src=x>",
        "<picture><source srcset=x><img>",
        "<div class=caption><img src=x>",
        "<video><source src=x>",
        "<header><img src=x></header>",
        "<amp-img src=x>",
        "<iframe src=//youtube.com/embed/></iframe>",
        "x<img src=x>",
    ] {
        check(image.repeat(100_000).as_bytes());
    }
    let sentence = "A sentence of the article, and words in it. ".repeat(20);
    let images = |between: &str| format!("<img src=x>{between}").repeat(6000);
    // One word without an end, one caption, one base and one figure for all of them.
    check(format!("<p>{sentence}<p>{}{}", images("x"), "x".repeat(10_000_000)).as_bytes());
    check(
        format!(
            "<p>{sentence}<figure>{}<figcaption>{}",
            images("<b>"),
            "<b>a".repeat(100_000)
        )
        .as_bytes(),
    );
    check(
        format!(
            "<base href=//a.org/{}/><p>{sentence}<p>{}",
            "b".repeat(4000),
            images("<p>x")
        )
        .as_bytes(),
    );
    check(format!("{}<p>{sentence}<p>{}", "<div>".repeat(500), images("<div></div>")).as_bytes());
    check(
        format!(
            "<p>{sentence}<picture>{}{}",
            "<source srcset=x>".repeat(300_000),
            images("")
        )
        .as_bytes(),
    );
}

#[test]
fn huge_attributes_of_images_pass() {
    let huge = "x".repeat(10_000_000);
    for name in [
        "src", "alt", "title", "style", "width", "data-src", "class", &huge,
    ] {
        check(format!("<p>text <img src=x {name}='{huge}'> text").as_bytes());
    }
    for set in ["x 1w,", ",", "x ", "x", "x 1w 2h 3x (", "data:,"] {
        check(format!("<p>text <img srcset='{}'> text", set.repeat(1_000_000)).as_bytes());
    }
    check(format!("<img src=x style='{}'>", "width:1px;".repeat(1_000_000)).as_bytes());
    check(format!("<img src='{}x'>", "../".repeat(1300)).as_bytes());
}

#[test]
fn long_lines_and_odd_bytes_pass() {
    check("word ".repeat(2_000_000).as_bytes());
    check("x".repeat(10_000_000).as_bytes());
    check(&[0; 1_000_000]);
    check(&[0xff; 1_000_000]);
    check(
        &[
            b"<p>a\0b\x01c".as_slice(),
            &[0xc3, 0x28, 0xed, 0xa0, 0x80].repeat(100_000),
        ]
        .concat(),
    );
    check(&(0..=255).cycle().take(1_000_000).collect::<Vec<u8>>());
    check(format!("<p>{}", "\u{301}\u{202e}\u{200b}".repeat(1_000_000)).as_bytes());
    check(
        format!(
            "<script type='application/ld+json'>{}</script>",
            "[".repeat(1_000_000)
        )
        .as_bytes(),
    );
    check(
        format!(
            "<script type='application/ld+json'>{}</script>",
            "\"@type\"".repeat(100_000)
        )
        .as_bytes(),
    );
}

#[test]
fn markdown_that_nests_takes_linear_time() {
    for piece in [
        "> ", "- ", "* - + ", "1. ", "[", "![", "[a](", "*a _", "**a*", "`", "$", "~~a", "<a ", "\\",
        "a\n- ", "# ", "|a", "[^1]",
    ] {
        check(piece.repeat(50_000).as_bytes());
        check(format!("{}\n\n", piece.repeat(20)).repeat(2_000).as_bytes());
    }
    let ticks: String = (1..1_500)
        .map(|length| format!("{} ", "`".repeat(length)))
        .collect();
    check(ticks.as_bytes());
    let columns = 2_000;
    check(
        format!(
            "{}\n{}\n{}",
            "|a".repeat(columns),
            "|-".repeat(columns),
            "|\n".repeat(20_000)
        )
        .as_bytes(),
    );
    check("[a]: b\n[a] ".repeat(50_000).as_bytes());
    check(format!("---\n{}\n---\n", "author:\n - ".repeat(100_000)).as_bytes());
}
