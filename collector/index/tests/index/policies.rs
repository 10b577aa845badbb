//! Archive policies and their rules.

use collector_index::{Defaults, IndexError, NewMetric};
use collector_model::{ArchivePolicy, ArchivePolicyRule, Definition, Granularity};

use crate::common::{Fixture, refusal};

fn policy(name: &str) -> ArchivePolicy {
    let low = ArchivePolicy::defaults().remove(1);
    ArchivePolicy {
        name: name.to_owned(),
        back_window: 2,
        ..low
    }
}

fn archive(seconds: i64, points: Option<u64>) -> Definition {
    let granularity = Granularity::from_nanos(seconds * 1_000_000_000);
    Definition::new(granularity, points, None).unwrap()
}

fn rule(name: &str, pattern: &str, policy: &str) -> ArchivePolicyRule {
    ArchivePolicyRule {
        name: name.to_owned(),
        metric_pattern: pattern.to_owned(),
        archive_policy_name: policy.to_owned(),
    }
}

#[tokio::test]
async fn a_new_catalogue_has_the_policies_of_gnocchi_and_ceilometer_sorted_by_name() {
    let fixture = Fixture::new().await;
    let policies = fixture.index.archive_policies().await.unwrap();
    let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
    let mut expected: Vec<String> = ArchivePolicy::defaults()
        .into_iter()
        .map(|policy| policy.name)
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    for default in ArchivePolicy::defaults() {
        let kept = fixture.index.archive_policy(&default.name).await.unwrap();
        assert_eq!(*kept, default);
    }
}

#[tokio::test]
async fn a_bare_catalogue_has_nothing_but_the_type_generic() {
    let fixture = Fixture::with(Defaults::Bare).await;
    assert!(fixture.index.archive_policies().await.unwrap().is_empty());
    assert!(
        fixture
            .index
            .archive_policy_rules()
            .await
            .unwrap()
            .is_empty()
    );
    let types = fixture.index.resource_types().await.unwrap();
    assert_eq!(types.len(), 1);
    assert_eq!(types[0].name, "generic");
}

#[tokio::test]
async fn a_created_policy_comes_back_as_it_was() {
    let fixture = Fixture::new().await;
    let mut new = policy("mine");
    new.definition = vec![
        archive(1, None),
        archive(3600, Some(5)),
        archive(60, Some(9)),
    ];
    fixture.index.create_archive_policy(&new).await.unwrap();
    assert_eq!(*fixture.index.archive_policy("mine").await.unwrap(), new);
    let again = fixture.index.create_archive_policy(&new).await;
    assert_eq!(refusal(again), "Archive policy mine already exists");
    let missing = fixture.index.archive_policy("other").await;
    assert_eq!(refusal(missing), "Archive policy other does not exist");
}

#[tokio::test]
async fn an_update_changes_points_and_the_back_window_but_never_granularities() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let metric = NewMetric {
        archive_policy_name: Some("low".to_owned()),
        ..NewMetric::default()
    };
    let metric = index.create_metric(metric).await.unwrap();
    let longer = vec![archive(300, Some(9_000))];
    let updated = index
        .update_archive_policy("low", longer.clone(), None)
        .await
        .unwrap();
    assert_eq!(updated.definition, longer);
    assert_eq!(index.archive_policy("low").await.unwrap(), updated);
    // Also where the metric is in memory already.
    assert_eq!(
        index.metric(metric.id).await.unwrap().archive_policy,
        updated
    );
    assert_eq!(
        index.metrics_of_archive_policy("low").await.unwrap(),
        [metric.id]
    );
    let finer = index
        .update_archive_policy("low", vec![archive(60, Some(1))], None)
        .await;
    assert_eq!(
        refusal(finer),
        "Archive policy low does not support change: 300.0 granularity interval was changed"
    );
    let missing = index
        .update_archive_policy("other", longer.clone(), None)
        .await;
    assert_eq!(refusal(missing), "Archive policy other does not exist");
    let later = index
        .update_archive_policy("low", longer.clone(), Some(3))
        .await
        .unwrap();
    assert_eq!((later.back_window, &later.definition), (3, &longer));
    assert_eq!(index.archive_policy("low").await.unwrap(), later);
    let same = index.update_archive_policy("low", longer, None).await;
    assert_eq!(same.unwrap(), later);
}

#[tokio::test]
async fn a_policy_in_use_is_not_deleted() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    index.create_archive_policy(&policy("mine")).await.unwrap();
    let new = rule("mine", "mine.*", "mine");
    index.create_archive_policy_rule(&new).await.unwrap();
    let by_rule = index.delete_archive_policy("mine").await;
    assert_eq!(refusal(by_rule), "Archive policy mine is still in use");
    let metric = NewMetric {
        name: Some("mine.own".to_owned()),
        ..NewMetric::default()
    };
    let metric = index.create_metric(metric).await.unwrap();
    index.delete_archive_policy_rule("mine").await.unwrap();
    let by_metric = index.delete_archive_policy("mine").await;
    assert!(matches!(by_metric, Err(IndexError::ArchivePolicyInUse(_))));
    index.delete_metric(metric.id).await.unwrap();
    let by_deleted_metric = index.delete_archive_policy("mine").await;
    assert!(matches!(
        by_deleted_metric,
        Err(IndexError::ArchivePolicyInUse(_))
    ));
    index.expunge_metrics(&[metric.id]).await.unwrap();
    index.delete_archive_policy("mine").await.unwrap();
    let gone = index.delete_archive_policy("mine").await;
    assert_eq!(refusal(gone), "Archive policy mine does not exist");
}

#[tokio::test]
async fn the_longest_pattern_that_matches_decides() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    for new in [
        rule("disk", "disk.*", "medium"),
        rule("io", "disk.io.*", "high"),
    ] {
        index.create_archive_policy_rule(&new).await.unwrap();
    }
    let rules = index.archive_policy_rules().await.unwrap();
    let tried: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(tried, ["io", "disk", "default"]);
    for (name, policy) in [
        (Some("disk.io.rate"), "high"),
        (Some("disk.size"), "medium"),
        (Some("cpu"), "low"),
        (None, "low"),
    ] {
        assert_eq!(index.archive_policy_for(name).await.unwrap().name, policy);
    }
    index.delete_archive_policy_rule("default").await.unwrap();
    let none = index.archive_policy_for(Some("cpu")).await;
    assert_eq!(refusal(none), "No Archive policy rule found for metric cpu");
}

#[tokio::test]
async fn a_rule_needs_a_policy_and_a_name_of_its_own() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let dangling = index
        .create_archive_policy_rule(&rule("new", "*", "other"))
        .await;
    assert_eq!(refusal(dangling), "Archive policy other does not exist");
    let taken = index
        .create_archive_policy_rule(&rule("default", "x", "low"))
        .await;
    assert_eq!(refusal(taken), "Archive policy rule default already exists");
    let missing = index.archive_policy_rule("new").await;
    assert_eq!(refusal(missing), "Archive policy rule new does not exist");
    let missing = index.delete_archive_policy_rule("new").await;
    assert_eq!(refusal(missing), "Archive policy rule new does not exist");
}

#[tokio::test]
async fn a_rule_is_renamed_unless_the_name_is_taken() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let other = rule("other", "x", "low");
    index.create_archive_policy_rule(&other).await.unwrap();
    let renamed = index
        .rename_archive_policy_rule("other", "new")
        .await
        .unwrap();
    assert_eq!(renamed, rule("new", "x", "low"));
    assert_eq!(index.archive_policy_rule("new").await.unwrap(), renamed);
    let taken = index.rename_archive_policy_rule("new", "default").await;
    assert_eq!(
        refusal(taken),
        "Archive policy rule new does not support change: Archive policy rule default already exists."
    );
    let missing = index.rename_archive_policy_rule("other", "x").await;
    assert_eq!(refusal(missing), "Archive policy rule other does not exist");
}
