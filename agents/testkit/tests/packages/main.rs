//! The packages as an operator has them: what is in them, what they ask of a system, and their life on a machine with
//! systemd. They are to be built first, so these tests run only when asked: `make test-packages`.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs and fails loudly"
)]

mod built;
mod contents;
mod foreign;
mod life;
