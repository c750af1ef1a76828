//! Recipes compared over the same documents: what each keeps, where they disagree, and what proxies say of the difference.
//!
//! All recipes are judged over one store of signals ([`gristmill_engine::Signals`]), so they see the same documents, measured
//! once. What needs texts is measured on a sample: [`Folds`] deals the sampled documents into folds by a hash of their id, the
//! same for every recipe, and a metric is measured in each fold on an equal number of bytes of each recipe. So metrics have a
//! value a fold, the difference of two recipes has one a fold too, and its interval is Student's of these differences.

mod folds;
mod interval;
mod ladder;
mod near;
mod ngram;
mod overlap;
mod proxies;

pub(crate) use folds::{FOLDS, Folds, read as read_folds, sampled};
pub(crate) use interval::{Interval, interval};
pub(crate) use ladder::{Control, Ladder, controls};
pub(crate) use near::NearDuplicates;
pub(crate) use overlap::Overlap;
pub(crate) use proxies::{Metric, Target, host, metrics};
