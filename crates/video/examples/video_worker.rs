//! A child for [`Workers`](gristmill_worker::Workers) that decodes videos, and crashes when it is asked to.
//!
//! ```sh
//! cargo run -p gristmill-video --example video_worker
//! ```

use std::{io, process};

use gristmill_video::CODECS;
use gristmill_worker::{Codec, serve};

/// Ends by a signal; the tests of workers know its number.
const CRASH: Codec = Codec {
    id: 100,
    run: |_, _| process::abort(),
};

fn main() -> io::Result<()> {
    let codecs: Vec<Codec> = CODECS.iter().copied().chain([CRASH]).collect();
    serve(&codecs, io::stdin().lock(), io::stdout())
}
