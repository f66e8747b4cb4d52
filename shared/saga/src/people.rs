//! What people do about a saga that is stuck.

use sagaline_events::{
    FramePath, Happening, SagaNews, SagaStatus,
    saga::{Intervention, InterventionKind, SagaResolve, SagaRetry, SagaSkip},
};
use sagaline_model::Moment;

use crate::{
    apply::Turn,
    effect::Effect,
    state::{Saga, Stage, State},
};

/// So many interventions are kept; the first ones go first.
const INTERVENTIONS_MAX: usize = 200;

impl Turn<'_> {
    pub(crate) fn retry(&mut self, retry: &SagaRetry) {
        let SagaRetry { step, input, by, why } = retry;
        if step.is_none() && input.is_some() {
            let detail = "an `input` belongs to a `step`: say which one is to be tried again with it".to_owned();
            return self.effects.push(Effect::Reject { reason: "bad_retry", detail });
        }
        let named = step.as_ref().map(|step| self.stuck_at(step).into_iter().collect());
        let places: Vec<usize> = named.unwrap_or_else(|| self.work.index.stuck.iter().copied().collect());
        if places.is_empty() {
            return;
        }
        for place in places {
            let entry = &mut self.work.entries[place];
            (entry.failures, entry.error) = (0, None);
            if entry.once_more {
                self.begin_once_more(place);
            }
            let entry = &mut self.work.entries[place];
            let action = entry.action as usize;
            if let (Some(input), Some(action)) = (input, entry.step.actions.get_mut(action)) {
                action.input = input.clone();
                (action.fault, action.default_input) = (None, false);
            }
            let step = entry.step.path.clone();
            self.set(place, State::Pending);
            self.tell(Happening::SagaRetried { step, by: by.clone(), why: why.clone() });
        }
        self.note(InterventionKind::Retried, step.as_ref(), by.as_ref(), why.as_ref());
    }

    pub(crate) fn skip(&mut self, skip: &SagaSkip) {
        let SagaSkip { step, by, why } = skip;
        let Some(place) = self.stuck_at(step) else { return };
        let entry = &mut self.work.entries[place];
        (entry.passed, entry.once_more) = (true, false);
        let step = entry.step.path.clone();
        let reason = why.clone().unwrap_or_else(|| "somebody says that it need not be undone".to_owned());
        self.set(place, State::Skipped);
        self.note(InterventionKind::Skipped, Some(&step), by.as_ref(), why.as_ref());
        self.tell(Happening::SagaStepSkipped { step, reason, by: by.clone() });
    }

    /// The entry of a step that is stuck, by its path or by that of what undoes it.
    fn stuck_at(&self, step: &FramePath) -> Option<usize> {
        let step = step.undone().map_or_else(|| step.clone(), |(step, _)| step);
        self.work.index.place_of(&step).filter(|place| self.work.index.stuck.contains(place))
    }

    fn note(&mut self, what: InterventionKind, step: Option<&FramePath>, by: Option<&String>, why: Option<&String>) {
        let noted = Intervention { at: self.at, what, step: step.cloned(), by: by.cloned(), why: why.cloned() };
        self.work.interventions.push(noted);
        if INTERVENTIONS_MAX < self.work.interventions.len() {
            self.work.interventions.remove(0);
        }
    }
}

impl Saga {
    /// Nothing more is undone. What is at work is taken back.
    pub(crate) fn resolve(&mut self, resolve: &SagaResolve, at: Moment, effects: &mut Vec<Effect>) {
        let SagaResolve { by, why } = resolve;
        match &mut self.stage {
            Stage::Running(work) if !work.told.is_over() => {
                let mut turn = Turn { id: &self.id, work, at, effects };
                let at_work: Vec<usize> = turn.work.index.at_work.iter().copied().collect();
                for place in at_work {
                    turn.revoke(place);
                }
                turn.note(InterventionKind::Resolved, None, by.as_ref(), Some(why));
                turn.work.told = SagaStatus::Resolved;
                turn.work.ended = Some(at);
                turn.tell(Happening::SagaResolved { by: by.clone(), why: why.clone() });
                let news = turn.work.news();
                turn.effects.push(Effect::News(news));
                self.end();
            }
            Stage::SetAside { view, .. } => {
                let what = InterventionKind::Resolved;
                view.interventions.push(Intervention { at, what, step: None, by: by.clone(), why: Some(why.clone()) });
                view.status = SagaStatus::Resolved;
                view.ended_at = Some(at);
                let view = (**view).clone();
                effects.push(Effect::Tell(Happening::SagaResolved { by: by.clone(), why: why.clone() }));
                effects.push(Effect::News(SagaNews::of(&view)));
                self.stage = Stage::Over(Box::new(view));
            }
            Stage::Unasked { .. } | Stage::Recalling { .. } | Stage::Running(_) | Stage::Over(_) => {}
        }
    }
}
