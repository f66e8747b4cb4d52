//! A machine as small as can be: it adds up numbers, under keys.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Listed, Machine, Need, Origin, QueuedTask, Read, Rejection},
    names::Names,
    owner::Watcher,
    ports::{Entry, Message, Sequence},
};
use sagaline_events::{
    ask::{Answer, Ask},
    input::{FILLER, OWNER_MARK},
};
use sagaline_model::Moment;

use crate::common::message;

/// What has been added up, of each partition and key, for a test to look at.
#[derive(Clone, Default)]
pub(crate) struct Totals(Arc<Mutex<BTreeMap<(u32, String), u64>>>);

impl Totals {
    pub(crate) fn of(&self, partition: u32, key: &str) -> u64 {
        let totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        totals.get(&(partition, key.to_owned())).copied().unwrap_or_default()
    }

    fn set(&self, partition: u32, key: &str, total: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((partition, key.to_owned()), total);
    }
}

/// An input: so much is added to a key.
pub(crate) fn add(names: &Names, partition: u32, key: &str, number: u64) -> Message {
    let headers = vec![
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", format!("{key}-{number}")),
        ("ce-source", "/test".to_owned()),
        ("ce-type", "test.add".to_owned()),
    ];
    Message { headers, ..message(&format!("{}.schedule.{partition}.{key}", names.namespace()), number.to_string()) }
}

pub(crate) struct Tally {
    partition: u32,
    totals: Totals,
    trap: Arc<AtomicBool>,
    /// How large its snapshots are at least.
    bytes: usize,
}

impl Tally {
    pub(crate) fn new(partition: u32, totals: Totals, trap: Arc<AtomicBool>) -> Self {
        Self { partition, totals, trap, bytes: 0 }
    }

    pub(crate) fn of_bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }
}

impl Machine for Tally {
    type State = u64;
    type Input = u64;
    type Glance = ();

    fn read(&self, entry: &Entry) -> Result<Read<u64>, Rejection> {
        let reject = |detail: String| Rejection { reason: "bad_input", detail };
        let content = entry.content.as_ref().map_err(|why| reject(why.clone()))?;
        if content.kind == OWNER_MARK || content.kind == FILLER {
            return Ok(Read::Mark);
        }
        let key = entry.subject.rsplit('.').next().unwrap_or_default();
        let number = serde_json::from_slice(&content.data).map_err(|error| reject(error.to_string()))?;
        Ok(Read::Input(key.into(), number))
    }

    fn needs(&self, _state: Option<&u64>, _input: Option<&u64>) -> Option<Need> {
        None
    }

    fn learn(&mut self, _need: &Need, _value: Option<Bytes>) {}

    fn fresh(&self, _key: &Arc<str>) -> u64 {
        0
    }

    fn apply(&mut self, key: &Arc<str>, state: &mut u64, number: u64, _origin: &Origin) -> Vec<Act> {
        while &**key == "trap" && self.trap.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(5));
        }
        *state += number;
        self.totals.set(self.partition, key, *state);
        vec![]
    }

    fn found(&mut self, _key: &Arc<str>, _state: &u64, _of: &Need, _value: Option<Bytes>) -> Vec<Act> {
        vec![]
    }

    fn task_refused(&self, _key: &Arc<str>, _task: &QueuedTask, _why: &str) -> Option<Message> {
        None
    }

    fn tasks(&self, _key: &Arc<str>, _state: &u64) -> Vec<QueuedTask> {
        vec![]
    }

    fn resume(&self, _key: &Arc<str>, _state: &u64) -> Vec<Act> {
        vec![]
    }

    fn next_timer(&self, _state: &u64) -> Option<Moment> {
        None
    }

    fn timer(&self, _key: &Arc<str>, _state: &u64) -> Option<Message> {
        None
    }

    fn ending(&self, _state: &u64) -> Option<Vec<u8>> {
        None
    }

    fn stands_alone(&self, _state: &u64) -> bool {
        false
    }

    fn rests(&self, _state: &u64) -> bool {
        true
    }

    fn seal(&self, _key: &Arc<str>, _glance: Option<&()>, _cause: &str, _at: Moment) -> Option<u64> {
        None
    }

    fn is_idle(&self, _state: &u64, _now: Moment) -> bool {
        false
    }

    fn snapshot(&self, state: &u64) -> Vec<u8> {
        format!("{state}{}", " ".repeat(self.bytes)).into_bytes()
    }

    fn restore(&self, json: &[u8]) -> Result<u64, String> {
        serde_json::from_slice(json).map_err(|error| error.to_string())
    }

    fn answer(&self, _ask: &Ask, _state: Option<&u64>) -> Answer {
        Answer::Unknown
    }

    fn glance(&mut self, _state: &u64) -> Option<()> {
        None
    }

    fn listed(&self, _ask: &Ask, _key: &str, _glance: &()) -> Option<Listed> {
        None
    }
}

/// Tells nobody.
pub(crate) struct Quiet;

impl Watcher for Quiet {
    fn recovered(&mut self, _took: Duration, _folded: u64, _states: usize) {}
    fn applied(&mut self, _sequence: Sequence, _time: Moment) {}
    fn states(&mut self, _count: usize) {}
    fn rejected(&mut self, _reason: &'static str, _detail: &str, _sequence: Sequence) {}
    fn retried(&mut self, _subject: &str, _why: &str) {}
    fn alarm(&mut self, _what: &str) {}
}
