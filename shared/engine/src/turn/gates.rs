//! The gates of an attempt: asked one after the other, in the order of their names, before its breaker. What it has got by then it
//! keeps while it waits for the next.

use sagaline_events::{
    EntityInput, EntityKey, FramePath, Happening,
    entity::{Acquire, Turn as TurnAsk},
};
use sagaline_model::{Gate, Moment, OnLimit, RateRule, Span, StepError};
use serde_json::Value;

use super::{Turn, advance::expression_error};
use crate::{
    compiled::{CompiledKind, NodeId},
    effect::Effect,
    state::{Asking, AtGates, Course, State, TaskInput, asked_again, is_place},
    turn::attempts::Passed,
};

/// So often a turn is good for no longer than the rate's grace, and in no `per` more than `limit` begin.
const STRICT: u32 = 3;

/// Who came too late that often is let begin later, twice as late each time, at most so often: where workers are slower than the
/// rate, everything waits in its queue for longer than the grace.
const DOUBLED_MOST: u32 = 6;

/// How long a turn is good for. Who comes later, because its owner was away or no worker was there, asks anew: else all those would
/// begin at once.
fn good_for(rule: RateRule, missed: u32) -> Span {
    match missed.checked_sub(STRICT) {
        None => rule.grace(),
        Some(more) => Span::from_secs(1).max(rule.grace()).times(f64::from(1_u32 << more.min(DOUBLED_MOST))),
    }
}

impl Turn<'_> {
    /// Which gates an attempt is to pass, in the order in which they are asked.
    pub(super) fn gates_of(&self, path: &FramePath, id: NodeId) -> Result<Vec<(u32, EntityKey)>, StepError> {
        let CompiledKind::Step { step, gates: keys, .. } = &self.plan.node(id).kind else { return Ok(vec![]) };
        let mut list = vec![];
        for ((index, gate), key) in (0_u32..).zip(&step.gates).zip(keys) {
            let key = key.as_ref().map(|key| key.render(&self.data_at(path))).transpose();
            let key = key.map_err(|fault| expression_error(&fault))?.map(text_of);
            list.push((
                index,
                match gate {
                    Gate::Rate(rate) => EntityKey::rate(&rate.name, key.as_deref()),
                    Gate::Places(places) => EntityKey::places(&places.name, key.as_deref()),
                },
            ));
        }
        // All who want two of them ask for the same one first. And nobody waits for itself: of two that are one, one is asked.
        list.sort_by(|(_, one), (_, other)| one.cmp(other));
        list.dedup_by(|(_, one), (_, other)| one == other);
        Ok(list)
    }

    /// Leads an attempt to the first of its gates.
    pub(super) fn begin_at_gates(
        &mut self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        (input, course): (TaskInput, Course),
        list: Vec<(u32, EntityKey)>,
        missed: u32,
    ) {
        let Some((_, entity)) = list.first().cloned() else { return };
        let gates = Some(Box::new(AtGates { list, passed: 0, turn: None, missed, begin_by: None }));
        let (since, again) = (self.at, asked_again(1, self.at));
        self.ask(path, id, Asking { attempt, entity, since, times: 1, again, delayed: false, input, course, gates });
    }

    /// What is asked at the gate at which the attempt stands.
    pub(super) fn gate_question(&self, path: &FramePath, id: NodeId, asking: &Asking) -> Option<Effect> {
        let CompiledKind::Step { step, .. } = &self.plan.node(id).kind else { return None };
        let (index, entity) = asking.gates.as_ref()?.at()?;
        let ticket = asking.ticket(self.id.clone(), path);
        let input = match step.gates.get(*index as usize)? {
            Gate::Rate(rate) => EntityInput::Turn(TurnAsk { ticket, rule: rate.rule }),
            Gate::Places(places) => {
                EntityInput::Acquire(Acquire { ticket, limit: places.limit, on_limit: OnLimit::Queue })
            }
        };
        Some(Effect::Entity { entity: entity.clone(), input })
    }

    /// A place is free for the attempt that waits for it.
    pub(super) fn place_granted(&mut self, path: &FramePath, entity: &EntityKey) {
        let Some((id, asking)) = self.asking(path) else { return };
        if asking.is_at_gate() && asking.entity == *entity && is_place(entity) {
            self.pass_gate(path, id, asking);
        }
    }

    /// It is known when the attempt may pass.
    pub(super) fn turn_reserved(&mut self, path: &FramePath, entity: &EntityKey, turn: Moment) {
        let Some((id, mut asking)) = self.asking(path) else { return };
        let Some(gates) = asking.gates.as_mut().filter(|gates| gates.turn.is_none()) else { return };
        if gates.at().is_none_or(|(_, at)| at != entity) || asking.entity != *entity {
            return;
        }
        gates.turn = Some(turn);
        if turn <= self.at {
            return self.turn_came(path, id, asking, turn);
        }
        if self.leaves_no_time(asking.course, turn) {
            self.report(path, id, None);
            let error = self.no_time_left(path, id, asking.course);
            return self.fail(path, id, asking.attempt, error);
        }
        let wait_for = entity.to_string();
        self.run.set(path, id, State::Asking(Asking { again: turn, ..asking }), self.at);
        self.tell(Happening::StepWaiting { step: path.clone(), wait_for, until: Some(turn) });
    }

    /// The attempt passes, or asks for another turn if it is too late for this one.
    pub(super) fn turn_came(&mut self, path: &FramePath, id: NodeId, mut asking: Asking, turn: Moment) {
        let missed = asking.gates.as_ref().map_or(0, |gates| gates.missed);
        let over = turn + self.rule_of(id, &asking).map_or(Span::ZERO, |rule| good_for(rule, missed));
        if over < self.at {
            return self.gates_anew(path, id, asking, missed + 1);
        }
        if let Some(gates) = &mut asking.gates {
            gates.begin_by = Some(over);
        }
        self.pass_gate(path, id, asking);
    }

    /// The rule of the rate at which it stands.
    fn rule_of(&self, id: NodeId, asking: &Asking) -> Option<RateRule> {
        let CompiledKind::Step { step, .. } = &self.plan.node(id).kind else { return None };
        let (index, _) = asking.gates.as_ref()?.at()?;
        match step.gates.get(*index as usize)? {
            Gate::Rate(rate) => Some(rate.rule),
            Gate::Places(_) => None,
        }
    }

    /// From the first gate on, as somebody else.
    pub(super) fn gates_anew(&mut self, path: &FramePath, id: NodeId, asking: Asking, missed: u32) {
        self.report(path, id, None);
        match self.gates_of(path, id) {
            Ok(list) => self.begin_at_gates(path, id, asking.attempt, (asking.input, asking.course), list, missed),
            Err(error) => self.fail(path, id, asking.attempt, error),
        }
    }

    fn pass_gate(&mut self, path: &FramePath, id: NodeId, mut asking: Asking) {
        if let Some(gates) = &mut asking.gates {
            gates.passed += 1;
            gates.turn = None;
        }
        let next = asking.gates.as_ref().and_then(|gates| gates.at()).map(|(_, entity)| entity.clone());
        let next = next.or_else(|| self.breaker_of(id).map(|breaker| EntityKey::breaker(&breaker.name)));
        if let Some(entity) = next {
            let again = asked_again(1, self.at);
            return self.ask(path, id, Asking { entity, times: 1, again, ..asking });
        }
        self.let_through(path, id, asking);
    }

    /// Nobody is left to ask.
    pub(super) fn let_through(&mut self, path: &FramePath, id: NodeId, asking: Asking) {
        let held = asking.gates.iter().flat_map(|gates| gates.held()).cloned().collect();
        let begin_by = asking.gates.as_ref().and_then(|gates| gates.begin_by);
        let Asking { attempt, since, input, course, .. } = asking;
        let passed = Passed { asked: Some(since), held, begin_by };
        if let Err(error) = self.dispatch(path, id, attempt, input, course, passed) {
            self.report(path, id, None);
            self.fail(path, id, attempt, error);
        }
    }
}

/// A key is a text; whatever else an expression gives is written as JSON.
pub(super) fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
