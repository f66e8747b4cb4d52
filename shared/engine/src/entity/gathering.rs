//! Events that are gathered until it is time to start one execution by them: when none has come for a while, or when there are
//! enough.
//!
//! What is started has an id that follows from where and when the first of them came, so it is started once. An event that comes
//! twice counts once, also if what it belongs to has been started since.

use std::collections::VecDeque;

use sagaline_events::{EntityKey, Start, entity::Gathered, hops};
use sagaline_model::{Batch, Debounce, ExecutionId, Gather, Moment, Name, Span, event_wait::mark_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::EntityEffect;
use crate::weight;

/// So long it is remembered that an event came. It is published or delivered again within less.
const SEEN_FOR: Span = Span::from_secs(600);

/// Of so many at most.
const SEEN_MOST: usize = 10_000;

/// What a batch weighs at most, but for its last event: its start must find room in a message.
const HEAVIEST_BATCH: usize = 384 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gathering {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<Open>,
    /// Marks of events, and when they came.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    seen: VecDeque<(Moment, u64)>,
}

/// What is gathered for the next execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    since: Moment,
    due: Moment,
    /// The mark of the first one.
    first: u64,
    workflow: Name,
    rule: Gather,
    /// In the order in which they were published; of a debounce only the last.
    events: Vec<Held>,
    weight: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    at: Moment,
    event: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    input: Value,
}

impl Gathering {
    pub(super) fn gather(&mut self, key: &EntityKey, came: &Gathered, at: Moment) -> Vec<EntityEffect> {
        // Its time may be over, and nobody have said so yet.
        let mut effects = self.look(key, at);
        let mark = mark_of(&came.source, &came.id);
        if self.has_seen(mark, at) {
            return effects;
        }
        let held = Held { at: came.at, event: came.event.clone(), input: came.input.clone() };
        let added = weight::of(&held.event) + weight::of(&held.input);
        let is_full = |open: &Open| matches!(open.rule, Gather::Batch(_)) && HEAVIEST_BATCH < open.weight + added;
        if self.open.as_ref().is_some_and(is_full) {
            effects.extend(self.start(key));
        }
        let open = self.open.get_or_insert_with(|| Open {
            since: at,
            due: at,
            first: mark,
            workflow: came.workflow.clone(),
            rule: came.rule.clone(),
            events: vec![],
            weight: 0,
        });
        let is_enough = open.take(held, added, at);
        if is_enough {
            effects.extend(self.start(key));
        }
        effects
    }

    /// Starts what is due.
    pub(super) fn look(&mut self, key: &EntityKey, at: Moment) -> Vec<EntityEffect> {
        if self.open.as_ref().is_some_and(|open| open.due <= at) {
            return self.start(key).into_iter().collect();
        }
        vec![]
    }

    pub(super) fn next_timer(&self) -> Option<Moment> {
        self.open.as_ref().map(|open| open.due)
    }

    pub(super) fn is_blank(&self, now: Moment) -> bool {
        self.open.is_none() && self.seen.back().is_none_or(|(then, _)| SEEN_FOR < now.since(*then))
    }

    fn has_seen(&mut self, mark: u64, at: Moment) -> bool {
        while SEEN_MOST <= self.seen.len() || self.seen.front().is_some_and(|(then, _)| SEEN_FOR < at.since(*then)) {
            self.seen.pop_front();
        }
        let has_seen = self.seen.iter().any(|(_, known)| *known == mark);
        if !has_seen {
            self.seen.push_back((at, mark));
        }
        has_seen
    }

    fn start(&mut self, key: &EntityKey) -> Option<EntityEffect> {
        let open = self.open.take()?;
        let execution = open.execution(key);
        let workflow = open.workflow.clone();
        // The longest chain that led to it: a loop that goes through a batch is one as well.
        let hops = open.events.iter().map(|held| hops::of_json(&held.event)).max().unwrap_or(0);
        let (trigger, input) = open.trigger(&execution)?;
        let start = Start { input, trigger: Some(trigger), hops, ..Start::of(workflow) };
        Some(EntityEffect::Start { execution, start: Box::new(start) })
    }
}

impl Open {
    /// Whether it is enough.
    fn take(&mut self, held: Held, weight: usize, at: Moment) -> bool {
        match &self.rule {
            Gather::Debounce(Debounce { quiet, max, .. }) => {
                self.due = at + *quiet;
                if let Some(max) = max {
                    self.due = self.due.min(self.since + *max);
                }
                // What was published earlier may come later.
                if self.events.first().is_none_or(|last| last.at <= held.at) {
                    self.events = vec![held];
                }
                false
            }
            Gather::Batch(Batch { size, within, .. }) => {
                self.due = self.since + *within;
                self.weight += weight;
                let place = self.events.iter().rposition(|other| other.at <= held.at).map_or(0, |place| place + 1);
                self.events.insert(place, held);
                (*size).clamp(1, Batch::SIZE_MAX) as usize <= self.events.len()
            }
        }
    }

    /// Nobody else comes to the same id: no two begin to be gathered at one place with the same event at the same time.
    fn execution(&self, key: &EntityKey) -> ExecutionId {
        let Self { workflow, since, first, .. } = self;
        let gathered = ExecutionId::encoded(workflow.as_str());
        gathered.of_child(&format!("{key}/{}-{first:016x}/gathered", since.as_nanos()))
    }

    /// The event that starts it, and the input.
    fn trigger(self, execution: &ExecutionId) -> Option<(Value, Value)> {
        match self.rule {
            Gather::Debounce(_) => self.events.into_iter().next().map(|held| (held.event, held.input)),
            Gather::Batch(_) => {
                let kind = self.events.first().map(|held| held.event["type"].clone())?;
                let (events, inputs): (Vec<Value>, Vec<Value>) =
                    self.events.into_iter().map(|held| (held.event, held.input)).unzip();
                let source = format!("/sagaline/gathered/{}", self.workflow);
                let trigger = json!({
                    "specversion": "1.0", "id": execution, "source": source, "type": kind, "data": events,
                });
                Some((trigger, inputs.into()))
            }
        }
    }
}
