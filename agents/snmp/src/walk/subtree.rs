//! Walking one subtree and getting a list of instances: what was found stays, whatever fails after it.

use std::collections::HashSet;

use async_snmp::{Oid, Value, VarBind};

use crate::walk::session::{AskError, Question, Session};

/// More rows than any device has: what goes on longer goes in circles.
const MAX_ROWS: usize = 1_000_000;

/// What was found, and why it is not all.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The rows.
    pub(crate) rows: Vec<VarBind>,
    /// What ended it early.
    pub(crate) error: Option<AskError>,
}

/// Walks everything under `root`; of an instance, which has nothing under it, its value.
pub(crate) async fn walk(session: &Session, root: &Oid) -> Found {
    let mut found = Found::default();
    let mut at = root.clone();
    let mut seen = HashSet::new();
    loop {
        let answer = match session.ask(Question::Next(&at)).await {
            Ok(answer) => answer,
            // Version 1 says so at the end of all that it has.
            Err(AskError::NoSuchName) => Vec::new(),
            Err(error) => {
                found.error = Some(error);
                return found;
            }
        };
        let outside = answer.iter().position(|row| !is_within(row, root));
        let is_over = outside.is_some() || answer.is_empty();
        for row in answer.into_iter().take(outside.unwrap_or(usize::MAX)) {
            if row.oid.arcs() <= at.arcs() {
                let may = session.params().allow_nonincreasing_oids;
                if !may || !seen.insert(row.oid.clone()) {
                    found.error = Some(AskError::Failed(format!(
                        "OID not increasing: {} after {at}",
                        row.oid
                    )));
                    return found;
                }
            }
            at = row.oid.clone();
            found.rows.push(row);
        }
        if found.rows.len() > MAX_ROWS {
            let reason = format!("more than {MAX_ROWS} rows");
            found.error = Some(AskError::Failed(reason));
            return found;
        }
        if is_over {
            break;
        }
    }
    if found.rows.is_empty() {
        return get(session, std::slice::from_ref(root)).await;
    }
    found
}

fn is_within(row: &VarBind, root: &Oid) -> bool {
    !row.value.is_exception() && row.oid.len() > root.len() && row.oid.starts_with(root)
}

/// Gets `oids`, those of them that there are.
pub(crate) async fn get(session: &Session, oids: &[Oid]) -> Found {
    let mut found = Found::default();
    // Version 1 tells of one mistake and gives nothing else then.
    let at_once = if session.is_v1 {
        1
    } else {
        session.params().max_repetitions as usize
    };
    for some in oids.chunks(at_once.max(1)) {
        match session.ask(Question::Get(some)).await {
            Ok(rows) => found
                .rows
                .extend(rows.into_iter().filter(|row| is_value(&row.value))),
            Err(AskError::NoSuchName) => {}
            Err(error) => {
                found.error = Some(error);
                return found;
            }
        }
    }
    found
}

fn is_value(value: &Value) -> bool {
    !value.is_exception()
}
