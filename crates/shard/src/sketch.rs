//! Sketches: what the values of a column look like, in a kilobyte.
//!
//! A sketch counts the kept rows of a slice, and sketches of slices add up to that of the dataset, which stands in the
//! manifest: reports, expectations and comparisons of runs read distributions from there without opening a shard.
//!
//! Numbers are counted in *bins* of a sixteenth of an octave: the sign, the exponent and the first four bits of the mantissa
//! of the value as a 64-bit float. So a bin is at most 6.25 % wide, wherever the values are, and which bin a value is in
//! does not depend on arithmetic. Quantiles are interpolated in their bin. NaN and infinities count as null.
//!
//! Texts and booleans are counted by value, as long as there are at most 256 values of at most 64 bytes; a column with more
//! is no category, and its sketch says how many rows have a value and nothing else. Lists, bytes, media and times have no
//! sketch, nor have names of rows and places (`id`, `uri`, `url`, `offset` …).

use std::{borrow::Cow, collections::BTreeMap};

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Schema},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Columns that name a row or its place, and its text.
const NAMES: [&str; 11] = [
    "text",
    "id",
    "uri",
    "offset",
    "length",
    "url",
    "parent_id",
    "part",
    "member",
    "sample",
    "cluster_id",
];
/// Most values of a category.
const CATEGORIES: usize = 256;
/// Most bytes of a category's value.
const CATEGORY_BYTES: usize = 64;
/// Bits of a float below those that name its bin.
const BIN_SHIFT: u32 = 48;

/// The sketches of a modality's columns, by name.
pub type Sketches = BTreeMap<String, Sketch>;

/// What the values of a column look like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    /// Rows with a value.
    pub values: u64,
    /// Rows without.
    pub nulls: u64,
    /// The numbers, if it is a column of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
    /// Rows by value, if it is a category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<BTreeMap<String, u64>>,
}

/// A distribution of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their sum, in the order of rows.
    pub sum: f64,
    /// Whether all are whole numbers.
    pub is_whole: bool,
    /// How many are in each bin; see [`Bin`].
    pub bins: Bins,
}

/// Counts of values by bin, in the order of values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bins(BTreeMap<Bin, u64>);

/// A sixteenth of an octave, by its place among all bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bin(i32);

impl Bin {
    /// The bin of a finite number.
    pub fn of(value: f64) -> Self {
        let magnitude = (value.abs().to_bits() >> BIN_SHIFT) as i32;
        Bin(if value < 0.0 { -magnitude - 1 } else { magnitude })
    }

    /// The least number of the bin, and the least of the next one; of the bin of 0, which holds no other number that
    /// can be told from it, 0.
    pub fn bounds(self) -> (f64, f64) {
        let edge = |magnitude: i32| f64::from_bits((magnitude as u64) << BIN_SHIFT);
        match self.0 {
            0 => (0.0, 0.0),
            negative if negative < 0 => (-edge(-negative), -edge(-negative - 1)),
            magnitude => (edge(magnitude), edge(magnitude + 1)),
        }
    }
}

impl Bins {
    /// The bins that are not empty, in the order of values.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Bin, u64)> {
        self.0.iter().map(|(bin, count)| (*bin, *count))
    }

    fn add(&mut self, bin: Bin, count: u64) {
        *self.0.entry(bin).or_default() += count;
    }
}

/// As one text, since a number a line would make manifests long: `place×count`, each place as its distance from the one
/// before.
impl Serialize for Bins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        let pairs = self.iter().map(|(Bin(place), count)| {
            let step = place - before;
            before = place;
            format!("{step}x{count}")
        });
        serializer.serialize_str(&pairs.collect::<Vec<_>>().join(" "))
    }
}

impl<'de> Deserialize<'de> for Bins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let mut place = 0_i32;
        let mut bins = Bins::default();
        for pair in text.split_whitespace() {
            let (step, count) = pair
                .split_once('x')
                .ok_or_else(|| D::Error::custom(format!("{pair:?} is not a bin")))?;
            let step: i32 = step.parse().map_err(D::Error::custom)?;
            place = place
                .checked_add(step)
                .filter(|place| place.unsigned_abs() <= 1 << 15)
                .ok_or_else(|| D::Error::custom(format!("{pair:?} is no place of a bin")))?;
            bins.add(Bin(place), count.parse().map_err(D::Error::custom)?);
        }
        Ok(bins)
    }
}

impl Numbers {
    fn of(value: f64) -> Self {
        Numbers {
            min: value,
            max: value,
            sum: 0.0,
            is_whole: true,
            bins: Bins::default(),
        }
    }

    fn add(&mut self, value: f64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum = sum(self.sum, value);
        self.is_whole &= value.fract() == 0.0;
        self.bins.add(Bin::of(value), 1);
    }

    fn merge(&mut self, other: &Numbers) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = sum(self.sum, other.sum);
        self.is_whole &= other.is_whole;
        for (bin, count) in other.bins.iter() {
            self.bins.add(bin, count);
        }
    }

    /// Where the numbers of a bin are: from, and up to but not including. Of whole numbers these are the first one and the
    /// one behind the last.
    pub fn bounds(&self, bin: Bin) -> (f64, f64) {
        let (low, high) = bin.bounds();
        if self.is_whole {
            let first = low.max(self.min).ceil();
            (first, high.min(self.max + 1.0).ceil().max(first + 1.0))
        } else {
            (low.max(self.min), high.min(self.max))
        }
    }

    /// The value below which this share of the numbers is; of whole numbers a whole one.
    pub fn quantile(&self, share: f64) -> f64 {
        let total: u64 = self.bins.iter().map(|(_, count)| count).sum();
        let wanted = share.clamp(0.0, 1.0) * total as f64;
        let mut below = 0.0;
        for (bin, count) in self.bins.iter() {
            let count = count as f64;
            if below + count >= wanted {
                let (low, high) = self.bounds(bin);
                let value = low + (high - low) * ((wanted - below) / count);
                return match self.is_whole {
                    true => value.floor().min(high - 1.0).max(low),
                    false => value,
                };
            }
            below += count;
        }
        self.max
    }
}

/// A sum that stays finite: JSON has no infinity.
fn sum(a: f64, b: f64) -> f64 {
    (a + b).clamp(f64::MIN, f64::MAX)
}

impl Sketch {
    /// The mean of the numbers.
    pub fn mean(&self) -> Option<f64> {
        let numbers = self.numbers.as_ref()?;
        Some(numbers.sum / self.values as f64)
    }

    /// The share of rows without a value; 0 if there are no rows.
    pub fn null_rate(&self) -> f64 {
        match self.values + self.nulls {
            0 => 0.0,
            rows => self.nulls as f64 / rows as f64,
        }
    }

    /// The share of rows that have this value, of those that have one.
    pub fn share(&self, category: &str) -> Option<f64> {
        let rows = self.categories.as_ref()?.get(category).copied().unwrap_or(0);
        Some(if self.values == 0 {
            0.0
        } else {
            rows as f64 / self.values as f64
        })
    }

    /// Adds the rows of another slice.
    pub fn merge(&mut self, other: &Sketch) {
        if self.values == 0 {
            // Nothing was seen yet that would make it no category.
            self.categories.clone_from(&other.categories);
        } else if other.values > 0 {
            self.categories = match (self.categories.take(), &other.categories) {
                (Some(mut counts), Some(more)) => {
                    for (value, rows) in more {
                        *counts.entry(value.clone()).or_default() += rows;
                    }
                    Some(counts).filter(|counts| counts.len() <= CATEGORIES)
                }
                _ => None,
            };
        }
        match (&mut self.numbers, &other.numbers) {
            (Some(numbers), Some(more)) => numbers.merge(more),
            (none, more) => *none = none.take().or_else(|| more.clone()),
        }
        self.values += other.values;
        self.nulls += other.nulls;
    }

    fn take(&mut self, array: &ArrayRef) -> datafusion::error::Result<()> {
        let nulls = array.logical_null_count();
        let values = (array.len() - nulls) as u64;
        self.nulls += nulls as u64;
        let is_first = self.values == 0;
        self.values += values;
        match array.data_type() {
            DataType::Boolean => {
                let counts = self.categories.get_or_insert_default();
                for value in array.as_boolean().iter().flatten() {
                    *counts.entry(value.to_string()).or_default() += 1;
                }
            }
            DataType::Utf8View => {
                if is_first && values > 0 {
                    self.categories = Some(BTreeMap::new());
                }
                for value in array.as_string_view().iter().flatten() {
                    let Some(counts) = &mut self.categories else {
                        break;
                    };
                    if let Some(rows) = counts.get_mut(value) {
                        *rows += 1;
                    } else if counts.len() < CATEGORIES && value.len() <= CATEGORY_BYTES {
                        counts.insert(value.to_owned(), 1);
                    } else {
                        self.categories = None;
                    }
                }
            }
            _ => {
                let numbers = cast(array, &DataType::Float64)?;
                for value in numbers.as_primitive::<Float64Type>().iter().flatten() {
                    if !value.is_finite() {
                        self.values -= 1;
                        self.nulls += 1;
                        continue;
                    }
                    self.numbers.get_or_insert_with(|| Numbers::of(value)).add(value);
                }
            }
        }
        Ok(())
    }
}

/// Sketches columns of batches.
#[derive(Debug)]
pub struct Sketcher {
    columns: Vec<(String, Sketch)>,
}

impl Sketcher {
    /// A sketcher of those columns of the schema that can have a sketch; see the module.
    pub fn new(schema: &Schema) -> Self {
        let has_sketch = |kind: &DataType| {
            kind.is_integer() || kind.is_floating() || matches!(kind, DataType::Boolean | DataType::Utf8View)
        };
        let fields = schema
            .fields()
            .iter()
            .filter(|field| has_sketch(field.data_type()) && !NAMES.contains(&field.name().as_str()));
        Sketcher {
            columns: fields
                .map(|field| (field.name().clone(), Sketch::default()))
                .collect(),
        }
    }

    /// Adds rows that are kept.
    ///
    /// # Errors
    /// When a column is not of the schema's type.
    ///
    /// # Panics
    /// When a column of the schema is not there.
    pub fn add(&mut self, rows: &RecordBatch) -> datafusion::error::Result<()> {
        for (name, sketch) in &mut self.columns {
            let column = rows.column_by_name(name);
            sketch.take(column.expect("the schema has the column"))?;
        }
        Ok(())
    }

    /// The sketches of all rows.
    pub fn finish(self) -> Sketches {
        self.columns.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Float64Array, StringViewArray};

    use super::*;

    fn of(arrays: &[ArrayRef]) -> Sketch {
        let mut sketch = Sketch::default();
        for array in arrays {
            sketch.take(array).unwrap();
        }
        sketch
    }

    fn numbers(values: impl IntoIterator<Item = f64>) -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(values))
    }

    fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
        Arc::new(values.into_iter().map(Some).collect::<StringViewArray>())
    }

    #[test]
    fn a_bin_holds_its_numbers_and_is_narrow() {
        for value in [0.0, 1e-300, 0.1, 0.99, 1.0, 1.5, 17.0, 1e18, -0.1, -1.0, -3e7] {
            let (low, high) = Bin::of(value).bounds();
            assert!(low <= value && value <= high, "{low} {value} {high}");
            assert!(value == 0.0 || (high - low) <= 0.0625 * value.abs() + 1e-300);
        }
        let mut bins: Vec<Bin> = [5.0, -1.0, 0.0, -7.0, 2.0].map(Bin::of).into();
        bins.sort();
        assert_eq!(bins, [-7.0, -1.0, 0.0, 2.0, 5.0].map(Bin::of));
    }

    #[test]
    fn quantiles_are_near_the_true_ones() {
        let sketch = of(&[numbers((0..10_000).map(f64::from))]);
        let quantiles = sketch.numbers.as_ref().unwrap();
        for share in [0.01, 0.25, 0.5, 0.9, 0.999] {
            let (found, truth) = (quantiles.quantile(share), share * 10_000.0);
            assert!(
                (found - truth).abs() / truth < 0.0625,
                "{share}: {found} for {truth}"
            );
        }
        assert_eq!((quantiles.quantile(0.0), quantiles.quantile(1.0)), (0.0, 9999.0));
        assert_eq!(sketch.mean(), Some(4999.5));
    }

    #[test]
    fn slices_add_up_to_the_whole() {
        let (a, b) = (
            numbers((0..500).map(|n| f64::from(n) * -0.25)),
            numbers([f64::NAN, 3.0, 1e9]),
        );
        let mut merged = of(std::slice::from_ref(&a));
        merged.merge(&of(std::slice::from_ref(&b)));
        assert_eq!(merged, of(&[a, b]));
        assert_eq!((merged.values, merged.nulls), (502, 1));
        let json = serde_json::to_string(&merged).unwrap();
        assert_eq!(serde_json::from_str::<Sketch>(&json).unwrap(), merged);
        let hostile = of(&[numbers([1.7e308, 1.7e308, f64::INFINITY, -1.7e308])]);
        assert_eq!((hostile.values, hostile.nulls), (3, 1));
        let json_of_hostile = serde_json::to_string(&hostile).unwrap();
        assert_eq!(serde_json::from_str::<Sketch>(&json_of_hostile).unwrap(), hostile);
        assert!(serde_json::from_str::<Sketch>(&json.replace("bins\":\"", "bins\":\"99999x1 ")).is_err());
    }

    #[test]
    fn names_of_many_rows_are_no_category() {
        let languages = texts(["en", "de", "en"].map(str::to_owned));
        let many = texts((0..300).map(|n| format!("title {n}")));
        let long = texts(["long ".repeat(20)]);
        let mut sketch = of(std::slice::from_ref(&languages));
        assert_eq!(sketch.share("en"), Some(2.0 / 3.0));
        assert_eq!(sketch.share("fr"), Some(0.0));
        assert_eq!(of(std::slice::from_ref(&many)).categories, None);
        assert_eq!(of(&[languages.clone(), long]).categories, None);
        sketch.merge(&of(&[many]));
        assert_eq!((sketch.values, &sketch.categories), (303, &None));
        sketch.merge(&of(&[languages]));
        assert_eq!(sketch.categories, None);
    }
}
