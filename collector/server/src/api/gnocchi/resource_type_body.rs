//! What clients send about resource types: the definition of a new one, and the JSON patch (RFC 6902, `add` and
//! `remove` of attributes) of one that is there. Checked here; kept by the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use collector_index::ResourceType;
use collector_model::{Attribute, Timestamp};
use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::schema::Node;
use crate::api::Compatibility;

/// A resource type to be created.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NewType {
    /// Its name.
    pub(super) name: String,
    /// Its attributes by name.
    pub(super) attributes: BTreeMap<String, Attribute>,
}

/// A change of a resource type's attributes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TypeChange {
    /// Attributes that are new or defined anew, and what existing resources without a value are to have.
    pub(super) add: BTreeMap<String, (Attribute, Option<Value>)>,
    /// Names of the ones to be dropped.
    pub(super) remove: BTreeSet<String>,
}

fn invalid_input(error: impl std::fmt::Display) -> ApiError {
    ApiError::bad_request(format!("Invalid input: {error}"))
}

/// Reads the body of a POST.
pub(super) fn read_type(body: &Value, dialect: Compatibility) -> ApiResult<NewType> {
    let root = Node::root(body);
    root.object_of(&["name", "attributes"])?;
    let mut attributes = BTreeMap::new();
    if let Some(node) = root.field("attributes") {
        for (name, definition) in node.fields()? {
            let attribute = read_attribute(&definition, &[], dialect)?;
            attributes.insert(name.to_owned(), attribute);
        }
    }
    let name = root.required("name")?.text()?.to_owned();
    for (name, attribute) in &attributes {
        attribute.check(name).map_err(invalid_input)?;
    }
    Ok(NewType { name, attributes })
}

fn read_attribute(
    node: &Node<'_>,
    more_keys: &[&str],
    dialect: Compatibility,
) -> ApiResult<Attribute> {
    let longest = dialect.longest_string();
    let kind = node.required("type")?;
    let own_keys: &[&str] = match kind.text()? {
        "string" => &["min_length", "max_length"],
        "number" => &["min", "max"],
        "uuid" | "bool" | "datetime" => &[],
        _ => return Err(kind.invalid("not a valid value")),
    };
    let keys = [&["type", "required"], own_keys, more_keys].concat();
    node.object_of(&keys)?;
    for length in ["min_length", "max_length"].map(|key| node.field(key)) {
        refuse_long(length, longest)?;
    }
    let mut definition = node.value.clone();
    if let Value::Object(fields) = &mut definition {
        fields.retain(|key, _| !more_keys.contains(&key.as_str()));
        if own_keys.contains(&"max_length") {
            fields.entry("max_length").or_insert(longest.into());
        }
    }
    serde_json::from_value(definition).map_err(|error| node.invalid(&error.to_string()))
}

/// Refuses a length of strings that no client may define.
fn refuse_long(length: Option<Node<'_>>, longest: u16) -> ApiResult<()> {
    match length {
        Some(node) if node.value.as_u64() > Some(u64::from(longest)) => {
            Err(node.invalid(&format!("value must be at most {longest}")))
        }
        _ => Ok(()),
    }
}

/// One step of a patch.
struct Step<'v> {
    adds: bool,
    name: String,
    value: Option<Node<'v>>,
}

fn read_step<'v>(node: &Node<'v>) -> ApiResult<Step<'v>> {
    node.object_of(&["op", "path", "value"])?;
    let op = node.required("op")?;
    let adds = match op.value.as_str() {
        Some("add") => true,
        Some("remove") => false,
        _ => return Err(op.invalid("not a valid value")),
    };
    let path = node.required("path")?;
    let name = path.text()?.strip_prefix("/attributes/");
    let Some(name) = name.filter(|name| !name.is_empty() && !name.contains('/')) else {
        return Err(path.invalid("Only attributes can be modified"));
    };
    let value = node.field("value");
    if let Some(value) = &value {
        value.object()?;
    }
    Ok(Step {
        adds,
        name: name.replace("~1", "/").replace("~0", "~"),
        value,
    })
}

/// Reads the body of a PATCH of that type and what it comes to, all steps together.
pub(super) fn read_patch(
    body: &Value,
    kind: &ResourceType,
    dialect: Compatibility,
    now: Timestamp,
) -> ApiResult<TypeChange> {
    let known = &kind.attributes;
    let steps = Node::root(body).items()?.map(|node| read_step(&node));
    let steps: Vec<Step<'_>> = steps.collect::<ApiResult<_>>()?;
    // The definition is that of the last `add`; an attribute that is known and stays keeps the one it has.
    let mut next: BTreeMap<&str, Option<&Node<'_>>> =
        known.keys().map(|name| (name.as_str(), None)).collect();
    for step in &steps {
        match (step.adds, &step.value) {
            (true, Some(value)) => {
                next.insert(&step.name, Some(value));
            }
            (true, None) => {
                return Err(ApiError::bad_request(
                    "The operation does not contain a 'value' member",
                ));
            }
            (false, _) if next.remove(step.name.as_str()).is_none() => {
                let text = format!("can't remove a non-existent object '{}'", step.name);
                return Err(ApiError::bad_request(text));
            }
            (false, _) => {}
        }
    }
    let mut change = TypeChange::default();
    for (name, node) in &next {
        let Some(node) = node else { continue };
        let attribute = read_attribute(node, &["options"], dialect)?;
        match known.get(*name) {
            Some(before) if !dialect.redefines_attributes() || *before == attribute => continue,
            Some(before) => same_type(before, &attribute, name, &kind.name)?,
            None => {}
        }
        attribute.check(name).map_err(invalid_input)?;
        let fill = read_fill(name, &attribute, node, now)?;
        change.add.insert((*name).to_owned(), (attribute, fill));
    }
    let gone = known
        .keys()
        .filter(|name| !next.contains_key(name.as_str()));
    change.remove = gone.cloned().collect();
    Ok(change)
}

/// Refuses a definition that would make the values of another type.
fn same_type(before: &Attribute, after: &Attribute, name: &str, of: &str) -> ApiResult<()> {
    if std::mem::discriminant(&before.kind) == std::mem::discriminant(&after.kind) {
        return Ok(());
    }
    let (before, after) = (before.kind.name(), after.kind.name());
    Err(ApiError::bad_request(format!(
        "Type update is not available yet. Changing {before} to {after} for attribute {name} of resource {of}"
    )))
}

/// What existing resources get for a new attribute.
fn read_fill(
    name: &str,
    attribute: &Attribute,
    node: &Node<'_>,
    now: Timestamp,
) -> ApiResult<Option<Value>> {
    let refuse = |reason: &str| {
        let place = format!("Option 'fill' of resource attribute {name} is invalid: {reason}");
        Err(invalid_input(place))
    };
    let options = node.field("options");
    if let Some(options) = &options {
        options.object_of(&["fill"])?;
    }
    match options.and_then(|options| options.field("fill")) {
        Some(fill) if !fill.value.is_null() => match attribute.kind.normalise(fill.value, now) {
            Ok(value) => Ok(Some(value)),
            Err(error) => refuse(&error.to_string()),
        },
        _ if attribute.required => refuse("must not be empty if required=True"),
        _ => Ok(None),
    }
}

#[cfg(test)]
#[path = "resource_type_body_tests.rs"]
mod tests;
