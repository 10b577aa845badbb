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
use super::openapi_operation::described;
pub(super) use super::openapi_operation::{Api, CEILOMETER, GNOCCHI, Operation};
use super::url::BaseUrl;
use crate::app::App;

/// Schemas, parameters and errors that operations refer to.
const COMPONENTS: &str = include_str!("openapi_components.json");
/// Endpoints of one API: their routes and their descriptions.
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
        self.router = self.router.route(operation.path(), route);
        let path = self
            .operations
            .entry(operation.path().to_owned())
            .or_default();
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

    /// The routes, below the API's path, and the descriptions.
    pub(super) fn finish(self, api: Api) -> (Router<Arc<App>>, Descriptions) {
        let mut paths = Map::new();
        for (path, methods) in &self.operations {
            let methods = methods.iter();
            let methods: Map<String, Value> = methods
                .map(|(method, operation)| ((*method).to_owned(), operation.document(method, api)))
                .collect();
            paths.insert(format!("{}{}", api.prefix, described(path)), methods.into());
        }
        (self.router, Descriptions(paths))
    }
}

/// What is said of endpoints, by their paths.
#[derive(Debug, Clone)]
pub(super) struct Descriptions(Map<String, Value>);

impl Descriptions {
    /// The document of these and of those of another API.
    pub(super) fn document(self, others: Self) -> Document {
        let paths: Map<String, Value> = self.0.into_iter().chain(others.0).collect();
        let components: Value = serde_json::from_str(COMPONENTS).unwrap_or_default();
        let document = json!({
            "openapi": "3.0.3",
            "info": {
                "title": "Gnocchi's REST API, version 1, and what of Ceilometer's version 2 reads, as the Nephoscope collector serves them",
                "version": env!("CARGO_PKG_VERSION"),
                "license": {"name": "Apache-2.0"},
            },
            "paths": paths,
            "components": components,
            "security": [{"basic": []}, {"keystone": []}, {}],
        });
        Document(Arc::new(document))
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
    use crate::api::gnocchi::{endpoints, telemetry};

    fn document() -> Arc<Value> {
        let (_, gnocchi) = endpoints().finish(GNOCCHI);
        let (_, ceilometer) = telemetry::endpoints().finish(CEILOMETER);
        gnocchi.document(ceilometer).0
    }

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
        let document = document();
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
        let document = document();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let good = responses.keys().filter(|status| status.starts_with('2'));
                assert!(good.count() > 0, "{method} {path}");
            }
        }
    }
}
