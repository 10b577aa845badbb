//! The series of one request with their measures, in lists that serve all of them: nothing is allocated for a single
//! series or sample. Knows which samples are no measures, and of several series that go to one metric which one counts.

use std::ops::Range;

use collector_model::{Measure, MetricId, Timestamp};
use collector_storage::{SortedBatch, StoreError};

use super::v1::{self, Labels, Sample, Unused};
use super::{SeriesKey, Version, WireError, is_stale, v2};

const NANOS_OF_MILLI: i64 = 1_000_000;

/// A series of either version.
#[derive(Debug, Clone, Copy)]
enum Series<'a> {
    V1(v1::Series<'a>),
    V2(v2::Series<'a>),
}

/// A series that has measures.
#[derive(Debug)]
struct Arrived<'a> {
    series: Series<'a>,
    key: SeriesKey,
    /// Its measures among those of the request.
    measures: Range<usize>,
}

/// What a request has brought.
#[derive(Debug, Default)]
pub(crate) struct Received<'a> {
    series: Vec<Arrived<'a>>,
    /// The texts of a request of version 2.0.
    symbols: Vec<&'a str>,
    measures: Vec<Measure>,
    /// Samples that only say that their series has ended.
    pub(crate) stale: usize,
    /// Samples of a moment that no measure can have.
    pub(crate) bad: usize,
    /// What is wrong with the first of them.
    pub(crate) refused: Option<String>,
    /// What no measure is made of.
    pub(crate) unused: Unused,
}

impl<'a> Received<'a> {
    /// Reads a request; `key` stands for a series by the bytes of its labels, which take so many as `limit` at most.
    pub(crate) fn read(
        version: Version,
        request: &'a [u8],
        limit: usize,
        key: impl Fn(&[u8]) -> SeriesKey,
    ) -> Result<Self, WireError> {
        let mut received = Self::default();
        let mut unused = Unused::default();
        match version {
            Version::V1 => v1::read(request, &mut unused, |series, samples| {
                let name = || name_of(series.labels());
                let measures = received.take(samples, name);
                if !measures.is_empty() {
                    let key = key(&series.label_bytes());
                    received.arrived(Series::V1(series), key, measures);
                }
                Ok::<_, WireError>(())
            })?,
            Version::V2 => {
                let symbols = v2::symbols(request)?;
                v2::read(
                    request,
                    &symbols,
                    limit,
                    &mut unused,
                    |series, labels, samples| {
                        let name = || name_of(series.labels(&symbols));
                        let measures = received.take(samples, name);
                        if !measures.is_empty() {
                            received.arrived(Series::V2(series), key(labels), measures);
                        }
                    },
                )?;
                received.symbols = symbols;
            }
        }
        received.unused = unused;
        Ok(received)
    }

    /// Adds those of the samples that are measures.
    fn take(&mut self, samples: &[Sample], name: impl Fn() -> String) -> Range<usize> {
        let first = self.measures.len();
        for sample in samples {
            let nanos = sample.timestamp.checked_mul(NANOS_OF_MILLI);
            match nanos.filter(|nanos| *nanos >= 0) {
                _ if is_stale(sample.value) => self.stale += 1,
                Some(nanos) => {
                    let measure = Measure::new(Timestamp(nanos), sample.value);
                    self.measures.push(measure);
                }
                None => {
                    self.bad += 1;
                    let moment = sample.timestamp;
                    self.refused.get_or_insert_with(|| {
                        format!(
                            "{}: timestamp {moment} ms is not between 1970 and 2262",
                            name()
                        )
                    });
                }
            }
        }
        first..self.measures.len()
    }

    fn arrived(&mut self, series: Series<'a>, key: SeriesKey, measures: Range<usize>) {
        self.series.push(Arrived {
            series,
            key,
            measures,
        });
    }

    /// What stands for the series, in their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = SeriesKey> {
        self.series.iter().map(|arrived| arrived.key)
    }

    /// The labels of the series with how many measures they have, in their order.
    pub(crate) fn series(&self) -> impl Iterator<Item = (LabelsOf<'_, 'a>, usize)> {
        let series = self.series.iter();
        series.map(|arrived| {
            let labels = LabelsOf {
                series: arrived.series,
                symbols: &self.symbols,
            };
            (labels, arrived.measures.len())
        })
    }

    /// The measures by the metrics of their series; those without one are left out. Of several series that go to one
    /// metric the last one counts; the second number is that of the others' measures.
    pub(crate) fn batch(
        &self,
        metrics: &[Option<MetricId>],
    ) -> Result<(SortedBatch, usize), StoreError> {
        let known = metrics.iter().zip(0_u32..);
        // As numbers, which are compared at once.
        let known = known.filter_map(|(metric, at)| Some(((*metric)?.as_u128(), at)));
        let mut order: Vec<(u128, u32)> = known.collect();
        order.sort_unstable();
        let mut same_name = 0;
        let mut stretches = Vec::with_capacity(order.len());
        for group in order.chunk_by(|(a, _), (b, _)| a == b) {
            let arrived = |at: &u32| self.series.get(*at as usize);
            let last = group.last().and_then(|(_, at)| arrived(at));
            for (metric, at) in group {
                match (arrived(at), last) {
                    (Some(one), Some(last)) if one.key == last.key => {
                        stretches.push((MetricId::from_u128(*metric), one.measures.clone()));
                    }
                    (one, _) => same_name += one.map_or(0, |one| one.measures.len()),
                }
            }
        }
        let batch = SortedBatch::of_stretches(stretches, &self.measures)?;
        Ok((batch, same_name))
    }
}

/// The labels of a series, which nobody has read yet.
#[derive(Debug)]
pub(crate) struct LabelsOf<'r, 'a> {
    series: Series<'a>,
    symbols: &'r [&'a str],
}

impl<'a> LabelsOf<'_, 'a> {
    /// Reads them.
    pub(crate) fn read(&self) -> Result<Labels<'a>, WireError> {
        match self.series {
            Series::V1(series) => series.labels(),
            Series::V2(series) => series.labels(self.symbols),
        }
    }
}

fn name_of(labels: Result<Labels<'_>, WireError>) -> String {
    let labels = labels.unwrap_or_default();
    labels.get("__name__").unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::SeriesCache;
    use super::*;

    fn field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend([number << 3 | 2, u8::try_from(bytes.len()).unwrap()]);
        out.extend(bytes);
    }

    fn series(labels: &[(&str, &str)], samples: &[(f64, i64)], out: &mut Vec<u8>) {
        let mut message = Vec::new();
        for (name, value) in labels {
            let mut label = Vec::new();
            field(1, name.as_bytes(), &mut label);
            field(2, value.as_bytes(), &mut label);
            field(1, &label, &mut message);
        }
        for (value, moment) in samples {
            let mut sample = vec![0x09];
            sample.extend(value.to_le_bytes());
            sample.push(0x10);
            let mut rest = moment.cast_unsigned();
            while rest >= 0x80 {
                sample.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            sample.push(rest as u8);
            field(2, &sample, &mut message);
        }
        field(1, &message, out);
    }

    fn read(request: &[u8]) -> Received<'_> {
        let cache = SeriesCache::default();
        let sender = cache.sender("me");
        Received::read(Version::V1, request, usize::MAX, |labels| {
            cache.key(sender, labels)
        })
        .unwrap()
    }

    fn batch(received: &Received<'_>, metrics: &[u128]) -> (Vec<(u128, Vec<f64>)>, usize) {
        let ids = metrics.iter().map(|id| Some(MetricId::from_u128(*id)));
        let ids: Vec<_> = ids.collect();
        let (batch, same_name) = received.batch(&ids).unwrap();
        let groups = batch.iter().map(|(metric, measures)| {
            let values = measures.iter().map(|measure| measure.value);
            (metric.as_u128(), values.collect())
        });
        (groups.collect(), same_name)
    }

    #[test]
    fn what_is_no_measure_is_counted_and_left_out() {
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let mut request = Vec::new();
        let samples = [(stale, 1), (f64::NAN, 2), (1.0, -1)];
        series(&[("__name__", "up")], &samples, &mut request);
        series(&[("__name__", "quiet")], &[], &mut request);
        let received = read(&request);
        assert_eq!((received.stale, received.bad), (1, 1));
        let refused = received.refused.as_ref().unwrap();
        assert!(refused.starts_with("up: timestamp -1 ms"), "{refused}");
        assert_eq!(received.series().map(|(_, count)| count).sum::<usize>(), 1);
    }

    #[test]
    fn a_series_that_comes_in_parts_is_put_together() {
        // Prometheus sends each sample as a series of its own.
        let mut request = Vec::new();
        for second in [3, 1, 2] {
            let value = second as f64;
            let name = [("__name__", "up")];
            series(&name, &[(value, second * 1_000)], &mut request);
        }
        let groups = batch(&read(&request), &[7, 7, 7]);
        assert_eq!(groups, (vec![(7, vec![1.0, 2.0, 3.0])], 0));
    }

    #[test]
    fn of_several_series_that_go_to_one_metric_the_last_one_counts() {
        let mut request = Vec::new();
        let user = [("__name__", "cpu"), ("mode", "user")];
        let idle = [("__name__", "cpu"), ("mode", "idle")];
        series(&user, &[(1.0, 1_000)], &mut request);
        series(&idle, &[(2.0, 1_000), (3.0, 2_000)], &mut request);
        series(&user, &[(4.0, 2_000)], &mut request);
        series(&[("__name__", "up")], &[(5.0, 1_000)], &mut request);
        let groups = batch(&read(&request), &[7, 7, 7, 3]);
        assert_eq!(groups, (vec![(3, vec![5.0]), (7, vec![1.0, 4.0])], 2));
    }
}
