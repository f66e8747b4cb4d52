//! The ports of an owner in the simulated world.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use sagaline_broker::{
    machine::Machine,
    names::Names,
    ports::{Asker, Bucket, Event, Failure, LogRoom, Message, Outcome, Ports, Sequence, Snapshots, Ticket},
};
use sagaline_events::{ask::Answer, task::REPEAT_HEADER};
use sagaline_model::Moment;

use super::{
    World,
    world::{Flight, InFlight, Inbox, Pid, State},
};

/// What an owner may get at once.
const ENTRIES_AT_ONCE: usize = 8;
/// A page of snapshots.
const SNAPSHOTS_AT_ONCE: usize = 3;

/// See [`Ports`].
pub struct SimPorts<M: Machine> {
    world: World<M>,
    pid: Pid,
    partition: u32,
    /// Only needed to switch laws off: whether the owner has recovered.
    recovered: Arc<std::sync::atomic::AtomicBool>,
    told_to_stop: bool,
}

impl<M: Machine> SimPorts<M> {
    pub fn new(world: World<M>, pid: Pid, partition: u32, recovered: Arc<std::sync::atomic::AtomicBool>) -> Self {
        world.lock().inboxes.insert(pid, Inbox::default());
        Self { world, pid, partition, recovered, told_to_stop: false }
    }

    fn is_recovering(&self) -> bool {
        !self.recovered.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// A request that takes time on its way there and on its way back.
    async fn request<T>(&self, act: impl FnOnce(&mut State<M>) -> T + Send) -> T {
        self.travel().await;
        let answer = act(&mut self.world.lock());
        self.travel().await;
        answer
    }

    /// Some steps of the world pass.
    async fn travel(&self) {
        let steps = self.world.lock().dice.below(3);
        for _ in 0..steps {
            step().await;
        }
    }

    fn post(&self, ticket: Ticket, what: InFlight) {
        self.world.lock().flight.push(Flight { from: self.pid, ticket, what });
    }
}

/// One step of the world passes.
pub async fn step() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

impl<M: Machine> Ports for SimPorts<M> {
    async fn events(&mut self, hungry: bool, wake: Duration, into: &mut Vec<Event>) {
        let begun = into.len();
        loop {
            {
                let mut world = self.world.lock();
                let most = world.dice.below(ENTRIES_AT_ONCE);
                let answers = world.dice.below(ENTRIES_AT_ONCE);
                if let Some(inbox) = world.inboxes.get_mut(&self.pid) {
                    let there = answers.min(inbox.events.len());
                    into.extend(inbox.events.drain(..there));
                }
                let lost = into[begun..].iter().any(|event| matches!(event, Event::ReaderLost(_)));
                if hungry && !lost {
                    into.extend(world.entries_for(self.pid, most).into_iter().map(Event::Entry));
                }
                let reads = world.inboxes.get(&self.pid).is_some_and(|inbox| inbox.reads.is_some());
                if reads && world.lease.is_some_and(|(holder, _)| holder == self.pid) {
                    let asked = std::mem::take(&mut world.questions);
                    let asked = asked.into_iter().map(|(ask, id)| Event::Asked(ask, Asker(id.to_string())));
                    into.extend(asked);
                }
                let hand_over = world.faults.hand_over;
                if reads && hand_over > 0 && !self.told_to_stop && world.dice.chance(hand_over) {
                    self.told_to_stop = true;
                    into.push(Event::Stop);
                }
                if into.len() > begun || world.since >= wake {
                    return;
                }
            }
            step().await;
        }
    }

    fn publish(&mut self, ticket: Ticket, message: Arc<Message>) {
        let without = self.world.lock().faults.without;
        let recovering = self.is_recovering();
        if without.telling_again && recovering && message.subject.contains(".lifecycle.") {
            let stored = Event::Settled(ticket, Outcome::Stored { sequence: 1, duplicate: true });
            if let Some(inbox) = self.world.lock().inboxes.get_mut(&self.pid) {
                inbox.events.push_back(stored);
            }
            return;
        }
        let message = if without.repeat_marks {
            let mut message = (*message).clone();
            message.headers.retain(|(name, _)| *name != REPEAT_HEADER);
            Arc::new(message)
        } else {
            message
        };
        self.post(ticket, InFlight::Publish(message));
    }

    fn revoke(&mut self, ticket: Ticket, _queue: &str, subject: &str) {
        self.post(ticket, InFlight::Revoke(subject.to_owned()));
    }

    fn look_up(&mut self, ticket: Ticket, bucket: Bucket, key: &str) {
        self.post(ticket, InFlight::LookUp(bucket, key.to_owned()));
    }

    fn answer(&mut self, asker: Asker, answer: &Answer) {
        self.world.lock().answer(&asker, answer);
    }

    fn tell(&mut self, _execution: &str, _notice: Bytes) {}

    async fn read_from(&mut self, sequence: Sequence) -> Result<(), Failure> {
        self.request(|world| {
            if let Some(inbox) = world.inboxes.get_mut(&self.pid) {
                inbox.reads = Some(sequence);
            }
        })
        .await;
        Ok(())
    }

    async fn publish_and_wait(&mut self, message: Message) -> Outcome {
        self.request(|world| {
            let outcome = world.receive(&message);
            let lost = world.faults.lost_acks;
            if world.dice.chance(lost) { Outcome::Unknown("the ack was lost".to_owned()) } else { outcome }
        })
        .await
    }

    async fn stored_at(&mut self, sequence: Sequence) -> Result<Option<Moment>, Failure> {
        Ok(self.request(|world| world.log.time_of(sequence)).await)
    }

    async fn first_after(&mut self, time: Moment) -> Result<Option<Sequence>, Failure> {
        Ok(self.request(|world| world.log.first_after(time)).await)
    }

    async fn log_room(&mut self) -> Result<LogRoom, Failure> {
        Ok(self.request(|world| world.log.room()).await)
    }

    async fn purge_below(&mut self, sequence: Sequence) -> Result<(), Failure> {
        self.request(|world| world.log.purge_below(sequence)).await;
        Ok(())
    }

    async fn queued(&mut self, tasks: &[(String, String)]) -> Result<Vec<bool>, Failure> {
        let mut there = vec![];
        for (_, subject) in tasks {
            // Each is looked for at a moment of its own.
            there.push(self.request(|world| world.queue.contains(subject)).await);
        }
        let blind = self.world.lock().faults.without.repeat_marks && self.is_recovering();
        Ok(if blind { vec![false; tasks.len()] } else { there })
    }

    async fn snapshots(&mut self, from: Option<Sequence>) -> Result<Snapshots, Failure> {
        let prefix = Names::snapshot_key(self.partition, "");
        let from = from.unwrap_or(1);
        Ok(self.request(|world| world.buckets.page_below(&prefix, from, SNAPSHOTS_AT_ONCE, world.since)).await)
    }

    async fn value(&mut self, bucket: Bucket, key: &str) -> Result<Option<(Sequence, Bytes)>, Failure> {
        Ok(self.request(|world| world.buckets.value(bucket, key, world.since)).await)
    }

    async fn values(&mut self, bucket: Bucket, keys: &[String]) -> Result<Vec<Option<(Sequence, Bytes)>>, Failure> {
        Ok(self.request(|world| keys.iter().map(|key| world.buckets.value(bucket, key, world.since)).collect()).await)
    }

    async fn pause(&mut self, time: Duration) {
        let until = self.boot() + time;
        while self.boot() < until {
            step().await;
        }
    }

    fn holds_lease(&self) -> bool {
        let world = self.world.lock();
        world.lease.is_some_and(|(holder, until)| holder == self.pid && world.since < until)
    }

    fn now(&self) -> Moment {
        self.world.lock().clock_of(self.pid)
    }

    fn boot(&self) -> Duration {
        self.world.lock().since
    }
}
