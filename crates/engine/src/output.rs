//! A finished output: its manifest, its rows as SQL tables, and why a row is or is not in it.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, RecordBatch},
        datatypes::{DataType, Field, Schema, SchemaRef},
        util::display::{ArrayFormatter, FormatOptions},
    },
    prelude::{DataFrame, Expr, SessionConfig, SessionContext, col, lit},
};
use futures::TryStreamExt;
use gristmill_shard::{Finding, Manifest, RejectMode, ShardEntry, ShardTable, Store, layout, register_store};

use crate::{
    Error, Result, Runtime, StoreOptions, address::open_output, plan::DOCUMENT_RULE, recipe::NOT_CONTAMINATED,
};

/// The table of rejected rows.
const REJECTS: &str = "rejects";
/// The table of the members of dedup clusters.
const CLUSTERS: &str = "clusters";

/// A published dataset.
pub struct Output {
    store: Store,
    manifest: Manifest,
    session: SessionContext,
}

/// What is known of an id or url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// `kept`, `fault`, or the name of the rule.
    pub verdict: String,
    /// Every known value of the row, as `(column, value)`; long ones are cut.
    pub values: Vec<(String, String)>,
}

/// A document's place in a dedup cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterOf {
    /// The dedup step.
    pub step: String,
    /// The id of the document that is kept of it, by which the cluster is called.
    pub kept: String,
    /// The document's rank, 0 for the one that is kept.
    pub rank: u32,
    /// Documents in the cluster.
    pub size: u32,
    /// The measured similarity of the document and the one that is kept.
    pub similarity: Option<f64>,
    /// The ids of some documents of the cluster.
    pub members: Vec<String>,
}

/// A document that holds an item of an evaluation set.
#[derive(Debug, Clone, PartialEq)]
pub struct Contaminated {
    /// The document.
    pub id: String,
    /// The item.
    pub item: String,
    /// The weighted share of the item that it holds.
    pub score: f64,
    /// Where: bytes of its text, as `start-end`, joined by commas.
    pub spans: String,
    /// What stands there; long ones are cut.
    pub found: String,
    /// Whether it is in the dataset all the same.
    pub is_kept: bool,
}

/// Ids of a cluster that are told.
const OTHERS: usize = 10;

impl Why {
    /// The value of a column.
    pub fn value(&self, column: &str) -> Option<&str> {
        let found = self.values.iter().find(|(name, _)| name == column)?;
        Some(&found.1)
    }
}

impl Output {
    /// Opens the output at an address.
    ///
    /// # Errors
    /// When there is no manifest.
    pub fn open(uri: &str, stores: &StoreOptions, runtime: &Runtime) -> Result<Self> {
        let store = open_output(uri, stores, runtime.io())?;
        runtime.block_on(async {
            let Some(bytes) = store.get(layout::MANIFEST).await? else {
                let hint = if store.get(layout::PLAN).await?.is_some() {
                    "a run began there and did not end, or an expectation did not hold; the same command again goes on"
                } else {
                    "nothing was published there"
                };
                return Err(Error::Input(format!("{} has no manifest: {hint}", store.uri())));
            };
            let manifest = Manifest::from_json(&bytes)?;
            let config = SessionConfig::new()
                .set_bool("datafusion.optimizer.enable_leaf_expression_pushdown", false)
                .set_bool("datafusion.execution.parquet.pushdown_filters", true)
                .set_bool("datafusion.execution.parquet.bloom_filter_on_read", true);
            let session = SessionContext::new_with_config(config);
            register_store(&session, &store);
            let output = Output {
                store,
                manifest,
                session,
            };
            for (modality, shards) in &output.manifest.shards {
                output.register(modality, shards).await?;
            }
            output.register(REJECTS, &output.manifest.rejects).await?;
            output.register(CLUSTERS, &output.cluster_files()).await?;
            Ok(output)
        })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Files of the manifest as a table of this name.
    async fn register(&self, name: &str, files: &[ShardEntry]) -> Result<()> {
        let table = if !files.is_empty() {
            ShardTable::open(&self.session, &self.store, files).await?
        } else if ![REJECTS, CLUSTERS].contains(&name) {
            ShardTable::new(&self.store, [], self.written_schema(name))
        } else {
            return Ok(());
        };
        self.session.register_table(name, Arc::new(table))?;
        Ok(())
    }

    /// The columns of a modality, of which no shards are there when nothing was kept.
    fn written_schema(&self, modality: &str) -> SchemaRef {
        let columns = self.manifest.columns.get(modality).into_iter().flatten();
        let columns = columns.map(|(name, kind)| {
            let kind = kind.parse().unwrap_or(DataType::Null);
            Field::new(name, kind, true)
        });
        Arc::new(Schema::new(columns.collect::<Vec<_>>()))
    }

    /// Answers an SQL query over the tables `text` (one for each modality) and `rejects`: `each` is given the batches
    /// in order, as they are made.
    ///
    /// # Errors
    /// When the query cannot be planned or run.
    pub fn query(&self, sql: &str, runtime: &Runtime, mut each: impl FnMut(&RecordBatch)) -> Result<()> {
        let plain = |error: datafusion::error::DataFusionError| {
            Error::Failed(format!(
                "{}\ntables: {}",
                error.strip_backtrace(),
                self.tables().join(", ")
            ))
        };
        runtime.block_on(async {
            let options = datafusion::execution::context::SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false);
            let answer = self.session.sql_with_options(sql, options).await.map_err(plain)?;
            let mut batches = answer.execute_stream().await.map_err(plain)?;
            while let Some(batch) = batches.try_next().await.map_err(plain)? {
                each(&batch);
            }
            Ok(())
        })
    }

    /// Gives `each` the rows of a modality as they stand in the shards.
    ///
    /// # Errors
    /// When a shard cannot be read, and those of `each`.
    pub fn rows(
        &self,
        modality: &str,
        runtime: &Runtime,
        mut each: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let shards = self.manifest.shards.get(modality).map_or(&[][..], Vec::as_slice);
        runtime.block_on(async {
            if shards.is_empty() {
                return Ok(());
            }
            let table = ShardTable::open(&self.session, &self.store, shards).await?;
            // Few rows at a time, as each may hold a whole film.
            let config = SessionConfig::new().with_batch_size(4);
            let session = SessionContext::new_with_config_rt(config, self.session.runtime_env());
            let mut batches = table.read().execute(0, session.task_ctx())?;
            while let Some(batch) = batches.try_next().await? {
                each(&batch)?;
            }
            Ok(())
        })
    }

    /// About this many rows of a modality: the first ones of shards that lie evenly among all.
    ///
    /// # Errors
    /// When a shard cannot be read.
    pub fn some_rows(&self, modality: &str, most: usize, runtime: &Runtime) -> Result<Vec<RecordBatch>> {
        let shards = self.manifest.shards.get(modality).map_or(&[][..], Vec::as_slice);
        let chosen = shards.len().min(most);
        let mut rows = Vec::new();
        for place in 0..chosen {
            let shard = &shards[place * shards.len() / chosen];
            let wanted = most * (place + 1) / chosen - most * place / chosen;
            runtime.block_on(async {
                let table = ShardTable::open(&self.session, &self.store, std::slice::from_ref(shard)).await?;
                let config = SessionConfig::new().with_batch_size(wanted.clamp(1, 4));
                let session = SessionContext::new_with_config_rt(config, self.session.runtime_env());
                let mut batches = table.read().execute(0, session.task_ctx())?;
                let mut missing = wanted;
                while let (true, Some(batch)) = (missing > 0, batches.try_next().await?) {
                    let part = batch.slice(0, batch.num_rows().min(missing));
                    missing -= part.num_rows();
                    rows.push(part);
                }
                Ok::<(), Error>(())
            })?;
        }
        Ok(rows)
    }

    /// The logs of the runs that made it, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_logs(&self, runtime: &Runtime) -> Result<Vec<serde_json::Value>> {
        runtime.block_on(async {
            let mut logs: Vec<serde_json::Value> = Vec::new();
            for (name, _) in self.store.list(layout::RUNS).await? {
                if name.ends_with(".json")
                    && let Some(bytes) = self.store.get(&name).await?
                {
                    logs.extend(serde_json::from_slice::<serde_json::Value>(&bytes).ok());
                }
            }
            logs.sort_by_key(|log| log["started_unix_ms"].as_u64());
            Ok(logs)
        })
    }

    /// Keeps a page about the output in it; gives its address.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn keep_page(&self, name: &str, page: bytes::Bytes, runtime: &Runtime) -> Result<String> {
        let path = format!("{}/{name}", layout::RUNS);
        runtime.block_on(self.store.put(&path, page))?;
        Ok(format!("{}/{path}", self.store.uri().trim_end_matches('/')))
    }

    fn tables(&self) -> Vec<String> {
        let clusters = (!self.cluster_files().is_empty()).then(|| CLUSTERS.to_owned());
        self.row_tables().into_iter().chain(clusters).collect()
    }

    /// The tables whose rows are documents.
    fn row_tables(&self) -> Vec<String> {
        let modalities = self.manifest.shards.keys().cloned();
        modalities
            .chain((!self.manifest.rejects.is_empty()).then(|| REJECTS.to_owned()))
            .collect()
    }

    fn cluster_files(&self) -> Vec<ShardEntry> {
        let steps = self.manifest.dedup.iter();
        steps.flat_map(|step| step.files.clone()).collect()
    }

    /// Compares every file with the manifest.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn verify(&self, runtime: &Runtime, found: impl FnMut(Finding)) -> Result<()> {
        runtime.block_on(async { Ok(gristmill_shard::verify(&self.store, &self.manifest, found).await?) })
    }

    /// Finds the rows with this id or url, and says why each is or is not in the dataset.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn why(&self, id_or_url: &str, runtime: &Runtime) -> Result<Vec<Why>> {
        runtime.block_on(async {
            let mut found = Vec::new();
            for table in self.row_tables() {
                let rows = self.session.table(table.as_str()).await?;
                let is_asked = ["id", "url"]
                    .into_iter()
                    .filter(|name| rows.schema().has_column_with_unqualified_name(name))
                    .map(|name| col(name).eq(lit(id_or_url)))
                    .reduce(Expr::or);
                if let Some(is_asked) = is_asked {
                    found.extend(rows_where(rows, is_asked, table == REJECTS).await?);
                }
            }
            // A page shares its url with its request and its metadata; who asks means the page.
            found.sort_by_key(|row: &Why| row.verdict == DOCUMENT_RULE);
            Ok(found)
        })
    }

    /// The dedup clusters that a document is in, in the order of the recipe.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn clusters_of(&self, id: &str, runtime: &Runtime) -> Result<Vec<ClusterOf>> {
        if self.cluster_files().is_empty() {
            return Ok(Vec::new());
        }
        runtime.block_on(async {
            let members = self.session.table(CLUSTERS).await?;
            let own = rows_where(members.clone(), col("id").eq(lit(id)), false).await?;
            let mut found = Vec::new();
            for row in own {
                let is_alike = col("step")
                    .eq(lit(row.value("step").unwrap_or_default()))
                    .and(col("cluster_id").eq(lit(row.value("cluster_id").unwrap_or_default())));
                let some = members.clone().filter(is_alike)?.limit(0, Some(OTHERS))?;
                let some = rows_where(some.select_columns(&["id"])?, lit(true), false).await?;
                let text = |name: &str| row.value(name).unwrap_or_default().to_owned();
                found.push(ClusterOf {
                    step: text("step"),
                    kept: text("cluster_id"),
                    rank: text("cluster_rank").parse().unwrap_or_default(),
                    size: text("cluster_size").parse().unwrap_or_default(),
                    similarity: row
                        .value("cluster_similarity")
                        .and_then(|value| value.parse().ok()),
                    members: some
                        .iter()
                        .filter_map(|member| member.value("id").map(str::to_owned))
                        .collect(),
                });
            }
            let order = |step: &str| self.manifest.dedup.iter().position(|entry| entry.step == step);
            found.sort_by_key(|cluster| order(&cluster.step));
            Ok(found)
        })
    }

    /// The documents that hold items of evaluation sets, by set: those that left at the rule of `decontaminate`, as far
    /// as rejected rows were written, and those that were kept, if the shards have the columns of the step.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn contamination(&self, runtime: &Runtime) -> Result<BTreeMap<String, Vec<Contaminated>>> {
        let of_step = "text_contamination_";
        runtime.block_on(async {
            let mut found: BTreeMap<String, Vec<Contaminated>> = BTreeMap::new();
            for table in self.row_tables() {
                let rows = self.session.table(table.as_str()).await?;
                let is_reject = table == REJECTS;
                let has = |name: &str| rows.schema().has_column_with_unqualified_name(name);
                let is_hit = if is_reject {
                    col("verdict").eq(lit(NOT_CONTAMINATED))
                } else if has("text_contamination_benchmark") {
                    col("text_contamination_benchmark").is_not_null()
                } else {
                    continue;
                };
                for row in rows_where(rows, is_hit, is_reject).await? {
                    let noted: serde_json::Value =
                        serde_json::from_str(row.value("values").unwrap_or("{}")).unwrap_or_default();
                    let text = |name: &str| -> Option<String> {
                        let name = format!("{of_step}{name}");
                        let noted = noted.get(&name).filter(|value| !value.is_null());
                        let noted = noted
                            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                        noted.or_else(|| row.value(&name).map(str::to_owned))
                    };
                    let Some(benchmark) = text("benchmark") else {
                        continue;
                    };
                    found.entry(benchmark).or_default().push(Contaminated {
                        id: row.value("id").unwrap_or_default().to_owned(),
                        item: text("item").unwrap_or_default(),
                        score: text("score")
                            .and_then(|score| score.parse().ok())
                            .unwrap_or_default(),
                        spans: text("spans").unwrap_or_default(),
                        found: text("match").unwrap_or_default(),
                        is_kept: !is_reject,
                    });
                }
            }
            for documents in found.values_mut() {
                documents.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
            }
            Ok(found)
        })
    }

    /// How many documents left at the rule of `decontaminate`.
    pub fn rejected_for_contamination(&self) -> u64 {
        let verdicts = self.manifest.account.verdicts.iter();
        verdicts
            .filter(|verdict| verdict.rule == NOT_CONTAMINATED)
            .map(|verdict| verdict.rows)
            .sum()
    }

    /// The recipe's rules in order, as `(step, name, predicate)`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn rules(&self, runtime: &Runtime) -> Result<Vec<(String, String, String)>> {
        let plan = self.plan(runtime)?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let chains = self.manifest.shards.keys();
        let steps = chains.filter_map(|modality| plan["recipe"][modality].as_array().cloned());
        let rules = steps.flatten().flat_map(|step| {
            let rules = step["keep"].as_array().cloned().unwrap_or_default();
            rules
                .into_iter()
                .map(|rule| (text(&step["step"]), text(&rule[0]), text(&rule[1])))
                .collect::<Vec<_>>()
        });
        Ok(rules.collect())
    }

    /// `plan.json`: what was asked of what input.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn plan(&self, runtime: &Runtime) -> Result<serde_json::Value> {
        let plan = runtime.block_on(self.store.get(layout::PLAN))?;
        Ok(serde_json::from_slice(&plan.unwrap_or_default()).unwrap_or_default())
    }

    /// What to say when [`why`](Self::why) finds nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn why_nothing(&self, runtime: &Runtime) -> Result<String> {
        let plan = self.plan(runtime)?;
        let mode: Option<RejectMode> =
            serde_json::from_value(plan["recipe"]["write"]["rejects"].clone()).ok();
        let has_names = self
            .manifest
            .columns
            .values()
            .flatten()
            .any(|(name, _)| ["id", "url"].contains(&name.as_str()));
        Ok(match mode {
            _ if !has_names => "the shards have neither `id` nor `url`: `write.columns` of the recipe leaves them out".into(),
            Some(RejectMode::All) => "no row has this id or url: the input holds no such record".into(),
            _ => "no row with this id or url was written. The run counted all rejected rows but wrote only a part of them; \
                  a run with --set write.rejects=all --to ANOTHER_ADDRESS can answer for every record"
                .into(),
        })
    }
}

async fn rows_where(rows: DataFrame, is_asked: Expr, is_reject: bool) -> Result<Vec<Why>> {
    let batches = rows.filter(is_asked)?.collect().await?;
    let mut found = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let mut values = Vec::new();
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                if array.is_valid(row) {
                    let options = FormatOptions::default();
                    let text = ArrayFormatter::try_new(array, &options)?.value(row).to_string();
                    values.push((field.name().clone(), text));
                }
            }
            let verdict = values.iter().find(|(name, _)| is_reject && name == "verdict");
            let verdict = verdict.map_or_else(|| "kept".to_owned(), |(_, verdict)| verdict.clone());
            found.push(Why { verdict, values });
        }
    }
    Ok(found)
}
