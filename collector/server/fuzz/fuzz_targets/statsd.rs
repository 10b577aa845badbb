//! Any text as a line of statsd: read or refused, its name never empty and never too long.
#![no_main]

#[path = "../../src/ingest/statsd/line.rs"]
mod line;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(sample) = line::parse(text) {
        assert!((1..=line::MAX_NAME).contains(&sample.name.len()));
        assert!(!sample.kind.letters().is_empty());
    }
});
