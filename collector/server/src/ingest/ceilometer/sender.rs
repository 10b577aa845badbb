//! Who sends samples and events, as catalogue and store have to know him: what he creates is his, and he may not touch
//! what others made unless a rule lets him.

use std::future::Future;

use collector_index::{Metric, Resource};
use collector_model::ResourceIdError;
use uuid::Uuid;

use crate::measures::MeasureError;

/// A sender.
pub(crate) trait Sender: Sync {
    /// How he is told of what failed.
    type Error: From<MeasureError> + Send;

    /// The creator of what he creates.
    fn creator(&self) -> &str;

    /// The resource that he means by an id.
    fn resource_id(&self, text: &str) -> Result<Uuid, ResourceIdError>;

    /// Whether he may do everything to every resource.
    fn may_all(&self) -> bool;

    /// Whether he may add measures to this metric.
    fn may_post(&self, metric: &Metric) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Whether he may change this resource.
    fn may_update(&self, resource: &Resource) -> bool;
}
