-- Version 1: the whole catalogue. Times are nanoseconds since the epoch, UTC. Text sorts by its bytes.

-- What has been done once in the life of this catalogue.
CREATE TABLE once (
    what TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE archive_policy (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    back_window BIGINT NOT NULL,
    -- JSON: [{"granularity": nanoseconds, "points": number or null}, ...]
    definition TEXT NOT NULL,
    -- JSON: ["mean", "rate:mean", ...]
    aggregation_methods TEXT NOT NULL
);

CREATE TABLE archive_policy_rule (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    metric_pattern TEXT NOT NULL,
    archive_policy_name TEXT COLLATE "C" NOT NULL REFERENCES archive_policy (name) ON DELETE RESTRICT
);

CREATE TABLE resource_type (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- JSON: {"name": {"type": "string", "required": true, ...}, ...}
    attributes TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE resource (
    id UUID NOT NULL PRIMARY KEY,
    original_resource_id TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL REFERENCES resource_type (name) ON DELETE RESTRICT,
    creator TEXT COLLATE "C",
    project_id TEXT COLLATE "C",
    user_id TEXT COLLATE "C",
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    revision_start BIGINT NOT NULL,
    -- {"name": value, ...}; absent means null.
    attributes JSONB NOT NULL,
    CHECK (started_at <= ended_at)
);

-- The order of a list where none is asked for, of all, of a type and of a project.
CREATE INDEX resource_by_revision ON resource (revision_start, started_at, id);
CREATE INDEX resource_by_type ON resource (type, revision_start, started_at, id);
CREATE INDEX resource_by_project ON resource (project_id, revision_start, started_at, id);

CREATE TABLE resource_history (
    revision BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
    original_resource_id TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    creator TEXT COLLATE "C",
    project_id TEXT COLLATE "C",
    user_id TEXT COLLATE "C",
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    revision_start BIGINT NOT NULL,
    revision_end BIGINT NOT NULL,
    attributes JSONB NOT NULL
);

CREATE INDEX resource_history_by_id ON resource_history (id, revision);

CREATE TABLE metric (
    id UUID NOT NULL PRIMARY KEY,
    archive_policy_name TEXT COLLATE "C" NOT NULL REFERENCES archive_policy (name) ON DELETE RESTRICT,
    creator TEXT COLLATE "C",
    resource_id UUID REFERENCES resource (id) ON DELETE SET NULL,
    name TEXT COLLATE "C",
    unit TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'delete'))
);

CREATE UNIQUE INDEX metric_by_resource ON metric (resource_id, name);
CREATE INDEX metric_by_archive_policy ON metric (archive_policy_name);
CREATE INDEX metric_by_name ON metric (name);
CREATE INDEX metric_to_expunge ON metric (id) WHERE status = 'delete';

-- What collectors that share the catalogue tell each other to forget. Kinds: 1 policies, rules or types; 2 everything;
-- 3 the resource of the id; 4 the metric of the id. Numbers ascend with commits, for one at a time writes.
CREATE TABLE change (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind BIGINT NOT NULL,
    id UUID,
    noted_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
