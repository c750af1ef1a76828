//! Fragments: `moof` boxes and the packets that their runs tell of.

use super::boxes::{Boxes, Found, find, full};
use crate::cursor::Cursor;

/// The packets of a track in all fragments of a file.
pub(super) struct Fragments<'a> {
    bytes: &'a [u8],
    top: Boxes<'a>,
    id: u32,
    default_size: u32,
    /// The fragment that is read: where it starts, and its tracks and their runs that are left.
    fragment: Option<(usize, Boxes<'a>)>,
    track: Option<Traf<'a>>,
    run: Option<Run<'a>>,
    /// Bytes that are still to be given: runs that lie may name the same ones again and again.
    budget: usize,
    pub(super) is_broken: bool,
}

/// The part of a fragment that a track has.
struct Traf<'a> {
    boxes: Boxes<'a>,
    base: u64,
    /// Where the next run starts unless it says it.
    next: u64,
    size: u32,
}

/// Packets that follow each other.
struct Run<'a> {
    cursor: Cursor<'a>,
    flags: u32,
    left: u32,
    offset: u64,
}

impl<'a> Fragments<'a> {
    pub(super) fn new(bytes: &'a [u8], movie: &'a [u8], id: u32) -> Fragments<'a> {
        let default_size = || {
            let extends = find(movie, b"mvex")?;
            Boxes::new(extends)
                .filter(|found| &found.kind == b"trex")
                .find_map(|found| {
                    let (_, _, mut cursor) = full(found.body)?;
                    let track = cursor.u32_be()?;
                    cursor.skip(8)?;
                    let size = cursor.u32_be()?;
                    (track == id).then_some(size)
                })
        };
        Fragments {
            bytes,
            top: Boxes::new(bytes),
            id,
            default_size: default_size().unwrap_or(0),
            fragment: None,
            track: None,
            run: None,
            budget: bytes.len(),
            is_broken: false,
        }
    }

    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if let Some(run) = &mut self.run {
                let size = self.track.as_ref().map_or(0, |track| track.size);
                match packet(run, size) {
                    Some((offset, size)) => {
                        let data = usize::try_from(offset)
                            .ok()
                            .and_then(|start| self.bytes.get(start..));
                        let data = data.and_then(|data| data.get(..size as usize));
                        match data {
                            Some([]) => continue,
                            Some(data) => {
                                let Some(left) = self.budget.checked_sub(data.len()) else {
                                    self.is_broken = true;
                                    return None;
                                };
                                self.budget = left;
                                return Some(data);
                            }
                            None => {
                                self.is_broken = true;
                                self.run = None;
                            }
                        }
                    }
                    None => {
                        if let Some(track) = &mut self.track {
                            track.next = run.offset;
                        }
                        self.run = None;
                    }
                }
            } else if let Some(track) = &mut self.track {
                match track.boxes.next() {
                    Some(found) if &found.kind == b"trun" => self.run = runs(track, found.body),
                    Some(_) => {}
                    None => self.track = None,
                }
            } else if let Some((start, boxes)) = &mut self.fragment {
                match boxes.next() {
                    Some(found) if &found.kind == b"traf" => {
                        self.track = traf(&found, *start as u64, self.id, self.default_size);
                    }
                    Some(_) => {}
                    None => self.fragment = None,
                }
            } else {
                let found = self.top.next()?;
                if &found.kind == b"moof" {
                    self.is_broken |= found.is_cut;
                    self.fragment = Some((found.start, Boxes::new(found.body)));
                }
            }
        }
    }
}

/// The next packet of a run: where it lies, and its size.
fn packet(run: &mut Run<'_>, default_size: u32) -> Option<(u64, u32)> {
    run.left = run.left.checked_sub(1)?;
    let mut field = |flag: u32| {
        if run.flags & flag != 0 {
            run.cursor.u32_be().map(Some)
        } else {
            Some(None)
        }
    };
    let _duration = field(0x100)?;
    let size = field(0x200)?;
    let _flags = field(0x400)?;
    let _shift = field(0x800)?;
    let size = size.unwrap_or(default_size);
    if size == 0 && run.flags & 0x200 == 0 {
        return None;
    }
    let offset = run.offset;
    run.offset = run.offset.checked_add(u64::from(size))?;
    Some((offset, size))
}

fn traf<'a>(found: &Found<'a>, start: u64, id: u32, default_size: u32) -> Option<Traf<'a>> {
    let (_, flags, mut cursor) = full(find(found.body, b"tfhd")?)?;
    if cursor.u32_be()? != id {
        return None;
    }
    let base = if flags & 1 != 0 { cursor.u64_be()? } else { start };
    if flags & 2 != 0 {
        cursor.skip(4)?;
    }
    if flags & 8 != 0 {
        cursor.skip(4)?;
    }
    let size = if flags & 16 != 0 {
        cursor.u32_be()?
    } else {
        default_size
    };
    Some(Traf {
        boxes: Boxes::new(found.body),
        base,
        next: base,
        size,
    })
}

fn runs<'a>(track: &Traf<'a>, body: &'a [u8]) -> Option<Run<'a>> {
    let (_, flags, mut cursor) = full(body)?;
    let left = cursor.u32_be()?;
    let offset = if flags & 1 != 0 {
        track
            .base
            .checked_add_signed(i64::from(cursor.u32_be()? as i32))?
    } else {
        track.next
    };
    if flags & 4 != 0 {
        cursor.skip(4)?;
    }
    Some(Run {
        cursor,
        flags,
        left,
        offset,
    })
}
