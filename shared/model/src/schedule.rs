//! Schedules: when something is started, what, and what is done about a start that comes too soon or too late.
//!
//! This is what people write and what is recorded. Whether it makes sense, and when it fires, `sagaline-schedule` knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{JobSpec, Moment, Name, Span};

/// When a schedule fires: at every moment that at least one of its parts names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Cron expressions: five fields, six with seconds first, or a word such as `@daily`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cron: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Moment>,
    /// Once, so long after it was made known.
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Span>,
    /// Nothing fires before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Moment>,
    /// Nothing fires after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_at: Option<Moment>,
    /// The IANA time zone of the cron expressions; UTC without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Each tick comes up to so much later, so that not everything begins in the same second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Span>,
}

/// Again and again, by the clock and not by the end of the execution before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Every {
    pub period: Span,
    /// From when on the periods are counted: `start_at` without it, and 1970 UTC without that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Moment>,
    /// So much after the anchor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Span>,
}

impl Every {
    pub fn of(period: Span) -> Self {
        Self { period, anchor: None, offset: None }
    }
}

/// What becomes of a tick while an execution of the same schedule still runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It starts beside it.
    #[default]
    Allow,
    /// It is left out.
    Skip,
    /// It starts when that has ended. Only one waits: others are left out.
    QueueOne,
    /// That is cancelled, and it starts when that has ended.
    CancelRunning,
}

/// A schedule as it is made known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    pub when: When,
    pub workflow: Name,
    /// The newest version without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Overlap::is_allow")]
    pub overlap: Overlap,
    /// How late a tick may still be, say after a time in which nothing ran. One that is later is recorded as skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<Span>,
    /// So many ticks start something; then it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// It starts this job; `workflow` is named after its activity then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobSpec>>,
}

impl ScheduleSpec {
    /// How late a tick may be where nothing is said about it.
    pub const CATCH_UP: Span = Span::from_secs(3600);

    /// A start of the newest version without an input.
    pub fn of(workflow: Name, when: When) -> Self {
        Self {
            when,
            workflow,
            version: None,
            input: Value::Null,
            tags: BTreeMap::new(),
            overlap: Overlap::Allow,
            catch_up: None,
            limit: None,
            job: None,
        }
    }
}

impl Overlap {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_allow(&self) -> bool {
        *self == Self::Allow
    }
}

/// A schedule as a definition has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlannedSchedule {
    pub when: When,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    #[serde(default, skip_serializing_if = "Overlap::is_allow")]
    pub overlap: Overlap,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl PlannedSchedule {
    /// What the schedule of a workflow is called: the first like the workflow, the others with their number behind that.
    pub fn name(workflow: &Name, place: usize) -> Option<Name> {
        match place {
            0 => Some(workflow.clone()),
            place => Name::new(format!("{workflow}-{}", place + 1)).ok(),
        }
    }

    /// As it is made known. It starts the newest version.
    pub fn spec(&self, workflow: &Name) -> ScheduleSpec {
        ScheduleSpec {
            input: self.input.clone(),
            overlap: self.overlap,
            catch_up: self.catch_up,
            limit: self.limit,
            ..ScheduleSpec::of(workflow.clone(), self.when.clone())
        }
    }
}
