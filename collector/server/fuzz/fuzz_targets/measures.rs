//! Any bytes as a body of measures, of a batch by metric and of a batch by resource: the quick reader finds what the one
//! that knows all forms finds, or leaves the body to it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| collector_server::fuzz::measures(bytes));
