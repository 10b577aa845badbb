//! What can go wrong in the catalogue. Refusals of a request have Gnocchi's texts, which its clients compare; which
//! HTTP status each gets is the server's business.

use collector_model::{AttributeError, PolicyError};
use sqlx::sqlite::SqliteError;
use uuid::Uuid;

const SQLITE_BUSY: u32 = 5;
const SQLITE_INTERRUPT: u32 = 9;
const SQLITE_FULL: u32 = 13;

/// Why the catalogue refused or failed. Nothing of the refused call has been applied.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// No archive policy of that name.
    #[error("Archive policy {0} does not exist")]
    NoSuchArchivePolicy(String),
    /// The name is taken.
    #[error("Archive policy {0} already exists")]
    ArchivePolicyAlreadyExists(String),
    /// Metrics (deleted ones that are not expunged included) or rules use it.
    #[error("Archive policy {0} is still in use")]
    ArchivePolicyInUse(String),
    /// The definition is not valid, or changes more than points and timespans.
    #[error(transparent)]
    Policy(#[from] PolicyError),

    /// No rule of that name.
    #[error("Archive policy rule {0} does not exist")]
    NoSuchArchivePolicyRule(String),
    /// The name is taken.
    #[error("Archive policy rule {0} already exists")]
    ArchivePolicyRuleAlreadyExists(String),
    /// The rule's new name is taken.
    #[error("Archive policy rule {name} does not support change: {reason}")]
    UnsupportedArchivePolicyRuleChange {
        /// The rule.
        name: String,
        /// What stands against it.
        reason: String,
    },
    /// Nobody named a policy for the metric, and no rule has a pattern that its name matches.
    #[error("No Archive policy rule found for metric {0}")]
    NoArchivePolicyRuleMatch(String),

    /// No resource type of that name.
    #[error("Resource type {0} does not exist")]
    NoSuchResourceType(String),
    /// The name is taken.
    #[error("Resource type {0} already exists")]
    ResourceTypeAlreadyExists(String),
    /// It is the type `generic`, or resources are of it.
    #[error("Resource type {0} is still in use")]
    ResourceTypeInUse(String),
    /// An attribute's definition is not valid.
    #[error(transparent)]
    Attribute(#[from] AttributeError),

    /// No resource of that id and type.
    #[error("Resource {0} does not exist")]
    NoSuchResource(Uuid),
    /// The id is taken, maybe by a resource of another type.
    #[error("Resource {0} already exists")]
    ResourceAlreadyExists(Uuid),
    /// The resource was changed since the revision that the change was meant for.
    #[error("Resource {0} has been changed in the meantime")]
    RevisionChanged(Uuid),
    /// A resource or a filter names an attribute that the type does not have.
    #[error("Resource type {resource_type} has no {attribute} attribute")]
    ResourceAttribute {
        /// The resource type.
        resource_type: String,
        /// The attribute asked for.
        attribute: String,
    },
    /// An attribute's value is not of its type, or a required one is missing.
    #[error(
        "Value {value} for attribute {attribute} on resource type {resource_type} is invalid{}",
        because(.reason)
    )]
    ResourceValue {
        /// The resource type.
        resource_type: String,
        /// The attribute.
        attribute: String,
        /// The refused value.
        value: String,
        /// What was expected; may be empty.
        reason: String,
    },
    /// A new resource ends before it starts.
    #[error("Start timestamp cannot be after end timestamp")]
    StartAfterEnd,

    /// No active metric of that id, or of that name on the resource.
    #[error("Metric {0} does not exist")]
    NoSuchMetric(String),
    /// The resource has a metric of that name.
    #[error("Named metric {0} already exists")]
    NamedMetricAlreadyExists(String),

    /// A filter that is none.
    #[error("Unable to parse this query")]
    InvalidFilter,
    /// A filter's value is not of the field's type.
    #[error("Invalid value: `{value}' for field `{field}'")]
    FilterValue {
        /// The value.
        value: String,
        /// The field that it is compared with.
        field: String,
    },
    /// An operator that does not exist, or not for the field's type.
    #[error("Unknown operator `{0}'")]
    FilterOperator(String),
    /// A filter that would cost more than it should.
    #[error("filter is too large: more than {limit} {of}")]
    FilterTooLarge {
        /// The bound.
        limit: usize,
        /// What is bounded.
        of: &'static str,
    },
    /// A marker or sort key that does not exist.
    #[error("Invalid pagination: `{0}'")]
    InvalidPagination(String),

    /// A text that the database cannot keep: PostgreSQL has no character of code 0.
    #[error("text must not contain a NUL character")]
    NulCharacter,

    /// A URL that names no database.
    #[error("no URL of a PostgreSQL database: {0}")]
    Url(String),
    /// The database was written by a newer version of this program.
    #[error(
        "cannot use {database}: its schema is version {found}, this program knows up to {known}; use the newer program"
    )]
    NewerSchema {
        /// The file, or the URL without the password.
        database: String,
        /// Version found in it.
        found: i64,
        /// Newest version that this program knows.
        known: i64,
    },
    /// The database cannot be opened or brought up to date.
    #[error("cannot open {database}: {source}")]
    Open {
        /// The file, or the URL without the password.
        database: String,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A row that this program cannot have written.
    #[error("corrupt catalogue: {what} {id}: {reason}")]
    Corrupt {
        /// Kind of the row, such as `archive policy`.
        what: &'static str,
        /// Name or id of the row.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Other requests held the database for too long; the same request may succeed later.
    #[error("catalogue is busy")]
    Busy,
    /// A search or a list took longer than [`crate::Options::search_time`], and was given up.
    #[error("search took too long")]
    TimedOut,
    /// The server gives no connection, or has closed it half-way; the same request may succeed later.
    #[error("catalogue's database is not available: {database}: {source}")]
    Unavailable {
        /// Which one: the URL without the password.
        database: String,
        /// What happened.
        #[source]
        source: sqlx::Error,
    },
    /// There is no room left for the database.
    #[error("catalogue's disk is full")]
    DiskFull,
    /// The database failed.
    #[error("catalogue failed: {0}")]
    Database(#[source] sqlx::Error),
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    }
}

impl From<sqlx::Error> for IndexError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{BeginFailed, Io, PoolTimedOut, Protocol, Tls};
        let lost = |source| Self::Unavailable {
            database: "PostgreSQL".to_owned(),
            source,
        };
        if let Some(database) = error.as_database_error() {
            let code = database.code().unwrap_or_default();
            if database.try_downcast_ref::<SqliteError>().is_some() {
                // Extended codes carry the primary one in their low byte.
                match code.parse::<u32>().map(|code| code & 0xff) {
                    Ok(SQLITE_BUSY) => return Self::Busy,
                    Ok(SQLITE_INTERRUPT) => return Self::TimedOut,
                    Ok(SQLITE_FULL) => return Self::DiskFull,
                    _ => return Self::Database(error),
                }
            }
            return match &*code {
                // A lock not given in time, a deadlock, a conflict of transactions.
                "55P03" | "40P01" | "40001" => Self::Busy,
                "53100" => Self::DiskFull,
                // A statement that took too long.
                "57014" => Self::TimedOut,
                "22021" | "22P05" => Self::NulCharacter,
                // Stopping, starting, too many connections, a transaction that stood still, a server that only reads.
                "57P01" | "57P02" | "57P03" | "53300" | "25P03" | "25006" => lost(error),
                code if code.starts_with("08") => lost(error),
                _ => Self::Database(error),
            };
        }
        match error {
            PoolTimedOut => Self::Busy,
            Io(_) | Tls(_) | Protocol(_) | BeginFailed => lost(error),
            error => Self::Database(error),
        }
    }
}
