//! Which waits for events there may be, by the type of the event: of every version, since an execution of an old one may still
//! wait. What a step waits for stands in its definition, and that is here before the step can wait. No I/O.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use sagaline_events::Envelope;
use sagaline_model::{EventRule, EventTrigger, Kind, Plan, Span};
use serde_json::{Map, Value};

use crate::listener::{Listener, Verdict};

/// What a step of some definition may wait for, made ready.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) rule: EventRule,
    /// For how long an event is kept that nobody waits for yet.
    pub(crate) keep: Span,
    /// Its input is what the event has in common with those who wait.
    listener: Listener,
}

/// Who is meant by an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Meant {
    Nobody,
    /// Those who have this in common with it.
    Those(String),
    /// It cannot be told.
    Fault(String),
}

impl Wait {
    /// Every wait of a plan.
    pub(crate) fn all_of(plan: &Plan) -> Vec<Arc<Self>> {
        let waits = plan.nodes().into_iter().filter_map(|node| match &node.kind {
            Kind::AwaitEvent(what) => Some((what.rule.clone(), what.keep)),
            _ => None,
        });
        let workflow = plan.workflow.as_str();
        let ready = |(rule, keep): (EventRule, Span)| {
            let (when, key) = (rule.when.clone(), Some(rule.key.clone()));
            let listener =
                Listener::compile(workflow, &EventTrigger { when, input: key, ..EventTrigger::of(rule.kind.as_str()) });
            Arc::new(Self { rule, keep, listener })
        };
        waits.map(ready).collect()
    }

    /// `scope` holds the CloudEvent under `trigger`.
    pub(crate) fn hears(&self, event: &Envelope, scope: &Map<String, Value>) -> Meant {
        match self.listener.hears(event, scope) {
            Verdict::Pass => Meant::Nobody,
            Verdict::Start(key) => self.rule.text_of(&key).map_or(Meant::Nobody, Meant::Those),
            // Only what a trigger says comes to that.
            Verdict::Signal(_) => Meant::Nobody,
            Verdict::Fault(why) => Meant::Fault(format!("a step waits for it, but {why}")),
        }
    }
}

/// Every wait, by the type of the event; of those that say the same, the one that keeps it longest.
#[derive(Debug, Default)]
pub(crate) struct Waits(HashMap<String, BTreeMap<String, Arc<Wait>>>);

impl Waits {
    pub(crate) fn add(&mut self, wait: &Arc<Wait>) {
        let of_type = self.0.entry(wait.rule.kind.clone()).or_default();
        let known = of_type.entry(wait.rule.id()).or_insert_with(|| wait.clone());
        if known.keep < wait.keep {
            *known = wait.clone();
        }
    }

    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = &Arc<Wait>> {
        self.0.get(kind).into_iter().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(waits: &[Value]) -> Plan {
        let node = |(place, wait): (usize, &Value)| json!({ "name": format!("n{place}"), "on_error": "fail", "kind": { "await_event": wait } });
        let nodes: Vec<Value> = waits.iter().enumerate().map(node).collect();
        serde_json::from_value(json!({ "workflow": "order", "root": { "nodes": nodes } })).expect("a plan")
    }

    fn meant(wait: Value, event: Value) -> Meant {
        let wait = Wait::all_of(&plan(&[wait])).remove(0);
        wait.hears(&Envelope::new("1", "/shop", "paid", ""), &crate::listener::scope(event))
    }

    #[test]
    fn those_are_meant_who_have_the_same_in_common_with_it() {
        let wait = json!({ "event": "paid", "key": { "id": "${ trigger.data[\"id\"] }" }, "with": "…" });
        assert_eq!(meant(wait.clone(), json!({ "data": { "id": 7 } })), Meant::Those("id=7".into()));
        assert_eq!(meant(wait.clone(), json!({ "data": { "other": 7 } })), Meant::Nobody);
        assert_eq!(meant(wait, json!({ "id": "no data" })), Meant::Nobody);
        assert_eq!(meant(json!({ "event": "paid" }), json!({ "id": "1" })), Meant::Those(String::new()));
    }

    #[test]
    fn an_event_for_which_the_condition_does_not_hold_is_for_nobody() {
        let wait = json!({ "event": "paid", "when": "trigger.data.n > 2", "key": "${ trigger.subject }" });
        assert_eq!(meant(wait.clone(), json!({ "subject": "A", "data": { "n": 2 } })), Meant::Nobody);
        assert_eq!(meant(wait, json!({ "subject": "A", "data": { "n": 3 } })), Meant::Those("A".into()));
        let broken = json!({ "event": "paid", "key": "${ trigger.data.n + 'x' }" });
        assert!(matches!(meant(broken, json!({ "data": { "n": 3 } })), Meant::Fault(_)));
    }

    #[test]
    fn the_same_rule_counts_once_and_keeps_longest() {
        let short = json!({ "event": "paid", "key": "${ trigger.subject }", "keep": "1m" });
        let long = json!({ "event": "paid", "key": "${ trigger.subject }", "keep": "1h" });
        let mut waits = Waits::default();
        let all =
            Wait::all_of(&plan(&[short.clone(), long, short, json!({ "event": "paid" }), json!({ "event": "sent" })]));
        all.iter().for_each(|wait| waits.add(wait));
        let kept: Vec<Span> = waits.of("paid").map(|wait| wait.keep).collect();
        assert_eq!(kept.len(), 2);
        assert!(kept.contains(&Span::from_secs(3600)), "{kept:?}");
        assert_eq!(waits.of("lost").count(), 0);
    }
}
