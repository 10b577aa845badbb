//! Any text as a filter of a search, in the text form and as JSON, and as a condition on values: read or refused; what is
//! read becomes SQL or is refused there.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| collector_server::fuzz::filter(text));
