//! Stores that fail: whatever call fails, before or after its effect, the same run again ends in the same bytes.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::kit::{crawl, path, python, succeed, text};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use gristmill::engine::{
    Error, Outcome, Overrides, Plan, Recipe, RunOptions, Runtime, StoreOptions, compile, progress,
    read_recipe, run,
};
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    memory::InMemory, path::Path,
};

/// When the call fails: before the store did anything, or behind it, so that only the answer is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    Before,
    After,
}

/// A store in memory that counts its calls and fails one of them.
#[derive(Debug)]
struct Faulty {
    inner: Arc<InMemory>,
    /// Of both stores.
    calls: Arc<AtomicU64>,
    fails: Option<(u64, Moment)>,
}

impl Faulty {
    fn over(
        inner: Arc<InMemory>,
        calls: &Arc<AtomicU64>,
        fails: Option<(u64, Moment)>,
    ) -> Arc<dyn ObjectStore> {
        Arc::new(Faulty {
            inner,
            calls: calls.clone(),
            fails,
        })
    }

    /// Counts a call; says when it fails, if it does.
    fn call(&self) -> Option<Moment> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        self.fails
            .filter(|(fails, _)| *fails == number)
            .map(|(_, moment)| moment)
    }

    async fn guarded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.call() {
            Some(Moment::Before) => Err(lost()),
            Some(Moment::After) => {
                let _ = work.await;
                Err(lost())
            }
            None => work.await,
        }
    }
}

fn lost() -> object_store::Error {
    object_store::Error::Generic {
        store: "faulty",
        source: std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the connection was reset").into(),
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.guarded(self.inner.put_opts(location, payload, options))
            .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.guarded(self.inner.put_multipart_opts(location, options))
            .await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match self.call() {
            Some(Moment::Before) => Err(lost()),
            // The body ends in the middle.
            Some(Moment::After) => {
                let found = self.inner.get_opts(location, options).await?;
                let (meta, range, attributes) =
                    (found.meta.clone(), found.range.clone(), found.attributes.clone());
                let bytes = found.bytes().await?;
                let half = bytes.slice(..bytes.len() / 2);
                Ok(GetResult {
                    payload: GetResultPayload::Stream(stream::iter([Ok(half), Err(lost())]).boxed()),
                    meta,
                    range,
                    attributes,
                })
            }
            None => self.inner.get_opts(location, options).await,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.guarded(self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.call() {
            Some(Moment::Before) => stream::iter([Err(lost())]).boxed(),
            Some(Moment::After) => {
                let deleted = self.inner.delete_stream(locations);
                deleted.map(|_| Err(lost())).boxed()
            }
            None => self.inner.delete_stream(locations),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.call() {
            Some(Moment::Before) => stream::iter([Err(lost())]).boxed(),
            Some(Moment::After) => self
                .inner
                .list(prefix)
                .take(1)
                .chain(stream::iter([Err(lost())]))
                .boxed(),
            None => self.inner.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.guarded(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.guarded(self.inner.copy_opts(from, to, options)).await
    }
}

const RECIPE: &str = "{recipe: 1, name: faults, read: [{uri: 's3://in/*.jsonl', format: jsonl, slice_bytes: 1KiB}], \
     text: [{extract: plain}, {keep: {long: text_char_count > 60}}, {dedup: {exact: text}}], \
     write: {uri: 's3://out/data', rejects: all}}";

/// Whether every call is tried, or a share of them: all take minutes in a development build.
fn step() -> u64 {
    match std::env::var("GRISTMILL_FAULTS").as_deref() {
        Ok("all") => 1,
        _ => 41,
    }
}

struct Job {
    recipe: Arc<Recipe>,
    plan: Arc<Plan>,
    registry: Arc<gristmill::engine::Registry>,
    runtime: Runtime,
    input: Arc<InMemory>,
}

impl Job {
    fn new() -> Self {
        let registry = gristmill::registry();
        let recipe = read_recipe("faults.yaml", RECIPE, &Overrides::default(), &registry).unwrap();
        let plan = compile("faults.yaml", &recipe, &registry).unwrap();
        let runtime = Runtime::new(1).unwrap();
        let input = Arc::new(InMemory::new());
        runtime.block_on(async {
            for file in 0..44_u32 {
                let lines = (0..9_u32).map(|line| {
                    // Some are short, and some are copies of those of other files.
                    let number = (file * 9 + line) % 300;
                    let text = format!(
                        "Document {number} says this, {}.",
                        "and this again ".repeat(number as usize % 9)
                    );
                    format!(
                        "{}\n",
                        serde_json::json!({ "id": format!("{file}-{line}"), "text": text })
                    )
                });
                let name = Path::from(format!("{file:03}.jsonl"));
                input.put(&name, lines.collect::<String>().into()).await.unwrap();
            }
        });
        Job {
            recipe: Arc::new(recipe),
            plan: Arc::new(plan),
            registry: Arc::new(registry),
            runtime,
            input,
        }
    }

    /// Runs once, on stores of which this call fails, counted over both; gives the calls that there were.
    fn run(
        &self,
        output: &Arc<InMemory>,
        fails: Option<(u64, Moment)>,
    ) -> (u64, std::result::Result<Outcome, Error>) {
        let calls = Arc::new(AtomicU64::new(0));
        let stores = [("s3://in", &self.input), ("s3://out", output)];
        let own = stores.map(|(root, store)| (root.to_owned(), Faulty::over(store.clone(), &calls, fails)));
        let options = RunOptions {
            stores: StoreOptions {
                own: own.into(),
                ..StoreOptions::default()
            },
            ..RunOptions::default()
        };
        let watched = progress(&self.plan);
        let outcome = run(
            &self.recipe,
            &self.plan,
            &self.registry,
            &self.runtime,
            &options,
            &watched,
            &|_| {},
        );
        (calls.load(Ordering::Relaxed), outcome)
    }

    fn tree(&self, output: &InMemory) -> BTreeMap<String, Bytes> {
        self.runtime.block_on(async {
            let all: Vec<ObjectMeta> = output.list(None).try_collect().await.unwrap();
            let mut tree = BTreeMap::new();
            for meta in all {
                let name = meta.location.to_string();
                if !name.contains("_gristmill/runs") {
                    tree.insert(
                        name,
                        output.get(&meta.location).await.unwrap().bytes().await.unwrap(),
                    );
                }
            }
            tree
        })
    }
}

#[test]
fn whatever_call_of_a_store_fails_the_same_run_again_ends_in_the_same_bytes() {
    let job = Job::new();
    let whole = Arc::new(InMemory::new());
    let (calls, outcome) = job.run(&whole, None);
    let Outcome::Complete { manifest, .. } = outcome.unwrap() else {
        panic!("a run without faults is complete");
    };
    assert_eq!(manifest.account.read, 44 * 9);
    assert!(
        manifest.rows() > 150 && manifest.rows() < 250,
        "{}",
        manifest.rows()
    );
    let expected = job.tree(&whole);
    let (mut stopped, mut tried) = (0, 0);
    for moment in [Moment::Before, Moment::After] {
        for call in (0..calls).step_by(step() as usize) {
            let output = Arc::new(InMemory::new());
            let (_, outcome) = job.run(&output, Some((call, moment)));
            tried += 1;
            match outcome {
                Ok(Outcome::Complete { .. }) => {}
                Ok(other) => panic!("call {call} {moment:?}: {other:?}"),
                Err(error) => {
                    stopped += 1;
                    let text = error.to_string();
                    assert_eq!(error.exit_code(), 75, "call {call} {moment:?}: {text}");
                    assert!(
                        text.contains("the connection was reset"),
                        "call {call} {moment:?}: {text}"
                    );
                }
            }
            let (_, outcome) = job.run(&output, None);
            assert!(
                matches!(outcome, Ok(Outcome::Complete { .. })),
                "call {call} {moment:?}: {outcome:?}"
            );
            let found = job.tree(&output);
            let names = |tree: &BTreeMap<String, Bytes>| tree.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&found), names(&expected), "call {call} {moment:?}");
            assert!(found == expected, "call {call} {moment:?}: other bytes");
        }
    }
    eprintln!("{calls} calls; {tried} runs with one that fails, of which {stopped} stopped");
    assert!(stopped > 0, "a call that fails before its effect stops a run");
}

/// How often something is done at random: more often where the variable says so.
fn rounds(usual: u32) -> String {
    std::env::var("GRISTMILL_ROUNDS").unwrap_or_else(|_| usual.to_string())
}

/// What `tests/storms.py` does to runs leaves no trace in what they write.
fn weather(what: &str, usual: u32) {
    let Some(mut python) = python(&format!("{what} of runs on S3")) else {
        return;
    };
    let folder = crawl();
    let whole = path(&folder, "whole");
    let arguments = ["--set", "read.0.slice_bytes=40KiB", "--set", "write.rejects=all"];
    let read = path(&folder, "crawl/*.warc.gz");
    let mut run = vec!["run", "recipes/web-text.yaml", "--to", &whole, "--read", &read];
    run.extend(arguments);
    succeed(&run);
    let output = python
        .args([
            "tests/storms.py",
            what,
            &rounds(usual),
            env!("CARGO_BIN_EXE_gristmill"),
        ])
        .args([&path(&folder, "crawl"), &whole])
        .args(arguments)
        .output()
        .unwrap();
    eprintln!("{}{}", text(&output.stderr), text(&output.stdout));
    assert!(output.status.success());
}

#[test]
fn a_network_that_fails_leaves_no_trace() {
    weather("network", 1);
}

#[test]
fn runs_on_s3_that_are_killed_go_on_to_the_same_bytes() {
    weather("kills", 3);
}

#[test]
fn two_runs_at_once_on_s3_end_in_one_dataset() {
    weather("drivers", 2);
}

#[test]
fn killed_runs_in_a_folder_go_on_to_the_same_bytes() {
    weather("kills-in-folder", 5);
}
