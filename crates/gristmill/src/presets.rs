//! The built-in presets: one YAML file each, in `presets/`.
//!
//! Those of FineWeb-2 are three files with `{keys}` in them and a table, `presets/fineweb2/languages.tsv`, with a line for
//! each language.

use std::sync::LazyLock;

use gristmill_engine::PresetFile;

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        const FILES: &[PresetFile] =
            &[$(PresetFile { name: $name, source: include_str!(concat!("../presets/", $name, ".yaml")) }),*];
    };
}

presets![
    "c4_quality",
    "datacomp_basic",
    "emilia_cpu",
    "fineweb_quality",
    "gopher_quality",
    "gopher_quality@curator",
    "gopher_quality@dclm",
    "gopher_quality@dolma",
    "gopher_repetition",
    "gopher_repetition@curator",
    "gopher_repetition@dclm",
    "gopher_repetition@dolma",
    "laion",
    "mmc4_images",
    "obelics_documents",
    "obelics_images",
    "obelics_text_nodes",
    "panda_like_cpu",
    "speech_clean",
    "static_or_black"
];

/// Every built-in preset, by name.
pub static PRESETS: LazyLock<Vec<PresetFile>> = LazyLock::new(|| {
    let mut presets = [FILES, &fineweb2()].concat();
    presets.sort_by_key(|preset| preset.name);
    presets
});

/// Presets that a line of the table makes of its values.
const FINEWEB2: [(&str, &str); 3] = [
    (
        "fineweb_quality",
        include_str!("../presets/fineweb2/fineweb_quality.yaml"),
    ),
    (
        "gopher_quality",
        include_str!("../presets/fineweb2/gopher_quality.yaml"),
    ),
    (
        "gopher_repetition",
        include_str!("../presets/fineweb2/gopher_repetition.yaml"),
    ),
];

/// `NAME@fineweb2_CODE` of each language. They live as long as the process, as the files do.
fn fineweb2() -> Vec<PresetFile> {
    let mut lines = include_str!("../presets/fineweb2/languages.tsv").lines();
    let keys: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut presets = Vec::new();
    for line in lines {
        let code = line.split('\t').next().unwrap_or_default();
        for (name, template) in FINEWEB2 {
            let mut source = template.to_owned();
            for (key, value) in keys.iter().zip(line.split('\t')) {
                source = source.replace(&format!("{{{key}}}"), value);
            }
            presets.push(PresetFile {
                name: format!("{name}@fineweb2_{code}").leak(),
                source: source.leak(),
            });
        }
    }
    presets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_fills_every_key() {
        let fineweb2 = fineweb2();
        assert_eq!(fineweb2.len(), 3 * 39);
        for preset in fineweb2 {
            assert!(!preset.source.contains(['{', '}']), "{}", preset.name);
        }
    }

    #[test]
    fn german_has_the_thresholds_of_its_configuration() {
        let named = |name: &str| {
            let preset = PRESETS.iter().find(|preset| preset.name == name);
            preset.unwrap().source
        };
        let repetition = named("gopher_repetition@fineweb2_deu");
        assert!(repetition.contains("duplicated_5_n_grams: text_duplicate_5_gram_char_ratio <= 0.141\n"));
        assert!(repetition.contains("top_4_gram: text_top_4_gram_char_ratio <= 0.137\n"));
        let quality = named("gopher_quality@fineweb2_deu");
        assert!(quality.contains("gopher_enough_stop_words: text_deu_stop_word_count >= 2\n"));
        assert!(quality.contains("gopher_below_alpha_threshold: text_alpha_word_ratio >= 0.774\n"));
    }
}
