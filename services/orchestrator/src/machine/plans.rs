//! The plans this partition has met, compiled; and which version a start runs on.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use sagaline_engine::{Compiled, job};
use sagaline_events::{
    Input, Start,
    input::{Bound, Refused},
    record::{Definition, Latest},
};
use sagaline_model::{JobSpec, Name, StepError};

#[derive(Default)]
pub(super) struct Plans {
    /// Never forgotten: an execution in memory may need its plan at any time, and versions are few.
    known: BTreeMap<(Name, u32), Arc<Compiled>>,
    /// Looked for and not there, or of no use; asked about again with the next input.
    missing: Option<(Name, u32)>,
    /// Of jobs, the one met last at the end. A plan that is not there any more is made anew.
    jobs: VecDeque<(JobSpec, Arc<Compiled>)>,
}

/// Most jobs are alike in few ways.
const JOBS_KNOWN: usize = 64;

impl Plans {
    pub(super) fn get(&self, workflow: &Name, version: u32) -> Option<&Arc<Compiled>> {
        self.known.get(&(workflow.clone(), version))
    }

    /// The plan of a job; nothing if none can be made of it.
    pub(super) fn of_job(&self, job: &JobSpec) -> Option<Arc<Compiled>> {
        let known = self.jobs.iter().rev().find(|(known, _)| job::is_alike(known, job));
        known.map(|(_, plan)| Arc::clone(plan)).or_else(|| job::compiled(job).ok().map(Arc::new))
    }

    /// The same, and it is kept for the next.
    pub(super) fn learn_job(&mut self, job: &JobSpec) -> Option<Arc<Compiled>> {
        let last = self.jobs.len().saturating_sub(1);
        if let Some(place) = self.jobs.iter().rposition(|(known, _)| job::is_alike(known, job)) {
            if place < last {
                let known = self.jobs.remove(place)?;
                self.jobs.push_back(known);
            }
            return self.jobs.back().map(|(_, plan)| Arc::clone(plan));
        }
        let plan = Arc::new(job::compiled(job).ok()?);
        if JOBS_KNOWN <= self.jobs.len() {
            self.jobs.pop_front();
        }
        // What is each one's own is no part of the plan.
        let shape = JobSpec { metadata: Default::default(), unique: None, deadline: None, ..job.clone() };
        self.jobs.push_back((shape, Arc::clone(&plan)));
        Some(plan)
    }

    pub(super) fn knows(&self, workflow: &Name, version: u32) -> bool {
        let missing = self.missing.as_ref().is_some_and(|(name, number)| name == workflow && *number == version);
        missing || self.get(workflow, version).is_some()
    }

    pub(super) fn learn(&mut self, key: &str, value: Option<&[u8]>) {
        let Some((workflow, version)) = key.rsplit_once('.') else { return };
        let (Ok(workflow), Ok(version)) = (Name::new(workflow), version.parse()) else { return };
        match compiled(value) {
            Ok(compiled) => {
                self.known.insert((workflow, version), Arc::new(compiled));
            }
            Err(why) => {
                tracing::warn!(%workflow, version, why, "a plan cannot be used");
                self.missing = Some((workflow, version));
            }
        }
    }

    /// What is not there now may be there for the next input.
    pub(super) fn forget_missing(&mut self) {
        self.missing = None;
    }
}

fn compiled(value: Option<&[u8]>) -> Result<Compiled, String> {
    let value = value.ok_or("it is not there")?;
    let definition: Definition = serde_json::from_slice(value).map_err(|fault| fault.to_string())?;
    Compiled::new(definition.plan, definition.version).map_err(|fault| fault.to_string())
}

/// What to record for a start, given what the bucket holds under the version it names or, if it names none, under the newest.
pub(super) fn bind(start: &Start, value: Option<&[u8]>) -> Input {
    let workflow = &start.workflow;
    let refuse = |message: String| {
        let error = StepError::new(StepError::UNKNOWN_WORKFLOW, message).final_();
        Input::Refused(Refused { error })
    };
    match (start.version, value) {
        // It is its own definition.
        _ if start.job.is_some() => Input::Bound(Bound { version: job::VERSION }),
        (None, None) => refuse(format!("no workflow `{workflow}` is applied; `sagaline apply FILE` does")),
        (Some(version), None) => refuse(format!("workflow `{workflow}` has no version {version}")),
        (None, Some(latest)) => match serde_json::from_slice::<Latest>(latest) {
            Ok(latest) => Input::Bound(Bound { version: latest.version }),
            Err(fault) => refuse(format!("the newest version of `{workflow}` cannot be read: {fault}")),
        },
        (Some(version), Some(definition)) => match compiled(Some(definition)) {
            Ok(_) => Input::Bound(Bound { version }),
            Err(why) => refuse(format!("version {version} of `{workflow}` cannot be run: {why}")),
        },
    }
}
