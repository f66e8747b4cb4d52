//! What is told of steps and of the whole: each begins and ends once, and in its order.

use std::collections::BTreeSet;

use sagaline_engine::{
    Execution, Stage,
    compiled::{ASIDE, CompiledKind},
};
use sagaline_events::{FramePath, Happening};
use sagaline_model::OnError;

use super::{Facts, is_beside};

impl<'p> Facts<'p> {
    /// An attempt may fail without having been handed out: its breaker is open, or there was no time left to ask it.
    fn was_an_attempt(&mut self, happening: &Happening) {
        let (Happening::StepFailed { step, attempt, .. } | Happening::StepTimedOut { step, attempt, .. }) = happening
        else {
            return;
        };
        if 0 < *attempt {
            self.attempts.insert(step.clone(), *attempt);
        }
    }

    /// Whether a failed step waits for somebody.
    fn halts(&self, path: &FramePath, after: &Execution) -> bool {
        let node = self.node(path);
        let goes_on = !self.cancelling && !matches!(after.stage, Stage::Over(_));
        matches!(node.kind, CompiledKind::Step { .. }) && !node.handles && goes_on
    }

    /// Whether it is at work on what it returned.
    fn is_expanded(&self, path: &FramePath) -> bool {
        self.grafts.iter().any(|graft| graft.path() == path)
    }

    fn needs_are_met(&self, path: &FramePath) {
        let (home, node) = self.find(path);
        let outer = path.parent();
        if let Some(outer) = &outer {
            assert!(self.begun.contains(outer) && !self.ended.contains(outer), "{path} begins outside of {outer}");
        }
        let within = self.ids(home);
        let parent = node.parent.filter(|outer| within.contains(outer));
        let is_item = parent.is_some_and(|outer| matches!(self.get(home, outer).kind, CompiledKind::ForEach { .. }));
        let is_handler = node.handles && outer.is_none();
        // What tells approvers needs nothing, and nothing needs it.
        if is_item || is_handler || node.branch == ASIDE {
            return;
        }
        let siblings = match (parent, home) {
            (Some(parent), _) => self.get(home, parent).kind.dag(node.branch).expect("it holds its steps"),
            (None, Some(home)) => &self.grafts[home].compiled().root,
            (None, None) => &self.plan.root,
        };
        let beside = |index: usize| {
            let sibling = self.get(home, siblings.children[index]);
            outer.as_ref().map_or(sibling.path.clone(), |outer| outer.child(&sibling.name))
        };
        let needed = |dependents: &[Vec<u32>]| -> Vec<FramePath> {
            let needed = dependents.iter().enumerate().filter(|(_, dependents)| dependents.contains(&node.index));
            needed.map(|(index, _)| beside(index)).collect()
        };
        for needed in needed(&siblings.dependents) {
            assert!(self.satisfied.contains(&needed), "{path} begins before {needed}");
        }
        let any = needed(&siblings.any_dependents);
        let one = any.iter().any(|needed| self.completed.contains(needed));
        assert!(one || any.iter().all(|needed| self.satisfied.contains(needed)), "{path} begins before any of {any:?}");
    }

    fn begins(&mut self, path: &FramePath) {
        if self.begun.insert(path.clone()) {
            assert!(!self.paused || self.node(path).beside, "{path} begins while it is paused");
            self.needs_are_met(path);
        }
    }

    fn ends(&mut self, path: &FramePath) {
        assert!(self.ended.insert(path.clone()), "{path} ended twice");
    }

    pub(super) fn told(&mut self, happening: &Happening, after: &Execution) {
        let on_error = |facts: &Self, path: &FramePath| Some(facts.node(path).on_error);
        if let Happening::StepScheduled { attempt, .. } | Happening::StepStarted { attempt, .. } = happening {
            self.highest = self.highest.max(*attempt);
        }
        match happening {
            Happening::StepScheduled { step, .. } | Happening::StepWaiting { step, .. } => self.begins(step),
            Happening::WorkflowStuck { .. } => assert!(self.undoing.is_asked()),
            Happening::StepStarted { step, .. } => {
                self.undoing.began(step);
                self.begins(step);
                assert!(!self.ended.contains(step));
            }
            Happening::StepCompleted { step, duration, attempt } => {
                if 0 < *attempt && self.is_undone(step) {
                    self.undoing.did(step);
                }
                self.begins(step);
                self.ends(step);
                self.satisfied.insert(step.clone());
                self.completed.insert(step.clone());
                assert!(*duration <= after.now.since(sagaline_model::Moment::EPOCH));
            }
            Happening::StepSkipped { step, .. } => {
                self.begins(step);
                self.ends(step);
                self.satisfied.insert(step.clone());
            }
            Happening::StepFailed { step, next_at, .. } | Happening::StepTimedOut { step, next_at, .. } => {
                self.begins(step);
                self.was_an_attempt(happening);
                match (next_at, on_error(self, step)) {
                    (Some(next_at), _) => assert!(*next_at >= after.now),
                    // That it is skipped is told next.
                    (None, Some(OnError::Skip)) => {}
                    // Where it may wait to be let go on, it does; where it may not, what is around it fails too.
                    (None, Some(OnError::Pause)) if self.halts(step, after) && !self.is_expanded(step) => {}
                    (None, Some(OnError::Continue)) => {
                        self.ends(step);
                        self.satisfied.insert(step.clone());
                    }
                    (None, _) => self.ends(step),
                }
            }
            Happening::StepCancelled { step, .. } => {
                assert!(self.begun.contains(step));
                self.ends(step);
            }
            Happening::StepExpanded { step, .. } => assert!(self.begun.contains(step) && !self.ended.contains(step)),
            Happening::WorkflowUpdated { .. } => {}
            Happening::WorkflowCancelling { .. } => {
                assert!(!std::mem::replace(&mut self.cancelling, true), "cancelled twice");
            }
            Happening::StepResumed { step } => {
                assert!(self.begun.contains(step) && !self.ended.contains(step));
                // If it was let go on, the attempts so far do not count.
                if let Some(attempts) = self.attempts.get(step) {
                    self.snoozes.insert(step.clone(), *attempts);
                }
            }
            Happening::WorkflowRetried { attempt, .. } => {
                let begun: BTreeSet<_> = self.begun.iter().filter(|path| !is_beside(path)).cloned().collect();
                assert!(begun.is_subset(&self.ended), "what began ended before it begins anew");
                let policy = self.plan.plan.conduct.retry_workflow.as_ref().expect("it asks for that");
                assert!(*attempt < policy.attempts);
                self.base = self.highest;
                self.begun.retain(is_beside);
                self.ended.retain(is_beside);
                self.satisfied.retain(is_beside);
                self.completed.clear();
                self.attempts.retain(|path, _| is_beside(path));
                self.snoozes.retain(|path, _| is_beside(path));
            }
            Happening::WorkflowStarted { .. } => assert!(self.begun.is_empty()),
            Happening::WorkflowPaused { .. } => assert!(!std::mem::replace(&mut self.paused, true), "paused twice"),
            Happening::WorkflowResumed => assert!(std::mem::replace(&mut self.paused, false), "resumed for nothing"),
            Happening::WorkflowPending { .. } | Happening::WorkflowAdmitted => assert!(self.begun.is_empty()),
            Happening::Job(_) => panic!("it is no job"),
            ending => {
                assert!(ending.ends_the_execution(), "{ending:?}");
                self.over = true;
            }
        }
    }
}
