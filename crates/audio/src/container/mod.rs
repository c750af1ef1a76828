//! Containers: from the bytes of a file to the packets of its sound.
//!
//! Of several sound tracks the default one is read, else the first. Packets are found one by one while they are asked for,
//! so that memory does not grow with their number; where bytes are missing or damaged, reading goes on at the next packet
//! that can be found, and [`Packets::is_broken`] tells of it.
//!
//! What encoders add before and after a sound is taken away, as FFmpeg does: [`Track::skip`] frames at its start, and all
//! after [`Track::frames`]. Both come from MP4 edit lists (else from iTunes' `iTunSMPB`), LAME and Xing headers, the
//! pre-skip and last granule position of Ogg, the CodecDelay and DiscardPadding of Matroska, the packet table of CAF.

mod adts;
mod aiff;
mod au;
mod avi;
mod blocks;
mod caf;
mod chained;
mod config;
pub(crate) mod flac;
mod flv;
mod loas;
mod matroska;
mod mp4;
pub(crate) mod mpeg;
mod ogg;
mod transport;
mod tta;
mod wav;
pub(crate) mod wavpack;

use std::borrow::Cow;

use gristmill_core::{Fault, Limits};

use crate::{
    Codec, Container,
    format::name_of_other,
    tag::{Tags, ape, id3},
};

pub(crate) use config::Block;
pub(crate) use ogg::crc32 as ogg_crc32;

/// The sound of a file, before it is decoded.
pub(crate) struct Opened<'a> {
    pub(crate) container: Container,
    pub(crate) track: Track,
    pub(crate) packets: Box<dyn Packets<'a> + 'a>,
    pub(crate) tags: Tags<'a>,
}

/// What a decoder has to know of a sound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track {
    pub(crate) codec: Codec,
    /// The rate of what is decoded.
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    /// Bits of a stored sample, where the codec has such.
    pub(crate) bit_depth: Option<u16>,
    /// What the codec needs to know before the first packet, in the form of its specification.
    pub(crate) setup: Vec<u8>,
    /// Sizes of what PCM and ADPCM come in.
    pub(crate) block: Block,
    /// Frames at the start that are not heard.
    pub(crate) skip: u64,
    /// Frames that are heard, as far as the container tells.
    pub(crate) frames: Option<u64>,
    /// Frames of a packet, for codecs whose packets are all alike.
    pub(crate) packet_frames: Option<u32>,
    /// Seconds of the sound, for codecs whose packets do not tell.
    pub(crate) seconds: Option<f64>,
}

impl Track {
    pub(crate) fn new(codec: Codec, rate: u32, channels: u16) -> Track {
        Track {
            codec,
            rate,
            channels,
            bit_depth: None,
            setup: Vec::new(),
            block: Block::default(),
            skip: 0,
            frames: None,
            packet_frames: None,
            seconds: None,
        }
    }
}

/// A packet of a codec.
#[derive(Debug, Default)]
pub(crate) struct Packet<'a> {
    pub(crate) data: Cow<'a, [u8]>,
    /// Frames before it that are missing: they become silence.
    pub(crate) lost: u32,
    /// Frames at its end that are not heard.
    pub(crate) discard: u32,
    /// The setup of another stream of the same codec, which begins with this packet, and how many of its first frames
    /// are not heard.
    pub(crate) setup: Option<(Vec<u8>, u64)>,
}

impl<'a> Packet<'a> {
    pub(crate) fn of(data: &'a [u8]) -> Packet<'a> {
        Packet {
            data: Cow::Borrowed(data),
            ..Packet::default()
        }
    }
}

/// The packets of a sound, in order.
pub(crate) trait Packets<'a> {
    fn next(&mut self) -> Option<Packet<'a>>;

    /// Whether bytes were missing or damaged so far.
    fn is_broken(&self) -> bool;
}

/// Opens a file.
pub(crate) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, Fault> {
    if bytes.is_empty() {
        return Err(Fault::truncated("no bytes"));
    }
    let Some(container) = Container::of(bytes) else {
        return Err(match name_of_other(bytes) {
            Some(name) => Fault::unsupported(format!("{name} is not a format that is read")),
            None if id3::after(bytes).is_empty() => Fault::truncated("bytes end before any sound"),
            None => Fault::unsupported("bytes begin like no sound"),
        });
    };
    let sound = id3::after(bytes);
    let mut opened = match container {
        Container::Wav => wav::open(sound),
        Container::Wave64 => wav::open_wave64(sound),
        Container::Aiff => aiff::open(sound),
        Container::Au => au::open(sound),
        Container::Caf => caf::open(sound),
        Container::Flac => flac::open(sound),
        Container::Tta => tta::open(sound),
        Container::WavPack => wavpack::open(sound),
        Container::Mpeg => mpeg::open(sound),
        Container::Adts => adts::open(sound),
        Container::Loas => loas::open(sound),
        Container::Ogg => ogg::open(sound),
        Container::Mp4 => mp4::open(sound),
        Container::Matroska => matroska::open(sound),
        Container::Avi => avi::open(sound),
        Container::Flv => flv::open(sound),
        Container::MpegTs => transport::open(sound),
    }?;
    let is_tagged_around = matches!(
        container,
        Container::Mpeg | Container::Adts | Container::Flac | Container::Tta | Container::WavPack
    );
    if is_tagged_around {
        opened.tags.add_missing(id3::read(bytes));
        opened.tags.add_missing(ape::read(bytes));
    }
    check(&opened.track, limits)?;
    Ok(opened)
}

fn check(track: &Track, limits: &Limits) -> Result<(), Fault> {
    if let (0, Codec::Other(name)) = (track.channels, track.codec) {
        return Err(Fault::unsupported(format!("codec {name}")));
    }
    if track.channels == 0 {
        return Err(Fault::malformed("no channels"));
    }
    if track.rate == 0 {
        return Err(Fault::malformed("sample rate of 0 Hz"));
    }
    if track.channels > limits.audio_channels {
        return Err(Fault::limit(format!(
            "{} channels exceed {}",
            track.channels, limits.audio_channels
        )));
    }
    if track.rate > limits.audio_rate_hz {
        return Err(Fault::limit(format!(
            "sample rate of {} Hz exceeds {}",
            track.rate, limits.audio_rate_hz
        )));
    }
    Ok(())
}
