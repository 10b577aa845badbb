//! `virDomainGetGuestInfo`, which came with libvirt 5.7: looked up when it is needed, so that the program starts with
//! older libraries too. Its typed parameters are read where they lie, and released.

#![expect(
    unsafe_code,
    reason = "a symbol that may not exist can only be called through a pointer"
)]

use std::ffi::{c_int, c_uint};
use std::sync::OnceLock;
use std::{mem, ptr};

use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use super::info::GuestInfo;
use crate::stats_ffi::read_params;

type GetGuestInfo = unsafe extern "C" fn(
    sys::virDomainPtr,
    c_uint,
    *mut sys::virTypedParameterPtr,
    *mut c_int,
    c_uint,
) -> c_int;

/// Whether the library that was loaded has the function.
pub(crate) fn is_there() -> bool {
    look_up().is_some()
}

fn look_up() -> Option<GetGuestInfo> {
    static FOUND: OnceLock<Option<GetGuestInfo>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: the name ends with NUL, and the answer is null or the function of that name.
        let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"virDomainGetGuestInfo".as_ptr()) };
        // SAFETY: the type is that of libvirt's header, and libvirt never changes it.
        (!address.is_null())
            .then(|| unsafe { mem::transmute::<*mut libc::c_void, GetGuestInfo>(address) })
    })
}

/// Everything that the guest's agent offers.
///
/// # Errors
/// What libvirt says, e.g. that the agent does not answer. Also where [`is_there`] says no.
pub(super) fn guest_info(domain: &Domain) -> Result<GuestInfo, Error> {
    let Some(get) = look_up() else {
        return Err(Error::last_error());
    };
    let mut list = List {
        params: ptr::null_mut(),
        count: 0,
    };
    // SAFETY: the domain lives as long as it is borrowed; on success libvirt leaves an array that is ours. No types
    // means all that the agent has.
    let status = unsafe { get(domain.as_ptr(), 0, &mut list.params, &mut list.count, 0) };
    if status < 0 {
        return Err(Error::last_error());
    }
    let count = usize::try_from(list.count).unwrap_or(0);
    if list.params.is_null() {
        return Ok(GuestInfo::default());
    }
    // SAFETY: the array holds `count` parameters until the list is dropped.
    let params = unsafe { std::slice::from_raw_parts(list.params, count) };
    Ok(GuestInfo::read(read_params(params)))
}

/// Libvirt's array; freed when dropped.
struct List {
    params: sys::virTypedParameterPtr,
    count: c_int,
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the array came from libvirt with this count, or is null, which the function allows.
        unsafe { sys::virTypedParamsFree(self.params, self.count) };
    }
}
