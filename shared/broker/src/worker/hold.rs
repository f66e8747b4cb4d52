//! Holding a task: keeping it from being given to somebody else, and knowing when that has failed.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::{Either, select};

use super::{
    Acknowledgement, Delivery, TaskPorts,
    running::{Reply, lock},
};

/// So many signs of life per `ack_wait`: two may be lost.
const PROGRESS_PER_ACK_WAIT: u32 = 3;

/// The task may be with somebody else by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

pub(super) struct Hold<'a, P> {
    ports: &'a P,
    session: u64,
    ack_wait: Duration,
    reply: Reply,
    /// When the server was last given a sign of life, by the boot clock, in nanoseconds.
    kept: AtomicU64,
}

impl<'a, P: TaskPorts> Hold<'a, P> {
    pub(super) fn new(ports: &'a P, delivery: &Delivery) -> Self {
        Self {
            ports,
            session: delivery.session,
            ack_wait: ports.session().ack_wait,
            reply: Arc::new(Mutex::new(delivery.reply.clone())),
            kept: AtomicU64::new(nanos(delivery.received)),
        }
    }

    pub(super) fn ports(&self) -> &'a P {
        self.ports
    }

    /// Where the task is acknowledged; a newer delivery of it may change this while it runs.
    pub(super) fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Whether nobody else can have been given the task.
    pub(super) fn is_ours(&self) -> bool {
        self.ports.session().number == self.session && self.since_kept() < self.ack_wait
    }

    /// Waits for `work`, keeping the task all the while; gives up once it may be somebody else's. Pinned by whoever waits: what is
    /// passed on by value stands twice in the future of the task.
    pub(super) async fn keep_while_ours<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Result<T, Lost> {
        loop {
            match select(work.as_mut(), pin!(self.ports.pause(self.until_progress()))).await {
                Either::Left((done, _)) => return Ok(done),
                Either::Right(_) if self.is_ours() => self.progress().await,
                Either::Right(_) => return Err(Lost),
            }
        }
    }

    /// Waits for `work`, keeping the task all the while. What has begun goes on, whoever else was given the task meanwhile.
    pub(super) async fn keep<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> T {
        loop {
            match select(work.as_mut(), pin!(self.ports.pause(self.until_progress()))).await {
                Either::Left((done, _)) => return done,
                Either::Right(_) => self.progress().await,
            }
        }
    }

    /// The queue may forget the task.
    pub(super) async fn done(&self) {
        self.tell(Acknowledgement::Done).await;
    }

    /// Somebody else may have it, at once.
    pub(super) async fn give_back(&self) {
        self.tell(Acknowledgement::Again).await;
    }

    async fn progress(&self) {
        // Before it is sent: what the server hears later only lengthens its patience.
        self.kept.store(nanos(self.ports.boot()), Ordering::Relaxed);
        self.tell(Acknowledgement::Progress).await;
    }

    async fn tell(&self, what: Acknowledgement) {
        let reply = lock(&self.reply).clone();
        self.ports.acknowledge(&reply, what).await;
    }

    /// How long the server may still be left without a sign of life, however many things were waited for since the last.
    fn until_progress(&self) -> Duration {
        (self.ack_wait / PROGRESS_PER_ACK_WAIT).saturating_sub(self.since_kept())
    }

    fn since_kept(&self) -> Duration {
        self.ports.boot().saturating_sub(Duration::from_nanos(self.kept.load(Ordering::Relaxed)))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
