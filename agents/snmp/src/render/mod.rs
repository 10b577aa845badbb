//! From what a walk found to metrics, the same as snmp_exporter's: names, labels, HELP, types and values.

mod date;
mod index;
mod labels;
mod strptime;
mod table;
mod text;
mod value;

use std::collections::HashSet;

use async_snmp::Value;
use exposition::{Families, MetricType};

use crate::config::{ExtractFile, Kind, MetricFile, Module};
use labels::RowLabels;
pub(crate) use table::Table;
pub(crate) use value::push_text;

/// Writes the metrics of `module` that `table` has values for, and returns what was looked up in vain in columns that may
/// be remembered ones. `wrap` keeps counters of 64 bits exact.
pub(crate) fn render(
    module: &Module,
    table: &Table,
    wrap: bool,
    out: &mut Families,
) -> HashSet<Vec<u32>> {
    let mut labels = RowLabels::default();
    let mut text = String::new();
    for (arcs, value) in table.iter() {
        let Some((metric, index)) = module.metric_of(arcs) else {
            continue;
        };
        labels.fill(metric, index, table);
        let mut row = Row {
            metric,
            arcs,
            table,
            labels: &labels,
            text: &mut text,
            wrap,
            out,
        };
        row.render(value);
    }
    labels.missing
}

/// One value on its way out.
struct Row<'r, 'm> {
    metric: &'m MetricFile,
    arcs: &'r [u32],
    table: &'r Table,
    labels: &'r RowLabels<'m>,
    text: &'r mut String,
    wrap: bool,
    out: &'r mut Families,
}

impl Row<'_, '_> {
    fn render(&mut self, value: &Value) {
        let metric = self.metric;
        match metric.kind {
            Kind::Counter => self.plain(MetricType::Counter, value::number(value, self.wrap)),
            Kind::Gauge | Kind::Float | Kind::Double => {
                self.plain(MetricType::Gauge, value::number(value, self.wrap));
            }
            Kind::DateAndTime => self.date(value::bytes(value).and_then(date::date_and_time)),
            Kind::NTPTimeStamp => self.date(value::bytes(value).and_then(date::ntp)),
            Kind::ParseDateAndTime => {
                self.text.clear();
                value::push_text(value, Some(Kind::DisplayString), "", self.text);
                let seconds = strptime::parse(self.text, &metric.datetime_pattern);
                self.date(seconds);
            }
            Kind::EnumAsInfo => self.info(value::integer(value)),
            Kind::EnumAsStateSet => self.state_set(value::integer(value)),
            Kind::Bits => {
                if let Some(bytes) = value::bytes(value) {
                    self.bits(bytes);
                }
            }
            kind => self.string(kind, value),
        }
    }

    /// A sample of the metric itself.
    fn plain(&mut self, kind: MetricType, value: f64) {
        let value = scaled(self.metric, value);
        let labels = self.labels.with(None);
        let mut family = self.out.family(&self.metric.name, &self.metric.help, kind);
        family.sample(&labels, value);
    }

    fn date(&mut self, seconds: Option<i64>) {
        if let Some(seconds) = seconds {
            self.plain(MetricType::Gauge, seconds as f64);
        }
    }

    /// A sample with one more label, called as the metric.
    fn told(&mut self, suffix: &str, remark: &str, text: &str, value: f64) {
        let name = format!("{}{suffix}", self.metric.name);
        let help = format!("{} ({remark})", self.metric.help);
        let labels = self.labels.with(Some((&self.metric.name, text)));
        self.out
            .family(&name, &help, MetricType::Gauge)
            .sample(&labels, value);
    }

    fn info(&mut self, number: i64) {
        if self.labels.has(&self.metric.name) {
            return; // An index already tells the state.
        }
        let number_text = number.to_string();
        let state = self.metric.enum_values.get(&number).unwrap_or(&number_text);
        self.told("_info", "EnumAsInfo", state, 1.0);
    }

    fn state_set(&mut self, number: i64) {
        let metric = self.metric;
        if !metric.enum_values.contains_key(&number) {
            self.told("", "EnumAsStateSet", &number.to_string(), 1.0);
        }
        for (state_number, state) in &metric.enum_values {
            let is_it = f64::from(u8::from(*state_number == number));
            self.told("", "EnumAsStateSet", state, is_it);
        }
    }

    fn bits(&mut self, bytes: &[u8]) {
        let metric = self.metric;
        for (number, name) in &metric.enum_values {
            // The first bit is the highest of the first byte.
            let number = usize::try_from(*number).ok();
            let is_set = number.is_some_and(|number| {
                let byte = bytes.get(number / 8).copied().unwrap_or_default();
                byte & (128 >> (number % 8)) != 0
            });
            self.told("", "Bits", name, f64::from(u8::from(is_set)));
        }
    }

    fn string(&mut self, kind: Kind, value: &Value) {
        let metric = self.metric;
        let kind = match kind.combined(0) {
            None => kind,
            Some(_) => {
                let mut instance = self.arcs.to_vec();
                labels::subtype(metric.oid.arcs().len(), &mut instance, self.table)
                    .and_then(|subtype| kind.combined(subtype).flatten())
                    .unwrap_or(Kind::OctetString)
            }
        };
        let mut text = std::mem::take(self.text);
        text.clear();
        value::push_text(value, Some(kind), &metric.display_hint, &mut text);
        if metric.regex_extracts.is_empty() {
            let label = (metric.name.as_str(), text.as_str());
            let labels = self
                .labels
                .with((!self.labels.has(&metric.name)).then_some(label));
            let mut family = self
                .out
                .family(&metric.name, &metric.help, MetricType::Gauge);
            family.sample(&labels, scaled(metric, 1.0));
        } else {
            self.extracts(&text);
        }
        *self.text = text;
    }

    fn extracts(&mut self, text: &str) {
        let metric = self.metric;
        for (suffix, extracts) in &metric.regex_extracts {
            let Some(number) = extracts.iter().find_map(|extract| number_in(text, extract)) else {
                continue;
            };
            let name = format!("{}{suffix}", metric.name);
            let help = format!("{} (regex extracted)", metric.help);
            let labels = self.labels.with(None);
            let mut family = self.out.family(&name, &help, MetricType::Gauge);
            family.sample(&labels, scaled(metric, number));
        }
    }
}

fn number_in(text: &str, extract: &ExtractFile) -> Option<f64> {
    let captures = extract.regex.0.regex.captures(text)?;
    let mut number = String::new();
    captures.expand(&extract.value, &mut number);
    number.parse().ok()
}

fn scaled(metric: &MetricFile, value: f64) -> f64 {
    let factor = if metric.scale == 0.0 {
        1.0
    } else {
        metric.scale
    };
    value * factor + metric.offset
}

#[cfg(test)]
mod tests;
