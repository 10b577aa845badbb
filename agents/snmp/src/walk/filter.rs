//! Dynamic filters: which rows of some columns are worth asking for, by what another column says of them.

use async_snmp::Oid;

use crate::config::{FilterFile, Kind};
use crate::render::push_text;
use crate::walk::range::parted;
use crate::walk::session::Session;
use crate::walk::subtree;

/// Takes the filter's targets out of what is asked for, and puts in the rows of them that the filter lets through. If
/// the deciding column cannot be read, nothing is filtered.
pub(super) async fn apply(
    session: &Session,
    filter: &FilterFile,
    gets: &mut Vec<Oid>,
    subtrees: &mut Vec<Oid>,
) {
    let deciding = subtree::walk(session, &filter.oid.0, parted(&filter.oid.0, &[])).await;
    if let Some(error) = deciding.error {
        tracing::info!(oid = %filter.oid.0, %error, "cannot read the column of a filter, nothing is filtered by it");
        return;
    }
    let is_target = |oid: &Oid| filter.targets.iter().any(|target| target.0 == *oid);
    subtrees.retain(|subtree| !is_target(subtree));
    gets.retain(|get| {
        !filter
            .targets
            .iter()
            .any(|target| get.starts_with(&target.0))
    });
    let allowed: Vec<u32> = deciding
        .rows
        .iter()
        .filter(|row| {
            let mut text = String::new();
            push_text(&row.value, Some(Kind::DisplayString), "", &mut text);
            filter
                .values
                .iter()
                .any(|value| value.regex.is_match(&text))
        })
        .filter_map(|row| row.oid.arcs().last().copied())
        .collect();
    for target in &filter.targets {
        gets.extend(allowed.iter().map(|&index| target.0.child(index)));
    }
}
