//! What sampled frames tell.
//!
//! - `video_brightness`, `_contrast`, `_entropy`, `_blur`, `_colorfulness`: means over frames of what the image signals of these names
//!   give for the frame at most 512 pixels long, upright.
//! - `video_black_share`: share of frames that are black, by the definition of FFmpeg's `blackdetect`.
//! - `video_letterbox_*`: bars that all frames share.
//! - `video_still_share`: share of steps from one sampled frame to the next in which the mean difference of the colours is below 2 % of the
//!   range; null for fewer than two frames.
//! - `video_pdq`: PDQ hashes of the frames as lines `number,quality,hash,time`; see [`vpdq`](super::vpdq).
//! - `video_poster`: the frame in the middle as a JPEG.

use gristmill_core::{Column, Fault, Result};
use gristmill_image::{
    THUMBNAIL_SIDE, Thumbnail, ThumbnailRef,
    edit::{Encode, Encoding},
    hash::pdq::Spectrum,
};
use serde_json::json;

use super::{
    letterbox::Bars,
    looks::{LOOKS, means},
    vpdq::VpdqFrame,
};
use crate::{
    decode::Shown,
    measure::{Values, is_black},
    probe::rounded,
};

/// What is given.
pub(crate) static OUTPUTS: [Column; 16] = [
    Column::u32(
        "video_sampled_frame_count",
        "key frames that were decoded and looked at",
    ),
    Column::f64(
        "video_brightness",
        "mean luma of sampled frames, 0 (black) to 1 (white)",
    ),
    Column::f64(
        "video_contrast",
        "mean over sampled frames of the standard deviation of luma, 0 to 0.5",
    ),
    Column::f64(
        "video_entropy",
        "mean over sampled frames of the entropy of luma, 0 to 8 bits",
    ),
    Column::f64(
        "video_blur",
        "mean over sampled frames of the variance of the Laplacian: the lower, the more blurred",
    ),
    Column::f64(
        "video_colorfulness",
        "mean colourfulness of sampled frames, 0 (grey) upwards",
    ),
    Column::f64(
        "video_black_share",
        "share of sampled frames that are black, 0 to 1",
    ),
    Column::f64(
        "video_still_share",
        "share of steps between sampled frames without change, 0 to 1",
    ),
    Column::f64(
        "video_letterbox_share",
        "share of the area in black bars that all sampled frames have",
    ),
    Column::f64("video_letterbox_top", "black bar at the top, share of the height"),
    Column::f64(
        "video_letterbox_bottom",
        "black bar at the bottom, share of the height",
    ),
    Column::f64(
        "video_letterbox_left",
        "black bar at the left, share of the width",
    ),
    Column::f64(
        "video_letterbox_right",
        "black bar at the right, share of the width",
    ),
    Column::texts(
        "video_pdq",
        "PDQ hashes of key frames a second or more apart, as lines of number, quality, hash and seconds (vPDQ)",
    ),
    Column::u32(
        "video_pdq_frame_count",
        "frames of video_pdq of a quality of at least 50",
    ),
    Column::media(
        "video_poster",
        "sampled frame in the middle, a JPEG of at most 512 pixels",
    )
    .if_named(),
];

/// The difference of colours, as a share of the range, below which nothing changed.
const STILL: f64 = 0.02;
/// The quality of a poster.
const POSTER_QUALITY: u8 = 90;

/// Takes sampled frames.
pub(crate) struct Stills {
    rotation: u16,
    thumbnails: Vec<Thumbnail>,
    black: usize,
    hashes: Vec<VpdqFrame>,
    with_hashes: bool,
}

impl Stills {
    /// No frame yet, of a video that is turned so.
    pub(crate) fn new(rotation: u16, wanted: &[&str]) -> Self {
        Stills {
            rotation,
            thumbnails: Vec::new(),
            black: 0,
            hashes: Vec::new(),
            with_hashes: wanted.iter().any(|name| name.starts_with("video_pdq")),
        }
    }

    /// Takes a frame.
    pub(crate) fn take(&mut self, shown: &Shown) {
        let frame = &shown.frame;
        let Some(picture) = frame.picture(THUMBNAIL_SIDE, self.rotation) else {
            return;
        };
        self.black += usize::from(is_black(frame));
        let thumbnail = Thumbnail::of(picture);
        if self.with_hashes {
            let small = thumbnail.as_ref();
            let is_large = frame.width().max(frame.height()) > THUMBNAIL_SIDE as usize;
            let of = if is_large {
                Spectrum::stretched
            } else {
                Spectrum::of
            };
            let spectrum = of(small.width, small.height, small.pixels);
            self.hashes.push(VpdqFrame {
                number: shown.number as u32,
                quality: spectrum.quality(),
                hash: spectrum.hash(),
                time_s: shown.time_s,
            });
        }
        self.thumbnails.push(thumbnail);
    }

    /// Tells of all frames; the poster, if it is wanted.
    pub(crate) fn finish(self, wanted: &[&str], values: &mut Values) -> Result<Option<Vec<u8>>> {
        let is_wanted = |name: &str| wanted.contains(&name);
        let count = self.thumbnails.len();
        values.insert("video_sampled_frame_count".into(), count.into());
        if count == 0 {
            return Ok(None);
        }
        if LOOKS.iter().any(|(_, name)| is_wanted(name)) {
            for ((_, name), mean) in LOOKS.iter().zip(means(&self.thumbnails)?) {
                values.insert((*name).into(), mean.into());
            }
        }
        values.insert(
            "video_black_share".into(),
            rounded(self.black as f64 / count as f64).into(),
        );
        if wanted.iter().any(|name| name.starts_with("video_letterbox")) {
            let bars = self
                .thumbnails
                .iter()
                .filter_map(|thumbnail| Bars::of(&thumbnail.as_ref()));
            let bars = bars.reduce(Bars::shared).unwrap_or(Bars {
                top: 0.0,
                bottom: 0.0,
                left: 0.0,
                right: 0.0,
            });
            for (name, share) in [
                ("share", bars.share()),
                ("top", bars.top),
                ("bottom", bars.bottom),
                ("left", bars.left),
                ("right", bars.right),
            ] {
                values.insert(format!("video_letterbox_{name}"), rounded(share).into());
            }
        }
        if is_wanted("video_still_share") && count > 1 {
            let pairs = self.thumbnails.windows(2);
            let still = pairs
                .filter(|pair| difference(&pair[0].as_ref(), &pair[1].as_ref()) < STILL)
                .count();
            values.insert(
                "video_still_share".into(),
                rounded(still as f64 / (count - 1) as f64).into(),
            );
        }
        if self.with_hashes {
            let lines: Vec<String> = self.hashes.iter().map(ToString::to_string).collect();
            values.insert("video_pdq".into(), json!(lines));
            let usable = self
                .hashes
                .iter()
                .filter(|frame| frame.quality >= super::vpdq::QUALITY);
            values.insert("video_pdq_frame_count".into(), usable.count().into());
        }
        if !is_wanted("video_poster") {
            return Ok(None);
        }
        let middle = &self.thumbnails[count / 2];
        Ok(jpeg(&middle.as_ref(), POSTER_QUALITY).ok())
    }
}

/// A picture as a JPEG.
fn jpeg(picture: &ThumbnailRef<'_>, quality: u8) -> std::result::Result<Vec<u8>, Fault> {
    Encode::new(Encoding::Jpeg { quality }).encode(gristmill_image::Picture {
        width: picture.width,
        height: picture.height,
        channels: gristmill_image::Channels::Rgb,
        pixels: picture.pixels.to_vec(),
    })
}

/// The mean difference of colours, as a share of the range; 1 for pictures of different sizes.
fn difference(one: &ThumbnailRef<'_>, two: &ThumbnailRef<'_>) -> f64 {
    if (one.width, one.height) != (two.width, two.height) {
        return 1.0;
    }
    let differences = one.pixels.iter().zip(two.pixels);
    let sum: u64 = differences.map(|(one, two)| u64::from(one.abs_diff(*two))).sum();
    sum as f64 / one.pixels.len() as f64 / 255.0
}
