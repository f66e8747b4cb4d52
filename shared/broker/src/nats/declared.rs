//! The streams and buckets of `nats/streams.json`, as JetStream's configurations.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, SubjectTransform};
use sagaline_model::Span;
use serde::Deserialize;

use super::Installation;
use crate::names::Names;

const DECLARATIONS: &str = include_str!("../../../../nats/streams.json");
const MIB: f64 = 1024.0 * 1024.0;

/// Where streams and buckets are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    #[default]
    File,
    /// Lost with the server: for trials only.
    Memory,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declarations {
    #[serde(rename = "about")]
    _about: Vec<String>,
    streams: Vec<DeclaredStream>,
    buckets: Vec<DeclaredBucket>,
    objects: Vec<DeclaredBucket>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredStream {
    name: String,
    about: String,
    #[serde(default)]
    for_each: ForEach,
    #[serde(default)]
    retention: Retention,
    subjects: Vec<String>,
    max_mib: u32,
    #[serde(default)]
    max_age: Span,
    discard: Discard,
    #[serde(default)]
    duplicate_window: Span,
    subject_transform: Option<Transform>,
    #[serde(default)]
    allow_msg_ttl: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredBucket {
    name: String,
    about: String,
    max_mib: u32,
    #[serde(default)]
    max_age: Span,
    #[serde(default)]
    discard: Discard,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ForEach {
    #[default]
    Installation,
    Partition,
    Queue,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Retention {
    #[default]
    Limits,
    WorkQueue,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Discard {
    Old,
    #[default]
    New,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Transform {
    from: String,
    to: String,
}

/// What an installation declares, its streams apart by what there is one of.
pub(super) struct Declared<'a> {
    declarations: Declarations,
    names: &'a Names,
    settings: &'a Installation,
}

impl<'a> Declared<'a> {
    pub(super) fn read(names: &'a Names, settings: &'a Installation) -> Self {
        let declarations = serde_json::from_str(DECLARATIONS).expect("a test reads nats/streams.json");
        Self { declarations, names, settings }
    }

    /// The buckets, the object store among them.
    pub(super) fn buckets(&self) -> Vec<Config> {
        let values = self.declarations.buckets.iter().map(|bucket| self.bucket(bucket));
        let objects = self.declarations.objects.iter().map(|bucket| self.objects(bucket));
        values.chain(objects).collect()
    }

    /// The streams there is one of.
    pub(super) fn single_streams(&self) -> Vec<Config> {
        self.streams(ForEach::Installation, |text| text.to_owned(), 1)
    }

    pub(super) fn partition_streams(&self, partitions: u32) -> Vec<Config> {
        let of = |partition: u32| {
            let partition = partition.to_string();
            self.streams(ForEach::Partition, |text| text.replace("{p}", &partition), partitions)
        };
        (0..partitions).flat_map(of).collect()
    }

    pub(super) fn queue_streams(&self, queue: &str) -> Vec<Config> {
        let mut streams = self.streams(ForEach::Queue, |text| text.replace("{queue}", queue), 1);
        for stream in &mut streams {
            stream.duplicate_window = self.settings.dedup_window;
        }
        streams
    }

    /// `filled` puts in what the stream there is one each of is for; `shared_by` so many share the size.
    fn streams(&self, for_each: ForEach, filled: impl Fn(&str) -> String, shared_by: u32) -> Vec<Config> {
        let fill = |text: &str| filled(text).replace("{ns}", self.names.namespace());
        let declared = self.declarations.streams.iter().filter(|stream| stream.for_each == for_each);
        let config = declared.map(|stream| Config {
            name: self.names.placed(&fill(&stream.name)),
            description: Some(stream.about.clone()),
            subjects: stream.subjects.iter().map(|subject| fill(subject)).collect(),
            retention: match stream.retention {
                Retention::Limits => RetentionPolicy::Limits,
                Retention::WorkQueue => RetentionPolicy::WorkQueue,
            },
            duplicate_window: window(stream.duplicate_window.into(), stream.max_age.into()),
            subject_transform: stream
                .subject_transform
                .as_ref()
                .map(|transform| SubjectTransform { source: fill(&transform.from), destination: fill(&transform.to) }),
            allow_message_ttl: stream.allow_msg_ttl,
            ..self.sized(stream.max_mib, shared_by, stream.max_age, stream.discard)
        });
        config.collect()
    }

    /// As clients make a bucket of values, so that every one of them can use it; TTLs per value are allowed.
    fn bucket(&self, bucket: &DeclaredBucket) -> Config {
        let name = self.names.placed(&bucket.name);
        Config {
            name: format!("KV_{name}"),
            description: Some(bucket.about.clone()),
            subjects: vec![format!("$KV.{name}.>")],
            max_messages_per_subject: 1,
            allow_rollup: true,
            deny_delete: true,
            allow_message_ttl: true,
            duplicate_window: window(Duration::ZERO, bucket.max_age.into()),
            ..self.sized(bucket.max_mib, 1, bucket.max_age, bucket.discard)
        }
    }

    /// As clients make an object store.
    fn objects(&self, bucket: &DeclaredBucket) -> Config {
        let name = self.names.placed(&bucket.name);
        Config {
            name: format!("OBJ_{name}"),
            description: Some(bucket.about.clone()),
            subjects: vec![format!("$O.{name}.C.>"), format!("$O.{name}.M.>")],
            allow_rollup: true,
            // A reference may arrive before a replica has what it refers to: clients are to ask the leader.
            allow_direct: false,
            duplicate_window: window(Duration::ZERO, bucket.max_age.into()),
            ..self.sized(bucket.max_mib, 1, bucket.max_age, bucket.discard)
        }
    }

    fn sized(&self, max_mib: u32, shared_by: u32, max_age: Span, discard: Discard) -> Config {
        let bytes = f64::from(max_mib) * MIB * self.settings.size_factor / f64::from(shared_by.max(1));
        Config {
            // At least what one message of the largest size needs, and a little beside it.
            max_bytes: (bytes as i64).max(4 << 20),
            max_age: max_age.into(),
            discard: match discard {
                Discard::Old => DiscardPolicy::Old,
                Discard::New => DiscardPolicy::New,
            },
            allow_direct: true,
            num_replicas: self.settings.replicas,
            storage: match self.settings.storage {
                Storage::File => StorageType::File,
                Storage::Memory => StorageType::Memory,
            },
            ..Config::default()
        }
    }
}

/// What JetStream uses where nothing is declared: two minutes, and never longer than messages are kept.
fn window(declared: Duration, max_age: Duration) -> Duration {
    const USUAL: Duration = Duration::from_secs(120);
    let window = if declared.is_zero() { USUAL } else { declared };
    if max_age.is_zero() { window } else { window.min(max_age) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        names::{LogKind, Stream},
        ports::Bucket,
    };

    fn all(names: &Names) -> Vec<Config> {
        let settings = Installation::default();
        let declared = Declared::read(names, &settings);
        let queues = declared.queue_streams("default");
        [declared.buckets(), declared.single_streams(), declared.partition_streams(3), queues].concat()
    }

    #[test]
    fn what_is_declared_has_the_names_that_are_used() {
        for names in [Names::default(), Names::new("team-a").expect("a namespace")] {
            let declared: Vec<String> = all(&names).into_iter().map(|stream| stream.name).collect();
            let buckets = Bucket::ALL.map(|bucket| names.bucket_stream(bucket));
            let streams =
                [Stream::Events, Stream::Lifecycle, Stream::Rejected, Stream::Dead].map(|stream| names.stream(stream));
            let of = |kind| [0, 1, 2].map(|partition| names.log(kind, partition));
            let logs = LogKind::ALL.map(of).concat();
            let rest = [names.queue_stream("default"), format!("OBJ_{}", names.payloads())];
            let used = [buckets.to_vec(), streams.to_vec(), logs, rest.to_vec()].concat();
            assert!(used.iter().all(|name| declared.contains(name)), "{declared:?}");
            assert_eq!(declared.len(), used.len());
        }
    }

    #[test]
    fn every_stream_is_bounded_and_all_together_fit_a_small_disk() {
        let streams = all(&Names::default());
        assert!(streams.iter().all(|stream| 0 < stream.max_bytes));
        let total: i64 = streams.iter().map(|stream| stream.max_bytes).sum();
        assert!(total < 13 << 30, "{total}");
    }

    #[test]
    fn the_lifecycle_drops_the_execution_when_storing() {
        let names = Names::default();
        let lifecycle = all(&names).into_iter().find(|stream| stream.name == "LIFECYCLE").expect("declared");
        let transform = lifecycle.subject_transform.expect("declared");
        assert_eq!(transform.source, "sagaline.lifecycle.*.*.*.*");
        assert_eq!(transform.destination, "sagaline.lifecycle.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}");
    }
}
