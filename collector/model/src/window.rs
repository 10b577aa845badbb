//! Windows: the half-open stretches `[t, t + granularity)` that start at whole multiples of the granularity since the
//! epoch, in UTC. Only the arithmetic of their borders; what is computed inside is in `statistics`.

use crate::{Granularity, Timestamp};

/// Start of the window that `timestamp` falls into; also right before the epoch, saturating at the end of the range.
#[must_use]
pub fn start(timestamp: Timestamp, granularity: Granularity) -> Timestamp {
    let rest = timestamp.0.rem_euclid(granularity.nanos());
    Timestamp(timestamp.0.saturating_sub(rest))
}

/// The earliest timestamp that still counts when `last` is the newest one known: the start of the newest block of
/// the coarsest granularity, less `back_window` blocks.
#[must_use]
pub fn back_window_start(last: Timestamp, block: Granularity, back_window: u32) -> Timestamp {
    let back = block.nanos().saturating_mul(i64::from(back_window));
    Timestamp(start(last, block).0.saturating_sub(back))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: i64) -> Granularity {
        Granularity::from_nanos(minutes * 60_000_000_000).unwrap()
    }

    #[test]
    fn a_timestamp_is_rounded_down_to_its_window() {
        let at = |nanos: i64| start(Timestamp(nanos), minutes(1)).0;
        assert_eq!(at(0), 0);
        assert_eq!(at(59_999_999_999), 0);
        assert_eq!(at(60_000_000_000), 60_000_000_000);
        assert_eq!(at(-1), -60_000_000_000);
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        assert_eq!(start(Timestamp(i64::MIN), minutes(7)), Timestamp(i64::MIN));
        assert!(start(Timestamp(i64::MAX), minutes(7)).0 > i64::MAX - minutes(7).nanos());
        assert_eq!(
            back_window_start(Timestamp(i64::MIN + 1), minutes(60), u32::MAX).0,
            i64::MIN
        );
    }

    #[test]
    fn the_back_window_counts_whole_blocks_of_the_coarsest_granularity() {
        let last = Timestamp(740 * 1_000_000_000);
        assert_eq!(back_window_start(last, minutes(5), 0).0, 600_000_000_000);
        assert_eq!(back_window_start(last, minutes(5), 2).0, 0);
    }
}
