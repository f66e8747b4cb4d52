//! What JetStream's API answers, as far as it is looked at.

use std::time::{Instant, SystemTime};

use async_nats::jetstream::{context::RequestErrorKind, response::Response, stream::Config};
use sagaline_broker::{names::Names, nats::Connection, ports::Bucket};
use sagaline_model::Moment;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{ClockFacts, ServerFacts};
use crate::client::Error;

/// Why a request gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server said no, with one of its codes.
    Refused(u64, String),
    /// No answer in time, or nobody to give one: a stream without a leader.
    Silent(String),
}

impl Fault {
    pub(super) fn into_error(self, attempt: impl Into<String>) -> Error {
        let attempt = attempt.into();
        match self {
            Self::Refused(_, why) => Error::Nats { attempt, source: why.into() },
            Self::Silent(why) => Error::NoAnswer { attempt, why },
        }
    }
}

/// Asks `$JS.API.<verb>`.
pub(super) async fn ask<T: DeserializeOwned>(
    connection: &Connection,
    verb: &str,
    body: &impl Serialize,
) -> Result<T, Fault> {
    match connection.jetstream().request(verb.to_owned(), body).await {
        Ok(Response::Ok(answer)) => Ok(answer),
        Ok(Response::Err { error }) => Err(Fault::Refused(error.error_code().0, error.to_string())),
        Err(error) => Err(match error.kind() {
            RequestErrorKind::NoResponders | RequestErrorKind::TimedOut => Fault::Silent(error.to_string()),
            RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                Fault::Silent(format!("the answer cannot be read: {error}"))
            }
        }),
    }
}

/// Every stream of the account: those whose leader answered, and the names of those that nobody answered for.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) streams: Vec<ListedStream>,
    pub(super) silent: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedStream {
    pub(super) config: Config,
    pub(super) state: ListedState,
    #[serde(default)]
    pub(super) cluster: Option<Cluster>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedState {
    #[serde(default)]
    pub(super) messages: u64,
    #[serde(default)]
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) first_seq: u64,
    #[serde(default)]
    pub(super) last_seq: u64,
    /// The year 1 where there is no message, which is no moment.
    #[serde(default, deserialize_with = "if_it_is_one")]
    pub(super) last_ts: Option<Moment>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Cluster {
    #[serde(default)]
    pub(super) leader: Option<String>,
    #[serde(default)]
    pub(super) replicas: Vec<Peer>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Peer {
    pub(super) name: String,
    #[serde(default)]
    pub(super) current: bool,
    #[serde(default)]
    pub(super) offline: bool,
    #[serde(default)]
    pub(super) lag: u64,
    /// Nanoseconds since the leader last heard of it.
    #[serde(default)]
    pub(super) active: u64,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    total: usize,
    #[serde(default)]
    streams: Option<Vec<ListedStream>>,
    #[serde(default)]
    missing: Option<Vec<String>>,
}

/// Every stream of the account.
pub(super) async fn streams(connection: &Connection) -> Result<Listed, Error> {
    let mut listed = Listed::default();
    let mut seen = 0;
    loop {
        let page: Page = ask(connection, "STREAM.LIST", &json!({ "offset": seen }))
            .await
            .map_err(|fault| fault.into_error("list the streams"))?;
        let (streams, missing) = (page.streams.unwrap_or_default(), page.missing.unwrap_or_default());
        let more = streams.len() + missing.len();
        listed.streams.extend(streams);
        listed.silent.extend(missing);
        seen += more;
        if more == 0 || page.total <= seen {
            return Ok(listed);
        }
    }
}

pub(super) async fn server(connection: &Connection) -> Result<ServerFacts, Error> {
    #[derive(Deserialize)]
    struct Account {
        #[serde(default)]
        storage: u64,
        #[serde(default)]
        limits: Limits,
        #[serde(default)]
        api: Api,
    }
    #[derive(Default, Deserialize)]
    struct Limits {
        #[serde(default)]
        max_storage: i64,
    }
    #[derive(Default, Deserialize)]
    struct Api {
        #[serde(default)]
        level: u32,
    }
    let account: Account =
        ask(connection, "INFO", &json!({})).await.map_err(|fault| fault.into_error("ask about the account"))?;
    let info = connection.client().server_info();
    Ok(ServerFacts {
        name: info.server_name,
        version: info.version,
        address: format!("{}:{}", info.host, info.port),
        api_level: account.api.level,
        stored_bytes: account.storage,
        stored_bytes_max: u64::try_from(account.limits.max_storage).ok().filter(|max| 0 < *max),
    })
}

/// This machine's clock beside that of the server that leads the bucket `partitions`; nothing if that does not answer.
pub(super) async fn clock(connection: &Connection) -> Option<ClockFacts> {
    #[derive(Deserialize)]
    struct Answer {
        ts: Moment,
    }
    let verb = format!("STREAM.INFO.{}", connection.names().bucket_stream(Bucket::Partitions));
    let (before, asked) = (time_of_day(), Instant::now());
    let Answer { ts } = ask(connection, &verb, &json!({})).await.ok()?;
    let within = asked.elapsed();
    // The server read its clock somewhere in the middle.
    let half = i64::try_from(within.as_nanos() / 2).unwrap_or(i64::MAX);
    Some(ClockFacts { ahead_ns: before.as_nanos().saturating_add(half).saturating_sub(ts.as_nanos()), within })
}

/// A message of a stream, as its leader has it.
#[derive(Deserialize)]
pub(super) struct StoredSubject {
    pub(super) seq: u64,
    pub(super) subject: String,
    pub(super) time: Moment,
}

/// The first message that `which` names; nothing if there is none.
pub(super) async fn first(
    connection: &Connection,
    stream: &str,
    which: &serde_json::Value,
) -> Result<Option<StoredSubject>, Fault> {
    #[derive(Deserialize)]
    struct Reply {
        message: StoredSubject,
    }
    const NO_MESSAGE_FOUND: u64 = 10037;
    match ask(connection, &format!("STREAM.MSG.GET.{stream}"), which).await {
        Ok(Reply { message }) => Ok(Some(message)),
        Err(Fault::Refused(NO_MESSAGE_FOUND, _)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The names that streams and buckets of a namespace can have, and nothing of another one.
pub(super) fn queue_of<'a>(names: &Names, stream: &'a str) -> Option<&'a str> {
    stream.strip_prefix(&names.queue_stream("")).filter(|queue| !queue.is_empty())
}

fn time_of_day() -> Moment {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_nanos(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}

pub(super) fn if_it_is_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Moment>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Servers write the year 1 for never, which is long before the first moment.
    Ok(if text.starts_with("0001-") { None } else { text.parse().ok() })
}
