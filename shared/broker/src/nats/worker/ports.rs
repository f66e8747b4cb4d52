//! [`TaskPorts`] over a real server, for the tasks of one queue and activity.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use sagaline_events::{
    Task,
    ask::{Answer, Ask},
};
use sagaline_model::Moment;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    super::{PayloadError, PayloadOf, boot, connect::RECONNECT_PAUSE_MAX},
    Link,
    consumer::Found,
};
use crate::{
    names::Names,
    ports::{Message, Outcome},
    worker::{Acknowledgement, CAUSE_WITHIN, Elsewhere, PayloadFault, Running, Session, TaskPorts},
};

/// Others that lost the connection, too, are back by then, and have said what they hold.
const GATHERING: Duration = RECONNECT_PAUSE_MAX.saturating_add(Duration::from_millis(250));

/// See [`TaskPorts`].
pub struct NatsTaskPorts {
    link: Arc<Link>,
    session: Mutex<Kept>,
}

#[derive(Clone, Copy)]
struct Kept {
    session: Session,
    /// How often the connection had been lost when it began.
    losses: u64,
    /// When it began, by the boot clock. Since then that goes as the server's does.
    began: Duration,
}

impl NatsTaskPorts {
    pub(super) fn new(link: Arc<Link>, ack_wait: Duration) -> Self {
        let session =
            Session { number: 0, since: None, ack_wait, cause_within: CAUSE_WITHIN, gathering_until: Duration::ZERO };
        Self { link, session: Mutex::new(Kept { session, losses: 0, began: Duration::ZERO }) }
    }

    pub(super) fn begin_session(&self, found: &Found, losses: u64) {
        let cause_within = CAUSE_WITHIN.min((found.window / 2).into());
        let began = boot();
        self.change(|kept| {
            let number = kept.session.number + 1;
            // Whoever has just come has lost nothing, together with others.
            let is_first = kept.session.number == 0;
            let gathering_until = if is_first { began } else { began + GATHERING };
            let (since, ack_wait) = (Some(found.at), found.ack_wait);
            let session = Session { number, since, ack_wait, cause_within, gathering_until };
            *kept = Kept { session, losses, began };
        });
        self.link.greeter.greet();
    }

    pub(super) fn end_session(&self) {
        self.change(|kept| {
            kept.session.number += 1;
            kept.session.since = None;
        });
    }

    /// The number of the session in which something was just pulled.
    pub(super) fn session_number(&self) -> u64 {
        self.kept().session.number
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.session.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn kept(&self) -> Kept {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskPorts for NatsTaskPorts {
    fn names(&self) -> &Names {
        self.link.connection.names()
    }

    fn worker(&self) -> &str {
        &self.link.worker
    }

    fn running(&self) -> &Running {
        &self.link.running
    }

    fn elsewhere(&self) -> &Elsewhere {
        &self.link.elsewhere
    }

    fn session(&self) -> Session {
        let Kept { session, losses, .. } = self.kept();
        if session.since.is_some() && self.link.connection.losses().count() != losses {
            // The puller will find out in a moment; what begins now must know it already.
            return Session { number: session.number + 1, since: None, ..session };
        }
        session
    }

    fn boot(&self) -> Duration {
        boot()
    }

    fn now(&self) -> Option<Moment> {
        let Kept { session, began, .. } = self.kept();
        session.since.map(|since| since + boot().saturating_sub(began).into())
    }

    async fn pause(&self, time: Duration) {
        sleep(time).await;
    }

    async fn acknowledge(&self, reply: &str, what: Acknowledgement) {
        let payload = match what {
            Acknowledgement::Done => Bytes::from_static(b"+ACK"),
            Acknowledgement::Progress => Bytes::from_static(b"+WPI"),
            Acknowledgement::Again => Bytes::from_static(b"-NAK"),
        };
        // It would be sent much later, and mean nothing then; what is not acknowledged comes again and is asked about.
        if !self.link.connection.is_connected() {
            return;
        }
        if let Err(error) = self.link.connection.client().publish(reply.to_owned(), payload).await {
            tracing::debug!(%error, ?what, reply, "the queue could not be told");
        }
    }

    async fn ask(&self, subject: &str, ask: &Ask) -> Option<Answer> {
        if !self.link.connection.is_connected() {
            return None;
        }
        let question = serde_json::to_vec(ask).expect("questions have string keys only");
        let answer = self.link.connection.client().request(subject.to_owned(), question.into()).await.ok()?;
        match serde_json::from_slice(&answer.payload) {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%error, subject, "an answer of an owner cannot be read");
                None
            }
        }
    }

    async fn publish(&self, message: &Message) -> Outcome {
        self.link.publisher.publish(message).await
    }

    async fn is_taken(&self, subject: &str) -> Option<bool> {
        let streams = self.link.connection.streams_of(subject).await.ok()?;
        Some(!streams.is_empty())
    }

    async fn resolve(&self, value: Value) -> Result<Value, PayloadFault> {
        let payloads = self.link.payloads().await.map_err(fault)?;
        payloads.resolve(value).await.map_err(fault)
    }

    async fn offload(&self, task: &Task, value: Value) -> Result<Value, PayloadFault> {
        let payloads = self.link.payloads().await.map_err(fault)?;
        // Only a task that somebody put into the queue by hand is answered elsewhere; its output is nobody's.
        let partition = self.names().parse_run(&task.reply).map_or(u32::MAX, |(partition, _, _)| partition);
        let of = PayloadOf { partition, execution: task.execution.as_str() };
        payloads.offload(of, value).await.map_err(fault)
    }
}

fn fault(error: PayloadError) -> PayloadFault {
    match error {
        PayloadError::TooLarge { .. } | PayloadError::Missing { .. } | PayloadError::Corrupt { .. } => {
            PayloadFault::Never(error.to_string())
        }
        PayloadError::Full { .. } => PayloadFault::Later(error.to_string()),
        PayloadError::Store { ref source, .. } => PayloadFault::Later(format!("{error}: {source}")),
    }
}
