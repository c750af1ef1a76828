//! Codecs in processes of their own, so that one that crashes costs one record.
//!
//! A codec written in C may crash its process on a damaged file. It runs in a child process, which a command starts
//! from its own program and in which it calls [`serve`]. [`Workers`] is the parent's side: it starts children when they
//! are needed, at most one for each thread that waits for an answer, and keeps them. The parent waits no longer than a
//! guard and allocates no more than the caller allows, whatever the child does. Two more children, started ahead, wait to
//! succeed those that crash: on a busy machine a process takes longer to start than most files to decode.
//!
//! Requests go to the standard input of the child, answers come from its standard output, one at a time. Numbers are
//! little-endian:
//!
//! | request | | answer | |
//! |---|---|---|---|
//! | codec | u32 | status: 0 or the kind of a fault | u32 |
//! | most bytes of an answer | u64 | length | u64 |
//! | length | u64 | data, or the detail of the fault | |
//! | data | | | |
//!
//! The child ends when its input does.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use gristmill_core::{Fault, FaultKind};

/// How long an answer may take unless [`Workers::guard`] says otherwise.
const GUARD: Duration = Duration::from_secs(20);
/// Children that wait for one to crash: its successor, which is asked once more, and that one's if it crashes too.
const SPARES: usize = 2;
/// Longest detail of a fault.
const DETAIL_BYTES: u64 = 1024;
/// The codec that every child has: it answers with the request.
const ECHO: u32 = 0;
/// The kinds of faults by their status, from 1.
const KINDS: [FaultKind; 5] = [
    FaultKind::Malformed,
    FaultKind::Truncated,
    FaultKind::Limit,
    FaultKind::Unsupported,
    FaultKind::Internal,
];

/// A codec that a child runs.
#[derive(Debug, Clone, Copy)]
pub struct Codec {
    /// Its number in requests, from 1: images have 1 to 99, test codecs those from 100, videos those from 200.
    pub id: u32,
    /// Answers a request with at most that many bytes.
    pub run: fn(request: &[u8], answer_max: u64) -> Result<Answer, Fault>,
}

/// What a codec answers.
pub struct Answer {
    /// What comes first.
    pub head: Vec<u8>,
    /// What follows, where the codec has it in memory.
    pub body: Box<dyn Deref<Target = [u8]>>,
}

/// Answers requests until the input ends. Call it in the child, after its limits are set.
///
/// Errors are those of the two streams, and a request that is none.
pub fn serve(codecs: &[Codec], mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut request = Vec::new();
    loop {
        let mut head = [0; 20];
        match input.read(&mut head[..1])? {
            0 => return Ok(()),
            _ => input.read_exact(&mut head[1..])?,
        }
        let (codec, answer_max, length) = (u32_at(&head, 0), u64_at(&head, 4), u64_at(&head, 12));
        request.clear();
        // Grows with what arrives, not with what is said.
        if (&mut input).take(length).read_to_end(&mut request)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let answer = if codec == ECHO {
            Ok(Answer {
                head: request.clone(),
                body: Box::new(Vec::new()),
            })
        } else {
            match codecs.iter().find(|known| known.id == codec) {
                Some(codec) => catch_unwind(AssertUnwindSafe(|| (codec.run)(&request, answer_max)))
                    .unwrap_or_else(|_| Err(Fault::internal("codec panics"))),
                None => Err(Fault::internal(format!("no codec {codec}"))),
            }
        };
        match answer {
            Ok(answer) => {
                let length = (answer.head.len() + answer.body.len()) as u64;
                write_head(&mut output, 0, length)?;
                output.write_all(&answer.head)?;
                output.write_all(&answer.body)?;
            }
            Err(fault) => {
                let status = KINDS
                    .iter()
                    .position(|kind| *kind == fault.kind)
                    .map_or(5, |index| index as u32 + 1);
                let detail = &fault.detail.as_bytes()[..fault.detail.len().min(DETAIL_BYTES as usize)];
                write_head(&mut output, status, detail.len() as u64)?;
                output.write_all(detail)?;
            }
        }
        output.flush()?;
    }
}

fn write_head(output: &mut impl Write, status: u32, length: u64) -> io::Result<()> {
    let mut head = [0; 12];
    head[..4].copy_from_slice(&status.to_le_bytes());
    head[4..].copy_from_slice(&length.to_le_bytes());
    output.write_all(&head)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8]
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Children that run codecs.
#[derive(Debug)]
pub struct Workers {
    guard: Duration,
    idle: Mutex<Vec<Worker>>,
    nursery: Arc<Nursery>,
}

impl Workers {
    /// Children that are started by this command. None is started yet.
    pub fn new(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        Workers {
            guard: GUARD,
            idle: Mutex::new(Vec::new()),
            nursery: Arc::new(Nursery {
                program: program.into(),
                arguments: arguments.into_iter().map(Into::into).collect(),
                spares: Mutex::default(),
            }),
        }
    }

    /// How long an answer may take: 20 seconds unless set. A request that takes longer ends in `Fault::limit`.
    #[must_use]
    pub fn guard(mut self, guard: Duration) -> Self {
        self.guard = guard;
        self
    }

    /// Starts a child and sees whether it answers, so that a wrong command is known before there is a record.
    pub fn check(&self) -> Result<(), Fault> {
        let answer = self.call(ECHO, &[READY], READY.len() as u64)?;
        if answer != READY {
            return Err(Fault::internal("codec worker answers something else"));
        }
        Ok(())
    }

    /// Sends a request, the parts of which are put together, and waits for its answer of at most `answer_max` bytes.
    ///
    /// Faults of the codec come back as they are. A child that ends or answers nonsense is `Fault::internal`; one that
    /// takes longer than the guard, or has a longer answer, is `Fault::limit`. Each such child is killed. One that has
    /// answered before gets a successor that is asked once more, so that an answer depends on its request alone.
    pub fn call(&self, codec: u32, request: &[&[u8]], answer_max: u64) -> Result<Vec<u8>, Fault> {
        self.call_within(codec, request, answer_max, self.guard)
    }

    /// The same with a guard for this request: some take longer by nature.
    pub fn call_within(
        &self,
        codec: u32,
        request: &[&[u8]],
        answer_max: u64,
        guard: Duration,
    ) -> Result<Vec<u8>, Fault> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let is_fresh = known.is_none();
        let mut worker = known.map_or_else(|| Nursery::take(&self.nursery), Ok)?;
        let mut outcome = worker.ask(codec, request, answer_max, guard);
        if !is_fresh && matches!(outcome, Outcome::Broken(_)) {
            worker.end();
            worker = Nursery::take(&self.nursery)?;
            outcome = worker.ask(codec, request, answer_max, guard);
        }
        match outcome {
            Outcome::Answer(answer) => {
                idle().push(worker);
                answer
            }
            Outcome::Late => {
                worker.end();
                Err(Fault::limit(format!("codec worker takes longer than {guard:?}")))
            }
            Outcome::Broken(how) => {
                worker.end();
                Err(Fault::internal(format!("codec worker {how}")))
            }
        }
    }
}

/// What a child is asked to see whether it is one.
const READY: &[u8] = b"ready";

/// Starts children, some of them ahead.
#[derive(Debug)]
struct Nursery {
    program: OsString,
    arguments: Vec<OsString>,
    spares: Mutex<Spares>,
}

#[derive(Debug, Default)]
struct Spares {
    /// Children that have answered, but nothing of a record.
    ready: Vec<Worker>,
    /// How many are being started.
    coming: usize,
}

impl Nursery {
    /// A child that no record has seen: a spare one, or one that is started now. Others are started in its place.
    fn take(nursery: &Arc<Nursery>) -> Result<Worker, Fault> {
        let spare = nursery.spares().ready.pop();
        let worker = spare.map_or_else(|| nursery.start(), Ok)?;
        Nursery::refill(nursery);
        Ok(worker)
    }

    fn refill(nursery: &Arc<Nursery>) {
        let missing = {
            let mut spares = nursery.spares();
            let missing = SPARES.saturating_sub(spares.ready.len() + spares.coming);
            spares.coming += missing;
            missing
        };
        for _ in 0..missing {
            let own = Arc::clone(nursery);
            let made = thread::Builder::new().name("codec-worker-spare".into());
            if made.spawn(move || own.start_ahead()).is_err() {
                nursery.spares().coming -= 1;
            }
        }
    }

    /// Where it fails there is one spare less; who needs a child then starts one and sees why.
    fn start_ahead(&self) {
        let worker = self.start().ok().filter(|worker| {
            let outcome = worker.ask(ECHO, &[READY], READY.len() as u64, GUARD);
            matches!(outcome, Outcome::Answer(Ok(answer)) if answer == READY)
        });
        let mut spares = self.spares();
        spares.coming -= 1;
        spares.ready.extend(worker);
    }

    fn spares(&self) -> MutexGuard<'_, Spares> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<Worker, Fault> {
        let not_started = |error: io::Error| Fault::internal(format!("codec worker does not start: {error}"));
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(not_started)?;
        let input = child
            .stdin
            .take()
            .expect("standard input was asked for as a pipe");
        let output = child
            .stdout
            .take()
            .expect("standard output was asked for as a pipe");
        widen(&input);
        widen(&output);
        let (requests, incoming) = channel();
        let (outgoing, answers) = channel();
        let attendant = thread::Builder::new().name("codec-worker".into());
        let spawned = attendant.spawn(move || attend(&incoming, &outgoing, input, output));
        let worker = Worker {
            child: Some(child),
            requests,
            answers,
        };
        // Dropped on an error, which ends the child.
        spawned.map_err(not_started)?;
        Ok(worker)
    }
}

/// The buffer of a pipe, where the system lets it be set: with the usual 64 KiB each picture would wake both sides
/// hundreds of times.
const PIPE_BYTES: i32 = 1 << 20;

/// Gives a pipe a larger buffer. Where that is refused, it works all the same.
#[cfg(target_os = "linux")]
fn widen(pipe: impl std::os::fd::AsFd) {
    let _ = nix::fcntl::fcntl(pipe, nix::fcntl::FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
}

#[cfg(not(target_os = "linux"))]
fn widen<T>(_: T) {}

/// What became of a request.
enum Outcome {
    Answer(Result<Vec<u8>, Fault>),
    Late,
    Broken(String),
}

struct Request {
    bytes: Vec<u8>,
    answer_max: u64,
}

/// A child, and the thread that talks to it: pipes have no deadline, channels do.
#[derive(Debug)]
struct Worker {
    child: Option<Child>,
    requests: Sender<Request>,
    answers: Receiver<Outcome>,
}

impl Worker {
    fn ask(&self, codec: u32, request: &[&[u8]], answer_max: u64, guard: Duration) -> Outcome {
        let length: usize = request.iter().map(|part| part.len()).sum();
        let mut bytes = Vec::with_capacity(20 + length);
        bytes.extend_from_slice(&codec.to_le_bytes());
        bytes.extend_from_slice(&answer_max.to_le_bytes());
        bytes.extend_from_slice(&(length as u64).to_le_bytes());
        for part in request {
            bytes.extend_from_slice(part);
        }
        // An attendant that has ended shows in the next line.
        let _ = self.requests.send(Request { bytes, answer_max });
        match self.answers.recv_timeout(guard) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Outcome::Late,
            Err(RecvTimeoutError::Disconnected) => Outcome::Broken("has ended".into()),
        }
    }

    fn end(self) {
        drop(self);
    }
}

impl Drop for Worker {
    /// Kills the child. Its end is waited for elsewhere, as a process may take long to die.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = thread::Builder::new().spawn(move || child.wait());
        }
    }
}

/// Hands requests to the child and answers back, until either side ends.
fn attend(
    incoming: &Receiver<Request>,
    outgoing: &Sender<Outcome>,
    mut input: ChildStdin,
    mut output: ChildStdout,
) {
    while let Ok(request) = incoming.recv() {
        let outcome = exchange(&request, &mut input, &mut output);
        let is_broken = matches!(outcome, Outcome::Broken(_));
        if outgoing.send(outcome).is_err() || is_broken {
            return;
        }
    }
}

fn exchange(request: &Request, input: &mut impl Write, output: &mut impl Read) -> Outcome {
    let ends = |_: io::Error| Outcome::Broken("ends before it answers".into());
    let mut exchange = || {
        input.write_all(&request.bytes).map_err(ends)?;
        input.flush().map_err(ends)?;
        let mut head = [0; 12];
        output.read_exact(&mut head).map_err(ends)?;
        let (status, length) = (u32_at(&head, 0), u64_at(&head, 4));
        let length_max = if status == 0 {
            request.answer_max
        } else {
            DETAIL_BYTES
        };
        if length > length_max || status as usize > KINDS.len() {
            return Err(Outcome::Broken(format!(
                "answers with status {status} and {length} bytes of at most {length_max}"
            )));
        }
        let mut data = Vec::with_capacity(length as usize);
        let read = output.take(length).read_to_end(&mut data).map_err(ends)?;
        if read as u64 != length {
            return Err(ends(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(match status.checked_sub(1) {
            None => Ok(data),
            Some(kind) => Err(Fault::new(KINDS[kind as usize], String::from_utf8_lossy(&data))),
        })
    };
    match exchange() {
        Ok(answer) => Outcome::Answer(answer),
        Err(outcome) => outcome,
    }
}

static WORKERS: OnceLock<Workers> = OnceLock::new();

/// Gives this process its workers, once; later ones are handed back.
pub fn use_workers(workers: Workers) -> Result<(), Workers> {
    WORKERS.set(workers)
}

/// The workers of this process.
pub fn workers() -> Option<&'static Workers> {
    WORKERS.get()
}
