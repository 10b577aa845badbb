//! Turns a filter into SQL with bound values. Nothing that a client wrote becomes part of the statement but the names
//! of attributes that their resource type has, and the type's.

use std::cell::Cell;

use collector_model::Timestamp;
use serde_json::Value;

use super::creator;
use super::fields::{Column, Fields, Kind, is_of_resource};
use super::{Filter, MAX_FILTER_DEPTH, Operator};
use crate::IndexError;
use crate::db::{Bound, Statement};
use crate::sql::prefix_range;

/// Most values in a filter: below what the database takes in one statement.
pub(crate) const MAX_VALUES: usize = 20_000;
/// Most comparisons in a filter, which are the longest part of a statement's text.
pub(crate) const MAX_COMPARISONS: usize = 4_000;

/// Adds the condition that a filter means.
///
/// # Errors
/// [`IndexError`] where a field does not exist, a value is not of its field's type, an operator is not for it, or the
/// filter is too large.
pub(crate) fn condition(
    statement: &mut Statement,
    filter: &Filter,
    fields: Fields<'_>,
    now: Timestamp,
) -> Result<(), IndexError> {
    let compiler = Compiler {
        fields,
        now,
        values: Cell::new(0),
        comparisons: Cell::new(0),
    };
    compiler.filter(statement, filter, Place::default())
}

/// Where in a filter one of its parts is.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    depth: usize,
    /// Whether what is neither true nor false may be taken for true, as the opposite of what it is under a `NOT`.
    denied: bool,
}

impl Place {
    fn deeper(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }
}

struct Compiler<'a> {
    fields: Fields<'a>,
    now: Timestamp,
    /// Values so far.
    values: Cell<usize>,
    /// Comparisons so far.
    comparisons: Cell<usize>,
}

impl Compiler<'_> {
    fn filter(
        &self,
        statement: &mut Statement,
        filter: &Filter,
        place: Place,
    ) -> Result<(), IndexError> {
        if place.depth > MAX_FILTER_DEPTH {
            return Err(too_large(MAX_FILTER_DEPTH, "levels"));
        }
        match filter {
            Filter::And(parts) => self.chain(statement, parts, " AND ", "1 = 1", place),
            Filter::Or(parts) => self.chain(statement, parts, " OR ", "1 = 0", place),
            Filter::Not(part) => {
                statement.push("(NOT ");
                let place = Place {
                    denied: true,
                    ..place.deeper()
                };
                self.filter(statement, part, place)?;
                statement.push(")");
                Ok(())
            }
            Filter::Compare {
                field,
                operator,
                value,
            } => {
                count(&self.comparisons, MAX_COMPARISONS, "comparisons")?;
                let column = self.fields.column(field)?;
                let looked_up = *operator == Operator::Eq && !value.is_null() && !place.denied;
                let [before, after] = match self.fields {
                    // Instead of a look at the resource of each metric.
                    Fields::Metric { dialect, .. } if looked_up && is_of_resource(field) => {
                        let [before, after] = dialect.resource_is_among();
                        let select = "SELECT r.id FROM resource AS r WHERE ";
                        [format!("{before}{select}"), after.to_owned()]
                    }
                    _ => ["(".to_owned(), ")".to_owned()],
                };
                statement.push(before);
                self.compare(statement, &column, field, *operator, value)?;
                statement.push(after);
                Ok(())
            }
            Filter::In { field, values } => self.one_of(statement, field, values),
        }
    }

    /// Halves the list again and again, because SQLite bounds the depth of an expression, in which `a AND b AND c` is
    /// as deep as it is long.
    fn chain(
        &self,
        statement: &mut Statement,
        parts: &[Filter],
        word: &str,
        of_none: &str,
        place: Place,
    ) -> Result<(), IndexError> {
        statement.push("(");
        match parts {
            [] => {
                statement.push(of_none);
            }
            [part] => self.filter(statement, part, place.deeper())?,
            parts => {
                let (left, right) = parts.split_at(parts.len() / 2);
                self.chain(statement, left, word, of_none, place)?;
                statement.push(word);
                self.chain(statement, right, word, of_none, place)?;
            }
        }
        statement.push(")");
        Ok(())
    }

    fn compare(
        &self,
        statement: &mut Statement,
        column: &Column,
        field: &str,
        operator: Operator,
        value: &Value,
    ) -> Result<(), IndexError> {
        if operator == Operator::Like && !column.kind.is_text() {
            return Err(IndexError::FilterOperator("like".to_owned()));
        }
        let bound = self.value(column, field, value)?;
        let sql = &column.sql;
        let dialect = self.fields.dialect();
        if let (Kind::CreatorUser | Kind::CreatorProject, Bound::Text(Some(text))) =
            (column.kind, &bound)
        {
            let done = creator::condition(statement, column, operator, text, dialect);
            return done.ok_or_else(|| invalid(value, field));
        }
        let symbol = match operator {
            Operator::Eq if bound == Bound::Null => {
                statement.push(format_args!("{sql} IS NULL"));
                return Ok(());
            }
            Operator::Ne if bound == Bound::Null => {
                statement.push(format_args!("{sql} IS NOT NULL"));
                return Ok(());
            }
            Operator::Ne if column.nullable => {
                statement.push(format_args!("{sql} IS NULL OR {sql} <> "));
                statement.push_bind(bound);
                return Ok(());
            }
            Operator::Like => {
                let Bound::Text(Some(like)) = bound else {
                    // Nothing is like null, and nothing is unlike it.
                    statement.push(format_args!("{sql} = NULL"));
                    return Ok(());
                };
                if let Some((from, to)) = prefix_range(&like) {
                    statement.push(format_args!("{sql} >= ")).push_bind(from);
                    statement.push(format_args!(" AND {sql} < ")).push_bind(to);
                    statement.push(" AND ");
                }
                statement.push(format_args!("{sql} {} ", dialect.matches()));
                statement.push_bind(dialect.pattern(&like));
                return Ok(());
            }
            Operator::Eq => "=",
            Operator::Ne => "<>",
            Operator::Lt => "<",
            Operator::Le => "<=",
            Operator::Gt => ">",
            Operator::Ge => ">=",
        };
        statement.push(format_args!("{sql} {symbol} "));
        statement.push_bind(bound);
        Ok(())
    }

    fn one_of(
        &self,
        statement: &mut Statement,
        field: &str,
        values: &[Value],
    ) -> Result<(), IndexError> {
        count(&self.comparisons, MAX_COMPARISONS, "comparisons")?;
        let column = self.fields.column(field)?;
        if matches!(column.kind, Kind::CreatorUser | Kind::CreatorProject) {
            return Err(invalid(&Value::Array(values.to_vec()), field));
        }
        if values.is_empty() {
            statement.push("(1 = 0)");
            return Ok(());
        }
        statement.push(format_args!("({} IN (", column.sql));
        for (at, value) in values.iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" });
            statement.push_bind(self.value(&column, field, value)?);
        }
        statement.push("))");
        Ok(())
    }

    fn value(&self, column: &Column, field: &str, value: &Value) -> Result<Bound, IndexError> {
        count(&self.values, MAX_VALUES, "values")?;
        let read = column.kind.value(value, self.now);
        read.ok_or_else(|| invalid(value, field))
    }
}

fn count(so_far: &Cell<usize>, limit: usize, of: &'static str) -> Result<(), IndexError> {
    so_far.set(so_far.get() + 1);
    if so_far.get() > limit {
        return Err(too_large(limit, of));
    }
    Ok(())
}

fn too_large(limit: usize, of: &'static str) -> IndexError {
    IndexError::FilterTooLarge { limit, of }
}

fn invalid(value: &Value, field: &str) -> IndexError {
    let value = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    IndexError::FilterValue {
        value,
        field: field.to_owned(),
    }
}
