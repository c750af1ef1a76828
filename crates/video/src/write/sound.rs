//! Sound as MP4 has it: a sample for each frame of the codec, and the description that its decoder needs.
//!
//! - From MP4 and QuickTime samples and descriptions are taken as they are.
//! - AAC with ADTS headers, MPEG sound, AC-3 and E-AC-3 are streams of frames that tell their length: packets of transport streams
//!   and of AVI begin and end anywhere in them. They are cut at their frames; ADTS headers go. A frame begins where the one before
//!   ends, at the time of the packet that it begins in where that is more than a tenth of a second away.
//! - Frames of Opus and FLAC tell how long they are, those of ALAC are alike, those of AAC in Matroska and Flash have 1,024 samples.
//!   Vorbis has the times of its container.
//! - A tick is a sample: readers count what an edit list hides in samples.
//! - PCM is a table of equal samples, one for each time.
//!
//! Sources: ISO/IEC 14496-14 (`esds`), ETSI TS 102 366, annex F (`dac3`, `dec3`), Opus in ISOBMFF 0.8.1 (`dOps`), FLAC in ISOBMFF
//! 1.0.0 (`dfLa`), ISO/IEC 23003-5 (`ipcm`), the registration authority's list of object types (Vorbis, MPEG sound).

use gristmill_core::Fault;

use super::{
    entry::boxed,
    stream::{self, ReadHead},
};
use crate::{
    film::{Film, TickLength, Track},
    read::fields::{array, u16_le, u32_be, u32_le},
};

/// A frame as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    /// In ticks of the track that is written.
    pub(super) time: i64,
    pub(super) duration: u32,
}

/// Sound as it is written.
pub(super) struct Sound {
    pub(super) entry: Vec<u8>,
    pub(super) tick: TickLength,
    pub(super) frames: Vec<Frame>,
    /// Bytes of a sample, if a frame is a row of equal ones that last a tick each.
    pub(super) grain: Option<u32>,
}

/// How far times of a container may be from what frames add up to, in seconds.
const DRIFT_S: f64 = 0.1;

/// Sound of the samples at `places`.
///
/// # Errors
/// `unsupported` for codecs that have no place in MP4, or whose description cannot be made from the stream.
pub(super) fn of(film: &Film<'_>, track: &Track, places: &[usize]) -> Result<Sound, Fault> {
    let refused = || Fault::unsupported(format!("{} cannot be written as mp4", track.codec));
    if !track.entry.is_empty() {
        return Ok(as_it_is(film, track, places, track.entry.clone()));
    }
    let codec = track.codec.as_ref();
    if let Some(pcm) = Pcm::of(codec) {
        return pcm.sound(film, track, places).ok_or_else(refused);
    }
    let head: Option<ReadHead> = match codec {
        "aac" if track.config.is_empty() => Some(stream::adts),
        "mp3" | "mp2" => Some(stream::mpeg),
        "ac3" | "eac3" => Some(stream::dolby),
        _ => None,
    };
    if let Some(head) = head {
        return of_stream(film, track, places, head).ok_or_else(refused);
    }
    let config = &track.config;
    let (kind, described) = match codec {
        "aac" => (b"mp4a", descriptor(0x40, 0x15, config)),
        "vorbis" if config.first() == Some(&2) => (b"mp4a", descriptor(0xdd, 0x15, config)),
        "opus" => {
            let config = opus_config(config).ok_or_else(refused)?;
            (b"Opus", boxed(b"dOps", &[&config]))
        }
        "flac" => {
            let blocks = config.strip_prefix(b"fLaC").unwrap_or(config);
            (b"fLaC", boxed(b"dfLa", &[&[0; 4], blocks]))
        }
        "alac" if config.len() >= 24 => (b"alac", boxed(b"alac", &[&[0; 4], config])),
        _ => return Err(refused()),
    };
    let rate = if codec == "opus" {
        48_000
    } else {
        track.audio.rate_hz
    };
    let entry = entry(kind, rate, track.audio.channels, 16, &described);
    let alac_frames = u32_be(config, 0).unwrap_or(0);
    let length = |packet: &[u8]| match codec {
        "aac" => Some(1024),
        "opus" => stream::opus_samples(packet),
        "flac" => stream::flac_samples(packet),
        "alac" => Some(alac_frames),
        _ => None,
    };
    // Matroska counts Opus from before what decoders drop.
    let skipped = match codec {
        "opus" => u16_le(config, 10).unwrap_or(0),
        _ => 0,
    };
    let rate = aac_rate(codec, config).unwrap_or(rate);
    let tick = TickLength::new(1, rate).ok_or_else(refused)?;
    let mut clock = Clock::new(rate);
    let mut frames = Vec::with_capacity(places.len());
    for &at in places {
        let sample = &track.samples[at];
        let bytes = film.bytes(track, sample).into_owned();
        let told = track.seconds(sample) - f64::from(skipped) / 48_000.0;
        let (time, duration) = match length(&bytes) {
            Some(duration) => (clock.next(Some(told), duration), duration),
            // As the container has them.
            None => {
                let ticks = |seconds: f64| (seconds * f64::from(rate)).round() as i64;
                let length = track.tick.seconds(i64::from(sample.duration));
                (ticks(told), ticks(length).max(0) as u32)
            }
        };
        frames.push(Frame {
            bytes,
            time,
            duration,
        });
    }
    Ok(Sound {
        entry,
        tick,
        frames,
        grain: None,
    })
}

/// Samples as their container has them.
fn as_it_is(film: &Film<'_>, track: &Track, places: &[usize], entry: Vec<u8>) -> Sound {
    let frames = places.iter().map(|&at| {
        let sample = &track.samples[at];
        Frame {
            bytes: film.bytes(track, sample).into_owned(),
            time: sample.time,
            duration: sample.duration,
        }
    });
    Sound {
        entry,
        tick: track.tick,
        frames: frames.collect(),
        grain: None,
    }
}

/// Times of frames that follow each other.
struct Clock {
    rate: u32,
    next: Option<i64>,
}

impl Clock {
    fn new(rate: u32) -> Self {
        Clock { rate, next: None }
    }

    /// When a frame of this length is heard, by what the container tells of it.
    fn next(&mut self, told_s: Option<f64>, duration: u32) -> i64 {
        let rate = f64::from(self.rate);
        let told = told_s.map(|seconds| (seconds * rate).round() as i64);
        let time = match (self.next, told) {
            (Some(next), Some(told)) if (told as f64 - next as f64).abs() > DRIFT_S * rate => told.max(next),
            (Some(next), _) => next,
            (None, told) => told.unwrap_or(0),
        };
        self.next = Some(time.saturating_add(i64::from(duration)));
        time
    }
}

/// Frames of a stream, the packets of which begin and end anywhere in them.
fn of_stream(film: &Film<'_>, track: &Track, places: &[usize], head: ReadHead) -> Option<Sound> {
    let mut bytes = Vec::new();
    // Where packets begin, and when they are heard.
    let mut packets: Vec<(usize, f64)> = Vec::with_capacity(places.len());
    for &at in places {
        let sample = &track.samples[at];
        packets.push((bytes.len(), track.seconds(sample)));
        bytes.extend_from_slice(&film.bytes(track, sample));
    }
    let found = stream::frames(&bytes, head);
    let first = &found.first()?.1;
    let rate = first.rate;
    let entry = entry(&first.kind, rate, first.channels, 16, &first.described());
    let mut clock = Clock::new(rate);
    let mut frames = Vec::with_capacity(found.len());
    let mut next = 0;
    for (at, head) in &found {
        // A stream that changes would need another description.
        if head.rate != rate || head.kind != first.kind {
            break;
        }
        let mut told = None;
        while let Some((_, seconds)) = packets.get(next).filter(|packet| packet.0 <= *at) {
            told = Some(*seconds);
            next += 1;
        }
        frames.push(Frame {
            bytes: bytes[at + head.skip..at + head.length].to_vec(),
            time: clock.next(told, head.samples),
            duration: head.samples,
        });
    }
    Some(Sound {
        entry,
        tick: TickLength::new(1, rate)?,
        frames,
        grain: None,
    })
}

/// A kind of PCM.
struct Pcm {
    kind: &'static [u8; 4],
    bits: u16,
    is_little: bool,
}

impl Pcm {
    fn of(codec: &str) -> Option<Pcm> {
        let pcm = |kind, bits, is_little| {
            Some(Pcm {
                kind,
                bits,
                is_little,
            })
        };
        match codec {
            "pcm_s16le" => pcm(b"ipcm", 16, true),
            "pcm_s24le" => pcm(b"ipcm", 24, true),
            "pcm_s32le" => pcm(b"ipcm", 32, true),
            "pcm_s16be" => pcm(b"ipcm", 16, false),
            "pcm_s24be" => pcm(b"ipcm", 24, false),
            "pcm_s32be" => pcm(b"ipcm", 32, false),
            "pcm_f32le" => pcm(b"fpcm", 32, true),
            "pcm_f64le" => pcm(b"fpcm", 64, true),
            "pcm_alaw" => pcm(b"alaw", 8, false),
            "pcm_mulaw" => pcm(b"ulaw", 8, false),
            _ => None,
        }
    }

    fn sound(&self, film: &Film<'_>, track: &Track, places: &[usize]) -> Option<Sound> {
        let (rate, channels) = (track.audio.rate_hz, track.audio.channels.max(1));
        let grain = u32::from(channels) * u32::from(self.bits / 8);
        let described = match self.kind {
            b"ipcm" | b"fpcm" => boxed(
                b"pcmC",
                &[&[0, 0, 0, 0, u8::from(self.is_little), self.bits as u8]],
            ),
            _ => Vec::new(),
        };
        let depth = self.bits.max(16);
        let mut clock = Clock::new(rate);
        let mut frames = Vec::with_capacity(places.len());
        for &at in places {
            let sample = &track.samples[at];
            let mut bytes = film.bytes(track, sample).into_owned();
            let count = bytes.len() as u32 / grain;
            bytes.truncate((count * grain) as usize);
            if count > 0 {
                let time = clock.next(Some(track.seconds(sample)), count);
                frames.push(Frame {
                    bytes,
                    time,
                    duration: count,
                });
            }
        }
        Some(Sound {
            entry: entry(self.kind, rate, channels, depth, &described),
            tick: TickLength::new(1, rate)?,
            frames,
            grain: Some(grain),
        })
    }
}

/// A sample entry of sound.
fn entry(kind: &[u8; 4], rate: u32, channels: u16, bits: u16, described: &[u8]) -> Vec<u8> {
    // A rate of 16 bits; what does not fit stands in the header of the codec.
    let rate = u16::try_from(rate).unwrap_or(0);
    boxed(
        kind,
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0; 8],
            &channels.max(1).to_be_bytes(),
            &bits.to_be_bytes(),
            &[0; 4],
            &rate.to_be_bytes(),
            &[0, 0],
            described,
        ],
    )
}

/// The rate of what frames of AAC hold: half of what is heard where bands are replicated.
fn aac_rate(codec: &str, config: &[u8]) -> Option<u32> {
    let [first, second] = array(config, 0)?;
    let index = usize::from((first & 7) << 1 | second >> 7);
    (codec == "aac" && first >> 3 != 31).then(|| stream::AAC_RATES.get(index).copied())?
}

/// An `esds` box of a codec by its object type. Streams of pictures are of type 0x11, those of sound 0x15.
pub(super) fn descriptor(object_type: u8, stream_type: u8, config: &[u8]) -> Vec<u8> {
    let tagged = |tag: u8, body: &[u8]| {
        let length = body.len() as u32;
        let mut out = vec![tag];
        out.extend(
            (0..4)
                .rev()
                .map(|part| (length >> (7 * part) & 0x7f) as u8 | if part > 0 { 0x80 } else { 0 }),
        );
        out.extend_from_slice(body);
        out
    };
    let specific = if config.is_empty() {
        Vec::new()
    } else {
        tagged(5, config)
    };
    let decoder = tagged(
        4,
        &[
            &[object_type, stream_type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            specific.as_slice(),
        ]
        .concat(),
    );
    let stream = tagged(3, &[&[0, 0, 0], decoder.as_slice(), &tagged(6, &[2])].concat());
    boxed(b"esds", &[&[0; 4], &stream])
}

/// `dOps` of an Opus header, the numbers of which are turned.
fn opus_config(head: &[u8]) -> Option<Vec<u8>> {
    let head = head.strip_prefix(b"OpusHead")?;
    let mut config = vec![0, *head.get(1)?];
    config.extend_from_slice(&u16_le(head, 2)?.to_be_bytes());
    config.extend_from_slice(&u32_le(head, 4)?.to_be_bytes());
    config.extend_from_slice(&u16_le(head, 8)?.to_be_bytes());
    config.extend_from_slice(head.get(10..)?);
    Some(config)
}

/// The ADTS header of an AAC frame of this many bytes; none for a configuration that has no place in it.
pub(crate) fn adts(config: &[u8], length: usize) -> Option<[u8; 7]> {
    let [first, second] = array(config, 0)?;
    let (object, rate, channels) = (first >> 3, (first & 7) << 1 | second >> 7, second >> 3 & 15);
    let whole = length + 7;
    if !(1..=4).contains(&object) || rate > 12 || channels > 7 || whole > 0x1fff {
        return None;
    }
    Some([
        0xff,
        0xf1,
        (object - 1) << 6 | rate << 2 | channels >> 2,
        (channels & 3) << 6 | (whole >> 11) as u8,
        (whole >> 3) as u8,
        (whole << 5) as u8 | 0x1f,
        0xfc,
    ])
}
