//! Many resources at once: the list of a type, its search, the history of one resource, and the deletion by filter.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use collector_index::{Filter, ResourceQuery};
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::filter::{read_filter, read_filter_text};
use super::json::{RawBody, reply};
use super::openapi::{Endpoints, Operation};
use super::pagination::{Page, RESOURCE_ORDER};
use super::query::Params;
use super::resource::ResourcePath;
use super::url::BaseUrl;
use super::view::{self, Attrs};
use crate::app::App;
use crate::auth::policy::Action;

/// What a list of resources can be asked for.
const LISTED: [&str; 6] = ["details", "history", "attrs", "limit", "marker", "sort"];

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let (all, searched) = ("/resource/{type}", "/search/resource/{type}");
    Endpoints::new()
        .get(
            Operation::new("/resource", "Where the resources of each type are")
                .answers(200, "ResourceTypeLinks"),
            types,
        )
        .get(
            Operation::new(all, "List resources of a type")
                .query(&LISTED)
                .answers(200, "Resources"),
            list,
        )
        .delete(
            Operation::new(all, "Delete resources by a filter")
                .body("Filter")
                .answers(200, "Deleted"),
            remove,
        )
        .get(
            Operation::new(
                "/resource/{type}/{id}/history",
                "List the revisions of a resource",
            )
            .query(&["details", "attrs", "limit", "marker", "sort"])
            .answers(200, "Resources"),
            history,
        )
        .post(
            Operation::new(
                searched,
                "Search resources by a filter in the body or in the query string",
            )
            .query(&LISTED)
            .query(&["filter"])
            .body("Filter")
            .answers(200, "Resources"),
            search,
        )
        // It is a path of POST alone, but says of an unknown type that it is unknown.
        .with(|router| router.route(searched, get(search_by_get)))
}

/// What part of the resources of a type is asked for.
struct Listing<'r> {
    app: &'r App,
    url: &'r BaseUrl,
    params: &'r Params,
    resource_type: &'r str,
    filter: Option<Filter>,
    history: bool,
}

impl Listing<'_> {
    async fn reply(self) -> ApiResult {
        let details = self.params.flag("details")?;
        let page = Page::of(self.params, RESOURCE_ORDER, self.app.api().max_limit)?;
        let attrs: Attrs = self.params.all("attrs").map(str::to_owned).collect();
        let query = ResourceQuery {
            resource_type: self.resource_type.to_owned(),
            filter: self.filter,
            history: self.history,
            page: page.to_index(),
        };
        let resources = self.app.index.list_resources(&query).await?;
        let shown = resources.iter().map(|resource| {
            let shown_type = if details {
                &resource.resource_type
            } else {
                self.resource_type
            };
            view::cut(view::resource(resource, shown_type), &attrs)
        });
        let shown: Vec<Map<String, Value>> = shown.collect();
        let mut response = reply(StatusCode::OK, &shown);
        let last = resources.last().map(|last| match self.history {
            true => format!("{}@{}", last.id, last.revision),
            false => last.id.to_string(),
        });
        page.link_next(&mut response, self.url, self.params, resources.len(), last);
        Ok(response)
    }
}

async fn types(State(app): State<Arc<App>>, _: Caller, url: BaseUrl) -> ApiResult {
    let types = app.index.resource_types().await?;
    let entries = types.iter().map(|kind| {
        let path = format!("/v1/resource/{}", kind.name);
        (kind.name.clone(), Value::String(url.of(&path)))
    });
    Ok(reply(
        StatusCode::OK,
        &entries.collect::<Map<String, Value>>(),
    ))
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(resource_type): Path<String>,
    url: BaseUrl,
    params: Params,
) -> ApiResult {
    app.index.resource_type(&resource_type).await?;
    let listing = Listing {
        app: &app,
        url: &url,
        params: &params,
        resource_type: &resource_type,
        filter: caller.limit_resources(Action::ListResource, None)?,
        history: params.flag("history")?,
    };
    listing.reply().await
}

async fn history(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    url: BaseUrl,
    params: Params,
) -> ApiResult {
    let path = ResourcePath::of(&app, &caller, path).await?;
    let resource = path.resource(&app).await?;
    caller.require_of_resource(Action::GetResource, &resource)?;
    let listing = Listing {
        app: &app,
        url: &url,
        params: &params,
        resource_type: &path.resource_type,
        filter: Some(Filter::eq("id", path.id.to_string())),
        history: true,
    };
    listing.reply().await
}

async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(resource_type): Path<String>,
    url: BaseUrl,
    params: Params,
    body: RawBody,
) -> ApiResult {
    app.index.resource_type(&resource_type).await?;
    let filter = filter(&body, &params, &caller)?;
    let listing = Listing {
        app: &app,
        url: &url,
        params: &params,
        resource_type: &resource_type,
        filter: caller.limit_resources(Action::SearchResource, filter)?,
        history: params.flag("history")?,
    };
    listing.reply().await
}

/// Says of an unknown type that it is unknown, before it says that a search is no GET.
async fn search_by_get(
    State(app): State<Arc<App>>,
    Path(resource_type): Path<String>,
) -> ApiResult {
    app.index.resource_type(&resource_type).await?;
    Err(ApiError::bare(StatusCode::METHOD_NOT_ALLOWED))
}

/// The filter of a body, or of the query string where there is no body.
pub(super) fn filter(
    body: &RawBody,
    params: &Params,
    caller: &Caller,
) -> ApiResult<Option<Filter>> {
    match params.get("filter").filter(|text| !text.is_empty()) {
        _ if !body.is_empty() => read_filter(&body.json()?, caller),
        Some(text) => read_filter_text(text, caller),
        None => Ok(None),
    }
}

async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(resource_type): Path<String>,
    params: Params,
    body: RawBody,
) -> ApiResult {
    app.index.resource_type(&resource_type).await?;
    let Some(filter) = filter(&body, &params, &caller)? else {
        return Err(ApiError::bad_request(
            "caution: the query can not be empty, or it will delete entire database",
        ));
    };
    let filter = caller.limit_to_own(Action::DeleteResources, filter)?;
    let deleted = app.index.delete_resources(&resource_type, &filter).await?;
    app.measures.forget(deleted.metrics).await?;
    Ok(reply(
        StatusCode::OK,
        &json!({"deleted": deleted.resources}),
    ))
}
