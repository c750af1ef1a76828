//! Target `text_plain`; see the list in `src/target.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: gristmill_fuzz::let_panics_unwind(),
    |bytes: &[u8]| gristmill_fuzz::run("text_plain", bytes)
);
