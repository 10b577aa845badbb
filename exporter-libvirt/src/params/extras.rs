//! The parameters of the groups that are off by default: I/O threads, performance counters, the dirty rate, KVM's own
//! counts.

use super::{Value, numbered};
use crate::stats::{DirtyRate, IoThread, VmCount};

pub(super) fn iothread(thread: &mut IoThread, number: u32, field: &str, value: &Value<'_>) {
    if thread.name.is_empty() {
        thread.name = number.to_string();
    }
    match field {
        "poll-max-ns" => thread.poll_max = value.count(),
        "poll-grow" => thread.poll_grow = value.count(),
        "poll-shrink" => thread.poll_shrink = value.count(),
        _ => {}
    }
}

pub(super) fn perf(counters: &mut Vec<(String, u64)>, field: &str, value: &Value<'_>) {
    counters.extend(value.count().map(|value| (field.to_owned(), value)));
}

pub(super) fn dirty_rate(rate: &mut DirtyRate, field: &str, value: &Value<'_>) {
    match field {
        "calc_status" => rate.status = value.count(),
        // 0 where nothing was ever measured.
        "calc_start_time" => rate.started = value.count().filter(|seconds| *seconds > 0),
        "calc_period" => rate.period = value.count().filter(|seconds| *seconds > 0),
        "megabytes_per_second" => rate.rate = value.count(),
        _ => {
            let vcpu = field.strip_prefix("vcpu.").and_then(numbered);
            if let (Some((number, "megabytes_per_second")), Some(value)) = (vcpu, value.count()) {
                rate.vcpus.push((number.to_string(), value));
            }
        }
    }
}

/// `remote_tlb_flush.sum` is KVM's name and the kind.
pub(super) fn vm(counts: &mut Vec<VmCount>, field: &str, value: &Value<'_>) {
    if let (Some((name, kind)), Some(value)) = (field.rsplit_once('.'), value.count()) {
        counts.push(VmCount {
            name: name.to_owned(),
            is_sum: kind == "sum",
            value,
        });
    }
}
