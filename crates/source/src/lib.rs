//! Opens objects and cuts them into records.
//!
//! [`FORMATS`] lists what can be read; each is one module, whose doc is its reference. [`AUTO`] finds the format
//! of each object from its bytes. Compression is found from the bytes as well and undone on the way.

pub mod arc;
pub mod archive;
pub mod arrow;
mod carry;
pub mod chunked;
pub mod csv;
mod date;
pub mod detect;
pub mod encoding;
mod gzip;
mod header;
pub mod http;
mod json;
pub mod jsonl;
pub mod magic;
mod media_type;
pub mod member;
pub mod parquet;
mod payload;
pub mod plain;
pub mod stored;
mod table;
pub mod tar;
mod thrift;
mod unpack;
mod value;
pub mod warc;
pub mod webdataset;
mod window;
pub mod zip;
mod zstd;

pub use detect::{AUTO, FORMATS, detect, read_auto};
pub use stored::{Compression, compression};
