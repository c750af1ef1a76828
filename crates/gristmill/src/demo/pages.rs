//! What the demo's sites answer.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use gristmill_core::Limits;
use gristmill_image::edit::{Encode, Encoding, Filter, Resize, ResizeMode};

use super::{
    PICTURES,
    pictures::landscape,
    prose::{Dice, german, headline, paragraph, sentence},
    recordings::{film, voice},
};

/// A visited address and what the server answered.
pub(super) struct Page {
    pub(super) url: String,
    pub(super) status: &'static str,
    /// Header lines, each with its line end.
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
    /// Whether the crawler's disk damaged the record.
    pub(super) is_damaged: bool,
}

impl Page {
    /// The page of this number on a site.
    pub(super) fn on(site: &str, number: u64, dice: &mut Dice) -> Self {
        match number {
            5 => Page::other(
                site,
                "photo.jpg",
                "image/jpeg",
                b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01 a picture of the harbour \xff\xd9".to_vec(),
            ),
            6 => Page::other(
                site,
                "map.pdf",
                "application/pdf",
                b"%PDF-1.4 a map of the river %%EOF".to_vec(),
            ),
            7 => Page::other(
                site,
                "feed.json",
                "application/json",
                b"{\"items\": [1, 2, 3]}".to_vec(),
            ),
            8 => Page::other(site, "style.css", "text/css", b"body { color: #333 }".to_vec()),
            9 => Page {
                status: "404 Not Found",
                ..Page::html(site, "gone", "Not found", "<p>There is nothing here.</p>")
            },
            10 => Page::html(
                site,
                "erste-seite",
                "Aus dem Garten",
                &paragraphs(&[german(dice), german(dice), german(dice)]),
            ),
            11 => Page::html(site, "all-pages", "All pages", &menu(dice, 60)),
            12 => Page::html(site, "buy-now", "Offer", &paragraphs(&vec![sentence(dice); 30])),
            13 => Page::html(
                site,
                "draft",
                "Draft",
                &paragraphs(&[
                    paragraph(dice),
                    "Lorem ipsum dolor sit amet, consectetur elit.".into(),
                    paragraph(dice),
                    paragraph(dice),
                ]),
            ),
            14 => Page {
                url: format!("https://{site}/print/copy"),
                ..Page::article(site, 0, &mut Dice::new(0))
            },
            15 => Page::article(site, number, dice).chunked(),
            16 => Page::article(site, number, dice).compressed(),
            17 => Page::article(site, number, dice).in_windows_1252(),
            18 => Page {
                is_damaged: site.starts_with("garden"),
                ..Page::article(site, number, dice)
            },
            19 => Page::html(
                site,
                "contact",
                "Contact",
                &(articles(dice)
                    + "<p>Write to the editor at editor@harbour-gazette.example or call on 8.8.8.8, and the answer will be with you in a week.</p>"),
            ),
            _ => Page::article(site, number, dice),
        }
    }

    /// A picture of a site, as articles show it. Sites differ by `seed`.
    pub(super) fn picture(site: &str, seed: u64, number: u64) -> Self {
        let own = seed * 100 + number;
        let jpeg = |quality| Encoding::Jpeg { quality };
        let (scene, width, height, encoding) = match number {
            // The same file on every site, and the same scene in several sizes.
            1 => (1, 480, 320, jpeg(90)),
            2 => (2, 480, 320, jpeg(90 - 5 * seed as u8)),
            3 => (own, 400, 400, Encoding::Png { compression: 6 }),
            4 => (own, 640, 420, Encoding::Webp { quality: 80 }),
            5 => (own, 24, 24, Encoding::Png { compression: 6 }),
            6 => (own, 728, 90, jpeg(90)),
            _ => (own, 480, 320, jpeg(85)),
        };
        let encode = Encode::new(encoding);
        let mut body = encode
            .encode(landscape(scene, width, height))
            .expect("a small picture can be encoded");
        if number == 2 {
            let smaller = Resize {
                mode: ResizeMode::KeepRatioLargest,
                side: 480 - 20 * seed as u32,
                only_if_bigger: true,
                filter: Filter::Area,
                encode,
            };
            let resized = smaller.apply(&body, &Limits::default());
            body = resized.expect("a small picture can be resized").unwrap_or(body);
        }
        if number == 7 && site.starts_with("garden") {
            body.truncate(body.len() / 2);
        }
        let media_type = encoding.format().media_type();
        Page::other(site, &picture_path(number), media_type, body)
    }

    /// What the editors of a site have to say. Two sites share one.
    pub(super) fn sound(site: &str, seed: u64) -> Self {
        Page::other(site, "media/talk.wav", "audio/wav", voice(seed.max(1)))
    }

    /// A view of the site's surroundings.
    pub(super) fn film(site: &str, seed: u64) -> Self {
        Page::other(site, "media/walk.avi", "video/x-msvideo", film(seed.max(1)))
    }

    fn article(site: &str, number: u64, dice: &mut Dice) -> Self {
        let title = headline(dice);
        let body = articles(dice);
        let mut said = Dice::new(number);
        let picture = format!(
            "<figure><img src=\"/{}\" alt=\"{}\" width=\"480\"><figcaption>{}</figcaption></figure>\n",
            picture_path(number % PICTURES),
            headline(&mut said),
            sentence(&mut said)
        );
        // Behind the first paragraph.
        let body = body.replacen("</p>\n", &format!("</p>\n{picture}"), 1);
        let media = match number {
            1 => "<audio src=\"/media/talk.wav\" controls></audio>\n",
            2 => "<video src=\"/media/walk.avi\" controls></video>\n",
            _ => "",
        };
        Page::html(site, &format!("articles/{number}"), &title, &(body + media))
    }

    fn html(site: &str, path: &str, title: &str, main: &str) -> Self {
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} | {site}</title>\
             <meta name=\"author\" content=\"The editors\"><script>var page = {{ \"id\": 1 }};</script></head>\n<body>\
             <header><nav><ul><li><a href=\"/\">Home</a></li><li><a href=\"/all-pages\">All pages</a></li>\
             <li><a href=\"/contact\">Contact</a></li></ul></nav></header>\n<main><article><h1>{title}</h1>\n{main}\n</article></main>\n\
             <aside><h2>Read more</h2><ul><li><a href=\"/articles/1\">Another article</a></li></ul></aside>\
             <footer><p>© {site}. <a href=\"/privacy\">Privacy policy</a>. We use cookies.</p></footer></body></html>\n"
        );
        let mut page = Page::other(site, path, "text/html; charset=utf-8", body.into_bytes());
        page.url = format!("https://{site}/{path}");
        page
    }

    fn other(site: &str, path: &str, media_type: &str, body: Vec<u8>) -> Self {
        Page {
            url: format!("https://{site}/{path}"),
            status: "200 OK",
            headers: format!("Content-Type: {media_type}\r\n"),
            body,
            is_damaged: false,
        }
    }

    fn chunked(mut self) -> Self {
        self.headers.push_str("Transfer-Encoding: chunked\r\n");
        let mut chunked = Vec::new();
        for chunk in self.body.chunks(1000) {
            chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
            chunked.extend(chunk);
            chunked.extend(b"\r\n");
        }
        chunked.extend(b"0\r\n\r\n");
        Page {
            body: chunked,
            ..self
        }
    }

    fn compressed(mut self) -> Self {
        self.headers.push_str("Content-Encoding: gzip\r\n");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&self.body).expect("memory does not fail");
        Page {
            body: gzip.finish().expect("memory does not fail"),
            ..self
        }
    }

    /// The page as an old server sends it: one byte a character, and no word of it in the headers.
    fn in_windows_1252(self) -> Self {
        let text =
            String::from_utf8_lossy(&self.body).replace("charset=\"utf-8\"", "charset=\"windows-1252\"");
        let body = text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
            .collect();
        Page {
            headers: "Content-Type: text/html\r\n".into(),
            body,
            ..self
        }
    }
}

fn picture_path(number: u64) -> String {
    let ending = match number {
        3 | 5 => "png",
        4 => "webp",
        _ => "jpg",
    };
    format!("pictures/{number}.{ending}")
}

fn articles(dice: &mut Dice) -> String {
    let count = dice.between(4, 8);
    paragraphs(&(0..count).map(|_| paragraph(dice)).collect::<Vec<_>>())
}

fn paragraphs(texts: &[String]) -> String {
    texts.iter().map(|text| format!("<p>{text}</p>\n")).collect()
}

fn menu(dice: &mut Dice, items: u64) -> String {
    let item = |number: u64, dice: &mut Dice| {
        format!("<li><a href=\"/articles/{number}\">{}</a></li>\n", headline(dice))
    };
    format!(
        "<ul>{}</ul>",
        (0..items).map(|number| item(number, dice)).collect::<String>()
    )
}
