//! Samples of several channels.

/// Samples of a stretch of sound: one plane for each channel, all of one length, full scale at -1 and 1.
///
/// Channels come in the order of WAVE: of 5.1 front left and right, centre, low frequencies, back left and right.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    planes: Vec<Vec<f32>>,
}

impl Samples {
    /// No samples of so many channels.
    pub fn new(channels: usize) -> Samples {
        Samples {
            planes: vec![Vec::new(); channels],
        }
    }

    /// Samples in these planes.
    ///
    /// # Panics
    /// When they are not of one length.
    pub fn from_planes(planes: Vec<Vec<f32>>) -> Samples {
        assert!(
            planes.windows(2).all(|pair| pair[0].len() == pair[1].len()),
            "planes are of one length"
        );
        Samples { planes }
    }

    /// Samples of a channel.
    pub fn frames(&self) -> usize {
        self.planes.first().map_or(0, Vec::len)
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.planes.len()
    }

    /// The samples of each channel.
    pub fn planes(&self) -> &[Vec<f32>] {
        &self.planes
    }

    pub(crate) fn planes_mut(&mut self) -> &mut [Vec<f32>] {
        &mut self.planes
    }

    pub(crate) fn clear(&mut self) {
        self.planes.iter_mut().for_each(Vec::clear);
    }

    /// Keeps the first frames.
    pub(crate) fn truncate(&mut self, frames: usize) {
        self.planes.iter_mut().for_each(|plane| plane.truncate(frames));
    }

    /// Removes the first frames.
    pub(crate) fn drop_front(&mut self, frames: usize) {
        for plane in &mut self.planes {
            plane.drain(..frames.min(plane.len()));
        }
    }

    /// Makes it longer by so many frames of silence.
    pub(crate) fn extend_silence(&mut self, frames: usize) {
        for plane in &mut self.planes {
            plane.resize(plane.len() + frames, 0.0);
        }
    }

    /// Appends interleaved samples.
    pub(crate) fn extend_interleaved<T: Copy>(&mut self, samples: &[T], value: impl Fn(T) -> f32) {
        match &mut self.planes[..] {
            [mono] => mono.extend(samples.iter().map(|&sample| value(sample))),
            [left, right] => {
                let (pairs, _) = samples.as_chunks::<2>();
                left.extend(pairs.iter().map(|pair| value(pair[0])));
                right.extend(pairs.iter().map(|pair| value(pair[1])));
            }
            planes => {
                let count = planes.len();
                let whole = samples.len() / count * count;
                for (at, plane) in planes.iter_mut().enumerate() {
                    plane.extend(
                        samples[..whole]
                            .iter()
                            .skip(at)
                            .step_by(count)
                            .map(|&sample| value(sample)),
                    );
                }
            }
        }
    }

    /// Appends planes of another number of channels: one becomes all, of more the first are taken, missing ones are silent.
    pub(crate) fn extend_planes<'a>(&mut self, planes: impl ExactSizeIterator<Item = &'a [f32]>) {
        let before = self.frames();
        let count = planes.len();
        let mut frames = 0;
        for (at, plane) in planes.enumerate() {
            frames = plane.len();
            if count == 1 {
                self.planes
                    .iter_mut()
                    .for_each(|all| all.extend_from_slice(plane));
            } else if let Some(own) = self.planes.get_mut(at) {
                own.extend_from_slice(plane);
            }
        }
        self.planes
            .iter_mut()
            .for_each(|plane| plane.resize(before + frames, 0.0));
    }

    /// Appends all of another stretch.
    pub(crate) fn extend(&mut self, other: &Samples) {
        self.extend_planes(other.planes.iter().map(Vec::as_slice));
    }
}
