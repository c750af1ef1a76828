//! Single records of the input, read again where they are.
//!
//! Of archives that are compressed record by record, and of plain ones, the bytes of the record alone are read. In
//! objects that are compressed as a whole, and in tables, a record has no place of its own: these are read from their
//! beginning, which is slow.

use std::{collections::HashMap, ops::Range, sync::Arc};

use bytes::Bytes;
use datafusion::{
    arrow::array::{Array, AsArray},
    common::Result as DfResult,
};
use gristmill_core::{Format, Limits, ReadOptions, columns};

use super::ScanConfig;
use crate::{Error, input::InputObject};

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) uri: String,
    pub(crate) offset: u64,
    pub(crate) id: String,
}

/// Reads records again by their place.
#[derive(Clone)]
pub(crate) struct Fetcher {
    scan: Arc<ScanConfig>,
    /// The numbers of the objects by their names.
    objects: Arc<HashMap<String, usize>>,
}

impl Fetcher {
    pub(crate) fn new(scan: Arc<ScanConfig>) -> Self {
        let objects = scan.input.objects.iter().enumerate();
        let objects = objects.map(|(number, object)| (object.snapshot.uri.clone(), number));
        Fetcher {
            objects: Arc::new(objects.collect()),
            scan,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.scan.options.limits
    }

    /// The content of a record; none if it has none.
    pub(crate) fn fetch(&self, location: &Location) -> DfResult<Option<Bytes>> {
        let at_its_place = location.offset..location.offset + 1;
        let found = match self.find(location, at_its_place)? {
            Some(found) => Some(found),
            None => self.find(location, 0..u64::MAX)?,
        };
        found.ok_or_else(|| {
            let Location { uri, offset, id } = location;
            Error::Failed(format!("{uri} has no record {id} at {offset} any more")).into()
        })
    }

    /// The content of a record among those that start in a range; none if it is not among them.
    fn find(&self, location: &Location, range: Range<u64>) -> DfResult<Option<Option<Bytes>>> {
        let Some(number) = self.objects.get(&location.uri) else {
            let message = format!("{} is not in the input", location.uri);
            return Err(Error::Failed(message).into());
        };
        let found = &self.scan.input.objects[*number];
        let format: &dyn Format = match &found.reading.format {
            Some(name) => self.scan.registry.format(name).expect("the recipe was checked"),
            None => self.scan.registry.auto,
        };
        let options = ReadOptions {
            wanted: vec![columns::ID.name, columns::CONTENT.name],
            ..found.reading.options(&self.scan.options)
        };
        let object = InputObject::new(
            found.clone(),
            self.scan.io.clone(),
            self.scan.progress.bytes_read.clone(),
        );
        let range = range.start..range.end.min(found.snapshot.bytes.max(range.start + 1));
        let mut records = format
            .read(Arc::new(object), range, &options)
            .map_err(Error::from)?;
        while let Some(batch) = records.next_batch().map_err(Error::from)? {
            let ids = batch
                .column_by_name(columns::ID.name)
                .expect("every record has an id")
                .as_string_view();
            let Some(row) = (0..batch.num_rows()).find(|row| ids.value(*row) == location.id) else {
                continue;
            };
            let contents = batch
                .column_by_name(columns::CONTENT.name)
                .expect("every record has a content column")
                .as_binary_view();
            let content = contents
                .is_valid(row)
                .then(|| Bytes::copy_from_slice(contents.value(row)));
            return Ok(Some(content));
        }
        Ok(None)
    }
}
