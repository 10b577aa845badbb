//! What the actions do to labels, by cases, and properties that hold for any labels.

use proptest::prelude::*;

use super::*;
use crate::ingest::mapping::Labels;

fn relabel(rules: &str, labels: &[(&str, &str)]) -> Option<Labels> {
    let rules: Vec<Rule> = serde_saphyr::from_str(rules).unwrap();
    let mut labels: LabelSet<'_> = labels.iter().copied().collect();
    apply(&rules, &mut labels).then(|| labels.to_labels())
}

fn labels(labels: &[(&str, &str)]) -> Labels {
    labels.iter().copied().collect::<LabelSet<'_>>().to_labels()
}

#[test]
fn each_action_does_what_prometheus_says() {
    let before = [("a", "foo"), ("b", "bar"), ("c", "baz")];
    for (rules, after) in [
        // The whole joined value has to match.
        (
            "[{source_labels: [a], regex: f(.*), target_label: d, replacement: 'ch${1}-ch${1}'}]",
            Some(vec![
                ("a", "foo"),
                ("b", "bar"),
                ("c", "baz"),
                ("d", "choo-choo"),
            ]),
        ),
        (
            "[{source_labels: [a, b], regex: 'f(.*);(.*)r', target_label: a, replacement: 'b${1}${2}m'},\
           {source_labels: [c, a], regex: '(b).*b(.*)ba(.*)', target_label: d, replacement: '$1$2$2$3'}]",
            Some(vec![
                ("a", "boobam"),
                ("b", "bar"),
                ("c", "baz"),
                ("d", "boooom"),
            ]),
        ),
        (
            "[{source_labels: [a], regex: o, target_label: a, replacement: x}]",
            Some(before.to_vec()),
        ),
        ("[{source_labels: [a], regex: .*o.*, action: drop}]", None),
        (
            "[{source_labels: [a], regex: o, action: drop}]",
            Some(before.to_vec()),
        ),
        (
            "[{source_labels: [a], regex: no-match, action: keep}]",
            None,
        ),
        (
            "[{source_labels: [a, b], separator: '', regex: foobar, action: keep}]",
            Some(before.to_vec()),
        ),
        // An empty value takes the label away; one that is not there is empty.
        (
            "[{source_labels: [x], target_label: a}]",
            Some(vec![("b", "bar"), ("c", "baz")]),
        ),
        (
            "[{target_label: a, replacement: ''}]",
            Some(vec![("b", "bar"), ("c", "baz")]),
        ),
        // The target is a template too; what is no name changes nothing.
        (
            "[{source_labels: [a], regex: 'some-(.*)|(.*)', target_label: 'x_$2', replacement: y}]",
            Some(vec![
                ("a", "foo"),
                ("b", "bar"),
                ("c", "baz"),
                ("x_foo", "y"),
            ]),
        ),
        (
            "[{source_labels: [a], regex: '(f)(.*)', target_label: '${3}', replacement: y}]",
            Some(before.to_vec()),
        ),
        (
            "[{regex: '(a|b)', action: labelmap, replacement: 'new_${1}'}]",
            Some(vec![
                ("a", "foo"),
                ("b", "bar"),
                ("c", "baz"),
                ("new_a", "foo"),
                ("new_b", "bar"),
            ]),
        ),
        (
            "[{regex: 'b|c', action: labeldrop}]",
            Some(vec![("a", "foo")]),
        ),
        (
            "[{regex: 'b|c', action: labelkeep}]",
            Some(vec![("b", "bar"), ("c", "baz")]),
        ),
        (
            "[{source_labels: [c], target_label: d, action: hashmod, modulus: 1000}]",
            Some(vec![("a", "foo"), ("b", "bar"), ("c", "baz"), ("d", "976")]),
        ),
        (
            "[{source_labels: [a, b], target_label: a, action: uppercase}]",
            Some(vec![("a", "FOO;BAR"), ("b", "bar"), ("c", "baz")]),
        ),
        (
            "[{target_label: a, replacement: foo}, {source_labels: [a], target_label: b, action: keepequal}]",
            None,
        ),
        (
            "[{source_labels: [a], target_label: b, action: dropequal}]",
            Some(before.to_vec()),
        ),
        (
            "[{source_labels: [a], target_label: a, action: dropequal}]",
            None,
        ),
    ] {
        let after = after.map(|after| labels(&after));
        assert_eq!(relabel(rules, &before), after, "{rules}");
    }
}

fn any_labels() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("[a-e_]{1,3}", "[a-c.:é-]{0,6}"), 0..8)
}

proptest! {
    #[test]
    fn keep_and_drop_are_opposites_and_change_no_label(written in any_labels(), regex in "[a-c.*|]{0,6}") {
        let pairs: Vec<_> = written.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let rule = |action: &str| format!("[{{source_labels: [a, b], regex: {regex:?}, action: {action}}}]");
        prop_assume!(pattern::Pattern::parse(&regex).is_ok());
        let (kept, dropped) = (relabel(&rule("keep"), &pairs), relabel(&rule("drop"), &pairs));
        prop_assert_ne!(kept.is_some(), dropped.is_some());
        prop_assert_eq!(kept.or(dropped), Some(labels(&pairs)));
    }

    #[test]
    fn no_rule_leaves_an_empty_value_or_makes_a_name_that_is_none(
        written in any_labels(),
        target in "(\\$\\{?[0-2]\\}?|[a-c_]){1,3}",
        replacement in "[$a-c0-2{}-]{0,5}",
        action in prop::sample::select(vec!["replace", "lowercase", "hashmod"]),
    ) {
        let rest = match action {
            "replace" => format!(", replacement: {replacement:?}"),
            "hashmod" => ", modulus: 7".to_owned(),
            _ => String::new(),
        };
        let yaml = format!("[{{source_labels: [a], regex: '(.?)(.*)', target_label: {target:?}, action: {action}{rest}}}]");
        if let Ok(rules) = serde_saphyr::from_str::<Vec<Rule>>(&yaml) {
            let mut set: LabelSet<'_> = written.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert!(apply(&rules, &mut set));
            for (name, value) in set.iter() {
                let copied = action != "replace" && name == target;
                prop_assert!(!value.is_empty() && (copied || is_label_name(name)), "{}={}", name, value);
            }
        }
    }

    #[test]
    fn labeldrop_and_labelkeep_share_the_labels_out(written in any_labels()) {
        let pairs: Vec<_> = written.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut all = relabel("[{regex: 'a.*', action: labeldrop}]", &pairs).unwrap();
        all.extend(relabel("[{regex: 'a.*', action: labelkeep}]", &pairs).unwrap());
        prop_assert_eq!(all, labels(&pairs));
    }
}
