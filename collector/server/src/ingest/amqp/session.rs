//! The connection to the broker for as long as the collector runs: exchanges and queues are made where they are missing,
//! every queue has a task and a channel of its own, and when anything ends all begins again after a while.

use std::sync::Arc;
use std::time::Duration;

use lapin::options::{
    BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::tcp::OwnedTLSConfig;
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind, runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::SessionError;
use super::queue::Queue;
use super::rejects::Rejects;
use super::settings::AmqpConfig;
use crate::app::App;

/// First wait after a connection ended; doubled up to the longest.
const WAIT: Duration = Duration::from_millis(500);
/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long the broker may take to connect, and then to make all queues.
const DEADLINE: Duration = Duration::from_secs(30);

/// Takes messages until it is dropped.
pub(crate) struct Listener {
    app: Arc<App>,
    config: AmqpConfig,
}

impl Listener {
    /// Puts the parts together.
    pub(crate) fn new(app: Arc<App>, config: AmqpConfig) -> Self {
        Self { app, config }
    }

    /// Keeps a connection. Returns at once where no broker is configured.
    pub(crate) async fn run(self) {
        let state = &self.app.amqp;
        state.configured(self.config.url.is_some());
        let mut wait = WAIT;
        for attempt in 0.. {
            let mut was_connected = false;
            let ended = self.session(attempt, &mut was_connected).await;
            let Err(error) = ended else { return };
            if was_connected {
                wait = WAIT;
            }
            let text = error.to_string();
            if state.failed(text) {
                tracing::warn!(%error, "no messages from the broker");
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// One connection, until it ends.
    async fn session(&self, attempt: usize, was_connected: &mut bool) -> Result<(), SessionError> {
        let Some(brokers) = &self.config.url else {
            return Ok(());
        };
        let uri = brokers.at(attempt).ok_or(SessionError::NoBroker)?.clone();
        let properties =
            ConnectionProperties::default().with_connection_name("nephoscope-collector".into());
        let connect = Connection::connect_uri_with_config(
            uri,
            properties,
            self.tls()?,
            runtime::default_runtime()?,
        );
        let connection = timeout(DEADLINE, connect)
            .await
            .map_err(|_| SessionError::TimedOut("connection"))??;
        let mut tasks = timeout(DEADLINE, self.listen(&connection))
            .await
            .map_err(|_| SessionError::TimedOut("queues"))??;
        *was_connected = true;
        if self.app.amqp.connected() {
            tracing::info!(queues = tasks.len(), "messages are taken from the broker");
        }
        match tasks.join_next().await {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }

    fn tls(&self) -> Result<OwnedTLSConfig, SessionError> {
        let Some(file) = &self.config.ca_file else {
            return Ok(OwnedTLSConfig::default());
        };
        let chain = std::fs::read_to_string(file).map_err(|source| SessionError::Certificates {
            file: file.display().to_string(),
            source,
        })?;
        Ok(OwnedTLSConfig {
            identity: None,
            cert_chain: Some(chain),
        })
    }

    /// Starts a task for each queue.
    async fn listen(
        &self,
        connection: &Connection,
    ) -> Result<JoinSet<Result<(), SessionError>>, SessionError> {
        let rejects = Rejects::open(connection, &self.config.rejected_queue).await?;
        for exchange in &self.config.exchanges {
            self.exchange(connection, exchange).await?;
        }
        let mut tasks = JoinSet::new();
        for (name, keys) in self.config.queues() {
            let channel = self.queue(connection, &name).await?;
            for exchange in &self.config.exchanges {
                for key in &keys {
                    channel
                        .queue_bind(
                            ShortString::from(name.as_str()),
                            ShortString::from(exchange.as_str()),
                            ShortString::from(key.as_str()),
                            QueueBindOptions::default(),
                            FieldTable::default(),
                        )
                        .await?;
                }
            }
            channel
                .basic_qos(self.config.prefetch, BasicQosOptions::default())
                .await?;
            let consumer = channel
                .basic_consume(
                    ShortString::from(name.as_str()),
                    // The broker names it.
                    ShortString::from(""),
                    BasicConsumeOptions::default(),
                    FieldTable::default(),
                )
                .await?;
            let queue = Queue {
                app: Arc::clone(&self.app),
                name,
                creator: self.config.creator.clone(),
                most: usize::from(self.config.prefetch),
                max_message_size: self.config.max_message_size,
                channel,
                rejects: rejects.clone(),
            };
            tasks.spawn(queue.run(consumer));
        }
        Ok(tasks)
    }

    /// Makes sure that the exchange is there; one that somebody made with other arguments is taken as it is.
    async fn exchange(&self, connection: &Connection, name: &str) -> Result<(), SessionError> {
        for passive in [false, true] {
            // Where it differs the channel that asked is lost.
            let channel = connection.create_channel().await?;
            let options = ExchangeDeclareOptions {
                passive,
                durable: self.config.durable,
                ..ExchangeDeclareOptions::default()
            };
            let (name, kind) = (ShortString::from(name), ExchangeKind::Topic);
            let declared = channel
                .exchange_declare(name, kind, options, FieldTable::default())
                .await;
            match declared {
                Ok(()) => break,
                Err(error) if passive => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Makes sure that the queue is there, as [`Listener::exchange`] does, and gives a channel for it.
    async fn queue(&self, connection: &Connection, name: &str) -> Result<Channel, SessionError> {
        for passive in [false, true] {
            let channel = connection.create_channel().await?;
            let options = QueueDeclareOptions {
                passive,
                durable: self.config.durable,
                ..QueueDeclareOptions::default()
            };
            let declared = channel
                .queue_declare(ShortString::from(name), options, FieldTable::default())
                .await;
            match declared {
                Ok(_) => return Ok(channel),
                Err(error) if passive => return Err(error.into()),
                Err(_) => {}
            }
        }
        Err(SessionError::Cancelled(name.to_owned()))
    }
}
