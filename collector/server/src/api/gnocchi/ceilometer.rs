//! `/v1/ceilometer/samples` and `/v1/ceilometer/events`: what Ceilometer's http publisher posts, samples or events, a list
//! or a single one; either path takes both. No path of Gnocchi: it stands here to share its users, errors and limits.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::http::StatusCode;
use collector_index::{Metric, Resource};
use collector_model::{ResourceIdError, Timestamp};
use uuid::Uuid;

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, decode_error};
use super::openapi::{Endpoints, Operation};
use super::reply::accepted;
use crate::app::App;
use crate::auth::policy::Action;
use crate::ingest::ceilometer::{Intake, Outcome, Received, Sender};
use crate::metrics::Input;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new()
        .post(
            Operation::new(
                "/ceilometer/samples",
                "Take samples of Ceilometer's http publisher",
            )
            .body("CeilometerList")
            .done(202)
            .refuses(&[507]),
            add,
        )
        .post(
            Operation::new(
                "/ceilometer/events",
                "Take events of Ceilometer's http publisher",
            )
            .body("CeilometerList")
            .done(202)
            .refuses(&[507]),
            add,
        )
}

/// What is sound is stored before the rest is told of with 400. Meters that no definition has are no error.
async fn add(State(app): State<Arc<App>>, caller: Caller, body: RawBody) -> ApiResult {
    for action in [Action::CreateResource, Action::CreateMetric] {
        caller.require(action)?;
    }
    let text = body.measures()?;
    let definitions = app.definitions();
    let now = Timestamp::from(SystemTime::now());
    let received =
        Received::read(&text, &definitions, now).map_err(|error| decode_error(&error))?;
    let count = received.count();
    let intake = Intake {
        index: &app.index,
        measures: &app.measures,
        definitions: &definitions,
        input: Input::Ceilometer,
    };
    let sender = Poster::new(&app, &caller);
    let mut outcome = Outcome::default();
    let taken = intake.take(&sender, received, &mut outcome).await;
    let counters = &app.metrics.ceilometer;
    counters.add(&app.metrics.inputs, Input::Ceilometer, &outcome);
    taken?;
    match outcome.first_refusal.as_deref() {
        None => Ok(accepted()),
        Some(first) => {
            let refused = outcome.refused();
            Err(ApiError::bad_request(format!(
                "{refused} of {count} refused: {first}"
            )))
        }
    }
}

/// The caller as a sender of samples.
struct Poster<'a> {
    app: &'a App,
    caller: &'a Caller,
    may_all: bool,
}

impl<'a> Poster<'a> {
    fn new(app: &'a App, caller: &'a Caller) -> Self {
        let actions = [Action::PostMeasures, Action::UpdateResource];
        let may_all = actions
            .into_iter()
            .all(|action| caller.require(action).is_ok());
        Self {
            app,
            caller,
            may_all,
        }
    }
}

impl Sender for Poster<'_> {
    type Error = ApiError;

    fn creator(&self) -> &str {
        &self.caller.name
    }

    fn resource_id(&self, text: &str) -> Result<Uuid, ResourceIdError> {
        self.caller.resource_id(text)
    }

    fn may_all(&self) -> bool {
        self.may_all
    }

    async fn may_post(&self, metric: &Metric) -> ApiResult<bool> {
        let action = Action::PostMeasures;
        match self
            .caller
            .require_of_metric(self.app, action, metric)
            .await
        {
            Ok(()) => Ok(true),
            Err(error) if error.status == StatusCode::FORBIDDEN => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn may_update(&self, resource: &Resource) -> bool {
        let action = Action::UpdateResource;
        self.caller.require_of_resource(action, resource).is_ok()
    }
}
