//! The engine with formats and signals made for the tests.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod split;

use std::{
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, UInt32Array};
use gristmill_core::{
    Accepts, Card, Column, Cost, Decontaminator, Documents, EvaluationItem, EvaluationSet, Extractor, Format,
    FormatCard, Object, ReadOptions, Record, RecordBatcher, Records, Result, Signal, columns,
};
use gristmill_engine::{
    Modality, Outcome, Overrides, Registry, RunOptions, Runtime, compile, progress, read_recipe, run,
};

/// Lines of a file, one record each; `!` at the start makes a fault.
struct Lines;

static LINES: FormatCard = FormatCard {
    name: "lines",
    about: "lines",
    extensions: &["txt"],
    compressions: &[],
    slicing: "not cut",
    source: "this test",
    version: 1,
};

struct LineRecords {
    batches: Vec<RecordBatch>,
}

impl Records for LineRecords {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        Ok(if self.batches.is_empty() {
            None
        } else {
            Some(self.batches.remove(0))
        })
    }
}

impl Format for Lines {
    fn card(&self) -> &'static FormatCard {
        &LINES
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        let bytes = object.read_at(range)?;
        let mut batcher = RecordBatcher::new(object.uri(), options);
        let mut batches = Vec::new();
        for (number, line) in bytes
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .enumerate()
        {
            let fault = line
                .starts_with(b"!")
                .then(|| gristmill_core::Fault::malformed("an exclamation mark"));
            let record = Record {
                offset: number as u64,
                record_type: "document",
                media_type: Some(if line.starts_with(b"#") {
                    "text/loud"
                } else {
                    "text/plain"
                }),
                content: Some(line),
                fault,
                ..Record::default()
            };
            batcher.push(&record);
            if batcher.is_full() {
                batches.extend(batcher.take(vec![])?);
            }
        }
        batches.extend(batcher.take(vec![])?);
        Ok(Box::new(LineRecords { batches }))
    }
}

struct Plain;

static PLAIN: Card = Card {
    name: "plain",
    about: "the content as text",
    inputs: &[columns::CONTENT],
    outputs: &[columns::TEXT],
    source: "this test",
    cost: Cost::Cheap,
    version: 1,
};

impl Extractor for Plain {
    fn card(&self) -> &'static Card {
        &PLAIN
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_text",
            types: &["text/plain"],
            except: &[],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        let texts = inputs[0]
            .as_binary_view()
            .iter()
            .map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
        let texts: StringViewArray = texts.collect();
        let faults = texts.iter().map(|text| {
            text.filter(|text| text.starts_with('?'))
                .map(|_| "malformed: a question mark")
        });
        let faults = faults.collect();
        Ok(Documents {
            columns: vec![Arc::new(texts)],
            faults,
        })
    }
}

/// Reads other records than [`Plain`], and gives a column more.
struct Loud;

static LOUD: Card = Card {
    name: "loud",
    about: "the content as text, and how loud it is",
    inputs: &[columns::CONTENT],
    outputs: &[columns::TEXT, Column::u32("text_loudness", "number signs")],
    source: "this test",
    cost: Cost::Cheap,
    version: 1,
};

impl Extractor for Loud {
    fn card(&self) -> &'static Card {
        &LOUD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_loud",
            types: &["text/loud"],
            except: &[],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        let signs = inputs[0]
            .as_binary_view()
            .iter()
            .map(|bytes| bytes.map(|bytes| bytes.iter().filter(|&&byte| byte == b'#').count() as u32));
        let signs: UInt32Array = signs.collect();
        let mut documents = Plain.extract(inputs, &[])?;
        documents.columns.push(Arc::new(signs));
        Ok(documents)
    }
}

/// Counts the rows that it measures, and panics on the text `panic`.
struct Length;

static LENGTH: Card = Card {
    name: "length",
    about: "bytes of the text",
    inputs: &[columns::TEXT],
    outputs: &[Column::u32("text_length", "bytes")],
    source: "this test",
    cost: Cost::Cheap,
    version: 1,
};
static MEASURED: AtomicUsize = AtomicUsize::new(0);

impl Signal for Length {
    fn card(&self) -> &'static Card {
        &LENGTH
    }

    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view();
        assert!(
            !texts.iter().flatten().any(|text| text == "panic"),
            "as the text says"
        );
        MEASURED.fetch_add(texts.len(), Ordering::SeqCst);
        Ok(vec![Arc::new(
            texts
                .iter()
                .map(|text| text.map(|text| text.len() as u32))
                .collect::<UInt32Array>(),
        )])
    }
}

/// Must never be computed: no rule names it.
struct Unwanted;

static UNWANTED: Card = Card {
    name: "unwanted",
    about: "nothing",
    inputs: &[columns::TEXT],
    outputs: &[Column::u32("text_unwanted", "nothing")],
    source: "this test",
    cost: Cost::Expensive,
    version: 1,
};

impl Signal for Unwanted {
    fn card(&self) -> &'static Card {
        &UNWANTED
    }

    fn compute(&self, _: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        panic!("nobody asked for this")
    }
}

impl Decontaminator for Unwanted {
    fn card(&self) -> &'static Card {
        &UNWANTED
    }

    fn signal(
        &self,
        _: &mut dyn Iterator<Item = EvaluationItem>,
        _: usize,
    ) -> Result<(&'static dyn Signal, Vec<EvaluationSet>)> {
        panic!("no recipe here has such a step")
    }
}

static FORMATS: &[&dyn Format] = &[&Lines];
static EXTRACTORS: &[&dyn Extractor] = &[&Plain, &Loud];
static MODALITIES: &[Modality] = &[Modality {
    name: "text",
    about: "lines",
    extractors: EXTRACTORS,
    implied: "plain",
}];
static SIGNALS: &[&dyn Signal] = &[&Length, &Unwanted];

fn registry() -> Arc<Registry> {
    Arc::new(Registry {
        formats: FORMATS,
        auto: &Lines,
        modalities: MODALITIES,
        page_images: &Plain,
        resource_key: |_| 0,
        edits: Vec::new(),
        splitters: vec![&split::Pieces],
        redactions: &[],
        signals: SIGNALS.to_vec(),
        models: &[],
        decontaminator: &Unwanted,
        methods: gristmill_dedup::METHODS,
        presets: Vec::new(),
    })
}

/// The counting signal is shared by the tests of this file.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn run_lines(folder: &Path, lines: &str, steps: &str) -> gristmill_shard::Manifest {
    std::fs::write(folder.join("lines.txt"), lines).unwrap();
    let source = format!("{{recipe: 1, name: test, text: {steps}, write: {{rejects: all}}}}");
    let overrides = Overrides {
        read: vec![folder.join("*.txt").display().to_string()],
        to: Some(folder.join("out").display().to_string()),
        ..Overrides::default()
    };
    let registry = registry();
    let recipe = Arc::new(read_recipe("test.yaml", &source, &overrides, &registry).unwrap());
    let plan = Arc::new(compile("test.yaml", &recipe, &registry).unwrap());
    let runtime = Runtime::new(2).unwrap();
    let options = RunOptions {
        batch_rows: 3,
        ..RunOptions::default()
    };
    let progress = progress(&plan);
    match run(&recipe, &plan, &registry, &runtime, &options, &progress, &|_| {}).unwrap() {
        Outcome::Complete { manifest, .. } => *manifest,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_computed_twice_and_nothing_that_nobody_asked_for() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    MEASURED.store(0, Ordering::SeqCst);
    let steps = "[{keep: {no_x: uri <> 'x'}}, {keep: {long: text_length > 2, not_too_long: text_length < 9}}, {keep: {again: text_length <> 4}}]";
    let manifest = run_lines(
        folder.path(),
        "aaa\nbbbb\nc\n!bad\nddddd\neeeeeeeeeeee\nfff\n",
        steps,
    );
    assert_eq!(
        MEASURED.load(Ordering::SeqCst),
        6,
        "six rows live, each measured once; the fault is not measured"
    );
    assert_eq!(
        (
            manifest.account.read,
            manifest.account.kept,
            manifest.account.faulty()
        ),
        (7, 3, 1)
    );
}

#[test]
fn a_rule_protects_the_signals_after_it() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    MEASURED.store(0, Ordering::SeqCst);
    let manifest = run_lines(
        folder.path(),
        "a\nb\nc\nd\n",
        "[{keep: {first: offset = 0}}, {keep: {any: text_length > 0}}]",
    );
    assert_eq!(MEASURED.load(Ordering::SeqCst), 1);
    assert_eq!(manifest.account.kept, 1);
}

#[test]
fn a_panic_is_a_fault_of_its_row() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manifest = run_lines(
        folder.path(),
        "fine\npanic\nalso fine\n",
        "[{keep: {any: text_length > 0}}]",
    );
    assert_eq!(manifest.account.kept, 2);
    assert_eq!(manifest.account.faults, [("internal".to_owned(), 1)].into());
}

#[test]
fn the_fault_of_an_extraction_outlives_a_panic_beside_it() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for steps in [
        "[{keep: {any: text_length > 0}}]",
        "[{dedup: {exact: text}}, {keep: {any: text_length > 0}}]",
    ] {
        let manifest = run_lines(folder.path(), "fine\n? what\npanic\n", steps);
        assert_eq!(manifest.account.kept, 1);
        let faults = [("internal".to_owned(), 1), ("malformed".to_owned(), 1)];
        assert_eq!(manifest.account.faults, faults.into());
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

#[test]
fn a_rule_that_cannot_be_computed_for_a_row_rejects_the_row() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manifest = run_lines(
        folder.path(),
        "aaa\nbb\ncccc\n",
        "[{keep: {ratio: 12 / (text_length - 2) > 0}}]",
    );
    assert_eq!((manifest.account.kept, manifest.account.rejected()), (2, 1));
}

#[test]
fn copies_leave_and_the_first_stays() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let steps = "[{dedup: {exact: text}}, {keep: {short: text_length < 4}}, {dedup: {exact: text}}]";
    let manifest = run_lines(folder.path(), "aa\nbbbbb\naa\naa\ncc\nbbbbb\n", steps);
    assert_eq!(
        (
            manifest.account.read,
            manifest.account.kept,
            manifest.account.rejected()
        ),
        (6, 2, 4)
    );
}

#[test]
fn each_record_is_read_by_the_first_extractor_that_accepts_it() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    for (steps, kept, rejected) in [
        (
            "[{extract: [plain, loud]}, {keep: {loud: text_loudness = 2 OR text = 'a'}}]",
            2,
            2,
        ),
        (
            "[{extract: [loud, plain]}, {keep: {all: text IS NOT NULL}}]",
            4,
            0,
        ),
        ("[{extract: plain}]", 2, 2),
        ("[{extract: [loud]}]", 2, 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let manifest = run_lines(folder.path(), "a\n##\n#\nb\n", steps);
        let account = &manifest.account;
        assert_eq!(
            (account.kept, account.rejected(), account.faulty()),
            (kept, rejected, 0),
            "{steps}"
        );
    }
}
