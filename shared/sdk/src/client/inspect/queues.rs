//! Queues: how many tasks wait and are held, and whether anybody serves them.
//!
//! A worker that has room keeps a request for tasks waiting at the consumer of its activity, so who is there is seen from the
//! requests. Between two requests there may be none for a moment, and a worker whose slots are all taken has none: so whatever
//! looks deserted is looked at again for a while.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use sagaline_broker::names::Stream;
use sagaline_model::{ActivityName, Kind, Moment, Name, Trigger};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    AT_ONCE, StreamState, WORKFLOWS_MAX, Work,
    api::{self, Cluster, Fault, ask},
};
use crate::client::{Client, Error};

/// Longer than a worker pauses between two requests.
const DESERTED_FOR: Duration = Duration::from_millis(1500);
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// The consumer of the triggers.
const INTAKE: &str = "trigger";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFacts {
    pub queue: Name,
    /// Tasks in it, held ones among them.
    pub tasks: u64,
    /// One for each activity that a worker has served; nothing if JetStream did not say.
    pub consumers: Option<Vec<ConsumerFacts>>,
    /// Activities that no worker has ever served.
    pub unserved: Vec<Unserved>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unserved {
    pub activity: ActivityName,
    /// When the oldest of its tasks was stored; nothing if none waits.
    pub since: Option<Moment>,
}

/// A shared consumer: of one activity's tasks, or of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerFacts {
    pub name: String,
    /// Nobody has them yet.
    pub waiting: u64,
    /// Handed out and not acknowledged.
    pub held: u64,
    pub held_max: Option<u64>,
    /// Of those held, how many were handed out more than once.
    pub redelivered: u64,
    /// Requests for more: there is somebody with room.
    pub requests: u64,
    /// Something was handed out while we looked.
    pub moves: bool,
    pub paused: bool,
    /// After so many deliveries a task is given up; none of ours has such a limit.
    pub deliveries_max: Option<u64>,
    /// In a cluster: no leader, so nothing is handed out.
    pub leaderless: bool,
}

impl ConsumerFacts {
    /// The activity whose tasks these are.
    pub fn activity(&self) -> String {
        self.name.replace('~', ".")
    }

    /// Nobody asks for anything, and nobody holds anything.
    pub fn is_deserted(&self) -> bool {
        self.requests == 0 && self.held == 0 && !self.moves
    }
}

/// Whether tasks of an activity find a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// No worker has ever served it.
    Never,
    By(ConsumerFacts),
    /// JetStream did not say.
    Unknown,
}

#[derive(Deserialize)]
struct Info {
    name: String,
    config: Config,
    #[serde(default)]
    delivered: Delivered,
    #[serde(default)]
    num_pending: u64,
    #[serde(default)]
    num_ack_pending: u64,
    #[serde(default)]
    num_redelivered: u64,
    #[serde(default)]
    num_waiting: u64,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    cluster: Option<Cluster>,
}

#[derive(Default, Deserialize)]
struct Delivered {
    #[serde(default)]
    consumer_seq: u64,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    max_ack_pending: i64,
    #[serde(default)]
    max_deliver: i64,
}

impl Info {
    fn facts(&self) -> ConsumerFacts {
        let limit = |value: i64| u64::try_from(value).ok().filter(|value| 0 < *value);
        ConsumerFacts {
            name: self.name.clone(),
            waiting: self.num_pending,
            held: self.num_ack_pending,
            held_max: limit(self.config.max_ack_pending),
            redelivered: self.num_redelivered,
            requests: self.num_waiting,
            moves: false,
            paused: self.paused,
            deliveries_max: limit(self.config.max_deliver),
            leaderless: self.cluster.as_ref().is_some_and(|cluster| cluster.leader.is_none()),
        }
    }
}

impl Client {
    /// Whether tasks of an activity in a queue find a worker at this time.
    pub async fn served(&self, queue: &Name, activity: &ActivityName) -> Served {
        self.served_by(&self.names().queue_stream(queue.as_str()), &activity.token()).await
    }

    pub(super) async fn served_by(&self, stream: &str, consumer: &str) -> Served {
        const CONSUMER_NOT_FOUND: u64 = 10014;
        const STREAM_NOT_FOUND: u64 = 10059;
        match self.consumer(stream, consumer).await {
            Ok(info) => Served::By(self.looked_at_twice(stream, info).await),
            Err(Fault::Refused(CONSUMER_NOT_FOUND | STREAM_NOT_FOUND, _)) => Served::Never,
            Err(_) => Served::Unknown,
        }
    }

    /// The queues and activities that the newest definitions name.
    pub(super) async fn work(&self) -> Result<Work, Error> {
        let workflows = self.workflows().await?;
        let reads: Vec<_> = workflows
            .iter()
            .take(WORKFLOWS_MAX)
            .map(|(workflow, latest)| self.definition(workflow, latest.version))
            .collect();
        let definitions: Vec<_> = futures::stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let mut work = Work::default();
        for plan in definitions.into_iter().flatten().map(|definition| definition.plan) {
            work.events_start |= plan.triggers.iter().any(|trigger| matches!(trigger, Trigger::Event(_)));
            work.activities.extend(plan.nodes().iter().filter_map(|node| match &node.kind {
                Kind::Step(step) => Some((step.queue.clone(), step.activity.clone())),
                _ => None,
            }));
        }
        work.activities.sort();
        work.activities.dedup();
        Ok(work)
    }

    pub(super) async fn queue_facts(&self, queue: &Name, state: &StreamState, work: &Work) -> QueueFacts {
        let stream = self.names().queue_stream(queue.as_str());
        let Ok(infos) = self.consumers(&stream).await else {
            return QueueFacts { queue: queue.clone(), tasks: state.messages, consumers: None, unserved: vec![] };
        };
        let known = |activity: &ActivityName| infos.iter().any(|info| info.name == activity.token());
        let mut candidates: Vec<ActivityName> =
            work.activities.iter().filter(|(of, _)| of == queue).map(|(_, activity)| activity.clone()).collect();
        // A definition that was replaced may have named what the oldest task is for.
        candidates.extend(self.oldest_activity(&stream).await);
        candidates.sort();
        candidates.dedup();
        let mut unserved = vec![];
        for activity in candidates.into_iter().filter(|activity| !known(activity)) {
            let filter = self.names().tasks_of(queue.as_str(), &activity);
            let which = json!({ "seq": 1, "next_by_subj": filter });
            let first = api::first(&self.connection, &stream, &which).await;
            unserved.push(Unserved { activity, since: first.ok().flatten().map(|first| first.time) });
        }
        let looks: Vec<_> = infos.into_iter().map(|info| self.looked_at_twice(&stream, info)).collect();
        let consumers = futures::stream::iter(looks).buffered(AT_ONCE).collect().await;
        QueueFacts { queue: queue.clone(), tasks: state.messages, consumers: Some(consumers), unserved }
    }

    /// The consumer of events.
    pub(super) async fn intake(&self) -> Served {
        self.served_by(&self.names().stream(Stream::Events), INTAKE).await
    }

    async fn oldest_activity(&self, stream: &str) -> Option<ActivityName> {
        let first = api::first(&self.connection, stream, &json!({ "seq": 1, "next_by_subj": ">" })).await.ok()??;
        let token = first.subject.strip_prefix(self.names().namespace())?.split('.').nth(3)?.to_owned();
        ActivityName::new(token.replace('~', ".")).ok()
    }

    async fn consumers(&self, stream: &str) -> Result<Vec<Info>, Fault> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            total: usize,
            #[serde(default)]
            consumers: Option<Vec<Info>>,
        }
        let mut infos: Vec<Info> = vec![];
        loop {
            let verb = format!("CONSUMER.LIST.{stream}");
            let page: Page = ask(&self.connection, &verb, &json!({ "offset": infos.len() })).await?;
            let more = page.consumers.unwrap_or_default();
            let last = more.is_empty();
            infos.extend(more);
            if last || page.total <= infos.len() {
                return Ok(infos);
            }
        }
    }

    async fn consumer(&self, stream: &str, name: &str) -> Result<Info, Fault> {
        ask(&self.connection, &format!("CONSUMER.INFO.{stream}.{name}"), &json!({})).await
    }

    /// The facts, once it is sure whether somebody is there.
    async fn looked_at_twice(&self, stream: &str, first: Info) -> ConsumerFacts {
        let (delivered, deadline) = (first.delivered.consumer_seq, Instant::now() + DESERTED_FOR);
        let mut facts = first.facts();
        while facts.requests == 0 && !facts.moves && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
            let Ok(info) = self.consumer(stream, &first.name).await else { break };
            facts = info.facts();
            facts.moves = delivered < info.delivered.consumer_seq;
        }
        facts
    }
}
