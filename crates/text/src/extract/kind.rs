//! Evidence of what kind of page it is: article, forum, product, listing, collection, documentation, service.
//!
//! No kind is decided here. Each clue is a yes or a count that the classifier of blocks sees beside what it sees
//! of the block, so that a heap of short texts means one thing in a forum and another in an article.

use crate::html::{Document, Tag, decoded};

/// Names of the clues, in the order of [`clues`].
pub(crate) const NAMES: [&str; 14] = [
    "og_article",
    "og_product",
    "og_website",
    "ld_article",
    "ld_product",
    "ld_list",
    "ld_discussion",
    "ld_faq",
    "ld_organization",
    "ld_recipe",
    "made_by_forum",
    "made_by_docs",
    "made_by_blog",
    "made_by_shop",
];

/// What head and structured data say of a page. Its address says nothing here: clues of it fitted the sites that were
/// trained on, and others not.
pub(crate) fn clues(document: &Document<'_>) -> [u16; NAMES.len()] {
    let mut clues = [0; NAMES.len()];
    let mut say = |name: &str, value: usize| {
        let at = NAMES
            .iter()
            .position(|known| *known == name)
            .expect("every clue is named");
        clues[at] = value.min(usize::from(u16::MAX)) as u16;
    };
    for (index, node) in document.nodes().iter().enumerate() {
        match node.tag {
            Tag::Meta => meta(document, index, &mut say),
            Tag::Script => {
                let is_data = document
                    .attributes(node)
                    .value("type")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json"));
                if is_data {
                    structured_data(&document.content(index), &mut say);
                }
            }
            _ => {}
        }
    }
    clues
}

fn meta(document: &Document<'_>, index: usize, say: &mut impl FnMut(&str, usize)) {
    let (mut name, mut content) = ("", "");
    for (key, value) in document.attributes(&document.nodes()[index]) {
        match key.to_ascii_lowercase().as_str() {
            "name" | "property" => name = value,
            "content" => content = value,
            _ => {}
        }
    }
    let content = decoded(content).to_ascii_lowercase();
    if name.eq_ignore_ascii_case("og:type") {
        match content.trim() {
            "article" | "blog" | "news" => say("og_article", 1),
            "website" => say("og_website", 1),
            other if other.contains("product") => say("og_product", 1),
            _ => {}
        }
    } else if name.eq_ignore_ascii_case("generator") {
        let is_any = |names: &[&str]| names.iter().any(|name| content.contains(name));
        if is_any(&[
            "discourse",
            "xenforo",
            "vbulletin",
            "phpbb",
            "mybb",
            "flarum",
            "invision",
            "smf",
            "nodebb",
        ]) {
            say("made_by_forum", 1);
        }
        if is_any(&[
            "docusaurus",
            "mkdocs",
            "sphinx",
            "jekyll",
            "hugo",
            "gitbook",
            "vitepress",
            "mediawiki",
        ]) {
            say("made_by_docs", 1);
        }
        if is_any(&["wordpress", "ghost", "blogger", "drupal", "joomla"]) {
            say("made_by_blog", 1);
        }
        if is_any(&["woocommerce", "shopify", "prestashop", "magento"]) {
            say("made_by_shop", 1);
        }
    }
}

fn structured_data(json: &str, say: &mut impl FnMut(&str, usize)) {
    for (at, _) in json.match_indices("\"@type\"") {
        let rest = &json[at + 7..];
        let value = rest.trim_start_matches([':', ' ', '[', '\n', '\r', '\t', '"']);
        let kind = &value[..value.find('"').unwrap_or(0)];
        match kind {
            "Article" | "NewsArticle" | "BlogPosting" | "TechArticle" | "Report" => say("ld_article", 1),
            "Product" | "ProductGroup" | "Offer" | "AggregateOffer" => say("ld_product", 1),
            "ItemList" | "CollectionPage" | "SearchResultsPage" => say("ld_list", 1),
            "DiscussionForumPosting" | "QAPage" | "Answer" => say("ld_discussion", 1),
            "FAQPage" => say("ld_faq", 1),
            "Organization" | "LocalBusiness" | "Service" | "Corporation" => say("ld_organization", 1),
            "Recipe" | "HowTo" => say("ld_recipe", 1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &[&str]) {
        let clues = clues(&Document::parse(html, 512, 1 << 20));
        let said: Vec<_> = NAMES
            .iter()
            .zip(clues)
            .filter(|(_, value)| *value == 1)
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(said, expected, "{html}");
    }

    #[test]
    fn head_and_data_are_heard() {
        check("<meta property='og:type' content='Article'>", &["og_article"]);
        check("<meta name=generator content='vBulletin 4'>", &["made_by_forum"]);
        check(
            "<script type='application/ld+json'>{\"@type\": [\"Product\"]}</script>",
            &["ld_product"],
        );
        check("<script type='application/ld+json'>{\"@type\":", &[]);
    }
}
