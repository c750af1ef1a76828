//! Sounds and films of the demo's sites, made of the dice alone: a voice that hums syllables with pauses between, and two
//! views across a landscape with a cut between them.

use gristmill_image::{
    Channels, Picture,
    edit::{Encode, Encoding},
};

use super::{pictures::landscape, prose::Dice};

/// Samples a second.
const RATE: u32 = 16_000;
/// Frames a second of films, and their size.
const FPS: u32 = 10;
const SIZE: (u32, u32) = (160, 120);
/// Frames of each view.
const VIEW: u32 = 20;

/// A voice, as a WAV file of one channel and 16 bits, about six seconds long.
pub(super) fn voice(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut samples: Vec<i16> = Vec::new();
    let pause = |samples: &mut Vec<i16>, milliseconds: u64, dice: &mut Dice| {
        let count = milliseconds * u64::from(RATE) / 1000;
        // A quiet room is not silent.
        samples.extend((0..count).map(|_| dice.between(0, 8) as i16 - 4));
    };
    pause(&mut samples, 300, &mut dice);
    for _ in 0..4 {
        for _ in 0..dice.between(4, 7) {
            syllable(&mut samples, &mut dice);
            let gap = dice.between(20, 60);
            pause(&mut samples, gap, &mut dice);
        }
        pause(&mut samples, 450, &mut dice);
    }
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut format = Vec::new();
    for number in [1_u16, 1] {
        format.extend(number.to_le_bytes());
    }
    format.extend(RATE.to_le_bytes());
    format.extend((RATE * 2).to_le_bytes());
    for number in [2_u16, 16] {
        format.extend(number.to_le_bytes());
    }
    riff(b"WAVE", &[chunk(b"fmt ", &format), chunk(b"data", &bytes)])
}

/// A vowel: pulses of a pitch through three resonances. Only sums and products, so that every machine says the same.
fn syllable(samples: &mut Vec<i16>, dice: &mut Dice) {
    // Twice the cosine of the resonance's angle, and the square of its radius.
    const VOWELS: [[(f64, f64); 3]; 3] = [
        [(1.887, 0.95), (1.781, 0.93), (0.765, 0.90)],
        [(1.960, 0.95), (1.218, 0.93), (0.561, 0.90)],
        [(1.947, 0.95), (1.888, 0.93), (0.813, 0.90)],
    ];
    let vowel = VOWELS[dice.between(0, 3) as usize % 3];
    let period = dice.between(95, 150) as usize;
    let count = dice.between(130, 220) as usize * RATE as usize / 1000;
    let mut state = [[0.0_f64; 2]; 3];
    for at in 0..count {
        let mut sample = if at % period == 0 { 1.0 } else { 0.0 };
        for ((turn, damping), last) in vowel.iter().zip(&mut state) {
            sample += turn * damping * last[0] - damping * damping * last[1];
            *last = [sample, last[0]];
        }
        let edge = at.min(count - at).min(400) as f64 / 400.0;
        samples.push((sample * edge * 350.0).clamp(-16_000.0, 16_000.0) as i16);
    }
}

/// Two views with a cut between them, as Motion JPEG in AVI, four seconds long.
pub(super) fn film(seed: u64) -> Vec<u8> {
    let encode = Encode::new(Encoding::Jpeg { quality: 80 });
    let mut frames = Vec::new();
    for view in 0..2 {
        let wide = landscape(seed * 2 + view, SIZE.0 + 2 * VIEW, SIZE.1);
        for frame in 0..VIEW {
            let left = if view == 0 { 2 * frame } else { 2 * (VIEW - frame) };
            let jpeg = encode.encode(part(&wide, left));
            frames.push(jpeg.expect("a small picture can be encoded"));
        }
    }
    let longest = frames.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let numbers =
        |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_le_bytes()).collect() };
    let count = frames.len() as u32;
    let main = numbers(&[
        1_000_000 / FPS,
        longest * FPS,
        0,
        0x10,
        count,
        0,
        1,
        longest,
        SIZE.0,
        SIZE.1,
        0,
        0,
        0,
        0,
    ]);
    let mut stream = b"vidsMJPG".to_vec();
    stream.extend(numbers(&[0, 0, 0, 1, FPS, 0, count, longest, u32::MAX, 0]));
    // Where it is shown: from 0, 0 to its size.
    stream.extend(
        [0, 0, SIZE.0 as u16, SIZE.1 as u16]
            .iter()
            .flat_map(|number| number.to_le_bytes()),
    );
    let mut format = numbers(&[40, SIZE.0, SIZE.1, 1 | 24 << 16]);
    format.extend(b"MJPG");
    format.extend(numbers(&[SIZE.0 * SIZE.1 * 3, 0, 0, 0, 0]));
    let streams = list(b"strl", &[chunk(b"strh", &stream), chunk(b"strf", &format)]);
    let mut index = Vec::new();
    let mut at = 4;
    for frame in &frames {
        index.extend(b"00dc");
        index.extend(numbers(&[0x10, at, frame.len() as u32]));
        at += 8 + frame.len().next_multiple_of(2) as u32;
    }
    let pictures: Vec<Vec<u8>> = frames.iter().map(|frame| chunk(b"00dc", frame)).collect();
    riff(
        b"AVI ",
        &[
            list(b"hdrl", &[chunk(b"avih", &main), streams]),
            list(b"movi", &pictures),
            chunk(b"idx1", &index),
        ],
    )
}

/// The part of a wide picture that begins at a column.
fn part(wide: &Picture, left: u32) -> Picture {
    let rows = wide.pixels.chunks_exact(wide.width as usize * 3);
    let start = left as usize * 3;
    let pixels = rows.flat_map(|row| &row[start..start + SIZE.0 as usize * 3]);
    Picture {
        width: SIZE.0,
        height: SIZE.1,
        channels: Channels::Rgb,
        pixels: pixels.copied().collect(),
    }
}

fn riff(kind: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"RIFF", &[kind.as_slice(), &chunks.concat()].concat())
}

fn list(kind: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"LIST", &[kind.as_slice(), &chunks.concat()].concat())
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = [name.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}
