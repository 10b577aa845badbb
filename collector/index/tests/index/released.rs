//! Catalogues that former versions of the program have left: they are opened with all that is in them.

use crate::common::{Fixture, Place, all, host, id_of, load, names, open};
use crate::durability::everything;
use collector_index::{Defaults, Filter};

/// What each version of the schema adds to the one before, as that version's program has written it.
const VERSIONS: [&str; 2] = if crate::POSTGRESQL {
    [
        include_str!("../fixtures/postgresql/1.sql"),
        include_str!("../fixtures/postgresql/2.sql"),
    ]
} else {
    [
        include_str!("../fixtures/sqlite/1.sql"),
        include_str!("../fixtures/sqlite/2.sql"),
    ]
};

/// A catalogue of that version, brought up to date.
async fn of_version(version: usize) -> Fixture {
    let place = Place::new();
    for statements in &VERSIONS[..version] {
        load(&place, statements).await;
    }
    let index = open(place.database(), Defaults::Full).await.unwrap();
    Fixture { index, place }
}

#[tokio::test]
async fn a_catalogue_of_every_released_schema_is_opened_with_all_that_is_in_it() {
    for version in 1..=VERSIONS.len() {
        let fixture = of_version(version).await;
        assert_eq!(names(&fixture.list(all("generic")).await), ["b", "a"]);
        let a = fixture.index.resource("host", id_of("a")).await.unwrap();
        assert_eq!(a.attributes["host_name"], "renamed");
        let mut history = all("host");
        history.history = true;
        assert_eq!(fixture.list(history).await.len(), 2);
        let cpu = fixture
            .index
            .metric_of_resource(id_of("b"), "cpu")
            .await
            .unwrap();
        assert_eq!(cpu.archive_policy.name, "low");
        let policies = fixture.index.archive_policies().await.unwrap();
        assert!(!policies.is_empty() && policies.iter().all(|policy| policy.name != "bool"));
        let mut by_name = all("host");
        by_name.filter = Some(Filter::eq("host_name", "renamed"));
        assert_eq!(names(&fixture.list(by_name).await), ["a"]);
        fixture.resource(host("c")).await;
    }
}

#[tokio::test]
async fn it_does_not_matter_which_version_a_catalogue_was_made_with() {
    let (first, second) = (of_version(1).await, of_version(2).await);
    assert_eq!(everything(&first).await, everything(&second).await);
    let again = second.reopen().await;
    assert_eq!(everything(&first).await, everything(&again).await);
}
