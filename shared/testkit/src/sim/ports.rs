//! The ports of an owner in the simulated world.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use sagaline_broker::{
    machine::Machine,
    ports::{Asker, Bucket, Event, Failure, LogRoom, Message, Outcome, Ports, Sequence, Snapshots, Ticket},
};
use sagaline_events::{ask::Answer, task::REPEAT_HEADER};
use sagaline_model::Moment;

use super::{
    World,
    world::{Flight, InFlight, Inbox, Seat, State, Stream},
};

/// What an owner may get at once.
const ENTRIES_AT_ONCE: usize = 8;
/// So much fits into all logs together; none refuses what does not.
const LOG_ROOM: u64 = 100;
/// A page of snapshots.
const SNAPSHOTS_AT_ONCE: usize = 3;

/// So long a replica that is behind is waited for.
const REPLICA_WITHIN: Duration = Duration::from_secs(5);
/// What is never answered is given up after so long.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// See [`Ports`].
pub struct SimPorts<M: Machine> {
    world: World<M>,
    seat: Seat,
    /// Only needed to switch laws off: whether the owner has recovered.
    recovered: Arc<AtomicBool>,
    /// Told to let go.
    stop: Arc<AtomicBool>,
    told_to_stop: bool,
    /// The last write to the bucket when its snapshots were begun to be read.
    mark: Sequence,
}

impl<M: Machine> SimPorts<M> {
    pub fn new(world: World<M>, seat: Seat, recovered: Arc<AtomicBool>, stop: Arc<AtomicBool>) -> Self {
        world.lock().inboxes.insert(seat, Inbox::default());
        Self { world, seat, recovered, stop, told_to_stop: false, mark: 0 }
    }

    fn is_recovering(&self) -> bool {
        !self.recovered.load(Ordering::Relaxed)
    }

    fn log(&self) -> Stream {
        Stream::Log(self.seat.partition)
    }

    /// A request to the leader of a stream.
    async fn ask_leader<T>(
        &self,
        stream: Stream,
        what: &str,
        act: impl FnOnce(&mut State<M>) -> T + Send,
    ) -> Result<T, Failure> {
        self.request(what, |world| (!world.is_leaderless(stream)).then(|| act(world))).await
    }

    /// A request that any replica answers.
    async fn ask_any<T>(&self, what: &str, act: impl FnOnce(&mut State<M>) -> T + Send) -> Result<T, Failure> {
        self.request(what, |world| Some(act(world))).await
    }

    /// A request that takes time on its way there and on its way back.
    async fn request<T>(&self, what: &str, act: impl FnOnce(&mut State<M>) -> Option<T> + Send) -> Result<T, Failure> {
        self.travel().await;
        let (answer, is_lost) = {
            let mut world = self.world.lock();
            let answer = act(&mut world);
            let lost = world.faults.lost_requests;
            (answer, lost > 0 && world.dice.chance(lost))
        };
        self.travel().await;
        match answer.filter(|_| !is_lost) {
            Some(answer) => Ok(answer),
            None => {
                self.let_pass(ANSWER_WITHIN).await;
                Err(Failure::NoAnswer(what.to_owned()))
            }
        }
    }

    async fn let_pass(&self, time: Duration) {
        let until = self.boot() + time;
        while self.boot() < until {
            step().await;
        }
    }

    /// Some steps of the world pass.
    async fn travel(&self) {
        let steps = self.world.lock().dice.below(3);
        for _ in 0..steps {
            step().await;
        }
    }

    fn post(&self, ticket: Ticket, what: InFlight) {
        self.world.lock().flight.push(Flight { from: self.seat, ticket, what });
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
                if let Some(inbox) = world.inboxes.get_mut(&self.seat) {
                    let there = answers.min(inbox.events.len());
                    into.extend(inbox.events.drain(..there));
                }
                let lost = into[begun..].iter().any(|event| matches!(event, Event::ReaderLost(_)));
                if hungry && !lost {
                    into.extend(world.entries_for(self.seat, most).into_iter().map(Event::Entry));
                }
                let reads = world.inboxes.get(&self.seat).is_some_and(|inbox| inbox.reads.is_some());
                if reads && world.holds(self.seat) {
                    into.extend(world.questions_to(self.seat.partition));
                }
                if !self.told_to_stop && self.stop.load(Ordering::Relaxed) {
                    self.told_to_stop = true;
                    into.push(Event::Stop);
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
            if let Some(inbox) = self.world.lock().inboxes.get_mut(&self.seat) {
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
        let seat = self.seat;
        self.ask_leader(self.log(), "read the log", |world| {
            if let Some(inbox) = world.inboxes.get_mut(&seat) {
                inbox.reads = Some(sequence);
            }
        })
        .await
    }

    async fn publish_and_wait(&mut self, message: Message) -> Outcome {
        self.travel().await;
        let outcome = {
            let mut world = self.world.lock();
            let outcome = world.receive(&message);
            // The first that an owner writes raises the epoch.
            if matches!(outcome, Outcome::Stored { .. }) && world.is_checkpoint(self.seat, &message) {
                world.takes_over(self.seat);
            }
            let lost = world.faults.lost_acks;
            if world.dice.chance(lost) { Outcome::Unknown("the ack was lost".to_owned()) } else { outcome }
        };
        self.travel().await;
        outcome
    }

    async fn stored_at(&mut self, sequence: Sequence) -> Result<Option<Moment>, Failure> {
        let place = self.seat.partition as usize;
        self.ask_leader(self.log(), "read a message", |world| world.logs[place].time_of(sequence)).await
    }

    async fn first_after(&mut self, time: Moment) -> Result<Option<Sequence>, Failure> {
        let place = self.seat.partition as usize;
        self.ask_leader(self.log(), "find a message", |world| world.logs[place].first_after(time)).await
    }

    async fn log_room(&mut self) -> Result<LogRoom, Failure> {
        let place = self.seat.partition as usize;
        let room = |world: &mut State<M>| world.logs[place].room(LOG_ROOM / u64::from(world.shape.partitions));
        self.ask_leader(self.log(), "look at the room", room).await
    }

    async fn purge_below(&mut self, sequence: Sequence) -> Result<(), Failure> {
        let place = self.seat.partition as usize;
        self.ask_leader(self.log(), "purge", |world| world.logs[place].purge_below(sequence)).await
    }

    async fn queued(&mut self, tasks: &[(String, String)]) -> Result<Vec<bool>, Failure> {
        let mut there = vec![];
        for (_, subject) in tasks {
            // Each is looked for at a moment of its own.
            let is_there = self.ask_any("look for tasks", |world| {
                let until = world.queue_known_until();
                world.queue.contained(subject, until)
            });
            there.push(is_there.await?);
        }
        let blind = self.world.lock().faults.without.repeat_marks && self.is_recovering();
        Ok(if blind { vec![false; tasks.len()] } else { there })
    }

    /// Any replica answers: it has everything once it has what was written last when this began.
    async fn snapshots(&mut self, from: Option<Sequence>) -> Result<Snapshots, Failure> {
        let (kind, partition) = self.world.lock().log_at(self.seat.partition);
        let prefix = kind.snapshot_key(partition, "");
        let until = self.boot() + REPLICA_WITHIN;
        let mut mark = from.map(|_| self.mark);
        let from = from.unwrap_or(1);
        loop {
            let (page, level, newest) = self
                .ask_any("load the snapshots", |world| {
                    let (newest, level) = (world.buckets.newest(), world.level_of_replica());
                    (world.buckets.page_below(&prefix, from, SNAPSHOTS_AT_ONCE, level, world.since), level, newest)
                })
                .await?;
            let without = self.world.lock().faults.without.marks;
            self.mark = if without { 0 } else { *mark.get_or_insert(newest) };
            let next = page.stored.last().map_or(from, |stored| stored.revision + 1);
            if page.next.is_some() || self.mark <= level {
                return Ok(page);
            }
            if from < next {
                return Ok(Snapshots { next: Some(next), ..page });
            }
            if until <= self.boot() {
                return Err(Failure::NoAnswer("load the snapshots: a replica stays behind".to_owned()));
            }
        }
    }

    async fn value(&mut self, bucket: Bucket, key: &str) -> Result<Option<(Sequence, Bytes)>, Failure> {
        let value = |world: &mut State<M>| world.buckets.value(bucket, key, world.since);
        self.ask_leader(Stream::Bucket(bucket), "read a value", value).await
    }

    async fn values(&mut self, bucket: Bucket, keys: &[String]) -> Result<Vec<Option<(Sequence, Bytes)>>, Failure> {
        let until = self.boot() + REPLICA_WITHIN;
        let mut mark = None;
        loop {
            let (values, level, newest) = self
                .ask_any("read values", |world| {
                    let (newest, level) = (world.buckets.newest(), world.level_of_replica());
                    let values = keys.iter().map(|key| world.buckets.value_as_of(bucket, key, level, world.since));
                    (values.collect(), level, newest)
                })
                .await?;
            if self.world.lock().faults.without.marks || *mark.get_or_insert(newest) <= level {
                return Ok(values);
            }
            if until <= self.boot() {
                return Err(Failure::NoAnswer("read values: a replica stays behind".to_owned()));
            }
        }
    }

    fn message_room(&self) -> usize {
        match self.world.lock().faults.message_room {
            0 => usize::MAX,
            room => room,
        }
    }

    async fn pause(&mut self, time: Duration) {
        self.let_pass(time).await;
    }

    fn holds_lease(&self) -> bool {
        self.world.lock().holds(self.seat)
    }

    fn now(&self) -> Moment {
        self.world.lock().clock_of(self.seat.pid)
    }

    fn boot(&self) -> Duration {
        self.world.lock().since
    }
}
