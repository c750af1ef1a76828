//! `codec-worker`: runs C decoders and those of videos for another process of this command, which loses no more than one
//! record if one of them crashes, hangs or wants too much memory.

use std::io;

use gristmill_engine::Error;
use gristmill_worker::{Workers, serve, use_workers};

/// The verb by which the command starts itself.
pub(crate) const VERB: &str = "codec-worker";

/// Most memory of a child.
const MEMORY: u64 = 3 << 30;

/// Answers requests until the input ends.
pub(crate) fn codec_worker() -> Result<(), Error> {
    let failed = |error: io::Error| Error::Failed(format!("codec worker: {error}"));
    #[cfg(target_os = "linux")]
    rlimit::setrlimit(rlimit::Resource::AS, MEMORY, MEMORY).map_err(failed)?;
    let codecs = [gristmill_image::CODECS, gristmill_video::CODECS].concat();
    serve(&codecs, io::stdin().lock(), io::stdout().lock()).map_err(failed)
}

/// Lets this process start children of itself for such decoders.
///
/// # Errors
/// When the command cannot start itself.
pub(crate) fn start_workers() -> Result<(), Error> {
    let program = std::env::current_exe()
        .map_err(|error| Error::Failed(format!("the command does not know its own file: {error}")))?;
    // Another call of the same process has set the same.
    let _ = use_workers(Workers::new(program, [VERB]));
    Ok(())
}
