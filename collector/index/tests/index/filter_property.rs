//! Random filters on random resources: SQL finds what evaluation in memory, written from the language's definition,
//! finds.

use std::collections::BTreeMap;

use collector_index::{Filter, NewResource, Operator, Resource};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::common::{Fixture, all, names};

const FIELDS: [&str; 6] = [
    "label",
    "size",
    "active",
    "seen",
    "project_id",
    "original_resource_id",
];

fn text() -> impl Strategy<Value = Value> {
    let letters = prop::sample::select(vec![
        "a", "b", "A", "%", "_", "*", "?", "[", "]", "\\", "'", "é",
    ]);
    prop::collection::vec(letters, 0..4).prop_map(|letters| Value::from(letters.concat()))
}

fn moment() -> impl Strategy<Value = Value> {
    let seconds = prop::sample::select(vec!["00", "00.500000", "01", "01.000001"]);
    seconds.prop_map(|seconds| json!(format!("2026-01-01T00:00:{seconds}+00:00")))
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..4_i64).prop_map(Value::from),
        (-3..4_i64).prop_map(|n| json!(n as f64 / 2.0))
    ]
}

fn value(field: &str) -> BoxedStrategy<Value> {
    match field {
        "size" => number().boxed(),
        "active" => any::<bool>().prop_map(Value::from).boxed(),
        "seen" => moment().boxed(),
        _ => text().boxed(),
    }
}

fn or_null(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 3 => values]
}

fn comparison() -> impl Strategy<Value = Filter> {
    use Operator::{Eq, Ge, Gt, Le, Like, Lt, Ne};
    prop::sample::select(&FIELDS[..]).prop_flat_map(|field| {
        let compare = (
            prop::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge]),
            or_null(value(field)),
        )
            .prop_map(move |(operator, value)| Filter::compare(field, operator, value));
        let within = prop::collection::vec(or_null(value(field)), 0..4)
            .prop_map(move |values| Filter::one_of(field, values));
        let like = or_null(text()).prop_map(|value| Filter::compare("label", Like, value));
        prop_oneof![4 => compare, 1 => within, 2 => like]
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            list.clone().prop_map(Filter::And),
            list.prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn resources() -> impl Strategy<Value = Vec<(Value, Value, Map<String, Value>)>> {
    let attributes = ["label", "size", "active", "seen"]
        .map(|name| or_null(value(name)).prop_map(move |value| (name.to_owned(), value)));
    let attributes = attributes.prop_map(Map::from_iter);
    prop::collection::vec((text(), or_null(text()), attributes), 8)
}

/// SQL's logic: `None` is unknown.
fn holds(filter: &Filter, resource: &Resource) -> Option<bool> {
    match filter {
        Filter::And(parts) => all_of(parts.iter().map(|part| holds(part, resource))),
        Filter::Or(parts) => any_of(parts.iter().map(|part| holds(part, resource))),
        Filter::Not(part) => holds(part, resource).map(|known| !known),
        Filter::Compare {
            field,
            operator,
            value,
        } => compare(&field_of(resource, field), *operator, value),
        Filter::In { field, values } => {
            let field = field_of(resource, field);
            any_of(values.iter().map(|value| match value {
                Value::Null => None,
                value => compare(&field, Operator::Eq, value),
            }))
        }
    }
}

fn all_of(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let parts: Vec<Option<bool>> = parts.collect();
    if parts.contains(&Some(false)) {
        Some(false)
    } else if parts.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn any_of(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all_of(parts.map(|part| part.map(|known| !known))).map(|none| !none)
}

fn field_of(resource: &Resource, field: &str) -> Value {
    match field {
        "project_id" => json!(resource.project_id),
        "original_resource_id" => json!(resource.original_resource_id),
        attribute => resource.attributes[attribute].clone(),
    }
}

fn compare(field: &Value, operator: Operator, value: &Value) -> Option<bool> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match (operator, field, value) {
        (Operator::Eq, field, Value::Null) => return Some(field.is_null()),
        (Operator::Ne, field, Value::Null) => return Some(!field.is_null()),
        (Operator::Ne, Value::Null, _) => return Some(true),
        (_, Value::Null, _) | (_, _, Value::Null) => return None,
        (Operator::Like, Value::String(text), Value::String(pattern)) => {
            let (text, pattern): (Vec<char>, Vec<char>) =
                (text.chars().collect(), pattern.chars().collect());
            return Some(like(&pattern, &text));
        }
        _ => {}
    }
    let order = match (field, value) {
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (a, b) => a.as_f64().unwrap().total_cmp(&b.as_f64().unwrap()),
    };
    Some(match operator {
        Operator::Eq => order == Equal,
        Operator::Ne => order != Equal,
        Operator::Lt => order == Less,
        Operator::Le => order != Greater,
        Operator::Gt => order == Greater,
        Operator::Ge => order != Less,
        Operator::Like => unreachable!("only texts are compared by like"),
    })
}

fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['%', rest @ ..], text) => (0..=text.len()).any(|skipped| like(rest, &text[skipped..])),
        (['\\', literal, rest @ ..], [first, text @ ..]) => literal == first && like(rest, text),
        (['\\'], text) => text == ['\\'],
        (['_', rest @ ..], [_, text @ ..]) => like(rest, text),
        ([literal, rest @ ..], [first, text @ ..]) => literal == first && like(rest, text),
        _ => false,
    }
}

#[test]
fn sql_finds_what_the_definition_finds() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let fixture = runtime.block_on(async {
        let fixture = Fixture::new().await;
        let attributes = json!({
            "label": {"type": "string", "required": false},
            "size": {"type": "number", "required": false},
            "active": {"type": "bool", "required": false},
            "seen": {"type": "datetime", "required": false},
        });
        let attributes: BTreeMap<_, _> = serde_json::from_value(attributes).unwrap();
        fixture
            .index
            .create_resource_type("thing", attributes)
            .await
            .unwrap();
        fixture
    });
    let cases = (resources(), prop::collection::vec(filters(), 25));
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&cases, |(resources, filters)| {
        runtime.block_on(async {
            fixture
                .index
                .delete_resources("thing", &Filter::And(vec![]))
                .await
                .unwrap();
            for (name, project, attributes) in resources {
                let new = NewResource {
                    id: Uuid::new_v4(),
                    original_resource_id: name.as_str().map(str::to_owned),
                    resource_type: "thing".to_owned(),
                    project_id: project.as_str().map(str::to_owned),
                    attributes,
                    ..NewResource::default()
                };
                fixture.resource(new).await;
            }
            let resources = fixture.list(all("thing")).await;
            for filter in filters {
                let expected: Vec<Resource> = resources
                    .iter()
                    .filter(|resource| holds(&filter, resource) == Some(true))
                    .cloned()
                    .collect();
                let found = fixture.found("thing", filter.clone()).await;
                prop_assert_eq!(found, names(&expected), "{:?}", filter);
            }
            Ok(())
        })
    });
    outcome.unwrap();
}
