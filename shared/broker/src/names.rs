//! Every subject, stream and bucket name is built here and nowhere else.

mod log_kind;

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE};
use sagaline_model::{ActivityName, Name, NameError, partition_of};

pub use self::log_kind::{LogKind, PART_PREFIX};
use crate::ports::Bucket;

/// The namespace of an installation: several share one NATS account without meeting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Names {
    namespace: Name,
    /// Before stream and bucket names: nothing in the default namespace, `<ns>_` elsewhere.
    prefix: String,
}

pub const DEFAULT_NAMESPACE: &str = "sagaline";

impl Default for Names {
    fn default() -> Self {
        Self::new(DEFAULT_NAMESPACE).expect("the default namespace is a name")
    }
}

impl Names {
    pub fn new(namespace: &str) -> Result<Self, NameError> {
        let namespace = Name::new(namespace)?;
        let prefix = if namespace.as_str() == DEFAULT_NAMESPACE { String::new() } else { format!("{namespace}_") };
        Ok(Self { namespace, prefix })
    }

    pub fn namespace(&self) -> &str {
        self.namespace.as_str()
    }

    // === streams ===

    pub fn runs(&self, partition: u32) -> String {
        format!("{}RUNS_{partition}", self.prefix)
    }

    pub fn queue_stream(&self, queue: &str) -> String {
        format!("{}QUEUE_{queue}", self.prefix)
    }

    pub fn stream(&self, stream: Stream) -> String {
        format!("{}{stream}", self.prefix)
    }

    pub fn bucket(&self, bucket: Bucket) -> String {
        format!("{}{}", self.prefix, bucket.name())
    }

    /// A stream or bucket as the declarations name it, in this namespace.
    pub(crate) fn placed(&self, plain: &str) -> String {
        format!("{}{plain}", self.prefix)
    }

    /// The stream behind a bucket.
    pub fn bucket_stream(&self, bucket: Bucket) -> String {
        format!("KV_{}", self.bucket(bucket))
    }

    /// The bucket of payloads that are too large for a message.
    pub fn payloads(&self) -> String {
        format!("{}payloads", self.prefix)
    }

    /// The stream behind it.
    pub fn payloads_stream(&self) -> String {
        format!("OBJ_{}", self.payloads())
    }

    /// Where an object store keeps what it knows of a payload: its name in URL-safe base64, so that it is one token.
    pub fn payload_info(&self, key: &str) -> String {
        format!("$O.{}.M.{}", self.payloads(), BASE64_URL_SAFE.encode(key))
    }

    /// All of those.
    pub fn payload_infos(&self) -> String {
        format!("$O.{}.M.>", self.payloads())
    }

    /// And the payload itself, in messages on one subject.
    pub fn payload_chunks(&self, nuid: &str) -> String {
        format!("$O.{}.C.{nuid}", self.payloads())
    }

    /// The durable consumer of one activity's tasks, shared by all its workers.
    pub fn consumer(&self, activity: &ActivityName) -> String {
        activity.token()
    }

    /// The stream that captures a subject which is a source of events.
    pub fn source_stream(&self, source: &str) -> String {
        format!("{}SOURCE_{source}", self.prefix)
    }

    /// The durable consumer of a source of events, shared by all triggers.
    pub fn source_consumer(&self, source: &str) -> String {
        format!("{}trigger-{source}", self.prefix)
    }

    /// Whether a stream, or that behind a bucket, is one that an installation of this namespace keeps for itself. What is read from
    /// there and led back in as events would go round.
    pub fn is_own_stream(&self, stream: &str) -> bool {
        let plain = ["KV_", "OBJ_"].iter().find_map(|kind| stream.strip_prefix(kind));
        let own = |name: &str| name.strip_prefix(self.prefix.as_str()).map(str::to_owned);
        if let Some(bucket) = plain.and_then(own) {
            return bucket == "payloads" || Bucket::ALL.iter().any(|own| own.name() == bucket);
        }
        let kinds = ["RUNS_", "SAGAS_", "SCHEDULES_", "QUEUE_", "SOURCE_"];
        let single = [Stream::Events, Stream::Lifecycle, Stream::Rejected, Stream::Dead];
        own(stream).is_some_and(|name| {
            kinds.iter().any(|kind| name.starts_with(kind)) || single.iter().any(|one| one.to_string() == name)
        })
    }

    /// Whether messages on a subject, or on one that it stands for, may be an installation's own.
    pub fn is_own_subject(&self, subject: &str) -> bool {
        let first = subject.split('.').next().unwrap_or_default();
        matches!(first, "*" | ">") || first == self.namespace.as_str() || first.starts_with('$') || first == "_INBOX"
    }

    // === subjects ===

    pub fn start(&self, execution: &str, partitions: u32) -> String {
        self.run_subject(partition_of(execution, partitions), execution, "start")
    }

    pub fn input(&self, execution: &str, partitions: u32) -> String {
        self.run_subject(partition_of(execution, partitions), execution, "in")
    }

    /// Where the owner's own marks go: no execution's id starts with `~`.
    pub fn owner_mark(&self, partition: u32) -> String {
        self.run_subject(partition, "~owner", "in")
    }

    fn run_subject(&self, partition: u32, execution: &str, end: &str) -> String {
        let mut subject = String::with_capacity(self.namespace.as_str().len() + execution.len() + 16);
        for part in [self.namespace.as_str(), ".run.", &partition.to_string(), ".", execution, ".", end] {
            subject.push_str(part);
        }
        subject
    }

    /// Everything on a partition's log.
    pub fn run_all(&self, partition: u32) -> String {
        format!("{}.run.{partition}.>", self.namespace)
    }

    pub fn task(&self, queue: &str, activity: &ActivityName, execution: &str, path: &str, attempt: u32) -> String {
        let token = activity.token();
        format!("{}.queue.{queue}.{token}.{execution}.{path}.{attempt}", self.namespace)
    }

    pub fn tasks_of(&self, queue: &str, activity: &ActivityName) -> String {
        format!("{}.queue.{queue}.{}.>", self.namespace, activity.token())
    }

    pub fn queue_all(&self, queue: &str) -> String {
        format!("{}.queue.{queue}.>", self.namespace)
    }

    pub fn event(&self, kind: &str) -> String {
        format!("{}.events.{kind}", self.namespace)
    }

    /// What an execution that failed leaves behind.
    pub fn dead(&self, execution: &str) -> String {
        format!("{}.dead.execution.{execution}", self.namespace)
    }

    pub fn lifecycle(&self, kind: &str, what: &str, workflow: &str, execution: &str) -> String {
        let mut subject = String::with_capacity(64 + execution.len());
        for part in [self.namespace.as_str(), ".lifecycle.", kind, ".", what, ".", workflow, ".", execution] {
            subject.push_str(part);
        }
        subject
    }

    pub fn rejected(&self, reason: &str) -> String {
        format!("{}.rejected.{reason}", self.namespace)
    }

    pub fn ask(&self, partition: u32) -> String {
        format!("{}.ask.{partition}", self.namespace)
    }

    pub fn tell(&self, execution: &str) -> String {
        format!("{}.tell.{execution}", self.namespace)
    }

    /// On which workers tell each other what they are at work on.
    pub fn held(&self) -> String {
        format!("{}.held", self.namespace)
    }

    /// The subject of a bucket's key.
    pub fn key(&self, bucket: Bucket, key: &str) -> String {
        format!("$KV.{}.{key}", self.bucket(bucket))
    }

    // === keys ===

    pub fn snapshot_key(partition: u32, execution: &str) -> String {
        format!("{partition}.{execution}")
    }

    /// Where an attempt says how far it is. What it leaves for the next one has the same key without the last word; a path has no dots.
    pub fn progress_key(execution: &str, path: &str) -> String {
        format!("{execution}.{path}.progress")
    }

    pub fn checkpoint_key(partition: u32) -> String {
        format!("checkpoint.{partition}")
    }

    /// The word on whether there is room for new executions.
    pub const ADMISSION_KEY: &str = "admission";

    /// The number of partitions, written once at installation.
    pub const PARTITIONS_KEY: &str = "count";

    /// What the installation gives to workflows that say nothing of their own; in the bucket `settings`.
    pub const DEFAULTS_KEY: &str = "defaults";

    /// What an operator says about a queue; in the bucket `settings`.
    pub fn queue_settings_key(queue: &str) -> String {
        format!("queue.{queue}")
    }

    pub fn definition_key(workflow: &str, version: u32) -> String {
        format!("{workflow}.{version}")
    }

    /// The newest version of a workflow.
    pub fn latest_key(workflow: &str) -> String {
        format!("{workflow}.latest")
    }

    /// The tokens of a log subject: execution and end (`start` or `in`).
    pub fn parse_run<'a>(&self, subject: &'a str) -> Option<(u32, &'a str, &'a str)> {
        let rest = subject.strip_prefix(self.namespace.as_str())?.strip_prefix(".run.")?;
        let mut tokens = rest.split('.');
        let parsed = (tokens.next()?.parse().ok()?, tokens.next()?, tokens.next()?);
        tokens.next().is_none().then_some(parsed)
    }
}

/// The streams there is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    Events,
    Lifecycle,
    Rejected,
    Dead,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "EVENTS",
            Self::Lifecycle => "LIFECYCLE",
            Self::Rejected => "REJECTED",
            Self::Dead => "DEAD",
        })
    }
}

impl Bucket {
    pub const ALL: [Self; 6] =
        [Self::Definitions, Self::Executions, Self::Results, Self::Partitions, Self::Heartbeats, Self::Settings];

    pub fn name(self) -> &'static str {
        match self {
            Self::Definitions => "definitions",
            Self::Executions => "executions",
            Self::Results => "results",
            Self::Partitions => "partitions",
            Self::Heartbeats => "heartbeats",
            Self::Settings => "settings",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_namespace_has_plain_stream_names() {
        let names = Names::default();
        assert_eq!((names.runs(3), names.queue_stream("default")), ("RUNS_3".into(), "QUEUE_default".into()));
        let names = Names::new("team-a").expect("a namespace");
        assert_eq!((names.runs(3), names.bucket(Bucket::Results)), ("team-a_RUNS_3".into(), "team-a_results".into()));
    }

    #[test]
    fn what_an_installation_keeps_for_itself_is_no_source() {
        let names = Names::default();
        let own = ["RUNS_0", "QUEUE_default", "EVENTS", "LIFECYCLE", "KV_definitions", "OBJ_payloads", "SOURCE_shop"];
        assert!(own.iter().all(|stream| names.is_own_stream(stream)));
        let others = ["ORDERS", "KV_orders", "RUNS", "DEADLINES", "team_RUNS_0"];
        assert!(!others.iter().any(|stream| names.is_own_stream(stream)));
        assert!(Names::new("team").expect("a namespace").is_own_stream("team_RUNS_0"));
        let own = ["sagaline.events.>", ">", "*.orders", "$KV.definitions.>", "_INBOX.>"];
        assert!(own.iter().all(|subject| names.is_own_subject(subject)));
        assert!(!["orders.>", "sagalines.x"].iter().any(|subject| names.is_own_subject(subject)));
    }

    #[test]
    fn a_log_subject_is_read_as_it_is_built() {
        let names = Names::default();
        let subject = names.start("order-1", 16);
        assert_eq!(names.parse_run(&subject), Some((partition_of("order-1", 16), "order-1", "start")));
        for other in ["sagaline.run.x.a.in", "sagaline.run.1.a", "sagaline.run.1.a.in.b", "other.run.1.a.in"] {
            assert_eq!(names.parse_run(other), None, "{other}");
        }
    }

    #[test]
    fn an_activity_is_one_token_of_a_task() {
        let activity = ActivityName::new("payments.charge").expect("a name");
        let subject = Names::default().task("default", &activity, "order-1", "charge", 2);
        assert_eq!(subject, "sagaline.queue.default.payments~charge.order-1.charge.2");
    }
}
