//! Writing MP4 files of samples that are there.

mod entry;
mod mp4;

pub(crate) use entry::adts;
pub(crate) use mp4::{Piece, write};
