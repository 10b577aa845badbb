//! The inputs by HTTP: who was answered finds his measures, whenever the collector was killed.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::http::Connection;

use crate::ROUNDS;
use crate::random::Random;
use crate::support::Collector;
use crate::support::numbered::{self, Way};

/// Writers of each input at once.
const WRITERS: usize = 2;
/// Measures in one request, at most.
const MOST_MEASURES: u64 = 5;

/// The writer of one series.
struct Writer {
    way: Way,
    series: String,
    next: u64,
    acknowledged: BTreeSet<u64>,
    /// Sent, and never answered: may be there or not.
    unanswered: BTreeSet<u64>,
}

impl Writer {
    fn all() -> Vec<Self> {
        let writers = Way::ALL.into_iter().flat_map(|way| {
            (0..WRITERS).map(move |number| Self {
                way,
                series: format!("{}-{number}", way.input()),
                next: 1,
                acknowledged: BTreeSet::new(),
                unanswered: BTreeSet::new(),
            })
        });
        writers.collect()
    }

    /// Sends until the connection breaks.
    fn write(&mut self, address: &str, stop: &AtomicBool, random: &mut Random) -> io::Result<()> {
        let mut connection = Connection::open(address)?;
        while !stop.load(Ordering::Relaxed) {
            let numbers: Vec<u64> = (0..=random.below(MOST_MEASURES))
                .map(|more| self.next + more)
                .collect();
            self.next += numbers.len() as u64;
            let body = self.way.body(&self.series, &numbers);
            self.unanswered.extend(&numbers);
            let (path, headers) = (self.way.path(), self.way.headers());
            let answer = connection.request("POST", path, &headers, &body)?;
            let status = self.way.status();
            assert_eq!(answer.status, status, "{:?}: {}", self.way, answer.text());
            for number in numbers {
                self.unanswered.remove(&number);
                self.acknowledged.insert(number);
            }
        }
        Ok(())
    }

    /// Every acknowledged measure is there, and nothing is that was never sent.
    fn check(&self, collector: &Collector, round: u64) {
        let found = self.way.read(collector, &self.series);
        let of = format!("round {round}, {}", self.series);
        let lost: Vec<_> = self.acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "{of}: acknowledged and lost: {lost:?}");
        let sent: BTreeSet<u64> = self.acknowledged.union(&self.unanswered).copied().collect();
        let invented: Vec<_> = found.difference(&sent).collect();
        assert!(invented.is_empty(), "{of}: never sent: {invented:?}");
    }
}

#[test]
fn every_acknowledged_measure_of_every_input_survives_a_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = numbered::configuration(dir.path());
    let mut collector = Collector::configured_in(dir, &yaml);
    let mut writers = Writer::all();
    let of_gnocchi = writers.iter().filter(|writer| writer.way == Way::Gnocchi);
    let series: Vec<String> = of_gnocchi.map(|writer| writer.series.clone()).collect();
    numbered::prepare(&collector, &series);
    let mut random = Random(2);
    for round in 1..=ROUNDS {
        let address = collector.running.address().to_owned();
        let alive = Duration::from_millis(50 + random.below(400));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (number, writer) in (0..).zip(&mut writers) {
                let (address, stop) = (&address, &stop);
                let mut random = Random(round * 100 + number);
                // Ends with the connection: the collector was killed.
                scope.spawn(move || writer.write(address, stop, &mut random));
            }
            std::thread::sleep(alive);
            collector.running.kill();
            stop.store(true, Ordering::Relaxed);
        });
        collector = collector.restart(false);
        for writer in &writers {
            writer.check(&collector, round);
        }
    }
    for writer in &writers {
        let acknowledged = writer.acknowledged.len() as u64;
        assert!(acknowledged > ROUNDS, "{}: {acknowledged}", writer.series);
    }
    // And after a clean stop, which makes a checkpoint.
    let collector = collector.restart(true);
    for writer in &writers {
        writer.check(&collector, ROUNDS + 1);
    }
}
