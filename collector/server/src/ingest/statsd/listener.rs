//! The socket that statsd's clients send to, and the flush into catalogue and store. Like gnocchi-statsd, a flush gives
//! each name that came since the last one a single measure; a metric that is refused costs only itself.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use collector_index::{EnsureBody, EnsureMetric, EnsureResource, IndexError};
use collector_model::{Measure, Timestamp};
use collector_storage::Batch;
use runtime::{Failure, Shutdown};
use serde_json::Map;
use tokio::net::UdpSocket;
use tokio::time::{MissedTickBehavior, interval_at};
use uuid::Uuid;

use super::buffer::Buffer;
use super::config::StatsdConfig;
use super::kernel;
use super::line;
use super::outcome::Loss;
use crate::measures::{MeasureError, Measures};
use crate::metrics::{Input, Metrics};

/// The largest datagram that UDP carries, bytes.
const MAX_DATAGRAM: usize = 65_535;

/// A bound socket and what becomes of what comes.
pub(crate) struct Listener {
    socket: UdpSocket,
    address: SocketAddr,
    config: StatsdConfig,
    resource: Uuid,
    measures: Arc<Measures>,
    metrics: Arc<Metrics>,
}

impl Listener {
    /// Binds the socket where the configuration names a resource.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub(crate) async fn bind(
        config: StatsdConfig,
        measures: Arc<Measures>,
        metrics: Arc<Metrics>,
    ) -> Result<Option<Self>, Failure> {
        let Some(resource) = config.resource_id else {
            return Ok(None);
        };
        let wanted = SocketAddr::new(config.host, config.port);
        let bound = UdpSocket::bind(wanted).await;
        let socket = bound.map_err(|error| {
            Failure::start(format!("statsd: cannot listen on {wanted}: {error}"))
        })?;
        let address = socket.local_addr().map_err(Failure::start)?;
        metrics.statsd.listens();
        tracing::info!(%address, %resource, "taking statsd");
        Ok(Some(Self {
            socket,
            address,
            config,
            resource,
            measures,
            metrics,
        }))
    }

    /// Takes and flushes until the program ends; what came until then is flushed.
    pub(crate) async fn run(self, mut shutdown: Shutdown) {
        let delay = self.config.flush_delay;
        let mut flushes = interval_at(tokio::time::Instant::now() + delay, delay);
        flushes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = Buffer::default();
        // While one flush waits for the store, lines are taken for the next one.
        let mut flush: Option<Flush<'_>> = None;
        let mut datagram = vec![0; MAX_DATAGRAM];
        // A flush tries again.
        if let Err(error) = self.ensure_resource().await {
            tracing::warn!(%error, resource = %self.resource, "cannot create statsd's resource");
        }
        loop {
            tokio::select! {
                () = shutdown.requested() => break,
                () = end_of(&mut flush), if flush.is_some() => flush = None,
                _ = flushes.tick(), if flush.is_none() => flush = Some(Box::pin(self.flush(buffer.take()))),
                received = self.socket.recv_from(&mut datagram) => match received {
                    Ok((length, from)) => {
                        let bytes = datagram.get(..length).unwrap_or_default();
                        self.take(bytes, from, &mut buffer);
                    }
                    // The socket lives on: an ICMP error of a client, say.
                    Err(error) => tracing::debug!(%error, "cannot read from the statsd socket"),
                },
            }
        }
        // What the kernel already has.
        while let Ok((length, from)) = self.socket.try_recv_from(&mut datagram) {
            self.take(
                datagram.get(..length).unwrap_or_default(),
                from,
                &mut buffer,
            );
        }
        end_of(&mut flush).await;
        self.flush(buffer.take()).await;
    }

    fn lost(&self, loss: Loss, count: usize) {
        let inputs = &self.metrics.inputs;
        inputs.rejected(Input::Statsd, loss.reason(), count);
    }

    fn take(&self, datagram: &[u8], from: SocketAddr, buffer: &mut Buffer) {
        let counters = &self.metrics.statsd;
        counters.datagram();
        let Ok(text) = std::str::from_utf8(datagram) else {
            tracing::debug!(%from, "a datagram of statsd is not UTF-8");
            return self.lost(Loss::Encoding, 1);
        };
        let now = Timestamp::from(SystemTime::now());
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            match line::parse(line) {
                Ok(sample) if buffer.add(&sample, now) => counters.line(),
                Ok(_) => self.lost(Loss::TooMany, 1),
                Err(error) => {
                    tracing::debug!(%from, line, %error, "a line of statsd was not taken");
                    self.lost(error.into(), 1);
                }
            }
        }
        let inputs = &self.metrics.inputs;
        inputs.gathered(Input::Statsd, buffer.len());
    }

    async fn flush(&self, values: Vec<(String, Measure)>) {
        if let Some(drops) = kernel::drops(self.address) {
            let new = self.metrics.statsd.new_kernel_drops(drops);
            self.lost(Loss::Kernel, usize::try_from(new).unwrap_or(usize::MAX));
        }
        self.metrics.inputs.gathered(Input::Statsd, 0);
        if values.is_empty() {
            return;
        }
        if let Err(error) = self.write(&values).await {
            tracing::warn!(%error, "measures of statsd are lost");
            let inputs = &self.metrics.inputs;
            inputs.rejected(Input::Statsd, error.reason(), values.len());
        }
    }

    fn wanted<'w>(&'w self, metrics: Vec<EnsureMetric<'w>>) -> EnsureResource<'w> {
        EnsureResource {
            id: self.resource,
            body: None,
            creator: self.config.creator.as_deref(),
            metrics,
        }
    }

    /// Creates the resource where it is not there; one that is may be of any type.
    async fn ensure_resource(&self) -> Result<(), MeasureError> {
        let id = self.resource.to_string();
        let mut wanted = self.wanted(Vec::new());
        let known = self.measures.ensure(std::slice::from_ref(&wanted)).await?;
        if let Some(Err(IndexError::NoSuchResource(_))) = known.first() {
            wanted.body = Some(EnsureBody {
                resource_type: "generic",
                original_resource_id: &id,
                project_id: None,
                user_id: None,
                attributes: Map::new(),
            });
            self.measures.ensure(&[wanted]).await?;
        }
        Ok(())
    }

    /// Writes the measures; those that are refused one by one are counted.
    async fn write(&self, values: &[(String, Measure)]) -> Result<(), MeasureError> {
        self.ensure_resource().await?;
        let metrics: Vec<EnsureResource<'_>> = values
            .iter()
            .map(|(name, _)| {
                self.wanted(vec![EnsureMetric {
                    name,
                    unit: None,
                    archive_policy_name: self.config.archive_policy_name.as_deref(),
                }])
            })
            .collect();
        let ensured = self.measures.ensure(&metrics).await?;
        let mut batch = Batch::new();
        for ((name, measure), outcome) in values.iter().zip(ensured) {
            match outcome.map(|ensured| ensured.metrics.into_iter().next()) {
                Ok(Some(metric)) => batch.push((metric.metric.id, vec![*measure])),
                Ok(None) => self.lost(Loss::Resource, 1),
                Err(error) => {
                    tracing::warn!(metric = name, %error, "a measure of statsd is lost");
                    self.lost(Loss::Resource, 1);
                }
            }
        }
        let measures = batch.len();
        if measures > 0
            && let Err(error) = self.measures.write(batch, Input::Statsd).await
        {
            tracing::warn!(%error, measures, "measures of statsd are lost");
        }
        Ok(())
    }
}

/// A flush that is not over.
type Flush<'f> = Pin<Box<dyn Future<Output = ()> + Send + 'f>>;

/// Waits for the end of a flush, if there is one.
async fn end_of(flush: &mut Option<Flush<'_>>) {
    if let Some(flush) = flush {
        flush.await;
    }
}
