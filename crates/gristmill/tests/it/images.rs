//! Images, images with what pages say of them, and interleaved documents, over the demo's crawl.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs,
};

use serde_json::Value;

use crate::{
    crawled::{adds_up, manifest, no_trace_is_left, rows, run_over_crawl, written},
    kit::{assert_same_tree, crawl, path, python, succeed, text},
};

#[test]
fn images_get_what_pages_of_the_same_crawl_say_of_them() {
    let folder = crawl();
    let to = run_over_crawl(&folder, "recipes/web-images.yaml", "out", &[]);
    adds_up(&manifest(&to));
    let found = rows(
        &to,
        "SELECT url, text, image_caption, image_page_url, image_reference_count AS times FROM image",
    );
    assert!(found.len() >= 8, "{} images", found.len());
    for row in &found {
        assert!(!row["text"].as_str().unwrap().is_empty(), "{row}");
        assert!(row["times"].as_u64().unwrap() >= 1, "{row}");
        let site = |url: &Value| url.as_str().unwrap().split('/').nth(2).unwrap().to_owned();
        assert_eq!(site(&row["url"]), site(&row["image_page_url"]), "{row}");
        assert!(row["image_caption"].as_str().unwrap().ends_with('.'), "{row}");
    }
    let verdicts: BTreeMap<String, u64> =
        rows(&to, "SELECT verdict, count(*) AS n FROM rejects GROUP BY verdict")
            .iter()
            .map(|row| {
                (
                    row["verdict"].as_str().unwrap().to_owned(),
                    row["n"].as_u64().unwrap(),
                )
            })
            .collect();
    // Icons are too small, one picture was cut short, one file is on every site, and so is a scene in several sizes.
    assert_eq!(verdicts["min_side"], 16, "{verdicts:?}");
    assert_eq!(verdicts["is_whole"], 1, "{verdicts:?}");
    assert_eq!(verdicts["unique_image"], 7, "{verdicts:?}");
    assert_eq!(verdicts["unique_pdq"], 7, "{verdicts:?}");
}

#[test]
fn interleaved_documents_are_aligned_and_hold_the_bytes_of_the_crawl() {
    let folder = crawl();
    let recipe = written(
        &folder,
        "interleaved.yaml",
        "interleaved:\n  - resolve: crawl\n  - nodes:\n      image:\n        - use: obelics_images\nimage:\n  - keep: {any: image_width_px > 0}\n",
    );
    let to = run_over_crawl(&folder, &recipe, "out", &[]);
    adds_up(&manifest(&to));
    let images: BTreeMap<String, Value> = rows(&to, "SELECT url, image['bytes'] AS bytes FROM image")
        .into_iter()
        .map(|row| (row["url"].as_str().unwrap().to_owned(), row["bytes"].clone()))
        .collect();
    let documents = rows(
        &to,
        "SELECT url, texts, images, metadata, rejected_nodes FROM interleaved",
    );
    let (mut held, mut left) = (0, 0);
    for document in &documents {
        let (texts, pictures) = (
            document["texts"].as_array().unwrap(),
            document["images"].as_array().unwrap(),
        );
        let metadata: Vec<Value> = serde_json::from_str(document["metadata"].as_str().unwrap()).unwrap();
        assert_eq!((texts.len(), metadata.len()), (pictures.len(), pictures.len()));
        for ((text, picture), told) in texts.iter().zip(pictures).zip(&metadata) {
            assert!(text.is_null() != picture.is_null(), "{document}");
            assert_eq!(picture.is_null(), told.is_null());
            if !picture.is_null() {
                let src = told["src"].as_str().unwrap();
                assert_eq!(picture["bytes"], images[src], "{src}");
                held += 1;
            }
        }
        let rejected: Vec<Value> =
            serde_json::from_str(document["rejected_nodes"].as_str().unwrap()).unwrap();
        for node in &rejected {
            assert!(
                ["min_side", "aspect_ratio"].contains(&node["verdict"].as_str().unwrap()),
                "{node}"
            );
            left += 1;
        }
    }
    assert!(held >= 30, "{held} images in documents");
    assert!(left >= 8, "{left} nodes left");
}

#[test]
fn rows_of_interleaved_documents_are_their_pieces_in_order() {
    let folder = crawl();
    let steps = "interleaved:\n  - resolve: crawl\n  - nodes:\n      image:\n        - use: obelics_images\n";
    let whole = run_over_crawl(&folder, &written(&folder, "whole.yaml", steps), "whole", &[]);
    let steps = format!("{steps}  - split: rows\n");
    let split = run_over_crawl(&folder, &written(&folder, "rows.yaml", &steps), "rows", &[]);
    adds_up(&manifest(&split));
    let documents = rows(
        &whole,
        "SELECT id, texts, images, metadata, general_metadata, references FROM interleaved",
    );
    let pieces = rows(&split, "SELECT * FROM interleaved ORDER BY uri, offset, part");
    let json = |value: &Value| serde_json::from_str::<Value>(value.as_str().unwrap()).unwrap();
    let mut by_document: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for piece in &pieces {
        assert!(piece.get("texts").is_none(), "a piece does not hold the whole");
        assert_eq!(piece["sample_id"], piece["parent_id"]);
        by_document
            .entry(piece["sample_id"].as_str().unwrap())
            .or_default()
            .push(piece);
    }
    assert_eq!(by_document.len(), documents.len());
    let mut missing = 0;
    for document in &documents {
        let own = &by_document[document["id"].as_str().unwrap()];
        for (position, piece) in (-1..).zip(own) {
            assert_eq!(piece["position"], position);
        }
        assert_eq!(own[0]["modality"], "metadata");
        assert_eq!(own[0]["text_content"], document["general_metadata"]);
        let of = |kind: &str| {
            own.iter()
                .filter(|piece| piece["modality"] == kind)
                .collect::<Vec<_>>()
        };
        let present = |list: &Value| -> Vec<Value> {
            let items = list.as_array().unwrap().iter();
            items.filter(|item| !item.is_null()).cloned().collect()
        };
        let texts: Vec<Value> = of("text")
            .iter()
            .map(|piece| piece["text_content"].clone())
            .collect();
        assert_eq!(texts, present(&document["texts"]));
        let images: Vec<_> = of("image")
            .into_iter()
            .filter(|piece| piece["materialize_error"].is_null())
            .collect();
        let bytes: Vec<Value> = images
            .iter()
            .map(|piece| piece["binary_content"].clone())
            .collect();
        let held: Vec<Value> = present(&document["images"])
            .iter()
            .map(|image| image["bytes"].clone())
            .collect();
        assert_eq!(bytes, held);
        for image in images {
            let source = json(&image["source_ref"]);
            assert!(source["path"].as_str().unwrap().ends_with(".warc.gz"), "{source}");
            assert!(
                source["byte_offset"].is_u64()
                    && image["content_type"].as_str().unwrap().starts_with("image/")
            );
        }
        let references = json(&document["references"]);
        missing += references.as_array().unwrap().len();
    }
    let told = pieces
        .iter()
        .filter(|piece| !piece["materialize_error"].is_null())
        .count();
    assert_eq!(told, missing);
}

/// Two chains give what each gives alone.
fn compare_with_both(text: &str, image: &str) {
    let folder = crawl();
    let run = |name: &str, steps: &str| {
        let recipe = written(&folder, &format!("{name}.yaml"), steps);
        run_over_crawl(&folder, &recipe, name, &[])
    };
    let both = run("both", &format!("{text}{image}"));
    adds_up(&manifest(&both));
    for (modality, steps) in [("text", text), ("image", image)] {
        let alone = run(modality, steps);
        assert_same_tree(
            &format!("{alone}/data/{modality}"),
            &format!("{both}/data/{modality}"),
        );
    }
}

#[test]
fn a_chain_gives_the_same_shards_alone_and_beside_others() {
    compare_with_both(
        "text:\n  - extract: html\n  - keep: {long: text_word_count >= 50}\n  - dedup: {exact: text}\n",
        "image:\n  - keep: {min_side: image_width_px >= 100}\n  - dedup: {pdq: {}}\n",
    );
}

/// Where nothing is compared, shards are written of the rows that were read, rejected ones among them.
#[test]
fn a_chain_without_dedup_gives_the_same_shards_alone_and_beside_others() {
    compare_with_both(
        "text:\n  - extract: html\n  - keep: {long: text_word_count >= 50}\n",
        "image:\n  - keep: {min_side: image_width_px >= 100}\n",
    );
}

#[test]
fn threads_slices_and_kills_leave_no_trace_in_images_and_documents() {
    no_trace_is_left(
        "image:\n  - keep: {min_side: image_width_px >= 20}\n  - dedup: {pdq: {}}\n  - context: pages\n\
         interleaved:\n  - dedup: {exact: text}\n  - resolve: crawl\n  - nodes: {image: [{use: obelics_images}, {keep: {whole: NOT image_is_truncated}}]}\n",
    );
}

#[test]
fn other_readers_decode_images_and_documents() {
    let Some(mut python) = python("readers of images") else {
        return;
    };
    let folder = crawl();
    let steps = "image:\n  - keep: {min_side: image_width_px >= 20}\n  - context: pages\n\
                 interleaved:\n  - resolve: crawl\n  - nodes: {image: [{use: obelics_images}, {keep: {whole: NOT image_is_truncated}}]}\n";
    let to = run_over_crawl(&folder, &written(&folder, "all.yaml", steps), "out", &[]);
    let (files, shards) = (path(&folder, "files"), path(&folder, "shards"));
    succeed(&["export", &to, "--modality", "image", "--to", &files]);
    succeed(&[
        "export",
        &to,
        "--modality",
        "image",
        "--form",
        "webdataset",
        "--samples",
        "9",
        "--to",
        &shards,
    ]);
    let output = python
        .args(["tests/media.py", &to, &path(&folder, "crawl"), &files, &shards])
        .env("HF_HOME", path(&folder, "hf"))
        .output()
        .unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
}

/// A file of tar with these members.
fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, content) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        file.extend(header);
        file.extend(content);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file.resize(file.len() + 1024, 0);
    file
}

/// A picture of this size, whose look depends on the seed.
fn picture(seed: u32, width: u32, height: u32) -> Vec<u8> {
    use gristmill_image::{
        Channels, Picture,
        edit::{Encode, Encoding},
    };
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wave = ((x * (seed % 7 + 1) + y * (seed % 5 + 1)) / 9 % 2) * 120;
            pixels.extend([
                wave as u8 + (state >> 27) as u8,
                (x * 255 / width) as u8,
                (y * 255 / height) as u8,
            ]);
        }
    }
    let picture = Picture {
        width,
        height,
        channels: Channels::Rgb,
        pixels,
    };
    let encode = Encode::new(Encoding::Jpeg { quality: 90 });
    encode.encode(picture).unwrap()
}

#[test]
fn captions_of_a_webdataset_walk_with_their_images() {
    let folder = tempfile::tempdir().unwrap();
    let captions = [
        "The old harbour with its boats in the morning light of spring",
        "A dog runs over the wide green field behind the house",
        "x",
        "Ein alter Hafen mit vielen Booten und Menschen am frühen Morgen",
    ];
    let mut members = Vec::new();
    for (number, caption) in captions.iter().enumerate() {
        let key = format!("part/{number:06}");
        members.push((format!("{key}.jpg"), picture(number as u32, 600, 400)));
        members.push((format!("{key}.txt"), caption.as_bytes().to_vec()));
        members.push((
            format!("{key}.json"),
            format!("{{\"similarity\": 0.{number}}}").into_bytes(),
        ));
    }
    members.push(("part/000004.jpg".into(), picture(9, 90, 90)));
    members.push(("part/000004.txt".into(), captions[0].into()));
    fs::write(folder.path().join("pairs.tar"), tar(&members)).unwrap();
    let to = path(&folder, "out");
    succeed(&[
        "run",
        "recipes/image-pairs.yaml",
        "--read",
        &path(&folder, "pairs.tar"),
        "--to",
        &to,
        "--set",
        "read.0.columns.similarity=f64",
        "--set",
        "write.rejects=all",
        "--set",
        "image.2.keep.has_detail=image_entropy >= 1",
    ]);
    adds_up(&manifest(&to));
    let kept = rows(
        &to,
        "SELECT text, similarity, image_width_px AS w, image_height_px AS h, image['path'] AS p FROM image ORDER BY similarity",
    );
    let told: Vec<_> = kept.iter().map(|row| row["text"].as_str().unwrap()).collect();
    assert_eq!(told, &captions[..2]);
    // 600 × 400 is smaller than 512 on the shorter side, so the files stay.
    assert_eq!(
        (&kept[1]["similarity"], &kept[1]["w"], &kept[1]["h"]),
        (&0.1.into(), &600.into(), &400.into())
    );
    let left = rows(
        &to,
        "SELECT verdict, count(*) AS n FROM rejects GROUP BY verdict ORDER BY verdict",
    );
    let left: Vec<_> = left
        .iter()
        .map(|row| (row["verdict"].as_str().unwrap(), row["n"].as_u64().unwrap()))
        .collect();
    assert_eq!(left, [("english", 2), ("min_side", 1)]);
}

#[test]
fn a_table_names_the_images_beside_it_and_edits_write_them_anew() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("a.jpg", &picture(1, 640, 320));
    write("b.jpg", &picture(2, 200, 100));
    write("metadata.csv", b"file_name,caption\na.jpg,a wide picture\nb.jpg,\"a small, wide picture\"\nc.jpg,one that is gone\n../a.jpg,one outside\n");
    let recipe = path(&folder, "recipe.yaml");
    let steps = "recipe: 1\nname: test\nread:\n  - {uri: unset, content: file_name, encoding: path, caption: caption}\n\
                 image:\n  - edit: {resize: {size: 160, only_if_bigger: \"true\", format: webp, quality: 80}}\n  - keep: {sharp: image_blur >= 0}\n";
    fs::write(&recipe, steps).unwrap();
    let to = path(&folder, "out");
    let read = path(&folder, "metadata.csv");
    succeed(&[
        "run",
        &recipe,
        "--read",
        &read,
        "--to",
        &to,
        "--set",
        "write.rejects=all",
    ]);
    adds_up(&manifest(&to));
    let kept = rows(
        &to,
        "SELECT text, image_format AS f, image_width_px AS w, image_height_px AS h, image_byte_count AS n, image['bytes'] AS b FROM image ORDER BY text",
    );
    for (row, (caption, width, height)) in kept
        .iter()
        .zip([("a small, wide picture", 200, 100), ("a wide picture", 320, 160)])
    {
        assert_eq!(row["text"], caption);
        assert_eq!(
            (&row["f"], &row["w"], &row["h"]),
            (&"webp".into(), &width.into(), &height.into())
        );
        // Two hexadecimal digits a byte; the file is the one that its columns tell of.
        let file = row["b"].as_str().unwrap();
        assert_eq!(file.len() as u64 / 2, row["n"].as_u64().unwrap());
        assert!(file.starts_with("52494646"), "{row}");
    }
    assert_eq!(kept.len(), 2);
    let faults = rows(&to, "SELECT fault FROM rejects ORDER BY fault");
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn images_of_a_second_crawl_are_compared_with_the_index_of_the_first() {
    let folder = crawl();
    let recipe = |name: &str, index: &str| {
        let index = path(&folder, index);
        let steps = format!(
            "image:\n  - dedup: {{pdq: {{index: {index}}}}}\n  - dedup: {{phash: {{distance: 4}}}}\n"
        );
        written(&folder, name, &steps)
    };
    let run = |recipe: &str, read: &str, to: &str| {
        let (read, to) = (path(&folder, read), path(&folder, to));
        succeed(&["run", recipe, "--read", &read, "--to", &to]);
        let kept = rows(&to, "SELECT url FROM image");
        // Which copy is kept of what is on every site differs: what is known comes first.
        let told = kept.iter().map(|row| {
            let url = row["url"].as_str().unwrap();
            let (_, name) = url.rsplit_once('/').unwrap();
            (if ["1.jpg", "2.jpg"].contains(&name) {
                name
            } else {
                url
            })
            .to_owned()
        });
        told.collect::<Vec<_>>()
    };
    let (both, halves) = (recipe("both.yaml", "index-both"), recipe("halves.yaml", "index"));
    let mut together = run(&both, "crawl/*.warc.gz", "both");
    let first = run(&halves, "crawl/demo-00000.warc.gz", "first");
    let second = run(&halves, "crawl/demo-00001.warc.gz", "second");
    // What is on every site is kept of the first crawl alone.
    for copy in ["1.jpg", "2.jpg"] {
        assert!(first.iter().any(|name| name == copy), "{first:?}");
        assert!(second.iter().all(|name| name != copy), "{second:?}");
    }
    let mut apart = [first, second].concat();
    apart.sort();
    together.sort();
    assert_eq!(apart, together);
}

/// A WARC response.
fn response(url: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let mut http = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    http.extend(body);
    let mut record = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:x:{url}>\r\nWARC-Date: 2024-03-01T12:00:00Z\r\n\
         WARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n",
        http.len()
    )
    .into_bytes();
    record.extend(http);
    record.extend(b"\r\n\r\n");
    record
}

#[test]
fn documents_of_real_pages_hold_the_images_that_the_pages_show() {
    let Some(fixtures) = crate::kit::fixtures("interleaved documents of real pages") else {
        return;
    };
    let mut pages: Vec<_> = fs::read_dir(fixtures.join("extraction/pages"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    let mut pictures: Vec<Vec<u8>> = Vec::new();
    for kind in ["jpg", "png", "webp", "gif"] {
        let mut files: Vec<_> = fs::read_dir(fixtures.join("real/image").join(kind))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        pictures.extend(
            files
                .iter()
                .map(|file| fs::read(file).unwrap())
                .filter(|file| file.len() < 40_000)
                .take(12),
        );
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("crawl")).unwrap();
    let mut files = [Vec::new(), Vec::new()];
    let mut payloads: BTreeMap<u128, Vec<u8>> = BTreeMap::new();
    for (number, page) in pages.iter().step_by(12).enumerate() {
        let mut html = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(fs::File::open(page).unwrap()),
            &mut html,
        )
        .unwrap();
        let url = format!("https://site-{number}.example/page");
        let images = gristmill_text::extract::image_references::image_references(
            &html,
            None,
            Some(&url),
            &Default::default(),
        );
        files[number % 2].extend(response(&url, "text/html", &html));
        for media in images.unwrap_or_default().into_iter().take(20) {
            let picture = &pictures[payloads.len() % pictures.len()];
            // Addresses that only differ in their scheme are one.
            let key = gristmill_text::resource_key(&media.src);
            if let Entry::Vacant(vacant) = payloads.entry(key) {
                // Pages and their images are in different files.
                files[(number + key as usize) % 2].extend(response(&media.src, "image/jpeg", picture));
                vacant.insert(picture.clone());
            }
        }
    }
    for (name, bytes) in ["a.warc", "b.warc"].iter().zip(&files) {
        fs::write(folder.path().join("crawl").join(name), bytes).unwrap();
    }
    let recipe = written(
        &folder,
        "recipe.yaml",
        "interleaved:\n  - resolve: crawl\n  - nodes: {image: [{keep: {any: image_width_px > 0}}]}\n",
    );
    let (read, to) = (path(&folder, "crawl/*.warc"), path(&folder, "out"));
    succeed(&[
        "run",
        &recipe,
        "--read",
        &read,
        "--to",
        &to,
        "--set",
        "read.0.slice_bytes=2MiB",
    ]);
    adds_up(&manifest(&to));
    let (mut documents, mut held, mut left) = (0, 0, 0);
    for document in rows(
        &to,
        "SELECT texts, images, metadata, rejected_nodes FROM interleaved",
    ) {
        let (texts, pictures) = (
            document["texts"].as_array().unwrap(),
            document["images"].as_array().unwrap(),
        );
        let metadata: Vec<Value> = serde_json::from_str(document["metadata"].as_str().unwrap()).unwrap();
        assert_eq!((texts.len(), metadata.len()), (pictures.len(), pictures.len()));
        for ((text, picture), told) in texts.iter().zip(pictures).zip(&metadata) {
            assert!(text.is_null() != picture.is_null());
            if let Some(hex) = picture["bytes"].as_str() {
                let payload = &payloads[&gristmill_text::resource_key(told["src"].as_str().unwrap())];
                let digits: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
                assert!(digits == hex, "{} holds other bytes", told["src"]);
                held += 1;
            }
        }
        let rejected: Vec<Value> =
            serde_json::from_str(document["rejected_nodes"].as_str().unwrap()).unwrap();
        // Some of the files are damaged on purpose.
        assert!(
            rejected.iter().all(|node| node["verdict"] == "fault"),
            "{rejected:?}"
        );
        left += rejected.len();
        documents += 1;
    }
    println!("{documents} documents of real pages hold {held} images; {left} could not be decoded");
    assert!(
        documents > 80 && held > 200,
        "{documents} documents, {held} images"
    );
}
