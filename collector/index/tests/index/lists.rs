//! Lists of resources: order, pages, history.

use collector_index::{NewResource, Page, ResourceQuery, ResourceUpdate};
use collector_model::Timestamp;
use serde_json::json;

use crate::common::{Fixture, all, generic, host, id_of, names, object, refusal};

fn sorted(sort: &[&str]) -> ResourceQuery {
    let mut query = all("generic");
    query.page.sort = sort.iter().map(|&key| key.to_owned()).collect();
    query
}

/// Reads the list page by page.
async fn paged(fixture: &Fixture, query: &ResourceQuery, limit: u32) -> Vec<String> {
    let mut read = Vec::new();
    let mut page = Page {
        limit: Some(limit),
        ..query.page.clone()
    };
    loop {
        let part = fixture
            .list(ResourceQuery {
                page: page.clone(),
                ..query.clone()
            })
            .await;
        let Some(last) = part.last() else {
            return read;
        };
        page.marker = Some(match query.history {
            true => format!("{}@{}", last.id, last.revision),
            false => last.id.to_string(),
        });
        let shown = part
            .iter()
            .map(|resource| format!("{}@{}", resource.original_resource_id, resource.revision));
        read.extend(shown);
    }
}

async fn some_resources() -> Fixture {
    let fixture = Fixture::new().await;
    for (name, project, ended) in [
        ("a", Some("p"), None),
        ("b", None, Some(2)),
        ("c", Some("q"), Some(1)),
        ("d", Some("p"), Some(2)),
        ("e", None, None),
    ] {
        let new = NewResource {
            project_id: project.map(str::to_owned),
            started_at: Some(Timestamp(0)),
            ended_at: ended.map(|seconds| Timestamp(seconds * 1_000_000_000)),
            ..generic(name)
        };
        fixture.resource(new).await;
    }
    fixture
}

#[tokio::test]
async fn a_list_is_in_the_order_of_revisions_unless_told() {
    let fixture = some_resources().await;
    let update = ResourceUpdate {
        user_id: Some(Some("me".to_owned())),
        ..ResourceUpdate::default()
    };
    fixture
        .index
        .update_resource("generic", id_of("b"), update)
        .await
        .unwrap();
    let list = fixture.list(all("generic")).await;
    assert_eq!(names(&list), ["a", "c", "d", "e", "b"]);
}

#[tokio::test]
async fn nulls_sort_last_ascending_and_first_descending_unless_told() {
    let fixture = some_resources().await;
    let by_name = "original_resource_id";
    for (key, expected) in [
        ("ended_at", ["c", "b", "d", "a", "e"]),
        ("ended_at:asc", ["c", "b", "d", "a", "e"]),
        ("ended_at:asc-nullsfirst", ["a", "e", "c", "b", "d"]),
        ("ended_at:desc", ["a", "e", "b", "d", "c"]),
        ("ended_at:desc-nullslast", ["b", "d", "c", "a", "e"]),
    ] {
        let list = fixture.list(sorted(&[key, by_name])).await;
        assert_eq!(names(&list), expected, "{key}");
    }
}

#[tokio::test]
async fn pages_of_any_size_in_any_order_give_each_entry_once() {
    let fixture = some_resources().await;
    for keys in [
        &["ended_at", "project_id:desc"][..],
        &["project_id:asc-nullsfirst", "ended_at:desc-nullslast"],
        &["project_id:desc-nullslast"],
        &["id:desc"],
        &[],
    ] {
        let query = sorted(keys);
        let whole = paged(&fixture, &query, 100).await;
        assert_eq!(whole.len(), 5);
        for limit in 1..5 {
            assert_eq!(paged(&fixture, &query, limit).await, whole, "{keys:?}");
        }
    }
}

#[tokio::test]
async fn a_history_is_paged_by_revision() {
    let fixture = some_resources().await;
    for user in ["x", "y", "z"] {
        for name in ["a", "c"] {
            let update = ResourceUpdate {
                user_id: Some(Some(user.to_owned())),
                ..ResourceUpdate::default()
            };
            let id = id_of(name);
            fixture
                .index
                .update_resource("generic", id, update)
                .await
                .unwrap();
        }
    }
    for keys in [&["original_resource_id"][..], &["revision_end:desc"], &[]] {
        let mut query = sorted(keys);
        query.history = true;
        let whole = paged(&fixture, &query, 100).await;
        assert_eq!(whole.len(), 11);
        for limit in [1, 3] {
            assert_eq!(paged(&fixture, &query, limit).await, whole, "{keys:?}");
        }
    }
}

#[tokio::test]
async fn a_list_of_a_type_is_sorted_by_its_attributes() {
    let fixture = Fixture::new().await;
    for name in ["b", "c", "a"] {
        fixture.resource(host(name)).await;
    }
    let number = |name: &str, port| NewResource {
        resource_type: "switch_port".to_owned(),
        attributes: object(json!({
            "switch": name, "controller": "x", "port_number_on_switch": port,
        })),
        ..generic(name)
    };
    for (name, port) in [("ten", json!(10)), ("nine", json!(9.5)), ("two", json!(2))] {
        fixture.resource(number(name, port)).await;
    }
    for (resource_type, key, expected) in [
        ("host", "host_name:desc", ["c", "b", "a"]),
        (
            "switch_port",
            "port_number_on_switch",
            ["two", "nine", "ten"],
        ),
    ] {
        let mut query = all(resource_type);
        query.page.sort = vec![key.to_owned()];
        let first = fixture.list(query.clone()).await;
        assert_eq!(names(&first), expected);
        query.page.marker = Some(id_of(expected[1]).to_string());
        assert_eq!(names(&fixture.list(query).await), expected[2..]);
    }
}

#[tokio::test]
async fn a_list_tells_the_metrics_of_each_resource() {
    let fixture = some_resources().await;
    let b = fixture.index.resource("generic", id_of("b")).await.unwrap();
    let metric = fixture.metric_on(&b, "cpu").await;
    for resource in fixture.list(all("generic")).await {
        let expected = if resource.id == b.id {
            Some(&metric)
        } else {
            None
        };
        assert_eq!(resource.metrics.get("cpu"), expected);
    }
}

#[tokio::test]
async fn a_page_that_does_not_exist_is_refused() {
    let fixture = some_resources().await;
    for (sort, marker, reason) in [
        ("rack", None, "Sort key supplied is invalid: rack"),
        ("metrics", None, "Sort key supplied is invalid: metrics"),
        ("revision", None, "Sort key supplied is invalid: revision"),
        ("id:up", None, "Unknown sort direction, must be one of"),
        (
            "id:asc-nulls",
            None,
            "Unknown sort direction, must be one of",
        ),
        ("id", Some("x"), "Invalid marker: `x'"),
        (
            "id",
            Some("d44b3f4c-27bc-4ace-b81c-2a8e60026874"),
            "Invalid marker: `d44b",
        ),
        (
            "id",
            Some("d44b3f4c-27bc-4ace-b81c-2a8e60026874@1"),
            "Invalid marker: `d44b",
        ),
    ] {
        let mut query = sorted(&[sort]);
        query.page.marker = marker.map(str::to_owned);
        let text = refusal(fixture.index.list_resources(&query).await);
        assert!(
            text.starts_with(&format!("Invalid pagination: `{reason}")),
            "{text}"
        );
    }
    let mut query = all("generic");
    query.history = true;
    query.page.marker = Some(id_of("a").to_string());
    let text = refusal(fixture.index.list_resources(&query).await);
    assert!(text.contains("Invalid marker"), "{text}");
}
