//! Filters of searches, `{"and": [{"=": {"host": "a"}}, …]}`: checked here, in the words that clients know, and turned
//! into the catalogue's. The text form of the query string is read by `filter_text` into the same JSON.

use collector_index::{Filter, Operator};
use serde_json::Value;

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::filter_text;
use super::resource_body::read_id;
use super::schema::Node;

/// Reads a filter; an empty object is none. Resource ids in it are those that the caller means.
pub(super) fn read_filter(body: &Value, caller: &Caller) -> ApiResult<Option<Filter>> {
    read_filter_at(&Node::root(body), caller)
}

/// The same of a filter inside a body.
pub(super) fn read_filter_at(node: &Node<'_>, caller: &Caller) -> ApiResult<Option<Filter>> {
    read(node, caller, 0)
}

fn read(node: &Node<'_>, caller: &Caller, depth: usize) -> ApiResult<Option<Filter>> {
    if depth >= caller.most_filter_depth {
        return Err(node.invalid(&too_deep(caller.most_filter_depth)));
    }
    let Some((operator, operand)) = single(node)? else {
        // Only a whole filter may be empty: inside another it would say nothing, or everything.
        return match depth {
            0 => Ok(None),
            _ => Err(node.invalid("length of value must be at least 1")),
        };
    };
    let operator = match operator {
        "in" => return read_in(&operand, caller).map(Some),
        "and" | "∧" => return Ok(Some(Filter::And(parts(&operand, caller, depth)?))),
        "or" | "∨" => return Ok(Some(Filter::Or(parts(&operand, caller, depth)?))),
        "not" => {
            let inner = read(&operand, caller, depth + 1)?;
            return Ok(inner.map(|inner| Filter::Not(Box::new(inner))));
        }
        name => Operator::of(name).ok_or_else(|| node.extra_key(name))?,
    };
    let (field, value) = only_field(&operand)?;
    if operator == Operator::Like && field == "id" {
        return Err(operand.bad_key("id", caller.dialect.like_id()));
    }
    let value = read_value(field, &value, caller)?;
    Ok(Some(Filter::compare(field, operator, value)))
}

/// Reads a filter that is a text.
pub(super) fn read_filter_text(text: &str, caller: &Caller) -> ApiResult<Option<Filter>> {
    let filter = filter_text::parse(text, caller.most_filter_depth)
        .map_err(|error| ApiError::bad_request(format!("Invalid filter: {error}")))?;
    read_filter(&filter, caller)
}

/// The refusal of a filter that nests deeper.
pub(super) fn too_deep(most: usize) -> String {
    format!("filter is nested deeper than {most} levels (max_filter_depth)")
}

/// The one entry of an object; none of an empty one.
fn single<'v>(node: &Node<'v>) -> ApiResult<Option<(&'v str, Node<'v>)>> {
    let mut fields = node.fields()?;
    let first = fields.next();
    if fields.next().is_some() {
        return Err(node.invalid("length of value must be at most 1"));
    }
    Ok(first)
}

fn only_field<'v>(operand: &Node<'v>) -> ApiResult<(&'v str, Node<'v>)> {
    single(operand)?.ok_or_else(|| operand.invalid("length of value must be at least 1"))
}

fn parts(operand: &Node<'_>, caller: &Caller, depth: usize) -> ApiResult<Vec<Filter>> {
    let mut filters = Vec::new();
    for part in operand.some_items()? {
        filters.extend(read(&part, caller, depth + 1)?);
    }
    Ok(filters)
}

fn read_in(operand: &Node<'_>, caller: &Caller) -> ApiResult<Filter> {
    let (field, values) = only_field(operand)?;
    let values = values
        .some_items()?
        .map(|value| read_value(field, &value, caller));
    let values: Vec<Value> = values.collect::<ApiResult<_>>()?;
    Ok(Filter::one_of(field, values))
}

fn read_value(field: &str, node: &Node<'_>, caller: &Caller) -> ApiResult<Value> {
    if field == "id" {
        return Ok(Value::String(read_id(node, caller)?.id.to_string()));
    }
    match node.value {
        Value::Array(_) | Value::Object(_) => Err(node.invalid("expected str")),
        scalar => Ok(scalar.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(body: Value) -> String {
        let error = read_filter(&body, &Caller::test("admin")).unwrap_err();
        error.detail["reason"].as_str().unwrap().to_owned()
    }

    #[test]
    fn filters_are_read_in_all_their_spellings() {
        let filter = read_filter(
            &json!({"∧": [{"≠": {"host": "a"}}, {"not": {"in": {"size": [1, null]}}}]}),
            &Caller::test("admin"),
        );
        assert_eq!(
            filter,
            Ok(Some(Filter::And(vec![
                Filter::compare("host", Operator::Ne, "a"),
                Filter::Not(Box::new(Filter::one_of("size", [json!(1), json!(null)]))),
            ])))
        );
        assert_eq!(read_filter(&json!({}), &Caller::test("admin")), Ok(None));
    }

    #[test]
    fn resource_ids_are_those_of_the_caller() {
        let filter = read_filter(&json!({"=": {"id": "foobar"}}), &Caller::test("foobar"))
            .unwrap()
            .unwrap();
        assert_eq!(
            filter,
            Filter::eq("id", "2fbfbb20-8d56-5e1e-afb9-b3007da11fdf")
        );
    }

    #[test]
    fn a_bad_filter_is_refused_where_it_is_bad() {
        for (body, wanted) in [
            (
                json!({"and": {"project_id": "x"}}),
                "expected a list for dictionary value @ data['and']",
            ),
            (
                json!({"and": []}),
                "length of value must be at least 1 for dictionary value @ data['and']",
            ),
            (
                json!({"like": {"id": "fa%"}}),
                "extra keys not allowed @ data['like']['id']",
            ),
            (
                json!({"ne": {"project_id": ["x"]}}),
                "expected str for dictionary value @ data['ne']['project_id']",
            ),
            (
                json!({"not": [{"project_id": "x"}]}),
                "expected a dictionary for dictionary value @ data['not']",
            ),
            (
                json!({"in": {"id": []}}),
                "length of value must be at least 1 for dictionary value @ data['in']['id']",
            ),
            (
                json!({"or": [{}]}),
                "length of value must be at least 1 @ data['or'][0]",
            ),
            (
                json!({"not": {}}),
                "length of value must be at least 1 for dictionary value @ data['not']",
            ),
            (
                json!({"in": {}}),
                "length of value must be at least 1 for dictionary value @ data['in']",
            ),
            (
                json!({"resource_ids": []}),
                "extra keys not allowed @ data['resource_ids']",
            ),
            (
                json!({"=": {"a": 1}, "<": {"a": 1}}),
                "length of value must be at most 1",
            ),
        ] {
            assert_eq!(refusal(body.clone()), wanted, "{body}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let mut filter = json!({"=": {"a": 1}});
        for _ in 0..40 {
            filter = json!({"not": filter});
        }
        assert!(
            refusal(filter)
                .starts_with("filter is nested deeper than 32 levels (max_filter_depth)")
        );
    }
}
