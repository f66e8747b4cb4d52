//! What is different where the broker is several servers: each stream has a leader, which may change; for a while there may be none;
//! a write is agreed on before the next one on its subject is judged; and a replica may be behind.

use std::{collections::BTreeMap, time::Duration};

use sagaline_broker::{
    machine::Machine,
    ports::{Bucket, Event, Outcome, Sequence},
};

use super::{Flight, InFlight, Pid, State};
use crate::sim::faults::Nodes;

/// How long a stream may be without a leader.
const ELECTION: Duration = Duration::from_secs(4);
/// In one of ten cases it takes longer than a lease.
const LONG_ELECTION: Duration = Duration::from_secs(12);
/// How long it may take to agree on a write: far longer than on any network, because writes on one subject are far apart here.
const AGREEMENT: Duration = Duration::from_secs(3);
/// So late a replica may know what is in a queue.
const QUEUE_BEHIND: Duration = Duration::from_secs(2);

/// What has a leader of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Log(u32),
    Queue,
    Bucket(Bucket),
    /// Lifecycle events and rejected messages.
    Told,
}

#[derive(Default)]
pub(super) struct Cluster {
    /// Streams without a leader, and until when.
    leaderless: Vec<(Stream, Duration)>,
    /// Subjects on which a write is being agreed on, and until when.
    in_process: BTreeMap<String, Duration>,
    /// How often each process lost its connection, where not all did.
    pub(super) losses: BTreeMap<Pid, u64>,
}

impl<M: Machine> State<M> {
    pub fn is_leaderless(&self, stream: Stream) -> bool {
        self.cluster.leaderless.iter().any(|(of, until)| *of == stream && self.since < *until)
    }

    /// The stream that takes a message.
    pub(super) fn stream_of(&self, subject: &str) -> Stream {
        if let Some(place) = self.log_of(subject) {
            return Stream::Log(place);
        }
        let bucket = Bucket::ALL.into_iter().find(|bucket| subject.starts_with(&self.names.key(*bucket, "")));
        match bucket {
            Some(bucket) => Stream::Bucket(bucket),
            None if subject.split('.').nth(1) == Some("queue") => Stream::Queue,
            None => Stream::Told,
        }
    }

    /// Nobody answers for the stream for a while.
    pub(super) fn lose_leader(&mut self, stream: Stream, shortest: Duration, longest: Duration) {
        let pause = self.dice.below((longest - shortest).as_millis() as usize) as u64;
        self.cluster.leaderless.retain(|(_, until)| self.since < *until);
        self.cluster.leaderless.push((stream, self.since + shortest + Duration::from_millis(pause)));
    }

    pub(super) fn is_in_process(&self, subject: &str) -> bool {
        self.cluster.in_process.get(subject).is_some_and(|until| self.since < *until)
    }

    /// A write is stored, and perhaps still being agreed on for a moment.
    pub(super) fn agree_on(&mut self, subject: &str) {
        let contended = self.faults.contended;
        if self.shape.nodes == Nodes::Three && self.dice.chance(contended) {
            let long = self.dice.below(AGREEMENT.as_millis() as usize) as u64;
            self.cluster.in_process.retain(|_, until| self.since < *until);
            self.cluster.in_process.insert(subject.to_owned(), self.since + Duration::from_millis(long));
        }
    }

    /// How much of the buckets the replica knows that answers this time.
    pub fn level_of_replica(&mut self) -> Sequence {
        let newest = self.buckets.newest();
        let behind = self.faults.behind;
        if self.shape.nodes == Nodes::One || behind == 0 || self.dice.chance(300) {
            return newest;
        }
        newest.saturating_sub(self.dice.below(behind) as Sequence)
    }

    /// Up to when the replica knows that says what is in the queues.
    pub fn queue_known_until(&mut self) -> Duration {
        if self.shape.nodes == Nodes::One || self.faults.behind == 0 || self.dice.chance(300) {
            return self.since;
        }
        self.since.saturating_sub(Duration::from_millis(self.dice.below(QUEUE_BEHIND.as_millis() as usize) as u64))
    }

    /// Some stream gets another leader.
    pub fn change_a_leader(&mut self) {
        let partitions = self.shape.partitions;
        let place = self.dice.below(partitions as usize + 5) as u32;
        let stream = match place.checked_sub(partitions) {
            None => Stream::Log(place),
            Some(0) => Stream::Queue,
            Some(1) => Stream::Bucket(Bucket::Executions),
            Some(2) => Stream::Bucket(Bucket::Results),
            Some(3) => Stream::Bucket(Bucket::Partitions),
            Some(_) => Stream::Told,
        };
        self.change_leader(stream);
    }

    /// What is on its way to the old leader gets lost, or is stored and nobody told, or reaches the new one.
    fn change_leader(&mut self, stream: Stream) {
        self.tally.leaders += 1;
        for flight in std::mem::take(&mut self.flight) {
            let to_it =
                matches!(&flight.what, InFlight::Publish(message) if self.stream_of(&message.subject) == stream);
            match self.dice.below(4) {
                0 | 1 if to_it => {}
                2 if to_it => {
                    if let InFlight::Publish(message) = &flight.what {
                        self.receive(message);
                    }
                }
                _ => self.flight.push(flight),
            }
        }
        let longest = if self.dice.chance(100) { LONG_ELECTION } else { ELECTION };
        self.lose_leader(stream, Duration::ZERO, longest);
        match stream {
            Stream::Log(partition) if self.dice.chance(500) => {
                self.lose_reader(partition, "no heartbeat comes from the consumer");
            }
            // The consumers of a queue have leaders of their own: the same node, or another one.
            Stream::Queue if self.dice.chance(500) => self.restarts += 1,
            _ => {}
        }
    }

    /// One of three nodes is killed and comes back. It forgets nothing that the others know.
    pub fn restart_node(&mut self) {
        for partition in 0..self.shape.partitions {
            if self.dice.chance(333) {
                self.change_leader(Stream::Log(partition));
            }
        }
        for stream in [Stream::Queue, Stream::Told].into_iter().chain(Bucket::ALL.map(Stream::Bucket)) {
            if self.dice.chance(333) {
                self.change_leader(stream);
            }
        }
        let mut processes: Vec<Pid> = self.inboxes.keys().map(|seat| seat.pid).collect();
        processes.extend(self.cluster.losses.keys());
        processes.sort_unstable();
        processes.dedup();
        for pid in processes {
            if self.dice.chance(333) {
                self.cut_off(pid);
            }
        }
    }

    /// A process loses its connection.
    fn cut_off(&mut self, pid: Pid) {
        *self.cluster.losses.entry(pid).or_default() += 1;
        let (of_it, others): (Vec<Flight>, Vec<Flight>) =
            std::mem::take(&mut self.flight).into_iter().partition(|flight| flight.from.pid == pid);
        self.flight = others;
        for flight in of_it {
            if self.dice.chance(300)
                && let InFlight::Publish(message) = &flight.what
            {
                self.receive(message);
            }
            if let Some(inbox) = self.inboxes.get_mut(&flight.from) {
                let unknown = Outcome::Unknown("the connection was lost".into());
                inbox.events.push_back(Event::Settled(flight.ticket, unknown));
            }
        }
        for (_, inbox) in self.inboxes.iter_mut().filter(|(seat, _)| seat.pid == pid) {
            inbox.lose_reader("the connection was lost");
        }
    }

    /// Whoever reads a log must begin anew.
    pub fn lose_reader(&mut self, partition: u32, why: &str) {
        for (_, inbox) in self.inboxes.iter_mut().filter(|(seat, _)| seat.partition == partition) {
            inbox.lose_reader(why);
        }
    }
}
