//! What the world learns of what can be undone, and what must be true of what is asked for.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_engine::{Execution, Stage};
use sagaline_events::{
    FramePath, Input, SagaRequest,
    record::Status,
    saga::{Late, UndoOutcome},
};
use sagaline_model::ExecutionId;

#[derive(Default)]
pub(crate) struct Undoing {
    /// Steps that have had their effect for certain.
    did: BTreeSet<FramePath>,
    began: BTreeSet<FramePath>,
    /// Attempts that were taken back: their answers may be heard.
    given_up: BTreeSet<(FramePath, u32)>,
    /// Answers of success, whether or not they were waited for.
    succeeded: BTreeSet<FramePath>,
    parted: BTreeSet<ExecutionId>,
    request: Option<SagaRequest>,
}

impl Undoing {
    pub(crate) fn did(&mut self, step: &FramePath) {
        self.did.insert(step.clone());
    }

    pub(crate) fn began(&mut self, step: &FramePath) {
        self.began.insert(step.clone());
    }

    pub(crate) fn given_up(&mut self, step: &FramePath, attempt: u32) {
        self.given_up.insert((step.clone(), attempt));
    }

    pub(crate) fn is_given_up(&self, step: &FramePath, attempt: u32) -> bool {
        self.request.is_some() || self.given_up.contains(&(step.clone(), attempt))
    }

    pub(crate) fn parted(&mut self, child: &ExecutionId) {
        self.parted.insert(child.clone());
    }

    pub(crate) fn is_parted(&self, child: &ExecutionId) -> bool {
        self.parted.contains(child)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.request.is_some()
    }

    pub(crate) fn heard(&mut self, input: &Input) {
        let path = match input {
            Input::StepSucceeded(done) => &done.path,
            Input::StepExpanded(done) => &done.path,
            Input::StepAwaits(done) => &done.path,
            Input::ChildEnded(told) if told.status == Status::Completed => &told.path,
            _ => return,
        };
        self.succeeded.insert(path.clone());
    }

    /// What is asked for is what had its effect, or may have had it, and it is asked for once.
    pub(crate) fn asked(&mut self, request: &SagaRequest, again: bool, after: &Execution) {
        assert!(matches!(after.stage, Stage::Running(_)), "it waits for what it asks for");
        assert_ne!(request.cause.status, Status::Completed, "what completed is not undone");
        if let Some(first) = &self.request {
            assert!(again, "it is asked for twice");
            return assert_eq!(first, request, "it is asked for the same");
        }
        assert!(!again);
        let places = self.places(request);
        for step in &self.did {
            assert!(places.contains_key(step), "{step} is not undone");
        }
        for (place, step) in request.steps.iter().enumerate() {
            assert!(step.after.iter().all(|before| (*before as usize) < place), "it waits for what comes later");
            let is_own = step.execution.is_none() && !step.actions.is_empty();
            let has_begun = self.began.contains(&step.path) || self.succeeded.contains(&step.path);
            assert!(!is_own || has_begun, "{} never began", step.path);
            let is_certain = is_own && step.outcome == UndoOutcome::Completed;
            assert!(!is_certain || self.succeeded.contains(&step.path), "{} did not succeed", step.path);
        }
        self.request = Some(request.clone());
    }

    /// Where each step stands that is undone.
    pub(crate) fn places(&self, request: &SagaRequest) -> BTreeMap<FramePath, usize> {
        let mut places = BTreeMap::new();
        for (place, step) in request.steps.iter().enumerate().filter(|(_, step)| !step.actions.is_empty()) {
            assert!(places.insert(step.path.clone(), place).is_none(), "{} is undone twice", step.path);
        }
        places
    }

    /// Only what was asked for without knowing is told late.
    pub(crate) fn late(&self, late: &Late, after: &Execution) {
        let unknown = |request: &SagaRequest| {
            request.steps.iter().any(|step| step.path == late.path && step.outcome == UndoOutcome::Unknown)
        };
        let is_running = matches!(after.stage, Stage::Running(_));
        assert!(!is_running || self.request.as_ref().is_some_and(unknown), "{late:?} is told, though it was known");
    }
}

/// Whether one place comes before another, directly or not.
pub(crate) fn before(request: &SagaRequest, first: usize, last: usize) -> bool {
    let (mut open, mut seen) = (vec![last], BTreeSet::new());
    while let Some(place) = open.pop() {
        if place == first {
            return true;
        }
        if seen.insert(place) {
            open.extend(request.steps[place].after.iter().map(|before| *before as usize));
        }
    }
    false
}
