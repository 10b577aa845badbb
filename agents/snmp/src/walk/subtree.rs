//! Walking one subtree and getting a list of instances: what was found stays, whatever fails after it.

use async_snmp::{Oid, VarBind};

use crate::walk::question::{AskError, Question};
use crate::walk::range::{Cursor, Range, Step};
use crate::walk::session::Session;

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

impl Found {
    fn failed(mut self, error: AskError) -> Self {
        self.error = Some(error);
        self
    }
}

/// Walks the ranges of the subtree under `root`; of an instance, which has nothing under it, its value.
pub(crate) async fn walk(session: &Session, root: &Oid, ranges: Vec<Range>) -> Found {
    let is_whole = ranges.first().is_some_and(|range| range.begins_at(root));
    let found = if session.is_v1 {
        walk_abreast(session, root, ranges).await
    } else {
        walk_in_turn(session, root, ranges).await
    };
    if is_whole && found.rows.is_empty() && found.error.is_none() {
        return get(session, std::slice::from_ref(root)).await;
    }
    found
}

/// With GETBULK: one range after the other, many rows at once.
async fn walk_in_turn(session: &Session, root: &Oid, ranges: Vec<Range>) -> Found {
    let may_fall = session.params().allow_nonincreasing_oids;
    let mut found = Found::default();
    for range in ranges {
        let mut cursor = Cursor::from(range);
        let mut is_over = false;
        while !is_over {
            let answer = match session.ask(Question::After(&cursor.at)).await {
                Ok(answer) => answer,
                Err(error) => return found.failed(error),
            };
            is_over = answer.is_empty();
            for row in answer {
                let at = cursor.at.clone();
                match cursor.step(&row, root, may_fall) {
                    Step::Row => found.rows.push(row),
                    Step::Over => {
                        is_over = true;
                        break;
                    }
                    Step::Back => return found.failed(backwards(&row, &at)),
                }
            }
            if found.rows.len() > MAX_ROWS {
                return found.failed(too_many());
            }
        }
    }
    found
}

/// With GETNEXT, which gives one row for each instance that is asked about: as many ranges abreast as an answer has room
/// for rows.
async fn walk_abreast(session: &Session, root: &Oid, ranges: Vec<Range>) -> Found {
    let may_fall = session.params().allow_nonincreasing_oids;
    let mut found = Found::default();
    let mut cursors: Vec<Cursor> = ranges.into_iter().map(Cursor::from).collect();
    while !cursors.is_empty() {
        let abreast = cursors.iter().take(session.pace.rows() as usize);
        let asked: Vec<Oid> = abreast.map(|cursor| cursor.at.clone()).collect();
        let answer = match session.ask(Question::AfterEach(&asked)).await {
            Ok(answer) if answer.len() == asked.len() => answer,
            // The device has nothing after that one; it tells of one at a time and gives nothing else then.
            Err(AskError::NoSuchName(at)) if (1..=asked.len()).contains(&at) => {
                cursors.remove(at - 1);
                continue;
            }
            Err(AskError::NoSuchName(_)) if asked.len() == 1 => {
                cursors.remove(0);
                continue;
            }
            // Fewer are asked for now.
            Err(AskError::TooBig) if asked.len() > 1 => continue,
            Err(AskError::NoSuchName(_) | AskError::Failed(_)) | Ok(_) if asked.len() > 1 => {
                session.pace.slowest();
                continue;
            }
            Ok(answer) => {
                let reason = format!("{} values in the answer to one question", answer.len());
                return found.failed(AskError::Failed(reason));
            }
            Err(error) => return found.failed(error),
        };
        let mut rows = answer.into_iter();
        let mut back = None;
        cursors.retain_mut(|cursor| {
            let Some(row) = rows.next() else {
                return true;
            };
            let at = cursor.at.clone();
            match cursor.step(&row, root, may_fall) {
                Step::Row => {
                    found.rows.push(row);
                    true
                }
                Step::Over => false,
                Step::Back => {
                    back = Some(backwards(&row, &at));
                    true
                }
            }
        });
        if let Some(error) = back {
            return found.failed(error);
        }
        if found.rows.len() > MAX_ROWS {
            return found.failed(too_many());
        }
    }
    found
}

fn backwards(row: &VarBind, at: &Oid) -> AskError {
    AskError::Failed(format!("OID not increasing: {} after {at}", row.oid))
}

fn too_many() -> AskError {
    AskError::Failed(format!("more than {MAX_ROWS} rows"))
}

/// Whether several questions in one packet may be what the device could not answer: the answer would have been too big,
/// or it says of version 1 that something is wrong.
fn is_about_number(error: &AskError, is_v1: bool) -> bool {
    match error {
        AskError::TooBig => true,
        AskError::NoSuchName(_) | AskError::Failed(_) => is_v1,
        AskError::Silent(_) | AskError::Late | AskError::Given => false,
    }
}

/// Gets `oids`, those of them that there are.
pub(crate) async fn get(session: &Session, oids: &[Oid]) -> Found {
    let mut found = Found::default();
    let at_once = session.params().max_repetitions.max(1) as usize;
    for some in oids.chunks(at_once) {
        let mut left = some.to_vec();
        while !left.is_empty() {
            match session.ask(Question::Get(&left)).await {
                Ok(rows) => {
                    let values = rows.into_iter().filter(|row| !row.value.is_exception());
                    found.rows.extend(values);
                    break;
                }
                // Version 1 tells of one mistake and gives nothing else then.
                Err(AskError::NoSuchName(at)) if (1..=left.len()).contains(&at) => {
                    left.remove(at - 1);
                }
                Err(AskError::NoSuchName(_)) if left.len() == 1 => break,
                Err(error) if left.len() > 1 && is_about_number(&error, session.is_v1) => {
                    for one in left.chunks(1) {
                        match session.ask(Question::Get(one)).await {
                            Ok(rows) => found.rows.extend(rows),
                            Err(AskError::NoSuchName(_)) => {}
                            Err(error) => return found.failed(error),
                        }
                    }
                    break;
                }
                Err(error) => return found.failed(error),
            }
        }
    }
    found
}
