//! One stretch of pulling without a doubt: a subscription of its own, the requests on it, and all the signs that it is over.

use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use futures::StreamExt;
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{
    super::{Connection, api::API, api::nanos, boot},
    consumer::Line,
    delivery::Place,
    slots::{Demand, Slot},
};
use crate::turns::Ask;

/// How long the server keeps an unfilled request.
const EXPIRES: Duration = Duration::from_secs(5);
/// The same where consumers have to take turns with the few slots that there are.
const EXPIRES_IN_TURNS: Duration = Duration::from_secs(1);
/// At most half of how long a request is kept.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Whoever should send heartbeats is gone.
const SILENCE_MAX: Duration = Duration::from_millis(2500);
/// How late an answer to an expired request may come.
const EXPIRY_GRACE: Duration = Duration::from_secs(1);
/// After so long without a request on the server nobody would have told us that the consumer was removed.
const UNASKED_MAX: Duration = Duration::from_secs(1);
/// How often we look whether it is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// What was asked for and has not come by then waits for something else: a limit of the server's, an operator.
const QUIET_AFTER: Duration = Duration::from_millis(100);

/// Why pulling ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Nothing is known to be wrong, but nobody would have told us: the consumer has to be looked at.
    Unsure,
    /// Whatever was delivered may be with somebody else.
    Lost(String),
}

fn lost(why: impl Into<String>) -> Over {
    Over::Lost(why.into())
}

/// What is pulled.
pub(super) struct Arrival {
    pub(super) message: Message,
    pub(super) place: Place,
    pub(super) slot: Slot,
    /// Not before this time of the boot clock.
    pub(super) received: Duration,
}

pub(super) struct Pulling {
    connection: Connection,
    deliveries: Subscriber,
    inbox: String,
    request_subject: String,
    expires: Duration,
    losses: u64,
    ack_wait: Duration,
    /// The number of the last delivery; the consumer's numbers only rise.
    delivery: u64,
    /// When we last looked.
    looked: Duration,
    /// When the server was last heard.
    heard: Duration,
    /// When the last request is surely over.
    asked_until: Duration,
    /// Since when there is no request.
    unasked_since: Duration,
    /// When the last task came.
    arrived: Duration,
    /// Since when it waits before it looks again whether anything is there.
    resting_since: Option<Duration>,
    /// Whether it has only looked.
    looks: bool,
    look: Interval,
}

impl Pulling {
    /// Listens; the consumer is to be ensured after this and before anything is pulled.
    pub(super) async fn open(connection: &Connection, line: &Line, in_turns: bool) -> Result<Self, String> {
        let losses = connection.losses().count();
        let inbox = connection.client().new_inbox();
        let deliveries = connection.client().subscribe(inbox.clone()).await.map_err(|error| error.to_string())?;
        let mut look = interval(LOOK_AGAIN);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = boot();
        Ok(Self {
            connection: connection.clone(),
            deliveries,
            inbox,
            request_subject: format!("{API}.CONSUMER.MSG.NEXT.{}.{}", line.stream, line.consumer),
            expires: if in_turns { EXPIRES_IN_TURNS } else { EXPIRES },
            losses,
            ack_wait: Duration::ZERO,
            delivery: 0,
            looked: now,
            heard: now,
            asked_until: now,
            unasked_since: now,
            arrived: now,
            resting_since: None,
            looks: false,
            look,
        })
    }

    pub(super) fn begin(&mut self, ack_wait: Duration) {
        let now = boot();
        (self.ack_wait, self.looked, self.heard, self.unasked_since) = (ack_wait, now, now, now);
    }

    /// The connection on which this began.
    pub(super) fn losses(&self) -> u64 {
        self.losses
    }

    /// The next task. `Err`: it is over, and why. Dropping the future loses nothing.
    pub(super) async fn next(&mut self, demand: &Demand) -> Result<Arrival, Over> {
        loop {
            let looked = self.look_around(demand)?;
            self.ask(demand).await?;
            tokio::select! {
                biased;
                message = self.deliveries.next() => {
                    let Some(message) = message else { return Err(lost("the connection is closed")) };
                    if let Some(arrival) = self.take(message, looked, demand)? {
                        return Ok(arrival);
                    }
                }
                () = demand.woken() => {}
                _ = self.look.tick() => {}
            }
        }
    }

    /// Ends it, and gives back what has come and was not taken.
    pub(super) async fn close(mut self) -> Vec<Message> {
        if let Err(error) = self.deliveries.unsubscribe().await {
            tracing::debug!(%error, "the connection is closed already");
        }
        let mut left = vec![];
        while let Some(message) = self.deliveries.next().await {
            if message.status.is_none() {
                left.push(message);
            }
        }
        left
    }

    /// When we looked last. What comes now has come after that.
    fn look_around(&mut self, demand: &Demand) -> Result<Duration, Over> {
        let (now, looked) = (boot(), self.looked);
        self.looked = now;
        if self.connection.losses().count() != self.losses {
            return Err(lost("the connection was lost"));
        }
        // Whatever lies in our buffers now may be with somebody else long since, and be the first we hear of it.
        if self.ack_wait / 2 < now.saturating_sub(looked) {
            return Err(lost(format!("this process stood still for {:?}", now.saturating_sub(looked))));
        }
        if 0 < demand.asked() {
            if SILENCE_MAX < now.saturating_sub(self.heard) {
                return Err(lost("no heartbeat comes from the consumer"));
            }
            if self.asked_until < now {
                demand.forget();
                self.unasked_since = now;
            } else if QUIET_AFTER < now.saturating_sub(self.arrived) {
                demand.quiet();
            }
        }
        if self.resting_since.is_some_and(|since| LOOK_AGAIN <= now.saturating_sub(since)) {
            self.resting_since = None;
            demand.rested();
        }
        Ok(looked)
    }

    async fn ask(&mut self, demand: &Demand) -> Result<(), Over> {
        let first = demand.asked() == 0;
        match demand.more() {
            None => Ok(()),
            Some(ask) => self.request(ask, first).await,
        }
    }

    async fn request(&mut self, ask: Ask, first: bool) -> Result<(), Over> {
        let now = boot();
        if first {
            if UNASKED_MAX < now.saturating_sub(self.unasked_since) {
                return Err(Over::Unsure);
            }
            self.heard = now;
        }
        self.asked_until = now + self.expires + EXPIRY_GRACE;
        self.looks = ask.look;
        self.arrived = now;
        let body = if ask.look {
            json!({ "batch": 1, "no_wait": true })
        } else {
            json!({ "batch": ask.count, "expires": nanos(self.expires), "idle_heartbeat": nanos(HEARTBEAT) })
        };
        let client = self.connection.client();
        let sent = client.publish_with_reply(self.request_subject.clone(), self.inbox.clone(), body.to_string().into());
        sent.await.map_err(|error| lost(error.to_string()))
    }

    fn take(&mut self, message: Message, looked: Duration, demand: &Demand) -> Result<Option<Arrival>, Over> {
        self.heard = self.looked;
        let arrival = match message.status {
            None => Some(self.arrival(message, looked, demand)?),
            Some(StatusCode::IDLE_HEARTBEAT) => None,
            // The request expired, or nothing was there: what it still asked for will not come.
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                demand.unfilled(unfilled(&message).unwrap_or(usize::MAX));
                if self.looks {
                    demand.rest();
                    self.resting_since = Some(self.looked);
                }
                None
            }
            Some(StatusCode::NO_RESPONDERS) => return Err(lost("the consumer is gone")),
            Some(status) => {
                let why = message.description.as_deref().unwrap_or("for no reason given");
                return Err(lost(format!("NATS ended it: {why} ({status})")));
            }
        };
        if demand.asked() == 0 {
            self.unasked_since = self.looked;
        }
        Ok(arrival)
    }

    fn arrival(&mut self, message: Message, received: Duration, demand: &Demand) -> Result<Arrival, Over> {
        let place = message.reply.as_ref().and_then(|reply| Place::read(reply));
        let place = place.ok_or_else(|| lost("a delivery does not say where it stands"))?;
        if place.delivery <= self.delivery {
            let (this, last) = (place.delivery, self.delivery);
            return Err(lost(format!("delivery {this} came after {last}: the consumer was made anew")));
        }
        self.delivery = place.delivery;
        self.arrived = self.looked;
        let slot = demand.take(place.waiting).ok_or_else(|| lost("more came than was asked for"))?;
        Ok(Arrival { message, place, slot, received })
    }
}

fn unfilled(message: &Message) -> Option<usize> {
    message.headers.as_ref()?.get("Nats-Pending-Messages")?.as_str().parse().ok()
}
