//! The same samples and events to a real Gnocchi and to a collector: of Debian's Ceilometer over http and by its gnocchi
//! publisher, of PyPI's newest by its gnocchi publisher to both.

use crate::content::content;
use crate::release::Release;
use crate::support::Collector;
use crate::support::gnocchi::{self, start_gnocchi};
use crate::{cloud, endpoint, publish, publish_by, publish_http, upgrade, upgrade_by};

/// Compares all that they hold.
fn assert_same(real: &str, collector: &Collector) {
    let (expected, found) = (content(real), content(&endpoint(collector)));
    for (id, expected) in &expected {
        assert_eq!(found.get(id), Some(expected), "{id}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn a_real_gnocchi_holds_the_same_after_the_same_samples_and_events() {
    let dir = tempfile::tempdir().unwrap();
    let gnocchi = start_gnocchi(dir.path(), gnocchi::Release::V4_4);
    let real = gnocchi.url("").trim_end_matches('/').to_owned();
    upgrade(&real);
    let collector = Collector::start();
    for rounds in [cloud::samples(), cloud::events()] {
        publish(&real, "gnocchi://", &rounds);
        publish_http(&collector, "", &rounds);
        assert_same(&real, &collector);
    }
}

#[test]
fn a_real_gnocchi_holds_the_same_after_the_newest_ceilometers_upgrade_samples_and_events() {
    let dir = tempfile::tempdir().unwrap();
    let release = gnocchi::Release::V4_7;
    let gnocchi = start_gnocchi(dir.path(), release);
    let real = gnocchi.url("").trim_end_matches('/').to_owned();
    let compatibility = release.compatibility();
    let collector = Collector::configured(&format!(
        "storage: {{defaults: bare}}\napi: {{compatibility: '{compatibility}'}}\n"
    ));
    let both = [real.clone(), endpoint(&collector)];
    for endpoint in &both {
        upgrade_by(Release::Newest, endpoint);
    }
    let url = Release::Newest.publisher_without_keystone();
    for rounds in [cloud::samples(), cloud::events()] {
        for endpoint in &both {
            publish_by(Release::Newest, endpoint, &url, &rounds);
        }
        assert_same(&real, &collector);
    }
    let types = collector.json("/v1/resource_type");
    assert!(types.as_array().unwrap().len() >= 22, "{types}");
}
