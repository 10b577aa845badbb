//! From a snapshot to families by table: a collector lists its families, each with the function that takes the value
//! out of a domain or out of a part of one, and this file walks the domains. An absent value makes no sample, and a
//! family without samples is not opened.

use exposition::{Families, MetricType};

use crate::domain::{Domain, Snapshot};
use crate::stats::{Block, Extras, Interface, IoThread, Vcpu};

/// One family whose samples are values of a `T`.
pub(crate) struct Family<T> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: MetricType,
    /// The value, in the unit that the name says; `None` when libvirt did not tell.
    pub(crate) value: fn(&T) -> Option<f64>,
}

/// A part of a domain that has a name, by which its series differ.
pub(crate) trait Part {
    /// The label's name.
    const LABEL: &'static str;
    /// The label's value.
    fn name(&self) -> &str;
}

impl Part for Block {
    const LABEL: &'static str = "target_device";
    fn name(&self) -> &str {
        &self.name
    }
}

impl Part for Interface {
    const LABEL: &'static str = "target_device";
    fn name(&self) -> &str {
        &self.name
    }
}

impl Part for Vcpu {
    const LABEL: &'static str = "vcpu";
    fn name(&self) -> &str {
        &self.name
    }
}

impl Part for IoThread {
    const LABEL: &'static str = "iothread";
    fn name(&self) -> &str {
        &self.name
    }
}

/// What is asked for only where it was switched on.
pub(crate) fn extras(domain: &Domain) -> Option<&Extras> {
    domain.stats.extras.as_deref()
}

/// Writes one sample per domain for each family of the table.
pub(crate) fn per_domain(snapshot: &Snapshot, table: &[Family<Domain>], out: &mut Families) {
    for family in table {
        let values = snapshot
            .domains
            .iter()
            .filter_map(|domain| Some((domain, None, (family.value)(domain)?)));
        samples(family.name, family.help, family.kind, values, out);
    }
}

/// Writes one sample per part of each domain for each family of the table.
pub(crate) fn per_part<T: Part>(
    snapshot: &Snapshot,
    parts: fn(&Domain) -> &[T],
    table: &[Family<T>],
    out: &mut Families,
) {
    for family in table {
        let values = snapshot.domains.iter().flat_map(|domain| {
            parts(domain).iter().filter_map(move |part| {
                let value = (family.value)(part)?;
                Some((domain, Some((T::LABEL, part.name())), value))
            })
        });
        samples(family.name, family.help, family.kind, values, out);
    }
}

/// Writes one family: each value has its domain's labels, and perhaps one more.
pub(crate) fn samples<'s>(
    name: &str,
    help: &str,
    kind: MetricType,
    values: impl Iterator<Item = (&'s Domain, Option<(&'s str, &'s str)>, f64)>,
    out: &mut Families,
) {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return;
    }
    let mut labels = Vec::with_capacity(4);
    let mut family = out.family(name, help, kind);
    for (domain, label, value) in values {
        labels.clear();
        domain.identity(&mut labels);
        labels.extend(label);
        family.sample(&labels, value);
    }
}

/// Writes one sample of value 1 per item; `describe` adds the labels to those of the item's domain. Labels without a
/// value are left out, which to Prometheus is the same.
pub(crate) fn info<'s, T: 's>(
    name: &str,
    help: &str,
    items: impl Iterator<Item = (&'s Domain, T)>,
    describe: impl Fn(&'s Domain, T, &mut Vec<(&'s str, &'s str)>),
    out: &mut Families,
) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    let mut labels = Vec::with_capacity(16);
    let mut family = out.family(name, help, MetricType::Gauge);
    for (domain, item) in items {
        labels.clear();
        domain.identity(&mut labels);
        describe(domain, item, &mut labels);
        labels.retain(|(_, value)| !value.is_empty());
        family.sample(&labels, 1.0);
    }
}

/// A count as it is.
#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus has only doubles; counts above 2^53 lose their last digits there in any case"
)]
pub(crate) fn count(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

/// Nanoseconds as seconds.
pub(crate) fn seconds(nanoseconds: Option<u64>) -> Option<f64> {
    count(nanoseconds).map(|value| value / 1e9)
}

/// KiB as bytes.
pub(crate) fn kib(value: Option<u64>) -> Option<f64> {
    count(value).map(|value| value * 1024.0)
}
