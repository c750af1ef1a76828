//! Where work runs: one runtime for the network, one for streams, one pool for content.

use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime as Tokio};

use crate::{Error, Result};

/// The threads of a process.
///
/// Network I/O has a runtime of its own, so that sockets are served while others compute. Streams of batches
/// run on as many threads as cores were given. Extraction and signals, the bulk of the work, run on a rayon pool
/// of the same size.
pub struct Runtime {
    // Dropped in this order: readers on the first wait for answers on the second.
    streams: Tokio,
    io: Tokio,
    content: Arc<rayon::ThreadPool>,
    threads: usize,
}

impl Runtime {
    /// A runtime with `threads` threads for computing.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(threads: usize) -> Result<Self> {
        let failed = |error: std::io::Error| Error::Failed(format!("cannot start threads: {error}"));
        let threads = threads.max(1);
        let io = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("io")
            .enable_all()
            .build()
            .map_err(failed)?;
        let streams = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("stream")
            .enable_all()
            .build()
            .map_err(failed)?;
        // Pages nest deeper than a default stack of a parser likes; see `Limits::html_depth`.
        let content = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(8 << 20)
            .thread_name(|number| format!("content-{number}"))
            .build()
            .map_err(|error| Error::Failed(format!("cannot start threads: {error}")))?;
        Ok(Runtime {
            streams,
            io,
            content: Arc::new(content),
            threads,
        })
    }

    /// Threads for computing.
    pub fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn io(&self) -> &Handle {
        self.io.handle()
    }

    pub(crate) fn content(&self) -> &Arc<rayon::ThreadPool> {
        &self.content
    }

    /// Runs a future on the threads for streams and waits for it.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.streams.block_on(future)
    }

    pub(crate) fn streams(&self) -> &Handle {
        self.streams.handle()
    }
}
