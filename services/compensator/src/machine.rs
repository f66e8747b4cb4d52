//! Sagas as the state machine of a partition: entries to inputs, effects to acts.
//!
//! What is undone when is decided in `sagaline-saga`; here its effects get their names on the wire. No clock, and no I/O but to count
//! and to log.

mod acts;
mod counts;

use std::sync::Arc;

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Listed, Machine, Need, Origin, QueuedTask, Read, Rejection},
    names::Names,
    ports::{Bucket, Entry, Message},
};
use sagaline_events::{
    Input, SagaInput, SagaStatus,
    ask::{Answer, Ask},
    record::Status,
    saga::{SagaCause, SagaRecalled, SagaView},
};
use sagaline_model::{ExecutionId, Moment, Name};
use sagaline_owning::{
    defect,
    entry::{self, bad_input, reject},
};
use sagaline_saga::{Effect, Saga, wants_record_of};

use self::{acts::Wire, counts::Stuck};

/// The sagas of one partition.
pub struct Sagas {
    wire: Wire,
    place: entry::Place,
    stuck: Stuck,
}

impl Sagas {
    pub fn new(names: Names, partition: u32, partitions: u32) -> Self {
        Self {
            wire: Wire::new(names, partition, partitions),
            place: entry::Place { partition, partitions },
            stuck: Stuck::of(partition),
        }
    }

    fn recall(&self, state: &Saga) -> Option<Act> {
        wants_record_of(state).map(|_| self.wire.recall(&state.id))
    }
}

impl Machine for Sagas {
    type State = Saga;
    type Input = SagaInput;
    type Glance = Box<SagaView>;

    fn read(&self, entry: &Entry) -> Result<Read<SagaInput>, Rejection> {
        let Some(content) = entry::content(entry)? else { return Ok(Read::Mark) };
        let (partition, execution) = self
            .wire
            .names()
            .parse_saga(&entry.subject)
            .ok_or_else(|| reject("bad_subject", format!("`{}` names no saga", entry.subject)))?;
        if let Err(fault) = ExecutionId::new(execution) {
            return Err(reject("bad_id", fault.to_string()));
        }
        self.place.check(partition, execution, format_args!("the saga of `{execution}`"))?;
        let input = SagaInput::read(&content.kind, &content.data).map_err(bad_input)?;
        Ok(Read::Input(execution.into(), input))
    }

    /// All that a saga needs is in its request.
    fn needs(&self, _state: Option<&Saga>, _input: Option<&SagaInput>) -> Option<Need> {
        None
    }

    fn learn(&mut self, _need: &Need, _value: Option<Bytes>) {}

    fn fresh(&self, key: &Arc<str>) -> Saga {
        Saga::unasked(ExecutionId::new(&**key).expect("`read` lets only ids through"))
    }

    fn apply(&mut self, _key: &Arc<str>, state: &mut Saga, input: SagaInput, origin: &Origin) -> Vec<Act> {
        if let SagaInput::Request(_) = &input {
            let trace = origin.traceparent.as_deref().and_then(|traceparent| traceparent.parse().ok());
            state.trace = state.trace.or(trace);
        }
        let before = state.overview();
        // A defect of ours must not stop the partition: it sets that one saga aside, on every replica alike.
        let applied = defect::caught("the saga", || sagaline_saga::apply(state, &input, origin.time));
        let effects = applied.unwrap_or_else(|cause| {
            tracing::error!(execution = state.id.as_str(), cause, "a saga is set aside: it stopped at a defect");
            let view = before.unwrap_or_else(|| unknown(state.id.clone(), origin.time));
            *state = Saga::set_aside(state.id.clone(), view, cause, origin.time);
            state.told_anew().into_iter().map(Effect::News).collect()
        });
        self.stuck.note(state);
        if !origin.again {
            counts::count(state, &effects);
        }
        self.wire.acts(state, effects, origin)
    }

    fn found(&mut self, _key: &Arc<str>, state: &Saga, of: &Need, value: Option<Bytes>) -> Vec<Act> {
        let Some((since, began)) = wants_record_of(state) else { return vec![] };
        if of.bucket != Bucket::Results || of.key != Wire::record_key(&state.id) {
            return vec![];
        }
        let ended = value.and_then(|record| acts::told_by_record(&state.id, &record, began));
        vec![Act::Send(self.wire.input(&state.id, &SagaInput::Recalled(SagaRecalled { since, ended }), "recalled"))]
    }

    fn task_refused(&self, _key: &Arc<str>, task: &QueuedTask, why: &str) -> Option<Message> {
        self.wire.task_refused(task, why)
    }

    fn tasks(&self, _key: &Arc<str>, state: &Saga) -> Vec<QueuedTask> {
        state.tasks().into_iter().filter_map(|task| self.wire.task(state, task)).collect()
    }

    fn resume(&self, _key: &Arc<str>, state: &Saga) -> Vec<Act> {
        self.recall(state).into_iter().collect()
    }

    fn next_timer(&self, state: &Saga) -> Option<Moment> {
        state.next_timer().map(|(at, _)| at)
    }

    fn timer(&self, _key: &Arc<str>, state: &Saga) -> Option<Message> {
        let (_, timer) = state.next_timer()?;
        Some(self.wire.input(&state.id, &SagaInput::Task(Input::Timer(timer)), "timer"))
    }

    fn ending(&self, state: &Saga) -> Option<Vec<u8>> {
        let view = state.is_over().then(|| state.view())??;
        Some(serde_json::to_vec(&view).expect("a view has text keys only"))
    }

    fn stands_alone(&self, state: &Saga) -> bool {
        state.stands_alone()
    }

    fn rests(&self, state: &Saga) -> bool {
        state.rests()
    }

    fn seal(&self, key: &Arc<str>, glance: Option<&Box<SagaView>>, cause: &str, at: Moment) -> Option<Saga> {
        let id = ExecutionId::new(&**key).ok()?;
        let view = glance.map_or_else(|| unknown(id.clone(), at), |glance| (**glance).clone());
        Some(Saga::set_aside(id, view, cause.to_owned(), at))
    }

    fn is_idle(&self, state: &Saga, now: Moment) -> bool {
        state.is_blank(now)
    }

    fn snapshot(&self, state: &Saga) -> Vec<u8> {
        state.to_snapshot()
    }

    fn restore(&self, json: &[u8]) -> Result<Saga, String> {
        let saga = Saga::from_snapshot(json).map_err(|fault| fault.to_string())?;
        self.stuck.note(&saga);
        Ok(saga)
    }

    fn answer(&self, ask: &Ask, state: Option<&Saga>) -> Answer {
        match ask {
            Ask::Wanted { path, attempt, .. } => Answer::Wanted(state.is_some_and(|state| state.wants(path, *attempt))),
            Ask::Saga { .. } => {
                let view = state.and_then(Saga::view);
                view.map_or(Answer::Unknown, |view| Answer::Saga(Box::new(view)))
            }
            // Those are the orchestrator's, or answered by the owner itself.
            Ask::Get { .. }
            | Ask::Why { .. }
            | Ask::Query { .. }
            | Ask::Reply { .. }
            | Ask::List { .. }
            | Ask::Partition
            | Ask::Sagas { .. }
            | Ask::Entity { .. }
            | Ask::Entities { .. }
            | Ask::Schedule { .. }
            | Ask::Schedules { .. }
            | Ask::Queues => Answer::Unknown,
        }
    }

    fn glance(&mut self, state: &Saga) -> Option<Box<SagaView>> {
        state.overview().map(Box::new)
    }

    fn listed(&self, ask: &Ask, _key: &str, glance: &Box<SagaView>) -> Option<Listed> {
        let Ask::Sagas { stuck, workflow, .. } = ask else { return None };
        let is_stuck = glance.status == SagaStatus::Stuck;
        let of_it = workflow.as_ref().is_none_or(|workflow| *workflow == glance.workflow);
        (!glance.status.is_over() && (!stuck || is_stuck) && of_it).then(|| Listed::Saga((**glance).clone()))
    }
}

/// A saga of which nothing is known but whose it is.
fn unknown(id: ExecutionId, at: Moment) -> SagaView {
    SagaView {
        execution: id,
        workflow: Name::new("unknown").expect("a name"),
        version: 0,
        status: SagaStatus::Stuck,
        cause: SagaCause { status: Status::Unknown, error: None, step: None, reason: None },
        started_at: at,
        began: at,
        ended_at: None,
        steps: vec![],
        interventions: vec![],
    }
}
