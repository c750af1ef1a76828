//! Small inputs that want to be large: each costs a fault or a document, not memory.

use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::{
    crawled::{adds_up, manifest, written},
    kit::{crawl, path, succeed},
};

const MIB: usize = 1 << 20;
/// What a bomb unpacks to.
const LARGE: usize = 768 * MIB;
/// What one may cost in memory beside what the command needs anyhow.
const ROOM: u64 = 64 << 20;

fn gzip(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    pieces
        .into_iter()
        .for_each(|piece| packed.write_all(&piece).unwrap());
    packed.finish().unwrap()
}

/// So many bytes, in pieces.
fn many(byte: u8, bytes: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes / MIB).map(move |_| vec![byte; MIB])
}

fn zstd(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
    pieces
        .into_iter()
        .for_each(|piece| packed.write_all(&piece).unwrap());
    packed.finish().unwrap()
}

/// A WARC with one response.
fn warc(head: &str, body: &[u8]) -> Vec<u8> {
    let http = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n", body.len());
    let length = http.len() + body.len();
    let record = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://bomb.example/\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>\r\n\
         WARC-Date: 2026-01-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {length}\r\n\r\n"
    );
    [record.as_bytes(), http.as_bytes(), body, b"\r\n\r\n"].concat()
}

const HTML: &str = "Content-Type: text/html\r\n";

fn page(body: &[u8]) -> Vec<u8> {
    warc(HTML, body)
}

/// A PNG of zeros with this size in its header.
fn png(width: u32, height: u32) -> Vec<u8> {
    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        let length = (data.len() as u32).to_be_bytes();
        [&length[..], kind, data, &crc.sum().to_be_bytes()].concat()
    }
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    many(0, 256 * MIB).for_each(|piece| packed.write_all(&piece).unwrap());
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &packed.finish().unwrap()),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

/// A PDF with one stream.
fn pdf(stream: &[u8]) -> Vec<u8> {
    let body = format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n4 0 obj<</Length {}/Filter/FlateDecode>>stream\n",
        stream.len()
    );
    [
        body.as_bytes(),
        stream,
        b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    ]
    .concat()
}

/// Names and bytes.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let lines = |line: &str| format!("{line}\n{{\"text\": \"The line behind it is read.\"}}\n").into_bytes();
    let zlib = |bytes: usize| {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
        many(b' ', bytes).for_each(|piece| packed.write_all(&piece).unwrap());
        packed.finish().unwrap()
    };
    let attributes: String = (0..1_000_000).map(|number| format!(" a{number}=1")).collect();
    vec![
        ("a line in gzip.jsonl.gz", gzip(many(b'a', LARGE))),
        ("a line in zstd.jsonl.zst", zstd(many(b'a', LARGE))),
        ("gzip in gzip.jsonl.gz", gzip([gzip(many(0, LARGE))])),
        (
            "a line of 100 MB.jsonl",
            lines(&format!("{{\"text\": \"{}\"}}", "a".repeat(100_000_000))),
        ),
        (
            "a deep value.jsonl",
            lines(&format!(
                "{{\"text\": {}{}}}",
                "[".repeat(1_000_000),
                "]".repeat(1_000_000)
            )),
        ),
        (
            "a deep value that is not read.jsonl",
            lines(&format!("{{\"x\": {}}}", "{\"a\":".repeat(1_000_000))),
        ),
        (
            "a million keys.jsonl",
            lines(&format!(
                "{{{}\"text\": \"a\"}}",
                (0..1_000_000)
                    .map(|number| format!("\"k{number}\":1,"))
                    .collect::<String>()
            )),
        ),
        (
            "gzip in a response.warc",
            warc(
                &format!("{HTML}Content-Encoding: gzip\r\n"),
                &gzip(many(b' ', LARGE)),
            ),
        ),
        (
            "gzip in gzip in a response.warc",
            warc(
                &format!("{HTML}Content-Encoding: gzip, gzip\r\n"),
                &gzip([gzip(many(b' ', LARGE))]),
            ),
        ),
        (
            "brotli that is none.warc",
            warc(&format!("{HTML}Content-Encoding: br\r\n"), &[0xff; 100_000]),
        ),
        (
            "a record in gzip.warc.gz",
            gzip([page(b"")].into_iter().chain(many(b'a', LARGE))),
        ),
        ("a header of 100 MB.warc", with_header(&page(b""), 100_000_000)),
        ("deep elements.warc", page("<div>".repeat(1_000_000).as_bytes())),
        (
            "deep inline elements.warc",
            page(["<b><i><p>"; 200_000].concat().as_bytes()),
        ),
        (
            "deep tables.warc",
            page("<table><tr><td>".repeat(200_000).as_bytes()),
        ),
        (
            "deep templates.warc",
            page("<template>".repeat(500_000).as_bytes()),
        ),
        (
            "a million attributes.warc",
            page(format!("<p{attributes}>text</p>").as_bytes()),
        ),
        (
            "a million entities.warc",
            page("&amp;".repeat(1_000_000).as_bytes()),
        ),
        (
            "a million comments.warc",
            page("<!-->".repeat(1_000_000).as_bytes()),
        ),
        ("a million ends.warc", page("</p>".repeat(1_000_000).as_bytes())),
        (
            "formatting again and again.warc",
            page("<p><a><b><i><u>".repeat(50_000).as_bytes()),
        ),
        (
            "a picture of 900 million pixels.warc",
            warc("Content-Type: image/png\r\n", &png(30_000, 30_000)),
        ),
        (
            "a picture that is all below its header.warc",
            warc("Content-Type: image/png\r\n", &png(16, 16)),
        ),
        ("a stream.pdf", pdf(&zlib(512 * MIB))),
        (
            "deep arrays.pdf",
            pdf(&[b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat()),
        ),
    ]
}

/// A record with a header line of this length.
fn with_header(record: &[u8], bytes: usize) -> Vec<u8> {
    let (version, rest) = record.split_at(b"WARC/1.0\r\n".len());
    [version, b"X: ", &vec![b'a'; bytes], b"\r\n", rest].concat()
}

/// The fault of a bomb, if it has one, and how many documents are kept: lines behind one are read, and the picture that fits its
/// header is one.
fn expected(name: &str) -> (Option<&'static str>, u64) {
    let kind = match name {
        name if name.starts_with("a line")
            || name.starts_with("gzip in a response")
            || name.starts_with("gzip in gzip in")
            || name.starts_with("a picture of")
            || name == "a stream.pdf" =>
        {
            Some("limit")
        }
        name if name.starts_with("a deep value")
            || name.starts_with("a record in")
            || name.starts_with("a header") =>
        {
            Some("malformed")
        }
        _ => None,
    };
    let is_one = [
        "a line of 100 MB.jsonl",
        "a deep value.jsonl",
        "a deep value that is not read.jsonl",
        "a million keys.jsonl",
        "a picture that is all below its header.warc",
    ];
    (kind, u64::from(is_one.contains(&name)))
}

#[test]
fn bombs_cost_a_fault_and_no_memory() {
    let folder = crawl();
    let recipe = written(
        &folder,
        "all.yaml",
        "text:\n  - extract: [html, pdf, plain]\n  - keep:\n      long: text_char_count >= 20\n      words: text_word_count >= 2\n\
         image:\n  - keep: {large: image_width_px > 0}\n",
    );
    let run = |name: &str, file: &str| {
        let to = path(&folder, name);
        succeed(&["run", &recipe, "--read", file, "--to", &to, "--threads", "1"]);
        let log = fs::read_dir(format!("{to}/_gristmill/runs"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let log: Value = serde_json::from_slice(&fs::read(log.path()).unwrap()).unwrap();
        let manifest = manifest(&to);
        adds_up(&manifest);
        fs::remove_dir_all(&to).unwrap();
        let bytes = log["peak_memory_bytes"].as_u64().unwrap_or(0);
        (log["cpu_seconds"].as_f64().unwrap(), bytes, manifest)
    };
    let (_, anyhow, _) = run("crawl", &path(&folder, "crawl/demo-00000.warc.gz"));
    assert!(
        anyhow > 0 || !cfg!(target_os = "linux"),
        "the log tells the memory"
    );
    let mut wrong = Vec::new();
    for (name, bytes) in bombs() {
        let file = path(&folder, name);
        fs::write(&file, &bytes).unwrap();
        let (seconds, peak, manifest) = run("bomb", &file);
        let account = &manifest["account"];
        let extra = peak.saturating_sub(anyhow);
        eprintln!(
            "{name:46} {:>8} KiB  {seconds:6.2} s  {:>4} MiB above {}  read {}, kept {}, faults {}",
            bytes.len() >> 10,
            extra >> 20,
            anyhow >> 20,
            account["read"],
            account["kept"],
            account["faults"],
        );
        fs::remove_file(&file).unwrap();
        if extra > ROOM {
            wrong.push(format!("{name}: {} MiB", extra >> 20));
        }
        // Some hundred times what it takes.
        if seconds > 60.0 {
            wrong.push(format!("{name}: {seconds} s"));
        }
        let (kind, kept) = expected(name);
        let faults = account["faults"].as_object().unwrap();
        if account["kept"] != kept || kind.is_some_and(|kind| !faults.contains_key(kind)) {
            wrong.push(format!("{name}: kept {}, faults {faults:?}", account["kept"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
