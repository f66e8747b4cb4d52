//! The ports of a worker on a real server: pulling tasks, acknowledging them, storing their results.
//!
//! A [`Link`] is what all consumers of one worker share; a [`Puller`] takes the tasks of one queue and activity.

mod consumer;
mod delivery;
mod held;
mod ports;
mod publisher;
mod puller;
mod session;
mod slots;

use std::sync::Arc;

use async_nats::Subscriber;
use futures::StreamExt;
use sagaline_model::Name;
use tokio::{sync::OnceCell, task::JoinHandle};

pub use consumer::ConsumerSettings;
pub use ports::NatsTaskPorts;
pub use puller::{Pulled, Puller, PullerState};
pub use slots::{Sharing, Slot};

use super::{Connection, PayloadError, Payloads};
use crate::{
    ports::Failure,
    worker::{Elsewhere, Running},
};
use held::Greeter;
use publisher::Publisher;
use slots::Slots;

/// What the consumers of one worker share. It ends with its last owner.
pub struct Link {
    connection: Connection,
    worker: String,
    running: Arc<Running>,
    elsewhere: Arc<Elsewhere>,
    greeter: Greeter,
    publisher: Publisher,
    payloads: OnceCell<Payloads>,
    slots: Arc<Slots>,
    notices: JoinHandle<()>,
}

impl Link {
    /// `worker` is a name for people.
    pub async fn open(connection: Connection, worker: String, sharing: Sharing) -> Result<Arc<Self>, Failure> {
        let publisher = Publisher::open(&connection).await?;
        let (running, elsewhere) = (Arc::<Running>::default(), Arc::<Elsewhere>::default());
        let greeter = Greeter::open(&connection, running.clone(), elsewhere.clone()).await?;
        let notices = connection.names().tell("*");
        let deaf = |_| Failure::NoAnswer(format!("listen on `{notices}`"));
        let subscriber = connection.client().subscribe(notices.clone()).await.map_err(deaf)?;
        let notices = tokio::spawn(hear_notices(subscriber, running.clone()));
        Ok(Arc::new(Self {
            connection,
            worker,
            running,
            elsewhere,
            greeter,
            publisher,
            payloads: OnceCell::new(),
            slots: Arc::new(Slots::new(sharing)),
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
        self.slots.idle().await;
    }

    /// From now on this is what a queue weighs beside the others.
    pub fn weigh(&self, queue: &Name, weight: u32) {
        self.slots.weigh(queue, weight);
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
