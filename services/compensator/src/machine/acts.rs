//! Effects as messages: the one place where a task, a lifecycle event or an input of ours gets its subject, id and headers.

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Origin, QueuedTask, Rejection},
    names::{LogKind, Names},
    ports::{Bucket, Message},
};
use sagaline_events::{Input, Lifecycle, SagaInput, SagaNews, SagaStatus, Task, lifecycle::Refs, saga::SagaView};
use sagaline_model::{ExecutionId, Moment, Name};
use sagaline_owning::Speech;
use sagaline_saga::{Dispatch, Effect, Saga, told_by};
use serde::Deserialize;

/// Writes what one partition's sagas send.
pub(super) struct Wire {
    speech: Speech,
    partition: u32,
    partitions: u32,
    ask: String,
}

impl Wire {
    pub(super) fn new(names: Names, partition: u32, partitions: u32) -> Self {
        let ask = names.ask_of(LogKind::Sagas, partition);
        Self { speech: Speech::new(names, LogKind::Sagas.service()), partition, partitions, ask }
    }

    pub(super) fn names(&self) -> &Names {
        self.speech.names()
    }

    pub(super) fn acts(&self, state: &Saga, effects: Vec<Effect>, origin: &Origin) -> Vec<Act> {
        let id = &state.id;
        let act = |(ordinal, effect): (usize, Effect)| match effect {
            Effect::Dispatch(task) => self.task(state, task).map(Act::Task),
            Effect::Revoke { path, attempt, queue, activity } => {
                Some(self.speech.take_back("revoked", id.as_str(), &path, attempt, queue.as_str(), &activity))
            }
            Effect::Tell(happening) => {
                let (workflow, version) = state.plan()?;
                let (workflow, at) = (workflow.clone(), state.now);
                let event = Lifecycle { workflow, version, execution: id.clone(), at, happening };
                let name = format!("{id}-saga-{}-{ordinal}", origin.sequence);
                Some(Act::Send(self.speech.lifecycle(&event, name, Refs::default(), self.trace(state))))
            }
            Effect::News(news) => {
                Some(Act::Send(self.news(state, news, format!("{id}-saga-{}-{ordinal}", origin.sequence))))
            }
            Effect::Recall => Some(self.recall(id)),
            Effect::Reject { reason, detail } => Some(Act::Reject(Rejection { reason, detail })),
        };
        effects.into_iter().enumerate().filter_map(act).collect()
    }

    /// What it does belongs to the trace of its execution.
    fn trace(&self, state: &Saga) -> Option<String> {
        state.trace.map(|trace| trace.to_string())
    }

    pub(super) fn task(&self, state: &Saga, task: Dispatch) -> Option<QueuedTask> {
        let Dispatch { path, attempt, queue, activity, input, timeout, cause, metadata, idempotency_key } = task;
        let (workflow, version) = state.plan()?;
        let task = Task {
            workflow: workflow.clone(),
            version,
            execution: state.id.clone(),
            idempotency_key,
            reply: self.names().saga(state.id.as_str(), self.partitions),
            ask: self.ask.clone(),
            path,
            attempt,
            queue,
            activity,
            input,
            cause,
            timeout,
            heartbeat: None,
            report: false,
            claim: false,
            metadata,
            begin_by: None,
        };
        Some(self.speech.task(&task, self.trace(state)))
    }

    /// Its execution knows what it has heard; the server remembers it for a while, too.
    fn news(&self, state: &Saga, news: SagaNews, name: String) -> Message {
        let (id, input) = (&state.id, Input::SagaNews(news));
        Message {
            subject: self.names().input(id.as_str(), self.partitions),
            expected: None,
            msg_id: Some(name.clone()),
            ttl: None,
            headers: self.speech.headers(name, input.kind().to_owned(), id.as_str(), self.trace(state)),
            payload: input.data().into(),
        }
    }

    pub(super) fn record_key(id: &ExecutionId) -> String {
        LogKind::Sagas.record_key(id.as_str())
    }

    /// The record says how it ended.
    pub(super) fn recall(&self, id: &ExecutionId) -> Act {
        Act::LookUp { bucket: Bucket::Results, key: Self::record_key(id) }
    }

    /// An input that the owner itself puts on the log.
    pub(super) fn input(&self, id: &ExecutionId, input: &SagaInput, what: &str) -> Message {
        let name = format!("{id}-{what}-{}", self.partition);
        Message {
            subject: self.names().saga(id.as_str(), self.partitions),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.speech.headers(name, input.kind().to_owned(), id.as_str(), None),
            payload: input.data().into(),
        }
    }

    /// The answer in the place of a worker when the server takes no such task: too large, usually.
    pub(super) fn task_refused(&self, task: &QueuedTask, why: &str) -> Option<Message> {
        let (execution, failed) = Speech::task_refused(task, why)?;
        Some(self.input(&execution, &SagaInput::Task(Input::StepFailed(failed)), "refused"))
    }
}

/// What a record says to who asks. One that cannot be read is an end too: nothing that was undone is undone again.
pub(super) fn told_by_record(id: &ExecutionId, json: &Bytes, began: Option<Moment>) -> Option<SagaNews> {
    /// The value of a record: the view, and where on the log it ended.
    #[derive(Deserialize)]
    struct Record {
        state: SagaView,
    }
    match serde_json::from_slice::<Record>(json) {
        Ok(record) => told_by(record.state, began),
        Err(fault) => {
            tracing::error!(execution = id.as_str(), %fault, "the record of a saga cannot be read; it counts as completed");
            Some(SagaNews { status: Some(SagaStatus::Completed), ..SagaNews::nothing() })
        }
    }
}

/// What it is a saga of.
pub(super) trait Planned {
    fn plan(&self) -> Option<(&Name, u32)>;
}

impl Planned for Saga {
    fn plan(&self) -> Option<(&Name, u32)> {
        match &self.stage {
            sagaline_saga::Stage::Running(work) => Some((&work.workflow, work.version)),
            sagaline_saga::Stage::Over(view) | sagaline_saga::Stage::SetAside { view, .. } => {
                Some((&view.workflow, view.version))
            }
            sagaline_saga::Stage::Unasked { .. } | sagaline_saga::Stage::Recalling { .. } => None,
        }
    }
}
