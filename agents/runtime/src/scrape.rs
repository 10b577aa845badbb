//! Answering a scrape: what the request asks for, by when, in which form; and counting how that goes. Collecting is the
//! registry's part, the program's numbers about itself are in `metrics`.

mod buffers;
mod parts;
mod request;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use exposition::{Families, Format, encode};
use hyper::body::Bytes;

use crate::metrics::{self, SelfMetrics};
use crate::program::Program;
use crate::registry::{Registry, Selection};
use buffers::Pool;
use parts::Parts;
use request::Filter;

/// Samples beyond which the text is written while it is sent.
const MANY_SAMPLES: usize = 5_000;

/// Distinct lines about refused series that are logged; more are counted only.
const PROBLEMS_LOGGED: usize = 200;

/// Answers scrapes.
pub(crate) struct Scraper {
    program: Program,
    registry: Option<Registry>,
    own: Vec<Box<dyn SelfMetrics>>,
    /// Whether the program tells about itself.
    tells: bool,
    /// Scrapes at the same time, 0 for any number.
    limit: usize,
    in_flight: AtomicUsize,
    served: Served,
    problems: AtomicU64,
    problem_lines: Mutex<HashSet<String>>,
    families: Pool<Families>,
    texts: Pool<String>,
    packed: Pool<Vec<u8>>,
}

/// Scrapes answered, by status.
#[derive(Default)]
struct Served {
    ok: AtomicU64,
    refused: AtomicU64,
    with_problems: AtomicU64,
}

/// A scrape that is being answered.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Scraper {
    /// Answers with what the registry collects, if there is one, and with the program's own numbers.
    pub(crate) fn new(
        program: Program,
        registry: Option<Registry>,
        own: Vec<Box<dyn SelfMetrics>>,
        tells: bool,
        limit: usize,
    ) -> Self {
        Self {
            program,
            registry,
            own,
            tells,
            limit,
            in_flight: AtomicUsize::new(0),
            served: Served::default(),
            problems: AtomicU64::new(0),
            problem_lines: Mutex::default(),
            families: Pool::default(),
            texts: Pool::default(),
            packed: Pool::default(),
        }
    }

    /// The route's handler.
    pub(crate) fn route(self) -> MethodRouter {
        get(answer).with_state(Arc::new(self))
    }

    fn begin(&self) -> Option<InFlight<'_>> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let guard = InFlight(&self.in_flight);
        (self.limit == 0 || before < self.limit).then_some(guard)
    }

    /// The collectors that the filter leaves.
    fn select(&self, filter: &Filter<'_>) -> Result<Option<Selection>, String> {
        let Some(registry) = &self.registry else {
            return Ok(None);
        };
        let selection = match filter {
            Filter::All => registry.all(),
            Filter::Only(names) => registry.only(names).map_err(|unknown| {
                let names = registry.names().join(", ");
                format!("cannot collect {unknown:?}: no such collector is enabled, expected some of {names}")
            })?,
            Filter::AllBut(names) => registry.all_but(names),
        };
        Ok(Some(selection))
    }

    async fn collect(&self, selection: Option<&Selection>, deadline: Instant, out: &mut Families) {
        if let (Some(registry), Some(selection)) = (&self.registry, selection) {
            registry.collect(selection, deadline, out).await;
        }
        metrics::build_info(&self.program, out);
        if self.tells {
            metrics::process(out);
            if let Some(registry) = &self.registry {
                metrics::registry(registry.stats(), self.problems.load(Ordering::Relaxed), out);
                self.handler_metrics(out);
            }
            for own in &self.own {
                own.collect(out);
            }
        }
        self.report_problems(out);
    }

    /// The series that client_golang's handler gives, for the dashboards that show them.
    fn handler_metrics(&self, out: &mut Families) {
        let Served {
            ok,
            refused,
            with_problems,
        } = &self.served;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let in_flight = self.in_flight.load(Ordering::Relaxed) as f64;
        metrics::handler(
            in_flight,
            // client_golang's handler counts answers that it could not write here; ours are always written.
            [count(ok), 0.0, count(refused)],
            count(with_problems),
            out,
        );
    }

    fn report_problems(&self, families: &Families) {
        let count = families.problem_count();
        if count == 0 {
            return;
        }
        self.problems.fetch_add(count, Ordering::Relaxed);
        self.served.with_problems.fetch_add(1, Ordering::Relaxed);
        for problem in families.problems() {
            let line = problem.to_string();
            let mut lines = self
                .problem_lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let is_new = lines.len() < PROBLEMS_LOGGED && lines.insert(line.clone());
            drop(lines);
            if is_new {
                tracing::warn!(error = %line, "part of the scrape is left out");
            }
        }
    }

    /// The families as the body of an answer.
    fn body(&self, families: &Families, format: Format, gzip: bool) -> Bytes {
        let mut text = self.texts.take();
        encode(families, format, text.value());
        if !gzip {
            return Bytes::from_owner(text);
        }
        let mut packed = self.packed.take();
        buffers::pack(text.value().as_bytes(), packed.value());
        Bytes::from_owner(packed)
    }
}

async fn answer(State(scraper): State<Arc<Scraper>>, uri: Uri, headers: HeaderMap) -> Response {
    let bad = |reason: String| (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response();
    let pairs = request::pairs(&uri);
    let filter = match Filter::new(&pairs) {
        Ok(filter) => filter,
        Err(reason) => return bad(reason),
    };
    let Some(_in_flight) = scraper.begin() else {
        scraper.served.refused.fetch_add(1, Ordering::Relaxed);
        let text = format!(
            "limit of concurrent scrapes reached ({}), try again later\n",
            scraper.limit
        );
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let selection = match scraper.select(&filter) {
        Ok(selection) => selection,
        Err(reason) => return bad(reason),
    };
    let deadline = Instant::now() + request::time(&headers);
    let mut families = scraper.families.take();
    families.value().clear();
    scraper
        .collect(selection.as_ref(), deadline, families.value())
        .await;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let format = Format::negotiate(text(header::ACCEPT));
    let gzip = request::takes_gzip(text(header::ACCEPT_ENCODING));
    let body = if families.value().sample_count() < MANY_SAMPLES {
        Body::from(scraper.body(families.value(), format, gzip))
    } else {
        Body::new(Parts::new(families, format, gzip, scraper.texts.take()))
    };
    scraper.served.ok.fetch_add(1, Ordering::Relaxed);
    let mut response = ([(header::CONTENT_TYPE, format.content_type())], body).into_response();
    if gzip {
        response.headers_mut().insert(
            header::CONTENT_ENCODING,
            header::HeaderValue::from_static("gzip"),
        );
    }
    response
}
