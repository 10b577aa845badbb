//! Checks of request bodies: a JSON value together with its place in the body, and the refusals in the words that
//! Gnocchi's clients and tests know ("extra keys not allowed @ data['name']"). What an endpoint takes is in its file.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::error::{ApiError, ApiResult};
use super::error_body::python_string;

/// A step from a value to one inside it.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

/// A value of a body and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'v> {
    /// The value itself.
    pub(super) value: &'v Value,
    path: Vec<Step>,
}

/// A whole text of JSON types, as error texts name them.
fn dictionary_value(path: &[Step]) -> &'static str {
    match path.last() {
        Some(Step::Key(_)) => " for dictionary value",
        _ => "",
    }
}

fn refusal(message: &str, of: &str, path: &[Step]) -> ApiError {
    let mut reason = format!("{message}{of}");
    if !path.is_empty() {
        reason.push_str(" @ data");
    }
    let mut detail = Vec::with_capacity(path.len());
    for step in path {
        match step {
            Step::Key(key) => {
                // Writing into a String cannot fail.
                let _ = write!(reason, "[{}]", python_string(key));
                detail.push(key.clone());
            }
            Step::Index(index) => {
                let _ = write!(reason, "[{index}]");
                detail.push(index.to_string());
            }
        }
    }
    ApiError::bad_request(json!({"cause": "Invalid input", "reason": reason, "detail": detail}))
}

/// The 400 for a value at that place of the body, without a [`Node`] of it.
pub(super) fn invalid_at(message: &str, keys: &[&str]) -> ApiError {
    let path: Vec<Step> = keys
        .iter()
        .map(|key| Step::Key((*key).to_owned()))
        .collect();
    refusal(message, dictionary_value(&path), &path)
}

impl<'v> Node<'v> {
    /// The body itself.
    pub(super) fn root(value: &'v Value) -> Self {
        Self {
            value,
            path: Vec::new(),
        }
    }

    /// The 400 for this value.
    pub(super) fn invalid(&self, message: &str) -> ApiError {
        refusal(message, dictionary_value(&self.path), &self.path)
    }

    /// The 400 for a key of this object that does not belong there.
    pub(super) fn extra_key(&self, key: &str) -> ApiError {
        self.bad_key(key, "extra keys not allowed")
    }

    /// The 400 for a key of this object.
    pub(super) fn bad_key(&self, key: &str, message: &str) -> ApiError {
        let mut path = self.path.clone();
        path.push(Step::Key(key.to_owned()));
        refusal(message, "", &path)
    }

    /// The 400 for a key that this object lacks.
    pub(super) fn missing_key(&self, key: &str) -> ApiError {
        self.bad_key(key, "required key not provided")
    }

    /// The value under a key, if it is an object that has it.
    pub(super) fn field(&self, key: &str) -> Option<Node<'v>> {
        let value = self.value.as_object()?.get(key)?;
        let mut path = self.path.clone();
        path.push(Step::Key(key.to_owned()));
        Some(Node { value, path })
    }

    /// All fields of an object.
    pub(super) fn fields(&self) -> ApiResult<impl Iterator<Item = (&'v str, Node<'v>)> + use<'v>> {
        let object = self.object()?;
        let path = self.path.clone();
        Ok(object.iter().map(move |(key, value)| {
            let mut path = path.clone();
            path.push(Step::Key(key.clone()));
            (key.as_str(), Node { value, path })
        }))
    }

    /// The elements of a list.
    pub(super) fn items(&self) -> ApiResult<impl Iterator<Item = Node<'v>> + use<'v>> {
        let Value::Array(items) = self.value else {
            return Err(self.invalid("expected a list"));
        };
        let path = self.path.clone();
        Ok(items.iter().enumerate().map(move |(index, value)| {
            let mut path = path.clone();
            path.push(Step::Index(index));
            Node { value, path }
        }))
    }

    /// The elements of a list of at least one.
    pub(super) fn some_items(&self) -> ApiResult<impl Iterator<Item = Node<'v>> + use<'v>> {
        let items = self.items()?;
        match self.value {
            Value::Array(list) if list.is_empty() => {
                Err(self.invalid("length of value must be at least 1"))
            }
            _ => Ok(items),
        }
    }

    /// The object that it must be.
    pub(super) fn object(&self) -> ApiResult<&'v Map<String, Value>> {
        match self.value {
            Value::Object(object) => Ok(object),
            _ => Err(self.invalid("expected a dictionary")),
        }
    }

    /// The object that it must be, with none but these keys.
    pub(super) fn object_of(&self, allowed: &[&str]) -> ApiResult<&'v Map<String, Value>> {
        let object = self.object()?;
        match object.keys().find(|key| !allowed.contains(&key.as_str())) {
            Some(extra) => Err(self.extra_key(extra)),
            None => Ok(object),
        }
    }

    /// The value under a key that must be there.
    pub(super) fn required(&self, key: &str) -> ApiResult<Node<'v>> {
        self.field(key).ok_or_else(|| self.missing_key(key))
    }

    /// The string that it must be.
    pub(super) fn text(&self) -> ApiResult<&'v str> {
        self.value
            .as_str()
            .ok_or_else(|| self.invalid("expected str"))
    }

    /// A string or null.
    pub(super) fn text_or_null(&self) -> ApiResult<Option<&'v str>> {
        match self.value {
            Value::Null => Ok(None),
            _ => self.text().map(Some),
        }
    }

    /// A whole number of at least `least`, given as a number or as text.
    pub(super) fn whole(&self, least: u64) -> ApiResult<u64> {
        let number = match self.value {
            Value::Number(number) => number.as_f64().map(f64::trunc),
            Value::String(text) => text.trim().parse::<i64>().ok().map(|number| number as f64),
            _ => None,
        };
        match number {
            // 2^53: what a float says exactly.
            Some(number) if number >= least as f64 && number <= 9_007_199_254_740_992.0 => {
                Ok(number as u64)
            }
            Some(number) if number < least as f64 => {
                Err(self.invalid(&format!("value must be at least {least}")))
            }
            _ => Err(self.invalid("expected int")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(error: &ApiError) -> (&str, &Value) {
        (
            error.detail["reason"].as_str().unwrap(),
            &error.detail["detail"],
        )
    }

    #[test]
    fn a_refusal_names_the_place() {
        let body = json!({"definition": [{"cowsay": "moo"}], "name": 3});
        let root = Node::root(&body);
        let first = root
            .field("definition")
            .unwrap()
            .items()
            .unwrap()
            .next()
            .unwrap();
        let error = first.object_of(&["points"]).unwrap_err();
        assert_eq!(
            reason(&error),
            (
                "extra keys not allowed @ data['definition'][0]['cowsay']",
                &json!(["definition", "0", "cowsay"])
            )
        );
        let error = root.field("name").unwrap().text().unwrap_err();
        assert_eq!(
            reason(&error),
            (
                "expected str for dictionary value @ data['name']",
                &json!(["name"])
            )
        );
        let error = root.required("age").unwrap_err();
        assert_eq!(
            reason(&error),
            ("required key not provided @ data['age']", &json!(["age"]))
        );
        let error = Node::root(&json!([])).object().unwrap_err();
        assert_eq!(reason(&error), ("expected a dictionary", &json!([])));
    }

    #[test]
    fn a_list_may_have_to_have_something() {
        let body = json!({"and": {}, "in": []});
        let root = Node::root(&body);
        let error = root.field("and").unwrap().items().err().unwrap();
        assert_eq!(
            reason(&error).0,
            "expected a list for dictionary value @ data['and']"
        );
        let error = root.field("in").unwrap().some_items().err().unwrap();
        assert_eq!(
            reason(&error).0,
            "length of value must be at least 1 for dictionary value @ data['in']"
        );
    }

    #[test]
    fn whole_numbers_come_as_numbers_or_text_within_bounds() {
        let whole = |value: Value| Node::root(&value).whole(1);
        assert_eq!(whole(json!(3)), Ok(3));
        assert_eq!(whole(json!("3")), Ok(3));
        assert_eq!(whole(json!(3.7)), Ok(3));
        assert_eq!(
            reason(&whole(json!(0)).unwrap_err()).0,
            "value must be at least 1"
        );
        assert_eq!(reason(&whole(json!("x")).unwrap_err()).0, "expected int");
        assert_eq!(reason(&whole(json!(1e300)).unwrap_err()).0, "expected int");
    }
}
