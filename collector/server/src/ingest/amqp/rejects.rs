//! Where messages go that cannot be read: a bounded queue of their own, with the reason, for an operator to look at; or,
//! where there is none, back to the broker as rejected, which is for the queue's dead-letter exchange.

use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};

/// Most messages in the queue; the oldest go first.
const MOST: i64 = 10_000;
/// `delivery_mode` of messages that survive the broker's restart.
const PERSISTENT: u8 = 2;

/// The queue, if there is one.
#[derive(Clone)]
pub(super) struct Rejects(Option<(Channel, ShortString)>);

impl Rejects {
    /// Makes the queue. Where the broker does not allow it messages are rejected instead.
    pub(super) async fn open(connection: &Connection, queue: &str) -> lapin::Result<Self> {
        if queue.is_empty() {
            return Ok(Self(None));
        }
        let channel = connection.create_channel().await?;
        let name = ShortString::from(queue);
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(MOST));
        let declared = channel
            .queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments)
            .await;
        if let Err(error) = declared {
            if !connection.status().connected() {
                return Err(error);
            }
            tracing::warn!(%error, queue, "no queue for messages that cannot be read, they are rejected");
            return Ok(Self(None));
        }
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(Self(Some((channel, name))))
    }

    /// Sets a message aside and takes it off its queue.
    pub(super) async fn take(&self, delivery: &Delivery, reason: &str) -> lapin::Result<()> {
        if let Some((channel, queue)) = &self.0 {
            let mut headers = FieldTable::default();
            for (name, value) in [
                ("x-nephoscope-reason", reason),
                ("x-nephoscope-exchange", delivery.exchange.as_str()),
                ("x-nephoscope-routing-key", delivery.routing_key.as_str()),
            ] {
                let value = AMQPValue::LongString(LongString::from(value));
                headers.insert(name.into(), value);
            }
            let properties = BasicProperties::default()
                .with_delivery_mode(PERSISTENT)
                .with_headers(headers);
            let (exchange, options) = (ShortString::from(""), BasicPublishOptions::default());
            let sent = channel
                .basic_publish(exchange, queue.clone(), options, &delivery.data, properties)
                .await?;
            if matches!(sent.await?, Confirmation::Ack(_)) {
                delivery.ack(BasicAckOptions::default()).await?;
                return Ok(());
            }
        }
        delivery.reject(BasicRejectOptions::default()).await?;
        Ok(())
    }
}
