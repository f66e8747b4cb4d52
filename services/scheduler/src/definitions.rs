//! The schedules of definitions: follows the bucket `definitions`, and tells each schedule what the newest version of its workflow
//! says. A version speaks once, so any number of these may follow, and say the same again.
//!
//! There is no watch that could lag or go deaf: what came after what is known is read again and again, from the leader.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use sagaline_broker::{
    nats::Connection,
    ports::{Bucket, Message, Outcome},
};
use sagaline_events::{
    ScheduleInput,
    record::{Definition, Latest},
    schedule::{ScheduleDelete, ScheduleSet},
};
use sagaline_model::{Name, PlannedSchedule, ScheduleSpec, Trigger};
use tokio::time::sleep;

/// How often it is looked what is new.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After this, all is read again: the bucket may have been restored, or made anew.
const READ_ANEW_EVERY: Duration = Duration::from_secs(600);

/// What is known of the definitions, and what is still to be said of it. No I/O.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    workflows: BTreeMap<Name, Workflow>,
    changed: BTreeSet<Name>,
}

#[derive(Debug, Default)]
struct Workflow {
    latest: Option<u32>,
    versions: BTreeMap<u32, Vec<PlannedSchedule>>,
}

/// What a definition says to one schedule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    Set(Name, Box<ScheduleSpec>, u32),
    Gone(Name, u32),
}

impl Catalogue {
    /// Takes in what is stored under a key of the bucket: `<workflow>.<version>` or `<workflow>.latest`.
    pub(crate) fn learn(&mut self, key: &str, value: Option<&[u8]>) {
        let Some((workflow, end)) = key.split_once('.') else { return };
        let Ok(name) = Name::new(workflow) else { return };
        let known = self.workflows.entry(name.clone()).or_default();
        match end.parse::<u32>() {
            Ok(version) => {
                known.versions.remove(&version);
                let definition = value.and_then(|json| serde_json::from_slice::<Definition>(json).ok());
                if let Some(definition) = definition {
                    known.versions.insert(version, schedules_of(definition));
                }
            }
            Err(_) => {
                let latest = value.and_then(|json| serde_json::from_slice::<Latest>(json).ok());
                known.latest = latest.map(|latest| latest.version);
            }
        }
        self.changed.insert(name);
    }

    /// What is to be said, of what has changed: by workflow.
    pub(crate) fn words(&self) -> Vec<(Name, Vec<Word>)> {
        let words = self.changed.iter().map(|name| (name.clone(), self.words_of(name)));
        words.collect()
    }

    pub(crate) fn said(&mut self, workflow: &Name) {
        self.changed.remove(workflow);
    }

    fn words_of(&self, workflow: &Name) -> Vec<Word> {
        let Some(known) = self.workflows.get(workflow) else { return vec![] };
        // Where the newest is not there (yet), nothing is known that could be said.
        let Some((version, newest)) = known.latest.and_then(|latest| Some((latest, known.versions.get(&latest)?)))
        else {
            return vec![];
        };
        let most = known.versions.values().map(Vec::len).max().unwrap_or(0);
        let word = |place: usize| {
            let name = PlannedSchedule::name(workflow, place)?;
            Some(match newest.get(place) {
                Some(schedule) => Word::Set(name, Box::new(schedule.spec(workflow)), version),
                None => Word::Gone(name, version),
            })
        };
        (0..most).filter_map(word).collect()
    }
}

fn schedules_of(definition: Definition) -> Vec<PlannedSchedule> {
    let schedule = |trigger| match trigger {
        Trigger::Schedule(schedule) => Some(*schedule),
        Trigger::Event(_) | Trigger::Manual => None,
    };
    definition.plan.triggers.into_iter().filter_map(schedule).collect()
}

/// Says for ever what is new.
pub(crate) async fn follow(connection: Connection, partitions: u32) {
    let name = connection.names().bucket_stream(Bucket::Definitions);
    let prefix = connection.names().key(Bucket::Definitions, "");
    let mut told = String::new();
    let (mut catalogue, mut next, mut began) = (Catalogue::default(), 1, Instant::now());
    loop {
        if READ_ANEW_EVERY < began.elapsed() {
            (catalogue, next, began) = (Catalogue::default(), 1, Instant::now());
        }
        let outcome = match connection.jetstream().get_stream_no_info(&name).await {
            Ok(stream) => read(&stream, &prefix, &mut catalogue, &mut next).await,
            Err(error) => Err(error.to_string()),
        };
        let outcome = match outcome {
            Ok(()) => say(&connection, partitions, &mut catalogue).await,
            Err(why) => Err(why),
        };
        match outcome {
            Err(why) if why != told => {
                tracing::warn!(why, "the schedules of definitions are not followed at this moment");
                told = why;
            }
            Err(_) => {}
            Ok(()) => told.clear(),
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn read(stream: &Stream<()>, prefix: &str, catalogue: &mut Catalogue, next: &mut u64) -> Result<(), String> {
    let filter = format!("{prefix}>");
    loop {
        let message = match stream.get_first_raw_message_by_subject(&filter, *next).await {
            Ok(message) => message,
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let headers = message.headers.iter();
        let gone = headers.map(|(name, values)| (name.as_ref(), values)).any(|(name, values): (&str, _)| {
            name == "Nats-Marker-Reason"
                || (name == "KV-Operation" && values.iter().any(|value| matches!(value.as_str(), "DEL" | "PURGE")))
        });
        if let Some(key) = message.subject.strip_prefix(prefix) {
            catalogue.learn(key, (!gone).then_some(&message.payload));
        }
        *next = message.sequence + 1;
    }
}

/// What is not stored is said again at the next look.
async fn say(connection: &Connection, partitions: u32, catalogue: &mut Catalogue) -> Result<(), String> {
    for (workflow, words) in catalogue.words() {
        for word in words {
            match connection.publish(&message(connection, partitions, word)).await {
                Outcome::Stored { .. } | Outcome::Conflict { .. } => {}
                Outcome::Refused(why) => {
                    tracing::error!(%workflow, why, "NATS does not take the schedule of a workflow")
                }
                other => return Err(format!("the schedule of `{workflow}` is not stored: {other:?}")),
            }
        }
        catalogue.said(&workflow);
    }
    Ok(())
}

fn message(connection: &Connection, partitions: u32, word: Word) -> Message {
    let (schedule, version, input) = match word {
        Word::Set(name, spec, version) => {
            let set = ScheduleSet { definition: Some(version), ..ScheduleSet::of(*spec) };
            (name, version, ScheduleInput::Set(Box::new(set)))
        }
        Word::Gone(name, version) => {
            let gone = ScheduleDelete { definition: Some(version), ..ScheduleDelete::default() };
            (name, version, ScheduleInput::Delete(gone))
        }
    };
    let names = connection.names();
    // Several schedulers say the same at about the same time: the server keeps one.
    let id = format!("{schedule}-definition-{version}");
    Message {
        subject: names.schedule(schedule.as_str(), partitions),
        expected: None,
        msg_id: Some(id.clone()),
        ttl: None,
        headers: vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", id),
            ("ce-source", format!("/sagaline/{}/scheduler", names.namespace())),
            ("ce-type", input.kind().to_owned()),
            ("ce-subject", schedule.to_string()),
        ],
        payload: input.data().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(version: u32, crons: &[&str]) -> Vec<u8> {
        let triggers: Vec<_> = crons.iter().map(|cron| json!({ "schedule": { "when": { "cron": [cron] } } })).collect();
        let plan = json!({ "workflow": "report", "triggers": triggers, "root": { "nodes": [] } });
        json!({ "workflow": "report", "version": version, "hash": "h", "plan": plan }).to_string().into_bytes()
    }

    fn latest(version: u32) -> Vec<u8> {
        json!({ "version": version, "hash": "h" }).to_string().into_bytes()
    }

    fn said(catalogue: &mut Catalogue) -> Vec<String> {
        let words = catalogue.words();
        words.iter().for_each(|(workflow, _)| catalogue.said(workflow));
        let word = |word: &Word| match word {
            Word::Set(name, spec, version) => format!("{name} v{version} {}", spec.when.cron[0]),
            Word::Gone(name, version) => format!("{name} v{version} gone"),
        };
        words.iter().flat_map(|(_, words)| words).map(word).collect()
    }

    #[test]
    fn the_newest_version_speaks_once_and_takes_back_what_it_has_no_more() {
        let mut catalogue = Catalogue::default();
        catalogue.learn("report.1", Some(&definition(1, &["@daily", "@weekly"])));
        assert_eq!(said(&mut catalogue), [""; 0], "nothing says that it is the newest");
        catalogue.learn("report.latest", Some(&latest(1)));
        assert_eq!(said(&mut catalogue), ["report v1 @daily", "report-2 v1 @weekly"]);
        assert_eq!(said(&mut catalogue), [""; 0]);
        catalogue.learn("report.2", Some(&definition(2, &["@hourly"])));
        catalogue.learn("report.latest", Some(&latest(2)));
        assert_eq!(said(&mut catalogue), ["report v2 @hourly", "report-2 v2 gone"]);
        catalogue.learn("report.3", Some(&definition(3, &[])));
        catalogue.learn("report.latest", Some(&latest(3)));
        assert_eq!(said(&mut catalogue), ["report v3 gone", "report-2 v3 gone"]);
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let mut catalogue = Catalogue::default();
        catalogue.learn("report.1", Some(&definition(1, &["@daily"])));
        catalogue.learn("report.latest", Some(b"{"));
        catalogue.learn("nonsense", Some(b"{}"));
        assert_eq!(said(&mut catalogue), [""; 0]);
        catalogue.learn("report.latest", Some(&latest(9)));
        assert_eq!(said(&mut catalogue), [""; 0], "a version that is not there has no schedules");
    }
}
