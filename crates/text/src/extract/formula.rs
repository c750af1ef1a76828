//! Mathematics on a page: its TeX, once.
//!
//! Pages carry a formula in several forms at once: MathML for readers aloud, boxes of styled text for the eye, TeX
//! in an annotation, an `alttext`, a script or the `alt` of a picture. The TeX is what a reader of text can use, so
//! that is taken and the other forms are left out. Known are MathML, KaTeX, MathJax 2 and 3, MediaWiki and pictures
//! of the class `latex` or `tex`. A formula without TeX is the characters of its MathML.

use std::borrow::Cow;

use memchr::memmem;

use crate::html::{Document, Place, Tag, decode_into};

/// The most nodes of a formula whose boxes are told from its MathML.
const FORMULA_NODES: usize = 2000;

/// What an element means for mathematics.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Formula {
    /// A formula; whether it stands on a line of its own.
    Tex(String, bool),
    /// What another element says in TeX.
    Repeated,
    /// Nothing.
    None,
}

/// Whether a page may hold formulas outside of `math` elements, so that most pages pay for one look.
pub(super) fn is_possible(html: &str) -> bool {
    [
        "katex",
        "MathJax",
        "math/tex",
        "latex",
        "class=\"tex\"",
        "class='tex'",
    ]
    .iter()
    .any(|sign| memmem::find(html.as_bytes(), sign.as_bytes()).is_some())
}

/// What an element means; asked of all elements of pages where it [`is_possible`], and of every `math`.
pub(super) fn look(document: &Document<'_>, index: usize) -> Formula {
    let node = &document.nodes()[index];
    let value = |name| document.attributes(node).value(name);
    match node.tag {
        Tag::Math => {
            let is_block = value("display").is_some_and(|display| display == "block");
            let tex = match value("alttext") {
                Some(tex) if !tex.trim().is_empty() => Some(tex.into_owned()),
                _ => annotation(document, index),
            };
            tex.map_or(Formula::None, |tex| Formula::Tex(clean(&tex), is_block))
        }
        Tag::Script => match value("type") {
            Some(kind) if kind.starts_with("math/tex") => {
                Formula::Tex(clean(&document.content(index)), kind.contains("mode=display"))
            }
            _ => Formula::None,
        },
        Tag::Img => match (value("class"), value("alt")) {
            (Some(class), Some(alt)) if has_class(&class, &["latex", "tex"]) && !alt.trim().is_empty() => {
                Formula::Tex(clean(&alt), false)
            }
            _ => Formula::None,
        },
        Tag::Span | Tag::Div => {
            let class = value("class").unwrap_or_default();
            let is_boxes = has_class(&class, &["katex-html"]) && follows_mathml(document, index);
            let is_preview = has_class(
                &class,
                &["MathJax", "MathJax_Preview", "MathJax_Display", "MathJax_SVG"],
            );
            if is_boxes || is_preview {
                Formula::Repeated
            } else {
                Formula::None
            }
        }
        // The source of a formula in another notation.
        Tag::Other if is_annotation(document, index) => Formula::Repeated,
        _ => Formula::None,
    }
}

fn has_class(class: &str, names: &[&str]) -> bool {
    class.split_ascii_whitespace().any(|token| names.contains(&token))
}

fn is_annotation(document: &Document<'_>, index: usize) -> bool {
    let node = &document.nodes()[index];
    node.tag == Tag::Other
        && document
            .raw(node)
            .split(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/')
            .next()
            .is_some_and(|name| {
                name.eq_ignore_ascii_case("annotation") || name.eq_ignore_ascii_case("annotation-xml")
            })
}

/// The TeX annotation of a `math` element.
fn annotation(document: &Document<'_>, math: usize) -> Option<String> {
    let end = document.nodes()[math].end as usize;
    let annotation = (math + 1..end).find(|&index| {
        let encoding = || {
            document
                .attributes(&document.nodes()[index])
                .value("encoding")
                .map(Cow::into_owned)
        };
        is_annotation(document, index)
            && encoding().is_some_and(|encoding| encoding.to_ascii_lowercase().contains("tex"))
    })?;
    let mut tex = String::new();
    decode_into(&document.content(annotation), Place::Text, &mut tex);
    Some(tex)
}

/// Whether the element before this one, below the same parent, holds the formula as MathML. A formula has few nodes.
fn follows_mathml(document: &Document<'_>, index: usize) -> bool {
    let nodes = document.nodes();
    let parent = nodes[index].parent as usize;
    let first = parent.max(index.saturating_sub(FORMULA_NODES));
    let Some(math) = nodes[first..index].iter().rposition(|node| node.tag == Tag::Math) else {
        return false;
    };
    // Nothing but the element around the MathML may stand between them.
    let is_around = |at: usize| nodes[at].end as usize == index;
    is_around(first + math) || is_around(nodes[first + math].parent as usize)
}

/// TeX on one line, without the wrapper that MediaWiki puts around it.
fn clean(tex: &str) -> String {
    let tex = tex.split_whitespace().collect::<Vec<_>>().join(" ");
    let inner = tex
        .strip_prefix("{\\displaystyle ")
        .or_else(|| tex.strip_prefix("{\\textstyle "));
    match inner.and_then(|inner| inner.strip_suffix('}')) {
        Some(inner) => inner.trim().to_owned(),
        None => tex,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::blocks;

    fn check(html: &str, expected: &str) {
        let page = blocks::cut(&Document::parse(html, 512, 1 << 20));
        assert_eq!(page.text, expected, "{html}");
    }

    #[test]
    fn tex_of_mathml_is_taken() {
        check(
            "<p>a <math alttext='x^2'><mi>x</mi><mn>2</mn></math>, b",
            "a $x^2$, b",
        );
        check(
            "<p><math display=block><semantics><mi>x</mi><annotation encoding='application/x-tex'>x &lt; 1</annotation></semantics></math>",
            "$$x < 1$$",
        );
        check(
            "<p><math alttext='{\\displaystyle E=mc^{2}}'><mi>E</mi></math><img class=mwe-math-fallback-image-inline alt='{E}'>",
            "$E=mc^{2}$",
        );
    }

    #[test]
    fn mathml_without_tex_is_its_characters() {
        check("<p>a <math><mi>x</mi><mo>=</mo><mn>1</mn></math> b", "a x=1 b");
        check(
            "<p><math><semantics><mi>x</mi><annotation encoding='StarMath'>y</annotation></semantics></math> katex",
            "x katex",
        );
    }

    #[test]
    fn katex_and_mathjax_are_read_once() {
        check(
            "<p>a <span class=katex><span class=katex-mathml><math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x_1</annotation></semantics></math></span><span class='katex-html' aria-hidden=true>x1</span></span> b",
            "a $x_1$ b",
        );
        check(
            "<p>a <span class=katex><span class='katex-html'>x1</span></span> b",
            "a x1 b",
        );
        check(
            "<p><math alttext='y'></math> then <span class='katex-html'>x1</span>",
            "$y$ then x1",
        );
        check(
            "<p>a <span class=MathJax_Preview>y</span><span class=MathJax>y</span><script type='math/tex; mode=display'>y^2</script> b",
            "a $$y^2$$ b",
        );
    }

    #[test]
    fn pictures_of_formulas_have_their_tex() {
        check(
            "<p>a <img class='latex' alt='\\frac{1}{2}'>.",
            "a $\\frac{1}{2}$.",
        );
        check("<p>latex <img class='photo' alt='tree'>.", "latex .");
    }
}
