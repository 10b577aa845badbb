//! A statement in the making: text with places for values, the values, and its run on a connection of either kind.

use std::fmt::{Display, Write as _};

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Decode, Encode, Executor as _, Postgres, Sqlite, Type};
use uuid::Uuid;

use super::{Bare, DbConnection, DbRow, Dialect};

/// A value to bind. PostgreSQL wants the type of a null to be known, so that each has its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bound {
    /// A null of no type, which becomes part of the text.
    Null,
    Text(Option<String>),
    Uuid(Option<Uuid>),
    Integer(Option<i64>),
    Real(Option<f64>),
    /// JSON, for a column that holds it.
    Json(String),
}

macro_rules! bound_from {
    ($($from:ty => $variant:ident),*) => {$(
        impl From<$from> for Bound {
            fn from(value: $from) -> Self {
                Self::$variant(Some(value.into()))
            }
        }
        impl From<Option<$from>> for Bound {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(Into::into))
            }
        }
    )*};
}
bound_from!(String => Text, &str => Text, &String => Text, Uuid => Uuid, i64 => Integer, f64 => Real);

impl From<&Option<String>> for Bound {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

/// A statement.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    text: String,
    /// Where in the text a value's placeholder goes.
    places: Vec<usize>,
    values: Vec<Bound>,
    /// Whether the connection keeps it prepared.
    kept: bool,
}

/// A statement of fixed text, with `$1` and so on, that the connection keeps prepared.
pub(crate) fn query(text: &'static str) -> Statement {
    Statement {
        kept: true,
        ..Statement::new(text)
    }
}

/// The same for one that answers with one column.
pub(crate) fn query_scalar(text: &'static str) -> Scalar {
    Scalar(query(text))
}

impl Statement {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    pub(crate) fn kept(&mut self, kept: bool) -> &mut Self {
        self.kept = kept;
        self
    }

    pub(crate) fn push(&mut self, text: impl Display) -> &mut Self {
        // Writing to a String does not fail.
        let _ = write!(self.text, "{text}");
        self
    }

    /// Adds a placeholder with its value.
    pub(crate) fn push_bind(&mut self, value: impl Into<Bound>) -> &mut Self {
        match value.into() {
            Bound::Null => {
                self.text.push_str("NULL");
            }
            value => {
                self.places.push(self.text.len());
                self.values.push(value);
            }
        }
        self
    }

    /// Adds `(a, b, ...)` of one row's values.
    pub(crate) fn push_row<const N: usize>(&mut self, values: [Bound; N]) {
        self.push_list(values);
    }

    /// Adds `(a, b, ...)`.
    pub(crate) fn push_list<V: Into<Bound>>(&mut self, values: impl IntoIterator<Item = V>) {
        self.text.push('(');
        self.push_values(values);
        self.text.push(')');
    }

    /// Adds `a, b, ...`.
    pub(crate) fn push_values<V: Into<Bound>>(&mut self, values: impl IntoIterator<Item = V>) {
        for (at, value) in values.into_iter().enumerate() {
            self.text.push_str(if at > 0 { ", " } else { "" });
            self.push_bind(value);
        }
    }

    /// Gives a value to a placeholder that the text has already.
    pub(crate) fn bind(mut self, value: impl Into<Bound>) -> Self {
        self.values.push(value.into());
        self
    }

    fn text(&mut self, dialect: Dialect) -> AssertSqlSafe<String> {
        let mut text = String::with_capacity(self.text.len() + 6 * self.places.len());
        let mut from = 0;
        for (at, place) in self.places.iter().enumerate() {
            text.push_str(self.text.get(from..*place).unwrap_or_default());
            match dialect {
                // A number of its own would be looked for among all others.
                Dialect::Sqlite => text.push('?'),
                Dialect::Postgres => {
                    let _ = write!(text, "${}", at + 1);
                    if matches!(self.values.get(at), Some(Bound::Json(_))) {
                        text.push_str("::jsonb");
                    }
                }
            }
            from = *place;
        }
        text.push_str(self.text.get(from..).unwrap_or_default());
        AssertSqlSafe(text)
    }

    /// The statement with its values, for one kind of database.
    fn bound<D>(&mut self, dialect: Dialect) -> Query<'static, D, D::Arguments>
    where
        D: sqlx::Database + sqlx::database::HasStatementCache,
        Option<String>: Encode<'static, D> + Type<D>,
        Option<Uuid>: Encode<'static, D> + Type<D>,
        Option<i64>: Encode<'static, D> + Type<D>,
        Option<f64>: Encode<'static, D> + Type<D>,
    {
        let query = sqlx::query(self.text(dialect)).persistent(self.kept);
        let values = std::mem::take(&mut self.values).into_iter();
        values.fold(query, |query, value| match value {
            Bound::Null => query.bind(None::<String>),
            Bound::Text(value) => query.bind(value),
            Bound::Uuid(value) => query.bind(value),
            Bound::Integer(value) => query.bind(value),
            Bound::Real(value) => query.bind(value),
            Bound::Json(value) => query.bind(Some(value)),
        })
    }

    fn sqlite(&mut self) -> Query<'static, Sqlite, SqliteArguments> {
        self.bound(Dialect::Sqlite)
    }

    fn postgres(&mut self) -> Query<'static, Postgres, PgArguments> {
        self.bound(Dialect::Postgres)
    }

    /// Runs it; gives how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        connection: &mut DbConnection,
    ) -> Result<u64, sqlx::Error> {
        match connection.bare() {
            Bare::Sqlite(link) => Ok(link.execute(self.sqlite()).await?.rows_affected()),
            Bare::Postgres(link) => Ok(link.execute(self.postgres()).await?.rows_affected()),
        }
    }

    pub(crate) async fn fetch_all(
        &mut self,
        connection: &mut DbConnection,
    ) -> Result<Vec<DbRow>, sqlx::Error> {
        match connection.bare() {
            Bare::Sqlite(link) => {
                let rows = link.fetch_all(self.sqlite()).await?;
                Ok(rows.into_iter().map(DbRow::Sqlite).collect())
            }
            Bare::Postgres(link) => {
                let rows = link.fetch_all(self.postgres()).await?;
                Ok(rows.into_iter().map(DbRow::Postgres).collect())
            }
        }
    }

    /// How the database would run it, in its own words.
    #[cfg(test)]
    pub(crate) async fn plan(
        &mut self,
        connection: &mut DbConnection,
    ) -> Result<String, sqlx::Error> {
        let (explain, at) = match connection.dialect() {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
            Dialect::Postgres => ("EXPLAIN ", 0),
        };
        self.text.insert_str(0, explain);
        self.places
            .iter_mut()
            .for_each(|place| *place += explain.len());
        let rows = self.fetch_all(connection).await?;
        let lines = rows.iter().map(|row| row.try_get::<String>(at));
        Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
    }

    pub(crate) async fn fetch_optional(
        &mut self,
        connection: &mut DbConnection,
    ) -> Result<Option<DbRow>, sqlx::Error> {
        Ok(match connection.bare() {
            Bare::Sqlite(link) => {
                let row = link.fetch_optional(self.sqlite()).await?;
                row.map(DbRow::Sqlite)
            }
            Bare::Postgres(link) => {
                let row = link.fetch_optional(self.postgres()).await?;
                row.map(DbRow::Postgres)
            }
        })
    }

    pub(crate) async fn fetch_one(
        &mut self,
        connection: &mut DbConnection,
    ) -> Result<DbRow, sqlx::Error> {
        let row = self.fetch_optional(connection).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }
}

/// A statement that answers with one column.
#[derive(Debug)]
pub(crate) struct Scalar(Statement);

impl Scalar {
    pub(crate) fn bind(self, value: impl Into<Bound>) -> Self {
        Self(self.0.bind(value))
    }

    pub(crate) async fn fetch_one<T>(
        &mut self,
        connection: &mut DbConnection,
    ) -> Result<T, sqlx::Error>
    where
        T: for<'r> Decode<'r, Sqlite>
            + Type<Sqlite>
            + for<'r> Decode<'r, Postgres>
            + Type<Postgres>,
    {
        self.0.fetch_one(connection).await?.try_get(0)
    }

    pub(crate) async fn fetch_all<T>(
        &mut self,
        connection: &mut DbConnection,
    ) -> Result<Vec<T>, sqlx::Error>
    where
        T: for<'r> Decode<'r, Sqlite>
            + Type<Sqlite>
            + for<'r> Decode<'r, Postgres>
            + Type<Postgres>,
    {
        let rows = self.0.fetch_all(connection).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_gets_its_own_placeholders() {
        let mut statement = Statement::new("SELECT 1 WHERE a = ");
        statement.push_bind("x").push(" AND b IN ");
        statement.push_list([1_i64, 2]);
        statement.push(" AND c IS NOT DISTINCT FROM ");
        statement.push_bind(Bound::Null);
        assert_eq!(
            statement.text(Dialect::Sqlite).0,
            "SELECT 1 WHERE a = ? AND b IN (?, ?) AND c IS NOT DISTINCT FROM NULL"
        );
        assert_eq!(
            statement.text(Dialect::Postgres).0,
            "SELECT 1 WHERE a = $1 AND b IN ($2, $3) AND c IS NOT DISTINCT FROM NULL"
        );
        assert_eq!(statement.values.len(), 3);
    }
}
