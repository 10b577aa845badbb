//! Libvirt's bulk statistics (`virConnectGetAllDomainStats`, `virDomainListGetStats`): their records read where they
//! lie, and released. The `virt` crate has a wrapper for the call, but that leaks every record (0.5.0), a megabyte per
//! scrape on a full host. Nothing from C leaves this file except a counted `Domain`.

#![expect(
    unsafe_code,
    reason = "virt has no sound way to read and to free the records"
)]

use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int, c_uint};
use std::{ptr, slice};

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use crate::params::Value;

/// One domain's record, valid while the list is.
pub(crate) struct Record<'list> {
    domain: sys::virDomainPtr,
    params: &'list [sys::virTypedParameter],
}

/// Asks libvirt once for the statistics `stats` (`VIR_DOMAIN_STATS_*`) of every domain, shows each record to `each`,
/// and frees them all.
///
/// # Errors
/// What libvirt says, e.g. that the connection is dead or that it does not know one of the `flags`.
pub(crate) fn all_domain_stats(
    connection: &Connect,
    stats: u32,
    flags: u32,
    mut each: impl FnMut(&Record<'_>),
) -> Result<(), Error> {
    let mut list = List {
        records: ptr::null_mut(),
    };
    // SAFETY: the connection is open as long as it is borrowed, and `list.records` is a place to write to. On
    // success libvirt leaves an array there that is ours.
    let count = unsafe {
        sys::virConnectGetAllDomainStats(
            connection.as_ptr(),
            stats as c_uint,
            &mut list.records,
            flags as c_uint,
        )
    };
    list.visit(count, &mut each)
}

/// Asks for the statistics `stats` of some domains of one connection; as [`all_domain_stats`].
///
/// # Errors
/// What libvirt says, e.g. that the connection is dead.
pub(crate) fn stats_of(
    domains: &[&Domain],
    stats: u32,
    flags: u32,
    mut each: impl FnMut(&Record<'_>),
) -> Result<(), Error> {
    let mut list = List {
        records: ptr::null_mut(),
    };
    // SAFETY: the domains live as long as they are borrowed, the array ends with a null pointer and is only read, and
    // `list.records` is a place to write to. On success libvirt leaves an array there that is ours.
    let count = unsafe {
        let handles = domains.iter().map(|domain| domain.as_ptr());
        let mut domains: Vec<_> = handles.chain([ptr::null_mut()]).collect();
        sys::virDomainListGetStats(
            domains.as_mut_ptr(),
            stats as c_uint,
            &mut list.records,
            flags as c_uint,
        )
    };
    list.visit(count, &mut each)
}

/// Libvirt's array of records; freed when dropped, also when a visitor panics.
struct List {
    records: *mut sys::virDomainStatsRecordPtr,
}

impl List {
    /// Shows every record of a call that returned `count`.
    fn visit(&self, count: c_int, each: &mut dyn FnMut(&Record<'_>)) -> Result<(), Error> {
        let Ok(count) = usize::try_from(count) else {
            return Err(Error::last_error());
        };
        if self.records.is_null() {
            return Ok(());
        }
        // SAFETY: libvirt returned how many records the array holds; they stay until the list is dropped.
        for &record in unsafe { slice::from_raw_parts(self.records, count) } {
            // SAFETY: each entry below `count` points to a record.
            let record = unsafe { &*record };
            let length = usize::try_from(record.nparams).unwrap_or(0);
            let params = if record.params.is_null() {
                &[]
            } else {
                // SAFETY: the record holds `nparams` parameters at `params`.
                unsafe { slice::from_raw_parts(record.params, length) }
            };
            each(&Record {
                domain: record.dom,
                params,
            });
        }
        Ok(())
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the array came from virConnectGetAllDomainStats, or is null, which the function allows. No borrow
        // of a record outlives the list.
        unsafe { sys::virDomainStatsRecordListFree(self.records) };
    }
}

impl Record<'_> {
    /// A handle of the record's domain that may outlive the record.
    ///
    /// # Errors
    /// What libvirt says of a handle that it does not know.
    pub(crate) fn domain(&self) -> Result<Domain, Error> {
        // SAFETY: the record owns one reference to its domain; `virDomainRef` makes another, and `Domain` releases
        // that one when it is dropped.
        unsafe {
            if sys::virDomainRef(self.domain) == -1 {
                return Err(Error::last_error());
            }
            Ok(Domain::from_ptr(self.domain))
        }
    }

    /// The parameters in libvirt's order.
    pub(crate) fn params(&self) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        read_params(self.params)
    }
}

/// Typed parameters that libvirt wrote, with their names.
pub(crate) fn read_params(
    params: &[sys::virTypedParameter],
) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
    let params = params.iter();
    params.filter_map(|param| Some((name(&param.field), value(param)?)))
}

/// A parameter's name is an array that ends at the first NUL, or at its end.
fn name(field: &[c_char]) -> Cow<'_, str> {
    // SAFETY: `c_char` and `u8` have the same size and every bit pattern is good in both.
    let bytes = unsafe { slice::from_raw_parts(field.as_ptr().cast::<u8>(), field.len()) };
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default())
}

/// The member of the union that the type names; `None` for a type that is not known, or a null string.
fn value(param: &sys::virTypedParameter) -> Option<Value<'_>> {
    // SAFETY: libvirt wrote the member that `type_` names, and a string lives as long as its parameter.
    unsafe {
        Some(match u32::try_from(param.type_).ok()? {
            sys::VIR_TYPED_PARAM_INT => Value::Signed(param.value.i.into()),
            sys::VIR_TYPED_PARAM_UINT => Value::Unsigned(param.value.ui.into()),
            sys::VIR_TYPED_PARAM_LLONG => Value::Signed(param.value.l),
            sys::VIR_TYPED_PARAM_ULLONG => Value::Unsigned(param.value.ul),
            sys::VIR_TYPED_PARAM_DOUBLE => Value::Float(param.value.d),
            sys::VIR_TYPED_PARAM_BOOLEAN => Value::Unsigned(u64::from(param.value.b != 0)),
            sys::VIR_TYPED_PARAM_STRING if !param.value.s.is_null() => {
                Value::Text(CStr::from_ptr(param.value.s).to_string_lossy())
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Libvirt's built-in driver with one domain in this process's memory.
    fn test_driver() -> Connect {
        Connect::open_read_only(Some("test:///default")).unwrap()
    }

    #[test]
    fn the_built_in_driver_answers_with_its_one_domain() {
        let connection = test_driver();
        let mut seen = Vec::new();
        all_domain_stats(&connection, sys::VIR_DOMAIN_STATS_STATE, 0, |record| {
            let name = record.domain().unwrap().name().unwrap();
            let running = (Cow::from("state.state"), Value::Signed(1));
            seen.push((name, record.params().any(|param| param == running)));
        })
        .unwrap();
        assert_eq!(seen, [("test".to_owned(), true)]);
    }

    #[test]
    fn a_handle_outlives_the_list_that_it_came_from() {
        let connection = test_driver();
        let mut kept = None;
        all_domain_stats(&connection, sys::VIR_DOMAIN_STATS_STATE, 0, |record| {
            kept = record.domain().ok();
        })
        .unwrap();
        assert_eq!(kept.unwrap().name().unwrap(), "test");
    }

    #[test]
    fn flags_that_libvirt_does_not_know_are_its_error() {
        let error = all_domain_stats(&test_driver(), 1, 1 << 20, |_| {}).unwrap_err();
        assert!(error.message().contains("flag"), "{error}");
    }

    #[test]
    fn a_parameter_of_each_type_is_read_and_one_of_no_type_is_not() {
        let mut param = sys::virTypedParameter {
            field: [0; 80],
            type_: sys::VIR_TYPED_PARAM_INT as i32,
            value: sys::_virTypedParameterValue { i: -7 },
        };
        assert_eq!(value(&param), Some(Value::Signed(-7)));
        param.type_ = sys::VIR_TYPED_PARAM_ULLONG as i32;
        param.value.ul = u64::MAX;
        assert_eq!(value(&param), Some(Value::Unsigned(u64::MAX)));
        param.type_ = sys::VIR_TYPED_PARAM_DOUBLE as i32;
        param.value.d = 0.5;
        assert_eq!(value(&param), Some(Value::Float(0.5)));
        param.type_ = sys::VIR_TYPED_PARAM_BOOLEAN as i32;
        param.value.b = 1;
        assert_eq!(value(&param), Some(Value::Unsigned(1)));
        param.type_ = sys::VIR_TYPED_PARAM_STRING as i32;
        param.value.s = ptr::null_mut();
        assert_eq!(value(&param), None);
        for unknown in [0, -1, 99] {
            param.type_ = unknown;
            assert_eq!(value(&param), None);
        }
        param.field = [b'x' as c_char; 80];
        assert_eq!(
            name(&param.field),
            "x".repeat(80),
            "a name may fill its array"
        );
    }
}
