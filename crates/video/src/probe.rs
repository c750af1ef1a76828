//! What is told of a video without decoding a picture.

use gristmill_core::Fault;
use serde_json::{Value, json};

use crate::film::{Container, Film, Kind, Track};

/// A step between frames that differs from the usual one by more than this share of it, and by more than
/// [`STEP_SECONDS`], makes a frame rate variable.
const STEP_SHARE: f64 = 0.1;
/// Containers that count milliseconds round steps by up to one each way.
const STEP_SECONDS: f64 = 0.002;

/// What is told of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The container.
    pub container: Container,
    /// Seconds.
    pub duration_s: Option<f64>,
    /// Width as shown: upright.
    pub width: u32,
    /// Height as shown: upright.
    pub height: u32,
    /// By how many degrees clockwise the stored picture is turned.
    pub rotation_deg: u16,
    /// Width of a stored pixel by its height.
    pub pixel_aspect: f64,
    /// Frames a second in the mean.
    pub frame_rate_fps: Option<f64>,
    /// Whether steps between frames differ.
    pub is_variable_frame_rate: bool,
    /// Frames that are shown.
    pub frame_count: u32,
    /// The codec, by the name of FFmpeg.
    pub codec: String,
    /// Its profile, by the name of FFmpeg.
    pub profile: Option<String>,
    /// Bits of a sample of luma.
    pub bit_depth: Option<u8>,
    /// Bits of the file by its duration.
    pub bitrate_bps: Option<u64>,
    /// When key frames are shown, ascending, in seconds.
    pub keyframes_s: Vec<f64>,
    /// The longest time from one key frame to the next, or to the end.
    pub keyframe_interval_longest_s: Option<f64>,
    /// Whether the pictures are encrypted.
    pub is_encrypted: bool,
    /// Whether the file ends before its container does.
    pub is_truncated: bool,
}

impl Probe {
    /// Tells of the video of a film.
    ///
    /// # Errors
    /// `unsupported` for a film without pictures.
    pub fn of(film: &Film<'_>) -> Result<Probe, Fault> {
        let Some(track) = film.video() else {
            return Err(Fault::unsupported(format!(
                "{} without a track of pictures",
                film.container.name()
            )));
        };
        let times = track.times();
        let (frame_rate_fps, is_variable_frame_rate) = rate(track, &times);
        let duration_s = film.duration();
        let keyframes_s = keyframes(track);
        let video = track.video;
        let is_turned = matches!(video.rotation, 90 | 270);
        let (width, height) = if is_turned {
            (video.height, video.width)
        } else {
            (video.width, video.height)
        };
        Ok(Probe {
            container: film.container,
            duration_s,
            width,
            height,
            rotation_deg: video.rotation,
            pixel_aspect: video
                .pixel_aspect
                .map_or(1.0, |(across, down)| f64::from(across) / f64::from(down)),
            frame_rate_fps,
            is_variable_frame_rate,
            frame_count: u32::try_from(times.len()).unwrap_or(u32::MAX),
            codec: track.codec.to_string(),
            profile: track.profile.clone(),
            bit_depth: video.bit_depth,
            bitrate_bps: duration_s
                .filter(|seconds| *seconds > 0.0)
                .map(|seconds| (film.file.len() as f64 * 8.0 / seconds).round() as u64),
            keyframe_interval_longest_s: longest_interval(track, &keyframes_s),
            keyframes_s,
            is_encrypted: track.is_encrypted,
            is_truncated: film.is_truncated,
        })
    }
}

/// When the key frames of a track are shown, ascending, in seconds.
pub(crate) fn keyframes(track: &Track) -> Vec<f64> {
    let keys = track
        .samples
        .iter()
        .filter(|sample| sample.is_key && sample.is_shown);
    let mut times: Vec<i64> = keys.map(|sample| sample.time).collect();
    times.sort_unstable();
    times.into_iter().map(|time| track.tick.seconds(time)).collect()
}

fn longest_interval(track: &Track, keyframes: &[f64]) -> Option<f64> {
    let (_, end) = track.span()?;
    let end = track.tick.seconds(end);
    let next = keyframes.iter().skip(1).copied().chain([end]);
    let intervals = keyframes.iter().zip(next).map(|(from, to)| to - from);
    intervals.max_by(f64::total_cmp)
}

/// Frames a second, and whether steps between them differ.
fn rate(track: &Track, times: &[i64]) -> (Option<f64>, bool) {
    let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.retain(|step| *step > 0);
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return (track.video.stated_rate, false);
    };
    if steps.is_empty() || last == first {
        return (track.video.stated_rate, false);
    }
    let seconds = track.tick.seconds(last.saturating_sub(*first));
    let rate = (times.len() - 1) as f64 / seconds;
    steps.sort_unstable();
    let usual = track.tick.seconds(steps[steps.len() / 2]);
    let differs = |step: &i64| {
        let difference = (track.tick.seconds(*step) - usual).abs();
        difference > usual * STEP_SHARE && difference > STEP_SECONDS
    };
    let is_variable = steps.first().is_some_and(differs) || steps.last().is_some_and(differs);
    // Containers that count milliseconds round the times, not the rate.
    let stated = track
        .video
        .stated_rate
        .filter(|stated| !is_variable && (stated - rate).abs() <= rate * 0.005);
    (Some(stated.unwrap_or(rate)), is_variable)
}

/// All tracks as a JSON list.
pub(crate) fn tracks_json(film: &Film<'_>) -> Value {
    let tracks = film.tracks.iter().map(|track| {
        let mut object = json!({
            "number": track.number,
            "kind": track.kind.name(),
            "codec": track.codec,
        });
        let fields = object.as_object_mut().expect("it was made as an object");
        if let Some(profile) = &track.profile {
            fields.insert("profile".into(), profile.as_str().into());
        }
        if let Some(language) = &track.language {
            fields.insert("language".into(), language.as_str().into());
        }
        if track.is_encrypted {
            fields.insert("is_encrypted".into(), true.into());
        }
        if let Some((start, end)) = track.span() {
            fields.insert("start_s".into(), json!(rounded(track.tick.seconds(start))));
            fields.insert("end_s".into(), json!(rounded(track.tick.seconds(end))));
        }
        match track.kind {
            Kind::Video => {
                fields.insert("width_px".into(), track.video.width.into());
                fields.insert("height_px".into(), track.video.height.into());
            }
            Kind::Audio if track.audio.rate_hz > 0 => {
                fields.insert("rate_hz".into(), track.audio.rate_hz.into());
                fields.insert("channels".into(), track.audio.channels.into());
            }
            _ => {}
        }
        object
    });
    tracks.collect()
}

/// Seconds to the microsecond: no more of them is meant.
pub(crate) fn rounded(seconds: f64) -> f64 {
    // No -0: it is what the sum of nothing is.
    (seconds * 1e6).round() / 1e6 + 0.0
}
