//! Conditions on a half of a creator, `user:project`: they are patterns over the whole, as in Gnocchi; what a project
//! has created is found by an index.

use super::Operator;
use super::fields::{Column, Kind};
use crate::db::{Dialect, Statement};

/// What follows the last colon of a creator, as the indexes of migration 3 have it.
fn last_part(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Sqlite => {
            format!("substr({column}, length(rtrim({column}, replace({column}, ':', ''))) + 1)")
        }
        Dialect::Postgres => format!("(substring({column} from '[^:]*$') COLLATE \"C\")"),
    }
}

/// Adds the condition; `None` where the operator is not for it.
pub(super) fn condition(
    statement: &mut Statement,
    column: &Column,
    operator: Operator,
    text: &str,
    dialect: Dialect,
) -> Option<()> {
    let sql = &column.sql;
    let (negation, pattern) = match operator {
        Operator::Eq => ("", dialect.exactly(text)),
        Operator::Ne => ("NOT ", dialect.exactly(text)),
        Operator::Like => ("", dialect.pattern(text)),
        _ => return None,
    };
    let (any, matches) = (dialect.any_text(), dialect.matches());
    let wanted = match column.kind {
        Kind::CreatorUser => format!("{pattern}:{any}"),
        _ => format!("{any}:{pattern}"),
    };
    // A part that has a colon itself is more than the last one.
    let indexed =
        column.kind == Kind::CreatorProject && operator == Operator::Eq && !text.contains(':');
    if indexed {
        let last = last_part(dialect, sql);
        statement.push(format_args!("{last} = ")).push_bind(text);
        statement.push(" AND ");
    }
    statement.push(format_args!("{negation}{sql} {matches} "));
    statement.push_bind(wanted);
    Some(())
}
