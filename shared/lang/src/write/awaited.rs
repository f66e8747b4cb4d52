//! Waits: for signals, for an approval, for an event.

use sagaline_model::{Approval, Await, AwaitEvent, AwaitSignals, Emit, EventRule, Kind, Need, Node, OnTimeout, Wait};
use serde_json::Value;

use super::{
    document::{Document, Keys},
    step::Steps,
};
use crate::step::of_event;

impl Steps<'_> {
    pub(super) fn signal(&self, Await { signal, timeout, on_timeout }: &Await) -> Document {
        let mut keys = Keys::default();
        keys.text("signal", signal);
        self.patience(&mut keys, timeout.as_ref(), on_timeout);
        keys.short("signal")
    }

    pub(super) fn signals(&self, AwaitSignals { signals, need, timeout, on_timeout }: &AwaitSignals) -> Document {
        let mut keys = Keys::default();
        keys.list("signals", signals);
        match need {
            Need::All => {}
            Need::Any => keys.text("need", "any"),
        }
        self.patience(&mut keys, timeout.as_ref(), on_timeout);
        keys.map()
    }

    pub(super) fn approval(&self, Approval { approvers, notify, timeout, on_timeout }: &Approval) -> Document {
        let mut inside = Keys::default();
        inside.value("approvers", approvers);
        inside.maybe("notify", notify.as_deref().map(|notify| self.notify(notify)));
        let mut keys = Keys::default();
        keys.put("approval", inside.map());
        self.patience(&mut keys, timeout.as_ref(), on_timeout);
        keys.map()
    }

    /// An activity or an event; all else of the node is always the same.
    fn notify(&self, notify: &Node) -> Document {
        let mut keys = Keys::default();
        match &notify.kind {
            Kind::Step(step) => self.activity(&mut keys, step),
            Kind::Emit(Emit { kind, source: _, subject: _, data }) => {
                keys.text("event", kind);
                keys.value("data", data);
            }
            // No definition gives these, and what comes out is seen to be none when it is read.
            Kind::Wait(Wait { .. })
            | Kind::Await(_)
            | Kind::Dag(_)
            | Kind::Race(_)
            | Kind::Switch { .. }
            | Kind::Try(_)
            | Kind::ForEach(_)
            | Kind::Set { .. }
            | Kind::Raise(_)
            | Kind::Child(_)
            | Kind::AwaitSignals(_)
            | Kind::Approval(_)
            | Kind::AwaitEvent(_) => {}
        }
        keys.map()
    }

    pub(super) fn event(&self, what: &AwaitEvent) -> Document {
        let AwaitEvent { rule: EventRule { kind, key, when }, with, keep, timeout, on_timeout } = what;
        let mut keys = Keys::default();
        keys.text("event", kind);
        if is_match(key, with) {
            keys.put("match", with);
        } else if !key.is_null() {
            let mut inside = Keys::default();
            inside.put("event", key);
            inside.put("with", with);
            keys.put("correlate", inside.map());
        }
        keys.condition("when", when.as_ref());
        if *keep != AwaitEvent::KEPT {
            keys.text("keep", keep);
        }
        self.patience(&mut keys, timeout.as_ref(), on_timeout);
        keys.map()
    }

    fn patience(&self, keys: &mut Keys, timeout: Option<&String>, on_timeout: &OnTimeout) {
        keys.maybe_text("timeout", timeout);
        match on_timeout {
            OnTimeout::Fail => {}
            OnTimeout::Skip => keys.text("on_timeout", "skip"),
            OnTimeout::Steps(steps) => keys.put("on_timeout", self.instead(steps)),
        }
    }
}

/// Whether fields of the event's data are compared, each with something of its own.
fn is_match(key: &Value, with: &Value) -> bool {
    let (Value::Object(key), Value::Object(with)) = (key, with) else { return false };
    !key.is_empty()
        && key.len() == with.len()
        && key.iter().all(|(field, of)| with.contains_key(field) && of.as_str() == Some(of_event(field).as_str()))
}
