//! What clients send about archive policies and their rules. The shape is checked here, in the words that clients know;
//! whether a policy makes sense is the model's to say.

use collector_model::{
    Aggregation, ArchivePolicy, ArchivePolicyRule, Definition, Granularity, Timespan,
    expand_methods,
};
use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::schema::Node;
use crate::api::Compatibility;

/// Reads a new policy.
pub(super) fn read_policy(body: &Value) -> ApiResult<ArchivePolicy> {
    let root = Node::root(body);
    root.object_of(&["name", "back_window", "aggregation_methods", "definition"])?;
    let definition = match root.field("definition") {
        Some(definition) => read_archives(&definition)?,
        None => return Err(root.missing_key("definition")),
    };
    let name = root.required("name")?.text()?;
    let back_window = read_back_window(&root)?.unwrap_or(0);
    let methods = match root.field("aggregation_methods") {
        Some(node) => {
            let names = node.items()?.map(|name| name.text());
            let names: Vec<&str> = names.collect::<ApiResult<_>>()?;
            expand_methods(&names, &Aggregation::defaults()).map_err(refused)?
        }
        None => Aggregation::defaults(),
    };
    let definition = definitions(definition)?;
    ArchivePolicy::new(name, back_window, definition, methods).map_err(refused)
}

/// Reads the new archives of a policy, and its new back window where one is given, which Gnocchi 4.4 does not change.
pub(super) fn read_policy_change(
    body: &Value,
    dialect: Compatibility,
) -> ApiResult<(Vec<Definition>, Option<u32>)> {
    let root = Node::root(body);
    match dialect.changes_back_windows() {
        true => root.object_of(&["definition", "back_window"])?,
        false => root.object_of(&["definition"])?,
    };
    // What is wrong goes before what is missing.
    let back_window = read_back_window(&root)?;
    let archives = read_archives(&root.required("definition")?)?;
    Ok((definitions(archives)?, back_window))
}

fn read_back_window(root: &Node<'_>) -> ApiResult<Option<u32>> {
    let Some(node) = root.field("back_window") else {
        return Ok(None);
    };
    let blocks = u32::try_from(node.whole(0)?);
    let blocks =
        blocks.map_err(|_| node.invalid(&format!("value must be at most {}", u32::MAX)))?;
    Ok(Some(blocks))
}

fn refused(error: impl std::fmt::Display) -> ApiError {
    ApiError::bad_request(error.to_string())
}

/// One archive as it was written: any two of the three.
type Archive = (Option<Granularity>, Option<u64>, Option<Timespan>);

fn read_archives(node: &Node<'_>) -> ApiResult<Vec<Archive>> {
    let archives = node.some_items()?.map(|archive| {
        archive.object_of(&["granularity", "points", "timespan"])?;
        let span = |key: &str| archive.field(key).map(|node| timespan(&node)).transpose();
        let points = archive.field("points").map(|node| node.whole(1));
        Ok((
            span("granularity")?.map(Granularity::from),
            points.transpose()?,
            span("timespan")?,
        ))
    });
    archives.collect()
}

fn definitions(archives: Vec<Archive>) -> ApiResult<Vec<Definition>> {
    let definitions = archives.into_iter().map(|(granularity, points, timespan)| {
        Definition::new(granularity, points, timespan).map_err(refused)
    });
    definitions.collect()
}

fn timespan(node: &Node<'_>) -> ApiResult<Timespan> {
    let span = match node.value {
        Value::Number(number) => Timespan::from_seconds(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => text.parse(),
        _ => return Err(node.invalid("Unable to parse timespan")),
    };
    span.map_err(|error| node.invalid(&error.to_string()))
}

/// Reads a new rule.
pub(super) fn read_rule(body: &Value) -> ApiResult<ArchivePolicyRule> {
    let root = Node::root(body);
    root.object_of(&["name", "metric_pattern", "archive_policy_name"])?;
    let text = |key: &str| root.required(key)?.text().map(str::to_owned);
    Ok(ArchivePolicyRule {
        name: text("name")?,
        metric_pattern: text("metric_pattern")?,
        archive_policy_name: text("archive_policy_name")?,
    })
}

/// Reads the new name of a rule.
pub(super) fn read_rule_name(body: &Value) -> ApiResult<String> {
    let root = Node::root(body);
    root.object_of(&["name"])?;
    Ok(root.required("name")?.text()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(body: Value) -> String {
        let error = read_policy(&body).unwrap_err();
        match &error.detail {
            Value::String(text) => text.clone(),
            detail => detail["reason"].as_str().unwrap().to_owned(),
        }
    }

    #[test]
    fn a_policy_is_completed() {
        let policy = read_policy(
            &json!({"name": "medium", "definition": [{"granularity": "1 second", "points": 20}, {"granularity": 2}]}),
        );
        let policy = serde_json::to_value(policy.unwrap()).unwrap();
        assert_eq!(policy["back_window"], 0);
        assert_eq!(
            policy["definition"],
            json!([
                {"granularity": "0:00:01", "points": 20, "timespan": "0:00:20"},
                {"granularity": "0:00:02", "points": null, "timespan": null},
            ])
        );
        assert_eq!(policy["aggregation_methods"].as_array().unwrap().len(), 6);
    }

    #[test]
    fn a_bad_policy_is_refused_where_it_is_bad() {
        for (body, wanted) in [
            (
                json!({"cowsay": "moo"}),
                "extra keys not allowed @ data['cowsay']",
            ),
            (
                json!({"name": "x"}),
                "required key not provided @ data['definition']",
            ),
            (
                json!({"name": "x", "definition": []}),
                "length of value must be at least 1 for dictionary value @ data['definition']",
            ),
            (
                json!({"name": "x", "definition": "foobar"}),
                "expected a list for dictionary value @ data['definition']",
            ),
            (
                json!({"name": "x", "definition": [{"cowsay": "moo"}]}),
                "extra keys not allowed @ data['definition'][0]['cowsay']",
            ),
            (
                json!({"name": "x", "definition": [{"granularity": 0, "points": 60}]}),
                "Timespan must be positive for dictionary value @ data['definition'][0]['granularity']",
            ),
            (
                json!({"name": "x", "definition": [{"granularity": 10, "points": 0}]}),
                "value must be at least 1 for dictionary value @ data['definition'][0]['points']",
            ),
            (
                json!({"name": "x", "definition": [{"granularity": 1, "timespan": "1 shenanigan"}]}),
                "Unable to parse timespan for dictionary value @ data['definition'][0]['timespan']",
            ),
            (
                json!({"name": "x", "definition": [{"granularity": 1, "points": 60, "timespan": "0:01:01"}]}),
                "timespan ≠ granularity × points",
            ),
            (
                json!({"name": "x", "definition": [{"granularity": 1}, {"granularity": 1}]}),
                "More than one archive policy uses granularity `1.0'",
            ),
            (
                json!({"name": "x", "definition": [{"granularity": 1}], "aggregation_methods": ["wtf"]}),
                "Invalid value for aggregation_methods: {'wtf'}",
            ),
            (
                json!({"name": "x", "definition": [{"granularity": 1}], "back_window": -1}),
                "value must be at least 0 for dictionary value @ data['back_window']",
            ),
            (
                json!({"name": 1, "definition": [{"granularity": 1}]}),
                "expected str for dictionary value @ data['name']",
            ),
        ] {
            assert_eq!(refusal(body.clone()), wanted, "{body}");
        }
    }

    #[test]
    fn a_change_names_archives_and_since_4_7_the_back_window() {
        let read = |body: Value, dialect| {
            let (archives, back_window) = read_policy_change(&body, dialect)?;
            Ok::<_, ApiError>((archives.len(), back_window))
        };
        let (v4_4, v4_7) = (Compatibility::V4_4, Compatibility::V4_7);
        let archives = json!({"definition": [{"granularity": 1, "points": 50}]});
        let both = json!({"definition": [{"granularity": 1}], "back_window": "3"});
        assert_eq!(read(archives.clone(), v4_4), Ok((1, None)));
        assert_eq!(read(archives, v4_7), Ok((1, None)));
        assert_eq!(read(both.clone(), v4_7), Ok((1, Some(3))));
        for (body, dialect, reason) in [
            (both, v4_4, "extra keys not allowed @ data['back_window']"),
            (
                json!({"back_window": 3}),
                v4_7,
                "required key not provided @ data['definition']",
            ),
            (
                json!({"definition": [{"granularity": 1}], "back_window": -1}),
                v4_7,
                "value must be at least 0 for dictionary value @ data['back_window']",
            ),
        ] {
            let error = read(body, dialect).unwrap_err();
            assert_eq!(error.detail["reason"], reason);
        }
    }

    #[test]
    fn a_rule_has_three_texts() {
        let rule = read_rule(
            &json!({"name": "r", "metric_pattern": "disk.*", "archive_policy_name": "low"}),
        )
        .unwrap();
        assert_eq!(rule.metric_pattern, "disk.*");
        assert!(read_rule(&json!({"name": "r", "metric_pattern": "disk.*"})).is_err());
        assert_eq!(
            read_rule_name(&json!({"name": "new"})),
            Ok("new".to_owned())
        );
        assert!(read_rule_name(&json!({"name": 3})).is_err());
    }
}
