//! Random operations: reading never panics, what is read is printed as it was, and evaluation keeps a grid's shape.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::{grid, reference};
use crate::operations::{Operation, evaluate};

/// Operations on `a` and `b` of any shape.
fn operations() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof_leaves();
    leaf.prop_recursive(5, 24, 3, |inner| {
        let unary = prop::sample::select(vec![
            "abs",
            "neg",
            "floor",
            "rateofchange",
            "rateofchangesec",
        ]);
        let binary = prop::sample::select(vec!["+", "/", "<=", "mod", "clip_max", "max", "clip"]);
        let method = prop::sample::select(vec!["mean", "rate:std", "count", "median"]);
        proptest::prop_oneof![
            (unary, inner.clone()).prop_map(|(name, one)| json!([name, one])),
            (binary, inner.clone(), inner.clone()).prop_map(|(name, a, b)| json!([name, a, b])),
            (method.clone(), inner.clone()).prop_map(|(how, one)| json!(["aggregate", how, one])),
            (method.clone(), 1..4, inner.clone())
                .prop_map(|(how, n, one)| json!(["rolling", how, n, one])),
            (method, 30..200, inner).prop_map(|(how, n, one)| json!(["resample", how, n, one])),
        ]
    })
}

fn prop_oneof_leaves() -> impl Strategy<Value = Value> {
    proptest::prop_oneof![
        (-3..4_i32).prop_map(Value::from),
        Just(json!(["metric", "a", "mean"])),
        Just(json!(["metric", ["a", "mean"], ["b", "mean"]])),
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), words in "[()+ a-c0-9'\"\\\\]{0,40}") {
        let _ = Operation::read(&json!(text));
        let _ = Operation::read(&json!(words));
        let _ = Operation::read(&json!(format!("(metric {words}) {text}")));
    }

    #[test]
    fn what_is_read_is_printed_and_read_again_as_the_same(lists in operations()) {
        if let Ok(operation) = Operation::read(&lists) {
            prop_assert_eq!(Operation::read(&operation.to_value()).unwrap(), operation);
        }
    }

    #[test]
    fn what_is_evaluated_has_a_value_for_every_moment(lists in operations(), steps in 0..2_000_u64) {
        let Ok(operation) = Operation::read(&lists) else { return Ok(()) };
        let references = [reference("a"), reference("b")];
        let Ok(evaluated) = evaluate(&operation, &grid(), &references, &super::steps(steps)) else { return Ok(()) };
        for column in &evaluated.grid.columns {
            prop_assert_eq!(column.len(), evaluated.grid.timestamps.len());
        }
        prop_assert!(evaluated.grid.timestamps.is_sorted());
        prop_assert!(!evaluated.aggregated || !evaluated.grid.columns.is_empty());
    }
}
