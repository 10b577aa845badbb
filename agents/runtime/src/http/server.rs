//! Accepting connections and serving them: how many, how long, encrypted or not, and how they end when the program
//! does. What is answered is the router's part.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use crate::http::auth::Gate;
use crate::http::body::LimitedBody;
use crate::http::stream::{HEAD_TIME, TimedStream, Turn};
use crate::http::web_config::WebConfig;

/// How long a connection may idle between requests: longer than any usual scrape interval.
const IDLE_TIME: Duration = Duration::from_secs(180);

/// The most that a request's head may take.
const HEAD_BYTES: usize = 64 << 10;

/// The rest after `accept` failed, which it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What is served, to whom.
pub(crate) struct Site {
    /// All pages.
    pub(crate) router: Router,
    /// Who may come in, and how.
    pub(crate) web: Arc<WebConfig>,
    /// Checks passwords.
    pub(crate) gate: Gate,
    /// The most that a request's body may take, in bytes.
    pub(crate) body_limit: usize,
}

/// How far the end of the program has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Serving.
    Running,
    /// Nothing new is accepted, what was begun is finished.
    Draining,
    /// Connections are cut.
    Cutting,
}

/// Serves a site on any number of listeners.
pub(crate) struct Server {
    site: Arc<Site>,
    phase: watch::Receiver<Phase>,
    connections: Arc<Semaphore>,
    most: u32,
}

impl Server {
    /// A server that ends as `phase` says, with so many connections at the same time; more wait in the kernel's queue.
    pub(crate) fn new(site: Site, phase: watch::Receiver<Phase>, most: u32) -> Self {
        Self {
            site: Arc::new(site),
            phase,
            connections: Arc::new(Semaphore::new(most as usize)),
            most,
        }
    }

    /// Starts to accept connections of this listener.
    pub(crate) fn listen(&self, listener: TcpListener) {
        let (site, connections) = (Arc::clone(&self.site), Arc::clone(&self.connections));
        let mut phase = self.phase.clone();
        tokio::spawn(async move {
            let mut end = phase.clone();
            tokio::select! {
                () = reached(&mut end, Phase::Draining) => {}
                () = accept(&listener, &site, &connections, &mut phase) => {}
            }
        });
    }

    /// Waits until no connection is left.
    pub(crate) async fn drained(&self) {
        // Fails only for a closed semaphore, and this one never is.
        let _all = self.connections.acquire_many(self.most).await;
    }
}

async fn accept(
    listener: &TcpListener,
    site: &Arc<Site>,
    connections: &Arc<Semaphore>,
    phase: &mut watch::Receiver<Phase>,
) {
    while let Ok(permit) = Arc::clone(connections).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(connection(
                    Arc::clone(site),
                    stream,
                    peer,
                    phase.clone(),
                    permit,
                ));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the error is that of a connection which ended before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Waits until the end of the program has come so far.
async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // An error means that whoever could tell is gone, which is the end as well.
    drop(phase.wait_for(|phase| *phase >= wanted).await);
}

/// Serves one connection to its end.
async fn connection(
    site: Arc<Site>,
    stream: TcpStream,
    peer: SocketAddr,
    mut phase: watch::Receiver<Phase>,
    _permit: OwnedSemaphorePermit,
) {
    // Answers are written as a whole; without this the last piece of one waits for the acknowledgement of the others.
    let _ = stream.set_nodelay(true);
    let mut cut = phase.clone();
    let serve = async {
        match &site.web.current().tls {
            None => serve(&site, stream, peer, &mut phase).await,
            Some(tls) => match timeout(HEAD_TIME, tls.accept(stream)).await {
                Ok(Ok(stream)) => serve(&site, stream, peer, &mut phase).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            },
        }
    };
    tokio::select! {
        () = serve => {}
        () = reached(&mut cut, Phase::Cutting) => {}
    }
}

async fn serve<S>(site: &Arc<Site>, stream: S, peer: SocketAddr, phase: &mut watch::Receiver<Phase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let turn = Turn::default();
    let stream = TimedStream::new(stream, turn.clone());
    let service = service_fn(|request| {
        let (site, turn) = (Arc::clone(site), turn.clone());
        async move {
            turn.next();
            let response = site.answer(request, peer).await;
            turn.next();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = reached(phase, Phase::Draining) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

impl Site {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        let web = self.web.current();
        let mut response = if web.users.is_empty()
            || self
                .gate
                .admits(&web.users, request.headers().get(AUTHORIZATION))
                .await
        {
            let mut request =
                request.map(|body| Body::new(LimitedBody::new(body, self.body_limit)));
            request.extensions_mut().insert(ConnectInfo(peer));
            let Ok(response) = self.router.clone().oneshot(request).await;
            response
        } else {
            let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))];
            (StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n").into_response()
        };
        for (name, value) in &web.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}
