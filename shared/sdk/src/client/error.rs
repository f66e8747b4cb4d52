//! Why a client could not do what it was asked for.

use sagaline_broker::{
    nats::{ConnectError, InstallError, PayloadError},
    ports::Failure,
    room::{Fill, OPEN_BELOW_PERCENT},
};
use sagaline_model::{ExecutionId, Name, StepError};
use sagaline_schema::Violations;

use crate::workflow::BuildError;

/// What went wrong. [`Error::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error("no workflow `{workflow}` is applied")]
    UnknownWorkflow {
        workflow: Name,
        /// One that is applied, and is called nearly so.
        near: Option<Name>,
    },
    #[error("workflow `{workflow}` has no version {version}; the newest is {latest}")]
    UnknownVersion { workflow: Name, version: u32, latest: u32 },
    #[error("execution `{execution}` exists already, with another {differs}")]
    AlreadyExists { execution: ExecutionId, differs: &'static str },
    #[error("there is no execution `{0}`")]
    NotFound(ExecutionId),
    #[error("`{0}` left no dead letter, or it is gone")]
    NoDeadLetter(ExecutionId),
    #[error("`{step}` is no step of `{workflow}` version {version} itself")]
    UnknownStep { step: Name, workflow: Name, version: u32 },
    #[error("the input does not fit the schema of `{workflow}` version {version}")]
    InvalidInput { workflow: Name, version: u32, violations: Violations },
    #[error("the data of the signal `{signal}` does not fit its schema in `{workflow}` version {version}")]
    InvalidSignal { signal: Name, workflow: Name, version: u32, violations: Violations },
    #[error("{what} of `{execution}` is refused ({}): {}", .error.kind, .error.message)]
    NotTaken { execution: ExecutionId, what: String, error: Box<StepError> },
    #[error("no orchestrator answers for partition {partition}")]
    NoOwner { partition: u32 },
    #[error("the {service} of partition {partition} refused the question: {why}")]
    QuestionRefused { service: &'static str, partition: u32, why: String },
    #[error("NATS has no room for new executions: stream `{}` is {} % full", .fill.stream, .fill.percent)]
    NoRoom { execution: ExecutionId, fill: Fill },
    #[error("there is no room to {attempt}: {why}")]
    Full { attempt: String, why: String },
    #[error("NATS will not take it ({attempt}): {why}")]
    Refused { attempt: String, why: String },
    #[error("cannot {attempt}: the message has {bytes} bytes, and NATS takes at most {limit}")]
    TooLarge { attempt: String, bytes: usize, limit: usize },
    #[error("no answer from NATS while trying to {attempt}: {why}")]
    NoAnswer { attempt: String, why: String },
    #[error("others kept writing while trying to {attempt}")]
    Contended { attempt: String },
    #[error("{what} cannot be read")]
    Unreadable { what: String, source: serde_json::Error },
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error("cannot {attempt}")]
    Nats { attempt: String, source: async_nats::Error },
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("nothing of `{0}` is being undone, and nothing was")]
    NoSaga(ExecutionId),
    #[error("the saga of `{execution}` cannot be {what}: {why}")]
    SagaRefused { execution: ExecutionId, what: &'static str, why: String },
    #[error("there is no schedule `{0}`")]
    NoSchedule(Name),
    #[error("there is a schedule `{0}` already")]
    ScheduleExists(Name),
    #[error("the schedule `{schedule}` makes no sense: {}", faults.join("; "))]
    InvalidSchedule { schedule: Name, faults: Vec<String> },
    #[error(
        "the schedule `{schedule}` was not changed: its owner refused that, or somebody else changed it in the same moment"
    )]
    ScheduleRefused { schedule: Name },
    #[error("no scheduler answers for partition {partition}")]
    NoScheduler { partition: u32 },
    #[error("no compensator answers for partition {partition}")]
    NoCompensator { partition: u32 },
    #[error("`{execution}` was rolled back: it can only begin anew, not go on from `{step}`")]
    RolledBack { execution: ExecutionId, step: Name },
    #[error("the start of `{0}` is not on the log any more")]
    StartGone(ExecutionId),
    #[error("there is no queue `{0}`")]
    NoQueue(Name),
    #[error("the queue `{queue}` is not empty: it has {tasks} task{}", if *tasks == 1 { "" } else { "s" })]
    QueueInUse { queue: Name, tasks: u64 },
    #[error("the job `{activity}` cannot be submitted: {why}")]
    BadJob { activity: String, why: String },
    #[error("the unique key `{key}` is that of `{existing}`: `{job}` was not done")]
    NotUnique { job: ExecutionId, key: String, existing: ExecutionId },
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("nothing was filled: {why}")]
    BackfillRefused { schedule: Name, why: String },
}

/// Whose turn it is after an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The answer is no.
    Refused,
    /// What was given cannot be used.
    BadData,
    /// NATS, or what should run on it, is not there.
    Unreachable,
    /// Recorded data is not as it must be: a bug, of ours or of who wrote it.
    Corrupt,
}

impl Error {
    pub fn class(&self) -> Class {
        match self {
            Self::UnknownWorkflow { .. }
            | Self::UnknownVersion { .. }
            | Self::AlreadyExists { .. }
            | Self::NotFound(_)
            | Self::NoDeadLetter(_)
            | Self::UnknownStep { .. }
            | Self::NotTaken { .. }
            | Self::QuestionRefused { .. }
            | Self::NoRoom { .. }
            | Self::Full { .. }
            | Self::Payload(PayloadError::Full { .. })
            | Self::Contended { .. }
            | Self::NoSaga(_)
            | Self::SagaRefused { .. }
            | Self::NoSchedule(_)
            | Self::ScheduleExists(_)
            | Self::ScheduleRefused { .. }
            | Self::RolledBack { .. }
            | Self::NotUnique { .. }
            | Self::StartGone(_)
            | Self::NoQueue(_)
            | Self::QueueInUse { .. }
            | Self::BackfillRefused { .. } => Class::Refused,
            Self::InvalidInput { .. }
            | Self::InvalidSchedule { .. }
            | Self::InvalidSignal { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::BadJob { .. }
            | Self::Build(_)
            | Self::Payload(PayloadError::TooLarge { .. }) => Class::BadData,
            Self::Connect(ConnectError::BadNamespace(_) | ConnectError::BadUrl { .. }) => Class::BadData,
            Self::Connect(_)
            | Self::Install(_)
            | Self::NoOwner { .. }
            | Self::NoCompensator { .. }
            | Self::NoScheduler { .. }
            | Self::NoAnswer { .. }
            | Self::Nats { .. }
            | Self::Failure(_) => Class::Unreachable,
            Self::Payload(PayloadError::Missing { .. } | PayloadError::Store { .. }) => Class::Unreachable,
            Self::Unreadable { .. } | Self::Payload(PayloadError::Corrupt { .. }) => Class::Corrupt,
        }
    }

    /// What to do next, where the message itself does not say.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownWorkflow { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::UnknownWorkflow { near: None, .. } => {
                "`sagaline apply FILE` applies one; `sagaline workflows` lists those that are".into()
            }
            Self::InvalidInput { workflow, version, .. } => {
                format!("`sagaline definitions get {workflow} {version}` shows the schema; nothing was started")
            }
            Self::InvalidSignal { workflow, version, .. } => {
                format!("`sagaline definitions get {workflow} {version}` shows the schema; nothing was sent")
            }
            Self::NotTaken { execution, .. } => {
                format!("nothing was changed; `sagaline why {execution}` shows what it waits for")
            }
            Self::UnknownVersion { .. } => "leave `--version` out to start the newest".into(),
            Self::AlreadyExists { execution, .. } => {
                format!("`sagaline get {execution}` shows it; choose another id for a new execution")
            }
            Self::NoDeadLetter(_) => {
                "executions that failed leave one, if their workflow has `dead_letter`; `sagaline dead list` shows them".into()
            }
            Self::UnknownStep { workflow, .. } => {
                format!("it must be a step that stands in `steps` of the workflow, not inside of another; `sagaline definitions get {workflow}` shows them")
            }
            Self::NotFound(_) => "`sagaline list` shows which there are; ended ones are kept for seven days".into(),
            Self::NoOwner { .. } => {
                "start an orchestrator (`sagaline-orchestrator`), or `sagaline dev`; one that was killed is replaced \
                 within seconds"
                    .into()
            }
            Self::NoRoom { execution, fill: Fill { stream, .. } } => format!(
                "nothing was started; what runs goes on, and starts are taken again below {OPEN_BELOW_PERCENT} %. Start \
                 `{execution}` again later; more workers empty a queue, a shorter `--history` a log; \
                 `nats stream edit {stream} --max-bytes …` gives more room"
            ),
            Self::Payload(PayloadError::Full { .. }) => {
                "payloads of executions that ended go by themselves; `nats stream edit` gives the bucket's stream more room".into()
            }
            Self::Full { .. } => {
                "give JetStream more room, or wait until old executions have left the log; nothing was started".into()
            }
            Self::TooLarge { .. } => {
                "store what is large elsewhere and send a reference to it; nats-server's `max_payload` sets the limit"
                    .into()
            }
            Self::NoAnswer { .. } => {
                "nobody knows whether it was stored; doing it again under the same id is safe".into()
            }
            Self::Contended { .. } => "try again".into(),
            Self::Nats { .. } | Self::Failure(_) => {
                "see whether nats-server runs and has a leader for this stream".into()
            }
            Self::Unreadable { .. } => "a newer Sagaline may have written it; use that version of `sagaline`".into(),
            Self::NoSaga(execution) => format!(
                "only what failed, ran out of time or was cancelled with `--rollback` is undone, and only if it has something to undo; \
                 `sagaline get {execution}` shows how it stands"
            ),
            Self::SagaRefused { execution, .. } => {
                format!("nothing was changed; `sagaline sagas get {execution}` shows how it stands")
            }
            Self::NoSchedule(_) => "`sagaline schedules list` shows those that there are".into(),
            Self::ScheduleExists(name) => format!("`sagaline schedules update {name}` changes it"),
            Self::InvalidSchedule { .. } => "nothing was changed".into(),
            Self::ScheduleRefused { .. } => {
                "`sagaline schedules get` shows how it stands, and `sagaline rejected list` what was refused, with the reason".into()
            }
            Self::NoScheduler { .. } => "start a scheduler (`sagaline-scheduler`), or `sagaline dev`; one that was killed is replaced \
                                         within seconds, and what was sent to it is not lost"
                .into(),
            Self::NoCompensator { .. } => {
                "start a compensator (`sagaline-compensator`), or `sagaline dev`; one that was killed is replaced within \
                 seconds, and what was sent to it is not lost"
                    .into()
            }
            Self::RolledBack { execution, .. } => {
                format!("`sagaline retry {execution}` starts it again from the beginning")
            }
            Self::BackfillRefused { schedule, .. } => {
                format!("ask for less, or for a later time; `sagaline schedules get {schedule}` shows how it stands")
            }
            Self::NotUnique { existing, .. } => format!("`sagaline jobs get {existing}` shows the one that has it"),
            Self::StartGone(_) => "start it anew with `sagaline start`; the log keeps what an execution began with for a day".into(),
            Self::NoQueue(_) => {
                "`sagaline queues list` shows which there are; a definition that names a queue makes it when it is applied".into()
            }
            Self::QueueInUse { queue, .. } => format!(
                "nothing was removed; `sagaline queues purge {queue}` removes what waits, and tells the executions concerned"
            ),
            Self::Connect(_)
            | Self::Install(_)
            | Self::QuestionRefused { .. }
            | Self::Refused { .. }
            | Self::BadJob { .. }
            | Self::Build(_)
            | Self::Payload(_) => return None,
        })
    }

    pub(super) fn nats(attempt: impl Into<String>) -> impl FnOnce(async_nats::Error) -> Self {
        let attempt = attempt.into();
        move |source| Self::Nats { attempt, source }
    }
}
