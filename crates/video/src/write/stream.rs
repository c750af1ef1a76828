//! Streams of sound cut into their frames, each of which tells its length.
//!
//! What is no frame is passed over, and so is a frame that the stream ends within. MPEG sound and ADTS have short marks that data
//! contains too: a frame counts if another one or the end follows it.
//!
//! Sources: ISO/IEC 13818-7 (ADTS), ISO/IEC 11172-3 and 13818-3 (layers), ETSI TS 102 366 (AC-3, E-AC-3), RFC 6716 (Opus).

use super::{entry::boxed, sound::descriptor};
use crate::{header::bits::Bits, read::fields::array};

/// Rates of AAC by their index.
pub(super) const AAC_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
];

/// What a frame tells of itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    /// The sample entry of its codec.
    pub(super) kind: [u8; 4],
    /// Bytes, with a header of this many that does not go into MP4.
    pub(super) length: usize,
    pub(super) skip: usize,
    /// Samples of a channel, and how many a second.
    pub(super) samples: u32,
    pub(super) rate: u32,
    pub(super) channels: u16,
    /// What describes the stream in MP4.
    described: Described,
    /// Whether it belongs to the frame before.
    is_dependent: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Described {
    /// By an object type, and what the decoder needs.
    Object(u8, Vec<u8>),
    /// By a box.
    Box([u8; 4], Vec<u8>),
}

impl Head {
    /// The box of a sample entry that describes the stream.
    pub(super) fn described(&self) -> Vec<u8> {
        match &self.described {
            Described::Object(object_type, config) => descriptor(*object_type, 0x15, config),
            Described::Box(kind, config) => boxed(kind, &[config]),
        }
    }
}

/// Reads the head of a frame.
pub(super) type ReadHead = fn(&[u8]) -> Option<Head>;

/// The frames of a stream, and where they begin.
pub(super) fn frames(stream: &[u8], head: ReadHead) -> Vec<(usize, Head)> {
    let mut found: Vec<(usize, Head)> = Vec::new();
    let mut at = 0;
    let mut is_in_step = false;
    while let Some(rest) = stream.get(at..).filter(|rest| !rest.is_empty()) {
        let next = head(rest).filter(|head| head.length <= rest.len());
        let next = next.filter(|next| {
            let after = &rest[next.length..];
            is_in_step || after.is_empty() || head(after).is_some()
        });
        let Some(next) = next else {
            is_in_step = false;
            at += 1;
            continue;
        };
        is_in_step = true;
        let length = next.length;
        match found.last_mut() {
            Some((from, before)) if next.is_dependent && *from + before.length == at => {
                before.length += length;
            }
            // What depends on a frame that is not there is of no use.
            _ if next.is_dependent => {}
            _ => found.push((at, next)),
        }
        at += length;
    }
    found
}

/// The head of a frame of AAC with an ADTS header.
pub(super) fn adts(frame: &[u8]) -> Option<Head> {
    let [first, second, third, fourth, fifth, sixth, seventh] = array(frame, 0)?;
    if first != 0xff || second & 0xf6 != 0xf0 {
        return None;
    }
    let (object, index) = ((third >> 6) + 1, third >> 2 & 15);
    let channels = (third & 1) << 2 | fourth >> 6;
    let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    let skip = if second & 1 == 1 { 7 } else { 9 };
    // Channels told within the frame, and several blocks a frame, have no short description.
    if channels == 0 || seventh & 3 != 0 || length <= skip {
        return None;
    }
    let config = vec![object << 3 | index >> 1, (index & 1) << 7 | channels << 3];
    Some(Head {
        kind: *b"mp4a",
        length,
        skip,
        samples: 1024,
        rate: *AAC_RATES.get(usize::from(index))?,
        channels: u16::from(if channels == 7 { 8 } else { channels }),
        described: Described::Object(0x40, config),
        is_dependent: false,
    })
}

/// The head of a frame of MPEG sound, layers 1 to 3.
pub(super) fn mpeg(frame: &[u8]) -> Option<Head> {
    const RATES: [u32; 3] = [44_100, 48_000, 32_000];
    /// Thousands of bits a second: MPEG-1 by layer, MPEG-2 layer 1, MPEG-2 layers 2 and 3.
    const BITRATES: [[u32; 15]; 5] = [
        [
            0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
        ],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [first, second, third, fourth] = array(frame, 0)?;
    if first != 0xff || second & 0xe0 != 0xe0 {
        return None;
    }
    // 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5.
    let version = second >> 3 & 3;
    let layer = 4 - (second >> 1 & 3);
    if version == 1 || layer == 4 {
        return None;
    }
    let is_first = version == 3;
    let halvings = match version {
        3 => 0,
        2 => 1,
        _ => 2,
    };
    let rate = RATES.get(usize::from(third >> 2 & 3))? >> halvings;
    let row = match (is_first, layer) {
        (true, layer) => usize::from(layer) - 1,
        (false, 1) => 3,
        (false, _) => 4,
    };
    let bitrate = *BITRATES[row].get(usize::from(third >> 4))? * 1000;
    // Streams of a free rate do not tell the length of their frames.
    if bitrate == 0 {
        return None;
    }
    let padding = u32::from(third >> 1 & 1);
    let samples = match (layer, is_first) {
        (1, _) => 384,
        (3, false) => 576,
        _ => 1152,
    };
    let length = match layer {
        1 => (12 * bitrate / rate + padding) * 4,
        _ => samples / 8 * bitrate / rate + padding,
    };
    Some(Head {
        kind: *b"mp4a",
        length: length as usize,
        skip: 0,
        samples,
        rate,
        channels: if fourth >> 6 == 3 { 1 } else { 2 },
        described: Described::Object(if is_first { 0x6b } else { 0x69 }, Vec::new()),
        is_dependent: false,
    })
}

/// The head of a frame of AC-3 or E-AC-3.
pub(super) fn dolby(frame: &[u8]) -> Option<Head> {
    if frame.get(..2)? != [0x0b, 0x77] {
        return None;
    }
    let identifier = frame.get(5)? >> 3;
    if identifier <= 10 { ac3(frame) } else { eac3(frame) }
}

const DOLBY_RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// Channels by mode, without the one of low frequencies.
const DOLBY_CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

fn ac3(frame: &[u8]) -> Option<Head> {
    /// Thousands of bits a second.
    const BITRATES: [u32; 19] = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
    ];
    let mut bits = Bits::new(frame);
    bits.skip(32)?;
    let (rate_code, size_code) = (bits.number(2)?, bits.number(6)?);
    let (identifier, kind, mode) = (bits.number(5)?, bits.number(3)?, bits.number(3)?);
    let levels = [mode & 1 == 1 && mode != 1, mode & 4 != 0, mode == 2];
    bits.skip(2 * levels.iter().filter(|is_there| **is_there).count())?;
    let has_low = bits.number(1)?;
    let rate = *DOLBY_RATES.get(rate_code as usize)?;
    let bitrate = *BITRATES.get(size_code as usize / 2)?;
    // Words of 16 bits; at 44.1 kHz frames of two lengths follow each other.
    let words = match rate_code {
        0 => bitrate * 2,
        1 => 320 * bitrate / 147 + (size_code & 1),
        _ => bitrate * 3,
    };
    let config =
        rate_code << 22 | identifier << 17 | kind << 14 | mode << 11 | has_low << 10 | (size_code / 2) << 5;
    Some(Head {
        kind: *b"ac-3",
        length: words as usize * 2,
        skip: 0,
        samples: 1536,
        rate,
        channels: DOLBY_CHANNELS[mode as usize] + has_low as u16,
        described: Described::Box(*b"dac3", config.to_be_bytes()[1..].to_vec()),
        is_dependent: false,
    })
}

fn eac3(frame: &[u8]) -> Option<Head> {
    let mut bits = Bits::new(frame);
    bits.skip(16)?;
    let (stream_type, stream) = (bits.number(2)?, bits.number(3)?);
    let length = (bits.number(11)? as usize + 1) * 2;
    let rate_code = bits.number(2)?;
    let blocks = bits.number(2)?;
    let (mode, has_low, identifier) = (bits.number(3)?, bits.number(1)?, bits.number(5)?);
    // Six blocks a frame, one program: what MP4 has a sample for without gathering frames.
    let is_plain = rate_code < 3 && blocks == 3 && stream == 0 && (11..=16).contains(&identifier);
    if !is_plain || stream_type > 1 {
        return None;
    }
    let rate = DOLBY_RATES[rate_code as usize];
    let kilobits = (length as u64 * 8 * u64::from(rate) / 1536 / 1000).min(0x1fff) as u16;
    let stream = rate_code << 22 | identifier << 17 | mode << 9 | has_low << 8;
    let config = [
        (kilobits << 3).to_be_bytes().to_vec(),
        stream.to_be_bytes()[1..].to_vec(),
    ]
    .concat();
    Some(Head {
        kind: *b"ec-3",
        length,
        skip: 0,
        samples: 1536,
        rate,
        channels: DOLBY_CHANNELS[mode as usize] + has_low as u16,
        described: Described::Box(*b"dec3", config),
        is_dependent: stream_type == 1,
    })
}

/// How long a packet of Opus is, in samples at 48 kHz.
pub(super) fn opus_samples(packet: &[u8]) -> Option<u32> {
    let &head = packet.first()?;
    let configuration = head >> 3;
    let samples = match configuration {
        // Speech: 10, 20, 40, 60 ms.
        0..=11 => [480, 960, 1920, 2880][usize::from(configuration & 3)],
        // Both: 10, 20 ms.
        12..=15 => [480, 960][usize::from(configuration & 1)],
        // Music: 2.5, 5, 10, 20 ms.
        _ => [120, 240, 480, 960][usize::from(configuration & 3)],
    };
    let frames = match head & 3 {
        0 => 1,
        3 => u32::from(packet.get(1)? & 0x3f),
        _ => 2,
    };
    // At most 120 ms.
    Some(samples * frames).filter(|samples| (1..=5760).contains(samples))
}

/// How many samples a frame of FLAC has (RFC 9639, section 9.1).
pub(super) fn flac_samples(frame: &[u8]) -> Option<u32> {
    let [first, second, third, _, number] = array(frame, 0)?;
    if first != 0xff || second & 0xfe != 0xf8 {
        return None;
    }
    // Behind a number of one to seven bytes.
    let at = 4 + number.leading_ones().max(1) as usize;
    let byte = |at: usize| frame.get(at).map(|byte| u32::from(*byte));
    Some(match third >> 4 {
        0 => return None,
        1 => 192,
        size @ 2..=5 => 576 << (size - 2),
        6 => byte(at)? + 1,
        7 => (byte(at)? << 8 | byte(at + 1)?) + 1,
        size => 256 << (size - 8),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adts_frame(length: usize) -> Vec<u8> {
        let mut frame = super::super::sound::adts(&[0x12, 0x10], length).unwrap().to_vec();
        frame.resize(7 + length, 0xaa);
        frame
    }

    #[test]
    fn frames_follow_each_other_over_what_is_none() {
        let stream = [
            &[1, 2, 3][..],
            &adts_frame(10),
            &adts_frame(20),
            &[0xff],
            &adts_frame(5),
        ]
        .concat();
        let found: Vec<_> = frames(&stream, adts)
            .into_iter()
            .map(|(at, head)| (at, head.length, head.rate))
            .collect();
        assert_eq!(found, [(3, 17, 44_100), (20, 27, 44_100), (48, 12, 44_100)]);
        // The last one is cut.
        assert_eq!(frames(&stream[..stream.len() - 1], adts).len(), 2);
        assert!(frames(&[0xff; 100], adts).is_empty());
        assert!(frames(&[], mpeg).is_empty());
    }

    #[test]
    fn lengths_of_mpeg_sound() {
        let check = |head: [u8; 4], expected: Option<(usize, u32, u32)>| {
            let found = mpeg(&head).map(|head| (head.length, head.samples, head.rate));
            assert_eq!(found, expected, "{head:x?}");
        };
        check([0xff, 0xfb, 0x90, 0x00], Some((417, 1152, 44_100)));
        check([0xff, 0xfb, 0x92, 0x00], Some((418, 1152, 44_100)));
        check([0xff, 0xfd, 0xa4, 0x00], Some((576, 1152, 48_000)));
        check([0xff, 0xf3, 0x80, 0xc0], Some((208, 576, 22_050)));
        check([0xff, 0xe3, 0x80, 0xc0], Some((417, 576, 11_025)));
        check([0xff, 0xfb, 0xf0, 0x00], None);
        check([0xff, 0xfb, 0x00, 0x00], None);
    }

    #[test]
    fn frames_of_flac_tell_their_length() {
        assert_eq!(flac_samples(&[0xff, 0xf8, 0xc9, 0x18, 0]), Some(4096));
        let long_number = [0xff, 0xf8, 0x79, 0x18, 0xc2, 0x80, 0x11, 0xff];
        assert_eq!(flac_samples(&long_number), Some(0x1200));
        assert_eq!(flac_samples(&long_number[..7]), None);
        assert_eq!(flac_samples(&[0xff, 0xfb, 0x79, 0x18, 0, 0x11]), None);
    }

    #[test]
    fn packets_of_opus_tell_their_length() {
        assert_eq!(opus_samples(&[0xfc]), Some(960));
        assert_eq!(opus_samples(&[0xfd]), Some(1920));
        assert_eq!(opus_samples(&[0x03, 3]), Some(1440));
        assert_eq!(opus_samples(&[0xff, 63]), None);
        assert_eq!(opus_samples(&[]), None);
    }
}
