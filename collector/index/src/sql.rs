//! The few things that all statements share: the database's types, building of statements with bound values, and what
//! one database says otherwise than another. All SQL of the crate is SQLite's and PostgreSQL's alike except for what
//! is here and in the migrations.

use collector_model::Timestamp;
use sqlx::query::Query;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

/// The database.
pub(crate) type Db = sqlx::Sqlite;
/// A connection to it.
pub(crate) type DbConnection = <Db as sqlx::Database>::Connection;
/// A row of an answer.
pub(crate) type DbRow = SqliteRow;
/// A statement in the making.
pub(crate) type Statement = QueryBuilder<Db>;

/// How a transaction that writes begins: with the lock, so that it never fails half-way for want of it.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// Rows or ids per statement: large enough to make a statement's own cost small, small enough for the database's bound
/// on values (32,766 in SQLite).
pub(crate) const CHUNK: usize = 500;

/// A statement to run. It is not kept prepared: hardly two have the same text.
pub(crate) fn once(statement: &mut Statement) -> Query<'_, Db, <Db as sqlx::Database>::Arguments> {
    statement.build().persistent(false)
}

/// A statement of so many rows to run. One of [`CHUNK`] rows is kept prepared: where there is one, more follow.
pub(crate) fn many(
    statement: &mut Statement,
    rows: usize,
) -> Query<'_, Db, <Db as sqlx::Database>::Arguments> {
    statement.build().persistent(rows == CHUNK)
}

/// A value to bind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bound {
    Null,
    Text(String),
    Uuid(Uuid),
    Integer(i64),
    Real(f64),
}

/// Adds a placeholder with its value.
pub(crate) fn bind(statement: &mut Statement, value: Bound) {
    match value {
        Bound::Null => statement.push_bind(None::<String>),
        Bound::Text(text) => statement.push_bind(text),
        Bound::Uuid(id) => statement.push_bind(id),
        Bound::Integer(number) => statement.push_bind(number),
        Bound::Real(number) => statement.push_bind(number),
    };
}

/// Adds `(a, b, ...)` of ids.
pub(crate) fn id_list(statement: &mut Statement, ids: impl IntoIterator<Item = Uuid>) {
    statement.push("(");
    let mut list = statement.separated(", ");
    for id in ids {
        list.push_bind(id);
    }
    statement.push(")");
}

/// The value of an attribute in the JSON column `attributes` of `table`; the name must be [`is_attribute_name`].
pub(crate) fn attribute(table: &str, name: &str) -> String {
    format!(
        "json_extract({table}.attributes, {})",
        literal(&attribute_path(name))
    )
}

/// The path of an attribute in the JSON column `attributes`.
pub(crate) fn attribute_path(name: &str) -> String {
    format!("$.\"{name}\"")
}

/// Remove the attribute of path `$1` from all resources of type `$2`, and from their history.
pub(crate) const REMOVE_ATTRIBUTE: [&str; 2] = [
    "UPDATE resource SET attributes = json_remove(attributes, $1) WHERE type = $2",
    "UPDATE resource_history SET attributes = json_remove(attributes, $1) WHERE type = $2",
];

/// Give all resources of type `$2`, and their history, that lack the attribute of path `$1` the JSON value `$3`.
pub(crate) const FILL_ATTRIBUTE: [&str; 2] = [
    "UPDATE resource SET attributes = json_set(attributes, $1, json($3)) \
     WHERE type = $2 AND json_extract(attributes, $1) IS NULL",
    "UPDATE resource_history SET attributes = json_set(attributes, $1, json($3)) \
     WHERE type = $2 AND json_extract(attributes, $1) IS NULL",
];

/// Whether an attribute's name can stand in a JSON path.
pub(crate) fn is_attribute_name(name: &str) -> bool {
    !name.contains(|c: char| c == '"' || c == '\\' || c.is_control())
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The operator that matches text against [`pattern`]. SQLite's own `LIKE` does not tell `a` from `A`, its `GLOB` does.
pub(crate) const MATCHES: &str = "GLOB";

/// A `like` pattern (`%`, `_`, backslash) for [`MATCHES`].
pub(crate) fn pattern(like: &str) -> String {
    let mut pattern = String::with_capacity(like.len());
    let mut characters = like.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => pattern.push('*'),
            '_' => pattern.push('?'),
            '\\' => push_literal(&mut pattern, characters.next().unwrap_or('\\')),
            other => push_literal(&mut pattern, other),
        }
    }
    pattern
}

/// A pattern for [`MATCHES`] that only `text` itself matches.
pub(crate) fn exactly(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    text.chars().for_each(|c| push_literal(&mut pattern, c));
    pattern
}

/// What stands for any text in a pattern for [`MATCHES`].
pub(crate) const ANY_TEXT: &str = "*";

fn push_literal(pattern: &mut String, character: char) {
    if matches!(character, '*' | '?' | '[') {
        pattern.extend(['[', character, ']']);
    } else {
        pattern.push(character);
    }
}

/// A moment as the catalogue keeps it: to the microsecond, as Gnocchi.
pub(crate) fn to_micros(timestamp: Timestamp) -> Timestamp {
    Timestamp(timestamp.0 - timestamp.0.rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_pattern_becomes_a_glob_that_means_the_same() {
        for (like, glob) in [
            ("a%", "a*"),
            ("_b", "?b"),
            ("100\\%", "100%"),
            ("a*b?c[d]", "a[*]b[?]c[[]d]"),
            ("\\*", "[*]"),
            ("end\\", "end\\"),
        ] {
            assert_eq!(pattern(like), glob, "{like}");
        }
        assert_eq!(exactly("50%_[x]*"), "50%_[[]x][*]");
    }

    #[test]
    fn a_quote_in_an_attributes_name_stays_inside_its_literal() {
        assert_eq!(
            attribute("r", "it's"),
            "json_extract(r.attributes, '$.\"it''s\"')"
        );
        assert!(!is_attribute_name("a\"b"));
        assert!(is_attribute_name("a-b.c"));
    }

    #[test]
    fn moments_are_cut_to_microseconds() {
        assert_eq!(to_micros(Timestamp(1_999)), Timestamp(1_000));
        assert_eq!(to_micros(Timestamp(-1)), Timestamp(-1_000));
    }
}
