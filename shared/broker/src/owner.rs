//! The partition owner: reads its log, folds it into states, performs what follows, and remembers how far it came.
//!
//! One shell for every service that owns partitions: the [`Machine`] decides, the [`Ports`] are the outside. It never waits for one
//! input before the next: publishes are pipelined, with a bounded number in flight. It assumes nothing of its lease but that it
//! keeps two owners from doing the same work: everything it does has a name, so another one's doing it too is harmless.

mod answers;
mod cover;
mod fold;
mod full;
mod hand_over;
mod listing;
mod look_again;
mod outbox;
mod parts;
mod place;
mod purge;
mod quiet;
mod recover;
mod rest;
mod save;
mod seal;
mod settle;
mod slot;
mod snapshots;
mod untaken;
mod wake;
mod whole;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sagaline_model::Moment;

pub use self::cover::Checkpoint;
pub(crate) use self::parts::Manifest;

use self::{
    answers::Questions, cover::Cover, full::NoRoom, outbox::Outbox, parts::Parts, purge::Purging, quiet::Quiet,
    rest::Resting, slot::Slot,
};
use crate::{
    machine::Machine,
    names::{LogKind, Names},
    ports::{Event, Failure, Ports, Sequence},
};

/// So many publishes may be in flight before no further input is taken: enough to keep a server busy over a slow link, and a
/// bound on memory and on what is sent again after a lost connection.
pub const IN_FLIGHT_LIMIT: usize = 4096;

/// How often an idle owner looks at its clocks.
const TICK: Duration = Duration::from_millis(100);

/// What an owner goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    pub partition: u32,
    /// What the log is about.
    pub log: LogKind,
    pub names: Names,
    /// So much may be in flight before no further input is taken.
    pub in_flight: usize,
    /// A state holds the checkpoint for so many inputs before it is snapshotted.
    pub snapshot_after_inputs: u64,
    /// And for so long.
    pub snapshot_after: Duration,
    /// How often the checkpoint is written while it moves.
    pub checkpoint_every: Duration,
    /// What has been waited for so long is looked at again.
    pub look_again_after: Duration,
    /// A state that only waits leaves memory when it was not needed for so long,
    pub rest_after: Duration,
    /// or as soon as it is saved where more states than this are in memory.
    pub rest_above: usize,
    /// Only a simulation sets this.
    pub without: Without,
    /// How long the log keeps what is below the checkpoint: it is the history too.
    pub history: Duration,
    /// And for how many subjects at most: each costs the server some 130 bytes of memory for as long as it is kept.
    pub history_subjects: u64,
    /// Set while the bucket of snapshots takes none but those that replace others.
    pub spare_snapshots: Arc<AtomicBool>,
    /// Set while nothing new is to begin, of states whose timers begin something: they are due until it may.
    pub hold_timers: Arc<AtomicBool>,
}

/// Laws of the owner, switched off to prove that the simulation would notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Without {
    /// Inputs for a state that rests and is being read are not kept for it.
    pub deferring: bool,
    /// They do not hold the checkpoint.
    pub holding: bool,
    /// The place in the log is not proved.
    pub place: bool,
    /// Nor before it is purged.
    pub purge: bool,
    /// The epoch is not raised.
    pub epoch: bool,
    /// What names the parts of a snapshot does not wait for them.
    pub parts: bool,
}

impl Settings {
    pub fn new(partition: u32, names: Names) -> Self {
        Self {
            partition,
            log: LogKind::Runs,
            names,
            in_flight: IN_FLIGHT_LIMIT,
            snapshot_after_inputs: 20_000,
            snapshot_after: Duration::from_secs(10),
            checkpoint_every: Duration::from_secs(1),
            look_again_after: Duration::from_secs(60),
            rest_after: Duration::from_secs(30),
            rest_above: 10_000,
            without: Without::default(),
            history: Duration::from_secs(24 * 3600),
            history_subjects: 2_000_000,
            spare_snapshots: Arc::default(),
            hold_timers: Arc::default(),
        }
    }
}

/// Why an owner let go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Told to stop; everything in flight was settled.
    #[error("told to stop")]
    Stopped,
    /// Another owner raised the epoch.
    #[error("another owner has taken over the partition")]
    Fenced,
    #[error("the lease ran out")]
    LeaseLost,
    /// What is in memory cannot be trusted any more: recover anew.
    #[error("must recover anew: {0}")]
    Restart(String),
    #[error("{0}")]
    Failed(#[from] Failure),
}

/// What an owner reports while it works, for logs and metrics. Never decides anything.
pub trait Watcher: Send {
    fn recovered(&mut self, took: Duration, folded: u64, states: usize);
    fn applied(&mut self, sequence: Sequence, time: Moment);
    fn states(&mut self, count: usize);
    fn rejected(&mut self, reason: &'static str, detail: &str, sequence: Sequence);
    fn retried(&mut self, subject: &str, why: &str);
    /// A state came back into memory, and so many inputs had waited for it.
    fn woken(&mut self, _deferred: usize) {}
    /// Entries left the log before their time.
    fn shortened(&mut self, _what: &str) {}
    /// Something an operator should know at once.
    fn alarm(&mut self, what: &str);
}

pub struct Owner<P, M: Machine, W> {
    ports: P,
    machine: M,
    watcher: W,
    settings: Settings,
    /// The states in memory.
    slots: BTreeMap<Arc<str>, Slot<M::State>>,
    /// And those that are not.
    resting: Resting<M>,
    cover: Cover,
    outbox: Outbox,
    /// When the first timer of each state is due.
    timers: BTreeSet<(Moment, Arc<str>)>,
    questions: Questions,
    /// Ended states whose snapshots wait for the checkpoint to pass them.
    kept: BTreeSet<(Sequence, Arc<str>)>,
    /// States whose recorded end is further than their snapshot, and that end: its inputs are not folded again.
    ended: BTreeMap<Arc<str>, (Sequence, Moment)>,
    /// The last entry that was folded.
    applied: (Sequence, Moment),
    checkpoint: Checkpoint,
    checkpoint_revision: Sequence,
    /// When it was last written, or tried.
    checkpoint_at: Duration,
    checkpoint_in_flight: bool,
    /// How often the reader's place was lost and found: a head that was known before may be lost with the tail.
    places_found: u64,
    looked_again: Duration,
    /// When it was last said that a queue does not take its tasks.
    untaken_said: Option<Duration>,
    purging: Purging,
    no_room: NoRoom,
    parts: Parts,
    quiet: Quiet,
    mode: Mode,
    /// Since when it hands over.
    stopping: Option<Duration>,
    /// Kept between rounds, so that it is not allocated in each.
    events: Vec<Event>,
}

/// While the log is folded again, tasks are not performed: most of them were, and which were not is found out at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Refolding,
    Live,
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub fn new(ports: P, machine: M, watcher: W, settings: Settings) -> Self {
        let now = ports.boot();
        Self {
            ports,
            machine,
            watcher,
            settings,
            slots: BTreeMap::new(),
            resting: Resting::from(now),
            cover: Cover::default(),
            outbox: Outbox::from(u64::try_from(now.as_nanos()).unwrap_or(0)),
            timers: BTreeSet::new(),
            questions: Questions::default(),
            kept: BTreeSet::new(),
            ended: BTreeMap::new(),
            applied: (0, Moment::EPOCH),
            checkpoint: Checkpoint::default(),
            checkpoint_revision: 0,
            checkpoint_at: now,
            checkpoint_in_flight: false,
            places_found: 0,
            looked_again: now,
            untaken_said: None,
            purging: Purging::from(now),
            no_room: NoRoom::default(),
            parts: Parts::default(),
            quiet: Quiet::default(),
            mode: Mode::Refolding,
            stopping: None,
            events: vec![],
        }
    }

    /// Recovers, then works until something makes it let go.
    pub async fn run(&mut self) -> Halt {
        match self.work().await {
            Ok(()) => Halt::Stopped,
            Err(halt) => halt,
        }
    }

    async fn work(&mut self) -> Result<(), Halt> {
        self.recover().await?;
        loop {
            self.round(true).await?;
            if self.is_handed_over() {
                self.say_goodbye().await;
                return Ok(());
            }
        }
    }

    /// Takes what came, folds and performs, then looks at the clocks.
    async fn round(&mut self, reads: bool) -> Result<(), Halt> {
        let hungry = reads && self.stopping.is_none() && self.has_room();
        self.take_events(hungry).await?;
        self.look_at_clocks().await
    }

    async fn take_events(&mut self, hungry: bool) -> Result<(), Halt> {
        self.take_events_until(hungry, self.next_wake()).await
    }

    async fn take_events_until(&mut self, hungry: bool, wake: Duration) -> Result<(), Halt> {
        let mut events = std::mem::take(&mut self.events);
        self.ports.events(hungry, wake, &mut events).await;
        // Looked at before anything is done: an owner that slept lets go here.
        if !self.ports.holds_lease() {
            return Err(Halt::LeaseLost);
        }
        for event in events.drain(..) {
            match event {
                Event::Entry(entry) => self.fold(entry).await?,
                Event::Settled(ticket, outcome) => self.settled(ticket, outcome).await?,
                Event::Asked(ask, asker) => self.asked(ask, asker),
                Event::ReaderLost(why) => self.find_place(&why).await?,
                Event::Stop => self.begin_hand_over(),
            }
        }
        self.events = events;
        Ok(())
    }

    async fn look_at_clocks(&mut self) -> Result<(), Halt> {
        let now = self.ports.boot();
        for pending in self.outbox.overdue(now) {
            self.unanswered(pending, "no answer in time").await?;
        }
        self.outbox.resend(&mut self.ports);
        self.fire_timers();
        self.ask_for_head();
        self.save_oldest();
        self.write_checkpoint(now);
        if self.mode == Mode::Live && self.stopping.is_none() {
            self.let_rest(now);
            self.look_again(now).await?;
            self.purge(now).await?;
        }
        Ok(())
    }

    fn next_wake(&self) -> Duration {
        let now = self.ports.boot();
        // What cannot be fired must not wake anyone: an owner that never waits starves its own connection.
        let timer = self.timers.first().filter(|_| self.fires_timers());
        let timer = timer.map(|(due, _)| now + Duration::from(due.since(self.now())));
        let resend = self.outbox.next_resend();
        timer.into_iter().chain(resend).fold(now + TICK, Duration::min)
    }

    fn fires_timers(&self) -> bool {
        let held = self.settings.hold_timers.load(Ordering::Relaxed);
        self.mode == Mode::Live && self.stopping.is_none() && self.has_room() && !held
    }

    /// Whether more may be taken on: what is in flight and what waits for its state is bounded, and sometimes there is quiet.
    fn has_room(&self) -> bool {
        self.outbox.burden() + self.resting.deferred < self.settings.in_flight && !self.quiet.is_kept(self.ports.boot())
    }

    /// The server's clock is not behind the last entry, whatever this machine's says.
    fn now(&self) -> Moment {
        self.ports.now().max(self.applied.1)
    }

    /// Publishes the input of every timer that is due. It stays armed until that input comes through the log.
    fn fire_timers(&mut self) {
        let now = self.now();
        while self.fires_timers()
            && let Some((due, _)) = self.timers.first()
            && *due <= now
        {
            let Some((_, key)) = self.timers.pop_first() else { break };
            if self.resting.key(&key).is_some() {
                self.wake_for_timer(&key);
                continue;
            }
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            slot.timer = None;
            slot.fired = self.machine.next_timer(&slot.state);
            if let Some(message) = self.machine.timer(&key, &slot.state) {
                slot.pending += 1;
                self.outbox.send(&mut self.ports, outbox::Purpose::Timer(Arc::new(message)), Some(key));
            }
        }
    }
}
