//! From the text of a scrape to the samples that the mapping asks for, with the labels that Prometheus would store them
//! under: those of the target, by `honor_labels`, and what `metric_relabel_configs` make of them.

use std::borrow::Cow;

use collector_model::Timestamp;
use exposition::{Event, Format, ParsedSample};

use super::job::{Job, Limits};
use super::label_set::LabelSet;
use super::mapping::{Labels, Sample, Samples};
use super::relabel::{self, Rule};

const NAME: &str = "__name__";
const NANOS_OF_MILLI: i64 = 1_000_000;

/// Name of a series and its labels, if it is wanted.
type Series<'a> = (Cow<'a, str>, Option<LabelSet<'a>>);

/// What becomes of the samples of a target.
#[derive(Debug)]
pub(super) struct Treatment<'t> {
    /// The target's labels.
    labels: &'t Labels,
    honor_labels: bool,
    honor_timestamps: bool,
    joins_labels: bool,
    rules: &'t [Rule],
    limits: Limits,
}

/// The samples of one scrape.
#[derive(Debug, Default)]
pub(super) struct Collected<'a> {
    /// Those that are wanted; NaN and infinite values are no measures and are left out.
    pub(super) samples: Samples<'a>,
    /// How many there were in the text.
    pub(super) scraped: usize,
    /// How many relabelling has kept.
    pub(super) kept: usize,
}

impl<'t> Treatment<'t> {
    /// As the job says for a target with these labels.
    pub(super) fn new(job: &'t Job, labels: &'t Labels) -> Self {
        Self {
            labels,
            honor_labels: job.config.honor_labels,
            honor_timestamps: job.config.honor_timestamps,
            joins_labels: job.joins_labels(),
            rules: &job.config.metric_relabel_configs,
            limits: job.limits,
        }
    }

    /// Reads a text. The error is one line: the text is not of its format, or a limit has been passed.
    pub(super) fn collect<'a>(
        &self,
        text: &'a str,
        format: Format,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Collected<'a>, String> {
        let mut collected = Collected::default();
        for event in exposition::Parser::new(text, format) {
            let Event::Sample(parsed) = event.map_err(|error| error.to_string())? else {
                continue;
            };
            collected.scraped += 1;
            let Some((name, labels)) = self.labels(&parsed, &wanted)? else {
                continue;
            };
            collected.kept += 1;
            if let Some(labels) = labels.filter(|_| parsed.value.is_finite()) {
                let timestamp = parsed.timestamp.filter(|_| self.honor_timestamps);
                let sample = Sample {
                    labels,
                    value: parsed.value,
                    rate: None,
                    timestamp: timestamp
                        .and_then(|moment| moment.0.checked_mul(NANOS_OF_MILLI))
                        .filter(|nanos| *nanos >= 0)
                        .map(Timestamp),
                };
                collected.samples.entry(name).or_default().push(sample);
            }
        }
        if collected.kept > self.limits.samples {
            return Err(format!(
                "{} samples are more than sample_limit, {}",
                collected.kept, self.limits.samples
            ));
        }
        Ok(collected)
    }

    /// The series of a sample; none where relabelling drops it.
    fn labels<'a>(
        &self,
        parsed: &ParsedSample<'a>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Series<'a>>, String> {
        if !self.joins_labels {
            // The target's labels are looked up beside the sample's, so only what is in their way is renamed.
            let kept = wanted(parsed.name).then(|| {
                let mut labels: LabelSet<'a> = parsed.labels.collect();
                if !self.honor_labels {
                    self.rename(&mut labels);
                }
                labels
            });
            return Ok(Some((Cow::Borrowed(parsed.name), kept)));
        }
        let mut labels: LabelSet<'a> = parsed.labels.collect();
        labels.set(NAME, parsed.name);
        if !self.honor_labels {
            self.rename(&mut labels);
        }
        for (name, value) in self.labels {
            if labels.find(name).is_none() {
                labels.set(name.clone(), value.clone());
            }
        }
        if !relabel::apply(self.rules, &mut labels) || labels.len() == 0 {
            return Ok(None);
        }
        self.check(&labels)?;
        let name = labels.remove(NAME);
        let name = name.ok_or("metric_relabel_configs have left a series without __name__")?;
        let kept = wanted(&name).then_some(labels);
        Ok(Some((name, kept)))
    }

    /// Renames labels that the target has too to `exported_`.
    fn rename(&self, labels: &mut LabelSet<'_>) {
        let mut conflicts: Vec<_> = self
            .labels
            .keys()
            .filter(|name| labels.find(name).is_some())
            .collect();
        conflicts.sort_by_key(|name| name.len());
        for name in conflicts {
            if let Some(value) = labels.remove(name) {
                let mut exported = format!("exported_{name}");
                while labels.find(&exported).is_some() || self.labels.contains_key(&exported) {
                    exported.insert_str(0, "exported_");
                }
                labels.set(exported, value);
            }
        }
    }

    fn check(&self, labels: &LabelSet<'_>) -> Result<(), String> {
        let passes = |limit: usize, found: usize| limit == 0 || found <= limit;
        let limits = self.limits;
        let series = || labels.get(NAME).to_owned();
        if !passes(limits.labels, labels.len()) {
            let (found, limit) = (labels.len(), limits.labels);
            return Err(format!(
                "{}: {found} labels are more than label_limit, {limit}",
                series()
            ));
        }
        for (name, value) in labels.iter() {
            if !passes(limits.label_name, name.len()) {
                let limit = limits.label_name;
                return Err(format!(
                    "{}: label {name} is longer than label_name_length_limit, {limit}",
                    series()
                ));
            }
            if !passes(limits.label_value, value.len()) {
                let limit = limits.label_value;
                return Err(format!(
                    "{}: value of {name} is longer than label_value_length_limit, {limit}",
                    series()
                ));
            }
        }
        Ok(())
    }
}

/// A sample that tells of the scrape itself, such as `up`.
pub(super) fn report<'a>(value: f64, job: &Job, target: &'a Labels) -> Vec<Sample<'a>> {
    let joined = target.iter().filter(|_| job.joins_labels());
    vec![Sample {
        labels: joined
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect(),
        value,
        rate: None,
        timestamp: None,
    }]
}

/// All samples of a text, as they are.
#[cfg(test)]
pub(super) fn plain(text: &str) -> Samples<'_> {
    let labels = Labels::new();
    let limits = Limits {
        samples: usize::MAX,
        ..Limits::default()
    };
    let treatment = Treatment {
        labels: &labels,
        honor_labels: true,
        honor_timestamps: false,
        joins_labels: false,
        rules: &[],
        limits,
    };
    treatment
        .collect(text, Format::Text, |_| true)
        .unwrap()
        .samples
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, labels, value and milliseconds of all samples of a job's scrape, in order; and how many were kept.
    fn collect(job: &str, text: &str) -> Result<(Vec<String>, usize), String> {
        let configs: Vec<_> = serde_saphyr::from_str(&format!("[{{job_name: j, {job}}}]")).unwrap();
        let job = super::super::job::jobs(&Default::default(), &configs)?
            .pop()
            .unwrap();
        let target: Labels = [("job", "j"), ("instance", "h:1"), ("exported_env", "e")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let treatment = Treatment::new(&job, &target);
        let collected = treatment.collect(text, Format::Text, |name| name != "unwanted")?;
        let mut lines: Vec<_> = collected
            .samples
            .iter()
            .flat_map(|(name, samples)| {
                samples.iter().map(move |sample| {
                    let labels: Vec<_> = sample
                        .labels
                        .to_labels()
                        .into_iter()
                        .map(|(k, v)| format!("{k}={v}"))
                        .collect();
                    let moment = sample
                        .timestamp
                        .map_or(String::new(), |at| format!(" @{}", at.0 / NANOS_OF_MILLI));
                    format!("{name}{{{}}} {}{moment}", labels.join(","), sample.value)
                })
            })
            .collect();
        lines.sort();
        Ok((lines, collected.kept))
    }

    #[test]
    fn labels_that_the_target_has_too_are_exported_or_honoured() {
        let text = "a{job=\"x\",env=\"y\"} 1 1000\nunwanted 2\nb NaN\n";
        let (lines, kept) = collect("honor_timestamps: true", text).unwrap();
        assert_eq!(
            (lines, kept),
            (vec!["a{env=y,exported_job=x} 1 @1000".to_owned()], 3)
        );
        let (lines, _) = collect("honor_labels: true, honor_timestamps: false", text).unwrap();
        assert_eq!(lines, ["a{env=y,job=x} 1"]);
        // With rules the target's labels are joined first.
        let rules = "metric_relabel_configs: [{source_labels: [__name__], regex: b|unwanted, action: drop},\
            {source_labels: [job, exported_job], target_label: both}]";
        let (lines, kept) = collect(rules, text).unwrap();
        let expected = "a{both=j;x,env=y,exported_env=e,exported_job=x,instance=h:1,job=j} 1 @1000";
        assert_eq!((lines, kept), (vec![expected.to_owned()], 1));
    }

    #[test]
    fn a_name_that_is_taken_is_exported_once_more() {
        let target: Labels = [("a", "1"), ("exported_a", "2")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let treatment = Treatment {
            labels: &target,
            honor_labels: false,
            honor_timestamps: false,
            joins_labels: false,
            rules: &[],
            limits: Limits::default(),
        };
        let mut labels: LabelSet<'_> = [("a", "x"), ("exported_a", "y"), ("b", "z")]
            .into_iter()
            .collect();
        treatment.rename(&mut labels);
        let labels: Vec<_> = labels
            .to_labels()
            .into_iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        assert_eq!(
            labels,
            [
                "b=z",
                "exported_exported_a=x",
                "exported_exported_exported_a=y"
            ]
        );
    }

    #[test]
    fn relabelling_renames_series_and_limits_fail_the_scrape() {
        let text = "a{x=\"long\"} 1\nunwanted{x=\"1\"} 2\n";
        let rename = "metric_relabel_configs: [{source_labels: [__name__], regex: unwanted, target_label: __name__, replacement: c},\
            {regex: instance|job|exported_env, action: labeldrop}]";
        let (lines, _) = collect(rename, text).unwrap();
        assert_eq!(lines, ["a{x=long} 1", "c{x=1} 2"]);
        for (job, words) in [
            ("sample_limit: 1", "2 samples are more than sample_limit, 1"),
            ("label_limit: 4", "a: 5 labels are more than label_limit, 4"),
            (
                "label_name_length_limit: 10",
                "is longer than label_name_length_limit, 10",
            ),
            (
                "label_value_length_limit: 3",
                "longer than label_value_length_limit, 3",
            ),
            (
                "metric_relabel_configs: [{regex: __name__, action: labeldrop}]",
                "without __name__",
            ),
        ] {
            let error = collect(job, text).unwrap_err();
            assert!(error.contains(words), "{job}: {error}");
        }
    }
}
