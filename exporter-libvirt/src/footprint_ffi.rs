//! The exporter's own resident memory. Libvirt's library brings some fifty others; to load them, their symbols and
//! initialisers were looked at, 13 MiB of files that no scrape needs again. And glibc gives each thread a heap of its own,
//! though ours do little with it.

#![expect(
    unsafe_code,
    reason = "neither the loader nor the allocator is told by anything but C"
)]

use std::ffi::{CStr, c_int, c_void};

/// Lets all threads share one heap. To be called before there are any.
pub(crate) fn share_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a parameter of the allocator, which may be set at any time.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives back what was needed to come up: free memory of the heap, and the pages of programs and libraries that nobody
/// writes to. The kernel has those still; what is needed again comes back with a page fault, which reads nothing.
pub(crate) fn give_back() {
    // SAFETY: the callback matches, and keeps nothing of what it is shown.
    unsafe { libc::dl_iterate_phdr(Some(give_back_object), std::ptr::null_mut()) };
    #[cfg(target_env = "gnu")]
    // SAFETY: frees only what is free.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Gives back the segments of one program or library that cannot be written to. The loader does not change them either:
/// what it relocates is in the others.
unsafe extern "C" fn give_back_object(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: the loader shows an object that stays loaded as long as this runs.
    let object = unsafe { &*object };
    if !object.dlpi_name.is_null() {
        // SAFETY: the name ends with NUL.
        let name = unsafe { CStr::from_ptr(object.dlpi_name) };
        // The kernel's own is no file.
        if name.to_bytes().starts_with(b"linux-vdso") {
            return 0;
        }
    }
    // SAFETY: so many headers are there.
    let headers =
        unsafe { std::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = object.dlpi_addr.wrapping_add(header.p_vaddr) as usize;
        let end = start.wrapping_add(header.p_memsz as usize);
        let page = rustix::param::page_size();
        let (start, end) = (start.next_multiple_of(page), end / page * page);
        if end > start {
            // SAFETY: the pages are mapped from a file and were never written to, so the file has all that is in them.
            unsafe { libc::madvise(start as *mut c_void, end - start, libc::MADV_DONTNEED) };
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident_file_pages() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssFile:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse().unwrap()
    }

    #[test]
    fn pages_of_libraries_are_given_back_and_the_program_and_libvirt_work_on() {
        let connection = virt::connect::Connect::open(Some("test:///default")).unwrap();
        let before = resident_file_pages();
        give_back();
        let after = resident_file_pages();
        assert!(after * 10 < before * 9, "{before} KiB, then {after}");
        assert_eq!(connection.list_all_domains(0).unwrap().len(), 1);
    }
}
