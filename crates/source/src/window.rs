//! A view of a byte stream that moves forward: look ahead, then consume.
//!
//! Formats look at as many bytes as they need ([`Peek::peek`]) and consume what they understood. What is held in
//! memory is what was asked for, rounded up to one read; nothing grows with the stream. A stream that breaks off
//! because its *bytes* are bad ends there and says why ([`Peek::take_damage`]); a stream whose *environment* fails
//! gives an error.

use std::io::{self, Read};

use gristmill_core::{Fault, Result};

use crate::stored::{self, Failure};

/// Looking ahead in a stream.
pub(crate) trait Peek {
    /// The bytes from the current position on: at least `n` of them, unless the stream ends before.
    fn peek(&mut self, n: usize) -> Result<&[u8]>;

    /// Moves past `n` bytes that were seen with [`peek`](Self::peek).
    fn consume(&mut self, n: usize);

    /// Why the stream ended early, told once. Only known when `peek` gave fewer bytes than were asked for.
    fn take_damage(&mut self) -> Option<Fault>;

    /// Moves past up to `n` bytes without holding them; gives how many there were.
    fn skip(&mut self, n: u64) -> Result<u64> {
        let mut left = n;
        while left > 0 {
            let seen = self.peek(1)?.len();
            if seen == 0 {
                break;
            }
            let step = seen.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(step);
            left -= step as u64;
        }
        Ok(n - left)
    }
}

/// Bytes for which room is made as soon as they are asked for.
const TRUSTED: usize = 1 << 20;

/// A [`Peek`] over any reader, such as those of [`stored`].
pub(crate) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Buffer,
    /// Position of the first unconsumed byte.
    position: u64,
    ended: bool,
    damage: Option<Fault>,
}

impl Window {
    /// A window on `reader`, whose first byte has this position.
    pub(crate) fn new(reader: Box<dyn Read + Send>, position: u64) -> Self {
        Window {
            reader,
            buffer: Buffer::default(),
            position,
            ended: false,
            damage: None,
        }
    }

    /// A window on nothing, for slices in which nothing starts: they do not ask the store.
    pub(crate) fn empty() -> Self {
        Window::new(Box::new(io::empty()), 0)
    }

    /// Position of the first unconsumed byte in the stream.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}

impl Peek for Window {
    fn peek(&mut self, n: usize) -> Result<&[u8]> {
        while self.buffer.len() < n && !self.ended {
            // A length that lies takes no more memory than twice what there is.
            let wanted = n.min((2 * self.buffer.len()).max(TRUSTED));
            match self.reader.read(self.buffer.space(wanted)) {
                Ok(0) => self.ended = true,
                Ok(read) => self.buffer.filled(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    match stored::failure(error) {
                        Failure::Damage(fault) => self.damage = Some(fault),
                        Failure::Environment(error) => return Err(error),
                    }
                }
            }
        }
        Ok(self.buffer.bytes())
    }

    fn consume(&mut self, n: usize) {
        self.buffer.consume(n);
        self.position += n as u64;
    }

    fn take_damage(&mut self) -> Option<Fault> {
        self.damage.take()
    }
}

/// Contiguous bytes that are filled at the back and consumed at the front.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// Least room for one read.
    const READ: usize = 256 << 10;
    /// Most memory that is kept for the next member: one member in thousands is larger.
    const KEPT: usize = 4 << 20;
    /// Memory up to here doubles.
    const LARGE: usize = 8 << 20;
    /// How many times what is needed is reserved above that.
    const RESERVED: usize = 8;

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        if self.bytes.len() > Self::LARGE {
            self.bytes = Vec::new();
        }
    }

    pub(crate) fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "only bytes that were seen are consumed");
        self.start += n;
        if self.start == self.end {
            self.clear();
        }
    }

    /// Room behind the bytes, so that `n` in all could be held. Bytes are moved to the front only when at least as
    /// many were consumed, so that a byte is moved once on average; else memory doubles. Above [`LARGE`](Self::LARGE) more is
    /// only reserved, and touched as far as it is filled: what is too long should not cost three times what is allowed.
    pub(crate) fn space(&mut self, n: usize) -> &mut [u8] {
        let wanted = n.saturating_sub(self.len()).max(Self::READ);
        if self.bytes.len() - self.end < wanted {
            if self.start >= self.len() {
                self.bytes.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            let needed = self.end + wanted;
            if self.bytes.len() < needed {
                let doubled = (2 * self.bytes.len()).min(Self::LARGE);
                if needed > Self::LARGE && self.bytes.capacity() < needed {
                    let more = Self::RESERVED.saturating_mul(needed) - self.bytes.len();
                    // Where so much cannot be promised, what is needed has to do.
                    let _ = self.bytes.try_reserve_exact(more);
                }
                self.bytes.resize(needed.max(doubled), 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// Replaces the bytes by what `fill` writes into the whole of the memory held, if it says how much that is.
    pub(crate) fn refill<T>(&mut self, fill: impl FnOnce(&mut Vec<u8>) -> Option<(T, usize)>) -> Option<T> {
        self.clear();
        if self.bytes.len() > Self::KEPT {
            self.bytes.truncate(Self::KEPT);
            self.bytes.shrink_to_fit();
        }
        let (value, written) = fill(&mut self.bytes)?;
        self.filled(written);
        Some(value)
    }

    /// Says that the first `n` bytes of [`space`](Self::space) were filled.
    pub(crate) fn filled(&mut self, n: usize) {
        self.end += n;
        assert!(
            self.end <= self.bytes.len(),
            "a reader fills the room it was given"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_once_and_in_order_whatever_is_looked_at() {
        let bytes: Vec<u8> = (0..2_000_000u32).map(|i| (i % 251) as u8).collect();
        let mut window = Window::new(Box::new(io::Cursor::new(bytes.clone())), 0);
        let (mut seen, mut step) = (Vec::new(), 1);
        loop {
            let ahead = window.peek(step).unwrap();
            if ahead.is_empty() {
                break;
            }
            let taken = ahead.len().min(step / 2 + 1);
            seen.extend_from_slice(&ahead[..taken]);
            window.consume(taken);
            step = step * 7 % 300_000 + 1;
        }
        assert_eq!(seen, bytes);
        assert_eq!(window.position(), bytes.len() as u64);
    }
}
