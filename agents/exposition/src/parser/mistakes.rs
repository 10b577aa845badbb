//! What the parser refuses: for every mistake the place and what was expected there.

use super::{Parser, parse_families};
use crate::Format::{self, OpenMetrics, Text};

fn error(text: &str, format: Format) -> String {
    let mut parser = Parser::new(text, format);
    let error = parser.find_map(Result::err).expect("an error");
    assert_eq!(parser.next(), None, "nothing comes after an error");
    error.to_string()
}

#[test]
fn every_mistake_names_its_place_and_what_was_expected() {
    for (line, expected) in [
        ("9a 1", "column 1: expected a metric name, found \"9a 1\""),
        (
            "{a=\"b\"} 1",
            "column 1: expected a metric name, found \"{a=\\\"b\\\"} 1\"",
        ),
        (
            "<html>",
            "column 1: expected a metric name, found \"<html>\"",
        ),
        (
            "a",
            "column 2: expected '{' or a blank after the metric name, found end of line",
        ),
        (
            "a-b 1",
            "column 2: expected '{' or a blank after the metric name, found \"-b 1\"",
        ),
        (
            "a ",
            "column 3: expected a number as the sample's value, found end of line",
        ),
        (
            "a one",
            "column 3: expected a number as the sample's value, found \"one\"",
        ),
        (
            "a 1 now",
            "column 5: expected a time stamp in whole milliseconds or the end of the line, found \"now\"",
        ),
        (
            "a 1 1.5",
            "column 5: expected a time stamp in whole milliseconds or the end of the line, found \"1.5\"",
        ),
        (
            "a 1 2 3",
            "column 7: expected the end of the line, found \"3\"",
        ),
        (
            "a 1 # {} 1",
            "column 5: expected the end of the line, found \"# {} 1\"",
        ),
        (
            "a{é=\"\"} 1",
            "column 3: expected a label name or '}', found \"é=\\\"\\\"} 1\"",
        ),
        (
            "a{,} 1",
            "column 3: expected a label name or '}', found \",} 1\"",
        ),
        (
            "a{b=\"é\",,} 1",
            "column 9: expected a label name or '}', found \",} 1\"",
        ),
        (
            "a{b} 1",
            "column 4: expected '=' after the label name, found \"} 1\"",
        ),
        (
            "a{b=c} 1",
            "column 5: expected a label value in double quotes, found \"c} 1\"",
        ),
        (
            "a{b=\"c} 1",
            "column 10: expected a closing double quote of the label value, found end of line",
        ),
        (
            "a{b=\"c\\\"} 1",
            "column 12: expected a closing double quote of the label value, found end of line",
        ),
        (
            "a{b=\"c\" d=\"e\"} 1",
            "column 9: expected ',' or '}' after the label value, found \"d=\\\"e\\\"} 1\"",
        ),
        (
            "a{b=\"c\"",
            "column 8: expected ',' or '}' after the label value, found end of line",
        ),
        (
            "# HELP",
            "column 7: expected a metric name, found end of line",
        ),
        (
            "# HELP a-b c",
            "column 9: expected a blank after the metric name, found \"-b c\"",
        ),
        (
            "# TYPE a",
            "column 9: expected a metric type, found end of line",
        ),
        (
            "# TYPE a thing",
            "column 10: expected a metric type, found \"thing\"",
        ),
        (
            "# TYPE a gauge b",
            "column 16: expected the end of the line, found \"b\"",
        ),
    ] {
        assert_eq!(
            error(&format!("ok 1\n{line}\nok 2\n"), Text),
            format!("line 2, {expected}")
        );
    }
}

#[test]
fn openmetrics_has_mistakes_of_its_own() {
    let stamp = "expected a time stamp in seconds, '#' or the end of the line";
    for (text, expected) in [
        (
            "",
            "line 1, column 1: expected # EOF at the end of the text, found end of line".to_owned(),
        ),
        (
            "a 1\n",
            "line 2, column 1: expected # EOF at the end of the text, found end of line".to_owned(),
        ),
        (
            "# EOF\na 1\n",
            "line 2, column 1: expected nothing after # EOF, found \"a 1\"".to_owned(),
        ),
        (
            "# EOF no\n",
            "line 1, column 7: expected the end of the line, found \"no\"".to_owned(),
        ),
        (
            "a 1 # 5\n",
            "line 1, column 7: expected the labels of an exemplar, found \"5\"".to_owned(),
        ),
        (
            "a 1 NaN\n",
            format!("line 1, column 5: {stamp}, found \"NaN\""),
        ),
        (
            "a 1 1e300\n",
            format!("line 1, column 5: {stamp}, found \"1e300\""),
        ),
        (
            "# UNIT a b c\n",
            "line 1, column 12: expected the end of the line, found \"c\"".to_owned(),
        ),
    ] {
        assert_eq!(error(text, OpenMetrics), expected);
    }
}

#[test]
fn a_long_mistake_is_shown_shortened() {
    let found = error(&"é".repeat(100), Text);
    assert_eq!(
        found,
        format!(
            "line 1, column 1: expected a metric name, found \"{}…\"",
            "é".repeat(32)
        )
    );
}

#[test]
fn families_of_garbage_are_an_error() {
    let error = parse_families("a 1\nb\n", Text).unwrap_err();
    assert_eq!((error.line, error.column), (2, 2));
}
