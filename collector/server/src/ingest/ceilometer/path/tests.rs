//! What paths find, as asked of Ceilometer's own parser, and what is refused.

use std::borrow::Cow;

use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn paths_find_what_ceilometers_parser_finds() {
    // Asked of jsonpath_rw_ext, as Debian has it: the first value that is not null.
    let value = json!({
        "a": {"b": 1, "c": {"d": 2}}, "b": {"d": 7}, "c": {"d": 9}, "e": 5, "n": null,
        "l": [{"k": 1}], "p": "compute.node.example",
        "m": [{"key": "other", "value": 4}, {"key": "image_id", "value": "i"}], "x": {"y.z": 3, "y-w": 4, "@v": 6},
    });
    for (path, found) in [
        ("a.b|c.d", json!(2)),
        ("a.(b|(c.d))", json!(1)),
        ("(z.b)|(c.d)", json!(9)),
        ("e|b.d", json!(7)),
        ("((a.b))", json!(1)),
        ("a . b | e", json!(1)),
        ("n|e", json!(5)),
        ("(a|b).(z|d)", json!(7)),
        ("a|b.c|e", json!({"d": 2})),
        ("x.'y.z'", json!(3)),
        ("x.\"y.z\"", json!(3)),
        ("x.y-w", json!(4)),
        ("x.@v", json!(6)),
        ("l.k", Value::Null),
        ("n.b", Value::Null),
        ("nowhere", Value::Null),
        ("$.a.b", json!(1)),
        ("l[0].k", json!(1)),
        ("l.[0].k", json!(1)),
        ("l[1].k", Value::Null),
        ("l[*].k", json!(1)),
        ("a.[*].b", json!(1)),
        ("m[?key=image_id].value", json!("i")),
        ("m[?(@.key='other')].value", json!(4)),
        ("m[?key=none].value", Value::Null),
        ("p.`split(., 1, 1)`", json!("node.example")),
        ("p.`split(., 0, -1)`", json!("compute")),
        ("p.`split(., 2, -1)`", json!("example")),
        ("p.`split(., 3, -1)`", Value::Null),
        ("e.`split(., 0, 1)`", Value::Null),
        ("p.`sub(/\\\\./, -)`", json!("compute-node-example")),
        ("p.`sub(/.*/, )`", json!("")),
        ("p.`sub(/^.*\\\\./, $1/,)`", json!("$1/,example")),
        ("p.`sub(/[\\`-n]/, )`", json!("oput.o.xp")),
        ("p.`sub(/x.y/, z)`", Value::Null),
    ] {
        let parsed = Path::parse(path).unwrap();
        assert_eq!(
            parsed.find(&value).map(Cow::into_owned).unwrap_or_default(),
            found,
            "{path}"
        );
    }
}

#[test]
fn what_is_beyond_the_subset_is_refused_with_the_path() {
    for (path, expected) in [
        ("", "path \"\": expected a name at the end"),
        ("a.", "path \"a.\": expected a name at the end"),
        ("a.(b", "path \"a.(b\": expected a closing bracket"),
        ("a)", "path \"a)\": expected a bracket that was opened"),
        ("a[", "path \"a[\": expected a number, '*' or '?' in []"),
        ("a[0", "path \"a[0\": expected a closing ]"),
        ("a[?b]", "path \"a[?b]\": expected '=' in [?]"),
        (
            "a[?(@.b=1]",
            "path \"a[?(@.b=1]\": expected a closing bracket",
        ),
        ("a[?b>1]", "path \"a[?b>1]\": expected '=' in [?]"),
        (
            "a.*",
            "path \"a.*\": expected a name, '.', '|' or brackets, found '*'",
        ),
        (
            "a.`len`",
            "path \"a.`len`\": expected `split(CHARACTER, PART, MOST)` or `sub(/PATTERN/, TEXT)`",
        ),
        ("a.`b", "path \"a.`b\": expected a closing `"),
        (
            "a.`sub(/a/ b)`",
            "path \"a.`sub(/a/ b)`\": expected `sub(/PATTERN/, TEXT)`",
        ),
        (
            "a.`sub(/(a)/, \\\\1)`",
            "path \"a.`sub(/(a)/, \\\\\\\\1)`\": expected no backslash in the text of `sub(/PATTERN/, TEXT)`",
        ),
        ("a.'b", "path \"a.'b\": expected a closing '"),
    ] {
        assert_eq!(Path::parse(path), Err(expected.to_owned()));
    }
    let deep = format!("{}a", "(".repeat(100));
    assert!(Path::parse(&deep).unwrap_err().contains("at most 16"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_fall(text in "[a-c.|()'\" $*0?=@`,\\[\\]]{0,40}") {
        if let Ok(path) = Path::parse(&text) {
            path.find(&json!({"a": {"b": 1}, "c": 2}));
        }
    }
}
