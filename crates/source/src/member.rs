//! Objects made of compressed members: gzip members and zstd frames that can be read from wherever one starts.
//!
//! A *member* is read at a place where one begins. It is inflated whole if that takes at most
//! `record_bytes + header_bytes` (see [`Limits`]), and streamed beyond. Damage in a member (bad data, a wrong
//! checksum, an early end) ends what can be looked at in it and is told once.
//!
//! Members are found again after damage, and at the start of a slice, by looking for the next place that *looks
//! like a member with a record in it*: the magic bytes, and data that inflates to the beginning of a record. That
//! is decided by the bytes at that place alone, so that neighbouring slices agree. The one thing that fools it is
//! an archive inside a record that deflate stored uncompressed.

use std::sync::Arc;

use gristmill_core::{Fault, FaultKind, Limits, Object, Result};
use memchr::memmem;

use crate::{
    stored,
    window::{Buffer, Peek, Window},
};

/// One way of compressing members.
pub(crate) trait Codec: Send {
    /// Whether a member (or a frame that holds no data) may begin with these stored bytes.
    fn begins(&self, stored: &[u8]) -> bool;

    /// The bytes that every member with data begins with.
    fn magic(&self) -> &'static [u8];

    /// Inflates the member at the start of `stored` into `output`, which may grow to `most` bytes. Gives stored
    /// and inflated length, or `None` if it is damaged, longer, or not all there.
    fn whole(&mut self, _stored: &[u8], _output: &mut Vec<u8>, _most: usize) -> Option<(usize, usize)> {
        None
    }

    /// Begins a member.
    fn restart(&mut self) -> Result<()>;

    /// Inflates some more of the member; the error says what is wrong with the data.
    fn step(&mut self, stored: &[u8], output: &mut [u8]) -> Result<Step, String>;
}

/// What [`Codec::step`] did.
pub(crate) struct Step {
    pub(crate) consumed: usize,
    pub(crate) produced: usize,
    pub(crate) ended: bool,
}

/// Stored bytes that lie ready before a member is inflated in one call; longer members are streamed.
const LOOK_AHEAD: usize = 1 << 20;
/// Stored bytes that may be needed to inflate the beginning of a record.
const PROBE_STORED: usize = 16 << 10;

/// What stands at a place in the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// A member, intact or not; its bytes can be looked at.
    Member,
    /// Something that is no member.
    Junk,
    /// The end of the object.
    End,
}

/// Reads members one after another; looks into the one that was opened last.
pub(crate) struct Members {
    object: Arc<dyn Object>,
    codec: Box<dyn Codec>,
    input: Window,
    output: Buffer,
    /// Most inflated bytes of a member that is held whole.
    most: usize,
    /// Where the open member starts.
    offset: u64,
    /// Whether the open member ended, or broke off.
    ended: bool,
    length: Option<u64>,
    /// Whether the open member broke off and its damage has not been passed over yet.
    is_broken: bool,
    /// What to tell of it.
    damage: Option<Fault>,
}

impl Members {
    /// Members of `object` from `start` on.
    pub(crate) fn new(
        object: Arc<dyn Object>,
        codec: Box<dyn Codec>,
        start: u64,
        limits: &Limits,
    ) -> Result<Self> {
        let input = Window::new(stored::open(object.as_ref(), start)?, start);
        Ok(Members {
            object,
            codec,
            input,
            output: Buffer::default(),
            most: limits.record_bytes.saturating_add(limits.header_bytes),
            offset: start,
            ended: true,
            length: None,
            is_broken: false,
            damage: None,
        })
    }

    /// Where the next member is expected.
    pub(crate) fn position(&self) -> u64 {
        self.input.position()
    }

    /// Where the open member starts.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Stored length of the open member, up to the next one if it is damaged. `None` as long as a streamed member
    /// has not been read to its end.
    pub(crate) fn length(&self) -> Option<u64> {
        let is_drained = self.ended && self.output.len() == 0;
        self.length
            .or_else(|| is_drained.then(|| self.input.position() - self.offset))
    }

    /// Opens what stands at [`position`](Self::position); `begins` tells the beginning of a record.
    ///
    /// A member that is held whole and damaged is behind us afterwards: the next position is that of the next
    /// member that can be found.
    pub(crate) fn open(&mut self, begins: &dyn Fn(&[u8]) -> bool) -> Result<Opened> {
        self.offset = self.input.position();
        self.output.clear();
        (self.ended, self.damage, self.length, self.is_broken) = (true, None, None, false);
        let stored = self.input.peek(LOOK_AHEAD)?;
        if stored.is_empty() {
            return Ok(Opened::End);
        }
        if !self.codec.begins(stored) {
            return Ok(Opened::Junk);
        }
        let (codec, most) = (&mut self.codec, self.most);
        if let Some(consumed) = self.output.refill(|output| codec.whole(stored, output, most)) {
            self.input.consume(consumed);
            self.length = Some(consumed as u64);
            return Ok(Opened::Member);
        }
        self.codec.restart()?;
        self.ended = false;
        while !self.ended && self.output.len() <= self.most {
            self.inflate()?;
        }
        if self.output.len() > self.most {
            return Ok(Opened::Member);
        }
        if std::mem::take(&mut self.is_broken) {
            let start = self.offset;
            self.input = Window::new(stored::open(self.object.as_ref(), start)?, start);
            if !self.looks_like_a_record(begins)? {
                return Ok(Opened::Junk);
            }
            self.input.peek(1)?;
            self.input.consume(1);
            let is_found = self.find(begins)?;
            if let Some(fault) = self.damage.as_mut().filter(|_| is_found) {
                fault.kind = FaultKind::Malformed;
            }
        }
        self.length = Some(self.input.position() - self.offset);
        Ok(Opened::Member)
    }

    /// Leaves the open member. What follows damage in a streamed member is passed over up to the next member.
    pub(crate) fn close(&mut self, begins: &dyn Fn(&[u8]) -> bool) -> Result<()> {
        if std::mem::take(&mut self.is_broken) {
            self.find(begins)?;
        }
        Ok(())
    }

    /// Passes over junk at [`position`](Self::position), up to the next member; gives its length, and
    /// what it is. A member that breaks off at the end, before a record shows in it, is told as that.
    pub(crate) fn pass(&mut self, begins: &dyn Fn(&[u8]) -> bool) -> Result<(u64, Fault)> {
        let start = self.input.position();
        self.input.consume(1);
        let is_found = self.find(begins)?;
        let length = self.input.position() - start;
        let fault = self.damage.take().filter(|_| !is_found);
        let junk = || Fault::malformed(format!("{length} bytes that are no member with records"));
        Ok((length, fault.unwrap_or_else(junk)))
    }

    /// Goes to the next place that looks like a member with a record in it, or to the end. Says whether there is
    /// one.
    pub(crate) fn find(&mut self, begins: &dyn Fn(&[u8]) -> bool) -> Result<bool> {
        let magic = self.codec.magic();
        loop {
            let stored = self.input.peek(LOOK_AHEAD)?;
            if stored.len() < magic.len() {
                let rest = stored.len();
                self.input.consume(rest);
                return Ok(false);
            }
            match memmem::find(stored, magic) {
                Some(at) => {
                    self.input.consume(at);
                    if self.looks_like_a_record(begins)? {
                        return Ok(true);
                    }
                    self.input.consume(1);
                }
                None => {
                    let seen = stored.len() + 1 - magic.len();
                    self.input.consume(seen);
                }
            }
        }
    }

    /// Whether the stored bytes at [`position`](Self::position) look like a member with a record in it.
    pub(crate) fn looks_like_a_record(&mut self, begins: &dyn Fn(&[u8]) -> bool) -> Result<bool> {
        let stored = self.input.peek(PROBE_STORED)?;
        let mut stored = &stored[..stored.len().min(PROBE_STORED)];
        if !stored.starts_with(self.codec.magic()) || !self.codec.begins(stored) {
            return Ok(false);
        }
        self.codec.restart()?;
        let mut head = [0; PROBE];
        let mut filled = 0;
        while filled < PROBE {
            let Ok(step) = self.codec.step(stored, &mut head[filled..]) else {
                break;
            };
            stored = &stored[step.consumed..];
            filled += step.produced;
            if step.ended || step.consumed + step.produced == 0 {
                break;
            }
        }
        Ok(begins(&head[..filled]))
    }

    fn inflate(&mut self) -> Result<()> {
        let stored = self.input.peek(1)?;
        let step = self.codec.step(stored, self.output.space(0));
        match step {
            Ok(step) => {
                let is_stuck = step.consumed + step.produced == 0 && !step.ended;
                self.output.filled(step.produced);
                self.ended = step.ended;
                if is_stuck {
                    let (seen, before) = (stored.len(), self.input.position());
                    if self.input.peek(seen + 1)?.len() == seen {
                        self.input.consume(seen);
                        let length = before + seen as u64 - self.offset;
                        self.break_off(Fault::truncated(format!(
                            "compressed data ends {length} bytes after the start of its member"
                        )));
                    }
                } else {
                    self.input.consume(step.consumed);
                }
            }
            Err(problem) => self.break_off(Fault::malformed(problem)),
        }
        Ok(())
    }

    fn break_off(&mut self, fault: Fault) {
        self.ended = true;
        self.is_broken = true;
        self.damage = Some(fault);
    }
}

/// Inflated bytes by which the beginning of a record is recognised.
pub(crate) const PROBE: usize = 1 << 10;

impl Peek for Members {
    fn peek(&mut self, n: usize) -> Result<&[u8]> {
        while self.output.len() < n && !self.ended {
            self.inflate()?;
        }
        Ok(self.output.bytes())
    }

    fn consume(&mut self, n: usize) {
        self.output.consume(n);
    }

    fn take_damage(&mut self) -> Option<Fault> {
        self.damage.take()
    }
}
