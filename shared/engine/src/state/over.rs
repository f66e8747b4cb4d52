//! An execution that is over: how it ended, and what is kept of it.

use std::collections::{BTreeMap, VecDeque};

use sagaline_events::{
    EntityKey, FramePath, Parent, Start, UndoStep, input::Scheduled, job::JobView, record::StepView,
};
use sagaline_model::{Moment, Name, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answered, Early, Run, SagaEnd};
use crate::job;

/// An execution that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Over {
    pub workflow: Name,
    pub version: u32,
    pub started: Moment,
    #[serde(default)]
    pub had_early: bool,
    pub ended: Moment,
    pub tags: BTreeMap<String, String>,
    pub outcome: Outcome,
    pub steps: Vec<StepView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub replies: VecDeque<Answered>,
    /// What the workflow's queries gave at the end.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<Name, Value>,
    /// The how-manieth attempt of the whole it was, where it was begun anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What can be undone of it by its parent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoStep>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Box<Scheduled>>,
    /// Set if it was a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobView>>,
    /// The unique key that it still has, until its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps: Option<EntityKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed {
        output: Value,
    },
    Failed {
        error: StepError,
        step: Option<FramePath>,
        attempts: Option<u32>,
    },
    Cancelled {
        reason: Option<String>,
    },
    TimedOut,
    Refused {
        error: StepError,
    },
    /// What it did has been undone since it ended.
    RolledBack {
        cause: Box<Outcome>,
        saga: Box<SagaEnd>,
    },
}

impl Over {
    pub(crate) fn of(run: &Run, steps: Vec<StepView>, outcome: Outcome, ended: Moment) -> Self {
        Self {
            workflow: run.workflow.clone(),
            version: run.version,
            started: run.started,
            had_early: run.had_early,
            ended,
            tags: run.tags.clone(),
            steps,
            parent: run.parent.clone(),
            replies: run.replies.clone(),
            queries: Default::default(),
            attempt: run.attempt(),
            undo: vec![],
            schedule: run.schedule.clone(),
            job: run.job_view(Some(&outcome)).map(Box::new),
            keeps: run.keeps_key(&outcome).cloned(),
            outcome,
        }
    }

    /// One that never began.
    pub(crate) fn before_begin(start: Start, started: Moment, early: &Early, ended: Moment, outcome: Outcome) -> Self {
        Self {
            version: start.version.unwrap_or(0),
            workflow: start.workflow,
            started,
            had_early: !early.is_empty(),
            ended,
            tags: start.tags,
            steps: vec![],
            parent: start.parent,
            replies: Default::default(),
            queries: Default::default(),
            attempt: None,
            undo: vec![],
            schedule: start.schedule,
            job: start.job.as_deref().map(|job| Box::new(JobView { status: job::ended(&outcome), ..job::before(job) })),
            outcome,
            keeps: None,
        }
    }
}

impl Outcome {
    /// The error, the step that failed, and the reason that was given.
    pub(crate) fn causes(&self) -> (Option<&StepError>, Option<&FramePath>, Option<&str>) {
        match self {
            Self::Failed { error, step, .. } => (Some(error), step.as_ref(), None),
            Self::Refused { error } => (Some(error), None, None),
            Self::Cancelled { reason } => (None, None, reason.as_deref()),
            Self::RolledBack { cause, .. } => cause.causes(),
            Self::Completed { .. } | Self::TimedOut => (None, None, None),
        }
    }
}
