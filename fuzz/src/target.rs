//! The list of targets.

use crate::doors;

/// A door that bytes come in by.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: the modality, then the format or codec.
    pub name: &'static str,
    /// What is done with the bytes. Panics where something is wrong that is no panic by itself.
    pub run: fn(&[u8]),
    /// Folders below the fixtures in which seeds are.
    pub folders: &'static [&'static str],
    /// What the names of seeds contain, one of these; all files where there is none.
    pub names: &'static [&'static str],
}

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    folders: &'static [&'static str],
    names: &'static [&'static str],
) -> Target {
    Target {
        name,
        run,
        folders,
        names,
    }
}

/// All targets. Each has a file in `fuzz_targets`.
pub static TARGETS: &[Target] = &[
    #[cfg(feature = "source")]
    target("source_warc", doors::source::warc, &["warc"], &[".warc"]),
    #[cfg(feature = "source")]
    target("source_arc", doors::source::arc, &["warc"], &[".arc"]),
    #[cfg(feature = "source")]
    target(
        "source_payload",
        doors::source::payload,
        &["warc"],
        &["chunk", "example"],
    ),
    #[cfg(feature = "source")]
    target(
        "source_packed",
        doors::source::packed,
        &["warc", "real/tar", "real/jsonl"],
        &[".gz", ".zst", ".bz2", ".xz"],
    ),
    #[cfg(feature = "source")]
    target("source_jsonl", doors::source::jsonl, &["real/jsonl"], &[]),
    #[cfg(feature = "source")]
    target("source_csv", doors::source::csv, &["real/jsonl"], &[]),
    #[cfg(feature = "source")]
    target("source_tar", doors::source::tar, &["real/tar"], &[]),
    #[cfg(feature = "source")]
    target("source_webdataset", doors::source::webdataset, &["real/tar"], &[]),
    #[cfg(feature = "source")]
    target(
        "source_zip",
        doors::source::zip,
        &["real"],
        &[".zip", ".epub", ".docx", ".npz"],
    ),
    #[cfg(feature = "source")]
    target("source_parquet", doors::source::parquet, &["real/parquet"], &[]),
    #[cfg(feature = "source")]
    target("source_arrow", doors::source::arrow, &[], &[]),
    #[cfg(feature = "text")]
    target(
        "text_html",
        doors::text::html,
        &["extraction", "text"],
        &[".html"],
    ),
    #[cfg(feature = "text")]
    target(
        "text_interleaved",
        doors::text::interleaved,
        &["extraction", "text"],
        &[".html"],
    ),
    #[cfg(feature = "text")]
    target("text_plain", doors::text::plain, &["text", "extraction"], &[]),
    #[cfg(feature = "text")]
    target("text_markdown", doors::text::markdown, &[], &[]),
    #[cfg(feature = "text")]
    target("text_pdf", doors::text::pdf, &["real/pdf"], &[]),
    #[cfg(feature = "text")]
    target("text_epub", doors::text::epub, &["real"], &[".epub", ".zip"]),
    #[cfg(feature = "text")]
    target("text_signals", doors::text::signals, &[], &[]),
    #[cfg(feature = "video")]
    target("video_subtitles", doors::video::subtitles, &[], &[]),
    #[cfg(feature = "image")]
    target("image_jpeg", doors::image::any, &["real/image/jpg"], &[]),
    #[cfg(feature = "image")]
    target(
        "image_png",
        doors::image::any,
        &["real/image/png", "real/image/apng"],
        &[],
    ),
    #[cfg(feature = "image")]
    target("image_gif", doors::image::any, &["real/image/gif"], &[]),
    #[cfg(feature = "image")]
    target("image_webp", doors::image::any, &["real/image/webp"], &[]),
    #[cfg(feature = "image")]
    target("image_libwebp", doors::image::libwebp, &["real/image/webp"], &[]),
    #[cfg(feature = "image")]
    target(
        "image_avif",
        doors::image::any,
        &["real/image/avif", "real/image/avifs"],
        &[],
    ),
    #[cfg(feature = "image")]
    target(
        "image_heic",
        doors::image::any,
        &["real/image/heic", "real/image/heif", "real/image/hif"],
        &[],
    ),
    #[cfg(feature = "image")]
    target("image_jxl", doors::image::any, &["real/image/jxl"], &[]),
    #[cfg(feature = "image")]
    target("image_tiff", doors::image::any, &["real/image/tiff"], &[]),
    #[cfg(feature = "image")]
    target("image_bmp", doors::image::any, &["real/image/bmp"], &[]),
    #[cfg(feature = "image")]
    target(
        "image_ico",
        doors::image::any,
        &["real/image/ico", "real/image/cur"],
        &[],
    ),
    #[cfg(feature = "image")]
    target(
        "image_pnm",
        doors::image::any,
        &[
            "real/image/pnm",
            "real/image/ppm",
            "real/image/pgm",
            "real/image/pbm",
            "real/image/pfm",
            "real/image/p7",
        ],
        &[],
    ),
    #[cfg(feature = "image")]
    target("image_qoi", doors::image::any, &["real/image/qoi"], &[]),
    #[cfg(feature = "image")]
    target("image_tga", doors::image::any, &["real/image/tga"], &[]),
    #[cfg(feature = "image")]
    target("image_hdr", doors::image::any, &["real/image/hdr"], &[]),
    #[cfg(feature = "image")]
    target("image_exr", doors::image::any, &[], &[]),
    #[cfg(feature = "image")]
    target(
        "image_edits",
        doors::image::edits,
        &[
            "real/image/jpg",
            "real/image/png",
            "real/image/gif",
            "real/image/webp",
        ],
        &[],
    ),
    #[cfg(feature = "audio")]
    target(
        "audio_mp3",
        doors::audio::any,
        &["real/audio"],
        &[".mp3", ".mp2", ".mp1", ".mpa"],
    ),
    #[cfg(feature = "audio")]
    target(
        "audio_aac",
        doors::audio::any,
        &["real/audio"],
        &[".aac", ".m4a", ".mp4", ".latm", ".loas"],
    ),
    #[cfg(feature = "audio")]
    target(
        "audio_flac",
        doors::audio::any,
        &["real/audio"],
        &[".flac", ".oga"],
    ),
    #[cfg(feature = "audio")]
    target(
        "audio_ogg",
        doors::audio::any,
        &["real/audio"],
        &[".ogg", ".opus", ".oga", ".spx"],
    ),
    #[cfg(feature = "audio")]
    target(
        "audio_wave",
        doors::audio::any,
        &["real/audio"],
        &[".wav", ".aif", ".caf", ".au", ".snd", ".w64", ".rf64"],
    ),
    #[cfg(feature = "audio")]
    target(
        "audio_matroska",
        doors::audio::any,
        &["real/audio", "real/video"],
        &[".mka", ".webm", ".weba"],
    ),
    #[cfg(feature = "audio")]
    target("audio_others", doors::audio::any, &["real/audio"], &[]),
    #[cfg(feature = "video")]
    target(
        "video_mp4",
        doors::video::any,
        &["real/video"],
        &[".mp4", ".mov", ".m4v", ".3gp"],
    ),
    #[cfg(feature = "video")]
    target(
        "video_matroska",
        doors::video::any,
        &["real/video"],
        &[".mkv", ".webm"],
    ),
    #[cfg(feature = "video")]
    target("video_avi", doors::video::any, &["real/video"], &[".avi"]),
    #[cfg(feature = "video")]
    target(
        "video_ts",
        doors::video::any,
        &["real/video"],
        &[".ts", ".m2ts", ".mts", ".mpg"],
    ),
    #[cfg(feature = "video")]
    target("video_flv", doors::video::any, &["real/video"], &[".flv"]),
    #[cfg(feature = "video")]
    target("video_ivf", doors::video::any, &["real/video"], &[".ivf"]),
    #[cfg(feature = "video")]
    target(
        "video_streams",
        doors::video::any,
        &["real/video"],
        &[".264", ".h264", ".265", ".hevc", ".obu", ".jvt", ".bit", ".avc"],
    ),
    #[cfg(feature = "video")]
    target("video_probe", doors::video::probe, &["real/video"], &[]),
];

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Takes away the hook of libFuzzer that ends the process at any panic, for the files in `fuzz_targets`: one that a
/// barrier catches is none, if the door says so.
pub fn let_panics_unwind() {
    drop(std::panic::take_hook());
}

/// Runs the target of this name, for the files in `fuzz_targets`.
///
/// # Panics
///
/// Where there is none, and where it panics.
pub fn run(name: &str, bytes: &[u8]) {
    let target = find(name).expect("fuzz_targets has the names of the list");
    (target.run)(bytes);
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, path::Path};

    use super::*;

    /// With all features.
    #[cfg(all(
        feature = "audio",
        feature = "image",
        feature = "source",
        feature = "text",
        feature = "video"
    ))]
    #[test]
    fn every_target_has_its_file_and_every_file_its_target() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
        let mut files = HashSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            // They are built by those who fuzz with libFuzzer alone.
            let expected = format!(
                "//! Target `{name}`; see the list in `src/target.rs`.\n\n#![no_main]\n\nlibfuzzer_sys::fuzz_target!(\n    \
                 init: gristmill_fuzz::let_panics_unwind(),\n    |bytes: &[u8]| gristmill_fuzz::run(\"{name}\", bytes)\n);\n"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
            files.insert(name);
        }
        let names: HashSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        assert_eq!(files, names);
    }
}
