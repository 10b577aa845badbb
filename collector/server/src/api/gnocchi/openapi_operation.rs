//! What is said of one endpoint: its path, what it takes, answers and refuses; and that as OpenAPI.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// An API with a form of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api {
    /// Before its paths.
    pub(super) prefix: &'static str,
    /// Before the names of its operations.
    operations: &'static str,
    /// Before the names of its refusals among the components.
    refusals: &'static str,
}

/// Gnocchi's.
pub(super) const GNOCCHI: Api = Api {
    prefix: "/v1",
    operations: "",
    refusals: "",
};

/// That of Ceilometer which reads.
pub(super) const CEILOMETER: Api = Api {
    prefix: "/v2",
    operations: "/v2",
    refusals: "fault_",
};

/// Refusals that any endpoint may give: who asks is not known or has no right, the answer's format is not taken, the
/// collector is too busy.
const ALWAYS: [u16; 4] = [401, 403, 406, 503];
/// Further ones of endpoints that take a body.
const OF_BODIES: [u16; 3] = [400, 413, 415];

/// What is said of one method of one path.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    path: String,
    summary: &'static str,
    query: Vec<&'static str>,
    body: Option<(&'static str, &'static str)>,
    answers: Vec<(u16, Option<&'static str>)>,
    refusals: Vec<u16>,
}

impl Operation {
    /// Of a path below that of its API, such as `/v1`, with its parameters in braces.
    pub(super) fn new(path: impl Into<String>, summary: &'static str) -> Self {
        let path = path.into();
        Self {
            refusals: path.contains('{').then_some(404).into_iter().collect(),
            path,
            summary,
            query: Vec::new(),
            body: None,
            answers: Vec::new(),
        }
    }

    /// It takes these parameters of the query string; each is among the components.
    pub(super) fn query(mut self, names: &[&'static str]) -> Self {
        self.query.extend(names);
        // A value may be none of its form.
        self.refusals.push(400);
        self
    }

    /// It takes a JSON body of that schema.
    pub(super) fn body(self, schema: &'static str) -> Self {
        self.body_of("application/json", schema)
    }

    /// It takes a body of that media type and schema.
    pub(super) fn body_of(mut self, media_type: &'static str, schema: &'static str) -> Self {
        self.body = Some((media_type, schema));
        self.refusals.extend(OF_BODIES);
        self
    }

    /// It answers so, with JSON of that schema.
    pub(super) fn answers(mut self, status: u16, schema: &'static str) -> Self {
        self.answers.push((status, Some(schema)));
        self
    }

    /// It answers so, with nothing.
    pub(super) fn done(mut self, status: u16) -> Self {
        self.answers.push((status, None));
        self
    }

    /// It may refuse so, beside what others refuse.
    pub(super) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self
    }

    /// The path, as its route is written.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What the document says of it under that method, where the API is and refuses so.
    pub(super) fn document(&self, method: &str, api: Api) -> Value {
        let reference =
            |kind: &str, name: &str| json!({"$ref": format!("#/components/{kind}/{name}")});
        let path = described(&self.path);
        let in_path = path.split(['{', '}']).skip(1).step_by(2);
        let in_path = in_path.map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})
        });
        let in_query = self.query.iter().map(|name| reference("parameters", name));
        let mut responses = Map::new();
        for (status, schema) in &self.answers {
            let mut answer = json!({"description": description(*status)});
            if let (Some(schema), Some(answer)) = (schema, answer.as_object_mut()) {
                let content = json!({"application/json": {"schema": reference("schemas", schema)}});
                answer.insert("content".to_owned(), content);
            }
            responses.insert(status.to_string(), answer);
        }
        for status in self.refusals.iter().chain(&ALWAYS) {
            responses.insert(
                status.to_string(),
                reference("responses", &format!("{}{status}", api.refusals)),
            );
        }
        let mut document = json!({
            "summary": self.summary,
            "operationId": format!("{method} {}{path}", api.operations),
            "parameters": in_path.chain(in_query).collect::<Value>(),
            "responses": responses,
        });
        if let (Some((media_type, schema)), Some(document)) = (self.body, document.as_object_mut())
        {
            let content = json!({media_type: {"schema": reference("schemas", schema)}});
            document.insert(
                "requestBody".to_owned(),
                json!({"required": true, "content": content}),
            );
        }
        document
    }
}

/// A path of a route as the document writes it: what takes all segments that follow has no mark of it there.
pub(super) fn described(path: &str) -> String {
    path.replace("{*", "{")
}

fn description(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or("An answer")
}
