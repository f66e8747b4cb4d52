//! What a process starts once: logs, traces, metrics and the address that is asked about them.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{Layer, filter};

use crate::{Health, LogFormat, http, logs, metrics, traces};

/// How often histograms are folded into their buckets: what is recorded in between is held as it came, 8 bytes a piece.
const UPKEEP: Duration = Duration::from_secs(5);

/// What a process says about itself, and to whom.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// `orchestrator`: stands in every line of a log, and is the `service.name` of traces.
    pub service: String,
    /// Stands in every line of a log, and is the `service.namespace` of traces.
    pub namespace: String,
    pub log_format: LogFormat,
    /// What is logged: `info`, or `info,sagaline_broker=debug`. Without it `SAGALINE_LOG` says so, then `RUST_LOG`, else `info`.
    pub log_filter: Option<String>,
    /// Where `/healthz`, `/readyz` and `/metrics` are served; nowhere without it. Port 0 takes a free one.
    pub http: Option<SocketAddr>,
    /// The OTLP collector, `http://collector:4318`. Without it `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`
    /// say so; without them too, nothing is traced. Which traces are kept, `OTEL_TRACES_SAMPLER` says; how spans are batched, the SDK's
    /// `OTEL_BSP_*`.
    pub otlp: Option<String>,
}

impl TelemetrySettings {
    /// Logs as text, no address, no collector.
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            namespace: "sagaline".to_owned(),
            log_format: LogFormat::Text,
            log_filter: None,
            http: None,
            otlp: None,
        }
    }
}

/// Why a process could not start to speak.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the log filter `{filter}` cannot be read; one that can is `info,sagaline_broker=debug`")]
    Filter { filter: String, source: filter::ParseError },
    #[error(
        "`{address}` cannot be listened on for `/healthz`, `/readyz` and `/metrics`; choose another address with `--http`"
    )]
    Listen { address: SocketAddr, source: io::Error },
    #[error("traces cannot go to `{endpoint}`: {why}")]
    Collector { endpoint: String, why: String },
    #[error("which traces to keep cannot be told: {0}")]
    Sampler(String),
}

/// What a process started once. It serves until it is shut down or dropped.
#[derive(Debug)]
pub struct Telemetry {
    health: Health,
    http: Option<SocketAddr>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    traces: Option<traces::Export>,
}

impl Telemetry {
    /// Starts to log, count, trace and serve. Where the process logs already (its host, or an earlier start, set a subscriber),
    /// that stays as it is: neither the log settings nor the collector of a second start have any effect.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(settings: TelemetrySettings) -> Result<Self, StartError> {
        let filter = logs::filter(settings.log_filter.as_deref())?;
        let traces = traces::Export::from_settings(&settings)?;
        let listener = settings.http.map(listen).transpose()?;
        // What is not logged is traced all the same.
        let mut layers = logs::layer(&settings).with_filter(filter).boxed();
        // Joined one to the other: in a list or an option a layer is not told where it is installed, and traces need to know.
        if let Some(traces) = &traces {
            layers = layers.and_then(traces.layer()).boxed();
        }
        if logs::install(layers) {
            traces.iter().for_each(traces::Export::begin);
        } else {
            tracing::debug!(service = settings.service, "this process logs already; it goes on as it did");
        }
        metrics::install();

        let (health, stop, mut tasks) = (Health::new(), CancellationToken::new(), JoinSet::new());
        let http = listener.as_ref().map(|(_, address)| *address);
        if let Some((listener, address)) = listener {
            tracing::info!(%address, "serving `/healthz`, `/readyz` and `/metrics`");
            tasks.spawn(http::serve(listener, health.clone(), stop.clone()));
        }
        tasks.spawn(keep_up(stop.clone()));
        Ok(Self { health, http, stop, tasks, traces })
    }

    /// The handle through which services say whether they are ready.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// The address that is served, its port being the one that was bound.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Stops serving and sends the spans that are not yet sent, for as long as five seconds.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        if let Some(traces) = self.traces.take() {
            traces.flush().await;
        }
    }
}

fn listen(address: SocketAddr) -> Result<(tokio::net::TcpListener, SocketAddr), StartError> {
    let bound = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        Ok((tokio::net::TcpListener::from_std(listener)?, bound))
    };
    bound().map_err(|source| StartError::Listen { address, source })
}

async fn keep_up(stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        metrics::keep_up();
    }
}
