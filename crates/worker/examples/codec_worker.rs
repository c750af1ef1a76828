//! A child for [`Workers`](gristmill_worker::Workers) whose codecs misbehave.
//!
//! ```sh
//! cargo run -p gristmill-worker --example codec_worker
//! ```

use std::{
    io::{self, Write},
    process,
    thread::sleep,
    time::Duration,
};

use gristmill_core::Fault;
use gristmill_worker::{Answer, Codec, serve};

/// Numbers and misdeeds; the tests of workers know them.
const MISDEEDS: [Codec; 8] = [
    // Ends by a signal.
    Codec {
        id: 100,
        run: |_, _| process::abort(),
    },
    // Ends without a word.
    Codec {
        id: 101,
        run: |_, _| process::exit(0),
    },
    // Never answers.
    Codec {
        id: 102,
        run: |_, _| {
            sleep(Duration::from_secs(3600));
            Err(Fault::internal("woken"))
        },
    },
    // Answers something that is no answer.
    Codec {
        id: 103,
        run: |_, _| say(&[0xff; 64]),
    },
    // Says that its answer is longer than memory.
    Codec {
        id: 104,
        run: |_, _| say(&[[0; 4].as_slice(), &[0xff; 8]].concat()),
    },
    // Answers more than is allowed.
    Codec {
        id: 105,
        run: |_, answer_max| {
            Ok(Answer {
                head: vec![7; answer_max as usize + 1],
                body: Box::new(Vec::new()),
            })
        },
    },
    Codec {
        id: 106,
        run: |_, _| panic!("as asked"),
    },
    Codec {
        id: 107,
        run: |_, _| Err(Fault::unsupported("as asked")),
    },
];

fn main() -> io::Result<()> {
    serve(&MISDEEDS, io::stdin().lock(), io::stdout())
}

/// Writes raw bytes instead of an answer and ends.
fn say(bytes: &[u8]) -> ! {
    let _ = io::stdout().write_all(bytes);
    let _ = io::stdout().flush();
    sleep(Duration::from_secs(3600));
    process::exit(1)
}
