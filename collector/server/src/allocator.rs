//! The allocator of the program's memory. This is its only place with `unsafe`.
#![expect(
    unsafe_code,
    reason = "mimalloc's options can be set in no other way than in the environment before the start"
)]

use std::ffi::{c_int, c_long};

/// A million metrics are some million small pieces of memory that grow and shrink for months, on one thread and another's
/// behalf. With glibc's allocator batches took three times as long to fold beside reads (`make bench-storage`). Runs with
/// pages of any size, as Kunpeng has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of `mi_option_e`: for how many milliseconds free pages are kept for the next use.
const PURGE_DELAY: c_int = 15;
/// After a second, mimalloc's own value, a small collector under load has a third more memory; at once it takes a fifth
/// fewer measures.
const KEPT_MILLISECONDS: c_long = 10;

unsafe extern "C" {
    /// Sets an option of mimalloc's that the environment (`MIMALLOC_PURGE_DELAY`) does not set.
    fn mi_option_set_default(option: c_int, value: c_long);
}

/// Settles how the program has its memory; called before it has threads.
pub(crate) fn settle() {
    // SAFETY: of mimalloc's own C interface, linked with the allocator above; it stores a number in a table of options that
    // is read again whenever pages become free, and refuses options that it does not have.
    unsafe { mi_option_set_default(PURGE_DELAY, KEPT_MILLISECONDS) };
    // The kernel's huge pages doubled the memory of a small collector, and to make one now and then stopped a thread with a
    // lock for a tenth of a second. Where the kernel knows no such wish it has its way.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        fn mi_option_get(option: c_int) -> c_long;
    }

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // SAFETY: as above; it reads the table.
        let get = || unsafe { mi_option_get(PURGE_DELAY) };
        // The only option that is a thousand by default.
        assert_eq!(get(), 1_000);
        settle();
        assert_eq!(get(), KEPT_MILLISECONDS);
    }
}
