//! Installing: whatever is declared and missing is created, whatever is there is checked. Any number of processes may do
//! so at once, any number of times.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use sagaline_model::Name;
use serde::Deserialize;
use tokio::time::sleep;

use super::{
    Connection, Storage,
    api::{ApiError, STREAM_NAME_TAKEN, STREAM_NOT_FOUND, TEMPORARILY_UNAVAILABLE},
    clock,
    declared::Declared,
    reconcile::{Difference, reconcile},
};
use crate::{
    names::{LogKind, Names},
    owner::Checkpoint,
    ports::{Bucket, Failure, Message, Outcome, Sequence},
};

/// The settings of an installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Installation {
    /// How many partitions a new installation gets. It caps the number of orchestrators, and never changes afterwards.
    pub partitions: u32,
    pub replicas: usize,
    pub storage: Storage,
    /// The queues to have from the beginning.
    pub queues: Vec<Name>,
    /// How long a queue remembers the Msg-Ids of tasks.
    pub dedup_window: Duration,
    /// What the sizes declared in `nats/streams.json` are multiplied with.
    pub size_factor: f64,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            partitions: 2,
            replicas: 1,
            storage: Storage::File,
            queues: ["critical", "default", "low"].map(|queue| Name::new(queue).expect("a name")).into(),
            dedup_window: Duration::from_secs(120),
            size_factor: 1.0,
        }
    }
}

/// What is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installed {
    pub partitions: u32,
}

/// Why an installation is not there as it should be.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(
        "stream `{stream}` has {field} {found} where {wanted} is needed, and that cannot be changed in place; \
         give this installation another `--namespace`, or move the stream's messages away and remove it with `nats stream rm {stream}`"
    )]
    Differs { stream: String, field: &'static str, found: String, wanted: String },
    #[error("stream `{stream}` cannot be {what}: {why}; {next}")]
    Refused { stream: String, what: &'static str, why: String, next: &'static str },
    #[error(
        "there is no Sagaline in namespace `{namespace}` of this NATS; start an orchestrator or `sagaline dev` first"
    )]
    NotInstalled { namespace: String },
    #[error(
        "the number of partitions, `{found}` in key `count` of bucket `{bucket}`, is not a number from 1 on; restore it"
    )]
    BadCount { bucket: String, found: String },
    #[error("an installation has at least one partition and at most {PARTITIONS_MAX}, not {0}")]
    BadPartitions(u32),
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Each partition is a stream with a reader; beyond this a cluster has more to do with keeping streams than with messages.
const PARTITIONS_MAX: u32 = 1024;
/// How long an installation that gets no answer is tried for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);
/// More entries than a log has room for above its checkpoint.
const ABOVE_ALL_KNOWN: Sequence = 1 << 30;

#[derive(Deserialize)]
struct StreamInfo {
    config: Config,
}

impl Installation {
    /// Creates what is missing and checks what is there.
    pub async fn ensure(&self, connection: &Connection) -> Result<Installed, InstallError> {
        let deadline = clock::boot() + PATIENCE;
        loop {
            let ended = self.ensure_once(connection).await;
            if clock::boot() >= deadline || !ended.as_ref().is_err_and(passes) {
                return ended;
            }
            drop(ended);
            sleep(PAUSE).await;
        }
    }

    async fn ensure_once(&self, connection: &Connection) -> Result<Installed, InstallError> {
        if self.partitions == 0 || PARTITIONS_MAX < self.partitions {
            return Err(InstallError::BadPartitions(self.partitions));
        }
        let declared = Declared::read(connection.names(), self);
        for bucket in declared.buckets() {
            ensure_stream(connection, &bucket).await?;
        }
        let partitions = self.count_partitions(connection).await?;
        for stream in declared.single_streams() {
            ensure_stream(connection, &stream).await?;
        }
        for stream in declared.partition_streams(partitions) {
            ensure_log(connection, stream, partitions).await?;
        }
        for queue in &self.queues {
            self.ensure_queue_once(connection, queue).await?;
        }
        Ok(Installed { partitions })
    }

    /// The same for one queue, which a definition names.
    pub async fn ensure_queue(&self, connection: &Connection, queue: &Name) -> Result<(), InstallError> {
        let deadline = clock::boot() + PATIENCE;
        loop {
            let ended = self.ensure_queue_once(connection, queue).await;
            if clock::boot() >= deadline || !ended.as_ref().is_err_and(passes) {
                return ended;
            }
            drop(ended);
            sleep(PAUSE).await;
        }
    }

    async fn ensure_queue_once(&self, connection: &Connection, queue: &Name) -> Result<(), InstallError> {
        for stream in Declared::read(connection.names(), self).queue_streams(queue.as_str()) {
            ensure_stream(connection, &stream).await?;
        }
        Ok(())
    }

    /// The first to install decides; everybody else goes by what is written.
    async fn count_partitions(&self, connection: &Connection) -> Result<u32, InstallError> {
        let count = Message {
            subject: connection.names().key(Bucket::Partitions, Names::PARTITIONS_KEY),
            expected: Some(0),
            msg_id: None,
            ttl: None,
            headers: vec![],
            payload: Bytes::from(self.partitions.to_string()),
        };
        match connection.publish(&count).await {
            Outcome::Stored { .. } => Ok(self.partitions),
            Outcome::Conflict { .. } => {
                let Installed { partitions } = Installed::read(connection).await?;
                if partitions != self.partitions {
                    let wanted = self.partitions;
                    tracing::info!(partitions, wanted, "the number of partitions was fixed when this was installed");
                }
                Ok(partitions)
            }
            // Contended: on a cluster somebody else's number is on its way, and not there to be read yet.
            Outcome::Unknown(_) | Outcome::Contended => {
                Err(Failure::NoAnswer("write the number of partitions".into()).into())
            }
            other => Err(Failure::Refused {
                what: "write the number of partitions".into(),
                why: format!("it was not stored: {other:?}"),
            }
            .into()),
        }
    }
}

impl Installed {
    /// What is installed in the connection's namespace.
    pub async fn read(connection: &Connection) -> Result<Self, InstallError> {
        let not_installed = || InstallError::NotInstalled { namespace: connection.names().namespace().to_owned() };
        let stream = connection.names().bucket_stream(Bucket::Partitions);
        let subject = connection.names().key(Bucket::Partitions, Names::PARTITIONS_KEY);
        let found = match connection.last_on(&stream, &subject).await {
            Ok(found) => found,
            Err(error) if error.code() == Some(STREAM_NOT_FOUND) => return Err(not_installed()),
            Err(error) => return Err(error.into_failure("read the number of partitions").into()),
        };
        let value = found.map_or(Ok(None), |message| message.value());
        let value = value.map_err(|error| error.into_failure("read the number of partitions"))?;
        let (_, count) = value.ok_or_else(not_installed)?;
        let text = String::from_utf8_lossy(&count);
        match text.trim().parse() {
            Ok(partitions @ 1..=PARTITIONS_MAX) => Ok(Self { partitions }),
            Ok(_) | Err(_) => Err(InstallError::BadCount {
                bucket: connection.names().bucket(Bucket::Partitions),
                found: text.into_owned(),
            }),
        }
    }
}

/// Whether it will be over soon. On a cluster each stream elects its leader first, and elections of the whole cluster take up to nine
/// seconds.
fn passes(error: &InstallError) -> bool {
    let InstallError::Failure(failure @ Failure::NoAnswer(_)) = error else { return false };
    tracing::warn!(%failure, "not everything is installed yet; trying again");
    true
}

/// A log that is missing although its partition has a checkpoint was removed. It begins anew far above whatever is known of the
/// one before, so that no sequence is used twice: its owner would otherwise have to fill the gap, message by message.
async fn ensure_log(connection: &Connection, mut wanted: Config, partitions: u32) -> Result<(), InstallError> {
    match connection.api::<StreamInfo>(&format!("STREAM.INFO.{}", wanted.name), &()).await {
        Err(error) if error.code() == Some(STREAM_NOT_FOUND) => {}
        _ => return ensure_stream(connection, &wanted).await,
    }
    let logs = LogKind::ALL.into_iter().flat_map(|kind| (0..partitions).map(move |partition| (kind, partition)));
    let mut logs = logs.filter(|(kind, partition)| connection.names().log(*kind, *partition) == wanted.name);
    if let Some((kind, partition)) = logs.next()
        && let Some((_, checkpoint)) = connection.value(Bucket::Partitions, &kind.checkpoint_key(partition)).await?
        && let Ok(Checkpoint { next, .. }) = serde_json::from_slice(&checkpoint)
    {
        let begins = next.saturating_add(ABOVE_ALL_KNOWN);
        tracing::error!(stream = wanted.name, next, begins, "the log is gone and is made anew; what was on it is lost");
        wanted.first_sequence = Some(begins);
    }
    ensure_stream(connection, &wanted).await
}

async fn ensure_stream(connection: &Connection, wanted: &Config) -> Result<(), InstallError> {
    let name = &wanted.name;
    let request = |verb: &str| format!("STREAM.{verb}.{name}");
    let mut found = connection.api::<StreamInfo>(&request("INFO"), &()).await;
    if matches!(&found, Err(error) if error.code() == Some(STREAM_NOT_FOUND)) {
        match connection.api::<StreamInfo>(&request("CREATE"), wanted).await {
            Ok(StreamInfo { .. }) => return Ok(()),
            // Somebody else was faster, with other settings.
            Err(error) if error.code() == Some(STREAM_NAME_TAKEN) => {}
            Err(error) => return Err(refused(name, "created", error)),
        }
        found = connection.api(&request("INFO"), &()).await;
    }
    let StreamInfo { config } = found.map_err(|error| refused(name, "looked at", error))?;
    let update = reconcile(&config, wanted).map_err(|Difference { field, found, wanted }| InstallError::Differs {
        stream: name.clone(),
        field,
        found,
        wanted,
    })?;
    if let Some(update) = update {
        tracing::info!(stream = name, "the stream's settings have changed and are updated");
        let updated = connection.api::<StreamInfo>(&request("UPDATE"), &update).await;
        updated.map_err(|error| refused(name, "updated", error))?;
    }
    Ok(())
}

fn refused(stream: &str, what: &'static str, error: ApiError) -> InstallError {
    const NO_PEERS: u64 = 10005;
    const MEMORY_EXCEEDED: u64 = 10028;
    const STORAGE_EXCEEDED: u64 = 10047;
    const SUBJECTS_OVERLAP: u64 = 10065;
    const REPLICAS_NOT_SUPPORTED: u64 = 10074;
    let next = match error.code() {
        None => return error.into_failure(format!("have stream `{stream}` {what}")).into(),
        // It passes: a cluster is about to elect a leader, or takes a node that is busy for one that is away.
        Some(TEMPORARILY_UNAVAILABLE) => return Failure::NoAnswer(format!("have stream `{stream}` {what}")).into(),
        Some(NO_PEERS) if error.to_string().contains("peer offline") => {
            let attempt = format!("have stream `{stream}` {what}: a node that it needs is away");
            return Failure::NoAnswer(attempt).into();
        }
        Some(NO_PEERS | REPLICAS_NOT_SUPPORTED) => "ask for no more replicas than there are servers with JetStream",
        Some(STORAGE_EXCEEDED | MEMORY_EXCEEDED) => {
            "the server reserves the room of every stream, so all of them must fit: give JetStream more (`max_file_store` in \
             nats-server's configuration), or start the orchestrator with a smaller `--size-factor`"
        }
        Some(SUBJECTS_OVERLAP) => {
            "another stream of this account has subjects in this namespace; choose another `--namespace`"
        }
        Some(_) => "nats-server's log may say more",
    };
    InstallError::Refused { stream: stream.to_owned(), what, why: error.to_string(), next }
}
