//! A child for [`Workers`](gristmill_worker::Workers) whose codecs misbehave.
//!
//! ```sh
//! cargo run -p gristmill-worker --example codec_worker
//! ```

use std::{
    io::{self, Write},
    process,
    sync::LazyLock,
    thread::sleep,
    time::{Duration, Instant},
};

use gristmill_core::Fault;
use gristmill_worker::{Answer, Codec, serve};

/// Numbers and misdeeds; the tests of workers know them.
const MISDEEDS: [Codec; 9] = [
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
    // Answers for how many milliseconds it has been there.
    Codec {
        id: 108,
        run: |_, _| {
            let age = START.elapsed().as_millis() as u64;
            Ok(Answer {
                head: age.to_le_bytes().to_vec(),
                body: Box::new(Vec::new()),
            })
        },
    },
];

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn main() -> io::Result<()> {
    LazyLock::force(&START);
    serve(&MISDEEDS, io::stdin().lock(), io::stdout())
}

/// Writes raw bytes instead of an answer and ends.
fn say(bytes: &[u8]) -> ! {
    let _ = io::stdout().write_all(bytes);
    let _ = io::stdout().flush();
    sleep(Duration::from_secs(3600));
    process::exit(1)
}
