//! Thousands of orders in which the engine's threads may go on, chosen by seeds (`cargo test -p collector-storage
//! --features schedules --lib schedules`): writers, the commit thread, checkpoints, compaction, readers, an fsync that
//! fails, and the end. Shuttle reports who waits for ever, and the seed of an order that broke a promise.

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex as PlainMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

use super::*;
use crate::QUEUE_CALLS;
use crate::file::faulty::{Faulty, Kind};
use crate::sync::mpsc::{Receiver, sync_channel};
use crate::sync::thread;

/// Orders that are tried, of each scheduler; this variable says another number.
const ORDERS: usize = 250;
const ORDERS_VARIABLE: &str = "NEPHOSCOPE_SCHEDULES";
const WRITERS: u64 = 3;
/// Batches of each writer.
const BATCHES: i64 = 3;
/// Minutes between a writer's batches: the windows before are then closed, and move to segments.
const STEP: i64 = 120;

/// What is known of the disk: which files of the log have writes that are not synced, and how many syncs are left
/// until one fails.
#[derive(Default)]
struct Watch {
    unsynced: PlainMutex<BTreeSet<PathBuf>>,
    syncs_left: AtomicUsize,
}

fn open_watched(dir: &Path, syncs: usize) -> (Arc<Watch>, Faulty, Engine) {
    let (watch, disk) = (Arc::new(Watch::default()), Faulty::default());
    watch.syncs_left.store(syncs, Ordering::SeqCst);
    let watching = Arc::clone(&watch);
    let log = dir.join(WAL_DIR);
    disk.fail(move |kind, path| {
        let mut unsynced = watching.unsynced.lock().unwrap();
        match kind {
            Kind::Write if path.starts_with(&log) => drop(unsynced.insert(path.to_owned())),
            Kind::Sync if path.starts_with(&log) => {
                let left = &watching.syncs_left;
                if left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                        left.checked_sub(1)
                    })
                    .is_err()
                {
                    return Some(io::Error::other("bad sector"));
                }
                unsynced.remove(path);
            }
            _ => {}
        }
        None
    });
    let options = Options {
        // A checkpoint after a few batches, and all closed windows to segments with each.
        checkpoint_wal_bytes: 150,
        head_bytes: 0,
    };
    let engine = Engine::open_on(Arc::new(disk.clone()), dir, options).unwrap();
    (watch, disk, engine)
}

/// A batch of a writer: one measure of its metric.
fn batch_of(writer: u64, number: i64, value: f64) -> Batch {
    let at = Timestamp(number * STEP * 60 * SECOND);
    vec![(id(writer), vec![Measure::new(at, value)])]
}

type Answer = Receiver<Result<(), StoreError>>;

/// Submits, waiting for room; what is acknowledged must be synced at that moment.
fn submit(engine: &Engine, watch: &Arc<Watch>, batch: &Batch) -> Result<Answer, StoreError> {
    loop {
        let (sender, answer) = sync_channel(1);
        let watch = Arc::clone(watch);
        let done = move |outcome: Result<Ack, StoreError>| {
            let unsynced = watch.unsynced.lock().unwrap().clone();
            assert!(
                outcome.is_err() || unsynced.is_empty(),
                "acknowledged before it was synced: {unsynced:?}"
            );
            sender.try_send(outcome.map(drop)).unwrap();
        };
        match engine.submit(batch.clone(), Box::new(done)) {
            Ok(()) => return Ok(answer),
            Err(StoreError::Busy) => thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
}

/// Writes all batches, each twice without waiting in between, and returns how many are acknowledged.
fn write_all(engine: &Engine, watch: &Arc<Watch>, writer: u64) -> i64 {
    for number in 0..BATCHES {
        let first = submit(engine, watch, &batch_of(writer, number, -1.0));
        let second = submit(engine, watch, &batch_of(writer, number, number as f64));
        let outcome = |answer: Result<Answer, StoreError>| answer?.recv().unwrap();
        let (first, second) = (outcome(first), outcome(second));
        assert!(engine.stats().queue_depth <= QUEUE_CALLS as u64);
        match second {
            Ok(()) => {
                first.expect("the batch before it was refused");
                let seen = minutes(engine, writer);
                assert_eq!(
                    seen.last(),
                    Some(&(number * STEP, number as f64)),
                    "acknowledged and not visible"
                );
            }
            Err(StoreError::Poisoned(_)) => {
                let again = engine.write(batch_of(writer, number, 7.0));
                assert!(
                    matches!(again, Err(StoreError::Poisoned(_))),
                    "taken after a failed sync"
                );
                return number;
            }
            Err(error) => panic!("{error}"),
        }
    }
    BATCHES
}

fn one_order() {
    let dir = tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() {
        "/dev/shm"
    } else {
        "/tmp"
    })
    .unwrap();
    let syncs = if thread_rng().gen_bool(0.5) {
        usize::MAX
    } else {
        thread_rng().gen_range(1..12)
    };
    let (watch, disk, engine) = open_watched(dir.path(), syncs);
    let ids: Vec<MetricId> = (0..WRITERS).map(id).collect();
    let registered = engine.set_policy(&ids, &policy("medium")).is_ok();
    let engine = Arc::new(engine);
    let writers: Vec<_> = (0..WRITERS)
        .filter(|_| registered)
        .map(|writer| {
            let (engine, watch) = (Arc::clone(&engine), Arc::clone(&watch));
            thread::spawn(move || write_all(&engine, &watch, writer))
        })
        .collect();
    let flushing = {
        let engine = Arc::clone(&engine);
        thread::spawn(move || engine.flush().is_ok())
    };
    let reading = {
        let engine = Arc::clone(&engine);
        thread::spawn(move || {
            let mut before = 0;
            for _ in 0..4 {
                let now = if registered {
                    minutes(&engine, 0).len()
                } else {
                    0
                };
                assert!(now >= before, "a point that was there is gone");
                before = now;
                thread::yield_now();
            }
        })
    };
    let acknowledged: Vec<i64> = writers
        .into_iter()
        .map(|writer| writer.join().unwrap())
        .collect();
    flushing.join().unwrap();
    reading.join().unwrap();
    // The end, with a write on its way: it is answered, whatever comes of it.
    let last = registered.then(|| submit(&engine, &watch, &batch_of(0, BATCHES, 5.0)));
    drop(Arc::into_inner(engine).expect("all other threads have ended"));
    let last = last.is_some_and(|last| last.is_ok_and(|answer| answer.recv().unwrap().is_ok()));
    disk.heal();
    let engine = Engine::open_on(Arc::new(disk), dir.path(), Options::default()).unwrap();
    for (writer, acknowledged) in (0..).zip(acknowledged) {
        let there = minutes(&engine, writer);
        for number in 0..acknowledged {
            assert!(
                there.contains(&(number * STEP, number as f64)),
                "lost {number} of {writer}: {there:?}"
            );
        }
        let more = writer == 0 && last;
        assert!(
            !more || there.contains(&(BATCHES * STEP, 5.0)),
            "the last write is lost: {there:?}"
        );
    }
}

fn explore(scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.max_steps = MaxSteps::FailAfter(10_000_000);
    Runner::new(scheduler, config).run(one_order);
}

fn orders() -> usize {
    let orders = std::env::var(ORDERS_VARIABLE).ok();
    orders.map_or(ORDERS, |orders| orders.parse().unwrap())
}

#[test]
fn promises_hold_in_random_orders() {
    explore(RandomScheduler::new(orders()));
}

#[test]
fn promises_hold_where_a_few_threads_are_held_up_for_long() {
    explore(PctScheduler::new(3, orders()));
}
