-- Version 1: the whole catalogue. Ids are 16 bytes; times are nanoseconds since the epoch, UTC.

-- What has been done once in the life of this catalogue.
CREATE TABLE once (
    what TEXT NOT NULL PRIMARY KEY
) STRICT;

CREATE TABLE archive_policy (
    name TEXT NOT NULL PRIMARY KEY,
    back_window INTEGER NOT NULL,
    -- JSON: [{"granularity": nanoseconds, "points": number or null}, ...]
    definition TEXT NOT NULL,
    -- JSON: ["mean", "rate:mean", ...]
    aggregation_methods TEXT NOT NULL
) STRICT;

CREATE TABLE archive_policy_rule (
    name TEXT NOT NULL PRIMARY KEY,
    metric_pattern TEXT NOT NULL,
    archive_policy_name TEXT NOT NULL REFERENCES archive_policy (name) ON DELETE RESTRICT
) STRICT;

CREATE TABLE resource_type (
    name TEXT NOT NULL PRIMARY KEY,
    -- JSON: {"name": {"type": "string", "required": true, ...}, ...}
    attributes TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE resource (
    id BLOB NOT NULL PRIMARY KEY,
    original_resource_id TEXT NOT NULL,
    type TEXT NOT NULL REFERENCES resource_type (name) ON DELETE RESTRICT,
    creator TEXT,
    project_id TEXT,
    user_id TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    revision_start INTEGER NOT NULL,
    -- JSON: {"name": value, ...}; absent means null.
    attributes TEXT NOT NULL,
    CHECK (started_at <= ended_at)
) STRICT;

-- The order of a list where none is asked for, of all, of a type and of a project.
CREATE INDEX resource_by_revision ON resource (revision_start, started_at, id);
CREATE INDEX resource_by_type ON resource (type, revision_start, started_at, id);
CREATE INDEX resource_by_project ON resource (project_id, revision_start, started_at, id);

CREATE TABLE resource_history (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
    original_resource_id TEXT NOT NULL,
    type TEXT NOT NULL,
    creator TEXT,
    project_id TEXT,
    user_id TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    revision_start INTEGER NOT NULL,
    revision_end INTEGER NOT NULL,
    attributes TEXT NOT NULL
) STRICT;

CREATE INDEX resource_history_by_id ON resource_history (id, revision);

CREATE TABLE metric (
    id BLOB NOT NULL PRIMARY KEY,
    archive_policy_name TEXT NOT NULL REFERENCES archive_policy (name) ON DELETE RESTRICT,
    creator TEXT,
    resource_id BLOB REFERENCES resource (id) ON DELETE SET NULL,
    name TEXT,
    unit TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'delete'))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX metric_by_resource ON metric (resource_id, name);
CREATE INDEX metric_by_archive_policy ON metric (archive_policy_name);
CREATE INDEX metric_by_name ON metric (name);
CREATE INDEX metric_to_expunge ON metric (id) WHERE status = 'delete';
