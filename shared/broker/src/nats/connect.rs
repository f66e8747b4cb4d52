//! Connecting to a server that will do, and staying connected.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr,
    connection::State,
    jetstream::{self, Context},
};
use sagaline_model::NameError;
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};

use super::api::{ApiError, JETSTREAM_NOT_ENABLED, JETSTREAM_NOT_ENABLED_FOR_ACCOUNT};
use crate::names::Names;

/// The oldest server that has all we build on: strict configuration, message TTL, batch reads.
const NEEDED: (u32, u32) = (2, 12);
/// How long the first connection is tried for: a server that starts at the same time needs a second or two.
const FIRST_CONNECT_WITHIN: Duration = Duration::from_secs(5);
const FIRST_CONNECT_PAUSE: Duration = Duration::from_millis(250);
/// After a lost connection the next attempt never waits longer than this.
pub(super) const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Three unanswered pings end a connection: a node that is frozen, or behind a cut, is noticed in 2.5 to 3.75 s, within the
/// five that a takeover may last. On a server that syncs every message to disk a full pipeline delays the answer by one or two
/// seconds, so not much less.
const PING_INTERVAL: Duration = Duration::from_millis(1250);
/// How long JetStream is waited for once a server answers: a cluster that starts at the same time has to elect a leader first.
const JETSTREAM_WITHIN: Duration = Duration::from_secs(15);
/// What was asked before there was a leader is never answered.
const JETSTREAM_TRY: Duration = Duration::from_millis(1500);
/// How long one answer is waited for.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// What is handed to the connection and not written yet.
const COMMANDS_MAX: usize = 8192;
/// What is received and not looked at yet, per subscription; more would be dropped. Above every bound on what is in flight.
const RECEIVED_MAX: usize = 256 * 1024;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("`{url}` is not the address of a NATS server; write it as nats://host:port, several separated by commas")]
    BadUrl { url: String },
    #[error("the namespace cannot be used")]
    BadNamespace(#[source] NameError),
    #[error(
        "cannot reach NATS at `{url}`; start a server there, name another with `--nats-url`, or let `sagaline dev` start its own"
    )]
    Unreachable { url: String, source: async_nats::ConnectError },
    #[error(
        "NATS at `{url}` refuses these credentials; put a user and password or a token that it knows into `--nats-url`"
    )]
    Unauthorized { url: String, source: async_nats::ConnectError },
    #[error(
        "nats-server {found} is too old; Sagaline needs {needed} or later, so upgrade the server or name another with `--nats-url`"
    )]
    TooOld { found: String, needed: String },
    #[error("NATS at `{url}` has no JetStream; start nats-server with `-js`, or enable JetStream for this account")]
    NoJetStream { url: String },
    #[error(
        "NATS at `{url}` cannot say whether JetStream works: {why}; if it is a cluster, more than half of its nodes must run"
    )]
    JetStreamUnavailable { url: String, why: String },
}

impl ConnectError {
    /// Whether no server could ever be reached like this: what was asked for cannot be right.
    pub fn is_misuse(&self) -> bool {
        matches!(self, Self::BadUrl { .. } | Self::BadNamespace(_))
    }
}

/// A connection and what belongs to it. Clones share the connection.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    jetstream: Context,
    names: Arc<Names>,
    losses: Losses,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("namespace", &self.names.namespace()).finish_non_exhaustive()
    }
}

/// How often the connection was lost. What was in flight at a loss may or may not have arrived.
#[derive(Clone, Default)]
pub(super) struct Losses(Arc<AtomicU64>);

impl Losses {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Connection {
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn jetstream(&self) -> &Context {
        &self.jetstream
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }
}

/// Connects as `name` and checks that the server will do. The connection then outlives every restart of the server.
pub async fn connect(url: &str, namespace: &str, name: &str) -> Result<Connection, ConnectError> {
    let names = Names::new(namespace).map_err(ConnectError::BadNamespace)?;
    let shown = without_secrets(url);
    let servers: Result<Vec<ServerAddr>, _> = url.split(',').map(|one| one.trim().parse()).collect();
    let servers = servers.map_err(|_| ConnectError::BadUrl { url: shown.clone() })?;
    let losses = Losses::default();
    let client = first_connection(servers, &losses, name, &shown).await?;

    let found = client.server_info().version;
    if !is_new_enough(&found) {
        return Err(ConnectError::TooOld { found, needed: format!("{}.{}", NEEDED.0, NEEDED.1) });
    }
    let jetstream = jetstream::context::ContextBuilder::new().timeout(ANSWER_WITHIN).build(client.clone());
    let connection = Connection { client, jetstream, names: Arc::new(names), losses };
    await_jetstream(&connection, &shown).await?;
    Ok(connection)
}

async fn await_jetstream(connection: &Connection, shown: &str) -> Result<(), ConnectError> {
    let deadline = Instant::now() + JETSTREAM_WITHIN;
    loop {
        let asked = timeout(JETSTREAM_TRY, connection.api::<Account>("INFO", &()));
        let why = match asked.await.unwrap_or(Err(ApiError::NoAnswer)) {
            Ok(Account {}) => return Ok(()),
            Err(ApiError::Refused { code: JETSTREAM_NOT_ENABLED | JETSTREAM_NOT_ENABLED_FOR_ACCOUNT, .. })
            | Err(ApiError::NobodyThere) => return Err(ConnectError::NoJetStream { url: shown.to_owned() }),
            Err(why) => why.to_string(),
        };
        if deadline <= Instant::now() {
            return Err(ConnectError::JetStreamUnavailable { url: shown.to_owned(), why });
        }
        sleep(FIRST_CONNECT_PAUSE).await;
    }
}

#[derive(Deserialize)]
struct Account {}

async fn first_connection(
    servers: Vec<ServerAddr>,
    losses: &Losses,
    name: &str,
    shown: &str,
) -> Result<Client, ConnectError> {
    let deadline = Instant::now() + FIRST_CONNECT_WITHIN;
    loop {
        let options = with_credentials(options(losses.clone(), name), &servers);
        let source = match options.connect(servers.clone()).await {
            Ok(client) => return Ok(client),
            Err(source) => source,
        };
        let url = shown.to_owned();
        match source.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                return Err(ConnectError::Unauthorized { url, source });
            }
            ConnectErrorKind::ServerParse => return Err(ConnectError::BadUrl { url }),
            _ if deadline <= Instant::now() => return Err(ConnectError::Unreachable { url, source }),
            _ => sleep(FIRST_CONNECT_PAUSE).await,
        }
    }
}

fn options(losses: Losses, name: &str) -> ConnectOptions {
    let named = name.to_owned();
    ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_secs(2))
        .request_timeout(Some(ANSWER_WITHIN))
        .ping_interval(PING_INTERVAL)
        .client_capacity(COMMANDS_MAX)
        .subscription_capacity(RECEIVED_MAX)
        .max_reconnects(None)
        .reconnect_delay_callback(reconnect_pause)
        .event_callback(move |event| {
            if event == Event::Disconnected {
                losses.0.fetch_add(1, Ordering::AcqRel);
            }
            tell(&named, &event);
            std::future::ready(())
        })
}

/// The client leaves what stands before `@` in an address alone: a user and a password, or a token.
fn with_credentials(options: ConnectOptions, servers: &[ServerAddr]) -> ConnectOptions {
    let credentials = servers.iter().find_map(|server| Some((server.username()?, server.password())));
    match credentials {
        Some((user, Some(password))) => options.user_and_password(percent_decoded(user), percent_decoded(password)),
        Some((token, None)) => options.token(percent_decoded(token)),
        None => options,
    }
}

/// In addresses `%40` stands for `@`, and so on.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%').and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// 10 ms, 20 ms, 40 ms … up to the longest: a restarted server is met early, a dead one is not hammered.
fn reconnect_pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1).min(10)).unwrap_or(10);
    (Duration::from_millis(10) * 2_u32.pow(doublings)).min(RECONNECT_PAUSE_MAX)
}

fn tell(connection: &str, event: &Event) {
    match event {
        Event::Connected => tracing::info!(connection, "connected to NATS"),
        Event::Disconnected => tracing::warn!(connection, "lost the connection to NATS; trying again until it is back"),
        Event::SlowConsumer(_) => {
            tracing::warn!(connection, "messages came faster than they were taken and were dropped")
        }
        Event::Closed => tracing::debug!(connection, "the connection to NATS is closed"),
        Event::LameDuckMode | Event::Draining => tracing::info!(connection, "NATS: {event}"),
        Event::ServerError(_) | Event::ClientError(_) => tracing::warn!(connection, "NATS: {event}"),
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return false };
    NEEDED <= (major, minor)
}

/// A URL as it may be shown: without what stands before `@`.
fn without_secrets(url: &str) -> String {
    let shown = url.split(',').map(|one| match (one.split_once("://"), one.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => one.to_owned(),
    });
    shown.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_an_address_are_never_shown() {
        assert_eq!(without_secrets("nats://me:se@cret@host:4222"), "nats://host:4222");
        assert_eq!(without_secrets("token@a:1,nats://b:2"), "a:1,nats://b:2");
        assert_eq!(without_secrets("nats://127.0.0.1:4222"), "nats://127.0.0.1:4222");
    }

    #[test]
    fn credentials_may_be_percent_encoded() {
        for (text, decoded) in [("p%40ss", "p@ss"), ("100%", "100%"), ("%zz%2", "%zz%2"), ("plain", "plain")] {
            assert_eq!(percent_decoded(text), decoded);
        }
    }

    #[test]
    fn servers_before_2_12_are_too_old() {
        for (version, enough) in [
            ("2.11.9", false),
            ("2.12.0", true),
            ("2.15.1", true),
            ("3.0.0-beta", true),
            ("1.99.0", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), enough, "{version}");
        }
    }

    #[test]
    fn the_pause_before_a_reconnect_is_at_most_a_second() {
        assert_eq!(reconnect_pause(1), Duration::from_millis(10));
        assert!((0..10_000).all(|attempts| reconnect_pause(attempts) <= RECONNECT_PAUSE_MAX));
    }
}
