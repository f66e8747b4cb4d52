//! The streams that an installation should have, and how one that is there differs from its declaration.
//!
//! Only what no setting decides is compared: replicas, sizes, storage and windows are the operator's.

use async_nats::jetstream::stream::Config;
use sagaline_model::Name;

use super::{
    Installation,
    declared::Declared,
    reconcile::{Difference, reconcile},
};
use crate::names::Names;

/// Every stream and bucket of an installation with so many partitions and these queues, as `nats/streams.json` declares them.
pub fn expected(names: &Names, partitions: u32, queues: &[Name]) -> Vec<Config> {
    let settings = Installation::default();
    let declared = Declared::read(names, &settings);
    let queues = queues.iter().flat_map(|queue| declared.queue_streams(queue.as_str()));
    [declared.buckets(), declared.single_streams(), declared.partition_streams(partitions)]
        .into_iter()
        .flatten()
        .chain(queues)
        .collect()
}

/// What of a stream is not as it is declared, in words; nothing if all is.
pub fn differs(found: &Config, declared: &Config) -> Option<String> {
    let wanted = Config {
        num_replicas: found.num_replicas,
        max_bytes: found.max_bytes,
        storage: found.storage,
        duplicate_window: found.duplicate_window,
        ..declared.clone()
    };
    match reconcile(found, &wanted) {
        Ok(None) => None,
        Ok(Some(mended)) => Some(changes(found, &mended).join(", ")),
        Err(Difference { field, found, wanted }) => Some(format!("{field} is {found}, declared is {wanted}")),
    }
}

/// What would be mended by itself, field by field.
fn changes(found: &Config, wanted: &Config) -> Vec<String> {
    let fields = [
        ("max_age", format!("{:?}", found.max_age), format!("{:?}", wanted.max_age)),
        ("discard", format!("{:?}", found.discard), format!("{:?}", wanted.discard)),
        ("subject_transform", format!("{:?}", found.subject_transform), format!("{:?}", wanted.subject_transform)),
        ("allow_direct", found.allow_direct.to_string(), wanted.allow_direct.to_string()),
        ("allow_rollup", found.allow_rollup.to_string(), wanted.allow_rollup.to_string()),
        ("allow_msg_ttl", found.allow_message_ttl.to_string(), wanted.allow_message_ttl.to_string()),
    ];
    let different = fields.into_iter().filter(|(_, found, wanted)| found != wanted);
    different.map(|(field, found, wanted)| format!("{field} is {found}, declared is {wanted}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_nats::jetstream::stream::RetentionPolicy;

    use super::*;

    fn queue() -> Config {
        let streams = expected(&Names::default(), 2, &[Name::new("default").expect("a name")]);
        streams.into_iter().find(|stream| stream.name == "QUEUE_default").expect("the queue")
    }

    #[test]
    fn an_installation_has_a_log_for_each_partition_and_a_stream_for_each_queue() {
        let names = Names::new("team").expect("a namespace");
        let streams = expected(&names, 3, &[Name::new("mail").expect("a name")]);
        for name in ["team_RUNS_0", "team_RUNS_2", "team_QUEUE_mail", "KV_team_partitions", "OBJ_team_payloads"] {
            assert!(streams.iter().any(|stream| stream.name == name), "{name}");
        }
    }

    #[test]
    fn what_operators_set_is_no_difference() {
        let found = Config { num_replicas: 3, max_bytes: 7, duplicate_window: Duration::from_secs(5), ..queue() };
        assert_eq!(differs(&found, &queue()), None);
    }

    #[test]
    fn a_difference_names_the_field_and_both_values() {
        let found = Config { retention: RetentionPolicy::Limits, ..queue() };
        assert_eq!(differs(&found, &queue()).as_deref(), Some("retention is Limits, declared is WorkQueue"));
        let found = Config { max_age: Duration::from_secs(60), ..queue() };
        assert_eq!(differs(&found, &queue()).as_deref(), Some("max_age is 60s, declared is 0ns"));
    }
}
