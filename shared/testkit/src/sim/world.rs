//! The modelled broker: the logs of the partitions, the queues, the buckets, and what is on its way between them and the processes.

mod buckets;
mod disasters;
mod kinds;
mod log;
mod nodes;
mod parts;
mod questions;
mod queue;
mod reference;
mod shares;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    machine::Machine,
    names::{LogKind, Names},
    ports::{Bucket, Entry, Event, Message, Outcome, Sequence, Ticket},
    worker::Running,
};
use sagaline_events::{
    Held,
    ask::{Answer, Ask},
};
use sagaline_model::Moment;

use self::{buckets::Buckets, log::Log, nodes::Cluster, queue::Queue, reference::Reference};
pub use self::{
    nodes::Stream,
    questions::execution_of,
    queue::{Delivered, QueuedMessage},
    reference::Heard,
    shares::Shares,
};
use super::{
    Dice, Faults, Tally,
    faults::Shape,
    limits::{Attempt, Limit},
};

/// How long the modelled leases last.
pub const LEASE: Duration = Duration::from_secs(8);
/// How long the modelled queues remember Msg-Ids; twice as long as a task counts as fresh.
pub const WINDOW: Duration = Duration::from_secs(60);
/// How long a worker may hold a task without a sign of life.
pub const ACK_WAIT: Duration = Duration::from_secs(8);
/// When the world begins. Not 0, which stands for "never" in places.
const BEGINNING: i64 = 1_800_000_000_000_000_000;

/// Names a process.
pub type Pid = u32;

/// Names an owner: the process that it is in, and what it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    pub pid: Pid,
    pub partition: u32,
}

/// A handle to the broker. All clones are the same one.
pub struct World<M: Machine>(Arc<Mutex<State<M>>>);

impl<M: Machine> Clone for World<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pub struct State<M: Machine> {
    pub dice: Dice,
    pub shape: Shape,
    pub faults: Faults,
    pub names: Names,
    /// What its logs are about.
    pub(super) kinds: &'static [LogKind],
    pub since: Duration,
    /// One for each partition.
    pub logs: Vec<Log>,
    pub queue: Queue,
    pub buckets: Buckets,
    pub shares: Shares,
    cluster: Cluster,
    /// On their way to the broker.
    pub flight: Vec<Flight>,
    pub inboxes: BTreeMap<Seat, Inbox>,
    /// Questions nobody has taken yet, to the owner of a partition, and answers nobody has read yet.
    pub questions: Vec<(u32, Ask, u64)>,
    pub answers: BTreeMap<u64, Answer>,
    next_question: u64,
    /// Executions whose start is stored. Where a tail was lost, those whose start or snapshot is left.
    pub started: BTreeSet<String>,
    /// Executions whose snapshot an operator removed: nothing is promised about them.
    pub excused: BTreeSet<String>,
    /// Partitions whose logs lost acknowledged entries.
    cut: BTreeSet<u32>,
    /// Who raised the epoch of each partition last.
    raised: BTreeMap<u32, Pid>,
    /// How often every connection was lost.
    restarts: u64,
    /// Until when a node that is behind answers look-ups.
    stale_until: Duration,
    /// Ids of the events that were stored.
    told: BTreeMap<String, u32>,
    pub rejected: u32,
    reference: Reference<M>,
    pub violations: Vec<String>,
    pub tally: Tally,
    /// So many times each task ran.
    pub runs: BTreeMap<(String, String, u32), u32>,
    /// What each worker works on that is limited: for which execution, and by what.
    pub(super) at_work: BTreeMap<Pid, (Attempt, Limit)>,
    /// What each worker has in hand, for as long as it lives.
    hands: BTreeMap<Pid, Weak<Running>>,
    /// What was sent to logs of a kind that this world has not.
    pub elsewhere: BTreeMap<String, Vec<Bytes>>,
    /// When time leapt last.
    pub leapt: Duration,
    /// What activities did, in the order in which they did it.
    pub deeds: Vec<Deed>,
}

/// An attempt of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    pub what: What,
    pub execution: String,
    pub path: String,
    pub attempt: u32,
    pub key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A worker began it.
    Began,
    /// Its success is on a log.
    Succeeded,
    /// It had its effect, whether or not anybody ever hears of it.
    Did,
    /// That a worker begins it is on a log.
    Reported,
}

/// A message between an owner and the broker.
pub struct Flight {
    pub from: Seat,
    pub ticket: Ticket,
    pub what: InFlight,
}

pub enum InFlight {
    Publish(Arc<Message>),
    Revoke(String),
    LookUp(Bucket, String),
}

/// What waits for an owner.
#[derive(Default)]
pub struct Inbox {
    pub events: VecDeque<Event>,
    /// The sequence from which it reads on.
    pub reads: Option<Sequence>,
}

impl Inbox {
    fn lose_reader(&mut self, why: &str) {
        if self.reads.take().is_some() {
            self.events.push_back(Event::ReaderLost(why.into()));
        }
    }
}

impl<M: Machine> World<M> {
    pub fn new(
        seed: u64,
        shape: Shape,
        faults: Faults,
        names: Names,
        kinds: &'static [LogKind],
        machine: fn(Names, u32, u32) -> M,
    ) -> Self {
        let each = shape.partitions;
        let shape = Shape { partitions: each * kinds.len() as u32, ..shape };
        let machines = (0..shape.partitions).map(|place| machine(names.clone(), place, each));
        let state = State {
            dice: Dice::new(seed),
            shape,
            faults,
            since: Duration::from_secs(1000),
            logs: (0..shape.partitions).map(|_| Log::default()).collect(),
            queue: Queue::default(),
            buckets: Buckets::default(),
            shares: Shares::default(),
            cluster: Cluster::default(),
            flight: vec![],
            inboxes: BTreeMap::new(),
            questions: vec![],
            answers: BTreeMap::new(),
            next_question: 0,
            started: BTreeSet::new(),
            excused: BTreeSet::new(),
            cut: BTreeSet::new(),
            raised: BTreeMap::new(),
            restarts: 0,
            stale_until: Duration::ZERO,
            told: BTreeMap::new(),
            rejected: 0,
            reference: Reference::new(machines.collect()),
            violations: vec![],
            tally: Tally::default(),
            runs: BTreeMap::new(),
            at_work: BTreeMap::new(),
            hands: BTreeMap::new(),
            deeds: vec![],
            elsewhere: BTreeMap::new(),
            leapt: Duration::ZERO,
            kinds,
            names,
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

    /// How often the connection of a process was lost, and the time: what a worker knows of its session.
    pub fn session(&self, pid: Pid) -> (u64, Moment) {
        (self.restarts + self.cluster.losses.get(&pid).copied().unwrap_or(0), self.now())
    }

    /// What a worker has in hand.
    pub fn at_hand(&mut self, pid: Pid) -> Arc<Running> {
        let running = Arc::default();
        self.hands.insert(pid, Arc::downgrade(&running));
        running
    }

    /// What workers but this one have in hand.
    pub fn in_other_hands(&self, pid: Pid) -> Vec<Held> {
        let others = self.hands.iter().filter(|(other, _)| **other != pid);
        others.filter_map(|(_, hands)| hands.upgrade()).flat_map(|running| running.held()).collect()
    }

    /// Nothing happens for long.
    pub fn leap(&mut self, time: Duration) {
        self.since += time;
        self.leapt = self.since;
    }

    /// The time of day as a process has it.
    pub fn clock_of(&self, pid: Pid) -> Moment {
        let most = i64::from(self.faults.skew);
        let off = i64::from(pid.wrapping_mul(0x9E37_79B9) >> 8) % (2 * most + 1) - most;
        Moment::from_nanos(self.now().as_nanos() + off * 1_000_000)
    }

    /// A message reaches the broker, which may not take it.
    pub fn receive(&mut self, message: &Message) -> Outcome {
        let stream = self.stream_of(&message.subject);
        if self.is_leaderless(stream) {
            return Outcome::Unknown("no stream takes this subject, or the stream has no leader".into());
        }
        let (queue, bucket) = (stream == Stream::Queue, matches!(stream, Stream::Bucket(_)));
        let Faults { full, refused, queue_room, message_room, .. } = self.faults;
        let no_room =
            queue_room > 0 && queue && self.queue.len() >= queue_room && !self.queue.contains(&message.subject);
        if (queue || bucket) && (no_room || self.dice.chance(full)) {
            return Outcome::Full("maximum bytes exceeded".into());
        }
        let is_too_long = message_room > 0 && message_room < message.payload.len();
        if is_too_long && stream == Stream::Bucket(Bucket::Executions) {
            return Outcome::Refused("message size exceeds maximum allowed".into());
        }
        if (queue || bucket) && !message.subject.contains("partitions") && self.dice.chance(refused) {
            return Outcome::Refused("message size exceeds maximum allowed".into());
        }
        let in_process = self.is_in_process(&message.subject);
        if in_process && (message.expected.is_some() || message.msg_id.is_some()) {
            self.tally.contended += 1;
            return Outcome::Contended;
        }
        let outcome = self.take(stream, message);
        if matches!(outcome, Outcome::Stored { .. }) {
            self.agree_on(&message.subject);
        }
        outcome
    }

    fn take(&mut self, stream: Stream, message: &Message) -> Outcome {
        let now = self.now();
        match stream {
            Stream::Log(partition) => {
                let Some(log) = self.logs.get_mut(partition as usize) else {
                    return Outcome::Unknown(format!("no stream takes `{}`", message.subject));
                };
                let outcome = log.publish(message, now);
                if let Outcome::Stored { sequence, duplicate: false } = outcome {
                    self.fold_reference(partition, sequence);
                }
                outcome
            }
            Stream::Bucket(_) => {
                let outcome = self.buckets.publish(&self.names, message, self.since);
                if matches!(outcome, Outcome::Stored { .. }) {
                    self.look_at_parts(message);
                }
                outcome
            }
            Stream::Queue => self.queue.publish(message, self.since, now, self.shape.nodes),
            Stream::Told => {
                match message.subject.split('.').nth(1) {
                    Some("run") => {
                        let told = self.elsewhere.entry(message.subject.clone()).or_default();
                        told.push(message.payload.clone());
                    }
                    Some("lifecycle" | "events") => {
                        let id = header(message, "ce-id").unwrap_or_default().to_owned();
                        *self.told.entry(id).or_default() += 1;
                    }
                    Some("rejected") => self.rejected += 1,
                    Some("dead") => {}
                    _ => return Outcome::Unknown(format!("no stream takes `{}`", message.subject)),
                }
                Outcome::Stored { sequence: 1, duplicate: false }
            }
        }
    }

    /// One thing on its way arrives, or gets lost.
    pub fn deliver(&mut self, place: usize) {
        let Flight { from, ticket, what } = self.flight.swap_remove(place);
        let no_answer = || Outcome::Unknown("no answer: the stream has no leader".into());
        let outcome = match what {
            InFlight::Publish(message) => {
                let outcome = self.receive(&message);
                self.look_at_checkpoint(from, &message, &outcome);
                outcome
            }
            InFlight::Revoke(_) if self.is_leaderless(Stream::Queue) => no_answer(),
            InFlight::Revoke(subject) => {
                self.queue.remove(&subject, self.since);
                Outcome::Gone
            }
            InFlight::LookUp(bucket, _) if self.is_leaderless(Stream::Bucket(bucket)) => no_answer(),
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

    /// Entries from where the owner reads, if it reads.
    pub fn entries_for(&mut self, seat: Seat, most: usize) -> Vec<Entry> {
        if self.is_leaderless(Stream::Log(seat.partition)) {
            return vec![];
        }
        let Some(inbox) = self.inboxes.get_mut(&seat) else { return vec![] };
        let Some(reads) = &mut inbox.reads else { return vec![] };
        let entries = self.logs[seat.partition as usize].entries_from(*reads, most);
        if let Some(last) = entries.last() {
            *reads = last.sequence + 1;
        }
        entries
    }

    /// A process is gone between two awaits; what it had sent may arrive or not.
    pub fn dies(&mut self, pid: Pid, dice: &mut Dice) {
        self.inboxes.retain(|seat, _| seat.pid != pid);
        self.shares.died(pid);
        self.rests(pid);
        self.flight.retain(|flight| flight.from.pid != pid || dice.chance(500));
    }
}

/// An older snapshot that says of itself that it is as far as a newer one.
fn disguised(older: &Bytes, newer: &Bytes) -> Bytes {
    const STATE: &str = r#""state":"#;
    let (older, newer) = (String::from_utf8_lossy(older), String::from_utf8_lossy(newer));
    let parts = older.split_once(STATE).zip(newer.split_once(STATE));
    parts.map_or_else(Bytes::new, |((_, state), (position, _))| format!("{position}{STATE}{state}").into())
}

pub(crate) fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
}
