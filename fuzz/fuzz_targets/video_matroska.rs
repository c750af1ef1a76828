//! Target `video_matroska`; see the list in `src/target.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gristmill_fuzz::run("video_matroska", bytes));
