use super::*;
use crate::extract::blocks::{self, Marked};

fn media(html: &str) -> Vec<Media> {
    let document = Document::parse(html, 512, 1 << 20);
    let page = blocks::cut_with(&document, Marked::Media);
    let base = base(&document, "https://a.org/b/c.html");
    let found = read(&document, &page.marks, base.as_ref(), |_| true);
    found.into_iter().map(|found| found.media).collect()
}

fn one(html: &str) -> Media {
    let mut media = media(html);
    assert_eq!(media.len(), 1, "{html}: {media:?}");
    media.remove(0)
}

/// The media of a page, by their address as the page writes it.
fn check(html: &str, expected: &[&str]) {
    let media = media(html);
    let sources: Vec<_> = media.iter().map(|media| &*media.unformatted_src).collect();
    assert_eq!(sources, expected, "{html}");
}

#[test]
fn an_image_has_an_absolute_address_and_the_one_that_is_written() {
    let image = one("<img src=' x y.png?a=1&amp;b=2#part '>");
    assert_eq!(image.src, "https://a.org/b/x%20y.png?a=1&b=2");
    assert_eq!(image.unformatted_src, "x y.png?a=1&b=2#part");
    assert_eq!(image.kind, MediaKind::Image);
}

#[test]
fn relative_addresses_refer_to_the_base_of_the_page() {
    assert_eq!(
        one("<base target=x><base href=/d/><img src=x>").src,
        "https://a.org/b/x"
    );
    assert_eq!(one("<base href=/d/><img src=x>").src, "https://a.org/d/x");
    assert_eq!(one("<base href=//c.org/d/e><img src=x>").src, "https://c.org/d/x");
    assert_eq!(one("<base href=data:x><img src=x>").src, "https://a.org/b/x");
}

#[test]
fn images_without_an_address_are_none() {
    for image in [
        "<img>",
        "<img src>",
        "<img src=''>",
        "<img src='#'>",
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
        "<img src=blob:https://a.org/x>",
        "<img src=about:blank>",
        "<img src=javascript:void(0)>",
    ] {
        check(image, &[]);
    }
}

#[test]
fn late_images_are_read_from_the_attributes_of_scripts() {
    for name in LATE {
        check(
            &format!("<img src=data:image/gif;base64,R0l {name}=x.png>"),
            &["x.png"],
        );
        check(&format!("<img src=blank.gif {name}=x.png>"), &["x.png"]);
    }
    check("<img src=x.png data-lazy=true>", &["x.png"]);
    check("<img src=x.png data-src='//a.org/{width}.png'>", &["x.png"]);
    check("<img src=x.png data-src=data:image/gif;base64,R0l/>", &["x.png"]);
    check("<img src=grey.gif data-srcset='a.png 1x, b.png 2x'>", &["b.png"]);
}

#[test]
fn the_largest_candidate_of_a_set_counts() {
    let check = |set: &str, expected: Option<&str>| assert_eq!(largest(set).as_deref(), expected, "{set}");
    check("a.png 300w, b.png 600w , c.png 450w", Some("b.png"));
    check("a.png, b.png 2x, c.png 1.5x", Some("b.png"));
    check("a.png 100w 50h, b.png 3x", Some("a.png"));
    check("a.png 2x, b.png 2x", Some("a.png"));
    check("a,b.png 1x,c,d.png 2x", Some("c,d.png"));
    check("a.png,", Some("a.png"));
    check(" , ,a.png , ", Some("a.png"));
    check("a.png nonsense, b.png NaNw", Some("a.png"));
    check("", None);
    check(" ,", None);
    check(&"a.png 1w,".repeat(100_000), Some("a.png"));
}

#[test]
fn sets_stand_in_where_there_is_no_source() {
    check("<img srcset='a.png 100w, b.png 200w'>", &["b.png"]);
    check("<img src=data:x srcset='a.png 100w, b.png 200w'>", &["b.png"]);
    check(
        "<img src=/x/1x1.trans.gif srcset='a.png 100w, b.png 200w'>",
        &["b.png"],
    );
    check(
        "<img src=placeholder-of-a-house.png srcset='a.png 100w'>",
        &["placeholder-of-a-house.png"],
    );
    check("<img src='x.png?w={width}'><img src='{{url}}/x.png'>", &[]);
    check("<img src='x.png?w={width}' srcset=a.png>", &["a.png"]);
    check("<img src='/{9A0B-11}/{}.png'>", &["/{9A0B-11}/{}.png"]);
    check("<img src=lazy_placeholder.gif>", &["lazy_placeholder.gif"]);
    check("<img src=c.png srcset='a.png 100w, b.png 200w'>", &["c.png"]);
}

#[test]
fn a_picture_is_one_image() {
    let picture = |image: &str| {
        format!("<picture><source srcset='a.webp 1x, b.webp 2x'><source srcset=d.png>{image}</picture>")
    };
    check(&picture("<img src=c.png alt=x>"), &["c.png"]);
    check(&picture("<img src=data:x>"), &["b.webp"]);
    check(&picture("<img>"), &["b.webp"]);
    check(
        "<picture><source data-srcset='a.webp 1x, b.webp 2x'><img src=grey.gif></picture>",
        &["b.webp"],
    );
    check(&picture(""), &[]);
}

#[test]
fn a_late_image_and_its_fallback_are_one() {
    for page in [
        "<img src=data:x data-src=a.png><noscript><img src=b.png></noscript>",
        "<noscript><img src=b.png></noscript><img src=data:x data-src=a.png>",
        "<noscript><img src=b.png></noscript>\n<span><img src=data:x data-src=a.png></span>",
        "<a><img data-src=a.png></a> <noscript><a><img src=b.png></a></noscript>",
        "<picture><source srcset=x><img data-src=a.png></picture><noscript><img src=b.png></noscript>",
        "<noscript><picture><source srcset=x><img src=b.png></picture></noscript><picture><source><img data-src=a.png></picture>",
        "<noscript><img src=a.png><a><b><i><u><s><img src=/b/a.png></noscript>",
        "<amp-img src=a.png><noscript><img src=b.png></noscript></amp-img>",
    ] {
        check(page, &["a.png"]);
    }
    check(
        "<img src=blank.gif class=lazy><noscript><img src=b.png></noscript>",
        &["b.png"],
    );
    check(
        "<noscript><img src=b.png></noscript><img src=blank.gif class=lazy>",
        &["b.png"],
    );
    // A script would have to know the address.
    check(
        "<img src=data:x class=lazy><noscript><img src=b.png></noscript>",
        &["b.png"],
    );
}

#[test]
fn images_that_are_no_fallback_are_images() {
    check("<img src=a.png><img src=b.png>", &["a.png", "b.png"]);
    check(
        "<img src=a.png><p>x<noscript><img src=b.png></noscript>",
        &["a.png", "b.png"],
    );
    check(
        "<img src=a.png><div><i></i></div><noscript><img src=b.png></noscript>",
        &["a.png", "b.png"],
    );
}

#[test]
fn a_repeated_image_counts_once_where_nothing_is_between() {
    check(
        "<div class=wide><img src=a.png></div><div class=narrow><img src=/b/a.png></div>",
        &["a.png"],
    );
    check("<img src=a.png><p>x</p><img src=a.png>", &["a.png", "a.png"]);
}

#[test]
fn dots_and_hidden_images_are_none() {
    check(
        "<img src=a.png width=1 height=1><img src=b.png width=0><img src=c.png style='width:1px;height:1px'>",
        &[],
    );
    check(
        "<img src=a.png width=1 height=100><img src=b.png width=100%><img src=c.png width=16 height=16>",
        &["a.png", "b.png", "c.png"],
    );
    check("<img src=a.png style='display: none'><img src=b.png hidden>", &[]);
    check("<img src=data:x data-src=a.png style='display:none'>", &["a.png"]);
}

#[test]
fn sizes_are_the_pixels_that_are_asked_for() {
    let size = |attributes: &str| {
        let image = one(&format!("<img src=a.png {attributes}>"));
        (image.rendered_width_px, image.rendered_height_px)
    };
    assert_eq!(size("width=300 height=' 200px'"), (Some(300), Some(200)));
    assert_eq!(size("width=300.7 height=200.2px"), (Some(300), Some(200)));
    assert_eq!(size("width=100% height=auto"), (None, None));
    assert_eq!(size("width='50 %' height=10em"), (None, None));
    assert_eq!(size("width=9999999999 height=-5"), (None, None));
    assert_eq!(
        size("width=300 style='max-width:10px; WIDTH: 40PX ;height:50%'"),
        (Some(40), None)
    );
    assert_eq!(
        size("width=300 height=20 style='width:10;height:2em'"),
        (Some(300), Some(20))
    );
    assert_eq!(size(""), (None, None));
}

#[test]
fn texts_are_decoded_and_tidy() {
    let image = one("<img src=a.png alt='a &amp;\n  b' title=' c '>");
    assert_eq!(image.alt.as_deref(), Some("a & b"));
    assert_eq!(image.title.as_deref(), Some("c"));
    let image = one("<img src=a.png alt='' title=' '>");
    assert_eq!((image.alt, image.title), (None, None));
    let image = one(&format!("<img src=a.png alt='{}'>", "ü".repeat(5000)));
    assert_eq!(image.alt.unwrap().len(), 1000);
}

#[test]
fn a_caption_is_that_of_the_nearest_figure() {
    let captions = |html: &str| {
        media(html)
            .into_iter()
            .map(|media| media.caption)
            .collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        captions("<figure><a><img src=a></a><figcaption>x <b>&lt;y</b><br>z</figcaption></figure>"),
        [some("x <y z")]
    );
    assert_eq!(
        captions(
            "<figure><figure><img src=a><figcaption>x</figcaption></figure><figure><img src=b></figure><figcaption>z</figcaption></figure>"
        ),
        [some("x"), None]
    );
    assert_eq!(
        captions("<figure><img src=a><img src=b><figcaption>x</figcaption></figure>"),
        [some("x"), some("x")]
    );
    assert_eq!(
        captions("<figure><img src=a></figure><figcaption>x</figcaption>"),
        [None]
    );
    assert_eq!(
        captions("<figure><img src=a><figcaption> </figcaption></figure>"),
        [None]
    );
}

#[test]
fn an_element_that_says_caption_is_one() {
    let caption = |html: &str| media(html).remove(0).caption;
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        caption("<div class=wp-caption><a><img src=a></a><p class=wp-caption-text>x</div>"),
        some("x")
    );
    assert_eq!(
        caption("<div><img src=a><span class=imageCaption>x</span></div>"),
        some("x")
    );
    assert_eq!(caption("<div><img src=a></div><p class=caption>x"), None);
    assert_eq!(
        caption("<div><img src=a><img src=b><p class=caption>x</div>"),
        None
    );
}

#[test]
fn videos_and_audio_are_found_by_their_sources() {
    let kinds = |html: &str| {
        media(html)
            .into_iter()
            .map(|media| (media.kind, media.src))
            .collect::<Vec<_>>()
    };
    let of = |kind: MediaKind, src: &str| vec![(kind, format!("https://a.org/b/{src}"))];
    assert_eq!(
        kinds("<video src=x.mp4 poster=p.png><img src=y.png></video>"),
        of(MediaKind::Video, "x.mp4")
    );
    assert_eq!(
        kinds("<video><source src=data:x><source src=x.webm><source src=x.mp4></video>"),
        of(MediaKind::Video, "x.webm")
    );
    assert_eq!(
        kinds("<audio controls><source src=x.mp3></audio>"),
        of(MediaKind::Audio, "x.mp3")
    );
    assert_eq!(
        kinds("<amp-video src=x.mp4></amp-video>"),
        of(MediaKind::Video, "x.mp4")
    );
    assert_eq!(kinds("<video></video><audio></audio>"), []);
}

#[test]
fn players_are_media_and_other_embedded_pages_are_none() {
    let kinds = |src: &str| {
        let media = media(&format!("<iframe src='{src}'></iframe>"));
        media.into_iter().map(|media| media.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds("//www.youtube.com/embed/x?rel=0"), [MediaKind::Video]);
    assert_eq!(
        kinds("https://www.youtube-nocookie.com/embed/x"),
        [MediaKind::Video]
    );
    assert_eq!(kinds("https://player.vimeo.com/video/1"), [MediaKind::Video]);
    assert_eq!(
        kinds("https://w.soundcloud.com/player/?url=x"),
        [MediaKind::Audio]
    );
    assert_eq!(kinds("https://www.youtube.com/subscribe_embed"), []);
    assert_eq!(kinds("https://notyoutube.com/embed/x"), []);
    assert_eq!(kinds("https://www.google.com/maps/embed?x"), []);
    check(
        "<iframe data-src=https://www.youtube.com/embed/x></iframe>",
        &["https://www.youtube.com/embed/x"],
    );
    check(
        "<object data=x.swf><embed src=https://www.youtube.com/v/x></object>",
        &[],
    );
    check(
        "<embed src=https://www.youtube.com/v/x>",
        &["https://www.youtube.com/v/x"],
    );
}

#[test]
fn drawings_templates_and_formulas_are_no_media() {
    check(
        "<svg><image href=x.png /></svg><template><img src=a.png></template>",
        &[],
    );
    check("<select><option><img src=a.png></select>", &[]);
}

#[test]
fn media_of_a_page_are_bounded() {
    let page = (0..MOST + 100)
        .map(|number| format!("<img src={number}>"))
        .collect::<String>();
    assert_eq!(media(&page).len(), MOST);
}
