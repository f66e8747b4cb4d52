//! Nodes that wait: for time, signals, events and people.

use sagaline_model::{
    Approval, Await, AwaitEvent, AwaitSignals, EventRule, Kind, Need, Node, OnError, OnTimeout, Step,
};
use serde_json::{Value, json};

use super::{DEEPEST, MOST_NODES, Maker, SIGNALS, name};

impl Maker<'_> {
    pub(super) fn duration(&mut self) -> String {
        let fixed = ["1s", "3s", "0ms", "1m"];
        match self.choices.below(10) {
            9 => "${ ctx.n }".to_owned(),
            8 => "${ \"2s\" }".to_owned(),
            other => fixed[other % 4].to_owned(),
        }
    }

    pub(super) fn awaited(&mut self, depth: usize) -> Await {
        Await {
            signal: name(self.choices.one_of(&SIGNALS)),
            timeout: self.choices.chance(50).then(|| self.duration()),
            on_timeout: self.on_timeout(depth),
        }
    }

    fn on_timeout(&mut self, depth: usize) -> OnTimeout {
        let deeper = depth < DEEPEST && self.names.len() < MOST_NODES;
        match self.choices.below(4) {
            3 if deeper => OnTimeout::Steps(self.dag(depth + 1)),
            2 => OnTimeout::Fail,
            _ => OnTimeout::Skip,
        }
    }

    pub(super) fn signals(&mut self, depth: usize) -> AwaitSignals {
        AwaitSignals {
            signals: SIGNALS.map(name).to_vec(),
            need: if self.choices.chance(50) { Need::Any } else { Need::All },
            timeout: self.choices.chance(50).then(|| self.duration()),
            on_timeout: self.on_timeout(depth),
        }
    }

    pub(super) fn event(&mut self, depth: usize) -> AwaitEvent {
        let key = self.choices.one_of(&[json!(null), json!("${ trigger.subject }")]);
        let with = if key.is_null() { json!(null) } else { self.choices.one_of(&[json!("A"), json!("${ ctx.n }")]) };
        AwaitEvent {
            rule: EventRule { kind: "something.came".to_owned(), key, when: None },
            with,
            keep: AwaitEvent::KEPT,
            timeout: self.choices.chance(50).then(|| self.duration()),
            on_timeout: self.on_timeout(depth),
        }
    }

    pub(super) fn approval(&mut self, depth: usize) -> Approval {
        let notify = self.choices.chance(60).then(|| {
            let step = Step { input: Value::Null, ..self.step() };
            Box::new(Node { on_error: OnError::Continue, ..Node::new(name(Approval::NOTIFY), Kind::Step(step)) })
        });
        Approval {
            approvers: match self.choices.below(4) {
                3 => json!("${ ctx.n }"),
                2 => json!(["ann", "bob"]),
                1 => json!("ann"),
                _ => Value::Null,
            },
            notify,
            timeout: self.choices.chance(50).then(|| self.duration()),
            on_timeout: self.on_timeout(depth),
        }
    }
}
