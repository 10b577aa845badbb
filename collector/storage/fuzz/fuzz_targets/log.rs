//! Any bytes as a segment of the log: entries, damage and tail, never a panic, and every byte accounted for.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| collector_storage::fuzz::log(bytes));
