//! One input: whom it concerns, and what follows from it.

use sagaline_events::{
    Happening, Input, SagaInput, SagaNews, SagaStatus, TimerKind, TimerName,
    saga::{Late, SagaAsked, SagaRecalled},
};
use sagaline_model::{ExecutionId, Moment};

use crate::{
    effect::Effect,
    state::{Asks, HEARS_FOR, Saga, Stage, Work},
};

/// So many late successes are kept that come before the request.
const EARLY_MAX: usize = 1000;

/// Folds an input into a saga. An input that no longer matters changes nothing.
pub fn apply(saga: &mut Saga, input: &SagaInput, at: Moment) -> Vec<Effect> {
    let at = at.max(saga.now);
    saga.now = at;
    let mut effects = vec![];
    match input {
        SagaInput::Request(request) => effects = saga.requested(request, at),
        SagaInput::Asked(asked) => effects = saga.asked(asked, at),
        SagaInput::Recalled(recalled) => effects = saga.recalled(recalled, at),
        SagaInput::Late(late) => saga.heard_late(late, at, &mut effects),
        SagaInput::Resolve(resolve) => saga.resolve(resolve, at, &mut effects),
        SagaInput::Retry(retry) => saga.at_work(at, &mut effects, |turn| turn.retry(retry)),
        SagaInput::Skip(skip) => saga.at_work(at, &mut effects, |turn| turn.skip(skip)),
        SagaInput::Task(Input::Timer(timer)) => saga.timer(timer, at, &mut effects),
        SagaInput::Task(answer) => saga.at_work(at, &mut effects, |turn| turn.answered(answer)),
    }
    effects
}

/// A saga at work, while an input is applied.
pub(crate) struct Turn<'t> {
    pub(crate) id: &'t ExecutionId,
    pub(crate) work: &'t mut Work,
    pub(crate) at: Moment,
    pub(crate) effects: &'t mut Vec<Effect>,
}

impl Turn<'_> {
    pub(crate) fn tell(&mut self, happening: Happening) {
        self.effects.push(Effect::Tell(happening));
    }
}

impl Saga {
    /// Does something about a saga that is at work, and what follows from it. Nothing, if it is not.
    pub(crate) fn at_work(&mut self, at: Moment, effects: &mut Vec<Effect>, does: impl FnOnce(&mut Turn<'_>)) {
        let Stage::Running(work) = &mut self.stage else { return };
        let mut turn = Turn { id: &self.id, work, at, effects };
        does(&mut turn);
        turn.go_on();
        turn.say_how_it_stands();
        self.leave_if_over();
    }

    /// One of which nothing more can be heard is over at once.
    fn leave_if_over(&mut self) {
        let Stage::Running(work) = &self.stage else { return };
        if work.ended.is_some() && !work.may_hear() {
            self.end();
        }
    }

    pub(crate) fn end(&mut self) {
        if let Stage::Running(work) = &self.stage {
            self.stage = Stage::Over(Box::new(work.view(&self.id)));
        }
    }

    fn asked(&mut self, asked: &SagaAsked, at: Moment) -> Vec<Effect> {
        match &mut self.stage {
            Stage::Unasked { early } => {
                let early = std::mem::take(early);
                self.stage = Stage::Recalling { since: at, asks: Asks::Asked(asked.clone()), early };
                vec![Effect::Recall]
            }
            // It is told when that is known.
            Stage::Recalling { .. } => vec![],
            Stage::Running(_) | Stage::Over(_) | Stage::SetAside { .. } => {
                self.told_anew().map(Effect::News).into_iter().collect()
            }
        }
    }

    fn recalled(&mut self, recalled: &SagaRecalled, at: Moment) -> Vec<Effect> {
        let Stage::Recalling { since, asks, early } = &mut self.stage else { return vec![] };
        if *since != recalled.since {
            return vec![];
        }
        let early = std::mem::take(early);
        match (asks, &recalled.ended) {
            (_, Some(ended)) => {
                let news = ended.clone();
                self.stage = Stage::Unasked { early };
                vec![Effect::News(news)]
            }
            (Asks::Asked(_), None) => {
                self.stage = Stage::Unasked { early };
                vec![Effect::News(SagaNews::nothing())]
            }
            (Asks::Request(request), None) => {
                let request = (**request).clone();
                self.begin(request, early, at)
            }
        }
    }

    fn heard_late(&mut self, late: &Late, at: Moment, effects: &mut Vec<Effect>) {
        match &mut self.stage {
            Stage::Unasked { early } | Stage::Recalling { early, .. } => {
                if early.len() < EARLY_MAX {
                    early.push((at, late.clone()));
                    self.had_early = true;
                }
            }
            Stage::Running(_) => self.at_work(at, effects, |turn| turn.heard_late(late)),
            Stage::Over(_) | Stage::SetAside { .. } => {}
        }
    }

    fn timer(&mut self, timer: &TimerName, at: Moment, effects: &mut Vec<Effect>) {
        let Stage::Running(work) = &self.stage else { return };
        if timer.kind == TimerKind::Forget {
            if work.told.is_over() && work.ended.is_some_and(|ended| ended + HEARS_FOR <= at) {
                self.end();
            }
            return;
        }
        self.at_work(at, effects, |turn| turn.time_came(timer));
    }

    /// The first timer, and when it is due.
    pub fn next_timer(&self) -> Option<(Moment, TimerName)> {
        let work = self.work()?;
        let of_each = work.index.at_work.iter().filter_map(|place| work.entries[*place].timer());
        let forget = work.ended.map(|ended| (ended + HEARS_FOR, TimerName::of_execution(TimerKind::Forget)));
        of_each.chain(forget).min()
    }
}

impl Turn<'_> {
    /// Tells the execution if it stands otherwise than it was told.
    fn say_how_it_stands(&mut self) {
        let index = &self.work.index;
        let status = match (index.left, index.at_work.is_empty() && index.ready.is_empty()) {
            (0, _) => SagaStatus::Completed,
            (_, true) => SagaStatus::Stuck,
            (_, false) => SagaStatus::Running,
        };
        if status == self.work.told {
            return;
        }
        self.work.told = status;
        self.work.ended = (status == SagaStatus::Completed).then_some(self.at);
        if status == SagaStatus::Completed {
            let (duration, steps) = (self.at.since(self.work.started), self.work.compensated().count());
            self.tell(Happening::SagaCompleted { duration, steps });
        }
        let news = self.work.news();
        self.effects.push(Effect::News(news));
    }
}
