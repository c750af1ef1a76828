//! Containers and codecs, and how a container is told from the first bytes of a file.

use crate::{container::mpeg, cursor::Cursor, tag::id3};

/// The container of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Container {
    /// RIFF WAVE, with RF64, BW64 and RIFX.
    Wav,
    /// Sony Wave64.
    Wave64,
    /// AIFF and AIFF-C.
    Aiff,
    /// Sun/NeXT AU.
    Au,
    /// Apple Core Audio Format.
    Caf,
    /// Native FLAC.
    Flac,
    /// True Audio.
    Tta,
    /// WavPack.
    WavPack,
    /// A stream of MPEG audio frames, layers I to III.
    Mpeg,
    /// A stream of AAC frames with ADTS headers.
    Adts,
    /// A stream of AAC frames in LOAS/LATM.
    Loas,
    /// Ogg.
    Ogg,
    /// ISO base media: MP4, M4A, MOV, 3GP.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// AVI.
    Avi,
    /// Flash video.
    Flv,
    /// MPEG transport stream.
    MpegTs,
}

impl Container {
    /// The container of a file that begins with these bytes, whatever its name says. ID3 tags before it are passed over.
    pub fn of(bytes: &[u8]) -> Option<Container> {
        let bytes = id3::after(bytes);
        let at =
            |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
        let container = match bytes.first_chunk::<4>()? {
            b"RIFF" | b"RIFX" if at(8, b"WAVE") => Container::Wav,
            b"RF64" | b"BW64" if at(8, b"WAVE") => Container::Wav,
            b"RIFF" if at(8, b"AVI ") => Container::Avi,
            b"riff" if at(24, b"wave") => Container::Wave64,
            b"FORM" if at(8, b"AIFF") || at(8, b"AIFC") => Container::Aiff,
            b".snd" | b"dns." => Container::Au,
            b"caff" => Container::Caf,
            b"fLaC" => Container::Flac,
            b"TTA1" => Container::Tta,
            b"wvpk" => Container::WavPack,
            b"OggS" => Container::Ogg,
            [0x1a, 0x45, 0xdf, 0xa3] => Container::Matroska,
            [b'F', b'L', b'V', 1] => Container::Flv,
            _ if is_iso(bytes) => Container::Mp4,
            _ if is_transport(bytes) => Container::MpegTs,
            _ if name_of_other(bytes).is_some() => return None,
            _ => return mpeg::container(bytes),
        };
        Some(container)
    }

    /// Its name in the column `audio_container`.
    pub fn name(self) -> &'static str {
        match self {
            Container::Wav => "wav",
            Container::Wave64 => "w64",
            Container::Aiff => "aiff",
            Container::Au => "au",
            Container::Caf => "caf",
            Container::Flac => "flac",
            Container::Tta => "tta",
            Container::WavPack => "wavpack",
            Container::Mpeg => "mpeg",
            Container::Adts => "adts",
            Container::Loas => "loas",
            Container::Ogg => "ogg",
            Container::Mp4 => "mp4",
            Container::Matroska => "matroska",
            Container::Avi => "avi",
            Container::Flv => "flv",
            Container::MpegTs => "mpegts",
        }
    }

    /// The ending of names of its files.
    pub fn extension(self, codec: Codec) -> &'static str {
        match (self, codec) {
            (Container::Ogg, Codec::Opus) => "opus",
            (Container::Mp4, _) => "m4a",
            (Container::Mpeg, Codec::Mp1) => "mp1",
            (Container::Mpeg, Codec::Mp2) => "mp2",
            (Container::Mpeg, _) => "mp3",
            (Container::Adts | Container::Loas, _) => "aac",
            (Container::Matroska, _) => "mka",
            (Container::WavPack, _) => "wv",
            (Container::MpegTs, _) => "ts",
            (other, _) => other.name(),
        }
    }
}

/// Whether there is a box that ISO base media files begin with.
fn is_iso(bytes: &[u8]) -> bool {
    const FIRST: [&[u8; 4]; 11] = [
        b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"sidx", b"free", b"skip", b"wide", b"pnot", b"emsg",
    ];
    let mut cursor = Cursor::new(bytes);
    let size = cursor.u32_be();
    let kind = cursor.array::<4>();
    size.is_some_and(|size| !(2..8).contains(&size)) && kind.is_some_and(|kind| FIRST.contains(&&kind))
}

/// Whether there are packets of a transport stream.
fn is_transport(bytes: &[u8]) -> bool {
    let sync = |at: usize| bytes.get(at) == Some(&0x47);
    sync(0) && sync(188) && (bytes.len() < 377 || sync(376))
}

/// The name of a format that files of sound have and that is not read.
pub(crate) fn name_of_other(bytes: &[u8]) -> Option<&'static str> {
    const OTHERS: [(&[u8], &str); 13] = [
        (b"MAC ", "Monkey's Audio"),
        (b"TTA2", "True Audio"),
        (b"MPCK", "Musepack"),
        (b"MP+", "Musepack"),
        (b"DSD ", "DSF"),
        (b"FRM8", "DSDIFF"),
        (b"#!AMR", "AMR"),
        (b"MThd", "MIDI"),
        (b"ADIF", "ADIF"),
        (b"\x0b\x77", "AC-3"),
        (b"\x7f\xfe\x80\x01", "DTS"),
        (b".RMF", "RealMedia"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "ASF (Windows Media)"),
    ];
    let bytes = id3::after(bytes);
    let found = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic));
    found.map(|(_, name)| *name)
}

/// How samples of PCM are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sample {
    /// Unsigned 8 bits.
    U8,
    /// Signed 8 bits.
    S8,
    /// Signed 16 bits.
    S16,
    /// Signed 24 bits.
    S24,
    /// Signed 32 bits.
    S32,
    /// Floating point, 32 bits.
    F32,
    /// Floating point, 64 bits.
    F64,
    /// G.711 A-law.
    Alaw,
    /// G.711 µ-law.
    Mulaw,
}

impl Sample {
    /// Bytes of a sample.
    pub fn bytes(self) -> usize {
        match self {
            Sample::U8 | Sample::S8 | Sample::Alaw | Sample::Mulaw => 1,
            Sample::S16 => 2,
            Sample::S24 => 3,
            Sample::S32 | Sample::F32 => 4,
            Sample::F64 => 8,
        }
    }

    /// Signed samples of so many bytes; those of one byte are unsigned where `is_unsigned`.
    pub(crate) fn integer(bytes: usize, is_unsigned: bool) -> Option<Sample> {
        match bytes {
            1 if is_unsigned => Some(Sample::U8),
            1 => Some(Sample::S8),
            2 => Some(Sample::S16),
            3 => Some(Sample::S24),
            4 => Some(Sample::S32),
            _ => None,
        }
    }
}

/// The codec of a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// PCM, and whether the byte of the highest bits comes first.
    Pcm(Sample, bool),
    /// IMA ADPCM as in WAVE.
    AdpcmIma,
    /// IMA ADPCM as in QuickTime.
    AdpcmImaQt,
    /// Microsoft ADPCM.
    AdpcmMs,
    /// GSM 6.10 full rate.
    Gsm,
    /// GSM 6.10 as in WAVE: two frames in 65 bytes.
    GsmMs,
    /// MPEG audio layer I.
    Mp1,
    /// MPEG audio layer II.
    Mp2,
    /// MPEG audio layer III.
    Mp3,
    /// AAC and its extensions.
    Aac,
    /// AAC in LATM.
    AacLatm,
    /// Apple Lossless.
    Alac,
    /// FLAC.
    Flac,
    /// True Audio.
    Tta,
    /// WavPack.
    WavPack,
    /// Vorbis.
    Vorbis,
    /// Opus.
    Opus,
    /// A codec that is not decoded, by name.
    Other(&'static str),
}

impl Codec {
    /// Its name in the column `audio_codec`, that of FFmpeg.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcm(Sample::U8, _) => "pcm_u8",
            Codec::Pcm(Sample::S8, _) => "pcm_s8",
            Codec::Pcm(Sample::Alaw, _) => "pcm_alaw",
            Codec::Pcm(Sample::Mulaw, _) => "pcm_mulaw",
            Codec::Pcm(Sample::S16, false) => "pcm_s16le",
            Codec::Pcm(Sample::S16, true) => "pcm_s16be",
            Codec::Pcm(Sample::S24, false) => "pcm_s24le",
            Codec::Pcm(Sample::S24, true) => "pcm_s24be",
            Codec::Pcm(Sample::S32, false) => "pcm_s32le",
            Codec::Pcm(Sample::S32, true) => "pcm_s32be",
            Codec::Pcm(Sample::F32, false) => "pcm_f32le",
            Codec::Pcm(Sample::F32, true) => "pcm_f32be",
            Codec::Pcm(Sample::F64, false) => "pcm_f64le",
            Codec::Pcm(Sample::F64, true) => "pcm_f64be",
            Codec::AdpcmIma => "adpcm_ima_wav",
            Codec::AdpcmImaQt => "adpcm_ima_qt",
            Codec::AdpcmMs => "adpcm_ms",
            Codec::Gsm => "gsm",
            Codec::GsmMs => "gsm_ms",
            Codec::Mp1 => "mp1",
            Codec::Mp2 => "mp2",
            Codec::Mp3 => "mp3",
            Codec::Aac => "aac",
            Codec::AacLatm => "aac_latm",
            Codec::Alac => "alac",
            Codec::Flac => "flac",
            Codec::Tta => "tta",
            Codec::WavPack => "wavpack",
            Codec::Vorbis => "vorbis",
            Codec::Opus => "opus",
            Codec::Other(name) => name,
        }
    }

    /// Whether decoding gives the samples that were encoded.
    pub fn is_lossless(self) -> bool {
        match self {
            Codec::Pcm(sample, _) => !matches!(sample, Sample::Alaw | Sample::Mulaw),
            other => matches!(other, Codec::Flac | Codec::Alac | Codec::Tta | Codec::WavPack),
        }
    }
}
