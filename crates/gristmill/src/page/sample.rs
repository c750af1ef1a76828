//! A few documents, before and after each step.

use gristmill_engine::Sampled;
use maud::html;

use super::{Page, short, visible};
use crate::command::{doing, told, verdict};

/// The page.
pub(crate) fn samples(recipe: &str, sampled: &[Sampled]) -> String {
    let mut page = Page::new(format!("Sample: {recipe}"));
    for document in sampled {
        let name = document.url.as_deref().unwrap_or(&document.uri);
        let class = if document.verdict.is_none() { "good" } else { "bad" };
        let content = html! {
            p { code.quiet { (visible(&document.id)) } }
            p class=(class) { (visible(&verdict(document))) }
            details {
                summary { "Before (" (visible(document.media_type.as_deref().unwrap_or("no media type"))) ")" }
                pre tabindex="0" { (visible(document.before.as_deref().unwrap_or("(none)"))) }
            }
            @for step in doing(document) { div.card {
                h3 { (visible(&step.step)) " " span.quiet { (visible(&short(&step.what, 80))) } }
                p { (visible(&told(step))) @if let Some(rule) = &step.verdict { " " span.bad { "leaves: " (visible(rule)) } } }
                @if let Some(text) = &step.text { div.text dir="auto" tabindex="0" { (visible(text)) } }
            } }
        };
        page.section(visible(&short(name, 60)), content);
    }
    page.render(&html! { p { "What each step did with the first documents of the input. Dedup needs all documents and rejects none here." } })
}
