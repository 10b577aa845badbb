-- Version 3: what a project has created is found by its index. The expression is what follows the creator's last colon,
-- as the program asks for it.
CREATE INDEX resource_by_creators_project ON resource (
    (substring(creator from '[^:]*$') COLLATE "C"), revision_start, started_at, id
);
CREATE INDEX metric_by_creators_project ON metric ((substring(creator from '[^:]*$') COLLATE "C"), id);
