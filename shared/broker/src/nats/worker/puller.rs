//! The tasks of one queue and activity, one after the other, through everything that may happen to connection and consumer.

use std::{sync::Arc, time::Duration};

use sagaline_model::{ActivityName, Moment, Name};
use tokio::{sync::watch, time::sleep};

use super::{
    super::boot,
    ConsumerSettings, Link, NatsTaskPorts,
    consumer::Line,
    delivery,
    session::{Arrival, Over, Pulling},
    slots::{Demand, Slot},
};
use crate::worker::{Acknowledgement, Delivery, TaskPorts};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A session that lasted so long ended for a reason of its own, not for the reason of the one before.
const LASTED: Duration = Duration::from_secs(5);

/// A task, and the slot that it takes up until it is served.
#[derive(Debug)]
pub struct Pulled {
    pub delivery: Delivery,
    pub slot: Slot,
}

/// Whether tasks can be pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullerState {
    Ready,
    /// Not now; why, for people.
    Waiting(String),
}

/// The session that pulling began with, to tell whether it still is the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Last {
    /// When the consumer was created.
    created: Moment,
    /// How often the connection had been lost.
    losses: u64,
}

/// Takes the tasks of one queue and activity.
pub struct Puller {
    link: Arc<Link>,
    line: Line,
    settings: ConsumerSettings,
    ports: Arc<NatsTaskPorts>,
    demand: Demand,
    pulling: Option<Pulling>,
    last: Option<Last>,
    /// When the last session began.
    began: Option<Duration>,
    pause: Duration,
    state: watch::Sender<PullerState>,
}

impl Puller {
    /// All pullers of a link are to be made before the first of them pulls: they share its slots.
    pub fn new(link: Arc<Link>, queue: Name, activity: ActivityName, settings: ConsumerSettings) -> Self {
        let demand = Demand::new(link.slots.clone(), &queue, &activity);
        Self {
            line: Line::new(link.connection(), queue, activity),
            settings,
            ports: Arc::new(NatsTaskPorts::new(link.clone(), settings.ack_wait)),
            demand,
            pulling: None,
            last: None,
            began: None,
            pause: FIRST_PAUSE,
            state: watch::Sender::new(PullerState::Waiting("starting".into())),
            link,
        }
    }

    pub fn queue(&self) -> &Name {
        &self.line.queue
    }

    pub fn activity(&self) -> &ActivityName {
        &self.line.activity
    }

    /// What the tasks that it takes are served with.
    pub fn ports(&self) -> &Arc<NatsTaskPorts> {
        &self.ports
    }

    pub fn state(&self) -> watch::Receiver<PullerState> {
        self.state.subscribe()
    }

    /// The next task, however long that takes. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Pulled {
        loop {
            if self.pulling.is_none() {
                self.begin().await;
            }
            let Some(pulling) = &mut self.pulling else { continue };
            match pulling.next(&self.demand).await {
                Ok(arrival) => return self.pulled(arrival),
                Err(over) => self.end(over),
            }
        }
    }

    /// Stops pulling, and gives back what came and was not taken.
    pub async fn close(mut self) {
        let Some(pulling) = self.pulling.take() else { return };
        self.demand.away();
        for left in pulling.close().await {
            if let Some(reply) = &left.reply {
                self.ports.acknowledge(reply, Acknowledgement::Again).await;
            }
        }
    }

    fn pulled(&self, arrival: Arrival) -> Pulled {
        let Arrival { message, place, slot, received } = arrival;
        Pulled { delivery: delivery::read(message, place, received, self.ports.session_number()), slot }
    }

    async fn begin(&mut self) {
        // Whatever ends sessions as soon as they begin must not make us hammer the server.
        if self.last.is_none() && self.began.is_some_and(|began| boot().saturating_sub(began) < LASTED) {
            self.rest().await;
        }
        loop {
            match self.try_begin().await {
                Ok(pulling) => {
                    self.pulling = Some(pulling);
                    self.began = Some(boot());
                    self.state.send_replace(PullerState::Ready);
                    return;
                }
                Err(why) => {
                    self.demand.away();
                    let state = PullerState::Waiting(why.clone());
                    if self.state.send_replace(state.clone()) != state {
                        tracing::warn!(queue = %self.line.queue, activity = %self.line.activity, why, "no tasks can be pulled yet");
                    }
                }
            }
            self.rest().await;
        }
    }

    async fn try_begin(&mut self) -> Result<Pulling, String> {
        let connection = self.link.connection();
        if !connection.is_connected() {
            return Err("the connection to NATS is lost".into());
        }
        let mut pulling = Pulling::open(connection, &self.line, self.demand.is_scarce()).await?;
        let found = self.line.ensure(connection, self.settings).await?;
        pulling.begin(found.ack_wait);
        let this = Last { created: found.created, losses: pulling.losses() };
        if self.last != Some(this) {
            self.ports.begin_session(&found, this.losses);
        }
        self.last = Some(this);
        self.demand.begun(found.waiting);
        Ok(pulling)
    }

    fn end(&mut self, over: Over) {
        self.pulling = None;
        if let Over::Lost(why) = over {
            tracing::debug!(queue = %self.line.queue, activity = %self.line.activity, why, "pulling begins anew");
            self.ports.end_session();
            self.last = None;
        }
        self.demand.unsure();
        if self.began.is_some_and(|began| LASTED <= boot().saturating_sub(began)) {
            self.pause = FIRST_PAUSE;
        }
    }

    async fn rest(&mut self) {
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}
