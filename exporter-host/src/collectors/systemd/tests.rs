use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn listed(name: &str, state: &str) -> Value {
    let fields = [name, "a unit", "loaded", state, "running", "", "/unit"];
    Value::List(fields.map(text).to_vec())
}

fn unit<'a>(name: &'a str, active_state: &'a str) -> Unit<'a> {
    Unit {
        name,
        load_state: "loaded",
        active_state,
        path: "/unit",
    }
}

fn series(out: &Families, name: &str) -> Vec<(String, f64)> {
    let family = out.get(name).unwrap();
    let named = family.samples().map(|sample| {
        let labels: Vec<String> = sample
            .labels()
            .map(|(_, value)| value.into_owned())
            .collect();
        (labels.join(" "), sample.value)
    });
    named.collect()
}

#[test]
fn a_release_is_the_first_long_number_of_a_version() {
    assert_eq!(release("252.39-1~deb12u2"), 252.39);
    assert_eq!(release("v249.11-0ubuntu3"), 249.11);
    assert_eq!(release("systemd 219"), 219.0);
    assert_eq!(release("1.2 256~rc3"), 256.0);
    assert_eq!(release("255."), 255.0);
    assert_eq!(release("unknown"), 0.0);
}

#[test]
fn units_of_another_form_are_passed_over() {
    let answer = [Value::List(vec![
        listed("a.service", "active"),
        text("b"),
        Value::List(vec![]),
    ])];
    assert_eq!(
        units(&answer).collect::<Vec<_>>(),
        [unit("a.service", "active")]
    );
    assert_eq!(units(&[]).count(), 0);
}

#[test]
fn states_that_came_later_are_counted_too() {
    let mut out = Families::new();
    summarise(
        &[
            unit("a", "active"),
            unit("b", "refreshing"),
            unit("c", "active"),
        ],
        &mut out,
    );
    let expected = [
        ("active", 2.0),
        ("activating", 0.0),
        ("deactivating", 0.0),
        ("inactive", 0.0),
        ("failed", 0.0),
        ("refreshing", 1.0),
    ];
    let expected = expected.map(|(state, count)| (state.to_owned(), count));
    assert_eq!(series(&out, "node_systemd_units"), expected);
}

#[test]
fn a_unit_has_the_type_that_it_told_and_none_if_it_told_none() {
    let (one, other) = (unit("a.service", "failed"), unit("b.service", "active"));
    let simple = text("simple");
    let answers = [Answer {
        unit: "b.service",
        question: &QUESTIONS[0],
        value: &simple,
    }];
    let mut out = Families::new();
    emit_states(&[&one, &other], &answers, &mut out);
    let states = series(&out, "node_systemd_unit_state");
    assert_eq!(states.len(), 10);
    assert!(
        states.contains(&("a.service failed ".to_owned(), 1.0)),
        "{states:?}"
    );
    assert!(
        states.contains(&("b.service active simple".to_owned(), 1.0)),
        "{states:?}"
    );
    assert!(
        states.contains(&("b.service failed simple".to_owned(), 0.0)),
        "{states:?}"
    );
}

#[test]
fn what_has_no_limit_has_no_series_and_what_was_not_started_began_at_zero() {
    let (one, other) = (unit("a.service", "active"), unit("b.service", "inactive"));
    let find = |name: &str| {
        QUESTIONS
            .iter()
            .find(|question| question.property[1] == name)
            .unwrap()
    };
    let (limit, start) = (find("TasksMax"), find("ActiveEnterTimestamp"));
    assert!(
        start.is_for("a.service", "active", 252.0) && !start.is_for("b.service", "inactive", 252.0)
    );
    assert!(!find("LastTriggerUSec").is_for("a.timer", "active", 200.0));
    let (unlimited, moment) = (Value::Number(u64::MAX), Value::Number(1_500_000));
    let answer = |question, value| Answer {
        unit: "a.service",
        question,
        value,
    };
    let answers = [answer(limit, &unlimited), answer(start, &moment)];
    let mut out = Families::new();
    questions::emit(&[&one, &other], &answers, &[limit, start], &mut out);
    assert!(out.get("node_systemd_unit_tasks_max").is_none());
    let expected = [("a.service".to_owned(), 1.5), ("b.service".to_owned(), 0.0)];
    assert_eq!(
        series(&out, "node_systemd_unit_start_time_seconds"),
        expected
    );
}

#[test]
fn a_machine_without_virtualization_says_none_and_one_that_does_not_know_says_unknown() {
    let told = |answer: Result<&str, &String>| {
        let mut out = Families::new();
        emit_manager(252.0, "252", answer, &mut out);
        series(&out, "node_systemd_virtualization_info")[0]
            .0
            .clone()
    };
    assert_eq!(told(Ok("")), "none");
    assert_eq!(told(Ok("kvm")), "kvm");
    assert_eq!(told(Err(&"no such property".to_owned())), "unknown");
}

proptest::proptest! {
    #[test]
    fn any_version_has_a_release(version in "[0-9.]{0,30}|.*") {
        proptest::prop_assert!(release(&version) >= 0.0);
    }
}
