//! From libvirt's flat list of typed parameters (`block.0.rd.bytes` = 4096) to the structures of `stats`. Pure: the
//! list comes as an iterator, so that tests write it down and only `stats_ffi` knows where it really lives.

mod extras;

use std::borrow::Cow;

use crate::stats::{Balloon, Block, Cpu, DomainStats, Extras, Interface, IoThread, Vcpu};

/// The value of one typed parameter (`virTypedParameter`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// Any of the signed types.
    Signed(i64),
    /// Any of the unsigned types, and booleans as 0 and 1.
    Unsigned(u64),
    /// A double.
    Float(f64),
    /// A string; bytes that are no UTF-8 are replaced.
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// The value as a count. Libvirt marks "unknown" by -1, which is all ones when the type is unsigned: that is
    /// `None` here, like a value of another kind.
    pub(crate) fn count(&self) -> Option<u64> {
        match *self {
            Value::Signed(number) => u64::try_from(number).ok(),
            Value::Unsigned(u64::MAX) => None,
            Value::Unsigned(number) => Some(number),
            Value::Float(_) | Value::Text(_) => None,
        }
    }

    fn code(&self) -> Option<i32> {
        match *self {
            Value::Signed(number) => i32::try_from(number).ok(),
            Value::Unsigned(number) => i32::try_from(number).ok(),
            Value::Float(_) | Value::Text(_) => None,
        }
    }

    /// The value as a number that need not be whole.
    pub(crate) fn float(&self) -> Option<f64> {
        match *self {
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The value as a text.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }
}

/// Sorts the parameters of one domain into their groups; unknown names are skipped.
pub(crate) fn domain_stats<'a>(
    params: impl IntoIterator<Item = (Cow<'a, str>, Value<'a>)>,
) -> DomainStats {
    let mut stats = DomainStats::default();
    let (mut vcpus, mut blocks, mut interfaces) =
        (Numbered::new(), Numbered::new(), Numbered::new());
    let mut iothreads: Numbered<IoThread> = Numbered::new();
    let mut extras = Extras::default();
    for (name, value) in params {
        let Some((group, field)) = name.split_once('.') else {
            continue;
        };
        match (group, field, numbered(field)) {
            ("state", "state", _) => stats.state = value.code(),
            ("state", "reason", _) => stats.reason = value.code(),
            ("cpu", _, _) => cpu(&mut stats.cpu, field, &value),
            ("balloon", _, _) => balloon(&mut stats.balloon, field, &value),
            ("vcpu", "current", _) => stats.vcpus_current = value.count(),
            ("vcpu", "maximum", _) => stats.vcpus_maximum = value.count(),
            ("vcpu", _, Some((number, field))) => vcpu(vcpus.at(number), number, field, &value),
            ("block", _, Some((number, field))) => block(blocks.at(number), field, value),
            ("net", _, Some((number, field))) => interface(interfaces.at(number), field, value),
            ("iothread", _, Some((number, field))) => {
                extras::iothread(iothreads.at(number), number, field, &value);
            }
            ("perf", _, _) => extras::perf(&mut extras.perf, field, &value),
            ("dirtyrate", _, _) => extras::dirty_rate(&mut extras.dirty_rate, field, &value),
            ("vm", _, _) => extras::vm(&mut extras.vm, field, &value),
            _ => {}
        }
    }
    stats.vcpus = vcpus.into_values();
    stats.blocks = blocks.into_values();
    stats.interfaces = interfaces.into_values();
    extras.iothreads = iothreads.into_values();
    stats.extras = (extras != Extras::default()).then(|| Box::new(extras));
    stats
}

/// `0.rd.bytes` is number 0, field `rd.bytes`.
fn numbered(field: &str) -> Option<(u32, &str)> {
    let (number, rest) = field.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

/// Things by their number. The numbers have holes (an interface without a device has none), and libvirt writes each
/// thing's parameters next to each other, so the last one is nearly always the one wanted.
struct Numbered<T>(Vec<(u32, T)>);

impl<T: Default> Numbered<T> {
    fn new() -> Self {
        Numbered(Vec::new())
    }

    fn at(&mut self, number: u32) -> &mut T {
        let place = match self.0.iter().rposition(|(known, _)| *known == number) {
            Some(place) => place,
            None => {
                self.0.push((number, T::default()));
                self.0.len() - 1
            }
        };
        #[expect(
            clippy::indexing_slicing,
            reason = "the place was just found or just made"
        )]
        &mut self.0[place].1
    }

    fn into_values(self) -> Vec<T> {
        self.0.into_iter().map(|(_, value)| value).collect()
    }
}

fn cpu(cpu: &mut Cpu, field: &str, value: &Value<'_>) {
    match field {
        "time" => cpu.time = value.count(),
        "user" => cpu.user = value.count(),
        "system" => cpu.system = value.count(),
        _ => {}
    }
}

fn balloon(balloon: &mut Balloon, field: &str, value: &Value<'_>) {
    let place = match field {
        "current" => &mut balloon.current,
        "maximum" => &mut balloon.maximum,
        "available" => &mut balloon.available,
        "unused" => &mut balloon.unused,
        "usable" => &mut balloon.usable,
        "rss" => &mut balloon.rss,
        "disk_caches" => &mut balloon.disk_caches,
        "swap_in" => &mut balloon.swap_in,
        "swap_out" => &mut balloon.swap_out,
        "major_fault" => &mut balloon.major_fault,
        "minor_fault" => &mut balloon.minor_fault,
        "hugetlb_pgalloc" => &mut balloon.hugetlb_pgalloc,
        "hugetlb_pgfail" => &mut balloon.hugetlb_pgfail,
        "last-update" => {
            // QEMU says 0 for "never", which read as a time would be 1970.
            balloon.last_update = value.count().filter(|seconds| *seconds > 0);
            return;
        }
        _ => return,
    };
    *place = value.count();
}

fn vcpu(vcpu: &mut Vcpu, number: u32, field: &str, value: &Value<'_>) {
    if vcpu.name.is_empty() {
        vcpu.name = number.to_string();
    }
    match field {
        "state" => vcpu.state = value.count(),
        "time" => vcpu.time = value.count(),
        "wait" => vcpu.wait = value.count(),
        "delay" => vcpu.delay = value.count(),
        _ => {}
    }
}

fn block(block: &mut Block, field: &str, value: Value<'_>) {
    let place = match field {
        "name" => {
            block.name = value.into_text().unwrap_or_default();
            return;
        }
        "path" => {
            block.path = value.into_text();
            return;
        }
        "rd.reqs" => &mut block.rd_reqs,
        "rd.bytes" => &mut block.rd_bytes,
        "rd.times" => &mut block.rd_times,
        "wr.reqs" => &mut block.wr_reqs,
        "wr.bytes" => &mut block.wr_bytes,
        "wr.times" => &mut block.wr_times,
        "fl.reqs" => &mut block.fl_reqs,
        "fl.times" => &mut block.fl_times,
        "allocation" => &mut block.allocation,
        "capacity" => &mut block.capacity,
        "physical" => &mut block.physical,
        _ => return,
    };
    *place = value.count();
}

fn interface(nic: &mut Interface, field: &str, value: Value<'_>) {
    let place = match field {
        "name" => {
            nic.name = value.into_text().unwrap_or_default();
            return;
        }
        "rx.bytes" => &mut nic.rx_bytes,
        "rx.pkts" => &mut nic.rx_pkts,
        "rx.errs" => &mut nic.rx_errs,
        "rx.drop" => &mut nic.rx_drop,
        "tx.bytes" => &mut nic.tx_bytes,
        "tx.pkts" => &mut nic.tx_pkts,
        "tx.errs" => &mut nic.tx_errs,
        "tx.drop" => &mut nic.tx_drop,
        _ => return,
    };
    *place = value.count();
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
