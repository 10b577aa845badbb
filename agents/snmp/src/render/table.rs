//! All that one walk of a module found, in the order of the OIDs, so that a lookup finds its value by halving.

use async_snmp::{Value, VarBind};

/// Values by OID.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<VarBind>);

impl Table {
    /// Sorts what was found; of values with the same OID the last one stays.
    pub(crate) fn new(mut found: Vec<VarBind>) -> Self {
        // The walks of subtrees come sorted one by one, which this sort takes as runs.
        found.sort_by(|a, b| a.oid.arcs().cmp(b.oid.arcs()));
        found.dedup_by(|later, earlier| {
            let same = later.oid == earlier.oid;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Self(found)
    }

    /// The value of an instance.
    pub(crate) fn get(&self, arcs: &[u32]) -> Option<&Value> {
        let at = self
            .0
            .binary_search_by(|row| row.oid.arcs().cmp(arcs))
            .ok()?;
        self.0.get(at).map(|row| &row.value)
    }

    /// What was found, in order.
    pub(crate) fn into_rows(self) -> Vec<VarBind> {
        self.0
    }

    /// All instances.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u32], &Value)> {
        self.0.iter().map(|row| (row.oid.arcs(), &row.value))
    }
}
