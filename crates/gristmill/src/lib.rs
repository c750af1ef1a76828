//! Gristmill as a library: the built-in registry and presets, and the engine's verbs.
//!
//! ```
//! let registry = gristmill::registry();
//! let recipe = "{recipe: 1, name: demo, text: [{keep: {long: text_word_count >= 50}}]}";
//! let recipe = gristmill::engine::read_recipe("demo.yaml", recipe, &Default::default(), &registry).unwrap();
//! let plan = gristmill::engine::compile("demo.yaml", &recipe, &registry).unwrap();
//! println!("{}", gristmill::engine::explain(&plan));
//! ```

mod demo;
mod presets;
mod reference;

use gristmill_engine::{Modality, Registry};

pub use demo::{demo_crawl, demo_names};
pub use gristmill_core as core;
pub use gristmill_engine as engine;
pub use gristmill_shard as shard;
pub use presets::PRESETS;
pub use reference::{columns_schema, manifest_schema, reference};

/// The chains that recipes can have.
const MODALITIES: &[Modality] = &[
    Modality {
        name: "text",
        about: "text documents",
        extractors: gristmill_text::EXTRACTORS,
        implied: "plain",
    },
    Modality {
        name: "image",
        about: "images",
        extractors: gristmill_image::EXTRACTORS,
        implied: "raster",
    },
    Modality {
        name: "audio",
        about: "sounds",
        extractors: gristmill_audio::EXTRACTORS,
        implied: "audio",
    },
    Modality {
        name: "video",
        about: "videos",
        extractors: gristmill_video::EXTRACTORS,
        implied: "video",
    },
    Modality {
        name: "interleaved",
        about: "documents of text and images",
        extractors: gristmill_text::extract::INTERLEAVED,
        implied: "interleaved",
    },
];

/// Everything that recipes can name in this build.
///
/// # Panics
/// When a built-in preset has mistakes, which a test rules out.
pub fn registry() -> Registry {
    let presets = PRESETS.iter().map(|file| {
        gristmill_engine::Preset::read(*file)
            .unwrap_or_else(|problems| panic!("a built-in preset is broken: {}", problems[0]))
    });
    Registry {
        formats: gristmill_source::FORMATS,
        auto: gristmill_source::AUTO,
        modalities: MODALITIES,
        page_images: &gristmill_text::extract::image_references::ImageReferences,
        resource_key: gristmill_text::resource_key,
        edits: [
            gristmill_text::EDITS,
            gristmill_image::EDITS,
            gristmill_audio::EDITS,
            gristmill_video::EDITS,
        ]
        .concat(),
        splitters: [
            gristmill_text::SPLITTERS,
            gristmill_audio::SPLITTERS,
            gristmill_video::SPLITTERS,
        ]
        .concat(),
        redactions: gristmill_text::REDACTIONS,
        signals: [
            gristmill_text::SIGNALS,
            gristmill_image::SIGNALS,
            gristmill_audio::SIGNALS,
            gristmill_video::SIGNALS,
        ]
        .concat(),
        models: gristmill_text::MODELS,
        decontaminator: gristmill_text::contamination::DECONTAMINATOR,
        methods: gristmill_dedup::METHODS,
        presets: presets.collect(),
    }
}
