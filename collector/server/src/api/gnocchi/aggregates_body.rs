//! The body of `POST /v1/aggregates`: the operations, and whose metrics they mean: those of ids, or those that
//! resources found by a search have under their names.

use collector_index::Filter;
use collector_model::operations::{Operation, ReadError};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::filter::{read_filter_at, read_filter_text};
use super::schema::{Node, invalid_at};

/// What the metrics of the operations are found by.
#[derive(Debug, PartialEq)]
pub(super) enum Scope {
    /// Their ids.
    Ids,
    /// Their names on resources.
    Resources {
        /// Name of the resources' type, not checked.
        resource_type: String,
        /// Which of them.
        filter: Option<Filter>,
    },
}

/// Reads a body, with operations of so many levels at most.
pub(super) fn read_body(
    body: &Value,
    caller: &Caller,
    most_depth: usize,
) -> ApiResult<(Operation, Scope)> {
    let root = Node::root(body);
    let object = root.object()?;
    let operations = root.required("operations")?;
    let operation = Operation::read_within(operations.value, most_depth);
    let operation = operation.map_err(|error| refused(&error))?;
    let scope = match (root.field("resource_type"), root.field("search")) {
        (Some(resource_type), Some(search)) if object.len() == 3 => Scope::Resources {
            resource_type: resource_type.text()?.to_owned(),
            filter: read_search(&search, caller)?,
        },
        _ => {
            root.object_of(&["operations"])?;
            Scope::Ids
        }
    };
    if operation.references().is_empty() {
        return Err(ApiError::bad_request(json!({
            "cause": "Operations is invalid",
            "reason": "At least one 'metric' is required",
            "detail": operation.to_value(),
        })));
    }
    Ok((operation, scope))
}

fn read_search(search: &Node<'_>, caller: &Caller) -> ApiResult<Option<Filter>> {
    match search.value {
        Value::String(text) => read_filter_text(text, caller),
        _ => read_filter_at(search, caller),
    }
}

fn refused(error: &ReadError) -> ApiError {
    match error {
        ReadError::Text(error) => ApiError::bad_request(json!({
            "cause": "Invalid operations",
            "reason": "Fail to parse the operations string",
            "detail": error.to_string(),
        })),
        ReadError::TooDeep(_) => ApiError::bad_request(json!({
            "cause": "Invalid operations",
            "reason": format!("{error} (max_operation_depth)"),
            "detail": ["operations"],
        })),
        ReadError::Invalid {
            reason,
            argument: None,
        } => invalid_at(reason, &["operations"]),
        ReadError::Invalid {
            reason,
            argument: Some(argument),
        } => ApiError::bad_request(json!({
            "cause": "Invalid input",
            "reason": format!("{reason} @ data['operations'][{argument}]"),
            "detail": ["operations", argument.to_string()],
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: Value) -> Value {
        read_body(&body, &Caller::test("admin"), 64)
            .unwrap_err()
            .detail
    }

    #[test]
    fn metrics_are_meant_by_id_or_by_name_on_resources() {
        let body = json!({"operations": "(metric x mean)"});
        assert_eq!(
            read_body(&body, &Caller::test("admin"), 64).unwrap().1,
            Scope::Ids
        );
        for (search, filter) in [
            (json!({}), None),
            (json!("user_id = 'a'"), Some(Filter::eq("user_id", "a"))),
            (
                json!({"=": {"user_id": "a"}}),
                Some(Filter::eq("user_id", "a")),
            ),
        ] {
            let body = json!({"operations": "(metric x mean)", "resource_type": "generic", "search": search});
            let resources = Scope::Resources {
                resource_type: "generic".to_owned(),
                filter,
            };
            assert_eq!(
                read_body(&body, &Caller::test("admin"), 64).unwrap().1,
                resources
            );
        }
    }

    #[test]
    fn a_bad_body_is_refused_where_it_is_bad() {
        for (body, reason) in [
            (json!({}), "required key not provided @ data['operations']"),
            (json!([]), "expected a dictionary"),
            (
                json!({"operations": ["metric", "x", "mean"], "search": {}}),
                "extra keys not allowed @ data['search']",
            ),
            (
                json!({"operations": ["foo", 1]}),
                "'foo' operation invalid for dictionary value @ data['operations']",
            ),
            (
                json!({"operations": ["+", ["metric", ["x", 3]], 1]}),
                "expected str @ data['operations'][0]",
            ),
            (
                json!({"operations": ["+", 1, 2]}),
                "At least one 'metric' is required",
            ),
            (
                json!({"operations": "(metric x mean)", "resource_type": "generic", "search": {"and": []}}),
                "length of value must be at least 1 for dictionary value @ data['search']['and']",
            ),
        ] {
            assert_eq!(refusal(body.clone())["reason"], reason, "{body}");
        }
        assert_eq!(
            refusal(json!({"operations": "(+ 1"}))["detail"],
            "Expected ')', found end of text  (at char 4), (line:1, col:5)"
        );
    }
}
