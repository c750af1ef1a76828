//! What a container says: tracks, and where and when each of their samples is.
//!
//! A *sample* is what a decoder takes at once: of a video, one picture. Times are presentation times in ticks of the track, as
//! the container has them; they need not start at 0. Samples stand in the order of decoding.

use std::{borrow::Cow, fmt};

/// A container of films.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Container {
    /// ISO base media: MP4, M4V, 3GP, and fragments of them.
    Mp4,
    /// QuickTime.
    Mov,
    /// Matroska.
    Matroska,
    /// Matroska as WebM.
    Webm,
    /// MPEG-2 transport stream.
    Ts,
    /// Audio Video Interleave.
    Avi,
    /// Flash video.
    Flv,
    /// Indeo video format, which holds VP8, VP9 and AV1.
    Ivf,
    /// An H.264 byte stream without container.
    H264,
    /// An HEVC byte stream without container.
    Hevc,
}

impl Container {
    /// The word in columns.
    pub fn name(self) -> &'static str {
        match self {
            Container::Mp4 => "mp4",
            Container::Mov => "mov",
            Container::Matroska => "matroska",
            Container::Webm => "webm",
            Container::Ts => "mpegts",
            Container::Avi => "avi",
            Container::Flv => "flv",
            Container::Ivf => "ivf",
            Container::H264 => "h264",
            Container::Hevc => "hevc",
        }
    }

    /// The ending of file names.
    pub fn extension(self) -> &'static str {
        match self {
            Container::Matroska => "mkv",
            Container::Ts => "ts",
            Container::Hevc => "265",
            Container::H264 => "264",
            other => other.name(),
        }
    }
}

/// What a track holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Text with times.
    Subtitle,
    /// Anything else.
    Data,
}

impl Kind {
    /// The word in columns.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Video => "video",
            Kind::Audio => "audio",
            Kind::Subtitle => "subtitle",
            Kind::Data => "data",
        }
    }
}

/// How long a tick is: `numerator / denominator` seconds, neither of them 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickLength {
    /// Seconds.
    pub numerator: u32,
    /// By this.
    pub denominator: u32,
}

impl TickLength {
    /// A fraction of seconds; none where either number is 0.
    pub(crate) fn new(numerator: u32, denominator: u32) -> Option<Self> {
        (numerator > 0 && denominator > 0).then_some(TickLength {
            numerator,
            denominator,
        })
    }

    /// Nanoseconds.
    pub(crate) const NANOSECONDS: TickLength = TickLength {
        numerator: 1,
        denominator: 1_000_000_000,
    };

    /// Milliseconds.
    pub(crate) const MILLISECONDS: TickLength = TickLength {
        numerator: 1,
        denominator: 1000,
    };

    /// That many ticks in seconds.
    pub fn seconds(self, ticks: i64) -> f64 {
        ticks as f64 * f64::from(self.numerator) / f64::from(self.denominator)
    }
}

/// One picture, packet of sound, or text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Where it starts in the bytes of its track.
    pub at: u64,
    /// How many bytes it has.
    pub length: u32,
    /// When it is shown, in ticks.
    pub time: i64,
    /// When it is decoded, in ticks. The presentation time where the container does not say.
    pub decode_time: i64,
    /// How long it is shown, in ticks; 0 where nothing tells.
    pub duration: u32,
    /// Whether decoding may start here.
    pub is_key: bool,
    /// Whether it is shown; edit lists hide samples that others are decoded from.
    pub is_shown: bool,
}

/// What is known of pictures before one is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct VideoFacts {
    /// Width as stored.
    pub width: u32,
    /// Height as stored.
    pub height: u32,
    /// By how many degrees clockwise a picture is turned to be shown: 0, 90, 180, 270.
    pub rotation: u16,
    /// Width of a pixel by its height, 1 where nothing is said.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Bits of a sample of luma.
    pub bit_depth: Option<u8>,
    /// Frames in a second that the codec or container states.
    pub stated_rate: Option<f64>,
}

/// What is known of a sound before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AudioFacts {
    /// Samples in a second.
    pub rate_hz: u32,
    /// Channels.
    pub channels: u16,
}

/// One track.
#[derive(Clone)]
pub struct Track {
    /// Its number in the container.
    pub number: u32,
    /// What it holds.
    pub kind: Kind,
    /// Its codec, by the names of FFmpeg where it has one.
    pub codec: Cow<'static, str>,
    /// Its profile.
    pub profile: Option<String>,
    /// Its language, as the container has it.
    pub language: Option<String>,
    /// The header that its decoder needs: `avcC`, `hvcC`, `av1C`, `esds` and the like, without a box around it.
    pub config: Vec<u8>,
    /// The sample entry of an MP4, with its head, that a copy of the track is written with.
    pub entry: Vec<u8>,
    /// Whether its samples are encrypted.
    pub is_encrypted: bool,
    /// Facts of pictures.
    pub video: VideoFacts,
    /// Facts of sound.
    pub audio: AudioFacts,
    /// The length of a tick.
    pub tick: TickLength,
    /// Its samples in the order of decoding.
    pub samples: Vec<Sample>,
    /// What the container says of its length, in seconds.
    pub stated_duration: Option<f64>,
    /// Bytes that precede each sample and are not stored with it.
    pub(crate) prefix: Vec<u8>,
    /// Whether samples are deflated.
    pub(crate) is_deflated: bool,
    /// The bytes of its samples; none where they are those of the file.
    pub(crate) payload: Option<Vec<u8>>,
}

impl fmt::Debug for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Track")
            .field("number", &self.number)
            .field("kind", &self.kind)
            .field("codec", &self.codec)
            .field("samples", &self.samples.len())
            .finish_non_exhaustive()
    }
}

impl Track {
    /// A track of which nothing else is known.
    pub(crate) fn new(number: u32, kind: Kind, codec: impl Into<Cow<'static, str>>) -> Self {
        Track {
            number,
            kind,
            codec: codec.into(),
            profile: None,
            language: None,
            config: Vec::new(),
            entry: Vec::new(),
            is_encrypted: false,
            video: VideoFacts::default(),
            audio: AudioFacts::default(),
            tick: TickLength::MILLISECONDS,
            samples: Vec::new(),
            stated_duration: None,
            prefix: Vec::new(),
            is_deflated: false,
            payload: None,
        }
    }

    /// When a sample is shown, in seconds.
    pub fn seconds(&self, sample: &Sample) -> f64 {
        self.tick.seconds(sample.time)
    }

    /// When the first sample that is shown starts and the last one ends, in ticks.
    pub fn span(&self) -> Option<(i64, i64)> {
        let shown = || self.samples.iter().filter(|sample| sample.is_shown);
        let start = shown().map(|sample| sample.time).min()?;
        let end = shown()
            .map(|sample| sample.time.saturating_add(i64::from(sample.duration)))
            .max()?;
        Some((start, end))
    }

    /// The times of what is shown, ascending, in ticks.
    pub fn times(&self) -> Vec<i64> {
        let shown = self.samples.iter().filter(|sample| sample.is_shown);
        let mut times: Vec<i64> = shown.map(|sample| sample.time).collect();
        times.sort_unstable();
        times
    }
}

/// A file that a container was found in.
#[derive(Debug, Clone)]
pub struct Film<'a> {
    /// Its container.
    pub container: Container,
    /// Its tracks, in the order of the container.
    pub tracks: Vec<Track>,
    /// What the container says of its length, in seconds.
    pub stated_duration: Option<f64>,
    /// What else it says of itself: names and values, without places.
    pub tags: Vec<(String, String)>,
    /// Whether the file ends before its container does.
    pub is_truncated: bool,
    pub(crate) file: &'a [u8],
}

impl<'a> Film<'a> {
    pub(crate) fn new(container: Container, file: &'a [u8]) -> Self {
        Film {
            container,
            tracks: Vec::new(),
            stated_duration: None,
            tags: Vec::new(),
            is_truncated: false,
            file,
        }
    }

    /// The video: the first track of pictures that has samples, else the first one.
    pub fn video(&self) -> Option<&Track> {
        self.main(Kind::Video)
    }

    /// The sound: the first track of sound that has samples, else the first one.
    pub fn audio(&self) -> Option<&Track> {
        self.main(Kind::Audio)
    }

    fn main(&self, kind: Kind) -> Option<&Track> {
        let of_kind = || self.tracks.iter().filter(move |track| track.kind == kind);
        of_kind()
            .find(|track| !track.samples.is_empty())
            .or_else(|| of_kind().next())
    }

    /// The bytes of a sample; shorter where the file ends before it.
    pub fn bytes<'b>(&'b self, track: &'b Track, sample: &Sample) -> Cow<'b, [u8]> {
        let all = track.payload.as_deref().unwrap_or(self.file);
        let from = usize::try_from(sample.at).unwrap_or(usize::MAX).min(all.len());
        let to = from.saturating_add(sample.length as usize).min(all.len());
        let stored = &all[from..to];
        if track.is_deflated {
            return Cow::Owned(inflated(stored));
        }
        if track.prefix.is_empty() {
            Cow::Borrowed(stored)
        } else {
            Cow::Owned([&track.prefix, stored].concat())
        }
    }

    /// Its length in seconds: as stated, else from the first sample of any track to the end of the last one.
    pub fn duration(&self) -> Option<f64> {
        if let Some(stated) = self.stated_duration.filter(|seconds| *seconds > 0.0) {
            return Some(stated);
        }
        let of_media = |track: &&Track| matches!(track.kind, Kind::Video | Kind::Audio);
        let spans = || {
            let tracks = self.tracks.iter().filter(of_media);
            tracks.filter_map(|track| {
                let (start, end) = track.span()?;
                Some((track.tick.seconds(start), track.tick.seconds(end)))
            })
        };
        let start = spans().map(|span| span.0).min_by(f64::total_cmp)?;
        let end = spans().map(|span| span.1).max_by(f64::total_cmp)?;
        (end > start).then_some(end - start)
    }
}

/// Longest sample that is inflated: subtitles are all that is ever deflated.
const INFLATED_MAX: usize = 64 << 10;

/// As much of a zlib stream as there is; empty where it is none.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut out = Vec::new();
    // What came out before the damage is kept.
    let _ = flate2::read::ZlibDecoder::new(bytes)
        .take(INFLATED_MAX as u64)
        .read_to_end(&mut out);
    out
}
