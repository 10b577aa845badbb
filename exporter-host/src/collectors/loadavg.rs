//! The load averages: how many tasks were runnable or in uninterruptible sleep, averaged over 1, 5 and 15 minutes by
//! the kernel. Source: the first three fields of `/proc/loadavg`.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "loadavg",
    default_on: true,
    help: "load averages from /proc/loadavg",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(LoadAvg {
        file: config.roots.proc("loadavg"),
    }))
}

struct LoadAvg {
    file: KernelFile,
}

impl Collector for LoadAvg {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let [one, five, fifteen] = self.file.parse(parse)?;
        out.gauge("node_load1", "1m load average.", one);
        out.gauge("node_load5", "5m load average.", five);
        out.gauge("node_load15", "15m load average.", fifteen);
        Ok(())
    }
}

/// The averages over 1, 5 and 15 minutes.
fn parse(text: &str) -> Result<[f64; 3], ParseError> {
    let mut fields = text.split_ascii_whitespace();
    let mut averages = [0.0; 3];
    for average in &mut averages {
        *average = fields
            .next()
            .and_then(|field| field.parse().ok())
            .filter(|value: &f64| value.is_finite())
            .ok_or_else(|| ParseError::at(0, "three load averages", text.trim_end()))?;
    }
    Ok(averages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_fields_are_the_averages() {
        assert_eq!(
            parse("0.21 0.37 0.39 1/719 19737\n"),
            Ok([0.21, 0.37, 0.39])
        );
    }

    #[test]
    fn fewer_fields_or_words_are_refused() {
        for text in ["", "0.21 0.37", "0.21 0.37 much", "0.21 0.37 NaN 1/2 3"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("expected three load averages"), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".*") {
            let _ = parse(&text);
        }
    }
}
