//! PDF: real files of public test suites, damaged ones, and files made to hurt.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use arrow_array::{Array, types::UInt32Type};
use gristmill_core::Extractor;
use gristmill_text::extract::pdf::Pdf;
use serde_json::Value;

use super::*;

/// Far more than any case needs on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// The longest text of a file: no more than its bytes unfold to.
const MOST: usize = 64 << 20;

struct Outcome {
    text: String,
    pages: Option<u32>,
    fault: Option<String>,
}

/// Extracts a file and checks what holds for all files.
fn check(content: &[u8], name: &str) -> Outcome {
    let inputs: Vec<ArrayRef> = vec![
        Arc::new(BinaryViewArray::from(vec![Some(content)])),
        Arc::new(StringViewArray::new_null(1)),
        Arc::new(StringViewArray::new_null(1)),
    ];
    let start = Instant::now();
    let documents = Pdf.extract(&inputs, &[]).unwrap();
    assert!(start.elapsed() < LONG, "{name} took {:?}", start.elapsed());
    let fault = documents.faults.iter().next().flatten().map(str::to_owned);
    assert!(
        !fault.as_ref().is_some_and(|fault| fault.starts_with("internal")),
        "{name}: {fault:?}"
    );
    let pages = documents.columns[5].as_primitive::<UInt32Type>();
    let text = documents.columns[0].as_string_view();
    assert_eq!(text.is_null(0), fault.is_some(), "{name}");
    assert_eq!(pages.is_null(0), fault.is_some(), "{name}");
    let text = text.iter().next().flatten().unwrap_or_default().to_owned();
    assert!(text.len() <= MOST, "{name}: {} bytes", text.len());
    let pages = pages.iter().next().flatten();
    if !text.is_empty() {
        assert_eq!(
            text.matches("\n\u{c}").count() as u32 + 1,
            pages.unwrap(),
            "{name}"
        );
    }
    Outcome { text, pages, fault }
}

fn made(name: &str) -> Outcome {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/pdf")
        .join(name);
    check(&std::fs::read(path).unwrap(), name)
}

#[test]
fn columns_are_read_one_after_the_other() {
    let Outcome { text, pages, .. } = made("columns.pdf");
    assert_eq!(pages, Some(2));
    assert!(
        text.starts_with("On Mills and the Order in Which They Are Read"),
        "{text}"
    );
    let marks: Vec<&str> = text
        .split_whitespace()
        .filter(|word| word.starts_with("Mark") || *word == "Abstract." || word.starts_with("stamp"))
        .collect();
    let expected = (1..=7).flat_map(|section| ["a", "b", "c"].map(|part| format!("Mark{section}{part}")));
    let mut expected: Vec<String> = std::iter::once("Abstract.".to_owned()).chain(expected).collect();
    // The stamp at the margin of the first page comes behind its columns.
    expected.insert(
        marks.iter().position(|word| word.starts_with("stamp")).unwrap(),
        "stamp:1234.5678".into(),
    );
    assert_eq!(marks, expected);
    assert!(text.contains("1\nstamp:1234.5678 [cs.MILL]\n\u{c}"), "{text}");
    // Paragraphs are lines.
    let lines = text.lines().filter(|line| line.starts_with("Mark"));
    assert!(
        lines.clone().count() == 21 && lines.into_iter().all(|line| line.len() > 150),
        "{text}"
    );
}

#[test]
fn tables_are_rows_and_lists_have_items() {
    let text = made("table.pdf").text;
    assert!(
        text.contains(
            "\nMill\tWheels\tStones\tOutput (t)\nUpper mill\t2\t4\t118.5\nLower mill\t1\t2\t61.0\nWind mill\t0\t2\t40.25\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("\n- The first point\n- The second point, "),
        "{text}"
    );
}

#[test]
fn scripts_and_directions_are_read() {
    assert_eq!(
        made("scripts.pdf").text,
        "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{6587}\u{7ae0}\u{3067}\u{3059}\u{3002}\n\
         \u{4e2d}\u{6587}\u{7684}\u{6587}\u{7ae0}\u{3002}\n\
         \u{7e26}\u{66f8}\u{304d}\u{306e}\u{4e00}\u{884c}\u{76ee}\n\u{7e26}\u{66f8}\u{304d}\u{306e}\u{4e8c}\u{884c}\u{76ee}\n\
         turned by 180 degrees\nturned by 45 degrees\nturned by 90 degrees\n\u{c}upright on a turned page"
    );
}

/// A file with these objects, numbered from 1; the first is the catalog.
fn file(objects: &[String]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj {object} endobj\n", index + 1).bytes());
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    out.extend(
        format!(
            "trailer <</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF",
            objects.len() + 1
        )
        .bytes(),
    );
    out
}

fn stream(dictionary: &str, content: &str) -> String {
    format!(
        "<<{dictionary}/Length {}>>stream\n{content}\nendstream",
        content.len()
    )
}

/// A page with this content, and further objects from number 5 on.
fn page(content: &str, resources: &str, more: &[String]) -> Vec<u8> {
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1\
             /BaseFont/Helvetica>>>>{resources}>>>>"
        ),
        stream("", content),
    ];
    objects.extend_from_slice(more);
    file(&objects)
}

#[test]
fn text_of_forms_is_drawn_where_they_are() {
    let form = stream(
        "/Type/XObject/Subtype/Form/BBox[0 0 100 100]/Matrix[1 0 0 1 0 100]",
        "BT /F 10 Tf 50 400 Td (above) Tj ET",
    );
    let content = "BT /F 10 Tf 50 300 Td (below) Tj ET /X Do";
    assert_eq!(
        check(&page(content, "/XObject<</X 5 0 R>>", &[form]), "form").text,
        "above\nbelow"
    );
}

#[test]
fn replaced_and_hidden_text() {
    let replaced =
        "BT /F 10 Tf 50 300 Td (a) Tj /Span<</ActualText<FEFF00660069>>>BDC (\\256) Tj (x) Tj EMC (n) Tj ET";
    assert_eq!(check(&page(replaced, "", &[]), "replaced").text, "afin");
    let invisible = "BT 3 Tr /F 10 Tf 50 300 Td (scanned) Tj ET";
    assert_eq!(check(&page(invisible, "", &[]), "invisible").text, "scanned");
    let layers = "/OC /L BDC BT /F 10 Tf 50 300 Td (off) Tj ET EMC BT /F 10 Tf 50 200 Td (on) Tj ET";
    let mut objects = page(layers, "/Properties<</L 5 0 R>>", &["<</Type/OCG>>".to_owned()]);
    assert_eq!(check(&objects, "layer that is on").text, "off\non");
    let at = objects.windows(8).position(|part| part == b"/Catalog").unwrap() + 8;
    objects.splice(at..at, *b"/OCProperties<</OCGs[5 0 R]/D<</OFF[5 0 R]>>>>");
    assert_eq!(check(&objects, "layer that is off").text, "on");
}

#[test]
fn pages_without_text_give_an_empty_text() {
    let outcome = check(&page("0 0 m 10 10 l S", "", &[]), "drawing");
    assert_eq!(
        (outcome.text.as_str(), outcome.pages, outcome.fault),
        ("", Some(1), None)
    );
}

#[test]
fn what_is_no_pdf_is_malformed_or_truncated() {
    assert!(check(b"", "empty").fault.unwrap().starts_with("truncated"));
    assert!(
        check(b"%PDF-1.4\n%%EOF", "bare")
            .fault
            .unwrap()
            .starts_with("malformed")
    );
}

#[test]
fn bad_programs_end_soon() {
    let deep = |open: &str, close: &str| {
        let nested = format!("{}{}", open.repeat(20_000), close.repeat(20_000));
        check(&page(&nested, "", &[]), "deep content");
        check(
            &page("", "/X 5 0 R", std::slice::from_ref(&nested)),
            "deep object",
        );
        check(nested.as_bytes(), "deep file");
    };
    deep("[", "]");
    deep("<</a ", ">>");
    deep("<<", ">>");
    deep("(", ")");
    deep("q ", "Q ");
    deep("/a BMC ", "EMC ");
    deep("1 0 obj ", "");
    deep("BI ID ", "");
    check(&page(&"BT (a) Tj ".repeat(50_000), "", &[]), "text without font");
    check(
        &page(
            &"/F 1e30 Tf (a) Tj 1e300 0 0 1e300 0 0 cm ".repeat(10_000),
            "",
            &[],
        ),
        "huge numbers",
    );
    check(
        &page(&format!("/F 9 Tf {}", "(abc) Tj 0 0 Td ".repeat(50_000)), "", &[]),
        "one place",
    );
    check(
        &page(&format!("/F 9 Tf [{}] TJ", "(a) -3000 ".repeat(50_000)), "", &[]),
        "long array",
    );
    let steps = format!("/F 1 Tf 0 800 Td {}", "(ab cd) Tj 3 -.01 Td ".repeat(100_000));
    check(&page(&steps, "", &[]), "stairs");
}

#[test]
fn forms_that_draw_forms_end_soon() {
    let mut forms: Vec<String> = (5..30)
        .map(|number| {
            let dictionary = format!("/Subtype/Form/Resources<</XObject<</X {} 0 R>>>>", number + 1);
            stream(&dictionary, &"/X Do /F 9 Tf (a) Tj ".repeat(20))
        })
        .collect();
    forms.push(stream("/Subtype/Form/Resources<</XObject<</X 5 0 R>>>>", "/X Do"));
    check(&page("/X Do", "/XObject<</X 5 0 R>>", &forms), "forms");
    let own = stream("/Subtype/Form/Resources<</XObject<</X 5 0 R>>>>", "/X Do /X Do");
    check(&page("/X Do", "/XObject<</X 5 0 R>>", &[own]), "form of itself");
}

#[test]
fn page_trees_that_do_not_end_end_soon() {
    let catalog = "<</Type/Catalog/Pages 2 0 R>>".to_owned();
    check(
        &file(&[catalog.clone(), "<</Type/Pages/Kids[2 0 R 2 0 R]>>".to_owned()]),
        "own kid",
    );
    let kids = "<</Type/Page>>".repeat(100_000);
    check(
        &file(&[catalog.clone(), format!("<</Type/Pages/Kids[{kids}]>>")]),
        "many pages",
    );
    let chain: Vec<String> = std::iter::once(catalog)
        .chain((2..20_000).map(|number| format!("<</Type/Pages/Kids[{} 0 R]>>", number + 1)))
        .collect();
    check(&file(&chain), "deep tree");
    let mut loops = b"%PDF-1.4\nxref\n0 0\ntrailer<</Prev 9/Root 1 0 R>>\nstartxref\n9\n%%EOF".to_vec();
    check(&loops, "table before itself");
    loops.extend(b"1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]>>".repeat(10_000));
    check(&loops, "many catalogs");
    check(&b"<<".repeat(100_000), "dictionaries");
    check(&b"<<(( ".repeat(100_000), "strings without ends");
    check(&b"1 0 obj <</A[".repeat(100_000), "arrays without ends");
    check(
        &b"1 0 obj<</Length 9>>stream\n".repeat(20_000),
        "streams without ends",
    );
    check(
        &b"1 0 obj<</Type/ObjStm/N 9/First 9/Length 9>>stream\n1 0 endstream\n".repeat(10_000),
        "object streams",
    );
}

/// The real files, or nothing and a line on stderr where there are no fixtures.
fn real() -> Vec<(Value, Vec<u8>)> {
    let root = std::env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    let folder = root.join("real");
    let Ok(manifest) = std::fs::read_to_string(folder.join("MANIFEST.jsonl")) else {
        eprintln!("skipped: no {}; set GRISTMILL_FIXTURES", folder.display());
        return Vec::new();
    };
    manifest
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["kind"] == "pdf")
        .map(|line| {
            let content = std::fs::read(folder.join(line["path"].as_str().unwrap())).unwrap();
            (line, content)
        })
        .collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn real_files_have_their_pages_and_words() {
    let files = real();
    let mut shares = Vec::new();
    for (line, content) in &files {
        let path = line["path"].as_str().unwrap();
        let expected = &line["expected"];
        let outcome = check(content, path);
        if let Some(fault) = &outcome.fault {
            assert_ne!(expected["valid"], true, "{path}: {fault}");
            continue;
        }
        if let Some(pages) = expected["pages"].as_u64() {
            assert_eq!(outcome.pages.unwrap() as u64, pages, "{path}");
        }
        if expected["valid"] != true || expected["text_words"].as_u64().unwrap_or(0) < 5 {
            continue;
        }
        // What poppler's pdftotext gives at the beginning.
        let mut found = words(&outcome.text);
        let head = words(expected["text_head"].as_str().unwrap());
        // The last word of the excerpt may be cut.
        let head = &head[..head.len() - 1];
        let both = head.iter().filter(|word| {
            let at = found.iter().position(|other| other == *word);
            at.map(|at| found.swap_remove(at)).is_some()
        });
        shares.push(both.count() as f64 / head.len().max(1) as f64);
    }
    if files.is_empty() {
        return;
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(
        mean >= FLOOR,
        "share of expected words is {mean:.4} in {} files",
        shares.len()
    );
}

/// A little below what it was when it was written.
const FLOOR: f64 = 0.95;

#[test]
fn cut_files_end_soon() {
    let mut files = real();
    files.sort_by_key(|(_, content)| content.len());
    for (line, content) in files
        .iter()
        .filter(|(_, content)| content.len() > 500)
        .step_by(11)
    {
        let path = line["path"].as_str().unwrap();
        let step = (content.len() / 150).max(1);
        for end in (0..content.len()).step_by(step) {
            check(&content[..end], &format!("{path} cut at {end}"));
        }
    }
    // Byte by byte, with a cross-reference table and all.
    let content = page("BT /F 10 Tf 50 300 Td [(one)-500(two)] TJ ET", "", &[]);
    for end in 0..content.len() {
        check(&content[..end], &format!("page cut at {end}"));
    }
}

#[test]
fn damaged_files_end_soon() {
    // xorshift: the same damage on every machine.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    const PIECES: [&[u8]; 8] = [
        b"<<",
        b">>",
        b"[",
        b"stream",
        b"endobj",
        b" 0 R",
        b"99999999",
        b"(",
    ];
    for (line, content) in real().iter().filter(|(_, content)| content.len() > 100) {
        for round in 0..3 {
            let mut content = content.clone();
            for _ in 0..10 {
                let at = random(content.len());
                match random(3) {
                    0 => content[at] ^= 1 << random(8),
                    1 => drop(content.splice(at..at, PIECES[random(PIECES.len())].iter().copied())),
                    _ => drop(content.drain(at..(at + random(20)).min(content.len()))),
                }
            }
            check(&content, &format!("{} damaged {round}", line["path"]));
        }
    }
}
