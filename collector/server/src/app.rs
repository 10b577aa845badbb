//! Wires the collector once: opens store and catalogue, puts API, page, scrapes and self-metrics together, serves, and
//! closes in the reverse order. What takes measures by itself is in `inputs`.

mod inputs;

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use collector_index::{Database, Index, Options as IndexOptions};
use collector_storage::{Engine, Options as StoreOptions, Store, StoreStats};
use runtime::{Args, ConfigError, Daemon, Failure, Program};

use crate::api::gnocchi::{self, Doors};
use crate::api::{ApiConfig, BodyBudget};
use crate::auth::Auth;
use crate::auth::policy::Policy;
use crate::config::{Config, DatabaseUrl, Defaults, StorageConfig};
use crate::console;
use crate::flags::{self, Settings};
use crate::ingest::ScrapeState;
use crate::ingest::amqp::AmqpState;
use crate::ingest::ceilometer::{Definitions, Translation};
use crate::ingest::remote_write::{Buffers, SeriesCache};
use crate::ingest::statsd;
use crate::measures::Measures;
use crate::metrics::Metrics;
use inputs::Inputs;

/// The catalogue's file in the storage directory.
const CATALOGUE: &str = "catalogue.db";
/// Connections at the same time: each node's agent may keep one, and of 5,000 nodes.
const CONNECTIONS: u32 = 8_192;
/// The store's folder in the storage directory.
pub(crate) const SERIES: &str = "series";

/// What the parts of the collector share.
pub(crate) struct App {
    /// The catalogue.
    pub(crate) index: Arc<Index>,
    /// The time-series store.
    pub(crate) store: Arc<dyn Store>,
    /// The way of measures into and out of the store.
    pub(crate) measures: Arc<Measures>,
    /// The collector's own counters.
    pub(crate) metrics: Arc<Metrics>,
    /// The places for requests that bring measures.
    pub(crate) doors: Doors,
    /// The memory that requests' bodies may take.
    pub(crate) bodies: BodyBudget,
    /// Which metrics remotely written series go to.
    pub(crate) series: SeriesCache,
    /// Memory for remotely written requests.
    pub(crate) request_buffers: Buffers,
    /// State of the scraped targets.
    pub(crate) scrapes: Arc<ScrapeState>,
    /// State of the connection to the broker.
    pub(crate) amqp: AmqpState,
    settings: RwLock<Reloadable>,
}

/// What a reload changes and requests ask for.
struct Reloadable {
    api: Arc<ApiConfig>,
    auth: Arc<Auth>,
    definitions: Arc<Definitions>,
    translation: Arc<Translation>,
}

impl App {
    /// The API's settings as they are now; a reload changes them.
    pub(crate) fn api(&self) -> Arc<ApiConfig> {
        self.setting(|settings| &settings.api)
    }

    /// What the API's requests are judged by, as it is now.
    pub(crate) fn auth(&self) -> Arc<Auth> {
        self.setting(|settings| &settings.auth)
    }

    /// What becomes of Ceilometer's samples and events, as it is now.
    pub(crate) fn definitions(&self) -> Arc<Definitions> {
        self.setting(|settings| &settings.definitions)
    }

    /// What notifications say, as it is now.
    pub(crate) fn translation(&self) -> Arc<Translation> {
        self.setting(|settings| &settings.translation)
    }

    fn setting<T>(&self, of: impl FnOnce(&Reloadable) -> &Arc<T>) -> Arc<T> {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(of(&settings))
    }

    async fn open(storage: &StorageConfig, settings: Reloadable) -> anyhow::Result<Self> {
        let path = &storage.path;
        std::fs::create_dir_all(path).with_context(|| {
            format!(
                "cannot create {} (--storage.path names another)",
                path.display()
            )
        })?;
        let store: Arc<dyn Store> =
            Arc::new(Engine::open(&path.join(SERIES), StoreOptions::default())?);
        let options = IndexOptions {
            defaults: match storage.defaults {
                Defaults::Full => collector_index::Defaults::Full,
                Defaults::Bare => collector_index::Defaults::Bare,
            },
            search_time: settings.api.query_timeout,
            ..IndexOptions::default()
        };
        let database = match &storage.database {
            Some(DatabaseUrl(database)) => database.clone(),
            None => Database::Sqlite(path.join(CATALOGUE)),
        };
        let index = Arc::new(Index::open_with(database, options).await?);
        let metrics = Arc::new(Metrics::default());
        let measures = Measures::new(Arc::clone(&index), Arc::clone(&store), Arc::clone(&metrics));
        measures
            .reconcile()
            .await
            .context("cannot bring store and catalogue into step")?;
        Ok(Self {
            index,
            store,
            measures: Arc::new(measures),
            metrics,
            doors: Doors::default(),
            bodies: BodyBudget::new(settings.api.max_body_size),
            series: SeriesCache::default(),
            request_buffers: Buffers::default(),
            scrapes: Arc::new(ScrapeState::default()),
            amqp: AmqpState::default(),
            settings: RwLock::new(settings),
        })
    }

    /// Why the collector cannot take measures, or else what is damaged or in danger while it serves.
    fn ready(&self) -> Result<Vec<String>, String> {
        let stats = self.store.stats();
        match &stats.poisoned {
            Some(reason) => Err(format!(
                "the store refuses writes until a restart: {reason}"
            )),
            None => Ok(warnings(&stats)),
        }
    }
}

/// Damaged places that `/-/ready` names; the log has all.
const NAMED_DAMAGE: usize = 10;

/// What an operator should know of a store that serves.
fn warnings(stats: &StoreStats) -> Vec<String> {
    let damaged = &stats.replay.damaged;
    let set_aside = damaged
        .iter()
        .take(NAMED_DAMAGE)
        .map(|place| format!("damaged at the start, set aside in quarantine/: {place}"));
    let mut warnings: Vec<String> = set_aside.collect();
    if damaged.len() > NAMED_DAMAGE {
        warnings.push(format!(
            "{} more damaged places, the log names them",
            damaged.len() - NAMED_DAMAGE
        ));
    }
    if stats.damaged_blocks > 0 {
        warnings.push(format!(
            "{} damaged blocks in segments, the log names them; `storage check` on the stopped store finds all",
            stats.damaged_blocks
        ));
    }
    if stats.disk_full {
        warnings.push("no space is left, writes are refused".to_owned());
    }
    if stats.checkpoint_failing {
        warnings.push("the last checkpoint failed, the log is kept and grows".to_owned());
    }
    warnings
}

/// Opens everything and serves until a signal ends it.
pub(crate) async fn serve(
    program: &Program,
    args: &Args,
    settings: Settings,
) -> Result<(), Failure> {
    let Settings {
        config,
        mapping,
        definitions,
        translation,
        policy,
    } = settings;
    // Fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let auth = judge(&config, policy, None)?;
    let body_limit = config.api.max_body_size;
    let settings = Reloadable {
        api: Arc::new(config.api),
        auth: Arc::new(auth),
        definitions: Arc::new(definitions),
        translation: Arc::new(translation),
    };
    let app = App::open(&config.storage, settings).await;
    let app = Arc::new(app.map_err(Failure::start)?);
    let inputs = Arc::new(Inputs::new(&app));
    let prepared = inputs.prepare(
        &config.scrape,
        &config.scrape_configs,
        mapping,
        config.ceilometer.amqp,
    )?;
    let (measures, metrics) = (Arc::clone(&app.measures), Arc::clone(&app.metrics));
    let statsd = statsd::Listener::bind(config.statsd, measures, metrics).await?;
    let router = console::router(Arc::clone(&app)).merge(gnocchi::router(&app));
    let own_metrics = {
        let app = Arc::clone(&app);
        move |out: &mut exposition::Families| {
            app.metrics.collect(&app.store.stats(), out);
            app.scrapes.collect(out);
            app.amqp.collect(out);
        }
    };
    let ready = {
        let app = Arc::clone(&app);
        move || app.ready()
    };
    let reload = {
        let (args, app, inputs) = (args.clone(), Arc::clone(&app), Arc::clone(&inputs));
        move || reload(&args, &app, &inputs)
    };
    let served = Daemon::new(program, args)?
        .without_landing()
        .router(router)
        .body_limit(body_limit)
        .connections(CONNECTIONS)
        .self_metrics(own_metrics)
        .ready_when(ready)
        .on_reload(reload)
        .background(move |shutdown| async move {
            let statsd = async {
                if let Some(statsd) = statsd {
                    statsd.run(shutdown.clone()).await;
                }
            };
            let ((), ended) = tokio::join!(statsd, inputs.run(prepared, shutdown.clone()));
            ended
        })
        .serve()
        .await;
    close(&app).await;
    served
}

/// Leaves as little to replay as possible. What cannot be written now is in the log.
async fn close(app: &Arc<App>) {
    let store = Arc::clone(&app.store);
    let flushed = tokio::task::spawn_blocking(move || store.flush()).await;
    if let Ok(Err(error)) = flushed {
        tracing::warn!(%error, "no checkpoint made, the next start replays the log");
    }
    app.index.close().await;
}

fn reload(args: &Args, app: &App, inputs: &Inputs) -> Result<(), Failure> {
    let Settings {
        config,
        mapping,
        definitions,
        translation,
        policy,
    } = flags::settings(args)?;
    let auth = Arc::new(judge(&config, policy, Some(&app.auth()))?);
    let prepared = inputs.prepare(
        &config.scrape,
        &config.scrape_configs,
        mapping,
        config.ceilometer.amqp,
    )?;
    let mut settings = app.settings.write().unwrap_or_else(PoisonError::into_inner);
    *settings = Reloadable {
        api: Arc::new(config.api),
        auth,
        definitions: Arc::new(definitions),
        translation: Arc::new(translation),
    };
    drop(settings);
    inputs.replace(prepared);
    Ok(())
}

/// What requests are judged by; keeps what the one before knows of tokens.
fn judge(config: &Config, policy: Policy, before: Option<&Auth>) -> Result<Auth, Failure> {
    let auth = Auth::new(config.api.auth_mode, config.auth.clone(), policy, before);
    Ok(auth.map_err(|reason| ConfigError::value("auth", reason))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_and_danger_are_told_while_the_store_serves() {
        assert_eq!(warnings(&StoreStats::default()), Vec::<String>::new());
        let mut stats = StoreStats {
            damaged_blocks: 3,
            disk_full: true,
            checkpoint_failing: true,
            ..StoreStats::default()
        };
        stats.replay.damaged = (0..12)
            .map(|at| format!("x.wal at byte {at}: bad"))
            .collect();
        let told = warnings(&stats);
        assert_eq!(told.len(), 14, "{told:?}");
        assert!(told[0].ends_with("x.wal at byte 0: bad"), "{told:?}");
        assert!(told[10].starts_with("2 more damaged places"), "{told:?}");
        assert!(told[11].starts_with("3 damaged blocks"), "{told:?}");
    }
}
