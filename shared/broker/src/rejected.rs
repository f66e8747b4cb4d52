//! Messages that cannot be read or may not be applied: set aside with the reason, so that they stop nothing.

use crate::{
    names::{LogKind, Names},
    ports::{Bucket, Entry, Message},
};

/// The CloudEvent type of a rejected message.
const REJECTED_TYPE: &str = "sagaline.rejected.v1";
/// What is kept of the payload. The reason must find room beside it in a message; the whole stays in the log for as long as that is kept.
const KEPT_BYTES_MAX: usize = 512 * 1024;

/// `entry` of a partition's log as a message for `REJECTED`. `reason` is one word, a token of the subject; `why` is for people.
/// Publishing it twice stores it once.
pub fn rejected(names: &Names, log: LogKind, partition: u32, entry: &Entry, reason: &str, why: &str) -> Message {
    set_aside(names, log, names.log(log, partition), entry, reason, why)
}

/// A snapshot that cannot be read, as it lies in the stream of its bucket.
pub(crate) fn rejected_snapshot(names: &Names, log: LogKind, snapshot: &Entry, why: &str) -> Message {
    set_aside(names, log, names.bucket_stream(Bucket::Executions), snapshot, "bad_snapshot", why)
}

/// `log`: whose owner says so.
fn set_aside(names: &Names, log: LogKind, stream: String, entry: &Entry, reason: &str, why: &str) -> Message {
    let id = format!("rejected-{stream}-{}", entry.sequence);
    let kept = entry.payload.len().min(KEPT_BYTES_MAX);
    let mut headers = vec![
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", id.clone()),
        ("ce-source", format!("/sagaline/{}/{}", names.namespace(), log.service())),
        ("ce-type", REJECTED_TYPE.to_owned()),
        ("ce-time", entry.time.to_string()),
        ("Sagaline-Reason", one_line(why)),
        ("Sagaline-Stream", stream),
        ("Sagaline-Sequence", entry.sequence.to_string()),
        ("Sagaline-Subject", one_line(&entry.subject)),
    ];
    if kept < entry.payload.len() {
        headers.push(("Sagaline-Truncated-From", entry.payload.len().to_string()));
    }
    Message {
        subject: names.rejected(reason),
        expected: None,
        msg_id: Some(id),
        ttl: None,
        headers,
        payload: entry.payload.slice(..kept),
    }
}

/// Headers are lines; what others wrote may hold several.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ").chars().take(1000).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sagaline_model::Moment;

    use super::*;

    #[test]
    fn a_rejected_message_says_what_it_was_and_why() {
        let entry = Entry {
            sequence: 7,
            time: Moment::EPOCH,
            subject: "sagaline.run.0.a.in".into(),
            content: Err("no".into()),
            payload: Bytes::from(vec![b'x'; KEPT_BYTES_MAX + 1]),
        };
        let message = rejected(&Names::default(), LogKind::Runs, 0, &entry, "not_a_cloudevent", "two\nlines");
        assert_eq!(message.subject, "sagaline.rejected.not_a_cloudevent");
        assert_eq!((message.msg_id.as_deref(), message.payload.len()), (Some("rejected-RUNS_0-7"), KEPT_BYTES_MAX));
        let header = |name| message.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("Sagaline-Reason"), Some("two lines"));
        assert_eq!(header("Sagaline-Truncated-From"), Some("524289"));
    }

    /// Else one of them would be taken for the other, and not be stored.
    #[test]
    fn logs_of_another_kind_have_names_of_their_own() {
        let (subject, payload) = ("sagaline.schedule.0.nightly".to_owned(), Bytes::new());
        let entry = Entry { sequence: 7, time: Moment::EPOCH, subject, content: Err("no".into()), payload };
        let message = rejected(&Names::default(), LogKind::Schedules, 0, &entry, "unknown_schedule", "no");
        assert_eq!(message.msg_id.as_deref(), Some("rejected-SCHEDULES_0-7"));
        let header = |name| message.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("Sagaline-Stream"), Some("SCHEDULES_0"));
        assert_eq!(header("ce-source"), Some("/sagaline/sagaline/scheduler"));
    }
}
