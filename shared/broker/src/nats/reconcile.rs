//! A stream that is there against the stream that is wanted: what follows by itself, what is left alone, what is refused.

use std::fmt::Debug;

use async_nats::jetstream::stream::Config;

/// A difference that no update can mend without losing something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) field: &'static str,
    pub(super) found: String,
    pub(super) wanted: String,
}

/// The configuration to update to, if any is needed. Whatever else an operator changed stays as it is.
pub(super) fn reconcile(found: &Config, wanted: &Config) -> Result<Option<Config>, Difference> {
    must_agree("subjects", &sorted(&found.subjects), &sorted(&wanted.subjects))?;
    must_agree("retention", &found.retention, &wanted.retention)?;
    must_agree("storage", &found.storage, &wanted.storage)?;
    must_agree("deny_delete", &found.deny_delete, &wanted.deny_delete)?;
    must_agree("deny_purge", &found.deny_purge, &wanted.deny_purge)?;
    must_agree("no_ack", &found.no_ack, &false)?;
    must_agree("max_msgs", &unlimited(found.max_messages), &unlimited(wanted.max_messages))?;
    let per_subject = [found, wanted].map(|config| unlimited(config.max_messages_per_subject));
    must_agree("max_msgs_per_subject", &per_subject[0], &per_subject[1])?;
    let mended = Config {
        max_age: wanted.max_age,
        duplicate_window: wanted.duplicate_window,
        discard: wanted.discard,
        subject_transform: wanted.subject_transform.clone(),
        allow_direct: wanted.allow_direct,
        allow_rollup: found.allow_rollup || wanted.allow_rollup,
        allow_message_ttl: found.allow_message_ttl || wanted.allow_message_ttl,
        // An operator may have given more; less would lose messages or safety.
        max_bytes: if found.max_bytes <= 0 { wanted.max_bytes } else { found.max_bytes.max(wanted.max_bytes) },
        num_replicas: found.num_replicas.max(wanted.num_replicas),
        ..found.clone()
    };
    Ok((mended != *found).then_some(mended))
}

fn must_agree<T: PartialEq + Debug>(field: &'static str, found: &T, wanted: &T) -> Result<(), Difference> {
    if found == wanted {
        return Ok(());
    }
    Err(Difference { field, found: format!("{found:?}"), wanted: format!("{wanted:?}") })
}

fn sorted(subjects: &[String]) -> Vec<&String> {
    let mut sorted: Vec<_> = subjects.iter().collect();
    sorted.sort();
    sorted
}

/// The server writes -1 where we write nothing.
fn unlimited(count: i64) -> i64 {
    count.max(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_nats::jetstream::stream::{DiscardPolicy, RetentionPolicy};

    use super::*;

    fn wanted() -> Config {
        Config {
            name: "RUNS_0".into(),
            subjects: vec!["sagaline.run.0.>".into()],
            max_bytes: 1000,
            num_replicas: 1,
            discard: DiscardPolicy::New,
            duplicate_window: Duration::from_secs(120),
            allow_direct: true,
            ..Config::default()
        }
    }

    #[test]
    fn what_agrees_is_left_alone() {
        let found = Config { max_messages: -1, max_messages_per_subject: -1, ..wanted() };
        assert_eq!(reconcile(&found, &wanted()), Ok(None));
    }

    #[test]
    fn what_can_follow_follows_and_the_rest_stays_as_the_operator_made_it() {
        let found = Config { discard: DiscardPolicy::Old, allow_direct: false, max_consumers: 9, ..wanted() };
        let mended = reconcile(&found, &wanted()).expect("mendable").expect("an update");
        assert_eq!((mended.discard, mended.allow_direct, mended.max_consumers), (DiscardPolicy::New, true, 9));
    }

    #[test]
    fn sizes_and_replicas_are_raised_but_never_lowered() {
        let larger = Config { max_bytes: 5000, num_replicas: 3, ..wanted() };
        assert_eq!(reconcile(&larger, &wanted()), Ok(None));
        let smaller = Config { max_bytes: 10, ..wanted() };
        let mended =
            reconcile(&smaller, &Config { num_replicas: 3, ..wanted() }).expect("mendable").expect("an update");
        assert_eq!((mended.max_bytes, mended.num_replicas), (1000, 3));
    }

    #[test]
    fn what_would_lose_messages_is_refused_by_name() {
        let found = Config { retention: RetentionPolicy::Interest, ..wanted() };
        let difference = reconcile(&found, &wanted()).expect_err("refused");
        assert_eq!((difference.field, difference.found.as_str()), ("retention", "Interest"));
        let found = Config { subjects: vec!["other.>".into()], ..wanted() };
        assert_eq!(reconcile(&found, &wanted()).expect_err("refused").field, "subjects");
    }
}
