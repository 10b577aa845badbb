//! The collector's program: all of it is in the library, but for the allocator of its memory.
#![forbid(unsafe_code)]

/// A million metrics are some million small pieces of memory that grow and shrink for months, on one thread and another's
/// behalf. With glibc's allocator batches took three times as long to fold beside reads (`make bench-storage`). Runs with
/// pages of any size, as Kunpeng has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // The kernel's huge pages doubled the memory of a small collector, and to make one now and then stopped a thread with a
    // lock for a tenth of a second. Where the kernel knows no such wish it has its way.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    collector_server::main()
}
