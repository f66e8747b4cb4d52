//! How a saga is seen: by people, by its execution, and in its record.

use sagaline_events::{
    FramePath, SagaNews, SagaStatus,
    saga::{SagaView, UndoneStatus, UndoneView},
};
use sagaline_model::{ExecutionId, Moment};

use crate::{
    index::in_order,
    state::{Asks, Entry, Saga, Stage, State, Work},
};

/// So many steps that are stuck are named to the execution, and in lists.
const STUCK_TOLD: usize = 20;

impl Saga {
    /// Nothing, where nobody asked for it yet.
    pub fn view(&self) -> Option<SagaView> {
        match &self.stage {
            Stage::Running(work) => Some(work.view(&self.id)),
            Stage::Over(view) | Stage::SetAside { view, .. } => Some((**view).clone()),
            Stage::Unasked { .. } | Stage::Recalling { .. } => None,
        }
    }

    /// The same for lists: of its steps only those that are stuck.
    pub fn overview(&self) -> Option<SagaView> {
        match &self.stage {
            Stage::Running(work) => {
                let stuck = work.index.stuck.iter().take(STUCK_TOLD);
                let steps = stuck.filter_map(|place| work.entries[*place].view()).collect();
                Some(SagaView { steps, ..work.frame(&self.id) })
            }
            Stage::Over(view) | Stage::SetAside { view, .. } => Some(SagaView { steps: vec![], ..(**view).clone() }),
            Stage::Unasked { .. } | Stage::Recalling { .. } => None,
        }
    }

    /// What it would tell its execution now.
    pub fn told_anew(&self) -> Option<SagaNews> {
        match &self.stage {
            Stage::Running(work) => Some(work.news()),
            Stage::Over(view) | Stage::SetAside { view, .. } => Some(SagaNews::of(view)),
            Stage::Unasked { .. } | Stage::Recalling { .. } => None,
        }
    }
}

impl Work {
    pub(crate) fn view(&self, id: &ExecutionId) -> SagaView {
        let places = in_order(&self.entries).unwrap_or_else(|| (0..self.entries.len()).collect());
        let steps = places.into_iter().filter_map(|place| self.entries[place].view()).collect();
        SagaView { steps, ..self.frame(id) }
    }

    /// All but its steps.
    fn frame(&self, id: &ExecutionId) -> SagaView {
        SagaView {
            execution: id.clone(),
            workflow: self.workflow.clone(),
            version: self.version,
            status: self.told,
            cause: self.cause.clone(),
            started_at: self.started,
            began: self.began,
            ended_at: self.ended,
            steps: vec![],
            interventions: self.interventions.clone(),
        }
    }

    pub(crate) fn compensated(&self) -> impl Iterator<Item = &FramePath> {
        self.acting(|state| *state == State::Compensated)
    }

    fn acting(&self, is: impl Fn(&State) -> bool) -> impl Iterator<Item = &FramePath> {
        let entries = self.entries.iter().filter(move |entry| is(&entry.state) && !entry.step.actions.is_empty());
        entries.map(|entry| &entry.step.path)
    }

    pub(crate) fn news(&self) -> SagaNews {
        let stuck = self.index.stuck.iter().take(STUCK_TOLD).filter_map(|place| {
            let entry = &self.entries[*place];
            let State::Stuck { error } = &entry.state else { return None };
            Some((entry.step.path.clone(), error.clone()))
        });
        let resolved = self.interventions.last().filter(|_| self.told == SagaStatus::Resolved);
        let over = self.told.is_over();
        SagaNews {
            status: Some(self.told),
            stuck: if over { vec![] } else { stuck.collect() },
            compensated: if over { self.compensated().cloned().collect() } else { vec![] },
            skipped: if over { self.acting(|state| *state == State::Skipped).cloned().collect() } else { vec![] },
            by: resolved.and_then(|resolved| resolved.by.clone()),
            why: resolved.and_then(|resolved| resolved.why.clone()),
        }
    }
}

impl Entry {
    /// Nothing for one that only holds others together.
    fn view(&self) -> Option<UndoneView> {
        let activity = self.current().or(self.step.actions.last())?.activity.clone();
        let (status, next_at) = match &self.state {
            State::Pending => (UndoneStatus::Pending, None),
            State::Scheduled { .. } => (UndoneStatus::Scheduled, None),
            State::Running { .. } => (UndoneStatus::Running, None),
            State::BackingOff { due } | State::Snoozed { due } => (UndoneStatus::BackingOff, Some(*due)),
            State::Compensated => (UndoneStatus::Compensated, None),
            State::Skipped => (UndoneStatus::Skipped, None),
            State::Stuck { .. } => (UndoneStatus::Stuck, None),
        };
        let attempt =
            if self.current().is_some() { self.attempt() } else { self.attempts.last().copied().unwrap_or(0) };
        Some(UndoneView {
            step: self.step.path.clone(),
            execution: self.step.execution.clone(),
            status,
            activity,
            attempt,
            error: self.error.clone(),
            next_at,
        })
    }
}

/// What the record of a saga tells, if it is the one that is asked for and not one of an older execution of the same id.
pub fn told_by(record: SagaView, began: Option<Moment>) -> Option<SagaNews> {
    let is_it = began.is_none_or(|began| began == record.began);
    is_it.then(|| SagaNews::of(&record))
}

/// Since when its record is waited for, and when the execution began that asks; nothing where it is not.
pub fn wants_record_of(saga: &Saga) -> Option<(Moment, Option<Moment>)> {
    match &saga.stage {
        Stage::Recalling { since, asks: Asks::Request(request), .. } => Some((*since, Some(request.began))),
        Stage::Recalling { since, asks: Asks::Asked(asked), .. } => Some((*since, asked.began)),
        Stage::Unasked { .. } | Stage::Running(_) | Stage::Over(_) | Stage::SetAside { .. } => None,
    }
}
