//! Target `text_html`; see the list in `src/target.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gristmill_fuzz::run("text_html", bytes));
