//! The same samples and events to Debian's Gnocchi, by Ceilometer's gnocchi publisher, and to a collector over http.

use crate::content::content;
use crate::support::Collector;
use crate::support::gnocchi::{Release, start_gnocchi};
use crate::{cloud, endpoint, publish, publish_http, upgrade};

#[test]
fn a_real_gnocchi_holds_the_same_after_the_same_samples_and_events() {
    let dir = tempfile::tempdir().unwrap();
    let gnocchi = start_gnocchi(dir.path(), Release::V4_4);
    let real = gnocchi.url("").trim_end_matches('/').to_owned();
    upgrade(&real);
    let collector = Collector::start();
    for rounds in [cloud::samples(), cloud::events()] {
        publish(&real, "gnocchi://", &rounds);
        publish_http(&collector, "", &rounds);
        let (expected, found) = (content(&real), content(&endpoint(&collector)));
        for (id, expected) in &expected {
            assert_eq!(found.get(id), Some(expected), "{id}");
        }
        assert_eq!(found.len(), expected.len());
    }
}
