//! What is known of an execution without its state: enough to list it, and small, because there may be very many.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sagaline_engine::{Execution, JobGlance, Overview, Stage};
use sagaline_events::{
    ask::JobsAsked,
    job::{JobStatus, JobView},
    record::{ExecutionView, Status},
};
use sagaline_model::{ActivityName, ExecutionId, Moment, Name};

/// An execution at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// What it runs, shared by all that run it.
    runs: Arc<(Name, u32)>,
    pub status: Status,
    pub started_at: Moment,
    /// What most executions have not.
    more: Option<Box<More>>,
}

#[derive(Clone, Debug, PartialEq)]
struct More {
    /// A map of few entries takes half a kilobyte; this takes what it holds. In the order of the names.
    tags: Box<[(Arc<str>, Box<str>)]>,
    ended_at: Option<Moment>,
    reason: Option<Box<str>>,
    begins_at: Option<Moment>,
    job: Option<Job>,
}

#[derive(Clone, Debug, PartialEq)]
struct Job {
    /// What is done and where, shared by all that are alike.
    kind: Arc<(ActivityName, Name)>,
    status: JobStatus,
    attempt: u32,
    attempts: u32,
    next_at: Option<Moment>,
}

impl Job {
    fn view(&self) -> JobView {
        JobView {
            activity: self.kind.0.clone(),
            queue: self.kind.1.clone(),
            status: self.status,
            attempt: self.attempt,
            attempts: self.attempts,
            next_at: self.next_at,
            error: None,
            worker: None,
            deadline: None,
            retention: None,
            metadata: Default::default(),
        }
    }
}

impl Glance {
    pub fn workflow(&self) -> &Name {
        &self.runs.0
    }

    pub fn version(&self) -> u32 {
        self.runs.1
    }

    pub fn tag(&self, name: &str) -> Option<&str> {
        let more = self.more.as_ref()?;
        more.tags.iter().find(|(given, _)| **given == *name).map(|(_, value)| &**value)
    }

    /// Whether it is a job of which all this holds.
    pub fn is_job(&self, asked: &JobsAsked) -> bool {
        let job = self.more.as_ref().and_then(|more| more.job.as_ref());
        job.is_some_and(|job| asked.takes(&job.kind.0, &job.kind.1, job.status))
    }

    /// The execution set aside, with no more of it than this.
    pub(super) fn sealed(&self, id: ExecutionId, cause: &str, at: Moment) -> Execution {
        let mut state = Execution::parked_by_defect(id, self.workflow().clone(), self.version(), cause.to_owned(), at);
        if let Stage::Parked { run, .. } = &mut state.stage {
            run.started = self.started_at;
            run.tags = self.tags();
        }
        state
    }

    fn tags(&self) -> BTreeMap<String, String> {
        let tags = self.more.iter().flat_map(|more| &more.tags);
        tags.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// As a list shows it: an overview; `get` shows the rest.
    pub fn view(&self, execution: ExecutionId) -> ExecutionView {
        let more = self.more.as_deref();
        ExecutionView {
            execution,
            workflow: self.workflow().clone(),
            version: self.version(),
            status: self.status,
            started_at: self.started_at,
            ended_at: more.and_then(|more| more.ended_at),
            output: serde_json::Value::Null,
            error: None,
            failed_step: None,
            reason: more.and_then(|more| more.reason.as_deref().map(str::to_owned)),
            tags: self.tags(),
            steps: vec![],
            parent: None,
            queries: Default::default(),
            attempt: None,
            replies: Default::default(),
            undo: vec![],
            begins_at: more.and_then(|more| more.begins_at),
            job: more.and_then(|more| more.job.as_ref()).map(|job| Box::new(job.view())),
        }
    }
}

/// What glances share.
#[derive(Default)]
pub(super) struct Shared {
    runs: BTreeSet<Arc<(Name, u32)>>,
    tag_names: BTreeSet<Arc<str>>,
    jobs: BTreeSet<Arc<(ActivityName, Name)>>,
}

/// More names of tags than this are not shared any more: whoever makes them up for each execution gains nothing by it.
const SHARED_TAG_NAMES: usize = 10_000;

impl Shared {
    pub(super) fn glance(&mut self, seen: &Overview<'_>) -> Glance {
        let runs = Arc::new((seen.workflow.clone(), seen.version));
        let runs = self.runs.get(&runs).cloned().unwrap_or_else(|| {
            self.runs.insert(Arc::clone(&runs));
            runs
        });
        let is_plain =
            seen.tags.is_empty() && seen.ended_at.is_none() && seen.reason.is_none() && seen.begins_at.is_none();
        let is_plain = is_plain && seen.job.is_none();
        let more = (!is_plain).then(|| {
            let tags = seen.tags.iter().map(|(name, value)| (self.tag_name(name), value.as_str().into()));
            let (ended_at, reason) = (seen.ended_at, seen.reason.map(Into::into));
            let tags = tags.collect();
            let job = seen.job.as_ref().map(|job| self.job(job));
            Box::new(More { tags, ended_at, reason, begins_at: seen.begins_at, job })
        });
        Glance { runs, status: seen.status, started_at: seen.started_at, more }
    }

    fn job(&mut self, seen: &JobGlance<'_>) -> Job {
        let JobGlance { activity, queue, status, attempt, attempts, next_at } = seen;
        let kind = Arc::new(((*activity).clone(), (*queue).clone()));
        let kind = self.jobs.get(&kind).cloned().unwrap_or_else(|| {
            self.jobs.insert(Arc::clone(&kind));
            kind
        });
        Job { kind, status: *status, attempt: *attempt, attempts: *attempts, next_at: *next_at }
    }

    fn tag_name(&mut self, name: &str) -> Arc<str> {
        if let Some(shared) = self.tag_names.get(name) {
            return Arc::clone(shared);
        }
        let name: Arc<str> = name.into();
        if self.tag_names.len() < SHARED_TAG_NAMES {
            self.tag_names.insert(Arc::clone(&name));
        }
        name
    }
}
