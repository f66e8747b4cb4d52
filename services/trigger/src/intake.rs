//! Takes events from the shared consumer, many at a time, and has each handled by a task of its own.
//!
//! It asks for no more than it has room for, so that what one replica cannot take goes to another. Whatever goes wrong (the
//! connection is lost, the consumer deleted, a heartbeat missing) ends a pull; a new one begins as soon as the consumer is
//! there. Silence is noticed within seconds.

use std::{sync::Arc, time::Duration};

use async_nats::{Message, StatusCode, Subscriber, jetstream};
use futures::StreamExt;
use sagaline_broker::nats::Connection;
use sagaline_telemetry::Part;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    consumer::Durable,
    event::Received,
    handler::{Handler, Later, Trouble},
    origin::Origin,
};

/// How long the server keeps an unfilled request.
const REQUEST_EXPIRES: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Three missing heartbeats: whoever should send them is gone.
const SILENCE_MAX: Duration = Duration::from_millis(3500);
const LOOK_EVERY: Duration = Duration::from_millis(500);
const OPEN_PAUSE: Duration = Duration::from_millis(250);
/// How long events in flight may take after the service was told to stop. Those that need longer come again elsewhere.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

pub(crate) struct Intake {
    connection: Connection,
    origin: Arc<Origin>,
    durable: Arc<Durable>,
    handler: Arc<Handler>,
    in_flight_max: usize,
    /// Nothing for what is mapped in: one that cannot be served is no reason to restart those that serve the others.
    part: Option<Part>,
    tasks: JoinSet<()>,
}

/// One run of requests to the consumer.
struct Pull {
    deliveries: Subscriber,
    inbox: String,
    /// Asked for and not delivered yet.
    asked: usize,
    heard: Instant,
}

/// What a message without a delivery means.
enum Notice {
    Alive,
    /// So many of those asked for will not come.
    Unfilled(usize),
    Lost(String),
}

impl Intake {
    pub(crate) fn new(
        connection: Connection,
        handler: Arc<Handler>,
        origin: Arc<Origin>,
        in_flight_max: usize,
        part: Option<Part>,
    ) -> Self {
        let durable = Arc::new(Durable::new(connection.clone(), origin.clone()));
        Self { connection, origin, durable, handler, in_flight_max: in_flight_max.max(1), part, tasks: JoinSet::new() }
    }

    /// Takes events until told to stop, and then finishes those in flight.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let durable = self.durable.clone();
        let mut noting = JoinSet::new();
        noting.spawn(async move { durable.keep_noting().await });
        let mut said = None;
        while !shutdown.is_cancelled() {
            let why = match self.open().await {
                Ok(mut pull) => {
                    self.part.iter().for_each(Part::ready);
                    said = None;
                    let why = self.pull(&mut pull, &shutdown).await;
                    self.close(pull, why.is_none()).await;
                    why
                }
                Err(trouble) => Some(trouble.0),
            };
            if let Some(why) = why {
                self.not_ready(why, &mut said);
                // If it is time to stop, the loop ends.
                shutdown.run_until_cancelled(sleep(OPEN_PAUSE)).await;
            }
        }
        self.part.iter().for_each(|part| part.not_ready("stopping"));
        self.drain().await;
    }

    fn not_ready(&self, why: String, said: &mut Option<String>) {
        match &self.part {
            Some(part) => part.not_ready(why),
            None if said.as_ref() != Some(&why) => {
                tracing::warn!(stream = self.origin.stream, why, "no events come from a source; trying again");
                *said = Some(why);
            }
            None => {}
        }
    }

    async fn open(&self) -> Result<Pull, Trouble> {
        self.durable.ensure().await?;
        let inbox = self.connection.client().new_inbox();
        let deliveries = self.connection.client().subscribe(inbox.clone()).await;
        let deliveries = deliveries.map_err(|error| Trouble::new("listen for events", &error))?;
        Ok(Pull { deliveries, inbox, asked: 0, heard: Instant::now() })
    }

    /// Why it ended; nothing if it was told to stop.
    async fn pull(&mut self, pull: &mut Pull, shutdown: &CancellationToken) -> Option<String> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Err(trouble) = self.ask(pull).await {
                return Some(trouble.0);
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return None,
                delivery = pull.deliveries.next() => {
                    let Some(message) = delivery else { return Some("the connection to NATS is closed".to_owned()) };
                    pull.heard = Instant::now();
                    match message.status {
                        None => {
                            pull.asked = pull.asked.saturating_sub(1);
                            self.begin(message);
                        }
                        Some(status) => match notice(status, &message) {
                            Notice::Alive => {}
                            Notice::Unfilled(unfilled) => pull.asked = pull.asked.saturating_sub(unfilled),
                            Notice::Lost(why) => return Some(why),
                        },
                    }
                }
                Some(ended) = self.tasks.join_next() => note_end(ended),
                _ = look.tick() => {
                    // Without a request nobody owes us a heartbeat.
                    if 0 < pull.asked && SILENCE_MAX < pull.heard.elapsed() {
                        return Some(format!("nothing was heard from NATS for {SILENCE_MAX:?}"));
                    }
                }
            }
        }
    }

    /// Asks for as many events as there is room for, once that is worth a request.
    async fn ask(&self, pull: &mut Pull) -> Result<(), Trouble> {
        let room = self.in_flight_max.saturating_sub(pull.asked + self.tasks.len());
        if room == 0 || (0 < pull.asked && room < self.in_flight_max.div_ceil(4)) {
            return Ok(());
        }
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let body = json!({ "batch": room, "expires": nanos(REQUEST_EXPIRES), "idle_heartbeat": nanos(HEARTBEAT) });
        let client = self.connection.client();
        let asked =
            client.publish_with_reply(self.durable.requests(), pull.inbox.clone(), body.to_string().into()).await;
        asked.map_err(|error| Trouble::new("ask for events", &error))?;
        if pull.asked == 0 {
            pull.heard = Instant::now();
        }
        pull.asked += room;
        Ok(())
    }

    fn begin(&mut self, message: Message) {
        let message = jetstream::Message { message, context: self.connection.jetstream().clone() };
        let Some(received) = Received::new(message, self.origin.clone()) else {
            return tracing::warn!("a message without a place in the stream came where events come; it is left alone");
        };
        let handler = self.handler.clone();
        self.tasks.spawn(async move {
            match handler.handle(&received).await {
                Ok(()) => received.acknowledge().await,
                Err(Later::Trouble(trouble)) => received.postpone(&trouble).await,
                Err(Later::NoRoom(fill)) => received.wait_for_room(&fill).await,
            }
        });
    }

    /// What was delivered is handled; what is on its way still comes in if there is a connection.
    async fn close(&mut self, mut pull: Pull, orderly: bool) {
        let ended = if orderly { pull.deliveries.drain().await } else { pull.deliveries.unsubscribe().await };
        if let Err(error) = ended {
            tracing::debug!(%error, "a pull could not be ended; the connection is closed");
        }
        let rest = async {
            while let Some(message) = pull.deliveries.next().await {
                if message.status.is_none() {
                    self.begin(message);
                }
            }
        };
        if timeout(DRAIN_WITHIN / 2, rest).await.is_err() {
            tracing::debug!("a pull did not end in time; what it still brings comes again");
        }
    }

    async fn drain(&mut self) {
        let finished = timeout(DRAIN_WITHIN, async {
            while let Some(ended) = self.tasks.join_next().await {
                note_end(ended);
            }
        });
        if finished.await.is_err() {
            tracing::warn!(events = self.tasks.len(), "events in flight were left; they come again elsewhere");
            self.tasks.shutdown().await;
        }
        // Acknowledgements are on their way without anybody waiting for them.
        if let Ok(Err(error)) = timeout(DRAIN_WITHIN / 2, self.connection.client().flush()).await {
            tracing::debug!(%error, "the last acknowledgements may be lost; those events come again");
        }
    }
}

fn notice(status: StatusCode, message: &Message) -> Notice {
    let lost = || {
        let why = message.description.as_deref().unwrap_or("for no reason given");
        Notice::Lost(format!("NATS ended it: {why} ({status})"))
    };
    match status {
        StatusCode::IDLE_HEARTBEAT => Notice::Alive,
        // The request expired, or nothing was there.
        StatusCode::TIMEOUT | StatusCode::NOT_FOUND => {
            let headers = message.headers.as_ref();
            let unfilled = headers.and_then(|headers| headers.get("Nats-Pending-Messages"));
            Notice::Unfilled(unfilled.and_then(|count| count.as_str().parse().ok()).unwrap_or(usize::MAX))
        }
        StatusCode::NO_RESPONDERS => Notice::Lost("the consumer of events is gone".to_owned()),
        _ => lost(),
    }
}

/// The event of a task that died of a bug is delivered again when its time to be acknowledged is over.
fn note_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "handling an event ended in a bug; the event comes again");
    }
}
