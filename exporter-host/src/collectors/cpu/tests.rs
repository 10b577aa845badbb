//! Tests of the cpu collector on literals.

use super::*;

fn parsed(text: &str) -> Result<Vec<Times>, ParseError> {
    let mut cpus = Vec::new();
    parse(text, &mut cpus).map(|()| cpus)
}

fn idle(cpu: u32, idle: u64, user: u64) -> Times {
    let mut times = Times {
        cpu,
        ..Times::default()
    };
    times.ticks[IDLE] = idle;
    times.ticks[0] = user;
    times
}

#[test]
fn each_cpu_has_its_ticks_and_the_sum_line_is_passed_over() {
    let text = "cpu  3 3 3 3 3 3 3 3 3 3\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu12 11 0 0 0 0 0 0 0 0 0\nintr 5 x\n";
    let cpus = parsed(text).unwrap();
    assert_eq!(cpus.len(), 2);
    assert_eq!(cpus[0].ticks, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(cpus[0].guest, [9, 10]);
    assert_eq!((cpus[1].cpu, cpus[1].ticks[0]), (12, 11));
}

#[test]
fn the_fields_that_an_old_kernel_lacks_are_zero() {
    let cpus = parsed("cpu0 1 2 3 4\n").unwrap();
    assert_eq!(cpus[0].ticks, [1, 2, 3, 4, 0, 0, 0, 0]);
    assert_eq!(cpus[0].guest, [0, 0]);
}

#[test]
fn garbage_is_refused_by_line() {
    let error = parsed("cpu  1 2\ncpu0 1 two 3\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "line 2: expected `cpuN` and its ticks, found \"cpu0 1 two 3\""
    );
    for text in [
        "",
        "intr 1\n",
        "cpu  1 2 3\n",
        "cpu0\n",
        "cpux 1 2\n",
        "cpu0 -1\n",
    ] {
        assert!(parsed(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_counter_that_goes_back_a_little_stays_where_it_was() {
    let mut shown = idle(0, 1000, 50);
    shown.advance_to(&idle(0, 990, 60));
    assert_eq!(shown, idle(0, 1000, 60));
}

#[test]
fn an_idle_counter_that_goes_back_far_starts_all_counters_anew() {
    let mut shown = idle(0, 1000, 50);
    shown.advance_to(&idle(0, 700, 2));
    assert_eq!(shown, idle(0, 700, 2));
}

#[test]
fn a_cpu_that_goes_offline_goes_away_and_the_others_keep_their_counters() {
    let shown = carry_over(&[idle(0, 1000, 1), idle(1, 1000, 1)], &[]);
    let now = [idle(1, 999, 2)];
    assert!(!same_cpus(&now, &shown));
    let shown = carry_over(&now, &shown);
    assert_eq!(
        shown,
        [Shown {
            label: "1".to_owned(),
            times: idle(1, 1000, 2)
        }]
    );
    assert!(same_cpus(&now, &shown));
}

proptest::proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "(?s).*", rest in "\\PC*") {
        let _ = parsed(&text);
        let _ = parsed(&format!("cpu{rest}\ncpu0 {rest}"));
    }

    #[test]
    fn a_counter_grows_unless_the_cpu_was_replaced(before in 0..10_000_u64, after in 0..10_000_u64) {
        let mut shown = idle(0, before, 0);
        shown.advance_to(&idle(0, after, 0));
        let replaced = before >= after + IDLE_JUMP_BACK;
        proptest::prop_assert_eq!(shown.ticks[IDLE], if replaced { after } else { before.max(after) });
    }
}
