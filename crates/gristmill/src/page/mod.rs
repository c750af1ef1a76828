//! HTML pages: one file each, without a network, for the eyes of people.
//!
//! A page holds its style, its charts and the libraries that draw them. Its content policy lets scripts run that bear the
//! page's nonce, a hash of its content that no document in it can know, and lets nothing be fetched. Everything that comes
//! from data is escaped by [`maud`]; control characters, and those that turn the direction of text, are made visible first.
//! Charts say nothing that tables and captions do not say, so a page can be read without scripts.

pub(crate) mod compare;
mod histogram;
pub(crate) mod report;
pub(crate) mod sample;

use gristmill_shard::blake3_hex;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

pub(crate) use histogram::Histogram;

const STYLE: &str = include_str!("style.css");
const D3: &str = include_str!("../../assets/d3.min.js");
const PLOT: &str = include_str!("../../assets/plot.umd.min.js");
const CHARTS: &str = include_str!("charts.js");

/// A page on its way.
pub(crate) struct Page {
    title: String,
    sections: Vec<(String, String, Markup)>,
    charts: Vec<Value>,
}

impl Page {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Page {
            title: title.into(),
            sections: Vec::new(),
            charts: Vec::new(),
        }
    }

    /// Adds a section, with its name in the table of contents.
    pub(crate) fn section(&mut self, title: impl Into<String>, content: Markup) {
        let id = format!("s{}", self.sections.len() + 1);
        self.sections.push((id, title.into(), content));
    }

    /// A chart of a kind that `charts.js` draws. `alt` says in words what it shows.
    pub(crate) fn chart(&mut self, kind: &str, alt: &str, data: &Value) -> Markup {
        let id = format!("c{}", self.charts.len() + 1);
        self.charts
            .push(json!({ "id": id, "kind": kind, "alt": visible(alt), "data": data }));
        html! { figure id=(id) {} }
    }

    /// Horizontal bars: a label, a value and what is written behind it.
    pub(crate) fn bars(&mut self, alt: &str, bars: &[(String, f64, String)]) -> Markup {
        let column = |of: &dyn Fn(&(String, f64, String)) -> Value| bars.iter().map(of).collect::<Value>();
        let data = json!({
            "labels": column(&|bar| json!(visible(&short(&bar.0, 38)))), "values": column(&|bar| json!(bar.1)),
            "notes": column(&|bar| json!(visible(&bar.2))),
        });
        self.chart("bars", alt, &data)
    }

    /// The page as HTML. `intro` stands below the title.
    pub(crate) fn render(self, intro: &Markup) -> String {
        // In a script block only the end of the block is markup.
        let charts = Value::Array(self.charts).to_string().replace('<', "\\u003c");
        let mut content = intro.0.clone();
        self.sections
            .iter()
            .for_each(|section| content.push_str(&section.2.0));
        let nonce = blake3_hex(format!("{content}{charts}").as_bytes());
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data:; media-src data:; \
             base-uri 'none'; form-action 'none'"
        );
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    link rel="icon" href="data:,";
                    title { (visible(&self.title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        h1 { (visible(&self.title)) }
                        (intro)
                        nav aria-label="Contents" {
                            ul {
                                @for (id, title, _) in &self.sections { li { a href=(format!("#{id}")) { (title) } } }
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        @for (id, title, content) in &self.sections {
                            section aria-labelledby=(id) { h2 id=(id) { (title) } (content) }
                        }
                    }
                    script type="application/json" id="charts" { (PreEscaped(charts)) }
                    @for script in [D3, PLOT, CHARTS] { script nonce=(nonce) { (PreEscaped(script)) } }
                }
            }
        };
        page.into_string()
    }
}

/// The text with what cannot be seen made visible: control characters but line breaks and tabs, and those that turn the
/// direction of what follows.
pub(crate) fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(is_hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// At most this many characters of a text.
pub(crate) fn short(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A share as `12.3 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "none".to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}

/// A number with three digits that matter.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let digits = (2 - magnitude.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, rest) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let grouped = whole
        .parse()
        .map_or_else(|_| whole.to_owned(), crate::command::grouped);
    match rest {
        Some(rest) => format!("{sign}{grouped}.{rest}"),
        None => format!("{sign}{grouped}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_data_cannot_become_markup_or_leave_its_script() {
        let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}abc\u{0}";
        let mut page = Page::new(hostile);
        let chart = page.bars(hostile, &[(hostile.into(), 1.0, hostile.into())]);
        page.section("Texts", html! { (chart) p { (visible(hostile)) } });
        let html = page.render(&html! { p title=(visible(hostile)) {} });
        assert!(!html.contains("<img src=x"));
        assert!(!html.contains("alert(1)</script>"));
        assert!(!html.contains('\u{202e}') && !html.contains('\u{0}'));
        assert_eq!(html.matches("<script").count(), 4);
    }

    #[test]
    fn numbers_have_three_digits_that_matter() {
        let cases = [
            (0.0, "0"),
            (0.123_456, "0.123"),
            (12.5, "12.5"),
            (1234.5, "1,234"),
            (-4_567_890.0, "-4,567,890"),
            (1e-9, "1.00e-9"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
