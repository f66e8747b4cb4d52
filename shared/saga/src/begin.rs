//! Beginning: a request, and whether it can be done.

use std::collections::BTreeSet;

use sagaline_events::{Happening, SagaRequest, SagaStatus, saga::Late};
use sagaline_model::Moment;

use crate::{
    effect::Effect,
    index::{Index, in_order},
    state::{Asks, Entry, Saga, Stage, Work},
};

impl Saga {
    /// Whoever asks twice gets one saga. What is known of it decides; where nothing is, its record.
    pub(crate) fn requested(&mut self, request: &SagaRequest, at: Moment) -> Vec<Effect> {
        if let Err(why) = can_be_done(request) {
            return vec![Effect::Reject { reason: "bad_saga", detail: why }];
        }
        match &mut self.stage {
            Stage::Unasked { early } => {
                let early = std::mem::take(early);
                let asks = Asks::Request(Box::new(request.clone()));
                self.stage = Stage::Recalling { since: at, asks, early };
                vec![Effect::Recall]
            }
            Stage::Recalling { asks, .. } => {
                if let Asks::Asked(_) = asks {
                    *asks = Asks::Request(Box::new(request.clone()));
                }
                vec![]
            }
            // The id is another execution's now: what is left of the one before only waits to be forgotten.
            Stage::Running(work) if work.told.is_over() && work.began != request.began => {
                self.begin(request.clone(), vec![], at)
            }
            Stage::Running(_) | Stage::Over(_) | Stage::SetAside { .. } => vec![],
        }
    }

    pub(crate) fn begin(&mut self, request: SagaRequest, early: Vec<(Moment, Late)>, at: Moment) -> Vec<Effect> {
        let SagaRequest { workflow, version, cause, steps, origin, began } = request;
        let count = steps.iter().filter(|step| !step.actions.is_empty()).count();
        let entries: Vec<Entry> = steps.into_iter().map(Entry::of).collect();
        let work = Work {
            workflow,
            version,
            cause,
            origin,
            began,
            started: at,
            ended: None,
            // Nothing yet, so that whatever it is will be told.
            told: SagaStatus::Unknown,
            index: Index::of(&entries),
            entries,
            interventions: vec![],
        };
        self.stage = Stage::Running(Box::new(work));
        let mut effects = vec![Effect::Tell(Happening::SagaStarted { steps: count })];
        self.at_work(at, &mut effects, |turn| {
            for (_, late) in &early {
                turn.heard_late(late);
            }
        });
        effects
    }
}

/// Whether every step can be undone after those that it names.
fn can_be_done(request: &SagaRequest) -> Result<(), String> {
    let mut paths = BTreeSet::new();
    let acting = request.steps.iter().filter(|step| !step.actions.is_empty());
    if let Some(twice) = acting.map(|step| &step.path).find(|path| !paths.insert((*path).clone())) {
        return Err(format!("`{twice}` is in the list twice"));
    }
    if let Some(undone) = paths.iter().find(|path| path.undone().is_some()) {
        return Err(format!("`{undone}` is the path of what undoes a step, not of a step"));
    }
    let entries: Vec<Entry> = request.steps.iter().cloned().map(Entry::of).collect();
    match in_order(&entries) {
        Some(_) => Ok(()),
        None => Err("there is no order in which its steps could be undone: `after` leads round in a circle, or to a place that is not in the list".to_owned()),
    }
}
