//! Resources under conditions: entity tags and moments of their last change. `{etag}` stands for the tag that the last
//! answer with one had, each server's own.

use serde_json::json;

use super::{PROJECTS, Step, World, get, send};

impl World {
    pub(super) fn conditional(&mut self) -> Step {
        let kind = self.random.pick(&["vm", "generic"]);
        let path = format!("/v1/resource/{kind}/{}", self.any_resource_of(kind));
        let mut step = if self.random.one_in(3) {
            let project = json!({"project_id": self.random.pick(PROJECTS)});
            send("PATCH", path, project)
        } else {
            get(path)
        };
        step.headers = match self.random.below(7) {
            0 => vec![("if-match", "{etag}")],
            1 => vec![("if-none-match", "{etag}")],
            2 => vec![("if-match", "\"none\"")],
            3 => vec![("if-match", "*")],
            4 => vec![("if-modified-since", "Fri, 06 Mar 2015 14:00:00 GMT")],
            5 => vec![("if-unmodified-since", "Fri, 06 Mar 2015 14:00:00 GMT")],
            // One whose tag the next may name.
            _ => Vec::new(),
        };
        step
    }
}
