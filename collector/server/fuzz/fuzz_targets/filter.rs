//! Any text as a search's `?filter=`: read or refused, and what is read is an object of one operator.
#![no_main]

#[path = "../../src/api/gnocchi/filter_text.rs"]
mod filter_text;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(filter) = filter_text::parse(text) {
        assert_eq!(filter.as_object().map(serde_json::Map::len), Some(1), "{filter}");
    }
});
