//! The members of a tar stream one after another, damage included.

use std::sync::Arc;

use gristmill_core::{Fault, FaultKind, Limits, Object, Result};
use memchr::memmem;

use super::block::{self, BLOCK, Header, MAGIC};
use crate::{
    stored::{self, Compression},
    window::{Peek, Window},
};

/// A member, or what is wrong at a place.
#[derive(Debug)]
pub(crate) struct Member {
    /// Where its first header block stands.
    pub(crate) offset: u64,
    /// From there to the end of its last block.
    pub(crate) length: u64,
    /// Its name; `None` if it is not known.
    pub(crate) name: Option<String>,
    /// Why it has no content.
    pub(crate) fault: Option<Fault>,
}

/// Reads a tar stream; holds the content of the current member.
pub(crate) struct Members {
    window: Window,
    /// The object, if it is not compressed: large members are leapt over.
    object: Option<Arc<dyn Object>>,
    limits: Limits,
    /// What the global pax headers say.
    global: Pax,
    /// Bytes of content in view, and with their padding.
    content: usize,
    padded: usize,
    /// Whether two empty blocks were seen, or the end was told.
    has_ended: bool,
    /// Whether the padding of the last member breaks off.
    is_short: bool,
}

/// What extends the header of a member.
#[derive(Debug, Clone, Default)]
struct Pax {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
    fault: Option<Fault>,
}

impl Members {
    /// The members of a whole object.
    pub(crate) fn new(object: &Arc<dyn Object>, compression: Compression, limits: &Limits) -> Result<Self> {
        let is_plain = compression == Compression::None;
        let reader = if is_plain {
            stored::open(object.as_ref(), 0)?
        } else {
            stored::decompress(object, compression)?
        };
        Ok(Members {
            window: Window::new(reader, 0),
            object: is_plain.then(|| object.clone()),
            limits: limits.clone(),
            global: Pax::default(),
            content: 0,
            padded: 0,
            has_ended: false,
            is_short: false,
        })
    }

    /// The members of nothing.
    pub(crate) fn empty(limits: &Limits) -> Self {
        Members {
            window: Window::empty(),
            object: None,
            limits: limits.clone(),
            global: Pax::default(),
            content: 0,
            padded: 0,
            has_ended: false,
            is_short: false,
        }
    }

    /// The content of the current member; empty if that has a fault.
    pub(crate) fn content(&mut self) -> Result<&[u8]> {
        Ok(&self.window.peek(0)?[..self.content])
    }

    /// Leaves the current member and goes to the next file, link or damage.
    pub(crate) fn next(&mut self) -> Result<Option<Member>> {
        self.window.consume(self.padded);
        (self.content, self.padded) = (0, 0);
        let mut offset = self.window.position();
        let mut pax = self.global.clone();
        let mut is_extended = false;
        loop {
            let bytes = self.window.peek(BLOCK)?;
            let seen = bytes.len();
            if seen < BLOCK {
                return self.end(offset, is_extended);
            }
            let block = &bytes[..BLOCK];
            if block::is_empty(block) && !is_extended {
                self.pass_empty()?;
                offset = self.window.position();
                continue;
            }
            let Some(header) = block::header(block) else {
                let fault = match block.get(MAGIC.0..MAGIC.0 + MAGIC.1.len()) {
                    Some(magic) if magic == MAGIC.1 => Some("checksum of the header is wrong"),
                    _ => None,
                };
                return self.pass_damage(offset, None, fault.map(Fault::malformed));
            };
            self.has_ended = false;
            let (kind, size) = (header.kind, header.size);
            match kind {
                b'x' | b'X' | b'g' | b'L' | b'K' => {
                    is_extended = true;
                    if let Some(cut) = self.extend(kind, size, &mut pax)? {
                        return self.pass_damage(offset, None, Some(cut));
                    }
                    if kind == b'g' {
                        // A global header is no part of the member that follows.
                        is_extended = false;
                        offset = self.window.position();
                    }
                }
                // Directories, devices, pipes and volume labels have no content.
                b'5' | b'3' | b'4' | b'6' | b'V' => {
                    self.window.consume(BLOCK);
                    (offset, pax, is_extended) = (self.window.position(), self.global.clone(), false);
                }
                _ => {
                    let header = header.into_owned();
                    if let Some(member) = self.member(offset, &header, pax)? {
                        return Ok(Some(member));
                    }
                    (offset, pax, is_extended) = (self.window.position(), self.global.clone(), false);
                }
            }
        }
    }

    /// The member whose own header block stands here; `None` if it has no content.
    fn member(&mut self, offset: u64, header: &Header<'_>, pax: Pax) -> Result<Option<Member>> {
        self.window.consume(BLOCK);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let name = text(pax.name.as_deref().unwrap_or(&header.name));
        let size = pax.size.unwrap_or(header.size);
        // Old writers mark directories by their name alone.
        if name.ends_with('/') && (header.kind == 0 || header.kind == b'0' && size == 0) {
            return Ok(None);
        }
        let link = match header.kind {
            b'1' => Some("hard"),
            b'2' => Some("symbolic"),
            _ => None,
        };
        if let Some(kind) = link {
            let target = text(pax.link.as_deref().unwrap_or(&header.link));
            let target: String = target.escape_debug().take(100).collect();
            let fault = Fault::unsupported(format!("{kind} link to \"{target}\""));
            return Ok(Some(self.found(offset, name, Some(fault))));
        }
        let mut fault = match header.kind {
            b'0' | b'7' | 0 | b'D' => None,
            b'S' => Some(Fault::unsupported("sparse file")),
            b'M' => Some(Fault::unsupported("file that goes on from another volume")),
            kind => Some(Fault::unsupported(format!(
                "member of the kind \"{}\"",
                kind.escape_ascii()
            ))),
        };
        if pax.is_sparse {
            fault = Some(Fault::unsupported("sparse file"));
        }
        if header.is_extended && !self.pass_map()? {
            return self.pass_damage(offset, Some(name), Some(Fault::truncated("map of a sparse file")));
        }
        let most = self.limits.record_bytes as u64;
        fault = fault.or(pax.fault);
        if size > most {
            fault.get_or_insert_with(|| Fault::limit(format!("member of {size} bytes exceeds {most} bytes")));
        }
        if header.kind == b'D' || fault.is_some() {
            return self.leap(offset, name, size, fault);
        }
        self.hold(offset, name, size as usize).map(Some)
    }

    /// Brings content that is within the limits into view.
    fn hold(&mut self, offset: u64, name: String, size: usize) -> Result<Member> {
        let padded = size.next_multiple_of(BLOCK);
        let bytes = self.window.peek(padded + BLOCK)?;
        let seen = bytes.len();
        let rest = bytes.get(padded..).unwrap_or_default();
        let is_followed = seen >= size && may_follow(rest);
        let is_last = seen >= size && (rest.len() < BLOCK || block::is_empty(&rest[..BLOCK]));
        // Where no member follows and one begins within, bytes were lost on the way. At the end of an archive only one
        // out of step shows that: the content may be an archive itself.
        if !is_followed || is_last {
            let within = &bytes[..seen.min(padded + BLOCK)];
            if let Some(at) = find(within, 0, is_last).filter(|at| *at < padded) {
                self.window.consume(at);
                let fault = Fault::malformed(format!("content of {size} bytes is not followed by a member"));
                return Ok(self.found(offset, name, Some(fault)));
            }
        }
        if seen < size {
            let fault = Fault::truncated(format!("content of {size} bytes breaks off after {seen}"));
            let fault = self.window.take_damage().unwrap_or(fault);
            self.window.consume(seen);
            self.has_ended = true;
            return Ok(self.found(offset, name, Some(fault)));
        }
        (self.content, self.padded) = (size, padded.min(seen));
        self.is_short = seen < padded;
        let length = self.window.position() + self.padded as u64 - offset;
        Ok(Member {
            offset,
            length,
            name: Some(name),
            fault: None,
        })
    }

    /// Passes over content that is not held. Gives the member if it has a fault.
    fn leap(&mut self, offset: u64, name: String, size: u64, fault: Option<Fault>) -> Result<Option<Member>> {
        let padded = size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
        let short = |seen: u64| Fault::truncated(format!("content of {size} bytes breaks off after {seen}"));
        let is_held = padded <= self.window.peek(0)?.len() as u64;
        let start = self.window.position();
        if let Some(object) = self.object.clone().filter(|_| !is_held) {
            let target = start.saturating_add(padded);
            let left = object.len() - start.min(object.len());
            if size > left {
                return self.pass_damage(offset, Some(name), Some(short(left)));
            }
            let target = target.min(object.len());
            let tail = object.read_at(target..object.len().min(target + BLOCK as u64))?;
            if !may_follow(&tail) && !tail.is_empty() {
                let fault = Fault::malformed(format!("content of {size} bytes is not followed by a member"));
                return self.pass_damage(offset, Some(name), Some(fault));
            }
            self.window = Window::new(stored::open(object.as_ref(), target)?, target);
        } else {
            let skipped = self.window.skip(padded)?;
            if skipped < size {
                self.has_ended = true;
                let fault = self.window.take_damage().unwrap_or_else(|| short(skipped));
                return Ok(Some(self.found(offset, name, Some(fault))));
            }
        }
        Ok(fault.map(|fault| self.found(offset, name, Some(fault))))
    }

    fn found(&self, offset: u64, name: String, fault: Option<Fault>) -> Member {
        Member {
            offset,
            length: self.window.position() - offset,
            name: Some(name),
            fault,
        }
    }

    /// Reads an extended header of `size` bytes behind the block here; gives a fault if it breaks off.
    fn extend(&mut self, kind: u8, size: u64, pax: &mut Pax) -> Result<Option<Fault>> {
        let most = self.limits.header_bytes as u64;
        if size > most {
            self.window.consume(BLOCK);
            let padded = size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
            if self.window.skip(padded)? < padded {
                return Ok(Some(Fault::truncated(format!(
                    "extended header of {size} bytes breaks off"
                ))));
            }
            let fault = Fault::limit(format!("extended header of {size} bytes exceeds {most} bytes"));
            pax.fault.get_or_insert(fault);
            return Ok(None);
        }
        let size = size as usize;
        let whole = BLOCK + size.next_multiple_of(BLOCK);
        let bytes = self.window.peek(whole)?;
        if bytes.len() < whole {
            self.window.consume(BLOCK);
            return Ok(Some(Fault::truncated("extended header breaks off")));
        }
        let bytes = &bytes[BLOCK..BLOCK + size];
        match kind {
            b'L' => pax.name = Some(block::until_nul(bytes).to_vec()),
            b'K' => pax.link = Some(block::until_nul(bytes).to_vec()),
            b'g' => {
                self.global.read(bytes);
                *pax = self.global.clone();
            }
            _ => pax.read(bytes),
        }
        self.window.consume(whole);
        Ok(None)
    }

    /// Passes over the blocks with the map of a sparse file; false if they break off.
    fn pass_map(&mut self) -> Result<bool> {
        loop {
            let bytes = self.window.peek(BLOCK)?;
            let Some(more) = bytes.get(504).filter(|_| bytes.len() >= BLOCK) else {
                return Ok(false);
            };
            let is_last = *more == 0;
            self.window.consume(BLOCK);
            if is_last {
                return Ok(true);
            }
        }
    }

    /// Passes over empty blocks; two of them end the archive, though another one may follow.
    fn pass_empty(&mut self) -> Result<()> {
        let mut count = 0;
        loop {
            let bytes = self.window.peek(BLOCK)?;
            let blocks = bytes.chunks_exact(BLOCK);
            let empty = blocks.take_while(|block| block::is_empty(block)).count();
            count += empty;
            self.window.consume(empty * BLOCK);
            if empty == 0 {
                self.has_ended |= count > 1;
                return if count > 1 { self.pass_leftovers() } else { Ok(()) };
            }
        }
    }

    /// Passes over what a writer's buffer still held behind the end of the archive: it fills the last record of the
    /// file and has no end of its own.
    fn pass_leftovers(&mut self) -> Result<()> {
        let rest = (RECORD - self.window.position() % RECORD) as usize;
        let bytes = self.window.peek(rest + 1)?;
        if bytes.len() == rest && !block::is_empty(&bytes[rest.saturating_sub(BLOCK)..]) {
            self.window.consume(rest);
        }
        Ok(())
    }

    /// What is told at the end of the stream, of which less than a block is left.
    fn end(&mut self, offset: u64, is_extended: bool) -> Result<Option<Member>> {
        let bytes = self.window.peek(BLOCK)?;
        let (seen, is_padding) = (bytes.len(), block::is_empty(bytes));
        self.window.consume(seen);
        let damage = self.window.take_damage();
        let is_whole = is_padding && !is_extended && !self.is_short;
        if damage.is_none() && (is_whole || self.has_ended) {
            return Ok(None);
        }
        self.has_ended = true;
        let fault = damage.unwrap_or_else(|| {
            Fault::truncated(if is_extended && seen == 0 {
                "archive ends behind an extended header".to_owned()
            } else if self.is_short {
                "archive breaks off in the padding of its last member".to_owned()
            } else {
                format!("archive breaks off after {seen} bytes of a block")
            })
        });
        Ok(Some(Member {
            offset,
            length: self.window.position() - offset,
            name: None,
            fault: Some(fault),
        }))
    }

    /// Passes over damage up to the next header; `None` if there is none behind the end of the archive.
    fn pass_damage(
        &mut self,
        offset: u64,
        name: Option<String>,
        fault: Option<Fault>,
    ) -> Result<Option<Member>> {
        if self.window.position() == offset {
            // A header that stands here is the damage.
            let seen = self.window.peek(1)?.len().min(1);
            self.window.consume(seen);
        }
        let is_found = loop {
            let grid = (BLOCK - (self.window.position() - offset) as usize % BLOCK) % BLOCK;
            let bytes = self.window.peek(FIND)?;
            let is_end = bytes.len() < FIND;
            match find(bytes, grid, false) {
                Some(at) => {
                    self.window.consume(at);
                    break true;
                }
                None => {
                    let step = if is_end {
                        bytes.len()
                    } else {
                        bytes.len() - BLOCK + 1
                    };
                    self.window.consume(step);
                    if is_end {
                        break false;
                    }
                }
            }
        };
        let length = self.window.position() - offset;
        let damage = self.window.take_damage().filter(|_| !is_found);
        let has_ended = self.has_ended;
        self.has_ended = !is_found;
        if !is_found && has_ended && damage.is_none() {
            return Ok(None);
        }
        let mut fault =
            fault.unwrap_or_else(|| Fault::malformed(format!("{length} bytes that are no member")));
        if is_found && fault.kind == FaultKind::Truncated {
            fault.kind = FaultKind::Malformed;
        }
        Ok(Some(Member {
            offset,
            length,
            name,
            fault: Some(damage.unwrap_or(fault)),
        }))
    }
}

impl Pax {
    fn read(&mut self, bytes: &[u8]) {
        for (key, value) in block::pax(bytes) {
            let number = || std::str::from_utf8(value).ok()?.parse().ok();
            match key {
                b"path" if !self.is_sparse => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" if value.is_empty() => self.size = None,
                b"size" => match number() {
                    Some(size) => self.size = Some(size),
                    None => self.fault = Some(Fault::malformed("size in the pax header is no number")),
                },
                b"GNU.sparse.name" => (self.name, self.is_sparse) = (Some(value.to_vec()), true),
                _ if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
        }
        // An empty value takes back what a global header says.
        self.name = self.name.take().filter(|name| !name.is_empty());
        self.link = self.link.take().filter(|link| !link.is_empty());
    }
}

/// Whether an archive may go on with `rest`: a header, an empty block, or the end.
fn may_follow(rest: &[u8]) -> bool {
    let first = &rest[..rest.len().min(BLOCK)];
    block::is_empty(first) || block::header(first).is_some()
}

/// The first header in `bytes`: at blocks, of which the first one begins at `grid` (unless only those out of step are
/// wanted), or anywhere if it bears the magic of ustar. All of a header must be there, and a name: a header that lost a
/// byte may fit a byte early, without its name.
fn find(bytes: &[u8], grid: usize, is_out_of_step: bool) -> Option<usize> {
    let is_header = |at: &usize| {
        bytes
            .get(*at..*at + BLOCK)
            .is_some_and(|block| block[0] != 0 && block::header(block).is_some())
    };
    let magic = memmem::find_iter(bytes, MAGIC.1)
        .filter_map(|at| at.checked_sub(MAGIC.0))
        .filter(|at| !is_out_of_step || at % BLOCK != grid)
        .find(is_header);
    if is_out_of_step {
        return magic;
    }
    let aligned = (grid..bytes.len()).step_by(BLOCK).find(is_header);
    [magic, aligned].into_iter().flatten().min()
}

/// Bytes that writers fill up with empty blocks: 20 blocks.
const RECORD: u64 = 20 * BLOCK as u64;
/// Bytes that are searched at once.
const FIND: usize = 64 << 10;
