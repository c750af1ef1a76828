//! Work that decodes: in a worker process where there are workers, else in this one.
//!
//! A request is the file, without samples that nobody asks for, and what is wanted of it; an answer has measures and small pictures, so
//! that no frame crosses the pipe.
//!
//! | request | | answer | |
//! |---|---|---|---|
//! | length of the task | u32 | length of the values | u32 |
//! | task, a JSON object with the holes of the file | | values, a JSON object | |
//! | the parts of the file between holes | | for each picture: length (u32) and a JPEG | |

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use gristmill_core::{Fault, Limits};
use gristmill_image::edit::{Encode, Encoding};
use gristmill_worker::{Answer, Codec, workers};
use serde_json::{Value, json};

use crate::{
    decode::{at_samples, play, samples_for},
    excerpt,
    measure::{ADAPTIVE, CONTENT, MEASURES, Sampler, Scorer, Small, Values, View},
    read::{fields::u32_le, read},
    still::{Policy, Stills},
};

/// The codec that does this work.
pub(crate) const CODEC: Codec = Codec {
    id: 200,
    run: |request, answer_max| serve(request, answer_max),
};

/// Longest answer.
const ANSWER_MAX: u64 = 256 << 20;
/// How long work may take: a minute, and more for larger files. It is there for decoders that hang.
const GUARD: Duration = Duration::from_secs(60);
/// Bytes of a file that add a second.
const BYTES_PER_SECOND: usize = 100 << 10;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// What key frames tell, of those that this policy chooses.
    Stills(Policy),
    /// What all frames tell.
    Frames,
    /// Chosen frames as JPEGs.
    Pictures {
        policy: Policy,
        /// Most pixels of the longer side.
        side: u32,
        /// Of JPEG.
        quality: u8,
    },
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reply {
    pub(crate) values: Values,
    pub(crate) pictures: Vec<Vec<u8>>,
}

/// Does a task with a file.
pub(crate) fn run(file: &[u8], task: Task, wanted: &[&str], limits: &Limits) -> Result<Reply, Fault> {
    let Some(workers) = workers() else {
        return guarded(file, task, wanted, limits);
    };
    let holes = holes(file, task, limits);
    let head = json!({"task": task.to_json(), "wanted": wanted, "limits": limits_json(limits), "holes": holes_json(&holes)})
        .to_string();
    let length = (head.len() as u32).to_le_bytes();
    let mut request: Vec<&[u8]> = vec![&length, head.as_bytes()];
    request.extend(excerpt::parts(file, &holes));
    let guard = GUARD + Duration::from_secs((file.len() / BYTES_PER_SECOND) as u64);
    let answer = workers.call_within(CODEC.id, &request, ANSWER_MAX, guard)?;
    Reply::from_bytes(&answer).ok_or_else(|| Fault::internal("video worker answers something else"))
}

/// What of a file a task does not look at; nothing of one that cannot be read, the fault of which the worker finds as well.
fn holes(file: &[u8], task: Task, limits: &Limits) -> Vec<Range<usize>> {
    let (Task::Stills(policy) | Task::Pictures { policy, .. }) = task else {
        return Vec::new();
    };
    let Ok(film) = read(file, limits) else {
        return Vec::new();
    };
    film.video().map_or_else(Vec::new, |track| {
        let needed = samples_for(track, &policy.choose(track).places);
        excerpt::holes(&film, track, &needed)
    })
}

fn guarded(file: &[u8], task: Task, wanted: &[&str], limits: &Limits) -> Result<Reply, Fault> {
    catch_unwind(AssertUnwindSafe(|| perform(file, task, wanted, limits)))
        .unwrap_or_else(|_| Err(Fault::internal("measuring a video panicked")))
}

fn serve(request: &[u8], answer_max: u64) -> Result<Answer, Fault> {
    let parsed = || {
        let length = u32_le(request, 0)? as usize;
        let head: Value = serde_json::from_slice(request.get(4..)?.get(..length)?).ok()?;
        Some((head, &request[4 + length..]))
    };
    let (head, file) = parsed().ok_or_else(|| Fault::internal("request of a video is none"))?;
    let task = Task::from_json(&head["task"]).ok_or_else(|| Fault::internal("task of a video is none"))?;
    let wanted: Vec<&str> = head["wanted"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let holes = holes_of(&head["holes"]);
    let whole;
    let file = if holes.is_empty() {
        file
    } else {
        whole = excerpt::whole(file, &holes).ok_or_else(|| Fault::internal("holes of a video are none"))?;
        &whole
    };
    let bytes = guarded(file, task, &wanted, &limits_of(&head["limits"]))?.to_bytes();
    if bytes.len() as u64 > answer_max {
        return Err(Fault::limit(format!(
            "answer of {} bytes exceeds {answer_max}",
            bytes.len()
        )));
    }
    Ok(Answer {
        head: bytes,
        body: Box::new(Vec::new()),
    })
}

fn perform(file: &[u8], task: Task, wanted: &[&str], limits: &Limits) -> Result<Reply, Fault> {
    let film = read(file, limits)?;
    let track = film.video().ok_or_else(|| {
        Fault::unsupported(format!("{} without a track of pictures", film.container.name()))
    })?;
    let mut reply = Reply::default();
    match task {
        Task::Stills(policy) => {
            let choice = policy.choose(track);
            let mut stills = Stills::new(track.video.rotation, wanted);
            at_samples(&film, track, &choice.places, limits, |shown| stills.take(&shown))?;
            let poster = stills
                .finish(wanted, &mut reply.values)
                .map_err(|error| Fault::internal(error.to_string()))?;
            reply.pictures.extend(poster);
        }
        Task::Frames => {
            let is_wanted = |outputs: &[gristmill_core::Column]| {
                outputs.iter().any(|output| wanted.contains(&output.name))
            };
            let chosen = MEASURES.iter().filter(|entry| is_wanted(entry.outputs));
            let mut measures: Vec<_> = chosen.map(|entry| (entry.begin)()).collect();
            let (mut sampler, mut small) = (Sampler::default(), Small::default());
            let mut scorer = (is_wanted(&CONTENT) || is_wanted(&ADAPTIVE)).then(Scorer::default);
            let played = play(&film, track, limits, |shown| {
                sampler.sample(&shown.frame, &mut small);
                let view = View {
                    time_s: shown.time_s,
                    frame: &shown.frame,
                    small: &small,
                    score: scorer.as_mut().map_or(0.0, |scorer| scorer.score(&small)),
                    rotation: track.video.rotation,
                };
                measures.iter_mut().for_each(|measure| measure.take(&view));
            })?;
            let end = track.span().map_or(0.0, |(_, end)| track.tick.seconds(end));
            for measure in measures {
                measure.finish(end, &mut reply.values);
            }
            let values = &mut reply.values;
            values.insert("video_decoded_frame_count".into(), played.frames.into());
            values.insert("video_damaged_frame_count".into(), played.damaged.into());
            values.insert("video_is_partly_decoded".into(), played.is_partial.into());
        }
        Task::Pictures {
            policy,
            side,
            quality,
        } => {
            let choice = policy.choose(track);
            let encode = Encode::new(Encoding::Jpeg { quality });
            let mut times = Vec::new();
            at_samples(&film, track, &choice.places, limits, |shown| {
                let picture = shown.frame.picture(side, track.video.rotation);
                if let Some(file) = picture.and_then(|picture| encode.encode(picture).ok()) {
                    reply.pictures.push(file);
                    times.push(crate::probe::rounded(shown.time_s));
                }
            })?;
            // In the order in which they are shown.
            let mut order: Vec<usize> = (0..times.len()).collect();
            order.sort_by(|&one, &two| f64::total_cmp(&times[one], &times[two]));
            let mut pictures: Vec<Option<Vec<u8>>> = reply.pictures.drain(..).map(Some).collect();
            reply.pictures = order.iter().filter_map(|&at| pictures[at].take()).collect();
            let times: Vec<f64> = order.iter().map(|&at| times[at]).collect();
            reply.values.insert("times_s".into(), json!(times));
        }
    }
    Ok(reply)
}

/// The limits that this work looks at.
fn limits_json(limits: &Limits) -> Value {
    json!([
        limits.record_bytes,
        limits.video_samples,
        limits.video_pixels,
        limits.video_bytes,
        limits.video_decoded_pixels
    ])
}

fn limits_of(value: &Value) -> Limits {
    let usual = Limits::default();
    let number = |at: usize, usual: u64| value[at].as_u64().unwrap_or(usual);
    Limits {
        record_bytes: number(0, usual.record_bytes as u64) as usize,
        video_samples: number(1, u64::from(usual.video_samples)) as u32,
        video_pixels: number(2, usual.video_pixels),
        video_bytes: number(3, usual.video_bytes),
        video_decoded_pixels: number(4, usual.video_decoded_pixels),
        ..usual
    }
}

/// Ends of holes, one after the other.
fn holes_json(holes: &[Range<usize>]) -> Value {
    holes.iter().flat_map(|hole| [hole.start, hole.end]).collect()
}

fn holes_of(value: &Value) -> Vec<Range<usize>> {
    let ends = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let (pairs, _) = ends.as_chunks::<2>();
    let end = |value: &Value| value.as_u64().and_then(|end| usize::try_from(end).ok());
    pairs
        .iter()
        .filter_map(|[from, to]| Some(end(from)?..end(to)?))
        .collect()
}

impl Task {
    fn to_json(self) -> Value {
        match self {
            Task::Stills(policy) => json!(["stills", policy_json(policy)]),
            Task::Frames => json!(["frames"]),
            Task::Pictures {
                policy,
                side,
                quality,
            } => json!(["pictures", policy_json(policy), side, quality]),
        }
    }

    fn from_json(value: &Value) -> Option<Task> {
        Some(match value[0].as_str()? {
            "stills" => Task::Stills(policy_of(&value[1])?),
            "frames" => Task::Frames,
            "pictures" => Task::Pictures {
                policy: policy_of(&value[1])?,
                side: value[2].as_u64()? as u32,
                quality: value[3].as_u64()? as u8,
            },
            _ => return None,
        })
    }
}

fn policy_json(policy: Policy) -> Value {
    match policy {
        Policy::Keyframes { apart_ms, most } => json!(["keyframes", apart_ms, most]),
        Policy::Uniform { count } => json!(["uniform", count]),
        Policy::Every { step_ms, most } => json!(["every", step_ms, most]),
        Policy::FirstMiddleLast => json!(["first_middle_last"]),
    }
}

fn policy_of(value: &Value) -> Option<Policy> {
    let number = |at: usize| value[at].as_u64();
    Some(match value[0].as_str()? {
        "keyframes" => Policy::Keyframes {
            apart_ms: number(1)?,
            most: number(2)? as u32,
        },
        "uniform" => Policy::Uniform {
            count: number(1)? as u32,
        },
        "every" => Policy::Every {
            step_ms: number(1)?,
            most: number(2)? as u32,
        },
        "first_middle_last" => Policy::FirstMiddleLast,
        _ => return None,
    })
}

impl Reply {
    fn to_bytes(&self) -> Vec<u8> {
        let values = Value::Object(self.values.clone()).to_string();
        let mut bytes = (values.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(values.as_bytes());
        for picture in &self.pictures {
            bytes.extend_from_slice(&(picture.len() as u32).to_le_bytes());
            bytes.extend_from_slice(picture);
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Reply> {
        let take = |at: usize| -> Option<(&[u8], usize)> {
            let length = u32_le(bytes, at)? as usize;
            Some((bytes.get(at + 4..)?.get(..length)?, at + 4 + length))
        };
        let (values, mut at) = take(0)?;
        let Ok(Value::Object(values)) = serde_json::from_slice(values) else {
            return None;
        };
        let mut pictures = Vec::new();
        while at < bytes.len() {
            let (picture, next) = take(at)?;
            pictures.push(picture.to_vec());
            at = next;
        }
        Some(Reply { values, pictures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_and_replies_come_back_as_they_were() {
        for task in [
            Task::Frames,
            Task::Stills(Policy::Keyframes { apart_ms: 1, most: 2 }),
            Task::Stills(Policy::FirstMiddleLast),
            Task::Pictures {
                policy: Policy::Every { step_ms: 3, most: 4 },
                side: 5,
                quality: 6,
            },
        ] {
            assert_eq!(Task::from_json(&task.to_json()), Some(task));
        }
        let mut reply = Reply::default();
        reply.values.insert("a".into(), 0.1.into());
        reply.pictures = vec![vec![1, 2], Vec::new()];
        assert_eq!(Reply::from_bytes(&reply.to_bytes()), Some(reply));
    }

    #[test]
    fn holes_come_back_as_they_were() {
        for holes in [vec![], vec![1..2, 5..usize::MAX]] {
            assert_eq!(holes_of(&holes_json(&holes)), holes);
        }
    }

    #[test]
    fn other_requests_are_faults() {
        for request in [&b""[..], &[9, 0, 0, 0, 1], b"\x02\0\0\0{}"] {
            assert!(serve(request, 9).is_err());
        }
    }
}
