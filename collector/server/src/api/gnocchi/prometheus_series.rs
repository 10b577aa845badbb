//! Series of remote write that nobody knows yet: their resource is `job@instance` of the type `prometheus` as in Gnocchi,
//! and is created with its metrics where it is missing.

use std::collections::{BTreeMap, HashMap};

use collector_model::{Attribute, AttributeType, MetricId};
use serde_json::{Map, Value};

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::named_metrics::{Kind, NamedResource, resolve};
use crate::app::App;
use crate::ingest::remote_write::{Labels, Received, SeriesKey};

/// Resource type of what is written.
const RESOURCE_TYPE: &str = "prometheus";
/// What stands for a label that a series does not have.
const NO_LABEL: &str = "none";

/// What came of series that were not known.
#[derive(Default)]
pub(super) struct New {
    /// Measures of refused resources.
    pub(super) lost: usize,
    /// Why the first of these was refused.
    pub(super) refused: Option<ApiError>,
    /// Measures of series that cannot be a metric.
    pub(super) bad: usize,
    /// What is wrong with the first of these.
    pub(super) bad_series: Option<String>,
}

/// Finds or creates the metrics of the series that have none yet, and remembers them.
pub(super) async fn resolve_new(
    app: &App,
    caller: &Caller,
    received: &Received<'_>,
    metrics: &mut [Option<MetricId>],
) -> ApiResult<New> {
    let mut new = New::default();
    let mut targets = Targets::default();
    let series = received.series().zip(received.keys()).zip(metrics.iter());
    for (at, (((series, measures), key), _)) in series
        .enumerate()
        .filter(|(_, (_, metric))| metric.is_none())
    {
        let one = NewSeries { at, key, measures };
        if let Err(reason) = targets.add(one, &series.read()?) {
            new.bad += measures;
            new.bad_series.get_or_insert(reason);
        }
    }
    let kind = Kind {
        name: RESOURCE_TYPE,
        attributes: Some(attributes()),
    };
    let answers = resolve(app, caller, &kind, &targets.resources()).await?;
    let mut known = Vec::new();
    for (target, answer) in targets.targets.into_iter().zip(answers) {
        let ensured = match answer {
            Ok(ensured) => ensured,
            Err(error) => {
                new.lost += target
                    .series
                    .iter()
                    .map(|(one, _)| one.measures)
                    .sum::<usize>();
                new.refused.get_or_insert(error);
                continue;
            }
        };
        for (series, name) in target.series {
            let Some(ensured_metric) = ensured.metrics.get(name) else {
                continue;
            };
            let id = ensured_metric.metric.id;
            if let Some(metric) = metrics.get_mut(series.at) {
                *metric = Some(id);
            }
            let current = ensured.current.clone();
            known.extend(current.map(|current| (series.key, id, current)));
        }
    }
    app.series.keep(known.into_iter());
    Ok(new)
}

/// Attributes of the resource type, as Gnocchi creates it.
fn attributes() -> BTreeMap<String, Attribute> {
    let text = || Attribute {
        kind: AttributeType::String {
            min_length: 1,
            max_length: 512,
        },
        required: true,
    };
    [("instance", text()), ("job", text())]
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .into()
}

/// A series that is not known.
#[derive(Debug, Clone, Copy)]
struct NewSeries {
    /// Its place in the request.
    at: usize,
    key: SeriesKey,
    /// How many measures it has.
    measures: usize,
}

/// One job and instance.
struct Target<'a> {
    job: &'a str,
    instance: &'a str,
    /// Names of its metrics, each once.
    names: Vec<&'a str>,
    /// Series with the place of their name.
    series: Vec<(NewSeries, usize)>,
}

/// New series by resource and metric.
#[derive(Default)]
struct Targets<'a> {
    /// Place in `targets` by job and instance.
    places: HashMap<(&'a str, &'a str), usize>,
    targets: Vec<Target<'a>>,
    /// Place in a target's names, by the target's place and the name.
    names: HashMap<(usize, &'a str), usize>,
}

impl<'a> Targets<'a> {
    /// Adds a series; the error says why it cannot be a metric.
    fn add(&mut self, series: NewSeries, labels: &Labels<'a>) -> Result<(), String> {
        let name = labels.get("__name__").filter(|name| !name.contains('/'));
        let name =
            name.ok_or_else(|| format!("series without a usable __name__: {:?}", labels.0))?;
        let job = labels.get("job").unwrap_or(NO_LABEL);
        let instance = labels.get("instance").unwrap_or(NO_LABEL);
        let next = self.targets.len();
        let place = *self.places.entry((job, instance)).or_insert(next);
        if place == next {
            self.targets.push(Target {
                job,
                instance,
                names: Vec::new(),
                series: Vec::new(),
            });
        }
        if let Some(target) = self.targets.get_mut(place) {
            let next = target.names.len();
            let at = *self.names.entry((place, name)).or_insert(next);
            if at == next {
                target.names.push(name);
            }
            target.series.push((series, at));
        }
        Ok(())
    }

    fn resources(&self) -> Vec<NamedResource<'a>> {
        let named = self.targets.iter().map(|target| NamedResource {
            // Gnocchi takes no slash in an id.
            original: format!("{}@{}", target.job, target.instance).replace('/', "_"),
            attributes: Map::from_iter([
                ("job".to_owned(), Value::String(target.job.to_owned())),
                (
                    "instance".to_owned(),
                    Value::String(target.instance.to_owned()),
                ),
            ]),
            metrics: target.names.clone(),
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::remote_write::SeriesCache;

    #[test]
    fn series_are_put_together_by_job_instance_and_name() {
        let cache = SeriesCache::default();
        let key = cache.key(cache.sender("me"), b"labels");
        let mut targets = Targets::default();
        let mut add = |labels: &[(&'static str, &'static str)], at| {
            let series = NewSeries {
                at,
                key,
                measures: 1,
            };
            targets.add(series, &Labels(labels.to_vec()))
        };
        let cpu = [
            ("__name__", "cpu"),
            ("instance", "a:9100"),
            ("job", "k/node"),
        ];
        add(&cpu, 0).unwrap();
        add(&[("__name__", "up")], 1).unwrap();
        add(&cpu, 2).unwrap();
        let refused = add(&[("job", "nameless")], 3).unwrap_err();
        assert!(refused.contains("nameless"), "{refused}");
        add(&[("__name__", "a/b")], 4).unwrap_err();
        let resources = targets.resources();
        let found: Vec<_> = resources
            .iter()
            .map(|one| (one.original.as_str(), one.metrics.as_slice()))
            .collect();
        assert_eq!(
            found,
            [
                ("k_node@a:9100", ["cpu"].as_slice()),
                ("none@none", &["up"]),
            ]
        );
        assert_eq!(resources[0].attributes["job"], "k/node");
        let series = targets.targets.iter().map(|target| {
            let series = target.series.iter();
            series
                .map(|(one, name)| (one.at, *name))
                .collect::<Vec<_>>()
        });
        let expected = [vec![(0, 0), (2, 0)], vec![(1, 0)]];
        assert_eq!(series.collect::<Vec<_>>(), expected);
    }
}
