//! The ports of a worker on a real server: pulling tasks, acknowledging them, storing their results.
//!
//! A [`Link`] is what all consumers of one worker share; a [`Puller`] takes the tasks of one queue and activity.

mod consumer;
mod delivery;
mod demand;
mod ports;
mod publisher;
mod puller;
mod session;

use std::sync::{Arc, atomic::AtomicUsize};

use async_nats::Subscriber;
use futures::StreamExt;
use tokio::{
    sync::{OnceCell, Semaphore},
    task::JoinHandle,
};

pub use consumer::ConsumerSettings;
pub use ports::NatsTaskPorts;
pub use puller::{Pulled, Puller, PullerState};

use super::{Connection, PayloadError, Payloads};
use crate::{ports::Failure, worker::Running};
use publisher::Publisher;

/// What the consumers of one worker share. It ends with its last owner.
pub struct Link {
    connection: Connection,
    worker: String,
    running: Arc<Running>,
    publisher: Publisher,
    payloads: OnceCell<Payloads>,
    slots: Arc<Semaphore>,
    /// How many slots there are.
    concurrency: usize,
    /// How many consumers share them.
    pullers: AtomicUsize,
    notices: JoinHandle<()>,
}

impl Link {
    /// `worker` is a name for people; `concurrency` tasks at most are held at a time, over all consumers.
    pub async fn open(connection: Connection, worker: String, concurrency: usize) -> Result<Arc<Self>, Failure> {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let publisher = Publisher::open(&connection).await?;
        let running = Arc::new(Running::default());
        let notices = connection.names().tell("*");
        let deaf = |_| Failure::NoAnswer(format!("listen on `{notices}`"));
        let subscriber = connection.client().subscribe(notices.clone()).await.map_err(deaf)?;
        let notices = tokio::spawn(hear_notices(subscriber, running.clone()));
        Ok(Arc::new(Self {
            connection,
            worker,
            running,
            publisher,
            payloads: OnceCell::new(),
            slots: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            pullers: AtomicUsize::new(0),
            notices,
        }))
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// How many attempts run now.
    pub fn running(&self) -> usize {
        self.running.count()
    }

    /// Waits until no task is held any more; to be asked once nothing is pulled.
    pub async fn idle(&self) {
        let all = u32::try_from(self.concurrency).unwrap_or(u32::MAX);
        // An error means that the semaphore is closed, which nobody does.
        drop(self.slots.acquire_many(all).await);
    }

    /// The store of large payloads, opened when it is needed first.
    async fn payloads(&self) -> Result<&Payloads, PayloadError> {
        self.payloads.get_or_try_init(|| Payloads::open(&self.connection)).await
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.notices.abort();
    }
}

/// Passes cancel notices on. All workers hear all of them; there are few.
async fn hear_notices(mut notices: Subscriber, running: Arc<Running>) {
    while let Some(notice) = notices.next().await {
        if let Some(execution) = notice.subject.rsplit('.').next() {
            running.notice(execution, &notice.payload);
        }
    }
}
