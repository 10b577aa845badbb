//! Answers of two servers side by side. Ids that each server makes by itself are learnt where they first appear and get
//! one name for both; moments of today are all the same; numbers may differ by rounding.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::steps;

/// Relative difference that two floats may have.
const TOLERANCE: f64 = 1e-9;

/// Ids of both servers by their common name.
#[derive(Default)]
pub(crate) struct Names {
    known: BTreeMap<String, [String; 2]>,
}

/// Reads a body as JSON, with the bare NaN and infinities that Gnocchi writes; text that is none as a string.
pub(crate) fn read(body: &str) -> Value {
    let mut text = body.to_owned();
    for token in ["NaN", "-Infinity", "Infinity"] {
        for (before, after) in [
            (" ", ","),
            (" ", "]"),
            (" ", "}"),
            ("[", ","),
            ("[", "]"),
            (",", ","),
            (",", "]"),
            (":", "}"),
        ] {
            let (bare, quoted) = (
                format!("{before}{token}{after}"),
                format!("{before}\"{token}\"{after}"),
            );
            // Twice, for neighbours share a comma.
            text = text.replace(&bare, &quoted).replace(&bare, &quoted);
        }
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().filter(|byte| *byte == b'-').count() == 4
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_today(text: &str) -> bool {
    text.len() > 18 && text.starts_with("20") && text.as_bytes()[10] == b'T' && &text[..4] > "2024"
}

impl Names {
    /// How many there are; they are called `m0`, `m1`, …
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// A text with the names in braces replaced by the ids of one server.
    pub(crate) fn fill(&self, text: &str, server: usize) -> String {
        let mut text = text.to_owned();
        for (name, ids) in &self.known {
            text = text.replace(&format!("{{{name}}}"), &ids[server]);
        }
        text
    }

    /// The value with names in place of one server's ids, sets in one order, and the same for all moments of today.
    pub(crate) fn normal(&self, value: Value, server: usize) -> Value {
        match value {
            Value::String(text) if is_today(&text) => "<now>".into(),
            Value::String(mut text) => {
                for (name, ids) in &self.known {
                    text = text.replace(&ids[server], &format!("{{{name}}}"));
                }
                text.into()
            }
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.normal(item, server));
                let mut items: Vec<Value> = items.collect();
                let is_set = items.iter().all(|item| {
                    item.get("archive_policy").is_some() || item.get("back_window").is_some()
                }) || items.iter().all(|item| item.as_str().is_some());
                if is_set {
                    // By name first, for the ids of new metrics have none yet.
                    let key =
                        |item: &Value| (item.get("name").map(Value::to_string), item.to_string());
                    items.sort_by_key(key);
                }
                items.into()
            }
            Value::Object(fields) => {
                let mut out = serde_json::Map::new();
                for (key, value) in fields {
                    let Value::String(key) = self.normal(Value::String(key), server) else {
                        unreachable!()
                    };
                    out.insert(key, self.normal(value, server));
                }
                out.into()
            }
            // All as floats, so that texts of equal values are equal.
            Value::Number(number) => number.as_f64().into(),
            other => other,
        }
    }

    /// Gives a name to the ids of every new metric that both show in the same place.
    pub(crate) fn learn(&mut self, real: &Value, ours: &Value) {
        let same = |key: &str| real.get(key) == ours.get(key);
        if let (Some(Value::Object(real)), Some(Value::Object(ours))) =
            (real.get("metrics"), ours.get("metrics"))
            && same("id")
        {
            for (name, id) in real {
                ours.get(name)
                    .into_iter()
                    .for_each(|other| self.name(id, other));
            }
        }
        if let (Some(id), Some(other)) = (real.get("id"), ours.get("id"))
            && (real.get("archive_policy").is_some() || real.get("archive_policy_name").is_some())
            && same("name")
            && same("resource_id")
        {
            self.name(id, other);
        }
        match (real, ours) {
            (Value::Array(real), Value::Array(ours)) => {
                real.iter()
                    .zip(ours)
                    .for_each(|(real, ours)| self.learn(real, ours));
            }
            (Value::Object(real), Value::Object(ours)) => {
                for (key, real) in real {
                    ours.get(key)
                        .into_iter()
                        .for_each(|ours| self.learn(real, ours));
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, real: &Value, ours: &Value) {
        if let (Value::String(real), Value::String(ours)) = (real, ours)
            && real != ours
            && is_uuid(real)
            && is_uuid(ours)
        {
            let name = format!("m{}", self.known.len());
            self.known.insert(name, [real.clone(), ours.clone()]);
        }
    }
}

/// A refusal without the names of metrics and of attributes: of several that are wrong, which one is named first hangs on
/// the order of ids and of hashes.
pub(crate) fn without_names(refusal: Value) -> Value {
    let text = refusal.to_string().replace(steps::NO_METRIC, "x");
    // So say an older and a newer voluptuous, the library that checks Gnocchi's bodies.
    let text = text.replace("not a valid value @ data", "extra keys not allowed @ data");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("{m").into_iter().chain(rest.find("extra0")).min() {
        out.push_str(&rest[..at]);
        out.push('x');
        let named = rest[at..]
            .trim_start_matches("{m")
            .trim_start_matches("extra");
        rest = named
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start_matches('}');
    }
    out.push_str(rest);
    serde_json::from_str(&out).unwrap()
}

/// The first place where two values differ.
pub(crate) fn difference(real: &Value, ours: &Value, place: &str) -> Option<String> {
    match (real, ours) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let close = a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs());
            (!close).then(|| format!("{place}: {a:?} is {b:?} here"))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (a, b))| difference(a, b, &format!("{place}[{at}]")))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            let mut pairs = a.iter().zip(b.values());
            pairs.find_map(|((key, a), b)| difference(a, b, &format!("{place}.{key}")))
        }
        _ => (real != ours).then(|| format!("{place}: {real} is {ours} here")),
    }
}
