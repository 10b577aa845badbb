//! Any bytes as a request of Prometheus' remote write, compressed and not: read or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| collector_server::fuzz::remote_write(bytes));
