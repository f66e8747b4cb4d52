//! The modelled broker: one partition's log, the queues, the buckets, and what is on its way between them and the processes.

mod queue;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Machine, Origin, Read},
    names::Names,
    ports::{Asker, Bucket, Content, Entry, Event, Message, Outcome, Sequence, Ticket},
};
use sagaline_events::{
    Input, Task,
    ask::{Answer, Ask},
};
use sagaline_model::Moment;

pub use self::queue::{Delivered, QueuedMessage};
use self::{
    queue::Queue,
    store::{Buckets, Log},
};
use super::{Dice, Faults, Tally};

/// How long the modelled lease lasts.
pub const LEASE: Duration = Duration::from_secs(8);
/// How long the modelled queues remember Msg-Ids; twice as long as a task counts as fresh.
pub const WINDOW: Duration = Duration::from_secs(60);
/// How long a worker may hold a task without a sign of life.
pub const ACK_WAIT: Duration = Duration::from_secs(8);
/// A node that is behind answers for so long.
const STALE_WITHIN: Duration = Duration::from_secs(3);
/// More timers than this no execution here has by far.
const TIMERS_LIMIT: u32 = 150;
/// When the world begins. Not 0, which stands for "never" in places.
const BEGINNING: i64 = 1_800_000_000_000_000_000;

/// Names a process.
pub type Pid = u32;

/// A handle to the broker. All clones are the same one.
pub struct World<M: Machine>(Arc<Mutex<State<M>>>);

impl<M: Machine> Clone for World<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pub struct State<M: Machine> {
    pub dice: Dice,
    pub faults: Faults,
    pub names: Names,
    pub since: Duration,
    pub log: Log,
    pub queue: Queue,
    pub buckets: Buckets,
    pub lease: Option<(Pid, Duration)>,
    /// On their way to the broker.
    pub flight: Vec<Flight>,
    pub inboxes: BTreeMap<Pid, Inbox>,
    /// Questions nobody has taken yet, and answers nobody has read yet.
    pub questions: Vec<(Ask, u64)>,
    pub answers: BTreeMap<u64, Answer>,
    next_question: u64,
    /// Executions whose start is stored. After a power cut, those whose start or snapshot is left.
    pub started: BTreeSet<String>,
    /// Executions whose snapshot an operator removed: nothing is promised about them.
    pub excused: BTreeSet<String>,
    /// How many timers' inputs each execution got.
    timers: BTreeMap<Arc<str>, u32>,
    /// How often the broker restarted.
    pub restarts: u64,
    /// Until when a node that is behind answers look-ups.
    stale_until: Duration,
    pub power_was_cut: bool,
    /// Ids of the lifecycle events that were stored, and of those that the log says must be.
    pub told: BTreeMap<String, u32>,
    pub to_be_told: BTreeMap<String, String>,
    pub rejected: u32,
    reference: Reference<M>,
    pub violations: Vec<String>,
    pub tally: Tally,
    /// So many times each task ran.
    pub runs: BTreeMap<(String, String, u32), u32>,
}

/// A fold of the log as it grows, never interrupted: what everything is compared with.
struct Reference<M: Machine> {
    machine: M,
    states: BTreeMap<Arc<str>, M::State>,
    /// Where the first result of each attempt is recorded: execution, path, attempt.
    answered: BTreeMap<(String, String, u32), Sequence>,
}

/// A message between a process and the broker.
pub struct Flight {
    pub from: Pid,
    pub ticket: Ticket,
    pub what: InFlight,
}

pub enum InFlight {
    Publish(Arc<Message>),
    Revoke(String),
    LookUp(sagaline_broker::ports::Bucket, String),
}

/// What waits for an owner.
#[derive(Default)]
pub struct Inbox {
    pub events: VecDeque<Event>,
    /// The sequence from which it reads on.
    pub reads: Option<Sequence>,
}

impl<M: Machine> World<M> {
    pub fn new(seed: u64, faults: Faults, names: Names, machine: M) -> Self {
        let state = State {
            dice: Dice::new(seed),
            faults,
            names,
            since: Duration::from_secs(1000),
            log: Log::default(),
            queue: Queue::default(),
            buckets: Buckets::default(),
            lease: None,
            flight: vec![],
            inboxes: BTreeMap::new(),
            questions: vec![],
            answers: BTreeMap::new(),
            next_question: 0,
            started: BTreeSet::new(),
            excused: BTreeSet::new(),
            timers: BTreeMap::new(),
            restarts: 0,
            stale_until: Duration::ZERO,
            power_was_cut: false,
            told: BTreeMap::new(),
            to_be_told: BTreeMap::new(),
            rejected: 0,
            reference: Reference { machine, states: BTreeMap::new(), answered: BTreeMap::new() },
            violations: vec![],
            tally: Tally::default(),
            runs: BTreeMap::new(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    pub fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Machine> State<M> {
    pub fn now(&self) -> Moment {
        Moment::from_nanos(BEGINNING) + self.since.into()
    }

    /// Takes the lease, if it is free or held by the same process.
    pub fn acquire(&mut self, pid: Pid) -> bool {
        let free = self.lease.is_none_or(|(holder, until)| holder == pid || until <= self.since);
        if free {
            self.lease = Some((pid, self.since + LEASE));
        }
        free
    }

    pub fn release(&mut self, pid: Pid) {
        self.lease = self.lease.filter(|(holder, _)| *holder != pid);
    }

    /// How often the broker restarted, and the time: what a worker knows of its connection.
    pub fn session(&self) -> (u64, Moment) {
        (self.restarts, self.now())
    }

    /// The time of day as a process has it.
    pub fn clock_of(&self, pid: Pid) -> Moment {
        let most = i64::from(self.faults.skew);
        let off = i64::from(pid.wrapping_mul(0x9E37_79B9) >> 8) % (2 * most + 1) - most;
        Moment::from_nanos(self.now().as_nanos() + off * 1_000_000)
    }

    /// A message reaches the broker, which may not take it.
    pub fn receive(&mut self, message: &Message) -> Outcome {
        let queue = message.subject.split('.').nth(1) == Some("queue");
        let bucket = message.subject.starts_with("$KV.");
        let Faults { full, refused, queue_room, .. } = self.faults;
        let no_room =
            queue_room > 0 && queue && self.queue.len() >= queue_room && !self.queue.contains(&message.subject);
        if (queue || bucket) && (no_room || self.dice.chance(full)) {
            return Outcome::Full("maximum bytes exceeded".into());
        }
        if (queue || bucket) && !message.subject.contains("partitions") && self.dice.chance(refused) {
            return Outcome::Refused("message size exceeds maximum allowed".into());
        }
        self.take(message)
    }

    fn take(&mut self, message: &Message) -> Outcome {
        let now = self.now();
        let subject = message.subject.as_str();
        if self.names.parse_run(subject).is_some() {
            let outcome = self.log.publish(message, now);
            if let Outcome::Stored { sequence, duplicate: false } = outcome {
                self.fold_reference(sequence);
            }
            return outcome;
        }
        if subject.starts_with("$KV.") {
            return self.buckets.publish(&self.names, message, self.since);
        }
        let mut tokens = subject.split('.').skip(1);
        match tokens.next() {
            Some("queue") => self.queue.publish(message, self.since, now),
            Some("lifecycle") => {
                let id = header(message, "ce-id").unwrap_or_default().to_owned();
                *self.told.entry(id).or_default() += 1;
                Outcome::Stored { sequence: 1, duplicate: false }
            }
            Some("rejected") => {
                self.rejected += 1;
                Outcome::Stored { sequence: 1, duplicate: false }
            }
            _ => Outcome::Unknown(format!("no stream takes `{subject}`")),
        }
    }

    /// One thing on its way arrives, or gets lost.
    pub fn deliver(&mut self, place: usize) {
        let Flight { from, ticket, what } = self.flight.swap_remove(place);
        let outcome = match what {
            InFlight::Publish(message) => self.receive(&message),
            InFlight::Revoke(subject) => {
                self.queue.remove(&subject);
                Outcome::Gone
            }
            InFlight::LookUp(bucket, key) => Outcome::Found(self.look_up(bucket, &key)),
        };
        let lost = self.faults.lost_acks;
        if !self.dice.chance(lost)
            && let Some(inbox) = self.inboxes.get_mut(&from)
        {
            inbox.events.push_back(Event::Settled(ticket, outcome));
        }
    }

    /// A node that is behind may answer.
    fn look_up(&self, bucket: Bucket, key: &str) -> Option<(Sequence, Bytes)> {
        let newest = self.buckets.value(bucket, key, self.since);
        if bucket != Bucket::Executions || self.stale_until <= self.since {
            return newest;
        }
        let older = self.buckets.previous(bucket, key);
        match (older, newest) {
            // Without the law, nobody notices that it is the older one.
            (Some((_, older)), Some((revision, newest))) if self.faults.without.revisions => {
                Some((revision, disguised(&older, &newest)))
            }
            (older, _) => older,
        }
    }

    /// From now on, and for a while, a node that is behind answers. Not all the time: one is found out before long.
    pub fn grow_stale(&mut self) {
        if self.stale_until + STALE_WITHIN * 3 <= self.since {
            self.stale_until = self.since + STALE_WITHIN;
        }
    }

    /// The fold that nobody interrupts, and what must be told by it.
    fn fold_reference(&mut self, sequence: Sequence) {
        let Some(entry) = self.log.entry(sequence) else { return };
        let Reference { machine, states, answered } = &mut self.reference;
        let Ok(Read::Input(key, input)) = machine.read(&entry) else { return };
        match entry.content.as_ref().ok().and_then(|content| Input::read(&content.kind, &content.data).ok()) {
            Some(Input::Start(_)) => drop(self.started.insert(key.to_string())),
            Some(Input::Timer(_)) => {
                let count = self.timers.entry(Arc::clone(&key)).or_default();
                *count += 1;
                if *count == TIMERS_LIMIT {
                    self.violations.push(format!("the timers of `{key}` fire in a loop"));
                }
            }
            _ => {}
        }
        if let Some((path, attempt)) = entry.content.as_ref().ok().and_then(answer) {
            answered.entry((key.to_string(), path, attempt)).or_insert(sequence);
        }
        while let Some(need) = machine.needs(states.get(&key), Some(&input)) {
            let value = self.buckets.value(need.bucket, &need.key, self.since);
            machine.learn(&need, value.map(|(_, bytes)| bytes));
        }
        let state = states.entry(Arc::clone(&key)).or_insert_with(|| machine.fresh(&key));
        let origin = Origin { sequence, time: entry.time, traceparent: None, again: false };
        for act in machine.apply(&key, state, input, &origin) {
            if let Act::Send(message) = act
                && message.subject.contains(".lifecycle.")
            {
                let id = header(&message, "ce-id").unwrap_or_default().to_owned();
                self.to_be_told.insert(id, message.subject);
            }
        }
    }

    /// An activity begins. If the result of this attempt was in the log when its owner was asked about it at `asked_at` (or is
    /// now, where nobody was asked), a promise is broken. What remains is the instant between the answer and the start.
    pub fn runs(&mut self, task: &Task, asked_at: Sequence, about: &str) {
        let name = (task.execution.to_string(), task.path.to_string(), task.attempt);
        let again = self.reference.answered.get(&name).is_some_and(|stored| *stored <= asked_at);
        let (execution, path, attempt) = &name;
        if again && !self.power_was_cut && !self.excused.contains(execution) {
            self.violations.push(format!("{execution}/{path}/{attempt} ran after its result was recorded ({about})"));
        }
        *self.runs.entry(name).or_default() += 1;
    }

    /// The records of the reference, by key: what the bucket of results must hold in the end.
    pub fn endings(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        let Reference { machine, states, .. } = &self.reference;
        states.iter().map(|(key, state)| (key.to_string(), machine.ending(state))).collect()
    }

    pub fn ask(&mut self, ask: Ask) -> u64 {
        self.next_question += 1;
        self.questions.push((ask, self.next_question));
        self.next_question
    }

    pub fn answer(&mut self, asker: &Asker, answer: &Answer) {
        if let Ok(id) = asker.0.parse() {
            self.answers.insert(id, answer.clone());
        }
    }

    /// Entries from where the owner reads, if it reads.
    pub fn entries_for(&mut self, pid: Pid, most: usize) -> Vec<Entry> {
        let Some(inbox) = self.inboxes.get_mut(&pid) else { return vec![] };
        let Some(reads) = &mut inbox.reads else { return vec![] };
        let entries = self.log.entries_from(*reads, most);
        if let Some(last) = entries.last() {
            *reads = last.sequence + 1;
        }
        entries
    }

    /// kill -9 of the only node, and a start from its disk.
    pub fn restart(&mut self) {
        self.restarts += 1;
        self.queue.forget();
        for flight in std::mem::take(&mut self.flight) {
            if self.dice.chance(300)
                && let InFlight::Publish(message) = &flight.what
            {
                self.receive(message);
            }
            if let Some(inbox) = self.inboxes.get_mut(&flight.from) {
                inbox
                    .events
                    .push_back(Event::Settled(flight.ticket, Outcome::Unknown("the connection was lost".into())));
            }
        }
        for inbox in self.inboxes.values_mut() {
            if inbox.reads.take().is_some() {
                inbox.events.push_back(Event::ReaderLost("the connection was lost".into()));
            }
        }
        self.questions.clear();
    }

    /// The power fails: the end of the log, though acknowledged, was not on disk yet.
    pub fn cut_power(&mut self) {
        let lost = 1 + self.dice.below(12);
        self.log.lose_tail(lost);
        self.power_was_cut = true;
        let prefix = Names::snapshot_key(0, "");
        let snapshots = self.buckets.keys_below(Bucket::Executions, &prefix, self.since);
        let kept = self.log.entries_from(1, usize::MAX);
        let named = kept.iter().filter_map(|entry| self.names.parse_run(&entry.subject));
        let starts: BTreeSet<&str> = named.filter(|(_, _, end)| *end == "start").map(|(_, key, _)| key).collect();
        // What was snapshotted before its start holds only what came early.
        let mut started = std::mem::take(&mut self.started);
        started.retain(|key| {
            let is_born = snapshots.contains(key) && self.is_born(key);
            starts.contains(key.as_str()) || is_born || self.value_of_result(key).is_some()
        });
        self.started = started;
        self.restart();
    }

    /// Whether the snapshot of an execution was taken after its start.
    fn is_born(&self, key: &str) -> bool {
        let snapshot = self.buckets.value(Bucket::Executions, &Names::snapshot_key(0, key), self.since);
        snapshot.is_some_and(|(_, value)| !String::from_utf8_lossy(&value).contains("unborn"))
    }

    /// An operator removes one of the snapshots, with a trace or without.
    pub fn remove_snapshot(&mut self) {
        let keys = self.buckets.keys_below(Bucket::Executions, &Names::snapshot_key(0, ""), self.since);
        if let Some(key) = keys.get(self.dice.below(keys.len())) {
            let place = Names::snapshot_key(0, key);
            match self.dice.chance(500) {
                true => self.buckets.remove(Bucket::Executions, &place),
                // By `kv del`, which leaves a mark for ever.
                false => self.buckets.delete(Bucket::Executions, &place),
            }
            self.excused.insert(key.clone());
        }
    }

    /// All that is stored of an execution, for whoever wonders why it does not end.
    pub fn tale_of(&self, key: &str) -> String {
        let token = format!(".{key}.");
        let entries = self.log.entries_from(1, usize::MAX);
        let of_it = entries.iter().filter(|entry| entry.subject.contains(&token) || entry.subject.contains("~owner"));
        let told = of_it.map(|entry| {
            let kind = entry.content.as_ref().map_or("?", |content| content.kind.as_str());
            format!("  {} {} {kind} {}", entry.sequence, entry.time, String::from_utf8_lossy(&entry.payload))
        });
        let told: Vec<String> = told.collect();
        let queued: Vec<String> = self.queue.subjects().into_iter().filter(|task| task.contains(&token)).collect();
        let text = |bucket, key: &str| {
            let value = self.buckets.value(bucket, key, self.since);
            value.map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
        };
        let snapshot = text(Bucket::Executions, &Names::snapshot_key(0, key));
        let checkpoint = text(Bucket::Partitions, "checkpoint.0");
        let told = told.join("\n");
        format!("`{key}`:\n{told}\n  queued {queued:?}, snapshot {snapshot:?}, checkpoint {checkpoint:?}")
    }

    pub fn value_of_result(&self, key: &str) -> Option<Bytes> {
        self.buckets.value(sagaline_broker::ports::Bucket::Results, key, self.since).map(|(_, value)| value)
    }
}

/// An older snapshot that says of itself that it is as far as a newer one.
fn disguised(older: &Bytes, newer: &Bytes) -> Bytes {
    const STATE: &str = r#""state":"#;
    let (older, newer) = (String::from_utf8_lossy(older), String::from_utf8_lossy(newer));
    let parts = older.split_once(STATE).zip(newer.split_once(STATE));
    parts.map_or_else(Bytes::new, |((_, state), (position, _))| format!("{position}{STATE}{state}").into())
}

/// The attempt whose result an entry is.
fn answer(content: &Content) -> Option<(String, u32)> {
    match Input::read(&content.kind, &content.data).ok()? {
        Input::StepSucceeded(done) => Some((done.path.to_string(), done.attempt)),
        Input::StepFailed(failed) => Some((failed.path.to_string(), failed.attempt)),
        Input::StepSkipped(skipped) => Some((skipped.path.to_string(), skipped.attempt)),
        _ => None,
    }
}

pub(crate) fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
}
