//! The simple queries of Ceilometer's API, `q.field=…&q.op=…&q.type=…&q.value=…` as often as there are conditions: read,
//! checked in Ceilometer's words, and parted into what the catalogue, the store and the metadata are asked.

use std::time::SystemTime;

use collector_index::Filter;
use collector_model::Timestamp;
use serde_json::Value;

use super::super::error::{ApiError, ApiResult};
use super::super::query::Params;

/// The only source there is.
pub(super) const SOURCE: &str = "openstack";
/// What a value may be said to be.
const TYPES: [&str; 5] = ["integer", "float", "string", "boolean", "datetime"];
/// What may be asked for, beside `metadata.*`.
const FIELDS: [&str; 6] = [
    "meter",
    "project_id",
    "resource_id",
    "source",
    "timestamp",
    "user_id",
];
/// Most conditions of one request.
const MOST: usize = 64;

/// All conditions of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Conditions {
    /// First moment.
    pub(super) start: Option<Timestamp>,
    /// End, itself excluded.
    pub(super) stop: Option<Timestamp>,
    /// The meter's name.
    pub(super) meter: Option<String>,
    /// On fields of the resource: the field and its value.
    pub(super) resource: Vec<(&'static str, String)>,
    /// On what is known of the resource beside: the attribute and its value.
    pub(super) metadata: Vec<(String, String)>,
    /// Whether something is asked for that nothing has.
    pub(super) impossible: bool,
}

impl Conditions {
    /// Reads those of a query string.
    pub(super) fn of(params: &Params) -> ApiResult<Self> {
        let all = |name: &str| params.all(name).map(str::to_owned).collect::<Vec<_>>();
        let [fields, operators, values, types] = ["q.field", "q.op", "q.value", "q.type"].map(all);
        if fields.len() > MOST || fields.len() != values.len() {
            return Err(ApiError::bad_request(format!(
                "Invalid input for field/attribute q: expected a value for each field and {MOST} of them at most, found {} fields and {} values",
                fields.len(),
                values.len()
            )));
        }
        let mut conditions = Self::default();
        for (at, (field, value)) in fields.iter().zip(&values).enumerate() {
            let said = |list: &[String]| list.get(at).filter(|it| !it.is_empty()).cloned();
            let operator = said(&operators).unwrap_or_else(|| "eq".to_owned());
            conditions.add(field, &operator, value, said(&types).as_deref())?;
        }
        Ok(conditions)
    }

    /// Those of a query string below a path that names the meter.
    pub(super) fn of_meter(params: &Params, name: String) -> ApiResult<Self> {
        let mut conditions = Self::of(params)?;
        let is_other = |other: &String| *other != name;
        conditions.impossible |= conditions.meter.as_ref().is_some_and(is_other);
        conditions.meter = Some(name);
        Ok(conditions)
    }

    fn add(
        &mut self,
        field: &str,
        operator: &str,
        value: &str,
        kind: Option<&str>,
    ) -> ApiResult<()> {
        check_type(kind, value)?;
        if field == "timestamp" {
            return self.add_moment(operator, value);
        }
        if operator != "eq" {
            return Err(unimplemented(operator, field));
        }
        let metadata = ["metadata.", "resource_metadata."];
        if let Some(name) = metadata.iter().find_map(|it| field.strip_prefix(it)) {
            self.metadata.push((name.to_owned(), value.to_owned()));
            return Ok(());
        }
        match field {
            "resource_id" | "resource" => self
                .resource
                .push(("original_resource_id", value.to_owned())),
            "project_id" | "project" => self.resource.push(("project_id", value.to_owned())),
            "user_id" | "user" => self.resource.push(("user_id", value.to_owned())),
            "source" => self.impossible |= value != SOURCE,
            "meter" => {
                self.impossible |= self.meter.as_deref().is_some_and(|it| it != value);
                self.meter = Some(value.to_owned());
            }
            _ => {
                return Err(ApiError::bad_request(format!(
                    "Unknown argument: \"{field}\": unrecognized field in query: {field} {operator} {value}, valid keys: {FIELDS:?}"
                )));
            }
        }
        Ok(())
    }

    fn add_moment(&mut self, operator: &str, value: &str) -> ApiResult<()> {
        let now = Timestamp::from(SystemTime::now());
        let moment = Timestamp::parse(value, now).map_err(|_| {
            ApiError::bad_request(format!(
                "Invalid input for field/attribute timestamp. Value: '{value}'. invalid timestamp format"
            ))
        })?;
        let next = Timestamp(moment.0.saturating_add(1));
        let later = |known: Option<Timestamp>, at| Some(known.map_or(at, |known| known.max(at)));
        let earlier = |known: Option<Timestamp>, at| Some(known.map_or(at, |known| known.min(at)));
        match operator {
            "ge" => self.start = later(self.start, moment),
            "gt" => self.start = later(self.start, next),
            "lt" => self.stop = earlier(self.stop, moment),
            "le" => self.stop = earlier(self.stop, next),
            _ => return Err(unimplemented(operator, "timestamp")),
        }
        Ok(())
    }

    /// Whether a moment is asked for.
    pub(super) fn takes(&self, moment: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= moment) && self.stop.is_none_or(|stop| moment < stop)
    }

    /// What the catalogue is asked of resources; `prefix` stands before the names of their fields.
    pub(super) fn filters<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = Filter> + 'a {
        let resource = self.resource.iter();
        resource.map(move |(field, value)| Filter::eq(format!("{prefix}{field}"), value.as_str()))
    }

    /// Whether this is what is asked for of a resource's metadata.
    pub(super) fn takes_metadata(&self, attributes: &serde_json::Map<String, Value>) -> bool {
        self.metadata.iter().all(|(name, value)| {
            let found = attributes.get(name);
            found.and_then(text_of).is_some_and(|text| text == *value)
        })
    }
}

/// A value of the metadata as text, as Ceilometer compares it; null is none.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        other => Some(other.to_string()),
    }
}

fn check_type(kind: Option<&str>, value: &str) -> ApiResult<()> {
    let Some(kind) = kind else { return Ok(()) };
    let is_fine = match kind {
        "integer" => value.trim().parse::<i64>().is_ok(),
        "float" => value.trim().parse::<f64>().is_ok(),
        "boolean" => matches!(
            value.to_ascii_lowercase().as_str(),
            "true" | "t" | "yes" | "y" | "on" | "1" | "false" | "f" | "no" | "n" | "off" | "0"
        ),
        "datetime" => Timestamp::parse(value, Timestamp::from(SystemTime::now())).is_ok(),
        "string" => true,
        _ => {
            return Err(ApiError::bad_request(format!(
                "The data type {kind} is not supported. The supported data type list is: {TYPES:?}"
            )));
        }
    };
    if is_fine {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "Unable to convert the value {value} to the expected data type {kind}."
    )))
}

fn unimplemented(operator: &str, field: &str) -> ApiError {
    ApiError::bad_request(format!(
        "Invalid input for field/attribute op. Value: '{operator}'. unimplemented operator for {field}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(query: &str) -> ApiResult<Conditions> {
        Conditions::of(&Params::of(query))
    }

    #[test]
    fn conditions_go_where_they_are_answered() {
        let conditions = read(
            "q.field=resource_id&q.op=eq&q.type=&q.value=a-vda&q.field=timestamp&q.op=gt&q.type=&q.value=2015-03-06T14:33:57\
             &q.field=timestamp&q.op=le&q.type=datetime&q.value=2015-03-06T15:00:00&q.field=metadata.host&q.op=&q.type=&q.value=c1",
        )
        .unwrap();
        assert_eq!(conditions.start, Some(Timestamp(1_425_652_437_000_000_001)));
        assert!(conditions.takes(Timestamp(1_425_654_000_000_000_000)));
        assert!(!conditions.takes(Timestamp(1_425_654_000_000_000_001)));
        let filters: Vec<_> = conditions.filters("resource.").collect();
        assert_eq!(
            filters,
            [Filter::eq("resource.original_resource_id", "a-vda")]
        );
        let attributes = |value| json!({"host": value}).as_object().unwrap().clone();
        assert!(conditions.takes_metadata(&attributes(json!("c1"))));
        assert!(!conditions.takes_metadata(&attributes(json!(null))));
    }

    #[test]
    fn the_narrower_of_two_moments_counts() {
        let query = |op: &str, value: &str| format!("q.field=timestamp&q.op={op}&q.value={value}");
        let both = format!("{}&{}", query("ge", "100"), query("ge", "50"));
        assert_eq!(read(&both).unwrap().start, Some(Timestamp(100_000_000_000)));
        let both = format!("{}&{}", query("lt", "100"), query("lt", "50"));
        assert_eq!(read(&both).unwrap().stop, Some(Timestamp(50_000_000_000)));
    }

    #[test]
    fn what_ceilometer_does_not_take_is_refused_in_its_words() {
        for (query, said) in [
            ("q.field=colour&q.value=red", "unrecognized field in query"),
            (
                "q.field=user_id&q.op=ne&q.value=x",
                "Value: 'ne'. unimplemented operator for user_id",
            ),
            (
                "q.field=timestamp&q.value=2015-03-06",
                "Value: 'eq'. unimplemented operator for timestamp",
            ),
            (
                "q.field=timestamp&q.op=ge&q.value=soon",
                "invalid timestamp format",
            ),
            (
                "q.field=user_id&q.type=integer&q.value=x",
                "Unable to convert the value x",
            ),
            (
                "q.field=user_id&q.type=text&q.value=x",
                "The data type text is not supported",
            ),
            ("q.field=user_id", "1 fields and 0 values"),
        ] {
            let error = read(query).unwrap_err();
            let text = error.detail.as_str().unwrap();
            assert!(text.contains(said), "{query}: {text}");
        }
    }
}
