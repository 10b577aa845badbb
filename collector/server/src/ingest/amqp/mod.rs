//! RabbitMQ as an input: the queues on which OpenStack's services put their notifications, and Ceilometer its samples and
//! events. A message is acknowledged only when what it says is on stable storage; `session` keeps connection and queues,
//! `queue` takes the messages of one, `retry` has those that could not be stored, `settings` and `brokers` are the configuration. What messages mean is
//! `ceilometer`'s business.

mod brokers;
mod error;
mod queue;
mod rejects;
mod retry;
mod session;
mod settings;
mod state;

pub(crate) use session::Listener;
pub(crate) use settings::AmqpConfig;
pub(crate) use state::AmqpState;
