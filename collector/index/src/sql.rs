//! What one database says otherwise than another, and the few things that all statements share. All other SQL of the
//! crate is SQLite's and PostgreSQL's alike, except for the migrations. Text sorts by its bytes in both: PostgreSQL's
//! columns have the collation `C`.

use collector_model::Timestamp;
use uuid::Uuid;

use crate::db::{Dialect, Statement};

/// Rows or ids per statement: large enough to make a statement's own cost small, small enough for the database's bound
/// on values (32,766 in SQLite, 65,535 in PostgreSQL).
pub(crate) const CHUNK: usize = 500;

/// A statement to run. It is not kept prepared: hardly two have the same text.
pub(crate) fn once(statement: &mut Statement) -> &mut Statement {
    statement.kept(false)
}

/// A statement of so many rows to run. One of [`CHUNK`] rows is kept prepared: where there is one, more follow.
pub(crate) fn many(statement: &mut Statement, rows: usize) -> &mut Statement {
    statement.kept(rows == CHUNK)
}

/// Adds `(a, b, ...)` of ids.
pub(crate) fn id_list(statement: &mut Statement, ids: impl IntoIterator<Item = Uuid>) {
    statement.push_list(ids);
}

/// What the value of an attribute is in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttributeForm {
    Text,
    Real,
    /// 0 or 1.
    Bool,
}

impl Dialect {
    /// How a transaction that writes begins: with the lock, so that it never fails half-way for want of it and finds
    /// all that others have written. PostgreSQL's is an advisory lock of the database, the same in every collector.
    pub(crate) const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN; SELECT pg_advisory_xact_lock(5642816710123)",
        }
    }

    /// The value of an attribute in a column of JSON; the name must be [`is_attribute_name`].
    /// PostgreSQL's is null where a value is not of the form, for it may look before it knows the resource's type.
    pub(crate) fn attribute(self, column: &str, name: &str, form: AttributeForm) -> String {
        let key = literal(name);
        match (self, form) {
            (Self::Sqlite, _) => {
                let path = literal(&attribute_path(name));
                format!("json_extract({column}, {path})")
            }
            (Self::Postgres, AttributeForm::Text) => {
                format!("(({column} ->> {key}) COLLATE \"C\")")
            }
            (Self::Postgres, AttributeForm::Real) => format!(
                "(CASE WHEN jsonb_typeof({column} -> {key}) = 'number' \
                 THEN ({column} ->> {key})::float8 END)"
            ),
            (Self::Postgres, AttributeForm::Bool) => format!(
                "(CASE {column} -> {key} WHEN 'true' THEN 1::bigint \
                 WHEN 'false' THEN 0::bigint END)"
            ),
        }
    }

    /// The condition that a resource `r` is of a type, beside others that may find far fewer: SQLite, which keeps no
    /// count of what an index would find, takes any equality for the best there is unless it is told.
    pub(crate) fn is_of_type(self, resource_type: &str) -> String {
        let equal = format!("r.type = {}", literal(resource_type));
        match self {
            Self::Sqlite => format!("likelihood({equal}, 0.25)"),
            Self::Postgres => equal,
        }
    }

    /// The condition that a metric's resource is one of a subquery's, such that it is looked up by the index of metrics
    /// by resource also beside an `OR`: PostgreSQL does that for arrays only.
    pub(crate) const fn resource_is_among(self) -> [&'static str; 2] {
        match self {
            Self::Sqlite => ["m.resource_id IN (", ")"],
            Self::Postgres => ["m.resource_id = ANY (ARRAY(", "))"],
        }
    }

    /// Names of the indexes on attributes.
    pub(crate) const fn attribute_indexes(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'index' \
                 AND name GLOB 'resource_attribute_*'"
            }
            Self::Postgres => {
                "SELECT CAST(indexname AS TEXT) FROM pg_indexes \
                 WHERE schemaname = current_schema() AND tablename = 'resource' \
                 AND starts_with(indexname::text, 'resource_attribute_')"
            }
        }
    }

    /// Removes the attribute of name or path `$1` from all resources of type `$2`, and from their history.
    pub(crate) const fn remove_attribute(self) -> [&'static str; 2] {
        match self {
            Self::Sqlite => [
                "UPDATE resource SET attributes = json_remove(attributes, $1) WHERE type = $2",
                "UPDATE resource_history SET attributes = json_remove(attributes, $1) \
                 WHERE type = $2",
            ],
            Self::Postgres => [
                "UPDATE resource SET attributes = attributes - $1 WHERE type = $2",
                "UPDATE resource_history SET attributes = attributes - $1 WHERE type = $2",
            ],
        }
    }

    /// Gives all resources of type `$2`, and their history, that lack the attribute of name or path `$1` the JSON
    /// value `$3`.
    pub(crate) const fn fill_attribute(self) -> [&'static str; 2] {
        match self {
            Self::Sqlite => [
                "UPDATE resource SET attributes = json_set(attributes, $1, json($3)) \
                 WHERE type = $2 AND json_extract(attributes, $1) IS NULL",
                "UPDATE resource_history SET attributes = json_set(attributes, $1, json($3)) \
                 WHERE type = $2 AND json_extract(attributes, $1) IS NULL",
            ],
            Self::Postgres => [
                "UPDATE resource SET attributes = attributes || jsonb_build_object($1, $3::jsonb) \
                 WHERE type = $2 AND attributes ->> $1 IS NULL",
                "UPDATE resource_history \
                 SET attributes = attributes || jsonb_build_object($1, $3::jsonb) \
                 WHERE type = $2 AND attributes ->> $1 IS NULL",
            ],
        }
    }

    /// An attribute as [`Dialect::remove_attribute`] and [`Dialect::fill_attribute`] are told it.
    pub(crate) fn attribute_key(self, name: &str) -> String {
        match self {
            Self::Sqlite => attribute_path(name),
            Self::Postgres => name.to_owned(),
        }
    }

    /// The operator that matches text against [`Dialect::pattern`]. SQLite's own `LIKE` does not tell `a` from `A`,
    /// its `GLOB` does.
    pub(crate) const fn matches(self) -> &'static str {
        match self {
            Self::Sqlite => "GLOB",
            Self::Postgres => "LIKE",
        }
    }

    /// What stands for any text in a pattern.
    pub(crate) const fn any_text(self) -> char {
        match self {
            Self::Sqlite => '*',
            Self::Postgres => '%',
        }
    }

    /// A `like` pattern (`%`, `_`, backslash) for [`Dialect::matches`].
    pub(crate) fn pattern(self, like: &str) -> String {
        let mut pattern = String::with_capacity(like.len());
        let mut characters = like.chars();
        while let Some(character) = characters.next() {
            match (self, character) {
                (_, '%') => pattern.push(self.any_text()),
                (Self::Sqlite, '_') => pattern.push('?'),
                (Self::Postgres, '_') => pattern.push('_'),
                (_, '\\') => self.push_literal(&mut pattern, characters.next().unwrap_or('\\')),
                (_, other) => self.push_literal(&mut pattern, other),
            }
        }
        pattern
    }

    /// A pattern that only `text` itself matches.
    pub(crate) fn exactly(self, text: &str) -> String {
        let mut pattern = String::with_capacity(text.len());
        text.chars()
            .for_each(|c| self.push_literal(&mut pattern, c));
        pattern
    }

    fn push_literal(self, pattern: &mut String, character: char) {
        match (self, character) {
            (Self::Sqlite, '*' | '?' | '[') => pattern.extend(['[', character, ']']),
            (Self::Postgres, '%' | '_' | '\\') => pattern.extend(['\\', character]),
            (_, other) => pattern.push(other),
        }
    }
}

/// The text that all matches of a `like` pattern begin with, and the least text that comes after all that begin with
/// it; `None` where the pattern begins with a wildcard or nothing comes after. As a range it is what an index answers.
pub(crate) fn prefix_range(like: &str) -> Option<(String, String)> {
    let mut prefix = String::new();
    let mut characters = like.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' | '_' => break,
            '\\' => prefix.push(characters.next().unwrap_or('\\')),
            other => prefix.push(other),
        }
    }
    let mut after = prefix.clone();
    while let Some(last) = after.pop() {
        // The next character, over the gap that surrogates leave.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            after.push(next);
            return Some((prefix, after));
        }
    }
    None
}

/// The path of an attribute in SQLite's JSON.
fn attribute_path(name: &str) -> String {
    format!("$.\"{name}\"")
}

/// Whether an attribute's name can stand in a JSON path.
pub(crate) fn is_attribute_name(name: &str) -> bool {
    !name.contains(|c: char| c == '"' || c == '\\' || c.is_control())
}

/// Whether a text can stand in a statement as a [`literal`].
pub(crate) fn is_literal(text: &str) -> bool {
    !text.contains('\0')
}

/// The name of a thing in the database, quoted.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as a literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A moment as the catalogue keeps it: to the microsecond, as Gnocchi.
pub(crate) fn to_micros(timestamp: Timestamp) -> Timestamp {
    Timestamp(timestamp.0 - timestamp.0.rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_pattern_means_the_same_in_every_database() {
        for (like, glob, escaped) in [
            ("a%", "a*", "a%"),
            ("_b", "?b", "_b"),
            ("100\\%", "100%", "100\\%"),
            ("a*b?c[d]", "a[*]b[?]c[[]d]", "a*b?c[d]"),
            ("\\*", "[*]", "*"),
            ("end\\", "end\\", "end\\\\"),
        ] {
            assert_eq!(Dialect::Sqlite.pattern(like), glob, "{like}");
            assert_eq!(Dialect::Postgres.pattern(like), escaped, "{like}");
        }
        assert_eq!(Dialect::Sqlite.exactly("50%_[x]*"), "50%_[[]x][*]");
        assert_eq!(Dialect::Postgres.exactly("50%_[x]*"), "50\\%\\_[x]*");
    }

    #[test]
    fn what_begins_alike_is_a_range() {
        let range = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(prefix_range("web-%"), range("web-", "web."));
        assert_eq!(prefix_range("a_c%"), range("a", "b"));
        assert_eq!(prefix_range("50\\%%"), range("50%", "50&"));
        assert_eq!(prefix_range("\u{d7ff}%"), range("\u{d7ff}", "\u{e000}"));
        assert_eq!(prefix_range("a\u{10ffff}%"), range("a\u{10ffff}", "b"));
        assert_eq!(prefix_range("whole"), range("whole", "wholf"));
        for open in ["%a", "_a", "", "\u{10ffff}%"] {
            assert_eq!(prefix_range(open), None, "{open}");
        }
    }

    #[test]
    fn a_quote_in_an_attributes_name_stays_inside_its_literal() {
        assert_eq!(
            Dialect::Sqlite.attribute("r.attributes", "it's", AttributeForm::Text),
            "json_extract(r.attributes, '$.\"it''s\"')"
        );
        assert_eq!(
            Dialect::Postgres.attribute("r.attributes", "it's", AttributeForm::Text),
            "((r.attributes ->> 'it''s') COLLATE \"C\")"
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
