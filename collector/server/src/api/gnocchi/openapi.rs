//! Routes together with what is said of them: an endpoint cannot be served without being described, and the OpenAPI
//! document at `/openapi.json` is made of the descriptions. What is not of one endpoint (schemas of bodies, parameters
//! that many take, the answers of errors) is in `openapi_components.json`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post};
use serde_json::{Map, Value, json};

use super::json::reply;
use super::url::BaseUrl;
use crate::app::App;

/// Schemas, parameters and errors that operations refer to.
const COMPONENTS: &str = include_str!("openapi_components.json");
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
    /// Of a path below `/v1`, with its parameters in braces.
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

    fn document(&self, method: &str) -> Value {
        let reference =
            |kind: &str, name: &str| json!({"$ref": format!("#/components/{kind}/{name}")});
        let in_path = self.path.split(['{', '}']).skip(1).step_by(2);
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
                reference("responses", &status.to_string()),
            );
        }
        let mut document = json!({
            "summary": self.summary,
            "operationId": format!("{method} {}", self.path),
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

fn description(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or("An answer")
}

/// Endpoints below `/v1`: their routes and their descriptions.
pub(super) struct Endpoints {
    router: Router<Arc<App>>,
    /// By path and method.
    operations: BTreeMap<String, BTreeMap<&'static str, Operation>>,
}

impl Endpoints {
    /// None.
    pub(super) fn new() -> Self {
        Self {
            router: Router::new(),
            operations: BTreeMap::new(),
        }
    }

    /// Serves and describes a GET.
    pub(super) fn get<H, T>(self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add("get", operation, get(handler))
    }

    /// Serves and describes a POST.
    pub(super) fn post<H, T>(self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add("post", operation, post(handler))
    }

    /// Serves and describes a PATCH.
    pub(super) fn patch<H, T>(self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add("patch", operation, patch(handler))
    }

    /// Serves and describes a DELETE.
    pub(super) fn delete<H, T>(self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.add("delete", operation, delete(handler))
    }

    fn add(
        mut self,
        method: &'static str,
        operation: Operation,
        route: MethodRouter<Arc<App>>,
    ) -> Self {
        self.router = self.router.route(&operation.path, route);
        let path = self.operations.entry(operation.path.clone()).or_default();
        path.insert(method, operation);
        self
    }

    /// These and others.
    pub(super) fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        for (path, methods) in others.operations {
            self.operations.entry(path).or_default().extend(methods);
        }
        self
    }

    /// These with the router changed: behind a middleware, with a path that is none of the API's.
    pub(super) fn with(
        mut self,
        change: impl FnOnce(Router<Arc<App>>) -> Router<Arc<App>>,
    ) -> Self {
        self.router = change(self.router);
        self
    }

    /// The routes, and the document of all.
    pub(super) fn finish(self) -> (Router<Arc<App>>, Document) {
        let mut paths = Map::new();
        for (path, methods) in &self.operations {
            let methods = methods.iter();
            let methods: Map<String, Value> = methods
                .map(|(method, operation)| ((*method).to_owned(), operation.document(method)))
                .collect();
            paths.insert(format!("/v1{path}"), methods.into());
        }
        let components: Value = serde_json::from_str(COMPONENTS).unwrap_or_default();
        let document = json!({
            "openapi": "3.0.3",
            "info": {
                "title": "Gnocchi's REST API, version 1, as the Nephoscope collector serves it",
                "version": env!("CARGO_PKG_VERSION"),
                "license": {"name": "Apache-2.0"},
            },
            "paths": paths,
            "components": components,
            "security": [{"basic": []}, {"keystone": []}, {}],
        });
        (self.router, Document(Arc::new(document)))
    }
}

/// The OpenAPI document.
#[derive(Debug, Clone)]
pub(super) struct Document(Arc<Value>);

impl Document {
    /// `GET /openapi.json`: the document, with where this server is.
    pub(super) async fn show(self, url: BaseUrl) -> Response {
        let mut document = self.0.as_ref().clone();
        if let Some(document) = document.as_object_mut() {
            document.insert("servers".to_owned(), json!([{"url": url.of("")}]));
        }
        reply(StatusCode::OK, &document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::gnocchi::endpoints;

    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn whatever_is_referred_to_is_among_the_components_and_nothing_else_is() {
        let (_, Document(document)) = endpoints().finish();
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in &found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(place).is_some(), "{reference} is nowhere");
        }
        for kind in ["schemas", "parameters", "responses"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                assert!(
                    found.contains(&reference.as_str()),
                    "{reference} is not used"
                );
            }
        }
    }

    #[test]
    fn every_operation_says_what_it_answers() {
        let (_, Document(document)) = endpoints().finish();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let good = responses.keys().filter(|status| status.starts_with('2'));
                assert!(good.count() > 0, "{method} {path}");
            }
        }
    }
}
