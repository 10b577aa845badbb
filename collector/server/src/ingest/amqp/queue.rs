//! The messages of one queue: as many as are there are stored together and then acknowledged together. What cannot be
//! read is set aside; what becomes of those that cannot be stored is in `retry`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use collector_index::{Metric, Resource};
use collector_model::{ResourceIdError, Timestamp, resource_id};
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::{Channel, Consumer};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use uuid::Uuid;

use super::error::SessionError;
use super::rejects::Rejects;
use super::state::{MALFORMED, TOO_LARGE};
use crate::app::App;
use crate::ingest::ceilometer::{Intake, Notification, Outcome, Received, Sender};
use crate::measures::MeasureError;
use crate::metrics::Input;

/// Bytes of messages that are stored together, unless a single one is larger.
const MOST_BYTES: usize = 8 << 20;

/// One queue.
pub(super) struct Queue {
    pub(super) app: Arc<App>,
    pub(super) name: String,
    /// Creator of the resources.
    pub(super) creator: String,
    /// Most messages that are stored together.
    pub(super) most: usize,
    pub(super) max_message_size: usize,
    pub(super) channel: Channel,
    pub(super) rejects: Rejects,
}

impl Queue {
    /// Takes messages until the consumer ends.
    pub(super) async fn run(self, mut consumer: Consumer) -> Result<(), SessionError> {
        let mut ended = false;
        while !ended {
            let Some(first) = consumer.next().await else {
                break;
            };
            let first = first?;
            let mut bytes = first.data.len();
            let mut batch = vec![first];
            while batch.len() < self.most && bytes < MOST_BYTES {
                // What has come already, and no waiting for more.
                match timeout(Duration::ZERO, consumer.next()).await {
                    Ok(Some(next)) => {
                        let next = next?;
                        bytes += next.data.len();
                        batch.push(next);
                    }
                    Ok(None) => {
                        ended = true;
                        break;
                    }
                    Err(_) => break,
                }
            }
            let redelivered = batch.iter().filter(|delivery| delivery.redelivered).count();
            self.app.amqp.came(&self.name, batch.len(), redelivered);
            self.settle(batch).await?;
        }
        Err(SessionError::Cancelled(self.name))
    }

    /// Stores what the messages say and takes them off the queue.
    async fn settle(&self, batch: Vec<Delivery>) -> Result<(), SessionError> {
        let mut sound = Vec::with_capacity(batch.len());
        for delivery in batch {
            match self.unreadable(&delivery) {
                None => sound.push(delivery),
                Some((reason, why)) => self.set_aside(&delivery, reason, &why).await?,
            }
        }
        if sound.is_empty() {
            return Ok(());
        }
        if self.stored_together(&sound).await? {
            // They are the oldest that are not acknowledged.
            return self.acknowledge(&sound, true).await;
        }
        self.settle_each(sound).await
    }

    fn unreadable(&self, delivery: &Delivery) -> Option<(&'static str, String)> {
        let size = delivery.data.len();
        if size > self.max_message_size {
            let most = self.max_message_size;
            return Some((
                TOO_LARGE,
                format!("message of {size} bytes: at most {most} are taken"),
            ));
        }
        let wrong = Notification::read(&delivery.data).err()?;
        Some((MALFORMED, wrong))
    }

    /// Stores what messages say.
    pub(super) async fn take(&self, deliveries: &[Delivery]) -> Result<(), MeasureError> {
        let (definitions, translation) = (self.app.definitions(), self.app.translation());
        let now = Timestamp::from(SystemTime::now());
        let mut received = Received::nothing(&definitions);
        for delivery in deliveries {
            // They were readable before.
            if let Ok(notification) = Notification::read(&delivery.data) {
                received.notification(notification, &translation, now);
            }
        }
        let intake = Intake {
            index: &self.app.index,
            measures: &self.app.measures,
            definitions: &definitions,
            input: Input::Amqp,
        };
        let mut outcome = Outcome::default();
        let taken = intake.take(self, received, &mut outcome).await;
        if taken.is_ok() {
            let metrics = &self.app.metrics;
            metrics
                .ceilometer
                .add(&metrics.inputs, Input::Amqp, &outcome);
            if let Some(why) = &outcome.first_refusal {
                let refused = outcome.refused();
                tracing::debug!(queue = %self.name, refused, %why, "samples or events refused");
            }
        }
        taken
    }

    /// Tells the broker that messages are stored, and if `with_older` all that came before the last of them.
    pub(super) async fn acknowledge(
        &self,
        deliveries: &[Delivery],
        with_older: bool,
    ) -> Result<(), SessionError> {
        if let Some(last) = deliveries.last() {
            let options = BasicAckOptions {
                multiple: with_older,
            };
            self.channel.basic_ack(last.delivery_tag, options).await?;
            self.app.amqp.settled(&self.name, deliveries.len());
        }
        Ok(())
    }

    pub(super) async fn set_aside(
        &self,
        delivery: &Delivery,
        reason: &'static str,
        why: &str,
    ) -> Result<(), SessionError> {
        tracing::warn!(queue = %self.name, error = why, "message is set aside");
        self.rejects.take(delivery, why).await?;
        self.app.amqp.rejected(&self.name, reason);
        self.app.metrics.inputs.rejected(Input::Amqp, reason, 1);
        self.app.amqp.settled(&self.name, 1);
        Ok(())
    }
}

/// Who may speak to the broker is the broker's to say; what comes from it may do everything.
impl Sender for Queue {
    type Error = MeasureError;

    fn creator(&self) -> &str {
        &self.creator
    }

    fn resource_id(&self, text: &str) -> Result<Uuid, ResourceIdError> {
        resource_id(text, Some(&self.creator))
    }

    fn may_all(&self) -> bool {
        true
    }

    async fn may_post(&self, _: &Metric) -> Result<bool, MeasureError> {
        Ok(true)
    }

    fn may_update(&self, _: &Resource) -> bool {
        true
    }
}
