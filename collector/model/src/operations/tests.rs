//! Reading of texts and lists, and evaluation on a small grid. What the functions give was compared with Gnocchi
//! 4.4.2's own evaluation (numpy 1.24).

use serde_json::{Value, json};

use super::{EvaluateError, Limits, Operation, Reference, evaluate};
use crate::grid::Grid;
use crate::{Granularity, Timestamp};

fn reference(name: &str) -> Reference {
    Reference {
        name: name.to_owned(),
        aggregation: "mean".to_owned(),
    }
}

/// Series `a` and `b` at minutes 0, 1, 2 and 5.
fn grid() -> Grid {
    Grid {
        granularity: Granularity::from_nanos(60_000_000_000).unwrap(),
        timestamps: [0, 60, 120, 300]
            .map(|s| Timestamp(s * 1_000_000_000))
            .into(),
        columns: vec![vec![1.0, -2.0, 3.0, 4.0], vec![2.0, f64::NAN, 2.0, 0.5]],
    }
}

fn given(text: &str) -> Result<super::Evaluated, EvaluateError> {
    let operation = Operation::read(&json!(text)).unwrap();
    let references = [reference("a"), reference("b")];
    evaluate(&operation, &grid(), &references, &steps(10_000))
}

/// Seconds and values of the series, and whether they are aggregated.
fn shown(text: &str) -> (Vec<i64>, String, bool) {
    let evaluated = given(text).unwrap();
    let seconds = evaluated.grid.timestamps.iter();
    (
        seconds.map(|at| at.nanos() / 1_000_000_000).collect(),
        format!("{:?}", evaluated.grid.columns),
        evaluated.aggregated,
    )
}

fn refusal(value: &Value) -> String {
    Operation::read(value).unwrap_err().to_string()
}

/// So many steps and no end of time.
fn steps(steps: u64) -> Limits<fn() -> bool> {
    Limits {
        steps,
        stop: || false,
    }
}

#[test]
fn an_evaluation_that_is_told_to_stop_gives_nothing() {
    let operation = Operation::read(&json!("(* (metric a mean) 2)")).unwrap();
    let limits = Limits {
        steps: u64::MAX,
        stop: || true,
    };
    let stopped = evaluate(&operation, &grid(), &[reference("a")], &limits);
    assert_eq!(stopped, Err(EvaluateError::Stopped));
}

#[test]
fn texts_and_lists_say_the_same() {
    for (text, lists) in [
        ("(metric a mean)", json!(["metric", "a", "mean"])),
        (
            " (+ (metric (a mean)(b max)) 2e0)) rest",
            json!(["+", ["metric", ["a", "mean"], ["b", "max"]], 2.0]),
        ),
        (
            "(rolling rate:mean 3 (resample max 0:05:00 (abs(metric a mean))))",
            json!([
                "rolling",
                "rate:mean",
                3,
                ["resample", "max", 300.0, ["abs", ["metric", "a", "mean"]]]
            ]),
        ),
        (
            "(clip (metric 'a b' mean) -1 (rateofchange (metric c* last)))",
            json!([
                "clip",
                ["metric", "'a b'", "mean"],
                -1.0,
                ["rateofchange", ["metric", "c*", "last"]]
            ]),
        ),
    ] {
        let operation = Operation::read(&json!(text)).unwrap();
        assert_eq!(operation.to_value(), lists, "{text}");
        assert_eq!(Operation::read(&lists), Ok(operation), "{text}");
    }
}

#[test]
fn a_text_that_does_not_end_is_refused_at_its_place() {
    for (text, expected) in [
        ("", "Expected '('  (at char 0), (line:1, col:1)"),
        (
            "metric a mean",
            "Expected '(', found 'metric'  (at char 0), (line:1, col:1)",
        ),
        (
            "(metroc foo bar",
            "Expected ')', found end of text  (at char 15), (line:1, col:16)",
        ),
        (
            "(metric x\nmean",
            "Expected ')', found end of text  (at char 14), (line:2, col:5)",
        ),
        (
            "(abs (abs (metric x mean)",
            "Expected ')', found '('  (at char 5), (line:1, col:6)",
        ),
    ] {
        assert_eq!(refusal(&json!(text)), expected, "{text}");
    }
    let deep = "(abs ".repeat(100_000);
    assert_eq!(
        refusal(&json!(deep)),
        "operations are nested deeper than 64 levels"
    );
}

#[test]
fn what_is_no_operation_is_refused_in_gnocchis_words() {
    let metric = json!(["metric", "x", "mean"]);
    for (lists, expected) in [
        (json!([]), "Operation must not be empty"),
        (
            json!({"foo": 1}),
            "Expected a tuple/list, got a <class 'dict'>",
        ),
        (
            json!(null),
            "Expected a tuple/list, got a <class 'NoneType'>",
        ),
        (json!(["metric"]), "Operation need at least one argument"),
        (json!(["foo", metric, 2]), "'foo' operation invalid"),
        (json!([1, 2]), "'1' operation invalid"),
        (json!(["+", metric]), "'+' operation invalid"),
        (json!(["+", ["foo", "x"], 2]), "'+' operation invalid"),
        (json!(["+", metric, null]), "'+' operation invalid"),
        (
            json!(["aggregate", "95pct", metric]),
            "'aggregate' operation invalid",
        ),
        (
            json!(["resample", "mean", -5, metric]),
            "'resample' operation invalid",
        ),
        (
            json!(["rolling", "mean", 0, metric]),
            "'rolling' operation invalid",
        ),
        (
            json!(["rolling", "mean", metric]),
            "'rolling' operation invalid",
        ),
        (json!(["metric", ["x", 1]]), "expected str"),
        (
            json!(["+", ["metric", ["x", "mean"], ["y"]], 2]),
            "expected a metric and an aggregation",
        ),
    ] {
        assert_eq!(refusal(&lists), expected, "{lists}");
    }
    assert!(Operation::read(&json!(["rolling", "mean", "2", metric])).is_ok());
    assert!(Operation::read(&json!(["+", metric, true])).is_ok());
}

#[test]
fn references_come_once_in_their_order() {
    let text = "(- (metric (b mean) (a mean)) (abs (metric a mean)))";
    let operation = Operation::read(&json!(text)).unwrap();
    assert_eq!(operation.references(), [reference("b"), reference("a")]);
    assert_eq!(
        operation.to_string(),
        "['-', ['metric', ['b', 'mean'], ['a', 'mean']], ['abs', ['metric', 'a', 'mean']]]"
    );
}

#[test]
fn operations_compute_on_every_series() {
    let all = vec![0, 60, 120, 300];
    for (text, seconds, values, aggregated) in [
        (
            "(metric b mean)",
            all.clone(),
            "[[2.0, NaN, 2.0, 0.5]]",
            false,
        ),
        (
            "(neg (metric a mean))",
            all.clone(),
            "[[-1.0, 2.0, -3.0, -4.0]]",
            false,
        ),
        (
            "(> (metric (a mean) (b mean)) 1)",
            all.clone(),
            "[[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0]]",
            false,
        ),
        (
            "(- 1 (metric a mean))",
            all.clone(),
            "[[0.0, 3.0, -2.0, -3.0]]",
            false,
        ),
        (
            "(* (metric a mean) (metric b mean))",
            all.clone(),
            "[[2.0, NaN, 6.0, 2.0]]",
            true,
        ),
        (
            "(clip (metric a mean) 0 3)",
            all.clone(),
            "[[1.0, 0.0, 3.0, 3.0]]",
            false,
        ),
        (
            "(rateofchange (metric a mean))",
            vec![60, 120, 300],
            "[[-3.0, 5.0, 1.0]]",
            false,
        ),
        (
            "(rateofchangesec (metric a mean))",
            all.clone(),
            "[[NaN, -0.05, 0.08333333333333333, 0.005555555555555556]]",
            false,
        ),
        (
            "(aggregate mean (metric (a mean) (b mean)))",
            all,
            "[[1.5, -2.0, 2.5, 2.25]]",
            true,
        ),
        (
            "(aggregate rate:sum (metric (a mean) (b mean)))",
            vec![60, 120, 300],
            "[[-5.0, 7.0, -0.5]]",
            true,
        ),
        (
            "(rolling max 2 (metric (a mean) (b mean)))",
            vec![60, 120, 300],
            "[[1.0, 3.0, 4.0], [2.0, 2.0, 2.0]]",
            false,
        ),
        (
            "(resample sum 180 (metric a mean))",
            vec![0, 180],
            "[[2.0, 4.0]]",
            false,
        ),
        (
            "(floor (resample std 180 (metric a mean)))",
            vec![0],
            "[[2.0]]",
            false,
        ),
    ] {
        assert_eq!(
            shown(text),
            (seconds, values.to_owned(), aggregated),
            "{text}"
        );
    }
    let resampled = given("(resample mean 180 (metric a mean))").unwrap().grid;
    assert_eq!(resampled.granularity.seconds(), 180.0);
}

#[test]
fn what_cannot_be_computed_is_refused() {
    for (text, expected) in [
        (
            "(rolling mean 5 (metric a mean))",
            "Rolling window '5' is greater than serie length '4'",
        ),
        (
            "(+ (metric a mean) (resample mean 300 (metric a mean)))",
            "Can't compute timeseries with different granularity ['metric', 'a', 'mean'] <> \
             ['resample', 'mean', 300.0, ['metric', 'a', 'mean']]",
        ),
        (
            "(+ (metric a mean) (aggregate mean 3))",
            "'aggregate' needs timeseries, not a number",
        ),
        (
            "(resample var 60 (metric a mean))",
            "Unknown aggregation method 'var'",
        ),
        (
            "(+ (metric (a mean) (b mean)) (metric c mean))",
            "Can't compute 2 timeseries with 0 timeseries",
        ),
    ] {
        assert_eq!(given(text).unwrap_err().to_string(), expected, "{text}");
    }
    let operation = Operation::read(&json!("(rolling mean 2 (metric a mean))")).unwrap();
    let evaluated = evaluate(&operation, &grid(), &[reference("a")], &steps(12));
    assert_eq!(evaluated, Err(EvaluateError::TooMuchWork(12)));
}

mod property;
