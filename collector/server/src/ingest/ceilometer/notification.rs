//! A notification of an OpenStack service as oslo.messaging puts it on the bus: the envelope 2.0, or what stood there
//! before envelopes. Read into the form that Ceilometer's definitions have paths for: `payload`, `publisher_id`, `ctxt`,
//! `metadata`.

use serde_json::{Map, Value, json};

/// Version of the envelope that is understood: this major one, and no newer minor one.
const ENVELOPE: (u32, u32) = (2, 0);
/// What the fields of the sender's context begin with.
const CONTEXT: &str = "_context_";
/// What a polling agent calls its samples for the notification agent.
const POLLED: &str = "telemetry.polling";

/// A notification.
#[derive(Debug, PartialEq)]
pub(crate) struct Notification {
    pub(super) event_type: String,
    /// All of it.
    pub(super) body: Value,
}

impl Notification {
    /// Reads a message.
    ///
    /// # Errors
    /// Why it is none: the message can never be read.
    pub(crate) fn read(message: &[u8]) -> Result<Self, String> {
        let message: Value = serde_json::from_slice(message)
            .map_err(|error| format!("message: no JSON: {error}"))?;
        let Value::Object(mut message) = message else {
            return Err("message: expected an object".to_owned());
        };
        if let (Some(version), Some(inner)) =
            (message.get("oslo.version"), message.get("oslo.message"))
        {
            check(version)?;
            let inner = inner.as_str().ok_or("oslo.message: expected a text")?;
            message = serde_json::from_str(inner)
                .map_err(|error| format!("oslo.message: no JSON object: {error}"))?;
        }
        let Some(Value::String(event_type)) = message.get("event_type") else {
            return Err("notification: event_type: expected a text".to_owned());
        };
        let event_type = event_type.clone();
        let mut context = Map::new();
        for (key, value) in &mut message {
            if let Some(name) = key.strip_prefix(CONTEXT) {
                context.insert(name.to_owned(), value.take());
            }
        }
        let mut take = |name: &str| message.remove(name).unwrap_or_default();
        let body = json!({
            "event_type": event_type,
            "publisher_id": take("publisher_id"),
            "priority": take("priority"),
            "payload": take("payload"),
            "metadata": {"message_id": take("message_id"), "timestamp": take("timestamp")},
            "ctxt": context,
        });
        Ok(Self { event_type, body })
    }

    /// The samples or events that it only carries, if it does: those of a publisher `notifier://`, or of a polling agent.
    pub(super) fn carried(&mut self) -> Option<Vec<Value>> {
        let payload = self.body.get_mut("payload")?;
        let carried = match self.event_type == POLLED {
            true => payload.get_mut("samples")?,
            false => payload,
        };
        carried.as_array_mut().map(std::mem::take)
    }
}

fn check(version: &Value) -> Result<(), String> {
    let text = version.as_str().unwrap_or_default();
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let known = major.parse() == Ok(ENVELOPE.0)
        && minor.parse().is_ok_and(|minor: u32| minor <= ENVELOPE.1);
    match known {
        true => Ok(()),
        false => Err(format!("oslo.version: expected 2.0, found {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner() -> Value {
        json!({
            "message_id": "m", "publisher_id": "compute.c1", "event_type": "image.delete", "priority": "INFO",
            "payload": {"id": "i"}, "timestamp": "2026-01-01 00:00:00.5", "_context_user_id": "u", "_unique_id": "q",
        })
    }

    fn read(message: &Value) -> Result<Notification, String> {
        Notification::read(message.to_string().as_bytes())
    }

    #[test]
    fn an_envelope_and_what_was_before_it_give_the_same() {
        let envelope = json!({"oslo.version": "2.0", "oslo.message": inner().to_string()});
        let enveloped = read(&envelope).unwrap();
        assert_eq!(Ok(&enveloped), read(&inner()).as_ref());
        assert_eq!(enveloped.event_type, "image.delete");
        assert_eq!(enveloped.body["ctxt"], json!({"user_id": "u"}));
        assert_eq!(
            enveloped.body["metadata"]["timestamp"],
            "2026-01-01 00:00:00.5"
        );
        assert_eq!(enveloped.body["payload"]["id"], "i");
    }

    #[test]
    fn lists_and_polled_samples_are_only_carried() {
        let of = |event_type: &str, payload: Value| {
            let mut message = inner();
            message["event_type"] = event_type.into();
            message["payload"] = payload;
            read(&message).unwrap().carried()
        };
        assert_eq!(of("metering", json!([1])), Some(vec![json!(1)]));
        assert_eq!(
            of("telemetry.polling", json!({"samples": [2]})),
            Some(vec![json!(2)])
        );
        assert_eq!(of("telemetry.polling", json!({})), None);
        assert_eq!(of("image.delete", json!({"samples": [2]})), None);
    }

    #[test]
    fn what_is_no_notification_says_why() {
        for (message, expected) in [
            (json!(3), "message: expected an object"),
            (json!({}), "notification: event_type: expected a text"),
            (
                json!({"oslo.version": "3.0", "oslo.message": "{}"}),
                "oslo.version: expected 2.0, found \"3.0\"",
            ),
            (
                json!({"oslo.version": "2.1", "oslo.message": "{}"}),
                "oslo.version: expected 2.0, found \"2.1\"",
            ),
            (
                json!({"oslo.version": "2.0", "oslo.message": {}}),
                "oslo.message: expected a text",
            ),
            (
                json!({"oslo.version": "2.0", "oslo.message": "[]"}),
                "oslo.message: no JSON object: invalid type: sequence, expected a map at line 1 column 0",
            ),
        ] {
            assert_eq!(read(&message).unwrap_err(), expected);
        }
        assert!(
            Notification::read(b"{")
                .unwrap_err()
                .starts_with("message: no JSON")
        );
    }
}
