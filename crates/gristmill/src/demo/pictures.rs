//! Pictures of the demo's sites: landscapes with a sun, drawn by dice.

use gristmill_image::{Channels, Picture};

use super::prose::Dice;

/// Pixels between two points of a ridge.
const STRIDE: usize = 48;

/// A landscape. The same seed and size give the same pixels.
pub(super) fn landscape(seed: u64, width: u32, height: u32) -> Picture {
    let mut dice = Dice::new(seed);
    let (columns, rows) = (width as usize, height as usize);
    let mut color = |low: u64, high: u64| [0; 3].map(|_: u64| dice.between(low, high) as i64);
    let (top, bottom) = (color(40, 160), color(150, 250));
    let grounds = [color(90, 150), color(60, 110), color(20, 80)];
    let mut ridges = Vec::new();
    for layer in 0..grounds.len() {
        let middle = (height as u64 * (4 + 2 * layer as u64) / 10).max(1);
        let depth = (height as u64 / 6).max(1);
        let points: Vec<i64> = (0..columns / STRIDE + 2)
            .map(|_| (middle + dice.between(0, depth)) as i64)
            .collect();
        let at = |column: usize| {
            let (left, part) = (column / STRIDE, (column % STRIDE) as i64);
            points[left] + (points[left + 1] - points[left]) * part / STRIDE as i64
        };
        ridges.push((0..columns).map(at).collect::<Vec<_>>());
    }
    let sun = [dice.between(0, u64::from(width)) as i64, i64::from(height) / 5];
    let radius = i64::from(height) / 9;
    let mut pixels = Vec::with_capacity(columns * rows * 3);
    for y in 0..rows as i64 {
        for x in 0..columns {
            let from_sun = (x as i64 - sun[0]).pow(2) + (y - sun[1]).pow(2);
            let layer = (0..ridges.len()).rev().find(|layer| y >= ridges[*layer][x]);
            let grain = dice.between(0, 12) as i64;
            for channel in 0..3 {
                let value = match layer {
                    Some(layer) => grounds[layer][channel] - (y - ridges[layer][x]) / 4 + grain * 2,
                    None if from_sun < radius * radius => 245 - 20 * channel as i64,
                    None => top[channel] + (bottom[channel] - top[channel]) * y / rows as i64 + grain,
                };
                pixels.push(value.clamp(0, 255) as u8);
            }
        }
    }
    Picture {
        width,
        height,
        channels: Channels::Rgb,
        pixels,
    }
}
