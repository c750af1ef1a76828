//! What class names, ids, roles and elements say of the content within.
//!
//! People name the parts of their pages: `site-header`, `commentList`, `related_posts`. Names are cut into lower
//! case words at every change of letter kind, and a word that is known belongs to one kind of part. Words are
//! English because that is what class names are written in.

use super::lexicon::{Cut, HEAVIEST, Table, each_word, weigh_path};
use crate::html::{Attributes, Tag};

macro_rules! hints {
    ($($(#[$doc:meta])* $variant:ident: $words:literal,)*) => {
        /// A kind of part of a page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Hint {
            $($(#[$doc])* $variant,)*
        }

        impl Hint {
            /// How many there are.
            pub(crate) const COUNT: usize = [$(Hint::$variant),*].len();
            #[cfg(test)]
            const WORDS: [(&str, Hint); Hint::COUNT] = [$(($words, Hint::$variant)),*];
        }

        static TABLE: Table<Hint, 1024> = Table::of(&[$(($words, Hint::$variant)),*]);
    };
}

hints! {
    /// Says that it is the content.
    Content: "content contents main body text copy prose markdown rte richtext wysiwyg primary",
    /// An article or a post of a blog.
    Article: "article entry post story blog news single articlebody postcontent",
    /// What readers add.
    Comment: "comment comments disqus respond commentlist commenter commentary",
    /// A contribution to a discussion.
    Forum: "thread topic message messages reply replies forum discussion answer answers question questions posts postbody threads",
    /// Ways to other pages.
    Navigation: "nav navigation navbar menu submenu megamenu menubar topbar topnav navigational sitemap mainmenu",
    /// The head of the site.
    Header: "header masthead head banner hero top toolbar",
    /// The foot of the site.
    Footer: "footer foot copyright colophon bottom legal disclaimer",
    /// Beside the content.
    Sidebar: "sidebar side aside rail secondary widget widgets sidenav complementary rightcol leftcol",
    /// Buttons of social networks.
    Share: "share sharing social facebook twitter follow addtoany sharedaddy pinterest linkedin whatsapp socials",
    /// Other pages of the site.
    Related: "related recommended recommendations recommendation more similar suggested popular trending latest recent also upsell recirc next prev previous",
    /// What somebody paid for.
    Advertisement: "ad ads advert advertisement advertising sponsor sponsored promo promotion promoted promotional outbrain taboola",
    /// Questions of privacy.
    Consent: "cookie cookies consent gdpr onetrust privacy ccpa cmp cookiebot",
    /// What lies over the page.
    Overlay: "modal popup overlay dialog lightbox drawer offcanvas toast tooltip dropdown flyout popover alert notice notification",
    /// Where the page is within the site.
    Breadcrumb: "breadcrumb breadcrumbs crumb crumbs pagination pager paging paginate",
    /// About the content: who, when, what kind.
    Meta: "meta byline author date time published tags tag category categories info bio avatar timestamp user username profile credits",
    /// Something to buy.
    Product: "product price description desc details detail specs spec specification specifications features feature sku variant pdp products",
    /// What buyers say.
    Review: "review reviews rating ratings testimonial testimonials stars star",
    /// One of many.
    Card: "card cards item items grid list tile tiles teaser listing listings results result collection entries cell",
    /// What a reader fills in.
    Form: "form newsletter subscribe signup search login register filter filters cart account input field contact checkout sort subscription facet facets signin",
    /// Not seen.
    Hidden: "hidden hide sr visually screenreader skip invisible screen collapse collapsed noprint",
    /// Where the parts of the page are.
    Toc: "toc outline tableofcontents anchors",
    /// About pictures.
    Media: "caption gallery slider carousel slide swiper image figure video thumb thumbnail slick media photo credit",
    /// Something to click.
    Action: "button btn cta link links action actions tool tools",
    /// Documentation and its parts.
    Documentation: "docs documentation doc api reference tutorial guide faq faqs accordion tab tabs panel wiki toggle",
    /// Above the content, and part of it.
    Title: "title heading headline subtitle excerpt summary lead intro subheading tagline deck",
    // What elements and roles say.
    /// `nav`
    InNav: "",
    /// `header`
    InHeader: "",
    /// `footer`
    InFooter: "",
    /// `aside`
    InAside: "",
    /// `main`
    InMain: "",
    /// `article`
    InArticle: "",
    /// `section`
    InSection: "",
    /// `form`
    InForm: "",
    /// `table`
    InTable: "",
    /// `ul`, `ol`
    InList: "",
    /// `dl`
    InDefinitions: "",
    /// `blockquote`
    InQuote: "",
    /// `pre`
    InPre: "",
    /// `figure`
    InFigure: "",
    /// `button`, `label`
    InControl: "",
    /// `a`
    InLink: "",
    /// `noscript`
    InNoscript: "",
    /// `details`, `dialog`
    InDetails: "",
    /// `p`
    InParagraph: "",
    /// `style="display:none"`, `hidden`, `aria-hidden`
    InHidden: "",
    /// `itemprop` of a text: `articleBody`, `description`, `text`
    InProperty: "",
}

/// How many levels up the nearest element with each hint is; [`FAR`] if there is none.
pub(crate) type Distances = [u8; Hint::COUNT];

/// No element with that hint is above.
pub(crate) const FAR: u8 = 40;

/// The distances of a child of an element with these.
pub(crate) fn one_level_down(distances: &Distances) -> Distances {
    distances.map(|distance| (distance + 1).min(FAR))
}

/// Marks what an element itself says, and gives the weight of the words of its class and id.
pub(crate) fn mark(distances: &mut Distances, tag: Tag, attributes: Attributes<'_>) -> i32 {
    let mut weight = 0;
    let mut is_hidden = false;
    let mut is_segment = false;
    let mut see = |hint: Hint| distances[hint as usize] = 0;
    if let Some(hint) = of_tag(tag) {
        see(hint);
    }
    for (name, value) in attributes {
        match name.len() {
            2 | 5 if name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("class") => {
                is_segment |= name.len() == 2 && value.starts_with("S:");
                words(value, &mut see);
                weight = (weight + weigh_path(value)).clamp(-HEAVIEST, HEAVIEST);
            }
            5 if name.eq_ignore_ascii_case("style")
                && (value.contains("display:none") || value.contains("display: none")) =>
            {
                see(Hint::InHidden);
            }
            6 if name.eq_ignore_ascii_case("hidden") => is_hidden = true,
            11 if name.eq_ignore_ascii_case("aria-hidden") && value == "true" => see(Hint::InHidden),
            4 if name.eq_ignore_ascii_case("role") => {
                if let Some(hint) = of_role(value) {
                    see(hint);
                }
            }
            8 if name.eq_ignore_ascii_case("itemprop")
                && matches!(value, "articleBody" | "description" | "text" | "reviewBody") =>
            {
                see(Hint::InProperty);
            }
            _ => {}
        }
    }
    // React sends late parts of a page as `<div hidden id="S:0">` and shows them with a script.
    if is_hidden && !is_segment {
        distances[Hint::InHidden as usize] = 0;
    }
    weight
}

fn of_tag(tag: Tag) -> Option<Hint> {
    Some(match tag {
        Tag::Nav => Hint::InNav,
        Tag::Header => Hint::InHeader,
        Tag::Footer => Hint::InFooter,
        Tag::Aside => Hint::InAside,
        Tag::Main => Hint::InMain,
        Tag::Article => Hint::InArticle,
        Tag::Section => Hint::InSection,
        Tag::Form => Hint::InForm,
        Tag::Table => Hint::InTable,
        Tag::Ul | Tag::Ol | Tag::Menu => Hint::InList,
        Tag::Dl => Hint::InDefinitions,
        Tag::Blockquote => Hint::InQuote,
        Tag::Pre => Hint::InPre,
        Tag::Figure => Hint::InFigure,
        Tag::Button | Tag::Label => Hint::InControl,
        Tag::A => Hint::InLink,
        Tag::Noscript => Hint::InNoscript,
        Tag::Details | Tag::Dialog => Hint::InDetails,
        Tag::P => Hint::InParagraph,
        _ => return None,
    })
}

fn of_role(role: &str) -> Option<Hint> {
    Some(match role {
        "navigation" | "menu" | "menubar" => Hint::InNav,
        "banner" => Hint::InHeader,
        "contentinfo" => Hint::InFooter,
        "complementary" => Hint::InAside,
        "main" => Hint::InMain,
        "article" => Hint::InArticle,
        "dialog" | "alertdialog" => Hint::InDetails,
        "button" => Hint::InControl,
        "search" | "form" => Hint::InForm,
        _ => return None,
    })
}

/// Calls `see` for the known words of a class or id: `siteHeader`, `site-header`, `site__header2`.
fn words(value: &str, see: &mut impl FnMut(Hint)) {
    each_word(value, Cut::AtCapitals, |key| {
        TABLE.get(key).map(&mut *see);
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::Document;

    fn check(class: &str, expected: &[Hint]) {
        let mut seen = Vec::new();
        words(class, &mut |hint| seen.push(hint));
        assert_eq!(seen, expected, "{class}");
    }

    #[test]
    fn words_end_where_the_kind_of_letter_changes() {
        check("siteFooter2", &[Hint::Footer]);
        check(
            "js-comment__list COOKIE",
            &[Hint::Comment, Hint::Card, Hint::Consent],
        );
        check("contented x", &[]);
        check("", &[]);
    }

    #[test]
    fn late_parts_of_a_page_are_not_hidden() {
        let distance = |html: &str| {
            let document = Document::parse(html, 512, 1 << 20);
            let mut distances = [FAR; Hint::COUNT];
            mark(
                &mut distances,
                Tag::Div,
                document.attributes(&document.nodes()[0]),
            );
            distances[Hint::InHidden as usize]
        };
        assert_eq!(distance("<div hidden>"), 0);
        assert_eq!(distance("<div hidden id='S:1'>"), FAR);
    }

    #[test]
    fn every_word_is_found_and_none_is_listed_twice() {
        let mut all = Vec::new();
        for (list, hint) in Hint::WORDS {
            for word in list
                .split_whitespace()
                .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
            {
                check(word, &[hint]);
                assert!(!all.contains(&word), "{word}");
                all.push(word);
            }
        }
    }
}
