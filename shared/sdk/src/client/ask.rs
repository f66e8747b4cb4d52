//! What became of an execution: its owner is asked while it runs, and the bucket `results` afterwards.

use std::time::Duration;

use async_nats::RequestErrorKind;
use sagaline_broker::names::LogKind;
use sagaline_events::{
    ask::{Answer, Ask, Why},
    record::ExecutionView,
};
use sagaline_model::ExecutionId;
use tokio::time::{Instant, sleep};

use super::{Client, Error};

/// A partition whose owner was killed has another within five seconds.
pub(super) const OWNER_WITHIN: Duration = Duration::from_secs(6);
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// What an owner answers that is letting go of its partition.
const HANDED_OVER: &str = "HandedOver";

/// Why an execution is where it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Explanation {
    /// Every reason, the first to end first.
    Open(Vec<Why>),
    Over(Box<ExecutionView>),
}

/// What came of asking an owner.
pub(super) enum Asked {
    Answered(Answer),
    /// Nobody serves the partition, or nobody in time.
    Nobody,
}

impl Client {
    /// The state of an execution, or how it ended. Large outputs are references; [`Client::resolve`] loads them.
    pub async fn get(&self, execution: &ExecutionId) -> Result<Option<ExecutionView>, Error> {
        match self.look(&Ask::Get { execution: execution.clone() }, execution).await? {
            Looked::Answered(Answer::Execution(view)) | Looked::Ended(view) => Ok(Some(*view)),
            Looked::Answered(other) => Err(self.unexpected(execution, &other)),
            Looked::Unknown => Ok(None),
        }
    }

    /// Why an execution is not moving: what it waits for, since when, and what ends that.
    pub async fn why(&self, execution: &ExecutionId) -> Result<Option<Explanation>, Error> {
        match self.look(&Ask::Why { execution: execution.clone() }, execution).await? {
            Looked::Answered(Answer::Why(reasons)) => Ok(Some(Explanation::Open(reasons))),
            Looked::Answered(Answer::Execution(view)) | Looked::Ended(view) => Ok(Some(Explanation::Over(view))),
            Looked::Answered(other) => Err(self.unexpected(execution, &other)),
            Looked::Unknown => Ok(None),
        }
    }

    /// The owner first: it forgets an execution only once its result is stored.
    pub(super) async fn look(&self, ask: &Ask, execution: &ExecutionId) -> Result<Looked, Error> {
        let partition = self.partition(execution);
        let deadline = Instant::now() + OWNER_WITHIN;
        loop {
            let asked = self.ask(partition, ask).await?;
            let nobody = match asked {
                Asked::Answered(Answer::Unknown) => false,
                Asked::Answered(answer) => return Ok(Looked::Answered(answer)),
                Asked::Nobody => true,
            };
            if let Some(view) = self.result(execution).await? {
                return Ok(Looked::Ended(Box::new(view)));
            }
            if !nobody {
                return Ok(Looked::Unknown);
            }
            if deadline <= Instant::now() {
                return Err(Error::NoOwner { partition });
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks the orchestrator that owns a partition once.
    pub(super) async fn ask(&self, partition: u32, ask: &Ask) -> Result<Asked, Error> {
        self.ask_of(LogKind::Runs, partition, ask).await
    }

    /// Asks the owner of one partition of one kind once.
    pub(super) async fn ask_of(&self, kind: LogKind, partition: u32, ask: &Ask) -> Result<Asked, Error> {
        let service = kind.service();
        let question = serde_json::to_vec(ask).expect("questions have string keys only");
        let subject = self.names().ask_of(kind, partition);
        let answer = match self.connection.client().request(subject, question.into()).await {
            Ok(answer) => answer,
            Err(error) => match error.kind() {
                RequestErrorKind::NoResponders | RequestErrorKind::TimedOut => return Ok(Asked::Nobody),
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::Other => {
                    return Err(Error::nats(format!("ask the {service} of partition {partition}"))(error.into()));
                }
            },
        };
        match serde_json::from_slice(&answer.payload) {
            // Its next owner will answer.
            Ok(Answer::Refused(error)) if error.kind == HANDED_OVER => Ok(Asked::Nobody),
            Ok(Answer::Refused(error)) => Err(Error::QuestionRefused { service, partition, why: error.message }),
            Ok(answer) => Ok(Asked::Answered(answer)),
            Err(source) => {
                Err(Error::Unreadable { what: format!("the answer of partition {partition}'s {service}"), source })
            }
        }
    }

    pub(super) fn unexpected(&self, execution: &ExecutionId, answer: &Answer) -> Error {
        self.unexpected_of(LogKind::Runs, execution, answer)
    }

    pub(super) fn unexpected_of(&self, kind: LogKind, execution: &ExecutionId, answer: &Answer) -> Error {
        let (service, partition) = (kind.service(), self.partition(execution));
        Error::QuestionRefused { service, partition, why: format!("it answered something else: {answer:?}") }
    }
}

pub(super) enum Looked {
    Answered(Answer),
    Ended(Box<ExecutionView>),
    Unknown,
}
