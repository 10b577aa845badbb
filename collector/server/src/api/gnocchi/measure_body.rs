//! Reads measures out of request bodies straight into numbers, without a JSON tree in between: lists of
//! `{"timestamp": …, "value": …}`, alone or as entries of a batch. What is wrong with them is said in Gnocchi's words;
//! whose measures they are is the endpoints' business.

use std::borrow::Cow;
use std::fmt;

use collector_model::{Measure, Timestamp, TimestampInput};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A list of measures as it came.
#[derive(Debug, Default)]
pub(super) struct RawMeasures<'de> {
    timestamps: Vec<TimestampInput<'de>>,
    values: Vec<Option<f64>>,
    malformed: bool,
}

/// One entry of a batch by resource and metric name: measures, and what a new metric is to be like.
#[derive(Debug, Default)]
pub(super) struct RawEntry<'de> {
    /// The measures.
    pub(super) measures: RawMeasures<'de>,
    /// Policy of the metric, should it be created.
    pub(super) archive_policy_name: Option<String>,
    /// Unit of the metric, should it be created.
    pub(super) unit: Option<String>,
}

impl RawMeasures<'_> {
    /// The measures; `now` is what relative timestamps start from.
    pub(super) fn resolve(self, now: Timestamp) -> Result<Vec<Measure>, String> {
        if self.malformed {
            return Err("unexpected measures format".to_owned());
        }
        let timestamps = Timestamp::parse_all(&self.timestamps, now)
            .map_err(|error| format!("unexpected timestamp '{error}'"))?;
        let pairs = timestamps.into_iter().zip(self.values);
        let measures = pairs.map(|(timestamp, value)| Some(Measure::new(timestamp, value?)));
        let measures: Option<Vec<Measure>> = measures.collect();
        measures.ok_or_else(|| "unexpected measures value".to_owned())
    }

    fn fill<'de, A: SeqAccess<'de>>(mut list: A) -> Result<RawMeasures<'de>, A::Error> {
        let capacity = list.size_hint().unwrap_or(0).min(4096);
        let mut measures = RawMeasures {
            timestamps: Vec::with_capacity(capacity),
            values: Vec::with_capacity(capacity),
            malformed: false,
        };
        while let Some(RawMeasure { timestamp, value }) = list.next_element()? {
            let timestamp = match timestamp {
                Some(Scalar::Number(seconds)) => TimestampInput::Seconds(seconds),
                Some(Scalar::Text(text)) => TimestampInput::Text(text),
                _ => {
                    measures.malformed = true;
                    continue;
                }
            };
            measures.timestamps.push(timestamp);
            measures.values.push(match value {
                Some(Scalar::Number(value)) => Some(value),
                Some(Scalar::Text(text)) => text.trim().parse().ok(),
                _ => None,
            });
        }
        Ok(measures)
    }
}

/// A number, a text, or something that is neither.
enum Scalar<'de> {
    Number(f64),
    Text(Cow<'de, str>),
    Other,
}

/// The fields of one measure; none of them in what is no object.
#[derive(Default)]
struct RawMeasure<'de> {
    timestamp: Option<Scalar<'de>>,
    value: Option<Scalar<'de>>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum MeasureField {
    Timestamp,
    Value,
    #[serde(other)]
    Other,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum EntryField {
    ArchivePolicyName,
    Unit,
    Measures,
}

/// Implements the scalar methods of a visitor that takes every type, giving `$other` for all of them.
macro_rules! other_scalars {
    ($other:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($other)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($other)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($other)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($other)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($other)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($other)
        }
    };
}

fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Number(f64::from(u8::from(value))))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value as f64))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                skip_list(list).map(|()| Scalar::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
                skip_object(object).map(|()| Scalar::Other)
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Deserialize<'de> for RawMeasure<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MeasureVisitor;
        impl<'de> Visitor<'de> for MeasureVisitor {
            type Value = RawMeasure<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a measure")
            }
            other_scalars!(RawMeasure::default());
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                skip_list(list).map(|()| RawMeasure::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut measure = RawMeasure::default();
                while let Some(field) = object.next_key()? {
                    match field {
                        MeasureField::Timestamp => measure.timestamp = Some(object.next_value()?),
                        MeasureField::Value => measure.value = Some(object.next_value()?),
                        MeasureField::Other => drop(object.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(measure)
            }
        }
        deserializer.deserialize_any(MeasureVisitor)
    }
}

fn malformed<'de>() -> RawMeasures<'de> {
    RawMeasures {
        malformed: true,
        ..RawMeasures::default()
    }
}

impl<'de> Deserialize<'de> for RawMeasures<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MeasuresVisitor;
        impl<'de> Visitor<'de> for MeasuresVisitor {
            type Value = RawMeasures<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of measures")
            }
            other_scalars!(malformed());
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                RawMeasures::fill(list)
            }
            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
                skip_object(object).map(|()| malformed())
            }
        }
        deserializer.deserialize_any(MeasuresVisitor)
    }
}

impl<'de> Deserialize<'de> for RawEntry<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = RawEntry<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of measures or an object with one")
            }
            other_scalars!(RawEntry {
                measures: malformed(),
                ..RawEntry::default()
            });
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                let measures = RawMeasures::fill(list)?;
                Ok(RawEntry {
                    measures,
                    ..RawEntry::default()
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut entry = RawEntry::default();
                while let Some(field) = object.next_key()? {
                    match field {
                        EntryField::ArchivePolicyName => {
                            entry.archive_policy_name = Some(object.next_value()?);
                        }
                        EntryField::Unit => entry.unit = Some(object.next_value()?),
                        EntryField::Measures => entry.measures = object.next_value()?,
                    }
                }
                Ok(entry)
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

#[cfg(test)]
#[path = "measure_body_tests.rs"]
mod tests;
