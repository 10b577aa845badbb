//! Random operations: reading never panics, what is read is printed as it was, and evaluation keeps a grid's shape.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::{grid, reference};
use crate::grid::{Cut, Grid, Pieces};
use crate::operations::{EvaluateError, Evaluated, Operation, Reach, evaluate};
use crate::{Granularity, Timestamp, window};

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

/// Two series at some of the moments of an hour, 20 seconds from each other.
fn moments() -> impl Strategy<Value = Grid> {
    let value = proptest::prop_oneof![4 => -9.0..9.0, 1 => Just(f64::NAN)];
    prop::collection::btree_map(0..180_i64, (value.clone(), value), 0..40).prop_map(|rows| {
        let (a, b) = rows.values().copied().unzip();
        Grid {
            granularity: Granularity::from_nanos(20_000_000_000).unwrap(),
            timestamps: rows
                .keys()
                .map(|at| Timestamp(at * 20_000_000_000))
                .collect(),
            columns: vec![a, b],
        }
    })
}

fn computed(operation: &Operation, grid: &Grid) -> Result<Evaluated, EvaluateError> {
    let references = [reference("a"), reference("b")];
    evaluate(operation, grid, &references, &super::steps(u64::MAX))
}

/// Computed piece by piece, where what comes next has so many moments as the lengths say, again and again.
fn by_pieces(
    operation: &Operation,
    grid: &Grid,
    reach: Reach,
    lengths: &[usize],
) -> Result<Evaluated, EvaluateError> {
    let mut pieces = Pieces::new(match reach {
        Reach::Moments(count) => Cut::Moments(count),
        Reach::Windows(length) => Cut::Windows(Box::new(move |at| window::start(at, length))),
    });
    let mut found: Option<Evaluated> = None;
    let mut rest = grid.clone();
    let (mut lengths, mut begun) = (lengths.iter().cycle(), false);
    loop {
        let is_last = begun && rest.timestamps.is_empty();
        begun = true;
        let piece = if is_last {
            std::mem::replace(&mut pieces, Pieces::new(Cut::Moments(0))).finish()
        } else {
            let later = rest.split_off(*lengths.next().unwrap());
            pieces.push(std::mem::replace(&mut rest, later))
        };
        if let Some(piece) = piece {
            let mut evaluated = computed(operation, &piece.grid)?;
            piece
                .from
                .into_iter()
                .for_each(|from| evaluated.grid.drop_before(from));
            found = Some(match found.take() {
                Some(before) => Evaluated {
                    grid: before.grid.followed_by(evaluated.grid),
                    ..evaluated
                },
                None => evaluated,
            });
        }
        if is_last {
            return Ok(found.unwrap());
        }
    }
}

proptest! {
    #[test]
    fn a_piece_after_the_other_gives_what_all_at_once_gives(
        lists in operations(),
        grid in moments(),
        lengths in prop::collection::vec(0..9_usize, 1..5),
    ) {
        let Ok(operation) = Operation::read(&lists) else { return Ok(()) };
        let Some(reach) = operation.reach() else { return Ok(()) };
        if lengths.iter().all(|length| *length == 0) {
            return Ok(());
        }
        let (whole, pieces) = (computed(&operation, &grid), by_pieces(&operation, &grid, reach, &lengths));
        prop_assert_eq!(format!("{whole:?}"), format!("{pieces:?}"), "{:?} {:?}", operation, reach);
    }

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
