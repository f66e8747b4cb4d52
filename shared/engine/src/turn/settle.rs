//! Undoing what an execution did that has ended such that it is: first those are waited for that were at work, and children; then a
//! saga is asked to undo it, and waited for.

use sagaline_events::{
    FramePath, Happening, SagaNews, SagaRequest, SagaStatus,
    input::{ChildEnded, ChildUnknown},
    record::Status,
    saga::SagaCause,
};
use sagaline_model::Plan;

use super::Turn;
use crate::{
    effect::Effect,
    state::{Asked, Delegated, Outcome, Phase, SagaEnd, Undoing, asked_again, parent},
    undo_order,
};

impl Turn<'_> {
    /// Whether something of it is to be undone before what handles its end; `wanted`: somebody asked for that.
    pub(super) fn is_undone(&mut self, outcome: &Outcome, wanted: bool) -> bool {
        self.fold_expansions();
        // What others did by older rules did not wait for its children.
        let waits = wanted || Plan::RULES_OF_SAGAS <= self.run.rules || !self.run.undo.list.is_empty();
        if !waits {
            self.run.forget_left();
        }
        let children = self.run.left_at_each_place();
        if self.run.undo.list.is_empty() && children.is_empty() {
            return false;
        }
        if self.run.paused.take().is_some() {
            self.tell(Happening::WorkflowResumed);
        }
        self.run.set_deadline(None);
        let phase = Phase::Settling { until: self.run.undo.waited_for(self.at), children };
        self.run.set_undoing(Some(Undoing { since: self.at, outcome: outcome.clone(), phase }));
        self.look_whether_settled();
        true
    }

    /// Goes on once nobody is waited for any more.
    pub(super) fn look_whether_settled(&mut self) {
        let Some(undoing) = self.run.undo.undoing.as_deref() else { return };
        let Phase::Settling { children, .. } = &undoing.phase else { return };
        if !children.is_empty() || self.run.undo.waited_for(self.at).is_some() {
            return;
        }
        let (since, outcome) = (undoing.since, undoing.outcome.clone());
        let Some(request) = self.request(&outcome) else {
            self.run.forget_undo();
            return self.handle(outcome);
        };
        let (at, steps) = (self.at, request.steps.iter().filter(|step| !step.actions.is_empty()).count());
        let asked = Asked { at, steps, times: 1, look: asked_again(1, at), status: None, stuck: vec![] };
        self.effects.push(Effect::AskSaga { request: Box::new(request), again: false });
        self.run.set_undoing(Some(Undoing { since, outcome, phase: Phase::Asked(asked) }));
    }

    /// What a saga is asked to do; nothing if there is nothing.
    fn request(&self, outcome: &Outcome) -> Option<SagaRequest> {
        let steps = undo_order::of_all(&self.run.undo, self.plan);
        if steps.is_empty() {
            return None;
        }
        let (workflow, version) = (self.run.workflow.clone(), self.run.version);
        let (began, origin) = (self.run.started, self.run.origin.clone());
        Some(SagaRequest { workflow, version, cause: cause(outcome), steps, origin, began })
    }

    /// The time for answers is over.
    pub(super) fn settle_is_over(&mut self) {
        self.look_whether_settled();
    }

    /// Nothing was heard of the saga for long.
    pub(super) fn look_after_saga(&mut self) {
        let is_due = match self.run.undo.undoing.as_deref().map(|undoing| &undoing.phase) {
            Some(Phase::Asked(asked)) => asked.look <= self.at,
            Some(Phase::Settling { .. }) | None => false,
        };
        if is_due {
            let at = self.at;
            self.run.change_asked(|asked| asked.again(at));
            self.effects.push(Effect::LookAfterSaga { began: self.run.started });
        }
    }

    pub(crate) fn saga_news(&mut self, news: &SagaNews) {
        let Some(undoing) = self.run.undo.undoing.as_deref().filter(|undoing| undoing.is_asked()) else { return };
        let (at, outcome, was_stuck) = (self.at, undoing.outcome.clone(), undoing.is_stuck());
        match news.status {
            // Its request was lost.
            None => {
                let request = self.request(&outcome);
                self.effects.extend(request.map(|request| Effect::AskSaga { request: Box::new(request), again: true }));
                self.run.change_asked(|asked| {
                    asked.again(at);
                    // Whether it is refused once more is heard in a moment.
                    if !asked.is_refused() {
                        (asked.status, asked.stuck) = (None, vec![]);
                    }
                });
            }
            Some(status @ (SagaStatus::Completed | SagaStatus::Resolved)) => {
                let saga = SagaEnd {
                    status,
                    compensated: news.compensated.clone(),
                    skipped: news.skipped.clone(),
                    by: news.by.clone(),
                    why: news.why.clone(),
                };
                self.run.forget_undo();
                self.handle(Outcome::RolledBack { cause: Box::new(outcome), saga: Box::new(saga) });
            }
            Some(status @ (SagaStatus::Running | SagaStatus::Stuck)) => {
                if let (SagaStatus::Stuck, false, Some((step, error))) = (status, was_stuck, news.stuck.first()) {
                    self.tell(Happening::WorkflowStuck { step: step.clone(), error: error.clone() });
                }
                let stuck = news.stuck.clone();
                self.run.change_asked(|asked| {
                    let says_the_same = asked.status == Some(status) && asked.stuck == stuck;
                    (asked.status, asked.stuck) = (Some(status), stuck);
                    // One that says the same each time is asked ever more rarely: people may take days. And of a request that was
                    // refused it is not the saga that has said something.
                    if !says_the_same && !asked.is_refused() {
                        asked.heard(at);
                    }
                });
            }
            Some(SagaStatus::Unknown) => {}
        }
    }

    /// A child is over that was told to end, whether this execution goes on or waits for that.
    pub(super) fn left_child_ended(&mut self, told: &ChildEnded) {
        let is_parting = self.is_parting(&told.path, &told.child);
        if self.run.take_left(&told.child).is_none() && !is_parting {
            return;
        }
        // It completed before it heard of that. Once it is known how this execution ends, nothing of it is undone any more.
        if told.status == Status::Completed && self.run.ending.is_none() {
            self.take_over(told, false);
        }
        if is_parting {
            self.parting_child_is_over(&told.path);
        }
    }

    fn parting_child_is_over(&mut self, path: &FramePath) {
        let next = self.run.next_left_at(path);
        self.run.set_parting_child(path, next);
        self.look_whether_settled();
    }

    /// Nothing is known of it, so it has done nothing.
    pub(super) fn parting_child_unknown(&mut self, told: &ChildUnknown) {
        if self.is_parting(&told.path, &told.child) {
            self.parting_child_is_over(&told.path);
        }
    }

    fn is_parting(&self, path: &FramePath, child: &sagaline_model::ExecutionId) -> bool {
        self.run.parting_child(path).is_some_and(|delegated| delegated.child == *child)
    }

    /// Nothing was heard of it for a while; it is told again as well, for the first time may have been lost.
    pub(super) fn look_after_parting_child(&mut self, path: &FramePath, looks: u32) {
        let due = |child: &&Delegated| child.look <= self.at && child.looks == looks;
        let Some(delegated) = self.run.parting_child(path).filter(due).cloned() else { return };
        let (child, parent) = (delegated.child.clone(), parent(&self.id, path, true));
        self.run.set_parting_child(path, Some(delegated.looked(self.at)));
        self.effects.push(Effect::AskChild { child, parent });
    }
}

/// How the execution ended, for the saga.
fn cause(outcome: &Outcome) -> SagaCause {
    let of = |status| SagaCause { status, error: None, step: None, reason: None };
    match outcome {
        Outcome::Failed { error, step, .. } => {
            SagaCause { error: Some(error.clone()), step: step.clone(), ..of(Status::Failed) }
        }
        Outcome::Refused { error } => SagaCause { error: Some(error.clone()), ..of(Status::Failed) },
        Outcome::TimedOut => of(Status::TimedOut),
        Outcome::Cancelled { reason } => SagaCause { reason: reason.clone(), ..of(Status::Cancelled) },
        Outcome::RolledBack { cause: before, .. } => cause(before),
        Outcome::Completed { .. } => of(Status::Completed),
    }
}
