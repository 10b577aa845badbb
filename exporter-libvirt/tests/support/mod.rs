//! What the tests share: the exporter beside a libvirtd of its own, and one scrape of it, taken apart.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test program uses a part of it; a failed assumption fails the test loudly"
)]

pub(crate) mod bracket;
pub(crate) mod domains;
pub(crate) mod relay;

use exposition::{Families, Format, parse_families};
use testkit::{Running, Shipped, http, scrape};

/// The shipped exporter, asking the libvirt at `uri`.
pub(crate) fn exporter(uri: &str, flags: &[&str]) -> Running {
    Shipped::new(env!("CARGO_BIN_EXE_nephoscope-exporter-libvirt"))
        .arg(format!("--libvirt.uri={uri}"))
        .args(flags)
        .start()
}

/// One scrape.
pub(crate) struct Scraped {
    /// As it came.
    pub(crate) text: String,
    families: Families,
}

impl Scraped {
    /// Scrapes once; panics on anything but a whole, valid exposition without double series.
    pub(crate) fn of(exporter: &Running) -> Scraped {
        let text = http::get(&exporter.url("/metrics"))
            .expect_status(200)
            .text();
        let families = parse_families(&text, Format::Text)
            .unwrap_or_else(|error| panic!("{error} in:\n{text}"));
        assert_eq!(families.problems(), [], "in:\n{text}");
        Scraped { text, families }
    }

    /// The value of the one sample of `family` that has all the labels; `None` if there is none, panics if several.
    pub(crate) fn find(&self, family: &str, labels: &[(&str, &str)]) -> Option<f64> {
        scrape::metric(&self.families, family, labels)
    }

    /// As [`Scraped::find`]; panics, showing the scrape, if there is none.
    pub(crate) fn value(&self, family: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(family, labels)
            .unwrap_or_else(|| panic!("no {family} with {labels:?} in:\n{}", self.text))
    }

    /// The names of all families that have a sample with the label.
    pub(crate) fn families_with(&self, label: (&str, &str)) -> Vec<&str> {
        let families = self.families.iter().filter(|family| {
            family
                .samples()
                .any(|sample| sample.label(label.0).as_deref() == Some(label.1))
        });
        families.map(|family| family.name()).collect()
    }
}
