//! The end of a run: the account, the expectations, the card, the manifest, and the tidying.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::arrow::datatypes::{Field, Schema};
use gristmill_shard::{
    Account, Created, InputTotals, Manifest, ShardEntry, SliceRecord, Store, croissant, dataset_card, layout,
    stored_schema,
};

use super::{Event, Outcome, Run, plan_file::recipe_hash};
use crate::{Error, Result};

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
        let expectations = self.judge(&manifest.account, events);
        if !expectations.is_empty() {
            return Ok(Outcome::Refused {
                manifest: Box::new(manifest),
                expectations,
            });
        }
        self.add_to_indexes(records).await?;
        let schema = self.written_schema();
        let recipe = serde_json::to_string_pretty(&self.recipe.canonical).expect("a JSON value is JSON");
        self.store
            .put(layout::CARD, dataset_card(&manifest, &schema, &recipe).into())
            .await?;
        self.store
            .put(layout::CROISSANT, croissant(&manifest, &schema).into())
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
    fn judge(&self, account: &Account, events: &(dyn Fn(Event) + Send + Sync)) -> Vec<String> {
        let mut errors = Vec::new();
        for verdict in self
            .recipe
            .expect
            .iter()
            .flat_map(|expectation| expectation.judge(account))
        {
            let text = format!(
                "{} is {:.4}, which is {}",
                verdict.metric, verdict.value, verdict.condition
            );
            if verdict.is_error {
                errors.push(text);
            } else {
                events(Event::Warning(text));
            }
        }
        errors
    }

    async fn manifest(&self, account: Account, records: &[SliceRecord]) -> Result<Manifest> {
        let last = self.plan.segments.len() as u32 - 1;
        let shards: Vec<ShardEntry> = records
            .iter()
            .filter(|record| record.phase == last)
            .flat_map(|record| record.shards.clone())
            .collect();
        let rejects = records.iter().flat_map(|record| record.rejects.clone()).collect();
        let columns = self
            .written_schema()
            .fields()
            .iter()
            .map(|field| (field.name().clone(), field.data_type().to_string()))
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
            shards: BTreeMap::from([("text".to_owned(), shards)]),
            rejects,
            dedup: self.dedup_entries().await?,
        })
    }

    fn written_schema(&self) -> Schema {
        let last = &self
            .plan
            .segments
            .last()
            .expect("a plan has a segment")
            .steps
            .last()
            .expect("a segment has a sieve")
            .output;
        let fields: Vec<Field> = self
            .plan
            .columns
            .iter()
            .map(|name| last.field_with_name(name).expect("the plan carries it").clone())
            .collect();
        stored_schema(&Schema::new(fields))
    }
}

/// Removes what was only needed on the way.
pub(crate) async fn tidy(store: &Store) -> Result<()> {
    store.delete_folder(layout::STAGE).await?;
    store.remove_leftovers()?;
    Ok(())
}
