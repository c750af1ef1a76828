//! The built-in presets: one YAML file each, in `presets/`.

use gristmill_engine::PresetFile;

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// Every built-in preset.
        pub const PRESETS: &[PresetFile] =
            &[$(PresetFile { name: $name, source: include_str!(concat!("../presets/", $name, ".yaml")) }),*];
    };
}

presets![
    "c4_quality",
    "fineweb_quality",
    "gopher_quality",
    "gopher_quality@curator",
    "gopher_quality@dclm",
    "gopher_quality@dolma",
    "gopher_repetition",
    "gopher_repetition@curator",
    "gopher_repetition@dclm",
    "gopher_repetition@dolma"
];
