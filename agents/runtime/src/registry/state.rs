//! The registry's books, kept under one lock and free of threads and waiting: which collectors there are, which are
//! queued or running and for whom, and how many runners that takes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::collector::{Collector, NamedCollector};
use crate::registry::TAKEOVER;
use crate::registry::slot::{Aftermath, Change, Finished, Flight, Job, Provision, Report, Slot};
use crate::registry::ticket::Ticket;

/// Idle runners that are kept for the next scrape.
const IDLE_RUNNERS: usize = 1;

/// The books.
#[derive(Default)]
pub(crate) struct State {
    /// One per name that ever was, so that positions stay.
    pub(super) slots: Vec<Slot>,
    /// Positions of the collectors that can be asked for, in the order of the table.
    order: Vec<usize>,
    /// Positions of the slots whose flight has not begun.
    queue: VecDeque<usize>,
    runners: usize,
    idle: usize,
    running: usize,
    closed: bool,
}

impl State {
    /// Puts other collectors in place and gives back those that are no longer needed, to be dropped without the lock:
    /// some have a connection to close.
    pub(crate) fn replace(&mut self, collectors: Vec<NamedCollector>) -> Vec<Box<dyn Collector>> {
        let mut discarded = Vec::new();
        self.order.clear();
        for (name, collector) in collectors {
            let position = self.slots.iter().position(|slot| slot.name == name);
            if let Some(position) = position
                && let Some(slot) = self.slots.get_mut(position)
            {
                let is_away = slot
                    .flight
                    .as_ref()
                    .is_some_and(|flight| flight.started.is_some());
                let place = if is_away {
                    &mut slot.successor
                } else {
                    &mut slot.collector
                };
                discarded.extend(place.replace(collector));
            } else {
                let collector = Some(collector);
                self.slots.push(Slot {
                    name,
                    collector,
                    successor: None,
                    flight: None,
                    spare: None,
                    failing: None,
                });
            }
            self.order.push(position.unwrap_or(self.slots.len() - 1));
        }
        // What is no longer asked for needs no memory; what runs or is queued drops out when it is done.
        for position in 0..self.slots.len() {
            if !self.order.contains(&position)
                && let Some(slot) = self.slots.get_mut(position)
            {
                slot.spare = None;
                discarded.extend(slot.successor.take());
                if slot.flight.is_none() {
                    discarded.extend(slot.collector.take());
                }
            }
        }
        discarded
    }

    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.order
            .iter()
            .filter_map(|&at| self.slots.get(at))
            .map(|slot| slot.name)
            .collect()
    }

    /// The positions of the collectors whose name fits.
    pub(crate) fn positions(&self, fits: impl Fn(&str) -> bool) -> Vec<usize> {
        let fits = |at: &usize| self.slots.get(*at).is_some_and(|slot| fits(slot.name));
        self.order.iter().copied().filter(fits).collect()
    }

    /// Queues the collectors of `slots` that are not at work already. One that is past its deadline is not waited for.
    pub(crate) fn enqueue(&mut self, slots: &[usize], deadline: Instant) -> Arc<Ticket> {
        let now = Instant::now();
        let ticket = Arc::new(Ticket::new(slots.len()));
        for (place, &at) in slots.iter().enumerate() {
            let Some(slot) = self.slots.get_mut(at) else {
                continue;
            };
            match &mut slot.flight {
                Some(flight) if flight.is_stuck(now) => continue,
                Some(flight) => flight.tickets.push((Arc::clone(&ticket), place)),
                None if slot.collector.is_none() => continue,
                None => {
                    let tickets = vec![(Arc::clone(&ticket), place)];
                    slot.flight = Some(Flight {
                        deadline,
                        started: None,
                        missed: false,
                        tickets,
                    });
                    self.queue.push_back(at);
                }
            }
            ticket.expect();
        }
        ticket
    }

    /// What it takes to have the queue worked off. A runner is at hand when one is idle or about to take something;
    /// another is needed when all are held for long.
    pub(crate) fn provision(&mut self, now: Instant) -> Provision {
        let is_held = |flight: &Flight| {
            flight
                .started
                .is_none_or(|started| now.saturating_duration_since(started) >= TAKEOVER)
        };
        if self.queue.is_empty() {
            Provision::Nothing
        } else if self.idle > 0 {
            Provision::Wake
        } else if self.runners > self.running || self.runners > self.slots.len() {
            Provision::Nothing
        } else if self
            .slots
            .iter()
            .filter_map(|slot| slot.flight.as_ref())
            .all(is_held)
        {
            self.runners += 1;
            Provision::Spawn
        } else {
            Provision::Nothing
        }
    }

    /// The next of the queue.
    pub(crate) fn take(&mut self) -> Option<Job> {
        while let Some(at) = self.queue.pop_front() {
            let Some(slot) = self.slots.get_mut(at) else {
                continue;
            };
            let (Some(flight), Some(collector)) = (&mut slot.flight, slot.collector.take()) else {
                continue;
            };
            flight.started = Some(Instant::now());
            self.running += 1;
            let spare = slot
                .spare
                .take()
                .and_then(|outcome| Arc::try_unwrap(outcome).ok());
            let families = spare.map(|outcome| outcome.families).unwrap_or_default();
            return Some(Job {
                slot: at,
                collector,
                families,
                deadline: flight.deadline,
            });
        }
        None
    }

    /// Books the end of a run and hands its outcome to all who wait.
    pub(crate) fn finish(&mut self, finished: Finished) -> Aftermath {
        let Finished {
            slot: at,
            collector,
            outcome,
            error,
        } = finished;
        self.running = self.running.saturating_sub(1);
        let is_wanted = self.order.contains(&at);
        let Some(slot) = self.slots.get_mut(at) else {
            return Aftermath::default();
        };
        let outcome = Arc::new(outcome);
        for (ticket, place) in slot
            .flight
            .take()
            .into_iter()
            .flat_map(|flight| flight.tickets)
        {
            ticket.fill(place, Arc::clone(&outcome));
        }
        let (next, discarded) = match slot.successor.take() {
            Some(successor) => (Some(successor), Some(collector)),
            None if is_wanted => (Some(collector), None),
            None => (None, Some(collector)),
        };
        slot.collector = next;
        slot.spare = is_wanted.then_some(outcome);
        let failing = error.as_ref().map(ToString::to_string);
        let is_news = failing != slot.failing;
        slot.failing = failing;
        Aftermath {
            change: is_news.then_some(Change {
                collector: slot.name,
                error,
            }),
            discarded,
        }
    }

    /// Ends a scrape: how each collector fared, and the names of those whose absence has not been said yet.
    pub(crate) fn conclude(
        &mut self,
        slots: &[usize],
        ticket: &Arc<Ticket>,
    ) -> (Vec<Report>, Vec<&'static str>) {
        let now = Instant::now();
        let mut reports = Vec::with_capacity(slots.len());
        let mut late = Vec::new();
        for (&at, outcome) in slots.iter().zip(ticket.take()) {
            let Some(slot) = self.slots.get_mut(at) else {
                continue;
            };
            let mut duration = outcome
                .as_ref()
                .map_or(Duration::ZERO, |outcome| outcome.duration);
            if outcome.is_none()
                && let Some(flight) = &mut slot.flight
            {
                flight
                    .tickets
                    .retain(|(other, _)| !Arc::ptr_eq(other, ticket));
                if !std::mem::replace(&mut flight.missed, true) {
                    late.push(slot.name);
                }
                duration = flight.started.map_or(Duration::ZERO, |started| {
                    now.saturating_duration_since(started)
                });
                if flight.started.is_none() && flight.tickets.is_empty() {
                    slot.flight = None;
                    self.queue.retain(|&queued| queued != at);
                }
            }
            reports.push(Report {
                name: slot.name,
                success: outcome.as_ref().is_some_and(|outcome| outcome.success),
                outcome,
                duration,
            });
        }
        (reports, late)
    }

    /// Whether the runner that has found nothing may wait for more.
    pub(crate) fn may_idle(&mut self) -> bool {
        let may = !self.closed && self.idle < IDLE_RUNNERS;
        self.idle += usize::from(may);
        may
    }

    /// A runner has waited.
    pub(crate) fn idled(&mut self) {
        self.idle = self.idle.saturating_sub(1);
    }

    /// A runner has ended, or could not be started.
    pub(crate) fn runner_ended(&mut self) {
        self.runners = self.runners.saturating_sub(1);
    }

    /// Lets the runners end.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.queue.clear();
    }

    /// How many collectors are past their deadline, and how many runners there are.
    pub(crate) fn counts(&self, now: Instant) -> (usize, usize) {
        let flights = self.slots.iter().filter_map(|slot| slot.flight.as_ref());
        (
            flights.filter(|flight| flight.is_stuck(now)).count(),
            self.runners,
        )
    }
}
