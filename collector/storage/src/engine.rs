//! The embedded engine: opens a store's directory, starts its threads (commit, checkpoint, compaction), and puts
//! callers' requests before them. The only part that the rest of the program sees, through the `Store` trait.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use collector_model::{AggregatePoint, ArchivePolicy, MetricId};

use crate::batch::SortedBatch;
use crate::checkpoint::{self, Requests};
use crate::counters::Counters;
use crate::file::{self, DirLock, Disk, System};
use crate::head::Head;
use crate::poison::Poison;
use crate::queue::{Call, QUEUE_CALLS, Queue, Reply, WriteCall};
use crate::segment::lookup::Lookup;
use crate::sync::mpsc::{Receiver, sync_channel};
use crate::sync::thread::{self, JoinHandle};
use crate::wal::recovery::{self, Replayed};
use crate::wal::writer::WalWriter;
use crate::wal::{WAL_DIR, entry};
use crate::{Ack, Batch, Completion, Each, ReadQuery, ReplayReport, Store, StoreError, StoreStats};

mod checkpoints;
mod commit;
mod compaction;
mod live;
mod read;
mod repair;

use compaction::Signal;
use live::Live;

#[cfg(test)]
mod tests;

/// Bytes of log after which a checkpoint is made; bounds what a restart has to replay (some ten million measures).
pub const CHECKPOINT_WAL_BYTES: u64 = 256 << 20;

/// Where few metrics are the log has this many bytes for each: some hundred measures, which make good chunks.
const WAL_BYTES_PER_METRIC: u64 = 2 << 10;

/// Bytes of log that are worth a checkpoint however few metrics there are.
const LEAST_WAL_BYTES: u64 = 8 << 20;

/// Bytes of closed windows in memory from which on a checkpoint writes them to segments.
pub const HEAD_BYTES: u64 = 128 << 20;

/// What an operator may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Most bytes of log after which a checkpoint is made; where few metrics are they are fewer.
    pub checkpoint_wal_bytes: u64,
    /// Bytes of closed windows in memory from which on a checkpoint writes them to segments. Until the next checkpoint
    /// there may be twice as many, and what the log has brought meanwhile. Of archives with many of them a small part
    /// of it is enough.
    pub head_bytes: u64,
}

impl Options {
    /// Bytes of log after which a store with so many metrics makes a checkpoint.
    fn wal_bytes(&self, metrics: usize) -> u64 {
        let of_metrics = (metrics as u64).saturating_mul(WAL_BYTES_PER_METRIC);
        self.checkpoint_wal_bytes
            .min(of_metrics.max(LEAST_WAL_BYTES))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            checkpoint_wal_bytes: CHECKPOINT_WAL_BYTES,
            head_bytes: HEAD_BYTES,
        }
    }
}

/// What the engine and its threads have in common.
struct Shared {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: Options,
    head: Head,
    queue: Queue,
    poison: Poison,
    counters: Counters,
    checkpoints: Requests,
    live: Live,
    compactions: Signal,
    replay: ReplayReport,
}

/// A store in one directory of one machine.
///
/// Dropping it finishes what callers wait for and ends its threads; it makes no checkpoint, so that the next opening
/// replays the log. Call [`Store::flush`] before for a quick one.
pub struct Engine {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    _lock: DirLock,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("dir", &self.shared.dir)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the store in a directory, which is made if need be: loads the snapshot, replays the log.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process has it, [`StoreError::Corrupt`] where the directory is no store
    /// of this format, [`StoreError::Io`]. Damage to single records is no error: see [`StoreStats::replay`].
    pub fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(System), dir, options)
    }

    fn open_on(disk: Arc<dyn Disk>, dir: &Path, options: Options) -> Result<Self, StoreError> {
        let begin = Instant::now();
        file::create_dir(&*disk, dir)?;
        let lock = DirLock::acquire(dir)?;
        let manifest = live::prepare(&*disk, dir)?;
        checkpoint::remove_others(&*disk, dir, manifest.base)?;
        let mut replay = ReplayReport::default();
        let base = manifest.base;
        let head = match base {
            0 => Head::new(0),
            base => checkpoint::load::load(&*disk, dir, base, &mut replay)?,
        };
        let live = Live::open(&*disk, dir, manifest, &mut replay)?;
        let Replayed { next_seq, segments } =
            recovery::replay(&*disk, dir, base, &head, &mut replay)?;
        // After damage the next number is left out: the snapshot that is then made has a name of its own.
        let next_seq = next_seq + u64::from(!replay.damaged.is_empty());
        head.set_done(next_seq - 1);
        let wal = WalWriter::create(Arc::clone(&disk), &dir.join(WAL_DIR), next_seq, segments)?;
        replay.duration = begin.elapsed();
        tracing::info!(
            dir = %dir.display(), metrics = head.len(), entries = replay.entries, measures = replay.measures,
            torn_bytes = replay.torn_bytes, damaged = replay.damaged.len(), duration = ?replay.duration, "store is open"
        );
        let damaged = !replay.damaged.is_empty();
        let shared = Arc::new(Shared {
            disk,
            dir: dir.to_owned(),
            options,
            head,
            queue: Queue::default(),
            poison: Poison::default(),
            counters: Counters::default(),
            checkpoints: Requests::default(),
            live,
            compactions: Signal::default(),
            replay,
        });
        shared.publish_segments();
        let committer = commit::Committer::new(Arc::clone(&shared), wal);
        let mut engine = Self {
            shared: Arc::clone(&shared),
            threads: Vec::new(),
            _lock: lock,
        };
        engine.start("store-commit", move || committer.run())?;
        let checkpointer = Arc::clone(&shared);
        engine.start("store-checkpoint", move || checkpointer.make_checkpoints())?;
        let compacter = Arc::clone(&shared);
        engine.start("store-compact", move || compacter.compact_segments())?;
        shared.compactions.ask();
        if damaged {
            // What is damaged has been set aside: with a new snapshot it is not found again.
            shared.checkpoints.log_has_grown();
        }
        Ok(engine)
    }

    fn start(
        &mut self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), StoreError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
        self.threads
            .push(thread.map_err(file::failed("start a thread for", &self.shared.dir))?);
        Ok(())
    }

    /// Puts a call before the commit thread and waits for its answer.
    fn call<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, StoreError> {
        self.shared.call(call)
    }
}

/// Waits for an answer that never comes if the thread that owes it has ended.
fn wait<T>(shared: &Shared, answer: &Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
    match answer.recv() {
        Ok(outcome) => outcome,
        Err(_) => Err(shared.poison.check().err().unwrap_or(StoreError::Closed)),
    }
}

impl Shared {
    fn call<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, StoreError> {
        let (reply, answer) = sync_channel(1);
        self.queue.push(call(reply))?;
        wait(self, &answer)
    }

    /// Looks the metrics of a batch up and encodes it, on its caller's thread: it warms the cache for the commit thread.
    /// A batch without measures is done at once.
    fn write_call(
        &self,
        batch: Arc<SortedBatch>,
        done: Completion,
    ) -> Result<Option<Call>, StoreError> {
        let known_at = self.head.deletions();
        self.head.check_known(&batch)?;
        if batch.is_empty() {
            done(Ok(Ack::default()));
            return Ok(None);
        }
        let payload = entry::encode_write(&batch);
        Ok(Some(Call::Write(WriteCall {
            batch,
            payload,
            known_at,
            done,
            ack: Ack::default(),
        })))
    }
}

impl Store for Engine {
    fn set_policy(&self, metrics: &[MetricId], policy: &ArchivePolicy) -> Result<(), StoreError> {
        self.call(|reply| Call::SetPolicy(policy.clone(), metrics.to_vec(), reply))
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let (reply, answer) = sync_channel(1);
        let done = move |outcome: Result<Ack, _>| drop(reply.try_send(outcome.map(drop)));
        let batch = Arc::new(SortedBatch::new(batch)?);
        match self.shared.write_call(batch, Box::new(done))? {
            Some(call) => self.shared.queue.push(call)?,
            None => return Ok(()),
        }
        wait(&self.shared, &answer)
    }

    fn submit_sorted(&self, batch: Arc<SortedBatch>, done: Completion) -> Result<(), StoreError> {
        self.shared.poison.check()?;
        let Some(call) = self.shared.write_call(batch, done)? else {
            return Ok(());
        };
        self.shared.queue.try_push(call).inspect_err(|error| {
            if matches!(error, StoreError::Busy) {
                self.shared.counters.refused_busy();
            }
        })
    }

    fn read_first(
        &self,
        metric: MetricId,
        query: &ReadQuery,
        most: usize,
    ) -> Result<Vec<AggregatePoint>, StoreError> {
        self.shared
            .read(metric, query, most, &mut Lookup::default())
    }

    fn read_group(&self, wanted: &[(MetricId, ReadQuery)], most: usize, each: &mut Each<'_>) {
        self.shared.read_group(wanted, most, each);
    }

    fn delete_metrics(&self, metrics: &[MetricId]) -> Result<(), StoreError> {
        self.call(|reply| Call::Delete(metrics.to_vec(), reply))
    }

    fn flush(&self) -> Result<(), StoreError> {
        let (outcome, answer) = sync_channel(1);
        self.shared.checkpoints.ask(outcome);
        wait(&self.shared, &answer)
    }

    fn stats(&self) -> StoreStats {
        let (calls, measures) = self.shared.queue.depth();
        StoreStats {
            queue_depth: calls as u64,
            queue_capacity: QUEUE_CALLS as u64,
            queue_measures: measures as u64,
            poisoned: self.shared.poison.reason().map(ToOwned::to_owned),
            replay: self.shared.replay.clone(),
            damaged_blocks: self.shared.live.segments.damaged(),
            ..self.shared.counters.stats()
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.compactions.close();
        self.shared.checkpoints.close();
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}
