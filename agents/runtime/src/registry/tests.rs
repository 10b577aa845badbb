//! Tests of the registry: sharing, deadlines, takeover, panics, reload, and that no thread is left over. Collectors wait
//! for the test and not for time; the only time that matters is the deadline itself.

mod doubles;

use std::sync::atomic::Ordering;

use super::*;
use crate::collector::{CollectError, Collector, Scrape};
use doubles::{counting, waiting};

/// Never reached in a test that passes.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

async fn collect(registry: &Registry, deadline: Instant) -> String {
    let mut families = Families::new();
    registry
        .collect(&registry.all(), deadline, &mut families)
        .await;
    let mut text = String::new();
    exposition::encode(&families, exposition::Format::Text, &mut text);
    text
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

/// Waits until the registry's numbers are so.
async fn until(registry: &Registry, reached: impl Fn(RegistryStats) -> bool) {
    let end = far();
    while !reached(registry.stats()) {
        assert!(Instant::now() < end, "still {:?}", registry.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn all_collectors_are_run_and_told_of() {
    let (count, collector) = counting("first");
    let registry = Registry::new("node", vec![("a", collector), ("b", counting("second").1)]);
    for _ in 0..3 {
        let text = collect(&registry, far()).await;
        assert!(
            has(&text, "node_scrape_collector_success{collector=\"a\"} 1"),
            "{text}"
        );
        assert!(
            has(
                &text,
                "# HELP node_scrape_collector_success node_exporter: Whether a collector succeeded."
            ),
            "{text}"
        );
        assert!(
            text.contains("node_scrape_collector_duration_seconds{collector=\"b\"} "),
            "{text}"
        );
    }
    assert_eq!(count.load(Ordering::SeqCst), 3);
    assert_eq!(
        registry.stats(),
        RegistryStats {
            stuck: 0,
            runners: 1,
            panics: 0,
            timeouts: 0
        }
    );
}

#[tokio::test]
async fn scrapes_that_meet_a_collector_at_work_share_its_result() {
    let (gate, collector) = waiting();
    let registry = Registry::new("x", vec![("slow", collector)]);
    let scrapes: Vec<_> = (0..3)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move { collect(&registry, far()).await })
        })
        .collect();
    // All three are polled to their waiting before this task goes on, for the test has one thread.
    tokio::task::yield_now().await;
    gate.entered.recv().unwrap();
    gate.go_on.send(()).unwrap();
    for scrape in scrapes {
        let text = scrape.await.unwrap();
        assert!(
            has(&text, "waited 1")
                && has(&text, "x_scrape_collector_success{collector=\"slow\"} 1"),
            "{text}"
        );
    }
    assert_eq!(gate.updates.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stuck_collector_costs_only_itself_and_is_not_started_again() {
    let (gate, collector) = waiting();
    let (count, other) = counting("other");
    let registry = Registry::new("x", vec![("stuck", collector), ("other", other)]);
    for round in 1..=3 {
        // Only the first waits for its deadline; who knows that a collector is stuck does not wait for it.
        let deadline = match round {
            1 => Instant::now() + Duration::from_secs(2),
            _ => far(),
        };
        let scrape = tokio::time::timeout_at(
            (far() - Duration::from_secs(30)).into(),
            collect(&registry, deadline),
        );
        let text = scrape
            .await
            .expect("the scrape waits for a stuck collector");
        assert!(
            has(&text, "x_scrape_collector_success{collector=\"stuck\"} 0"),
            "{text}"
        );
        assert!(
            has(&text, "x_scrape_collector_success{collector=\"other\"} 1"),
            "{text}"
        );
        assert!(has(&text, &format!("other {round}")), "{text}");
    }
    assert_eq!(
        (
            gate.updates.load(Ordering::SeqCst),
            count.load(Ordering::SeqCst)
        ),
        (1, 3)
    );
    let stats = registry.stats();
    assert_eq!(
        (stats.stuck, stats.timeouts, stats.runners),
        (1, 1, 2),
        "{stats:?}"
    );
    gate.go_on.send(()).unwrap();
    until(&registry, |stats| stats.stuck == 0 && stats.runners == 1).await;
    gate.go_on.send(()).unwrap();
    let text = collect(&registry, far()).await;
    assert!(
        has(&text, "x_scrape_collector_success{collector=\"stuck\"} 1"),
        "{text}"
    );
}

#[tokio::test]
async fn many_stuck_collectors_take_a_thread_each_and_give_it_back() {
    let (gates, collectors): (Vec<_>, Vec<_>) = (0..4).map(|_| waiting()).unzip();
    let names = ["a", "b", "c", "d"];
    let registry = Registry::new("x", names.into_iter().zip(collectors).collect());
    for _ in 0..3 {
        collect(&registry, Instant::now() + Duration::from_millis(400)).await;
    }
    assert!(
        registry.stats().runners <= names.len() + 1,
        "{:?}",
        registry.stats()
    );
    for gate in &gates {
        gate.go_on.send(()).unwrap();
    }
    until(&registry, |stats| stats.stuck == 0 && stats.runners <= 1).await;
}

#[tokio::test]
async fn a_panic_is_caught_counted_and_costs_only_its_collector() {
    struct Panicking;
    impl Collector for Panicking {
        fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
            out.gauge("half", "Half of it.", 1.0);
            panic!("on purpose");
        }
    }
    let registry = Registry::new(
        "x",
        vec![("bad", Box::new(Panicking)), ("good", counting("good").1)],
    );
    for round in 1..=2 {
        let text = collect(&registry, far()).await;
        assert!(
            has(&text, "x_scrape_collector_success{collector=\"bad\"} 0"),
            "{text}"
        );
        assert!(
            has(&text, &format!("good {round}")) && !text.contains("half"),
            "{text}"
        );
    }
    assert_eq!(registry.stats().panics, 2);
}

#[tokio::test]
async fn what_a_failing_collector_wrote_before_is_kept() {
    struct Failing;
    impl Collector for Failing {
        fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
            out.gauge("half", "Half of it.", 1.0);
            Err(CollectError::NoData("no more".to_owned()))
        }
    }
    let registry = Registry::new("x", vec![("half", Box::new(Failing))]);
    let text = collect(&registry, far()).await;
    assert!(
        has(&text, "half 1") && has(&text, "x_scrape_collector_success{collector=\"half\"} 0"),
        "{text}"
    );
}

#[tokio::test]
async fn a_selection_runs_only_what_it_names() {
    let (one, first) = counting("one");
    let (two, second) = counting("two");
    let registry = Registry::new("x", vec![("one", first), ("two", second)]);
    assert_eq!(registry.only(&["one", "none"]), Err("none"));
    let mut families = Families::new();
    let selection = registry.only(&["two", "two"]).unwrap();
    registry.collect(&selection, far(), &mut families).await;
    assert_eq!(registry.all_but(&["one", "none"]), selection);
    assert_eq!(
        (one.load(Ordering::SeqCst), two.load(Ordering::SeqCst)),
        (0, 1)
    );
    assert_eq!(families.problem_count(), 0);
}

#[tokio::test]
async fn a_reload_changes_the_collectors_and_waits_for_none() {
    let (gate, collector) = waiting();
    let registry = Registry::new(
        "x",
        vec![("stuck", collector), ("gone", counting("gone").1)],
    );
    collect(&registry, Instant::now() + Duration::from_millis(200)).await;
    let (count, successor) = counting("successor");
    registry.replace(vec![("new", counting("new").1), ("stuck", successor)]);
    assert_eq!(registry.names(), ["new", "stuck"]);
    let text = collect(&registry, far()).await;
    assert!(has(&text, "new 1") && !text.contains("gone"), "{text}");
    assert!(
        has(&text, "x_scrape_collector_success{collector=\"stuck\"} 0"),
        "{text}"
    );
    assert_eq!(
        count.load(Ordering::SeqCst),
        0,
        "the old one of that name has not come back"
    );
    gate.go_on.send(()).unwrap();
    until(&registry, |stats| stats.stuck == 0).await;
    let text = collect(&registry, far()).await;
    assert!(has(&text, "successor 1"), "{text}");
}

#[tokio::test]
async fn a_registry_that_is_gone_leaves_no_thread() {
    let (count, collector) = counting("x");
    let registry = Registry::new("x", vec![("x", collector)]);
    collect(&registry, far()).await;
    drop(registry);
    // The collector is dropped with the last of the runners.
    let end = far();
    while Arc::strong_count(&count) > 1 {
        assert!(Instant::now() < end, "a runner is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
