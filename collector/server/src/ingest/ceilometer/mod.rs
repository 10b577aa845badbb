//! What Ceilometer sends, turned into the resources, metrics and measures that its gnocchi publisher would have made.
//! `definitions` is `gnocchi_resources.yaml`, `translation` makes samples and events of the notifications of OpenStack's
//! services, `sample` and `event` are what comes, `group` and `intake` what becomes of it. By which way it comes is the
//! caller's matter.

pub(crate) mod config;
mod definitions;
mod event;
mod event_pattern;
mod expression;
mod field;
mod file;
mod group;
mod intake;
mod items;
mod lifecycle;
mod meters;
mod missing;
mod notification;
mod outcome;
mod path;
mod received;
mod sample;
mod sender;
mod traits;
mod translation;

pub(crate) use config::CeilometerConfig;
pub(crate) use definitions::{Definitions, Operation};
pub(crate) use intake::Intake;
pub(crate) use notification::Notification;
pub(crate) use outcome::{Counters, Outcome};
pub(crate) use received::Received;
pub(crate) use sender::Sender;
pub(crate) use translation::Translation;
