//! Messages that could not be stored. In an outage of store or catalogue they are kept, unacknowledged, for however long
//! it takes. What can never be stored is set aside; so is a message at which the catalogue alone fails again and again
//! although it takes something else each time, so that one message does not hold up its queue for ever.

use std::time::Duration;

use lapin::message::Delivery;
use tokio::time::sleep;

use super::error::{Fault, SessionError};
use super::queue::Queue;
use super::state::{FAILING, REFUSED};
use crate::measures::MeasureError;

/// First wait before messages that could not be stored are tried again; doubled up to the longest.
const WAIT: Duration = Duration::from_millis(100);
/// Longest wait before messages that could not be stored are tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often messages may fail together, while the catalogue takes something else, before each is tried alone.
const TOGETHER: u32 = 3;
/// How often a message may fail alone, while the catalogue takes something else; that takes some ten seconds.
const ALONE: u32 = 8;

/// Waits of increasing length, and whether they have been told of.
struct Patience {
    wait: Duration,
    told: bool,
}

impl Patience {
    fn new() -> Self {
        Self {
            wait: WAIT,
            told: false,
        }
    }
}

impl Queue {
    /// Stores what messages say, however long it takes. Not where the fault is that of a message: whose it is they show
    /// alone.
    pub(super) async fn stored_together(
        &self,
        deliveries: &[Delivery],
    ) -> Result<bool, SessionError> {
        let (mut patience, mut failures) = (Patience::new(), 0);
        loop {
            let Err(error) = self.take(deliveries).await else {
                return Ok(true);
            };
            match Fault::of(&error) {
                Fault::Message => return Ok(false),
                Fault::Unclear if self.others_are_taken().await => failures += 1,
                Fault::Unclear | Fault::Outage => {}
            }
            if failures >= TOGETHER {
                return Ok(false);
            }
            self.wait(&mut patience, &error).await?;
        }
    }

    /// Takes messages off the queue one by one, those that are stored and those that can never be.
    pub(super) async fn settle_each(&self, deliveries: Vec<Delivery>) -> Result<(), SessionError> {
        let mut left: Vec<_> = deliveries.into_iter().map(|one| (one, 0)).collect();
        let mut patience = Patience::new();
        while !left.is_empty() {
            let mut failed = Vec::new();
            let mut last_error = None;
            for (delivery, failures) in left {
                let Err(error) = self.take(std::slice::from_ref(&delivery)).await else {
                    self.acknowledge(std::slice::from_ref(&delivery), false)
                        .await?;
                    patience.wait = WAIT;
                    continue;
                };
                match Fault::of(&error) {
                    Fault::Message => {
                        let why = error.to_string();
                        self.set_aside(&delivery, REFUSED, &why).await?;
                    }
                    Fault::Unclear if self.others_are_taken().await => {
                        if failures + 1 < ALONE {
                            failed.push((delivery, failures + 1));
                            last_error = Some(error);
                        } else {
                            let why = format!("failed {ALONE} times, others did not: {error}");
                            self.set_aside(&delivery, FAILING, &why).await?;
                        }
                    }
                    Fault::Unclear | Fault::Outage => {
                        // The others would fare no better now.
                        failed.push((delivery, failures));
                        self.wait(&mut patience, &error).await?;
                    }
                }
            }
            left = failed;
            if let Some(error) = last_error {
                self.wait(&mut patience, &error).await?;
            }
        }
        Ok(())
    }

    /// Whether the catalogue takes a resource and a metric that have nothing to do with any message.
    async fn others_are_taken(&self) -> bool {
        let probed = self.app.index.probe().await;
        if let Err(error) = &probed {
            tracing::debug!(queue = %self.name, %error, "the catalogue takes nothing");
        }
        probed.is_ok()
    }

    async fn wait(
        &self,
        patience: &mut Patience,
        error: &MeasureError,
    ) -> Result<(), SessionError> {
        self.app.amqp.retried(&self.name);
        if !patience.told {
            tracing::warn!(%error, queue = %self.name, "messages are kept until they can be stored");
            patience.told = true;
        }
        sleep(patience.wait).await;
        patience.wait = (patience.wait * 2).min(LONGEST_WAIT);
        if !self.channel.status().connected() {
            // The broker has given them to nobody or to somebody else by now.
            return Err(SessionError::Cancelled(self.name.clone()));
        }
        Ok(())
    }
}
