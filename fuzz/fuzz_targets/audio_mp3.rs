//! Target `audio_mp3`; see the list in `src/target.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gristmill_fuzz::run("audio_mp3", bytes));
