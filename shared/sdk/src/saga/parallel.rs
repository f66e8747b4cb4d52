//! Steps that are done at once.

use super::{Saga, Step};

/// Branches that begin at once: each [`step`](Branches::step) begins one, and [`then`](Step::then) goes on in it.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a saga is nothing until it is built"]
pub struct Branches {
    pub(super) saga: Saga,
    /// The last step of each branch.
    ends: Vec<String>,
}

impl Branches {
    pub(super) fn of(saga: Saga) -> Self {
        Self { saga, ends: vec![] }
    }

    /// The first step of a branch. What follows is about this step, up to the next one.
    pub fn step(mut self, name: impl Into<String>, activity: impl Into<String>) -> Step<Self> {
        let name = name.into();
        self.saga.steps.add(name.clone(), activity.into(), self.saga.ends.clone());
        self.ends.push(name);
        Step(self)
    }

    /// What comes next comes after all of them.
    pub(super) fn join(self) -> Saga {
        let Self { mut saga, ends } = self;
        if !ends.is_empty() {
            saga.ends = ends;
        }
        saga
    }
}

impl Step<Branches> {
    /// The first step of another branch.
    pub fn step(self, name: impl Into<String>, activity: impl Into<String>) -> Self {
        self.0.step(name, activity)
    }

    /// What is done next in this branch.
    pub fn then(mut self, name: impl Into<String>, activity: impl Into<String>) -> Self {
        let name = name.into();
        let after = self.0.ends.pop().into_iter().collect();
        self.0.saga.steps.add(name.clone(), activity.into(), after);
        self.0.ends.push(name);
        self
    }
}

impl From<Step<Self>> for Branches {
    fn from(step: Step<Self>) -> Self {
        step.0
    }
}
