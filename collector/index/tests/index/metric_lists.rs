//! Look-ups and lists of metrics.

use collector_index::{Filter, MetricQuery, NewMetric, Page};
use collector_model::MetricId;
use serde_json::Value;
use uuid::Uuid;

use crate::common::{Fixture, generic, refusal};
use crate::metrics::{create, listed, named};

#[tokio::test]
async fn many_are_looked_up_in_the_order_asked_for_from_memory_or_not() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for at in 0..4 {
        ids.push(create(&fixture.index, named(&at.to_string())).await);
    }
    let fixture = fixture.reopen().await;
    fixture.index.metric(ids[2]).await.unwrap();
    for _ in 0..2 {
        let asked = [ids[3], Uuid::nil(), ids[2], ids[0]];
        let found = fixture.index.metrics(&asked).await.unwrap();
        let found: Vec<MetricId> = found.iter().map(|metric| metric.id).collect();
        assert_eq!(found, [ids[3], ids[2], ids[0]]);
    }
    assert!(fixture.index.metrics(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn metrics_are_looked_up_by_resource_and_name() {
    let fixture = Fixture::new().await;
    let (a, b) = (
        fixture.resource(generic("a")).await,
        fixture.resource(generic("b")).await,
    );
    let a_cpu = fixture.metric_on(&a, "cpu").await;
    fixture.metric_on(&a, "mem").await;
    let b_cpu = fixture.metric_on(&b, "cpu").await;
    let wanted = [
        (a.id, vec!["cpu", "none"]),
        (b.id, vec!["cpu", "mem"]),
        (Uuid::nil(), vec!["cpu"]),
    ];
    let found = fixture.index.metrics_of_resources(&wanted).await.unwrap();
    let mut found: Vec<MetricId> = found.iter().map(|metric| metric.id).collect();
    found.sort();
    let mut expected = [a_cpu, b_cpu];
    expected.sort();
    assert_eq!(found, expected);
    assert!(
        fixture
            .index
            .metrics_of_resources(&[])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn lists_are_filtered_by_each_field_and_by_the_resource() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let mut new = generic("a");
    new.project_id = Some("p".to_owned());
    let resource = fixture.resource(new).await;
    let on = fixture.metric_on(&resource, "cpu").await;
    let free = NewMetric {
        creator: Some("me:q".to_owned()),
        archive_policy_name: Some("high".to_owned()),
        ..named("mem")
    };
    let free = create(index, free).await;
    let mut both = [on, free];
    both.sort();
    let cases: &[(&str, Value, &[MetricId])] = &[
        ("id", free.to_string().into(), &[free]),
        ("name", "cpu".into(), &[on]),
        ("unit", "B".into(), &[free]),
        ("creator", "admin".into(), &[on]),
        ("created_by_project_id", "q".into(), &[free]),
        ("archive_policy_name", "high".into(), &[free]),
        ("resource_id", resource.id.to_string().into(), &[on]),
        ("resource_id", Value::Null, &[free]),
        ("status", "active".into(), &both),
        ("resource.project_id", "p".into(), &[on]),
        ("resource.started_at", Value::Null, &[free]),
    ];
    for (field, value, expected) in cases {
        let query = MetricQuery {
            filter: Some(Filter::eq(*field, value.clone())),
            ..MetricQuery::default()
        };
        assert_eq!(listed(index, query).await, *expected, "{field}");
    }
    let query = MetricQuery {
        filter: Some(Filter::eq("rack", 1)),
        ..MetricQuery::default()
    };
    let refused = index.list_metrics(&query).await;
    assert_eq!(
        refusal(refused),
        "Resource type generic has no rack attribute"
    );
}

#[tokio::test]
async fn lists_are_paged_in_the_order_of_ids_or_as_told() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for name in ["c", "a", "b"] {
        ids.push(create(&fixture.index, named(name)).await);
    }
    let by_name = [ids[1], ids[2], ids[0]];
    ids.sort();
    for (sort, expected) in [
        (vec![], [ids[0], ids[1], ids[2]]),
        (vec!["name:asc".to_owned()], by_name),
        (
            vec!["unit".to_owned(), "id:desc".to_owned()],
            [ids[2], ids[1], ids[0]],
        ),
    ] {
        let mut page = Page {
            limit: Some(2),
            marker: None,
            sort,
        };
        let mut query = MetricQuery {
            page: page.clone(),
            ..MetricQuery::default()
        };
        assert_eq!(listed(&fixture.index, query.clone()).await, expected[..2]);
        page.marker = Some(expected[1].to_string());
        query.page = page;
        assert_eq!(listed(&fixture.index, query).await, expected[2..]);
    }
    for (sort, marker) in [
        ("id", Some(Uuid::nil().to_string())),
        ("rack", None),
        ("id", Some("x".to_owned())),
    ] {
        let query = MetricQuery {
            page: Page {
                limit: None,
                marker,
                sort: vec![sort.to_owned()],
            },
            ..MetricQuery::default()
        };
        let text = refusal(fixture.index.list_metrics(&query).await);
        assert!(text.starts_with("Invalid pagination"), "{text}");
    }
}
