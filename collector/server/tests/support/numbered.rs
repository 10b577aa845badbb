//! Measures by which a loss is seen: number n is the value n at second n of a series, written by each of the inputs by
//! HTTP. What is read back says which numbers are there.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{ADMIN, Collector, JSON, remote_write};

/// The archive policy of all series: a window for each second, however late its measure comes.
pub(crate) const POLICY: &str = "each-second";

/// An input by HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Gnocchi,
    RemoteWrite,
    InfluxDb,
    Ceilometer,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [
        Self::Gnocchi,
        Self::RemoteWrite,
        Self::InfluxDb,
        Self::Ceilometer,
    ];

    /// Its name among the collector's own metrics.
    pub(crate) fn input(self) -> &'static str {
        match self {
            Self::Gnocchi => "gnocchi",
            Self::RemoteWrite => "remote_write",
            Self::InfluxDb => "influxdb",
            Self::Ceilometer => "ceilometer",
        }
    }

    /// The status of an acknowledgement.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Gnocchi | Self::RemoteWrite | Self::Ceilometer => 202,
            Self::InfluxDb => 204,
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Gnocchi => "/v1/batch/resources/metrics/measures?create_metrics=true",
            Self::RemoteWrite => "/v1/prometheus/write",
            Self::InfluxDb => "/v1/influxdb/write?db=numbered&precision=s",
            Self::Ceilometer => "/v1/ceilometer/samples",
        }
    }

    pub(crate) fn headers(self) -> [(&'static str, &'static str); 2] {
        let content = match self {
            Self::Gnocchi | Self::Ceilometer => JSON,
            Self::RemoteWrite => ("content-encoding", "snappy"),
            Self::InfluxDb => ("content-type", "text/plain"),
        };
        [ADMIN, content]
    }

    /// A request with these numbers of a series.
    pub(crate) fn body(self, series: &str, numbers: &[u64]) -> Vec<u8> {
        match self {
            Self::Gnocchi => {
                let measures = numbers
                    .iter()
                    .map(|number| json!({"timestamp": number, "value": number}));
                let measures = measures.collect::<Value>();
                let entry = json!({"archive_policy_name": POLICY, "measures": measures});
                json!({series: {"each.n": entry}}).to_string().into_bytes()
            }
            Self::RemoteWrite => {
                let labels = [
                    ("__name__", "each.n".to_owned()),
                    ("instance", "i".to_owned()),
                    ("job", series.to_owned()),
                ];
                let samples = numbers
                    .iter()
                    .map(|number| (*number as f64, number * 1_000));
                remote_write::request([(labels, samples.collect())].into_iter())
            }
            Self::InfluxDb => {
                let lines = numbers
                    .iter()
                    .map(|number| format!("each,host={series} n={number} {number}\n"));
                lines.collect::<String>().into_bytes()
            }
            Self::Ceilometer => {
                let samples = numbers.iter().map(|number| {
                    json!({
                        "name": "each.n", "resource_id": series, "volume": number, "unit": "n", "project_id": "p",
                        "timestamp": moment(*number), "resource_metadata": {},
                    })
                });
                samples.collect::<Value>().to_string().into_bytes()
            }
        }
    }

    /// The numbers of a series that are there. Fails where one has another value than was sent.
    pub(crate) fn read(self, collector: &Collector, series: &str) -> BTreeSet<u64> {
        let resource = match self {
            Self::RemoteWrite => format!("{series}@i"),
            _ => series.to_owned(),
        };
        let path = format!(
            "/v1/resource/generic/{resource}/metric/each.n/measures?aggregation=sum&granularity=1"
        );
        let answer = collector.get(&path);
        if answer.status == 404 {
            return BTreeSet::new();
        }
        let points = answer.expect_status(200).json();
        let points = points.as_array().unwrap().iter();
        let numbers = points.map(|point| {
            let value = point[2].as_f64().unwrap();
            let number = value as u64;
            let expected = format!("{}+00:00", moment(number));
            assert_eq!(point[0].as_str(), Some(expected.as_str()), "{self:?}");
            assert_eq!(number as f64, value, "{self:?}: {point} was sent by nobody");
            number
        });
        numbers.collect()
    }
}

/// Configuration by which Ceilometer's samples are taken; its file is put into the directory.
pub(crate) fn configuration(dir: &Path) -> String {
    let file = dir.join("gnocchi_resources.yaml");
    let definitions = format!(
        "resources: [{{resource_type: generic, metrics: {{each.n: {{archive_policy_name: {POLICY}}}}}}}]"
    );
    std::fs::write(&file, definitions).unwrap();
    format!(
        "ceilometer: {{resources_definition_file: {}}}\n",
        file.display()
    )
}

/// Makes what the series need: policy and rule, InfluxDB's database, and the resources of Gnocchi's series, which its way
/// does not make by itself.
pub(crate) fn prepare(collector: &Collector, series_of_gnocchi: &[String]) {
    let policy = json!({
        "name": POLICY, "aggregation_methods": ["sum", "count"], "back_window": 999_999,
        "definition": [{"granularity": 1, "points": 1_000_000}],
    });
    collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
    let rule = json!({"name": POLICY, "metric_pattern": "each*", "archive_policy_name": POLICY});
    collector
        .post("/v1/archive_policy_rule", &rule)
        .expect_status(201);
    collector
        .post("/v1/resource_type", &json!({"name": "numbered"}))
        .expect_status(201);
    for id in series_of_gnocchi {
        collector
            .post("/v1/resource/generic", &json!({"id": id}))
            .expect_status(201);
    }
}

/// Second `number` of January 1970 in ISO 8601.
fn moment(number: u64) -> String {
    let (day, hour) = (1 + number / 86_400, number / 3_600 % 24);
    let (minute, second) = (number / 60 % 60, number % 60);
    format!("1970-01-{day:02}T{hour:02}:{minute:02}:{second:02}")
}
