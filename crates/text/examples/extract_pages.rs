//! Extracts a folder of gzipped pages: `<id>.html.gz` in, one `{"id", "text", …}` a line out.
//!
//! usage: extract_pages PAGES_FOLDER [URLS.tsv] > out.jsonl — CPU seconds of extraction alone go to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, missing_docs)]

use std::{collections::HashMap, fs, io::Read, sync::Arc, time::Duration};

use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray};
use gristmill_text::EXTRACTORS;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let extractor = EXTRACTORS
        .iter()
        .find(|extractor| extractor.card().name == "html")
        .unwrap();
    let urls: HashMap<String, String> = arguments.get(1).map_or_else(HashMap::new, |path| {
        let lines = fs::read_to_string(path).unwrap();
        lines
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(id, url)| (id.to_owned(), url.to_owned()))
            .collect()
    });
    let mut paths: Vec<_> = fs::read_dir(&arguments[0])
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let (mut bytes, mut spent) = (0, Duration::ZERO);
    for path in &paths {
        let id = path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .split('.')
            .next()
            .unwrap();
        let mut html = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
            .read_to_end(&mut html)
            .unwrap();
        let inputs: Vec<ArrayRef> = vec![
            Arc::new(BinaryViewArray::from(vec![Some(html.as_slice())])),
            Arc::new(StringViewArray::from(vec![None::<&str>])),
            Arc::new(StringViewArray::from(vec![urls.get(id).map(String::as_str)])),
        ];
        let before = cpu_time();
        let documents = extractor.extract(&inputs, &[]).unwrap();
        spent += cpu_time() - before;
        bytes += html.len();
        let mut line = serde_json::Map::from_iter([("id".to_owned(), id.into())]);
        for (column, values) in extractor.card().outputs.iter().zip(&documents.columns) {
            let values = values.as_string_view();
            if values.is_valid(0) {
                line.insert(column.name.to_owned(), values.value(0).into());
            }
        }
        println!("{}", serde_json::Value::Object(line));
    }
    let (pages, seconds) = (paths.len() as f64, spent.as_secs_f64());
    eprintln!(
        "{pages} pages of {:.0} kB in {seconds:.2} s of CPU: {:.0} pages/s, {:.1} MiB/s",
        bytes as f64 / pages / 1e3,
        pages / seconds,
        bytes as f64 / seconds / f64::from(1 << 20)
    );
}

/// The CPU time of this process, to the nanosecond.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}
