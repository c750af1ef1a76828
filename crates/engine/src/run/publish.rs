//! The end of a run: the account, the expectations, the card, the manifest, and the tidying.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::arrow::datatypes::{Field, Schema};
use gristmill_shard::{
    Account, Created, InputTotals, Manifest, ShardEntry, Sketches, SliceRecord, Store, croissant,
    dataset_card, layout, stored_schema,
};

use super::{Event, Outcome, Run, plan_file::recipe_hash};
use tokio::runtime::Handle;

use crate::{Error, Result, StoreOptions, address::open_output, plan::PlanOutput};

impl Run {
    /// Judges and publishes what the slices gave.
    pub(crate) async fn publish(
        self: Arc<Self>,
        account: Account,
        records: &[SliceRecord],
        events: &(dyn Fn(Event) + Send + Sync),
    ) -> Result<Outcome> {
        let manifest = self.manifest(account, records).await?;
        if !manifest.account.adds_up() || manifest.account.kept != manifest.rows() {
            return Err(Error::Failed(format!(
                "the account does not add up: {} read, {} kept, {} rejected, {} faults, {} rows in shards",
                manifest.account.read,
                manifest.account.kept,
                manifest.account.rejected(),
                manifest.account.faulty(),
                manifest.rows()
            )));
        }
        let expectations = self.judge(&manifest, events).await?;
        if !expectations.is_empty() {
            return Ok(Outcome::Refused {
                manifest: Box::new(manifest),
                expectations,
            });
        }
        self.add_to_indexes(records).await?;
        let schemas = self.written_schemas();
        let recipe = serde_json::to_string_pretty(&self.recipe.canonical).expect("a JSON value is JSON");
        self.store
            .put(layout::CARD, dataset_card(&manifest, &schemas, &recipe).into())
            .await?;
        self.store
            .put(layout::CROISSANT, croissant(&manifest, &schemas).into())
            .await?;
        let manifest = match self.store.create(layout::MANIFEST, manifest.to_json()).await? {
            Created::Now => manifest,
            Created::Before(bytes) => {
                let theirs = Manifest::from_json(&bytes)?;
                if theirs != manifest {
                    return Err(Error::Failed(
                        "another run published another manifest; this is a bug: please report it".into(),
                    ));
                }
                theirs
            }
        };
        tidy(&self.store).await?;
        Ok(Outcome::Complete {
            manifest: Box::new(manifest),
            was_complete: false,
        })
    }

    /// The expectations that forbid to publish; warnings are told.
    async fn judge(
        &self,
        manifest: &Manifest,
        events: &(dyn Fn(Event) + Send + Sync),
    ) -> Result<Vec<String>> {
        let mut errors = Vec::new();
        for expectation in &self.recipe.expect {
            let baseline = match expectation.baseline() {
                Some(uri) => Some(baseline(uri, &self.stores, &self.scan.io).await?),
                None => None,
            };
            for verdict in expectation.judge(manifest, baseline.as_ref()) {
                if verdict.is_error {
                    errors.push(verdict.text);
                } else {
                    events(Event::Warning(verdict.text));
                }
            }
        }
        Ok(errors)
    }

    async fn manifest(&self, account: Account, records: &[SliceRecord]) -> Result<Manifest> {
        let last = self.plan.segments.len() as u32 - 1;
        let modalities = self.plan.outputs.iter().map(|output| output.modality.to_owned());
        let mut shards: BTreeMap<String, Vec<ShardEntry>> =
            modalities.map(|modality| (modality, Vec::new())).collect();
        for shard in records
            .iter()
            .filter(|record| record.phase == last)
            .flat_map(|record| &record.shards)
        {
            let of_modality = Manifest::modality_of(shard).and_then(|modality| shards.get_mut(modality));
            of_modality
                .expect("the last segment writes into the folders of its chains")
                .push(shard.clone());
        }
        let rejects = records.iter().flat_map(|record| record.rejects.clone()).collect();
        let columns = self
            .written_schemas()
            .into_iter()
            .map(|(modality, schema)| {
                let columns = schema.fields().iter();
                let told = columns.map(|field| (field.name().clone(), field.data_type().to_string()));
                (modality, told.collect())
            })
            .collect();
        Ok(Manifest {
            manifest: 1,
            gristmill: env!("CARGO_PKG_VERSION").to_owned(),
            name: self.recipe.name.clone(),
            recipe_blake3: recipe_hash(&self.recipe),
            versions: self.plan.versions.clone(),
            input: InputTotals {
                objects: self.input.objects.len() as u64,
                bytes: self
                    .input
                    .objects
                    .iter()
                    .map(|object| object.snapshot.bytes)
                    .sum(),
            },
            account,
            columns,
            shards,
            rejects,
            dedup: self.dedup_entries().await?,
            sketches: sketches(records),
        })
    }

    /// The schema of each modality as stored.
    fn written_schemas(&self) -> BTreeMap<String, Schema> {
        let last = &self
            .plan
            .segments
            .last()
            .expect("a plan has a segment")
            .steps
            .last()
            .expect("a segment has a sieve")
            .output;
        let written = |output: &PlanOutput| {
            let columns = output.columns.iter();
            let fields = columns.map(|name| last.field_with_name(name).expect("the plan carries it").clone());
            stored_schema(&Schema::new(fields.collect::<Vec<Field>>()))
        };
        let outputs = self.plan.outputs.iter();
        outputs
            .map(|output| (output.modality.to_owned(), written(output)))
            .collect()
    }
}

/// The manifest of another output, which expectations compare with.
pub(super) async fn baseline(uri: &str, stores: &StoreOptions, io: &Handle) -> Result<Manifest> {
    let store = open_output(uri, stores, io)?;
    let Some(bytes) = store.get(layout::MANIFEST).await? else {
        return Err(Error::Input(format!(
            "{uri}, which `expect` compares with, has no manifest: give the address of an output that is complete"
        )));
    };
    Ok(Manifest::from_json(&bytes)?)
}

/// The sketches of all slices together, in their order.
fn sketches(records: &[SliceRecord]) -> BTreeMap<String, Sketches> {
    let mut all: BTreeMap<String, Sketches> = BTreeMap::new();
    for (modality, sketches) in records.iter().flat_map(|record| &record.sketches) {
        let known = all.entry(modality.clone()).or_default();
        for (column, sketch) in sketches {
            known.entry(column.clone()).or_default().merge(sketch);
        }
    }
    all
}

/// Removes what was only needed on the way.
pub(crate) async fn tidy(store: &Store) -> Result<()> {
    store.delete_folder(layout::STAGE).await?;
    store.remove_leftovers()?;
    Ok(())
}
