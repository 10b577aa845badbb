//! The commit thread, the only one that changes metrics: takes what waits, logs it with one write and one fdatasync,
//! folds it in, and only then answers. What it cannot log it does not fold.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use collector_model::{ArchivePolicy, MetricId};

use super::Shared;
use crate::queue::{Call, Reply, Work, WriteCall};
use crate::rollup::Scratch;
use crate::wal::entry;
use crate::wal::writer::{AppendError, WalWriter};
use crate::{Ack, Pauses, StoreError};

/// The thread's own state.
pub(super) struct Committer {
    shared: Arc<Shared>,
    wal: WalWriter,
    scratch: Scratch,
    metrics: usize,
}

/// Refuses writes should the thread ever end by a panic: those who wait would otherwise wait for ever.
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison.set("the commit thread has failed");
        }
        self.0.queue.close();
        while let Some(work) = self.0.queue.take() {
            // Callers whose other calls are dropped learn it by their channel's end.
            if let Work::Writes(calls) = work {
                let refused = || self.0.poison.check().err().unwrap_or(StoreError::Closed);
                calls
                    .into_iter()
                    .for_each(|call| complete(call, Err(refused())));
            }
        }
    }
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, wal: WalWriter) -> Self {
        let metrics = shared.head.len();
        let committer = Self {
            shared,
            wal,
            scratch: Scratch::default(),
            metrics,
        };
        committer.publish();
        committer
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let guard = Guard(Arc::clone(&self.shared));
        while let Some(work) = self.shared.queue.take() {
            match work {
                Work::Writes(calls) => self.write(calls),
                Work::Other(call) => self.other(call),
            }
        }
        drop(guard);
    }

    /// Shows the figures; before any answer, so that who has one sees its effect.
    fn publish(&self) {
        let counters = &self.shared.counters;
        counters.set_metrics(self.metrics);
        counters.set_wal(self.wal.bytes(), self.wal.segments());
        if self.wal.bytes() >= self.shared.options.wal_bytes(self.metrics) {
            self.shared.checkpoints.log_has_grown();
        }
    }

    /// Notes that all that is in the log has been applied.
    fn applied(&self) {
        self.shared.head.set_done(self.wal.last_seq());
    }

    fn write(&mut self, calls: Vec<WriteCall>) {
        let mut accepted = Vec::with_capacity(calls.len());
        for call in calls {
            // The caller has looked all metrics up, which is what takes time here.
            let known = || match self.shared.head.deletions() == call.known_at {
                true => Ok(()),
                false => self.shared.head.check_known(&call.batch),
            };
            match self.shared.poison.check().and_then(|()| known()) {
                Ok(()) => accepted.push(call),
                Err(error) => complete(call, Err(error)),
            }
        }
        if accepted.is_empty() {
            return;
        }
        let first = match self.log(accepted.iter().map(|call| call.payload.as_slice())) {
            Ok(first) => first,
            Err(error) => {
                for call in accepted {
                    complete(call, Err(error.again()));
                }
                return;
            }
        };
        for (seq, call) in (first..).zip(&mut accepted) {
            let folded = self.shared.head.fold(seq, &call.batch, &mut self.scratch);
            call.ack = folded.ack(&call.batch);
            self.shared.counters.accepted(call.ack);
        }
        self.applied();
        let waits = self.shared.head.take_waits();
        if waits != Pauses::default() {
            self.shared.counters.paused(waits);
        }
        self.publish();
        for call in accepted {
            let ack = call.ack;
            complete(call, Ok(ack));
        }
    }

    /// Makes entries durable; returns the number of the first.
    fn log<'a>(&mut self, payloads: impl Iterator<Item = &'a [u8]>) -> Result<u64, StoreError> {
        self.shared.poison.check()?;
        let result = self.wal.append(payloads);
        self.shared
            .counters
            .set_disk_full(matches!(result, Err(AppendError::Full(_))));
        match result {
            Ok((first, sync)) => {
                self.shared.counters.synced(sync);
                Ok(first)
            }
            Err(AppendError::Full(path)) => Err(StoreError::DiskFull(path)),
            Err(AppendError::Unknown(reason)) => {
                self.shared.poison.set(reason);
                self.shared.poison.check().map(|()| 0)
            }
        }
    }

    fn other(&mut self, call: Call) {
        match call {
            // The queue gives writes in groups only.
            Call::Write(call) => self.write(vec![call]),
            Call::SetPolicy(policy, metrics, reply) => {
                let outcome = self.set_policy(&policy, &metrics);
                self.answer(&reply, outcome);
            }
            Call::Delete(metrics, reply) => {
                let outcome = self.delete(&metrics);
                self.answer(&reply, outcome);
            }
            Call::Rotate(reply) => {
                let begin = Instant::now();
                let rotated = self.shared.poison.check().and_then(|()| self.wal.rotate());
                self.shared.counters.paused(Pauses {
                    rotate: begin.elapsed(),
                    ..Pauses::default()
                });
                self.answer(&reply, rotated.map(|()| self.wal.last_seq()));
            }
            Call::Forget(seq, reply) => {
                let forgotten = self.wal.forget(seq);
                self.answer(&reply, Ok(forgotten));
            }
        }
    }

    fn answer<T>(&self, reply: &Reply<T>, outcome: Result<T, StoreError>) {
        self.publish();
        // A caller that does not wait any more needs no answer.
        let _ = reply.try_send(outcome);
    }

    fn set_policy(
        &mut self,
        policy: &ArchivePolicy,
        metrics: &[MetricId],
    ) -> Result<(), StoreError> {
        let Some(plan) = self.shared.head.plan(policy) else {
            let metric = metrics.first().copied().unwrap_or_default();
            let policy = policy.name.clone();
            return Err(StoreError::UnsupportedPolicy {
                metric,
                policy,
                reason: "it has no definition",
            });
        };
        let changed = self.shared.head.check_plan(metrics, &plan)?;
        if changed.is_empty() {
            return Ok(());
        }
        let payload = entry::encode_set_policy(policy, &changed);
        let seq = self.log([payload.as_slice()].into_iter())?;
        self.metrics += self.shared.head.set_plan(seq, &changed, &plan);
        self.applied();
        Ok(())
    }

    fn delete(&mut self, metrics: &[MetricId]) -> Result<(), StoreError> {
        let known = self.shared.head.registered(metrics);
        if known.is_empty() {
            return Ok(());
        }
        let payload = entry::encode_delete(&known);
        let seq = self.log([payload.as_slice()].into_iter())?;
        self.metrics -= self.shared.head.delete(seq, &known);
        self.applied();
        Ok(())
    }
}

/// Tells a writer the outcome. What its closure does wrong shall not end the thread.
fn complete(call: WriteCall, outcome: Result<Ack, StoreError>) {
    let done = call.done;
    if catch_unwind(AssertUnwindSafe(|| done(outcome))).is_err() {
        tracing::error!("the completion of a write panicked");
    }
}
