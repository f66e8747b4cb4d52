//! A world for one worker, in virtual time: what it is told is scripted, what it does is written down.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use sagaline_events::{Input, Task, ask::Answer, ask::Ask, task::TASK_TYPE};
use sagaline_model::{ActivityName, ExecutionId, Moment, Name, Span, StepError};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::super::{
    Acknowledgement, CAUSE_WITHIN, Delivery, Elsewhere, Ended, Host, PayloadFault, Run, Running, Session, TaskPorts,
};
use crate::{
    names::Names,
    ports::{Content, Message, Outcome},
};

pub(super) const ACK_WAIT: Duration = Duration::from_millis(3000);
/// When the session began, by the server's clock.
pub(super) const SINCE: Moment = Moment::from_millis(1_000_000);

/// What the worker did, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Did {
    Asked,
    Ran(Value),
    Told(Acknowledgement, String),
    /// The subject, and the type of the CloudEvent.
    Published(String, String),
}

pub(super) struct World {
    names: Names,
    running: Running,
    elsewhere: Elsewhere,
    began: Instant,
    session: Mutex<Session>,
    did: Mutex<Vec<(Duration, Did)>>,
    messages: Mutex<Vec<Message>>,
    /// Answers to come; nobody answers when there are none.
    pub(super) answers: Mutex<VecDeque<Option<Answer>>>,
    /// Outcomes to come; stored when there are none.
    pub(super) outcomes: Mutex<VecDeque<Outcome>>,
    /// Whether there is a stream for anything.
    pub(super) is_taken: Mutex<Option<bool>>,
    /// What references are resolved to, and large outputs become.
    pub(super) payload: Mutex<Result<Value, PayloadFault>>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            names: Names::default(),
            running: Running::default(),
            elsewhere: Elsewhere::default(),
            began: Instant::now(),
            session: Mutex::new(Session {
                number: 1,
                since: Some(SINCE),
                ack_wait: ACK_WAIT,
                cause_within: CAUSE_WITHIN,
                gathering_until: Duration::ZERO,
            }),
            did: Mutex::default(),
            messages: Mutex::default(),
            answers: Mutex::default(),
            outcomes: Mutex::default(),
            is_taken: Mutex::new(None),
            payload: Mutex::new(Ok(Value::Null)),
        })
    }

    pub(super) fn owner_says(&self, answers: impl IntoIterator<Item = Option<Answer>>) {
        locked(&self.answers).extend(answers);
    }

    pub(super) fn stream_says(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        locked(&self.outcomes).extend(outcomes);
    }

    pub(super) fn lose_connection(&self) {
        let mut session = locked(&self.session);
        session.number += 1;
        session.since = None;
    }

    /// The session has just begun, after one that was lost.
    pub(super) fn gathers(&self, time: Duration) {
        locked(&self.session).gathering_until = self.boot() + time;
    }

    pub(super) fn did(&self) -> Vec<Did> {
        locked(&self.did).iter().map(|(_, did)| did.clone()).collect()
    }

    /// When the worker gave a sign of life, in milliseconds.
    pub(super) fn progress_at(&self) -> Vec<u128> {
        let did = locked(&self.did);
        let told = |did: &Did| matches!(did, Did::Told(Acknowledgement::Progress, _));
        did.iter().filter(|(_, did)| told(did)).map(|(at, _)| at.as_millis()).collect()
    }

    pub(super) fn ran(&self) -> bool {
        self.did().iter().any(|did| matches!(did, Did::Ran(_)))
    }

    /// The inputs published to the task's reply.
    pub(super) fn inputs(&self) -> Vec<Input> {
        let messages = locked(&self.messages);
        let header = |message: &Message, name: &str| {
            let found = message.headers.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone()).expect("the header is there")
        };
        let inputs = messages.iter().filter(|message| message.subject.contains(".run."));
        inputs
            .map(|message| {
                assert_eq!(header(message, "ce-subject"), "order-1");
                Input::read(&header(message, "ce-type"), &message.payload).expect("an input")
            })
            .collect()
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        locked(&self.messages).clone()
    }

    fn note(&self, did: Did) {
        locked(&self.did).push((self.began.elapsed(), did));
    }
}

impl TaskPorts for World {
    fn names(&self) -> &Names {
        &self.names
    }

    fn worker(&self) -> &str {
        "worker-1"
    }

    fn running(&self) -> &Running {
        &self.running
    }

    fn elsewhere(&self) -> &Elsewhere {
        &self.elsewhere
    }

    fn session(&self) -> Session {
        *locked(&self.session)
    }

    fn boot(&self) -> Duration {
        self.began.elapsed()
    }

    fn now(&self) -> Option<Moment> {
        self.session().since.map(|since| since + self.boot().into())
    }

    async fn pause(&self, time: Duration) {
        sleep(time).await;
    }

    async fn acknowledge(&self, reply: &str, what: Acknowledgement) {
        self.note(Did::Told(what, reply.to_owned()));
    }

    async fn ask(&self, _subject: &str, ask: &Ask) -> Option<Answer> {
        assert!(matches!(ask, Ask::Wanted { attempt: 1, .. }));
        self.note(Did::Asked);
        sleep(Duration::from_millis(1)).await;
        locked(&self.answers).pop_front().flatten()
    }

    async fn publish(&self, message: &Message) -> Outcome {
        sleep(Duration::from_millis(1)).await;
        let outcome = locked(&self.outcomes).pop_front().unwrap_or(Outcome::Stored { sequence: 1, duplicate: false });
        if matches!(outcome, Outcome::Stored { .. }) {
            let kind = message.headers.iter().find(|(name, _)| *name == "ce-type").map(|(_, kind)| kind.clone());
            self.note(Did::Published(message.subject.clone(), kind.expect("a type")));
            locked(&self.messages).push(message.clone());
        }
        outcome
    }

    async fn is_taken(&self, _subject: &str) -> Option<bool> {
        *locked(&self.is_taken)
    }

    async fn resolve(&self, _value: Value) -> Result<Value, PayloadFault> {
        locked(&self.payload).clone()
    }

    async fn offload(&self, _task: &Task, _value: Value) -> Result<Value, PayloadFault> {
        locked(&self.payload).clone()
    }
}

/// What the activity does.
#[derive(Clone)]
pub(super) enum Script {
    /// Ends like this, after so long.
    Ends(Ended, Duration),
    /// Shows so many times that it is alive, each time after so long, and ends.
    Beats(Duration, u32, Ended),
    /// Ends when it is cancelled.
    Heeds,
    /// The same, with a failure of this type.
    HeedsAndFails(&'static str),
    /// Never ends.
    Ignores,
}

pub(super) struct Scripted {
    pub(super) world: Arc<World>,
    pub(super) script: Script,
}

impl Host for Scripted {
    async fn run(&self, run: Run) -> Ended {
        self.world.note(Did::Ran(run.input.clone()));
        match self.script.clone() {
            Script::Ends(ended, after) => {
                sleep(after).await;
                ended
            }
            Script::Beats(every, times, ended) => {
                for _ in 0..times {
                    sleep(every).await;
                    run.pulse.beat();
                }
                ended
            }
            Script::Heeds => {
                run.cancel.cancelled().await;
                Ended::Succeeded("too late".into())
            }
            Script::HeedsAndFails(kind) => {
                run.cancel.cancelled().await;
                Ended::Failed(StepError::new(kind, "it was in the middle"))
            }
            Script::Ignores => std::future::pending().await,
        }
    }

    fn asked(&self, _wanted: bool) {}
}

pub(super) fn task() -> Task {
    let name = |text| Name::new(text).expect("a name");
    Task {
        workflow: name("orders"),
        version: 1,
        execution: ExecutionId::new("order-1").expect("an id"),
        path: "charge".to_owned().try_into().expect("a path"),
        attempt: 1,
        queue: name("default"),
        activity: ActivityName::new("payments.charge").expect("a name"),
        input: Value::from(7),
        idempotency_key: "order-1/charge".into(),
        reply: "sagaline.run.0.order-1.in".into(),
        ask: "sagaline.ask.0".into(),
        cause: SINCE + Span::from_secs(60),
        timeout: None,
        heartbeat: None,
        report: false,
        claim: false,
        begin_by: None,
        metadata: serde_json::Value::Null,
    }
}

/// The only copy of the task, just received.
pub(super) fn delivery(world: &World, task: &Task) -> Delivery {
    let payload = Bytes::from(serde_json::to_vec(task).expect("JSON"));
    Delivery {
        subject: "sagaline.queue.default.payments~charge.order-1.charge.1".into(),
        sequence: 9,
        stored: task.cause + Span::from_millis(5),
        delivered: 1,
        repeat: false,
        content: Ok(Content { kind: TASK_TYPE.into(), traceparent: Some("00-a-b-01".into()), data: payload.clone() }),
        payload,
        reply: "ack.1".into(),
        received: world.boot(),
        session: 1,
    }
}
