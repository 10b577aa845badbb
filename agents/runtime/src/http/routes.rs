//! The pages that every daemon has: landing page, health, readiness, reload. Metrics and the program's own pages are put
//! beside them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use tokio::sync::Mutex;

use crate::failure::Failure;
use crate::http::landing::Landing;
use crate::http::web_config::WebConfig;
use crate::registry::Registry;

/// Reads a program's own configuration again and applies it.
pub(crate) type ReloadHook = Arc<dyn Fn() -> Result<(), Failure> + Send + Sync>;

/// Says why the program is not ready, if it is not, or else what an operator should know, each in one line.
pub(crate) type ReadyCheck = Arc<dyn Fn() -> Result<Vec<String>, String> + Send + Sync>;

/// Reloads, one at a time.
pub(crate) struct Reloader {
    /// The program's part.
    pub(crate) hook: Option<ReloadHook>,
    /// The server's part.
    pub(crate) web: Arc<WebConfig>,
    /// Held while a reload goes on.
    pub(crate) turn: Mutex<()>,
}

impl Reloader {
    /// Reads all configuration again and logs how that went. On an error what was there stays in force; the server's
    /// part is taken over only when the program's was.
    pub(crate) async fn reload(&self) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        let (hook, web) = (self.hook.clone(), Arc::clone(&self.web));
        let reload = move || {
            hook.map_or(Ok(()), |hook| hook())?;
            web.reload().map_err(Failure::from)
        };
        let result = match tokio::task::spawn_blocking(reload).await {
            Ok(result) => result.map_err(|failure| failure.to_string()),
            Err(_) => Err("the reload panicked".to_owned()),
        };
        match &result {
            Ok(()) => tracing::info!("configuration reloaded"),
            Err(error) => {
                tracing::error!(%error, "cannot reload the configuration, the old one stays in force");
            }
        }
        result
    }
}

/// What the pages need.
pub(crate) struct Routes {
    pub(crate) name: &'static str,
    /// `None` leaves `/` to the program.
    pub(crate) landing: Option<Landing>,
    pub(crate) registry: Option<Registry>,
    pub(crate) ready: ReadyCheck,
    pub(crate) reloader: Arc<Reloader>,
}

impl Routes {
    /// All pages: the shared ones, the metrics at `telemetry`, and for everything else the program's own.
    pub(crate) fn router(self, telemetry: (&str, MethodRouter), own: Option<Router>) -> Router {
        let has_landing = self.landing.is_some() && telemetry.0 != "/";
        let routes = Arc::new(self);
        let mut shared = Router::new()
            .route("/-/healthy", get(healthy))
            .route("/-/ready", get(ready))
            .route("/-/reload", post(reload).put(reload));
        if has_landing {
            shared = shared.route("/", get(landing));
        }
        let shared = shared.with_state(routes).route(telemetry.0, telemetry.1);
        match own {
            Some(own) => shared.fallback_service(own),
            None => shared.fallback(|| async { (StatusCode::NOT_FOUND, "page not found\n") }),
        }
    }
}

async fn landing(State(routes): State<Arc<Routes>>) -> Response {
    let collectors = routes
        .registry
        .as_ref()
        .map(Registry::names)
        .unwrap_or_default();
    let page = routes
        .landing
        .as_ref()
        .map(|landing| landing.html(&collectors))
        .unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

async fn healthy(State(routes): State<Arc<Routes>>) -> String {
    format!("{} is healthy\n", routes.name)
}

async fn ready(State(routes): State<Arc<Routes>>) -> Response {
    match (routes.ready)() {
        Ok(warnings) => {
            let mut text = format!("{} is ready\n", routes.name);
            for warning in warnings {
                text.push_str("warning: ");
                text.push_str(&warning);
                text.push('\n');
            }
            text.into_response()
        }
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{} is not ready: {reason}\n", routes.name),
        )
            .into_response(),
    }
}

async fn reload(State(routes): State<Arc<Routes>>) -> Response {
    match routes.reloader.reload().await {
        Ok(()) => "configuration reloaded\n".into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
