//! Which part of a list is asked for, in the words of Gnocchi's query string: sort keys, limit and marker; and how that
//! becomes SQL. A page begins after its marker's place in the order, so that what comes and goes shifts nothing.

use crate::IndexError;
use crate::db::{Bound, DbRow, Statement};
use crate::filter::fields::{Column, Fields};

/// A page of a list. The default is the whole list in the list's own order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Most entries; `None` gives all.
    pub limit: Option<u32>,
    /// Entry after which the page begins: a resource's or metric's id, in a history `id@revision`.
    pub marker: Option<String>,
    /// Sort keys, the first first: `name`, `name:desc`, `ended_at:desc-nullslast`. The id decides among equals.
    pub sort: Vec<String>,
}

impl Page {
    /// An error for a marker that is no entry of the list.
    pub(crate) fn invalid_marker(marker: &str) -> IndexError {
        IndexError::InvalidPagination(format!("Invalid marker: `{marker}'"))
    }
}

/// The order of a list.
#[derive(Debug)]
pub(crate) struct Order {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    column: Column,
    descending: bool,
    nulls_first: bool,
}

impl Order {
    /// Reads sort keys; `own` is the order where there are none.
    pub(crate) fn new(
        sort: &[String],
        own: &[&str],
        fields: Fields<'_>,
    ) -> Result<Self, IndexError> {
        let asked = sort.iter().map(String::as_str);
        let own = own.iter().copied().filter(|_| sort.is_empty());
        let mut names = Vec::new();
        let mut keys = Vec::new();
        for key in asked.chain(own) {
            let (name, direction) = key.split_once(':').unwrap_or((key, ""));
            names.push(name.trim());
            keys.push(Key::new(name.trim(), direction, fields)?);
        }
        for name in fields.unique() {
            if !names.contains(name) {
                keys.push(Key::new(name, "", fields)?);
            }
        }
        Ok(Self { keys })
    }

    /// Adds `ORDER BY ... LIMIT ...`.
    pub(crate) fn push(&self, statement: &mut Statement, limit: Option<u32>) {
        for (at, key) in self.keys.iter().enumerate() {
            let direction = if key.descending { "DESC" } else { "ASC" };
            let separator = if at > 0 { ", " } else { " ORDER BY " };
            statement.push(format_args!("{separator}{} {direction}", key.column.sql));
            if key.column.nullable {
                let end = if key.nulls_first { "FIRST" } else { "LAST" };
                statement.push(format_args!(" NULLS {end}"));
            }
        }
        if let Some(limit) = limit {
            statement.push(" LIMIT ");
            statement.push_bind(Bound::Integer(Some(limit.into())));
        }
    }

    /// Adds the sort keys of an entry as columns, for [`Order::read_marker`].
    pub(crate) fn push_columns(&self, statement: &mut Statement) {
        for (at, key) in self.keys.iter().enumerate() {
            let separator = if at > 0 { ", " } else { "" };
            statement.push(format_args!("{separator}{}", key.column.sql));
        }
    }

    /// The sort keys of the entry that a page begins after.
    pub(crate) fn read_marker(&self, row: &DbRow) -> Result<Vec<Bound>, sqlx::Error> {
        debug_assert_eq!(row.len(), self.keys.len());
        let keys = self.keys.iter().enumerate();
        keys.map(|(at, key)| key.column.kind.read(row, at))
            .collect()
    }

    /// Adds the condition that an entry comes after the marker: it is greater in one key and equal in those before.
    pub(crate) fn push_after(&self, statement: &mut Statement, marker: &[Bound]) {
        // The first key alone, as a range, is what an index answers.
        if let (Some(key), Some(value)) = (self.keys.first(), marker.first())
            && !key.column.nullable
        {
            let symbol = if key.descending { "<=" } else { ">=" };
            statement.push(format_args!("{} {symbol} ", key.column.sql));
            statement.push_bind(value.clone()).push(" AND ");
        }
        statement.push("(1 = 0");
        for (at, (key, value)) in self.keys.iter().zip(marker).enumerate() {
            statement.push(" OR (");
            for (before, value) in self.keys.iter().zip(marker).take(at) {
                let sql = &before.column.sql;
                statement.push(format_args!("{sql} IS NOT DISTINCT FROM "));
                statement.push_bind(value.clone());
                statement.push(" AND ");
            }
            key.push_after(statement, value);
            statement.push(")");
        }
        statement.push(")");
    }
}

impl Key {
    fn new(name: &str, direction: &str, fields: Fields<'_>) -> Result<Self, IndexError> {
        let column = fields.column(name).map_err(|_| {
            IndexError::InvalidPagination(format!("Sort key supplied is invalid: {name}"))
        })?;
        let (direction, nulls) = direction.split_once('-').unwrap_or((direction, ""));
        let descending = match direction {
            "" | "asc" => Some(false),
            "desc" => Some(true),
            _ => None,
        };
        // As PostgreSQL, where nulls count as greater than all else.
        let nulls_first = match nulls {
            "" => descending,
            "nullsfirst" => Some(true),
            "nullslast" => Some(false),
            _ => None,
        };
        match (descending, nulls_first) {
            (Some(descending), Some(nulls_first)) => Ok(Self {
                column,
                descending,
                nulls_first,
            }),
            _ => Err(IndexError::InvalidPagination(
                "Unknown sort direction, must be one of: asc, asc-nullsfirst, asc-nullslast, \
                 desc, desc-nullsfirst, desc-nullslast"
                    .to_owned(),
            )),
        }
    }

    fn push_after(&self, statement: &mut Statement, value: &Bound) {
        let sql = &self.column.sql;
        if *value == Bound::Null {
            let after = if self.nulls_first {
                "IS NOT NULL"
            } else {
                "IS NULL AND 1 = 0"
            };
            statement.push(format_args!("{sql} {after}"));
            return;
        }
        let symbol = if self.descending { "<" } else { ">" };
        statement.push(format_args!("({sql} {symbol} "));
        statement.push_bind(value.clone());
        if self.column.nullable && !self.nulls_first {
            statement.push(format_args!(" OR {sql} IS NULL"));
        }
        statement.push(")");
    }
}
