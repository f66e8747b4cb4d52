//! What is there: the server, streams and their replicas, queues and who serves them, partitions and their owners. Facts
//! alone, seen from one place at one time; nothing in here is judged, and nothing is changed.
//!
//! It asks about everything once, few requests at a time, and goes on where something does not answer: an operator looks
//! most of all when something is broken.

mod api;
mod partitions;
mod queues;
mod rejected;
mod sources;
mod streams;

use std::time::Duration;

use futures::StreamExt;
use sagaline_broker::{
    names::{LogKind, Stream},
    nats::{Connection, Installed, shell},
    room::Admission,
};
use sagaline_model::{ActivityName, Moment, Name};

pub use self::{
    partitions::{LeaseHolder, OwnerFacts, PartitionFacts},
    queues::{ConsumerFacts, QueueFacts, Served, Unserved},
    rejected::{Rejected, RejectedFacts, RejectedFilter},
    sources::{SourceFacts, SourcePlace},
    streams::{Found, Replica, StreamFacts, StreamKind, StreamState},
};
use super::{Client, Error};

/// All that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    pub namespace: String,
    pub server: ServerFacts,
    pub clock: Option<ClockFacts>,
    /// Those that the installation should have, found or not, in the order of their declarations.
    pub streams: Vec<StreamFacts>,
    pub queues: Vec<QueueFacts>,
    /// The consumer of events that the triggers share.
    pub intake: Served,
    pub work: Work,
    pub partitions: Vec<PartitionFacts>,
    /// The orchestrators that share the partitions; nothing if that cannot be read.
    pub members: Option<Vec<String>>,
    /// The compensators that share theirs; nothing if that cannot be read.
    pub compensators: Option<Vec<String>>,
    /// The schedulers that share theirs; nothing if that cannot be read.
    pub schedulers: Option<Vec<String>>,
    /// The word on room for new executions, if an orchestrator has told it lately.
    pub admission: Option<Admission>,
    pub rejected: RejectedFacts,
    /// What is mapped in besides `EVENTS`; nothing if that cannot be read.
    pub sources: Option<Vec<SourceFacts>>,
}

/// The server that answered, and what the account may store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    pub name: String,
    pub version: String,
    pub address: String,
    /// What JetStream there can do.
    pub api_level: u32,
    pub stored_bytes: u64,
    /// Of the account; nothing if only the server's own limit counts.
    pub stored_bytes_max: Option<u64>,
}

/// This machine's clock beside the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockFacts {
    /// How much this machine's is ahead; negative: behind.
    pub ahead_ns: i64,
    /// How long the question took: it cannot be said more exactly.
    pub within: Duration,
}

/// How much of the present is looked at as recent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectSettings {
    /// Rejected messages stored later than this are recent.
    pub recent_from: Moment,
    /// How long an owner may take to answer.
    pub answer_within: Duration,
}

/// What the newest definitions ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Every activity with its queue, sorted.
    pub activities: Vec<(Name, ActivityName)>,
    /// A workflow is started by events.
    pub events_start: bool,
}

/// So many workflows are looked through for the queues and activities that they name.
const WORKFLOWS_MAX: usize = 1000;
/// The queue that every installation has.
const QUEUE_OF_ALL: &str = "default";
/// Requests in flight.
const AT_ONCE: usize = 16;

/// Looks at everything in the connection's namespace. Fails only where nothing can be said at all.
pub async fn inspect(connection: &Connection, settings: &InspectSettings) -> Result<Inspection, Error> {
    let listed = api::streams(connection).await?;
    let partitions = match Installed::read(connection).await {
        Ok(Installed { partitions }) => partitions,
        // The bucket that says so may be what is broken. The logs say it too.
        Err(error) => match streams::logs(connection.names(), &listed) {
            0 => return Err(error.into()),
            partitions => partitions,
        },
    };
    let client = Client::of(connection.clone(), "inspect", partitions);
    // What is applied cannot be read while its bucket is gone, which is said of the bucket.
    let work = client.work().await.unwrap_or_default();
    let mut queues = streams::queues(connection.names(), &listed);
    queues.push(Name::new(QUEUE_OF_ALL).expect("a name"));
    queues.extend(work.activities.iter().map(|(queue, _)| queue.clone()));
    queues.sort();
    queues.dedup();
    let streams = streams::facts(connection.names(), &listed, partitions, &queues);
    let state = |name: String| streams.iter().find(|stream| stream.name == name).and_then(StreamFacts::state);

    let queue_state = |queue: &Name| state(connection.names().queue_stream(queue.as_str()));
    let queues = queues.iter().filter_map(|queue| Some((queue, queue_state(queue)?)));
    let queues: Vec<_> = queues.map(|(queue, state)| client.queue_facts(queue, state, &work)).collect();
    let rejected = match state(connection.names().stream(Stream::Rejected)) {
        Some(state) => client.rejected_facts(state, settings.recent_from).await,
        None => RejectedFacts::default(),
    };
    Ok(Inspection {
        members: members(connection, LogKind::Runs, partitions).await,
        compensators: members(connection, LogKind::Sagas, partitions).await,
        schedulers: members(connection, LogKind::Schedules, partitions).await,
        admission: connection.admission().await.ok().flatten(),
        namespace: connection.names().namespace().to_owned(),
        server: api::server(connection).await?,
        clock: api::clock(connection).await,
        queues: futures::stream::iter(queues).buffered(AT_ONCE).collect().await,
        intake: client.intake().await,
        partitions: client.partition_facts(&streams, settings).await,
        rejected,
        sources: client.source_facts(settings.recent_from).await.ok(),
        streams,
        work,
    })
}

/// Who shares the partitions of logs of this kind.
async fn members(connection: &Connection, kind: LogKind, partitions: u32) -> Option<Vec<String>> {
    let sight = shell::look(connection, kind, partitions).await.ok()?;
    Some(sight.members.iter().map(|member| member.id.to_string()).collect())
}
