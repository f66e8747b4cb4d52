//! People: signals, approvals, updates and cancels, asked for or not.

use sagaline_engine::{Stage, state::State};
use sagaline_events::{
    FramePath, Input,
    input::{Approval, Cancel, Signal, Update},
};
use sagaline_model::Span;
use serde_json::{Value, json};

use super::World;
use crate::plans::{SIGNALS, UPDATE, name};

impl World<'_> {
    /// The signal that a step waits for.
    pub(super) fn awaited(&self) -> Option<Input> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        run.frames.iter().find_map(|(path, frame)| match &frame.state {
            State::Approving(approving) => Some(Input::Approval(Approval {
                step: path.clone(),
                by: approving.approvers.first().cloned(),
                approved: true,
                data: Value::Null,
                id: None,
            })),
            state => {
                let name = state.awaits().first()?.clone();
                Some(Input::Signal(Signal { name, data: Value::Null }))
            }
        })
    }

    /// Somebody who may or may not, about a step that waits for it or does not.
    pub(super) fn approval(&mut self) -> Input {
        let pending: Vec<FramePath> = match &self.execution.stage {
            Stage::Running(run) => {
                let pending = run.frames.iter().filter(|(_, frame)| matches!(frame.state, State::Approving(_)));
                pending.map(|(path, _)| path.clone()).collect()
            }
            _ => vec![],
        };
        let step = match self.choices.chance(80) && !pending.is_empty() {
            true => self.choices.one_of(&pending),
            false => self.plan.nodes[self.choices.below(self.plan.nodes.len())].path.clone(),
        };
        let by = self.choices.one_of(&[Some("ann"), Some("eve"), None]).map(str::to_owned);
        let id = Some(format!("a{}", self.log.len()));
        Input::Approval(Approval { step, by, approved: self.choices.chance(60), data: json!({"n": 1}), id })
    }

    pub(super) fn update(&mut self) -> Input {
        let id = format!("u{}", self.choices.below(1000));
        let data = if self.choices.chance(80) { json!({"n": self.choices.below(4)}) } else { Value::Null };
        Input::Update(Update { name: name(UPDATE), id, data })
    }

    pub(super) fn signal(&mut self) -> Input {
        let name = name(self.choices.one_of(&SIGNALS));
        Input::Signal(Signal { name, data: json!({"n": self.choices.below(4)}) })
    }

    pub(super) fn cancel(&mut self) -> Input {
        let reason = self.choices.chance(50).then(|| "not today".to_owned());
        let cleanup = self.choices.chance(70);
        let grace = self.choices.one_of(&[None, Some(Span::from_secs(1)), Some(Span::from_millis(0))]);
        Input::Cancel(Cancel { reason, cleanup, grace: grace.filter(|_| cleanup), rollback: self.choices.chance(75) })
    }
}
