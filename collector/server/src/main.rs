//! The collector's program: all of it is in the library, but for the allocator of its memory.
#![forbid(unsafe_code)]

/// A million metrics are some million small pieces of memory that grow and shrink for months, on one thread and another's
/// behalf. With glibc's allocator batches took three times as long to fold beside reads (`make bench-storage`). Runs with
/// pages of any size, as Kunpeng has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    collector_server::main()
}
