//! What waits for the next flush: one value for each name and type, with the moment at which the last line came. As in
//! gnocchi-statsd counters add up, the last gauge and the last timer stand, and a flush forgets all of them.

use std::collections::HashMap;

use collector_model::{Measure, Timestamp};

use super::line::{Kind, Sample};

/// Most names between two flushes; the names of more are lost and counted.
pub(super) const MAX_NAMES: usize = 50_000;

/// Values by name of the metric.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    values: HashMap<String, Measure>,
}

impl Buffer {
    /// Takes a sample that came at that moment; false where there are too many names.
    pub(super) fn add(&mut self, sample: &Sample<'_>, now: Timestamp) -> bool {
        let name = format!("{}|{}", sample.name, sample.kind.letters());
        if let Some(measure) = self.values.get_mut(&name) {
            let before = match sample.kind {
                Kind::Counter => measure.value,
                Kind::Gauge | Kind::Timer => 0.0,
            };
            *measure = Measure::new(now, before + sample.value);
            return true;
        }
        let has_room = self.values.len() < MAX_NAMES;
        if has_room {
            self.values.insert(name, Measure::new(now, sample.value));
        }
        has_room
    }

    /// How many names wait.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// All that waits, by name; nothing does afterwards.
    pub(super) fn take(&mut self) -> Vec<(String, Measure)> {
        let mut taken: Vec<_> = self.values.drain().collect();
        taken.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::statsd::line::parse;

    fn add(buffer: &mut Buffer, line: &str, nanos: i64) -> bool {
        buffer.add(&parse(line).unwrap(), Timestamp(nanos))
    }

    #[test]
    fn counters_add_up_and_the_last_of_the_others_stands_until_the_flush() {
        let mut buffer = Buffer::default();
        for (line, nanos) in [
            ("a:1|c", 1),
            ("a:2|c|@0.5", 2),
            ("a:7|g", 3),
            ("a:5|g", 4),
            ("t:9|ms", 5),
            ("t:8|ms", 6),
        ] {
            assert!(add(&mut buffer, line, nanos));
        }
        let measure = |nanos, value| Measure::new(Timestamp(nanos), value);
        assert_eq!(
            buffer.take(),
            [
                ("a|c".to_owned(), measure(2, 5.0)),
                ("a|g".to_owned(), measure(4, 5.0)),
                ("t|ms".to_owned(), measure(6, 8.0)),
            ]
        );
        assert_eq!(buffer.take(), []);
        assert!(add(&mut buffer, "a:1|c", 7));
        assert_eq!(buffer.take(), [("a|c".to_owned(), measure(7, 1.0))]);
    }

    #[test]
    fn names_between_two_flushes_are_limited_and_known_ones_go_on() {
        let mut buffer = Buffer::default();
        assert!((0..MAX_NAMES).all(|at| add(&mut buffer, &format!("n{at}:1|c"), 1)));
        assert!(!add(&mut buffer, "new:1|c", 2));
        assert!(add(&mut buffer, "n7:1|c", 3));
        assert_eq!(buffer.take().len(), MAX_NAMES);
        assert!(add(&mut buffer, "new:1|c", 4));
    }
}
