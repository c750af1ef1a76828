//! Tar: one file of the archive, one record.
//!
//! Read are v7, ustar, pax (`path`, `size`, `linkpath`, also from global headers), GNU (long names and links, base-256
//! sizes) and star archives, and several of them one behind another. Nothing is unpacked to disk. `member` is the name
//! as stored, bytes that are not UTF-8 replaced; it may hold `..` or begin with `/`: it is data and no path. The media
//! type comes from the bytes first and the ending of the name second. Files that are compressed one by one within the
//! archive stay so. `url` is null.
//!
//! Directories, devices, pipes and volume labels are passed over. Links, sparse files and files that go on from another
//! volume are rows with the fault `unsupported`. A file larger than `record_bytes` is a `limit` fault and is not held
//! in memory. Extended headers are bounded by `header_bytes`; of a pax header that breaks the rules, the records before
//! that place count.
//!
//! `offset` is the place of the member's first header block (extended headers are part of it) and `length` reaches to
//! the end of its last block, in bytes of the stored object where that is not compressed, else of the decompressed
//! stream. An archive cannot be cut into slices: a file in it may be an archive itself.
//!
//! **Damage.** A header must have a valid checksum. Where none stands, reading goes on at the next one, at a block or,
//! for ustar and its kin, anywhere; what lies between is one row with a fault. If no header follows a file's content but
//! one stands *within*, bytes were lost: the file has a fault, and reading goes on at that header. The members of an
//! archive within the archive show themselves only where its own header is damaged. Two empty blocks end an archive;
//! what follows and is no archive is not told, nor are leftovers of the writer's buffer: headers behind the end that fill
//! up the last 10,240 bytes and have no end of their own. An archive without that end is not told either, unless it breaks off in
//! a block.
//!
//! Source: POSIX.1-2017, `pax`, ustar and pax interchange formats; the GNU tar manual, "Basic Tar Format".

mod block;
mod members;

use std::{ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{Format, FormatCard, Object, ReadOptions, Record, RecordBatcher, Records, Result};

pub(crate) use members::{Member, Members};

use crate::{carry::carried_nulls, magic, media_type, stored};

/// Describes [`Tar`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "tar",
    about: "files in tar archives, one record each",
    extensions: &["tar", "tgz", "tbz", "tbz2", "txz", "tzst"],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "not at all",
    source: "POSIX.1-2017 (ustar, pax); GNU tar",
    version: 1,
};

/// Reads tar archives; see the module.
pub struct Tar;

impl Format for Tar {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        Ok(Box::new(Files {
            members: open(&object, &range, options)?,
            batcher: RecordBatcher::new(object.uri(), options),
            options: options.clone(),
        }))
    }
}

/// Whether `head` begins a tar archive.
pub(crate) fn begins(head: &[u8]) -> bool {
    block::header(head).is_some()
}

/// The members of an object, for the range that gives everything; none for the others.
pub(crate) fn open(object: &Arc<dyn Object>, range: &Range<u64>, options: &ReadOptions) -> Result<Members> {
    if !stored::is_first(object.as_ref(), range) {
        return Ok(Members::empty(&options.limits));
    }
    let compression = stored::compression_of(object.as_ref())?;
    Members::new(object, compression, &options.limits)
}

/// Files of an archive.
struct Files {
    members: Members,
    batcher: RecordBatcher,
    options: ReadOptions,
}

impl Records for Files {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.batcher.is_full() {
            let Some(member) = self.members.next()? else {
                break;
            };
            let content = self.members.content()?;
            let name = member.name.as_deref();
            let is_whole = member.fault.is_none();
            let media_type = is_whole
                .then(|| magic::media_type(content, name.and_then(media_type::by_name), None))
                .flatten();
            self.batcher.push(&Record {
                offset: member.offset,
                length: member.length,
                record_type: "document",
                media_type: media_type.as_deref(),
                member: name,
                content: is_whole.then_some(content),
                fault: member.fault.clone(),
                ..Record::default()
            });
        }
        let rows = self.batcher.rows();
        self.batcher.take(carried_nulls(&self.options.fields.carry, rows))
    }
}
