//! The labels of one row: its indexes as text, then the lookups under them. The strings are reused from row to row.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::config::{Kind, MetricFile};
use crate::render::index::{self, Form};
use crate::render::table::Table;
use crate::render::value;

/// Labels of a row and the index numbers behind them.
#[derive(Debug, Default)]
pub(crate) struct RowLabels<'m> {
    used: usize,
    labels: Vec<Label<'m>>,
    /// Reused for the OIDs that lookups ask for.
    oid: Vec<u32>,
    /// What was looked up in vain in columns that may be remembered ones.
    pub(crate) missing: HashSet<Vec<u32>>,
}

#[derive(Debug, Default)]
struct Label<'m> {
    name: &'m str,
    text: String,
    /// What a lookup by this label appends to its column.
    arcs: Vec<u32>,
}

impl<'m> RowLabels<'m> {
    /// The labels of the row `index` of a metric, in place of those of the row before.
    pub(crate) fn fill(&mut self, metric: &'m MetricFile, index: &[u32], table: &Table) {
        self.used = 0;
        let mut rest = index;
        for form in &metric.indexes {
            let label = self.label(&form.labelname);
            let form = Form {
                kind: form.kind,
                fixed_size: usize::from(form.fixed_size.unwrap_or_default()),
                implied: form.implied,
                states: &form.enum_values,
            };
            let taken = index::read(rest, form, &mut label.text);
            label.arcs.extend_from_slice(&padded(rest, taken));
            rest = rest.get(taken..).unwrap_or_default();
        }
        for lookup in &metric.lookups {
            self.look_up(lookup, table);
        }
    }

    fn look_up(&mut self, lookup: &'m crate::config::LookupFile, table: &Table) {
        let Some(column) = lookup.oid.as_ref().filter(|_| !lookup.labels.is_empty()) else {
            self.remove(&lookup.labelname);
            return;
        };
        let mut oid = std::mem::take(&mut self.oid);
        oid.clear();
        oid.extend_from_slice(column.arcs());
        for name in &lookup.labels {
            let known = self.find(name).and_then(|at| self.labels.get(at));
            oid.extend_from_slice(known.map_or(&[], |label| label.arcs.as_slice()));
        }
        let found = table.get(&oid);
        if found.is_none() && lookup.gives_only_labels {
            self.missing.insert(oid.clone());
        }
        let kind = lookup
            .kind
            .map(|kind| resolved(kind, column.arcs(), &mut oid, table));
        self.oid = oid;
        let label = self.label(&lookup.labelname);
        let Some(found) = found else {
            return;
        };
        let number = value::integer(found);
        match kind {
            Some(Kind::EnumAsInfo) if !lookup.enum_values.is_empty() => {
                match lookup.enum_values.get(&number) {
                    Some(state) => label.text.push_str(state),
                    None => label.text.push_str(&number.to_string()),
                }
            }
            kind => value::push_text(found, kind, &lookup.display_hint, &mut label.text),
        }
        label.arcs.push(u32::try_from(number).unwrap_or_default());
    }

    fn find(&self, name: &str) -> Option<usize> {
        let mut labels = self.labels.iter().take(self.used);
        labels.position(|label| label.name == name)
    }

    /// The label of that name, emptied, or a new one.
    #[expect(
        clippy::indexing_slicing,
        reason = "the vector was just made longer than `at`"
    )]
    fn label(&mut self, name: &'m str) -> &mut Label<'m> {
        let at = self.find(name).unwrap_or(self.used);
        self.used = self.used.max(at + 1);
        if self.labels.len() < self.used {
            self.labels.resize_with(self.used, Label::default);
        }
        let label = &mut self.labels[at];
        label.name = name;
        label.text.clear();
        label.arcs.clear();
        label
    }

    fn remove(&mut self, name: &str) {
        if let Some(at) = self.find(name) {
            let label = self.labels.remove(at);
            self.labels.push(label);
            self.used -= 1;
        }
    }

    /// Whether there is a label of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The labels, and one more if it is given.
    pub(crate) fn with<'l>(&'l self, more: Option<(&'l str, &'l str)>) -> Vec<(&'l str, &'l str)> {
        let labels = self.labels.iter().take(self.used);
        let labels = labels.map(|label| (label.name, label.text.as_str()));
        labels.chain(more).collect()
    }
}

/// What a type is that the object before `column` decides about; `instance` is the looked-up OID and is left changed.
/// Where that object says nothing of use the type stays as it is.
fn resolved(kind: Kind, column: &[u32], instance: &mut [u32], table: &Table) -> Kind {
    if kind.combined(0).is_none() {
        return kind;
    }
    subtype(column.len(), instance, table)
        .and_then(|subtype| kind.combined(subtype).flatten())
        .unwrap_or(kind)
}

/// The value of the object before the one whose OID is the first `length` numbers of `instance`.
pub(crate) fn subtype(length: usize, instance: &mut [u32], table: &Table) -> Option<i64> {
    let last = instance.get_mut(length.checked_sub(1)?)?;
    *last = last.checked_sub(1)?;
    table.get(instance).map(value::integer)
}

/// The first `count` of `arcs`, with zeros for those that lack.
fn padded(arcs: &[u32], count: usize) -> Cow<'_, [u32]> {
    /// The most numbers that an OID can have.
    const MOST: usize = 128;
    match arcs.get(..count) {
        Some(arcs) => Cow::Borrowed(arcs),
        None => {
            let mut arcs = arcs.to_vec();
            arcs.resize(count.min(MOST), 0);
            Cow::Owned(arcs)
        }
    }
}
