//! Waits for signals, and signals; and what follows when what a step waits for does not come in time.

use sagaline_events::{FramePath, Happening};
use sagaline_model::{AwaitSignals, Name, Need, OnTimeout, Span, StepError};
use serde_json::{Map, Value};

use super::Turn;
use crate::{
    compiled::NodeId,
    effect::Effect,
    state::{Gathering, State},
};

impl Turn<'_> {
    /// A signal goes to the step that has waited longest for it, or is kept until one does.
    pub(crate) fn signal(&mut self, name: &Name, data: &Value) {
        if let Some(error) = self.plan.refusal_of_signal(name, data) {
            self.effects.push(Effect::Reject { reason: "bad_signal", detail: error.message.clone() });
            return self.tell(Happening::WorkflowSignalRefused { signal: name.clone(), error });
        }
        let first = self.run.index.first_awaiting(name);
        match first.and_then(|path| Some((path.clone(), self.run.frames.get(path)?.node))) {
            Some((path, id)) => self.heard(&path, id, name, data),
            None if self.run.keep_signal(name, data) => {}
            None => self.effects.push(Effect::mailbox_full(name.as_str())),
        }
    }

    /// Signals that came before the start were read by nobody yet. Those that do not fit are gone: all that is left of them is told.
    pub(crate) fn look_at_early_signals(&mut self) {
        let mut refused = vec![];
        let plan = self.plan;
        self.run.mailbox.retain(|(name, data)| match plan.refusal_of_signal(name, data) {
            Some(error) => {
                refused.push(Happening::WorkflowSignalRefused { signal: name.clone(), error });
                false
            }
            None => true,
        });
        if !refused.is_empty() {
            self.run.reindex();
        }
        refused.into_iter().for_each(|happening| self.tell(happening));
    }

    fn heard(&mut self, path: &FramePath, id: NodeId, name: &Name, data: &Value) {
        let output = match self.run.frames.get(path).map(|frame| &frame.state) {
            Some(State::Gathering(gathering)) => {
                let mut gathering = gathering.clone();
                gathering.take(name, data.clone());
                if !gathering.is_enough() {
                    return self.run.set(path, id, State::Gathering(gathering), self.at);
                }
                Value::Object(gathering.came)
            }
            _ => data.clone(),
        };
        self.tell(Happening::StepResumed { step: path.clone() });
        self.complete(path, id, 0, output);
    }

    pub(super) fn wait_for_signal(&mut self, path: FramePath, id: NodeId, signal: &Name, timeout: Option<Span>) {
        let until = timeout.map(|timeout| self.at + timeout);
        self.run.set(&path, id, State::Awaiting { signal: signal.clone(), until }, self.at);
        self.tell(Happening::StepWaiting { step: path, wait_for: format!("signal {signal}"), until });
    }

    /// Signals that came before count.
    pub(super) fn wait_for_signals(
        &mut self,
        path: &FramePath,
        id: NodeId,
        what: &AwaitSignals,
        timeout: Option<Span>,
    ) {
        let until = timeout.map(|timeout| self.at + timeout);
        let mut gathering = Gathering { missing: what.signals.clone(), need: what.need, came: Map::new(), until };
        while !gathering.is_enough() {
            let Some((name, data)) = self.run.take_first_signal(&gathering.missing) else { break };
            gathering.take(&name, data);
        }
        if gathering.is_enough() {
            return self.complete(path, id, 0, Value::Object(gathering.came));
        }
        let missing: Vec<&str> = gathering.missing.iter().map(Name::as_str).collect();
        let wait_for = match (missing.as_slice(), what.need) {
            ([one], _) => format!("signal {one}"),
            (several, Need::All) => format!("signals {}", several.join(" and ")),
            (several, Need::Any) => format!("signals {}", several.join(" or ")),
        };
        self.run.set(path, id, State::Gathering(gathering), self.at);
        self.tell(Happening::StepWaiting { step: path.clone(), wait_for, until });
    }

    pub(super) fn not_all_came(&mut self, path: &FramePath, id: NodeId, gathering: &Gathering) {
        let missing: Vec<&str> = gathering.missing.iter().map(Name::as_str).collect();
        let what = match (missing.as_slice(), gathering.need) {
            ([one], _) => format!("no signal `{one}` came in time"),
            (several, Need::All) => format!("the signals `{}` did not come in time", several.join("`, `")),
            (several, Need::Any) => format!("none of the signals `{}` came in time", several.join("`, `")),
        };
        self.waited_in_vain(path, id, 0, &what);
    }

    /// What the node waits for did not come in time: it says itself what that means.
    pub(super) fn waited_in_vain(&mut self, path: &FramePath, id: NodeId, attempt: u32, what: &str) {
        match self.plan.node(id).kind.on_timeout() {
            Some(OnTimeout::Steps(_)) => {
                self.tell(Happening::StepResumed { step: path.clone() });
                self.open_block(path, id, 0, None);
            }
            Some(OnTimeout::Skip) => self.skip(path, id, attempt, what.to_owned()),
            Some(OnTimeout::Fail) | None => {
                self.fail(path, id, attempt, StepError::new(StepError::TIMEOUT, what));
            }
        }
    }
}
