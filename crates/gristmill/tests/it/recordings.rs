//! Sounds and videos, over the demo's crawl.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    crawled::{adds_up, manifest, no_trace_is_left, rows, run_over_crawl, written},
    kit::{crawl, path, python, succeed, text},
};

const STEPS: &str = "audio:\n  - keep: {length: audio_duration_s >= 1}\n  - keep: {audible: audio_loudness_lufs > -60}\n  - dedup: {chromaprint: {}}\n\
                     video:\n  - keep: {length: video_duration_s >= 1}\n  - use: static_or_black\n  - dedup: {vpdq: {}}\n";

#[test]
fn sounds_and_videos_of_a_crawl_are_measured_and_their_copies_leave() {
    let folder = crawl();
    let to = run_over_crawl(&folder, &written(&folder, "both.yaml", STEPS), "out", &[]);
    adds_up(&manifest(&to));
    let sounds = rows(
        &to,
        "SELECT url, audio_duration_s, audio_codec, audio_loudness_lufs FROM audio",
    );
    assert_eq!(sounds.len(), 7, "two sites share a talk: {sounds:?}");
    for sound in &sounds {
        let number = |name: &str| sound[name].as_f64().unwrap();
        assert!((3.0..15.0).contains(&number("audio_duration_s")), "{sound}");
        assert!((-50.0..-5.0).contains(&number("audio_loudness_lufs")), "{sound}");
    }
    let films = rows(
        &to,
        "SELECT url, video_duration_s, video_frame_count, video_codec FROM video",
    );
    assert_eq!(films.len(), 7, "two sites share a walk: {films:?}");
    for film in &films {
        assert_eq!(
            (&film["video_duration_s"], &film["video_frame_count"]),
            (&4.0.into(), &40.into())
        );
        assert_eq!(film["video_codec"], "mjpeg");
    }
    let clusters = rows(
        &to,
        "SELECT step, cluster_size FROM clusters WHERE cluster_rank = 0 ORDER BY step",
    );
    let sizes: Vec<_> = clusters
        .iter()
        .map(|cluster| cluster["cluster_size"].clone())
        .collect();
    assert_eq!(sizes, [2, 2], "{clusters:?}");
}

const PARTS: &str = "audio:\n  - dedup: {exact: audio}\n  - split: {speech: {min_s: 1, max_s: 5}}\n  - edit: {transcode: {loudness_lufs: -23}}\n  - keep: {loud: audio_loudness_lufs > -60}\n\
                     video:\n  - keep: {mute: audio_loudness_lufs IS NULL}\n  - split: {clips: {by: shots, min_s: 1}}\n  - keep: {decodes: video_sampled_frame_count > 0}\n";

#[test]
fn sounds_and_videos_are_cut_into_documents_of_their_own() {
    let folder = crawl();
    let to = run_over_crawl(&folder, &written(&folder, "parts.yaml", PARTS), "out", &[]);
    adds_up(&manifest(&to));
    let clips = rows(
        &to,
        "SELECT parent_id, part, video_start_s, video_end_s, video_duration_s, video_frame_count FROM video ORDER BY uri, offset, part",
    );
    assert_eq!(clips.len(), 16, "two views of each walk");
    for pair in clips.chunks(2) {
        let of = |name: &str| [&pair[0][name], &pair[1][name]].map(|value| value.as_f64().unwrap());
        assert_eq!(pair[0]["parent_id"], pair[1]["parent_id"]);
        assert_eq!(
            (of("part"), of("video_start_s"), of("video_end_s")),
            ([0.0, 1.0], [0.0, 2.0], [2.0, 4.0])
        );
        assert_eq!(
            (of("video_duration_s"), of("video_frame_count")),
            ([2.0, 2.0], [20.0, 20.0])
        );
    }
    let utterances = rows(
        &to,
        "SELECT parent_id, audio_start_s, audio_end_s, audio_duration_s, audio_codec, audio_loudness_lufs FROM audio",
    );
    assert!(utterances.len() >= 8, "{utterances:?}");
    for utterance in &utterances {
        let number = |name: &str| utterance[name].as_f64().unwrap();
        assert!(
            (number("audio_end_s") - number("audio_start_s") - number("audio_duration_s")).abs() < 0.01,
            "{utterance}"
        );
        assert!((number("audio_loudness_lufs") + 23.0).abs() < 0.5, "{utterance}");
        assert_eq!(utterance["audio_codec"], "flac");
    }
    let cut = rows(
        &to,
        "SELECT verdict, count(*) AS n FROM rejects WHERE verdict = 'is_part' GROUP BY 1",
    );
    assert_eq!(cut[0]["n"], 15, "seven talks and eight walks");
}

#[test]
fn threads_slices_and_kills_leave_no_trace_in_sounds_and_videos() {
    no_trace_is_left(STEPS);
}

#[test]
fn threads_slices_and_kills_leave_no_trace_in_parts() {
    no_trace_is_left(PARTS);
}

#[test]
fn one_recipe_reads_everything_that_a_crawl_holds() {
    let folder = crawl();
    let to = run_over_crawl(&folder, "recipes/web-multimodal.yaml", "out", &[]);
    let manifest = manifest(&to);
    adds_up(&manifest);
    for modality in ["text", "image", "audio", "video", "interleaved"] {
        let count = rows(&to, &format!("SELECT count(*) AS n FROM {modality}"));
        assert!(count[0]["n"].as_u64().unwrap() >= 7, "{modality}: {count:?}");
    }
    let kinds: BTreeMap<String, Value> = rows(
        &to,
        "SELECT media_type, count(*) AS n FROM (SELECT media_type FROM audio UNION ALL SELECT media_type FROM video) GROUP BY 1",
    )
    .into_iter()
    .map(|row| (row["media_type"].as_str().unwrap().to_owned(), row["n"].clone()))
    .collect();
    assert_eq!(kinds.keys().collect::<Vec<_>>(), ["audio/wav", "video/x-msvideo"]);
}

#[test]
fn other_readers_decode_sounds_and_videos() {
    let Some(mut python) = python("readers of sounds and videos") else {
        return;
    };
    let folder = crawl();
    let to = run_over_crawl(&folder, &written(&folder, "both.yaml", STEPS), "out", &[]);
    let files = path(&folder, "files");
    succeed(&["export", &to, "--modality", "audio", "--to", &files]);
    let output = python
        .args(["tests/recordings.py", &to, &files])
        .env("HF_HOME", path(&folder, "hf"))
        .output()
        .unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
}
