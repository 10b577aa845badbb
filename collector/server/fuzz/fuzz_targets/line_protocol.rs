//! Any text as a line of InfluxDB's protocol: read or refused, its numbers finite.
#![no_main]

#[path = "../../src/ingest/line_protocol.rs"]
mod line_protocol;

libfuzzer_sys::fuzz_target!(|line: &str| {
    if let Ok(Some(point)) = line_protocol::parse(line) {
        assert!(!point.measurement.is_empty());
        assert!(point.fields.iter().all(|(_, value)| value.is_finite()), "{point:?}");
    }
});
