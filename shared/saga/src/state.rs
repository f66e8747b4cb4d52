//! The state of a saga.

use sagaline_events::{
    FramePath, SagaRequest, SagaStatus, TraceContext, UndoStep,
    saga::{Intervention, Late, SagaAsked, SagaCause, SagaView, UndoAction},
};
use sagaline_model::{ExecutionId, Moment, Name, Span, StepError};
use serde::{Deserialize, Serialize};

use crate::index::Index;

/// So many steps of a saga are undone at a time.
pub const AT_WORK_MAX: usize = 100;

/// For how long after its end a saga is kept that may hear of a late success.
pub const HEARS_FOR: Span = Span::from_secs(24 * 3600);

/// What comes before the request is kept for so long.
const EARLY_KEPT: Span = Span::from_secs(600);

/// The saga of one execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saga {
    /// That of its execution.
    pub id: ExecutionId,
    /// The time of the last input: time never goes back within a saga.
    pub now: Moment,
    /// Where in a trace its request came from: whatever it does belongs to that trace. It is only kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// Something came before its request: a fold that begins with that would give something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_early: bool,
    pub stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nobody has asked for it yet.
    Unasked {
        early: Vec<(Moment, Late)>,
    },
    /// It may have been before, so long ago that only its record is left.
    Recalling {
        since: Moment,
        asks: Asks,
        early: Vec<(Moment, Late)>,
    },
    /// It is at work, or stuck, or over and still hears of what comes late.
    Running(Box<Work>),
    Over(Box<SagaView>),
    /// A defect of ours keeps it from going on: people see it as stuck, and can only resolve it.
    SetAside {
        cause: String,
        view: Box<SagaView>,
    },
}

/// Who wants to know whether it has been before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// It is begun if it was not.
    Request(Box<SagaRequest>),
    /// The execution only asks how it stands.
    Asked(SagaAsked),
}

/// A saga that was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Work {
    pub workflow: Name,
    pub version: u32,
    pub cause: SagaCause,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ExecutionId>,
    /// When its execution began.
    pub began: Moment,
    pub started: Moment,
    /// Since when nothing is left to undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Moment>,
    /// What the execution was told last.
    pub told: SagaStatus,
    pub entries: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
    /// Computed from the rest.
    #[serde(skip)]
    pub(crate) index: Index,
}

impl PartialEq for Work {
    fn eq(&self, other: &Self) -> bool {
        let Self { workflow, version, cause, origin, began, started, ended, told, entries, interventions, index: _ } =
            self;
        *workflow == other.workflow
            && *version == other.version
            && *cause == other.cause
            && *origin == other.origin
            && *began == other.began
            && *started == other.started
            && *ended == other.ended
            && *told == other.told
            && *entries == other.entries
            && *interventions == other.interventions
    }
}

/// A step that is undone, and how far that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub step: UndoStep,
    #[serde(default, skip_serializing_if = "State::is_pending")]
    pub state: State,
    /// Which of its actions is next, at work or stuck; the number of actions once all are done.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub action: u32,
    /// How many attempts each action had: counted on, whatever begins anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<u32>,
    /// How many attempts of this action failed since somebody tried it anew.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// By what the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// At least one of its actions was passed by.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed: bool,
    /// How often it began once more, because of a late success.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
    /// It is to begin once more as soon as what is at work has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once_more: bool,
    /// The attempts of its step that were heard of late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Something that came after it is undone first, or too many are at work.
    #[default]
    Pending,
    /// Its task waits for a worker.
    Scheduled {
        cause: Moment,
    },
    /// A worker said that it began.
    Running {
        cause: Moment,
        due: Option<Moment>,
    },
    /// The attempt failed; the next one comes then.
    BackingOff {
        due: Moment,
    },
    /// The activity said that it is too early.
    Snoozed {
        due: Moment,
    },
    Compensated,
    Skipped,
    /// No attempt is left: somebody has to help.
    Stuck {
        error: StepError,
    },
}

impl State {
    fn is_pending(&self) -> bool {
        *self == Self::Pending
    }

    /// Nothing more is done about it.
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Compensated | Self::Skipped)
    }

    /// It goes on by itself.
    pub fn is_at_work(&self) -> bool {
        match self {
            Self::Scheduled { .. } | Self::Running { .. } | Self::BackingOff { .. } | Self::Snoozed { .. } => true,
            Self::Pending | Self::Compensated | Self::Skipped | Self::Stuck { .. } => false,
        }
    }

    /// Whether an answer of a worker is waited for.
    pub fn is_with_a_worker(&self) -> bool {
        matches!(self, Self::Scheduled { .. } | Self::Running { .. })
    }

    /// When something happens by itself.
    pub(crate) fn due(&self) -> Option<Moment> {
        match self {
            Self::Running { due, .. } => *due,
            Self::BackingOff { due } | Self::Snoozed { due } => Some(*due),
            Self::Pending | Self::Scheduled { .. } | Self::Compensated | Self::Skipped | Self::Stuck { .. } => None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Entry {
    pub(crate) fn of(step: UndoStep) -> Self {
        Self {
            step,
            state: State::Pending,
            action: 0,
            attempts: vec![],
            failures: 0,
            error: None,
            passed: false,
            round: 0,
            once_more: false,
            heard: vec![],
        }
    }

    /// What is next, at work or stuck.
    pub(crate) fn current(&self) -> Option<&UndoAction> {
        self.step.actions.get(self.action as usize)
    }

    pub(crate) fn current_path(&self) -> FramePath {
        self.step.path.undo(self.action + 1)
    }

    /// The number of the last attempt of the current action.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempts.get(self.action as usize).copied().unwrap_or(0)
    }

    pub(crate) fn count_attempt(&mut self) -> u32 {
        let place = self.action as usize;
        if self.attempts.len() <= place {
            self.attempts.resize(place + 1, 0);
        }
        self.attempts[place] += 1;
        self.attempts[place]
    }
}

impl Work {
    /// Whether a success may still be heard of that nobody knows of.
    pub(crate) fn may_hear(&self) -> bool {
        self.entries.iter().any(|entry| entry.step.outcome == sagaline_events::saga::UndoOutcome::Unknown)
    }
}

impl Saga {
    pub fn unasked(id: ExecutionId) -> Self {
        Self { id, now: Moment::EPOCH, trace: None, had_early: false, stage: Stage::Unasked { early: vec![] } }
    }

    /// What a defect leaves behind: the saga, set aside for people to see.
    pub fn set_aside(id: ExecutionId, view: SagaView, cause: String, at: Moment) -> Self {
        let view = SagaView { status: SagaStatus::Stuck, ended_at: None, ..view };
        Self { id, now: at, trace: None, had_early: true, stage: Stage::SetAside { cause, view: Box::new(view) } }
    }

    pub fn work(&self) -> Option<&Work> {
        match &self.stage {
            Stage::Running(work) => Some(work),
            Stage::Unasked { .. } | Stage::Recalling { .. } | Stage::Over(_) | Stage::SetAside { .. } => None,
        }
    }

    /// Whether this attempt is still waited for.
    pub fn wants(&self, path: &FramePath, attempt: u32) -> bool {
        self.work().is_some_and(|work| work.waiting_for(path, attempt).is_some())
    }

    /// Whether forgetting it changes nothing.
    pub fn is_blank(&self, now: Moment) -> bool {
        match &self.stage {
            Stage::Unasked { early } => early.iter().all(|(then, _)| now.since(*then) > EARLY_KEPT),
            Stage::Recalling { .. } | Stage::Running(_) | Stage::Over(_) | Stage::SetAside { .. } => false,
        }
    }

    /// Whether it waits for nothing but people and its timer.
    pub fn rests(&self) -> bool {
        match &self.stage {
            Stage::Running(work) => work.index.at_work.is_empty(),
            Stage::SetAside { .. } => true,
            Stage::Unasked { .. } | Stage::Recalling { .. } | Stage::Over(_) => false,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Whether it is stuck, so that somebody has to help.
    pub fn is_stuck(&self) -> bool {
        match &self.stage {
            Stage::Running(work) => work.told == SagaStatus::Stuck,
            Stage::SetAside { .. } => true,
            Stage::Unasked { .. } | Stage::Recalling { .. } | Stage::Over(_) => false,
        }
    }

    /// Whether a fold that begins with its request gives the same.
    pub fn stands_alone(&self) -> bool {
        !self.had_early
    }

    /// The bytes of a snapshot.
    pub fn to_snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the state has text keys only")
    }

    pub fn from_snapshot(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut saga: Self = serde_json::from_slice(json)?;
        if let Stage::Running(work) = &mut saga.stage {
            work.index = Index::of(&work.entries);
        }
        Ok(saga)
    }
}
