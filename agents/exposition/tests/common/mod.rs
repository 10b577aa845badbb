//! Collections of any content for the property tests, and a way to compare two of them.

use exposition::{Families, Format, MetricType, Suffix, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::select;
use proptest::{option, prop_oneof};

/// Text with more than its share of what has to be escaped.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let special = select(vec![
        '\\', '"', '\n', '\r', '\t', ' ', '{', '}', ',', '#', 'n', 'é',
    ]);
    vec(prop_oneof![special, any::<char>()], 0..8).prop_map(String::from_iter)
}

fn kind() -> impl Strategy<Value = MetricType> {
    use MetricType::{Counter, Gauge, Histogram, Info, StateSet, Summary, Untyped};
    prop_oneof![
        Just(Counter),
        Just(Gauge),
        Just(Histogram),
        Just(Summary),
        Just(Untyped),
        Just(Info),
        Just(StateSet)
    ]
}

#[derive(Debug, Clone)]
struct Sample {
    part: Suffix,
    labels: Vec<(String, String)>,
    bound: String,
    value: f64,
    time: Option<Timestamp>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let labels = btree_map("[a-zA-Z][a-zA-Z0-9_]{0,6}", text(), 0..4);
    // Whole numbers are spelled differently in OpenMetrics, on purpose.
    let bound = prop_oneof![
        Just("0.5".to_owned()),
        Just("1.0".to_owned()),
        Just("+Inf".to_owned())
    ];
    // As far as a double holds milliseconds exactly.
    let time = option::of((-(1_i64 << 50)..1 << 50).prop_map(Timestamp));
    let part = select(vec![
        Suffix::Bucket,
        Suffix::Sum,
        Suffix::Count,
        Suffix::Created,
    ]);
    let parts = (part, labels, bound, any::<f64>(), time);
    parts.prop_map(|(part, labels, bound, value, time)| Sample {
        part,
        labels: labels.into_iter().collect(),
        bound,
        value,
        time,
    })
}

/// Any valid collection; what the model refuses is not in it.
pub(crate) fn families() -> impl Strategy<Value = Families> {
    let family = (
        "[a-zA-Z0-9_:]{0,8}",
        text(),
        kind(),
        any::<bool>(),
        vec(sample(), 0..6),
    );
    vec(family, 0..5).prop_map(|families| {
        let mut model = Families::new();
        for (at, (name, help, kind, unit, samples)) in families.into_iter().enumerate() {
            let unit = if unit { "_seconds" } else { "_x" };
            let plain = match kind {
                MetricType::Counter => "_total",
                MetricType::Info => "_info",
                _ => "",
            };
            let name = format!("f{at}{name}{unit}{plain}");
            let mut family = model.family(&name, &help, kind);
            family.unit(unit.trim_start_matches('_'));
            for sample in &samples {
                add(&mut family, &name, kind, sample);
            }
        }
        model
    })
}

fn add(family: &mut exposition::FamilyWriter<'_>, name: &str, kind: MetricType, sample: &Sample) {
    let suffix = match kind {
        MetricType::Counter if sample.part != Suffix::Created => Suffix::None,
        MetricType::Summary if sample.part == Suffix::Bucket => Suffix::None,
        MetricType::Counter | MetricType::Histogram | MetricType::Summary => sample.part,
        _ => Suffix::None,
    };
    let mut labels: Vec<_> = sample
        .labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    match (kind, suffix) {
        (MetricType::Histogram, Suffix::Bucket) => labels.push(("le", &sample.bound)),
        (MetricType::Summary, Suffix::None) => labels.push(("quantile", &sample.bound)),
        (MetricType::StateSet, _) => labels.push((name, &sample.bound)),
        _ => {}
    }
    match sample.time {
        Some(time) => family.suffixed_at(suffix, &labels, sample.value, time),
        None => family.suffixed(suffix, &labels, sample.value),
    };
}

/// One sample in a form that can be compared, NaN included.
pub(crate) type Line = (Suffix, String, u64, Option<Timestamp>);

/// A family likewise: name, HELP, type, unit and samples.
pub(crate) type Shown = (String, String, MetricType, Option<String>, Vec<Line>);

/// Everything that a format carries of a collection.
pub(crate) fn carried(families: &Families, format: Format) -> Vec<Shown> {
    let text = format == Format::Text;
    let kind = |kind| match kind {
        MetricType::Info | MetricType::StateSet if text => MetricType::Gauge,
        other => other,
    };
    let samples = |family: &exposition::FamilyRef<'_>| -> Vec<Line> {
        let samples = family
            .samples()
            .filter(|sample| !text || sample.suffix != Suffix::Created);
        samples
            .map(|sample| {
                let bits = if sample.value.is_nan() {
                    f64::NAN.to_bits()
                } else {
                    sample.value.to_bits()
                };
                (
                    sample.suffix,
                    sample.label_text.to_owned(),
                    bits,
                    sample.timestamp,
                )
            })
            .collect()
    };
    families
        .iter()
        .map(|family| {
            let unit = family.unit().filter(|_| !text).map(str::to_owned);
            (
                family.name().to_owned(),
                family.help().to_owned(),
                kind(family.kind()),
                unit,
                samples(&family),
            )
        })
        .filter(|(.., samples)| !samples.is_empty())
        .collect()
}
