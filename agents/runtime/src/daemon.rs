//! A daemon before it serves: what it is put together from, and binding its listeners. Its life after that is `serve`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;

use crate::cli::{Args, WebArgs};
use crate::failure::Failure;
use crate::http::{ReadyCheck, ReloadHook, WebConfig};
use crate::metrics::SelfMetrics;
use crate::program::Program;
use crate::registry::Registry;
use crate::serve::Bound;
use crate::signal::{Shutdown, Signals};

/// The most that a request's body may take unless the program says otherwise, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Connections at the same time unless the program says otherwise.
const CONNECTIONS: u32 = 512;

/// What a program exports: the title of the list, and the names.
pub(crate) type Exports = (&'static str, Box<dyn Fn() -> Vec<String> + Send + Sync>);

/// Work beside the server.
pub(crate) type Background =
    Box<dyn FnOnce(Shutdown) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send>;

/// A daemon that is being put together.
pub struct Daemon {
    pub(crate) program: Program,
    pub(crate) args: WebArgs,
    pub(crate) web: Arc<WebConfig>,
    pub(crate) registry: Option<Registry>,
    pub(crate) router: Option<Router>,
    pub(crate) own: Vec<Box<dyn SelfMetrics>>,
    pub(crate) reload: Option<ReloadHook>,
    pub(crate) ready: ReadyCheck,
    pub(crate) background: Option<Background>,
    pub(crate) body_limit: usize,
    pub(crate) has_landing: bool,
    pub(crate) links: Vec<(&'static str, &'static str)>,
    pub(crate) exports: Option<Exports>,
    pub(crate) connections: u32,
}

impl Daemon {
    /// A daemon that serves its own metrics, health and landing page.
    ///
    /// # Errors
    /// When the web configuration file cannot be used.
    pub fn new(program: &Program, args: &Args) -> Result<Self, Failure> {
        let web = args
            .web
            .config_file
            .as_deref()
            .map_or_else(|| Ok(WebConfig::none()), WebConfig::load)?;
        Ok(Self {
            program: *program,
            args: args.web.clone(),
            web: Arc::new(web),
            registry: None,
            router: None,
            own: Vec::new(),
            reload: None,
            ready: Arc::new(|| Ok(Vec::new())),
            background: None,
            body_limit: BODY_LIMIT,
            has_landing: true,
            links: Vec::new(),
            exports: None,
            connections: CONNECTIONS,
        })
    }

    /// Collectors to run at each scrape.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// The program's own pages: all that is not `/`, `/-/…` or the telemetry path.
    pub fn router(mut self, router: Router) -> Self {
        self.router = Some(router);
        self
    }

    /// A link on the landing page to one of the program's own pages: path and title. May be called again for more.
    pub fn link(mut self, path: &'static str, title: &'static str) -> Self {
        self.links.push((path, title));
        self
    }

    /// A list for the landing page of what is exported, with its title, in place of the registry's collectors: for a
    /// program that knows it better. Asked each time the page is.
    pub fn exports(
        mut self,
        title: &'static str,
        names: impl Fn() -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.exports = Some((title, Box::new(names)));
        self
    }

    /// Leaves `/` to the program's own pages.
    pub fn without_landing(mut self) -> Self {
        self.has_landing = false;
        self
    }

    /// Numbers to add to each scrape, unless `--web.disable-exporter-metrics` is given. May be called again for more.
    pub fn self_metrics(mut self, metrics: impl SelfMetrics) -> Self {
        self.own.push(Box::new(metrics));
        self
    }

    /// What a reload (SIGHUP, `/-/reload`) does: reads the program's configuration again and applies it, or leaves all
    /// as it was and says why. Runs on a thread that may wait. The web configuration file needs nothing.
    pub fn on_reload(
        mut self,
        reload: impl Fn() -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.reload = Some(Arc::new(reload));
        self
    }

    /// Whether the program can do its work; `Err` says in a few words why not and makes `/-/ready` answer 503. `Ok` has
    /// what is wrong all the same, one line each, which `/-/ready` shows as warnings. Must not wait.
    pub fn ready_when(
        mut self,
        ready: impl Fn() -> Result<Vec<String>, String> + Send + Sync + 'static,
    ) -> Self {
        self.ready = Arc::new(ready);
        self
    }

    /// Work beside the server, begun when all listeners are bound. It is to end soon after the [`Shutdown`] is
    /// requested; if it fails before that, the daemon ends too.
    pub fn background<B, F>(mut self, begin: B) -> Self
    where
        B: FnOnce(Shutdown) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.background = Some(Box::new(|shutdown| Box::pin(begin(shutdown))));
        self
    }

    /// The most that a request's body may take, in bytes; 1 MiB if not set. Longer ones are answered with 413 where the
    /// body is read.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Connections at the same time, 512 if not set; more wait in the kernel's queue. The limit of open files is raised
    /// for them, and where it cannot be there are fewer.
    pub fn connections(mut self, most: u32) -> Self {
        self.connections = most;
        self
    }

    /// Serves until a signal ends it, on this thread. For programs without asynchronous work of their own; others call
    /// [`Daemon::serve`] within [`block_on`].
    ///
    /// # Errors
    /// When it cannot start, or a second signal cut it short.
    pub fn run(self) -> Result<(), Failure> {
        block_on(0, self.serve())?
    }

    /// Serves until a signal ends it.
    ///
    /// # Errors
    /// When it cannot start, the background work failed or a second signal cut it short.
    pub async fn serve(self) -> Result<(), Failure> {
        let signals = Signals::of_process()?;
        self.bind()?.serve(signals).await
    }

    /// Binds all listeners and logs their addresses.
    ///
    /// # Errors
    /// Names the address that cannot be listened on.
    pub fn bind(self) -> Result<Bound, Failure> {
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in &self.args.listen {
            let listener = address.bind()?;
            let bound = listener.local_addr();
            addresses.push(bound.map_err(|error| {
                Failure::start(format_args!("cannot listen on {address}: {error}"))
            })?);
            listeners.push(listener);
        }
        Ok(Bound {
            daemon: self,
            listeners,
            addresses,
        })
    }
}

/// Runs a future to its end on tokio, with so many worker threads, or on this thread alone for 0.
///
/// # Errors
/// When the runtime cannot be started.
pub fn block_on<F: Future>(threads: usize, future: F) -> Result<F::Output, Failure> {
    let mut builder = if threads == 0 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads);
        builder
    };
    let runtime = builder.enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::start(format_args!("cannot start the runtime: {error}")))?;
    let output = runtime.block_on(future);
    // A thread that hangs in a system call must not keep the process from ending.
    runtime.shutdown_background();
    Ok(output)
}
