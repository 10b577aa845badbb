-- Version 3: what a project has created is found by its index. The expression is what follows the creator's last colon,
-- as the program asks for it.
CREATE INDEX resource_by_creators_project ON resource (
    substr(creator, length(rtrim(creator, replace(creator, ':', ''))) + 1), revision_start, started_at, id
);
CREATE INDEX metric_by_creators_project ON metric (
    substr(creator, length(rtrim(creator, replace(creator, ':', ''))) + 1), id
);
