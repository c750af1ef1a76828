//! How frames look: the signals of the image room on their thumbnails.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryViewArray, cast::AsArray, types::Float64Type};
use gristmill_core::{Error, Result, Signal, columns::IMAGE_THUMBNAIL};
use gristmill_image::{SIGNALS, Thumbnail};

/// What is asked of each frame, and the name of its mean over frames.
pub(super) const LOOKS: [(&str, &str); 5] = [
    ("image_brightness", "video_brightness"),
    ("image_contrast", "video_contrast"),
    ("image_entropy", "video_entropy"),
    ("image_blur", "video_blur"),
    ("image_colorfulness", "video_colorfulness"),
];

/// The means over frames, in the order of [`LOOKS`]; none without frames.
pub(super) fn means(thumbnails: &[Thumbnail]) -> Result<[Option<f64>; LOOKS.len()]> {
    let bytes: BinaryViewArray = thumbnails
        .iter()
        .map(|thumbnail| Some(thumbnail.to_bytes()))
        .collect();
    let mut known: Vec<(&str, ArrayRef)> = vec![(IMAGE_THUMBNAIL.name, Arc::new(bytes))];
    let mut means = [None; LOOKS.len()];
    for (mean, (wanted, _)) in means.iter_mut().zip(LOOKS) {
        let column = column(wanted, &mut known, 0)?;
        let values = column.as_primitive::<Float64Type>();
        let count = values.len() - values.null_count();
        *mean = (count > 0).then(|| values.iter().flatten().sum::<f64>() / count as f64);
    }
    Ok(means)
}

/// A column of the image room, with what it is computed from.
fn column(name: &str, known: &mut Vec<(&'static str, ArrayRef)>, depth: usize) -> Result<ArrayRef> {
    if let Some((_, array)) = known.iter().find(|(known, _)| *known == name) {
        return Ok(array.clone());
    }
    let gives = |signal: &&&dyn Signal| {
        let outputs = signal.card().outputs.iter().any(|output| output.name == name);
        outputs
            && signal
                .card()
                .inputs
                .iter()
                .all(|input| input.name.starts_with("image_"))
    };
    let signal = SIGNALS
        .iter()
        .find(gives)
        .filter(|_| depth < 4)
        .ok_or_else(|| Error::new(format!("no signal of images gives {name}")))?;
    let inputs = signal
        .card()
        .inputs
        .iter()
        .map(|input| column(input.name, known, depth + 1))
        .collect::<Result<Vec<_>>>()?;
    for (output, array) in signal.card().outputs.iter().zip(signal.compute(&inputs)?) {
        known.push((output.name, array));
    }
    column(name, known, depth + 1)
}
