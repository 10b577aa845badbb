//! Any bytes as the content of a segment's block, of its footer and of its index: chunks or an error, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| collector_storage::fuzz::segment(bytes));
