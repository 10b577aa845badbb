-- Version 2: resources are found by the id that their source gave them. Indexes on attributes follow the resource types
-- and are made by the program (`resource_attribute_*`).
CREATE INDEX resource_by_original_id ON resource (original_resource_id);
