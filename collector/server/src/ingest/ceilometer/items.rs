//! A body of samples or events one by one, so that only what is needed of each stays in memory: a list, or a single one.

use std::fmt;

use serde::Deserialize as _;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Gives every item of a JSON text to `take`. What was taken before an error stays taken.
///
/// # Errors
/// Where the text is no JSON, or neither a list nor an object.
pub(super) fn for_each(text: &[u8], take: impl FnMut(Value)) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Items(take).deserialize(&mut deserializer)?;
    deserializer.end()
}

struct Items<F>(F);

impl<'de, F: FnMut(Value)> DeserializeSeed<'de> for Items<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Value)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples or events")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, object: A) -> Result<(), A::Error> {
        (self.0)(Value::deserialize(MapAccessDeserializer::new(object))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn items(text: &str) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        let read = for_each(text.as_bytes(), |item| items.push(item));
        read.map_err(|error| error.to_string()).map(|()| items)
    }

    #[test]
    fn a_list_and_a_single_one_are_read_and_nothing_else() {
        assert_eq!(
            items("[1, {\"a\": []}]"),
            Ok(vec![json!(1), json!({"a": []})])
        );
        assert_eq!(items("{\"a\": 1}"), Ok(vec![json!({"a": 1})]));
        assert_eq!(items("[]"), Ok(vec![]));
        for (text, expected) in [
            ("3", "expected a list of samples or events"),
            ("[1", "EOF"),
            ("[1] 2", "trailing characters"),
            ("", "EOF"),
        ] {
            let error = items(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
