//! A module as a walk needs it: what to ask for, how, and the metrics in the order of their OIDs so that the one an
//! answer belongs to is found by halving.

use std::time::Duration;

use async_snmp::Oid;

use crate::config::file::{FilterFile, MetricFile, ModuleFile};
use crate::config::kind::Kind;
use crate::config::scalar::DottedOid;

/// How to ask, with snmp_exporter's defaults in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WalkParams {
    /// Rows to ask for in one GETBULK, at least 1.
    pub(crate) max_repetitions: u32,
    /// Further attempts after one that was not answered.
    pub(crate) retries: u32,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// Whether a walk goes on when OIDs do not rise.
    pub(crate) allow_nonincreasing_oids: bool,
    /// Whether an answer may come from another address than the one that was asked.
    pub(crate) any_source: bool,
}

/// A checked module.
#[derive(Debug)]
pub(crate) struct Module {
    /// `module=` of a request.
    pub(crate) name: String,
    /// Whether `snmp_scrape_*` say which module they are about, as from 0.24 on.
    pub(crate) is_told: bool,
    /// Subtrees to walk.
    pub(crate) walk: Vec<Oid>,
    /// Instances to get.
    pub(crate) get: Vec<Oid>,
    /// Rows to leave out.
    pub(crate) filters: Vec<FilterFile>,
    /// How to ask.
    pub(crate) params: WalkParams,
    /// By OID; none is within another, because the outer one takes all.
    metrics: Vec<MetricFile>,
    /// OIDs of metrics and lookups, in order.
    columns: Vec<Oid>,
    /// Those of them that only give labels, in order.
    lookup_columns: Vec<Oid>,
}

/// The rows that are asked for when nothing or 0 is said.
const MAX_REPETITIONS: u32 = 25;

impl Module {
    /// Checks what the reading of the file could not. `Err` names the key and what was expected.
    pub(crate) fn new(name: String, file: ModuleFile, is_told: bool) -> Result<Self, String> {
        let mut metrics = file.metrics;
        for metric in &metrics {
            check(metric)?;
        }
        // Of two with the same OID the later one counts, as in snmp_exporter.
        metrics.reverse();
        metrics.sort_by(|a, b| a.oid.arcs().cmp(b.oid.arcs()));
        let mut outer: Option<Vec<u32>> = None;
        metrics.retain(|metric| {
            let arcs = metric.oid.arcs();
            let is_within = outer.as_ref().is_some_and(|outer| arcs.starts_with(outer));
            if !is_within {
                outer = Some(arcs.to_vec());
            }
            !is_within
        });
        let repetitions = file.max_repetitions.filter(|&number| number > 0);
        let timeout = file.timeout.map(|timeout| timeout.0);
        let oids = |dotted: Vec<DottedOid>| dotted.into_iter().map(|oid| oid.0);
        let walk: Vec<Oid> = oids(file.walk).collect();
        let lookup_columns = lookup_columns(&metrics, &walk, &file.filters);
        for lookup in metrics.iter_mut().flat_map(|metric| &mut metric.lookups) {
            lookup.gives_only_labels = lookup.oid.as_ref().is_some_and(|oid| {
                lookup_columns
                    .binary_search_by(|column| order(column, &oid.0))
                    .is_ok()
            });
        }
        Ok(Self {
            name,
            is_told,
            columns: columns(&metrics),
            lookup_columns,
            walk,
            get: oids(file.get).collect(),
            filters: file.filters,
            params: WalkParams {
                max_repetitions: repetitions.unwrap_or(MAX_REPETITIONS),
                retries: file.retries.unwrap_or(3),
                timeout: timeout
                    .filter(|timeout| !timeout.is_zero())
                    .unwrap_or(Duration::from_secs(5)),
                any_source: file.use_unconnected_udp_socket.unwrap_or_default(),
                allow_nonincreasing_oids: file.allow_nonincreasing_oids.unwrap_or_default(),
            },
            metrics,
        })
    }

    /// The metric that the instance `arcs` belongs to, and what is left of the instance as its index.
    pub(crate) fn metric_of<'a>(&self, arcs: &'a [u32]) -> Option<(&MetricFile, &'a [u32])> {
        let after = self
            .metrics
            .partition_point(|metric| metric.oid.arcs() <= arcs);
        let metric = self.metrics.get(after.checked_sub(1)?)?;
        Some((metric, arcs.strip_prefix(metric.oid.arcs())?))
    }

    /// The columns of metrics and lookups under `root`.
    pub(crate) fn columns_within(&self, root: &Oid) -> Vec<Oid> {
        within(&self.columns, root)
    }

    /// The columns that are walked for nothing but the labels that they give to other columns' rows.
    pub(crate) fn lookup_columns(&self) -> &[Oid] {
        &self.lookup_columns
    }

    /// Those of them under `root`, or `root` itself.
    pub(crate) fn lookup_columns_within(&self, root: &Oid) -> Vec<Oid> {
        within(&self.lookup_columns, root)
    }

    /// How many metrics there are.
    #[cfg(test)]
    pub(crate) fn metric_count(&self) -> usize {
        self.metrics.len()
    }

    /// The OIDs of the metrics.
    #[cfg(test)]
    pub(crate) fn metrics_for_test(&self) -> Vec<Vec<u32>> {
        let oids = self.metrics.iter().map(|metric| metric.oid.arcs().to_vec());
        oids.collect()
    }
}

fn within(columns: &[Oid], root: &Oid) -> Vec<Oid> {
    let within = columns.iter().filter(|column| column.starts_with(root));
    within.cloned().collect()
}

fn order(a: &Oid, b: &Oid) -> std::cmp::Ordering {
    a.arcs().cmp(b.arcs())
}

fn in_order(oids: impl Iterator<Item = Oid>) -> Vec<Oid> {
    let mut oids: Vec<Oid> = oids.collect();
    oids.sort_by(order);
    oids.dedup();
    oids
}

fn looked_up(metrics: &[MetricFile]) -> impl Iterator<Item = Oid> {
    let lookups = metrics.iter().flat_map(|metric| &metric.lookups);
    lookups.filter_map(|lookup| lookup.oid.as_ref().map(|oid| oid.0.clone()))
}

fn columns(metrics: &[MetricFile]) -> Vec<Oid> {
    in_order(
        metrics
            .iter()
            .map(|metric| metric.oid.0.clone())
            .chain(looked_up(metrics)),
    )
}

/// The columns that are looked up, walked, and of no other use.
fn lookup_columns(metrics: &[MetricFile], walk: &[Oid], filters: &[FilterFile]) -> Vec<Oid> {
    let touches = |a: &Oid, b: &Oid| a.starts_with(b) || b.starts_with(a);
    let filtered = |column: &Oid| {
        let named = filters
            .iter()
            .flat_map(|filter| filter.targets.iter().chain([&filter.oid]));
        named.into_iter().any(|oid| touches(&oid.0, column))
    };
    let mut columns = in_order(looked_up(metrics).filter(|column| {
        walk.iter().any(|root| column.starts_with(root))
            && !metrics.iter().any(|metric| touches(&metric.oid.0, column))
            && !filtered(column)
            // There is no column after this one to go on with.
            && column.arcs().last().is_some_and(|&last| last < u32::MAX)
    }));
    columns.dedup_by(|inner, outer| inner.starts_with(outer));
    columns
}

fn check(metric: &MetricFile) -> Result<(), String> {
    let name = &metric.name;
    for index in &metric.indexes {
        if !index.kind.is_index() {
            let (label, kind) = (&index.labelname, index.kind);
            return Err(format!(
                "metric {name}: index {label}: expected a type that an index can have, found {kind:?}"
            ));
        }
    }
    for lookup in &metric.lookups {
        if !lookup.labels.is_empty() && lookup.oid.is_none() {
            let label = &lookup.labelname;
            return Err(format!(
                "metric {name}: lookup {label}: expected an oid, found none"
            ));
        }
    }
    if metric.kind == Kind::ParseDateAndTime && metric.datetime_pattern.is_empty() {
        return Err(format!(
            "metric {name}: expected a datetime_pattern, found none"
        ));
    }
    Ok(())
}
