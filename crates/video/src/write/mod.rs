//! Writing MP4 files of samples that are there.

mod entry;
mod mp4;
mod sound;
mod stream;

pub(crate) use mp4::{Piece, write};
pub(crate) use sound::adts;
