//! A step whose task is out: what this attempt is given, what limits its time, and what goes through all attempts.

use sagaline_events::{EntityKey, TimerKind};
use sagaline_model::{Moment, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dispatched {
    pub attempt: u32,
    /// When the input that caused this attempt was stored.
    pub cause: Moment,
    #[serde(default)]
    pub input: TaskInput,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
    /// The last report of a worker that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    #[serde(default, skip_serializing_if = "Course::is_plain")]
    pub course: Course,
    /// When the first of its gates was asked for this attempt, or its breaker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Moment>,
    /// Whether its worker asks once more when it has said that it begins, and answers in any case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claim: bool,
    /// The places that it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<EntityKey>,
    /// Until when it may begin: its turn of a rate is over then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin_by: Option<Moment>,
}

/// What limits the time of one attempt besides its `timeout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// From the hand-over to the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Span>,
    /// From one sign of life to the next. Workers see to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Span>,
}

/// What goes through all attempts of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// How many attempts retries do not count: those that were too early, and those of before it was let go on, or begun anew.
    #[serde(default)]
    pub snoozes: u32,
    /// When the time of all attempts together is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Moment>,
    /// Whether it runs beside the execution.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// How many attempts came to their workers when their turns of a rate were over.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(late: &u32) -> bool {
    *late == 0
}

/// The input of every attempt of a step. (No `Option`: in JSON, a computed null would read as nothing computed.)
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskInput {
    /// As it stands in the plan.
    #[default]
    Literal,
    Computed(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub at: Moment,
    pub worker: Option<String>,
}

impl Limits {
    pub(super) fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Course {
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl Dispatched {
    /// Whether a worker says when it begins. Otherwise handing it over is the best that is known.
    pub fn is_reported(&self) -> bool {
        self.timeout.is_some() || self.limits.schedule.is_some() || self.claim
    }

    /// What ends this attempt first, if time does.
    pub fn limit(&self) -> Option<(Moment, TimerKind)> {
        let own = match &self.report {
            Some(report) => self.timeout.map(|timeout| (report.at + timeout, TimerKind::StepTimeout)),
            None => self.limits.schedule.map(|limit| (self.cause + limit, TimerKind::ScheduleTimeout)),
        };
        let total = self.course.deadline.map(|deadline| (deadline, TimerKind::TotalTimeout));
        // Of two at the same time, the one that leaves no other attempt.
        total.into_iter().chain(own).min_by_key(|(at, _)| *at)
    }
}
