//! What an executor makes known of its work: metrics, traces, readiness, and the witness.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sagaline_events::Task;
use sagaline_model::{ActivityName, Name};
use sagaline_sdk::worker::{Observer, PullerState};
use sagaline_telemetry::{
    Health, Part, current_traceparent, metrics, set_parent,
    traces::{describe_span, fail_span},
};
use tracing::Span;

use crate::witness::{What, Witness};

pub(crate) struct Hearing {
    queues: Mutex<BTreeMap<Name, Queue>>,
    witness: Option<Witness>,
}

struct Queue {
    part: Part,
    activities: BTreeMap<ActivityName, PullerState>,
}

impl Hearing {
    pub(crate) fn new(health: &Health, queues: &[Name], activities: &[&str], witness: Option<Witness>) -> Self {
        let starting = |name: &&str| {
            let name = ActivityName::new(*name).expect("the names of our own activities are names");
            (name, PullerState::Waiting("starting".to_owned()))
        };
        let queue = |queue: &Name| {
            let part = health.part(&format!("queue {queue}"));
            (queue.clone(), Queue { part, activities: activities.iter().map(starting).collect() })
        };
        Self { queues: Mutex::new(queues.iter().map(queue).collect()), witness }
    }

    fn saw(&self, what: What, task: &Task) {
        if let Some(witness) = &self.witness {
            witness.saw(what, task);
        }
    }
}

impl Observer for Hearing {
    fn begins(&self, task: &Task) {
        self.saw(What::Begin, task);
    }

    fn ended(&self, task: &Task, took: Duration) {
        self.saw(What::End, task);
        metrics::activity(task.activity.as_str()).ran(took);
    }

    fn asked(&self, wanted: bool) {
        metrics::task_asked(if wanted { "wanted" } else { "unwanted" });
    }

    fn pulling(&self, queue: &Name, activity: &ActivityName, state: &PullerState) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queues.get_mut(queue) else { return };
        queue.activities.insert(activity.clone(), state.clone());
        let waiting = queue.activities.values().find_map(|state| match state {
            PullerState::Ready => None,
            PullerState::Waiting(why) => Some(why.clone()),
        });
        match waiting {
            None => queue.part.ready(),
            Some(why) => queue.part.not_ready(why),
        }
    }

    fn traced(&self, span: &Span, task: &Task, worker: &str, traceparent: Option<&str>) -> Option<String> {
        if let Some(traceparent) = traceparent {
            set_parent(span, traceparent);
        }
        let fields = [
            ("version", i64::from(task.version).into()),
            ("activity", task.activity.to_string().into()),
            ("queue", task.queue.to_string().into()),
            ("worker", worker.to_owned().into()),
        ];
        describe_span(span, task.activity.as_str(), fields);
        span.in_scope(current_traceparent)
    }

    fn failed(&self, span: &Span, why: &str) {
        fail_span(span, why.to_owned());
    }

    fn differed(&self, task: &Task) {
        metrics::activity_differed(task.activity.as_str());
    }
}
