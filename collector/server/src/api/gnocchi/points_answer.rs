//! Answers with many points: their text is written while it is sent, so that it is never whole in memory. What comes to
//! be sent is computed before, so that a refusal is told by the status.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;

use super::aggregates_measures::{ByMetric, Measures};
use super::bounds::Bounds;
use super::computing::{Answer, stream};
use super::error::ApiResult;
use super::json::{reply_text, to_text};
use super::points::{Point, write_points};
use crate::app::App;

/// Points of an answer that is written at once, without a turn to wait for.
const AT_ONCE: usize = 2_000;
/// Points that are written between two looks at how much waits to be sent.
const CHUNK: usize = 1_000;

/// Where text goes.
pub(super) trait Output {
    /// What is written and not sent.
    fn text(&mut self) -> &mut String;
    /// Sends what is written where it is enough. An error ends the work.
    fn pass_on(&mut self) -> ApiResult<()>;
}

impl Output for String {
    fn text(&mut self) -> &mut String {
        self
    }

    fn pass_on(&mut self) -> ApiResult<()> {
        Ok(())
    }
}

impl Output for Answer {
    fn text(&mut self) -> &mut String {
        &mut self.text
    }

    fn pass_on(&mut self) -> ApiResult<()> {
        Answer::pass_on(self)
    }
}

/// A part of an answer; together they are its JSON.
#[derive(Debug)]
pub(super) enum Part {
    /// Text as it stands.
    Text(String),
    /// A list of points.
    Points(Vec<Point>),
    /// What an aggregate gives.
    Measures(Measures),
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Part {
    fn points(&self) -> usize {
        let of_metrics = |metrics: &ByMetric| -> usize {
            let series = metrics.values().flat_map(|series| series.values());
            series.map(Vec::len).sum()
        };
        match self {
            Self::Text(_) => 0,
            Self::Points(points) | Self::Measures(Measures::Aggregated(points)) => points.len(),
            Self::Measures(Measures::OfMetrics(metrics)) => of_metrics(metrics),
            Self::Measures(Measures::OfResources(resources)) => {
                resources.values().map(of_metrics).sum()
            }
        }
    }

    fn write(self, out: &mut impl Output) -> ApiResult<()> {
        match self {
            Self::Text(text) => {
                out.text().push_str(&text);
                out.pass_on()
            }
            Self::Points(points) => write_list(&points, out),
            Self::Measures(Measures::Aggregated(points)) => {
                out.text().push_str("{\"aggregated\": ");
                write_list(&points, out)?;
                out.text().push('}');
                Ok(())
            }
            Self::Measures(Measures::OfMetrics(metrics)) => write_metrics(metrics, out),
            Self::Measures(Measures::OfResources(resources)) => {
                let resources = resources.into_iter();
                let resources = resources.map(|(id, metrics)| (id.to_string(), metrics));
                write_object(resources, out, |metrics, out| write_metrics(metrics, out))
            }
        }
    }
}

fn write_metrics(metrics: ByMetric, out: &mut impl Output) -> ApiResult<()> {
    write_object(metrics, out, |series, out| {
        write_object(series, out, |points: Vec<Point>, out| {
            write_list(&points, out)
        })
    })
}

fn write_object<V, O: Output>(
    fields: impl IntoIterator<Item = (String, V)>,
    out: &mut O,
    mut write: impl FnMut(V, &mut O) -> ApiResult<()>,
) -> ApiResult<()> {
    out.text().push('{');
    for (at, (name, value)) in fields.into_iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        let text = out.text();
        text.push_str(comma);
        text.push_str(&to_text(&name));
        text.push_str(": ");
        write(value, out)?;
    }
    out.text().push('}');
    Ok(())
}

/// Writes points as one list.
fn write_list(points: &[Point], out: &mut impl Output) -> ApiResult<()> {
    out.text().push('[');
    let mut first = true;
    for chunk in points.chunks(CHUNK) {
        write_points(chunk.iter().copied(), first, out.text());
        first = false;
        out.pass_on()?;
    }
    out.text().push(']');
    Ok(())
}

/// Answers 200 with these parts.
pub(super) async fn reply_parts(app: &App, bounds: Bounds, parts: Vec<Part>) -> ApiResult {
    let count: usize = parts.iter().map(Part::points).sum();
    if count <= AT_ONCE {
        let mut text = String::new();
        for part in parts {
            part.write(&mut text)?;
        }
        return Ok(reply_text(StatusCode::OK, text));
    }
    stream(Arc::clone(&app.metrics), bounds, move |answer| {
        parts.into_iter().try_for_each(|part| part.write(answer))
    })
    .await
}

/// The parts of a list of groups, each with its measures.
pub(super) fn groups(found: Vec<(String, Vec<Part>)>) -> Vec<Part> {
    let mut parts = vec!["[".into()];
    for (at, (group, measures)) in found.into_iter().enumerate() {
        if at > 0 {
            parts.push(", ".into());
        }
        let group = ("group", vec![Part::Text(group)]);
        parts.extend(object([group, ("measures", measures)]));
    }
    parts.push("]".into());
    parts
}

/// The parts of an object by the names of its fields.
pub(super) fn object(fields: impl IntoIterator<Item = (impl Serialize, Vec<Part>)>) -> Vec<Part> {
    let mut parts = vec!["{".into()];
    for (at, (name, value)) in fields.into_iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        parts.push(Part::Text(format!("{comma}{}: ", to_text(&name))));
        parts.extend(value);
    }
    parts.push("}".into());
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::gnocchi::resample::Sampling;
    use collector_model::{Granularity, Timestamp};

    fn text(part: Part) -> String {
        let mut text = String::new();
        part.write(&mut text).unwrap();
        text
    }

    fn points(count: i64) -> Vec<Point> {
        let sampling = Sampling::Fixed(Granularity::from_nanos(1_000_000_000).unwrap());
        let point = |second| Point {
            timestamp: Timestamp(second * 1_000_000_000),
            sampling,
            value: 1.5,
        };
        (0..count).map(point).collect()
    }

    #[test]
    fn measures_are_written_under_their_names() {
        let series = BTreeMap::from([("mean".to_owned(), points(1))]);
        let metrics: ByMetric = BTreeMap::from([("a \"b\"".to_owned(), series)]);
        let point = "[[\"1970-01-01T00:00:00+00:00\", 1.0, 1.5]]";
        assert_eq!(
            text(Part::Measures(Measures::Aggregated(points(1)))),
            format!("{{\"aggregated\": {point}}}")
        );
        let of_metrics = format!("{{\"a \\\"b\\\"\": {{\"mean\": {point}}}}}");
        assert_eq!(
            text(Part::Measures(Measures::OfMetrics(metrics.clone()))),
            of_metrics
        );
        let id = uuid::Uuid::from_u128(7);
        let resources = BTreeMap::from([(id, metrics)]);
        assert_eq!(
            text(Part::Measures(Measures::OfResources(resources))),
            format!("{{\"{id}\": {of_metrics}}}")
        );
    }

    #[test]
    fn a_long_list_is_one_list() {
        for count in [0, 1, 999, 1_000, 1_001, 2_500] {
            let text = text(Part::Points(points(count)));
            let read: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(read.len() as i64, count);
        }
    }
}
