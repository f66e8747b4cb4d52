//! Effects as messages: the one place where a task, a lifecycle event or an input of ours gets its subject, id and headers.

use sagaline_broker::{
    machine::{Act, Origin, QueuedTask, Rejection},
    names::{LogKind, Names},
    ports::{Bucket, Message, Sequence},
};
use sagaline_engine::{Dispatch, Effect, Execution};
use sagaline_events::{Happening, Input, Lifecycle, Task, job::JobEvent, lifecycle::Refs};
use sagaline_model::{ExecutionId, Name};
use sagaline_owning::Speech;

use super::{company::Emitted, spans::Trace};

/// Writes what one partition's executions send.
pub(super) struct Wire {
    speech: Speech,
    pub(super) partition: u32,
    pub(super) partitions: u32,
    log: String,
    ask: String,
}

impl Wire {
    pub(super) fn new(names: Names, partition: u32, partitions: u32) -> Self {
        let (log, ask) = (names.runs(partition), names.ask(partition));
        Self { speech: Speech::new(names, LogKind::Runs.service()), log, ask, partition, partitions }
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions
    }

    pub(super) fn names(&self) -> &Names {
        self.speech.names()
    }

    pub(super) fn acts(
        &self,
        state: &Execution,
        plan: Option<&(Name, u32)>,
        effects: Vec<Effect>,
        origin: &Origin,
        began: Sequence,
    ) -> Vec<Act> {
        let (id, trace) = (&state.id, self.trace(state));
        let unknown = || (self.unknown_workflow(state), 0);
        let (workflow, version) = plan.cloned().unwrap_or_else(unknown);
        let act = |(ordinal, effect): (usize, Effect)| match effect {
            Effect::Dispatch(task) => Act::Task(self.task(id, &workflow, version, task, trace.as_ref())),
            Effect::Revoke { path, attempt, queue, activity } => {
                self.speech.take_back("revoked", id.as_str(), &path, attempt, queue.as_str(), &activity)
            }
            Effect::AskToStop { path, attempt, queue, activity } => {
                self.speech.take_back("cleanup", id.as_str(), &path, attempt, queue.as_str(), &activity)
            }
            Effect::Tell(happening) => {
                let event =
                    Lifecycle { workflow: workflow.clone(), version, execution: id.clone(), at: state.now, happening };
                Act::Send(self.lifecycle(&event, origin, began, ordinal, trace.as_ref()))
            }
            Effect::Bind { workflow, version } => look_up(&workflow, version),
            Effect::Reject { reason, detail } => Act::Reject(Rejection { reason, detail }),
            Effect::StartChild { child, start } => {
                let step = start.parent.as_ref().map(|parent| parent.path.clone());
                self.start_child(&child, start, trace.as_ref().map(|trace| trace.carried(step.as_ref())))
            }
            Effect::AskChild { child, parent } => Act::Send(self.ask_child(&child, parent)),
            Effect::CancelChild { child, parent, reason, rollback } => {
                Act::Send(self.cancel_child(&child, parent, reason, rollback))
            }
            Effect::TellParent { parent, ended, again } => Act::Send(self.child_ended(&parent, ended, again)),
            Effect::Recall => self.recall(id),
            Effect::Emit { id: event, kind, source, subject, data, hops } => {
                let emitted = Emitted { id: event, kind: &kind, source, subject, data: &data, hops };
                Act::Send(self.emitted(id, &workflow, emitted, trace.as_ref().map(|trace| trace.carried(None))))
            }
            Effect::Bury { letter, ttl } => Act::Send(self.bury(&letter, ttl.into(), origin)),
            Effect::Entity { entity, input } => {
                let name = format!("{id}-{}-{ordinal}", origin.sequence);
                Act::Send(self.to_entity(&entity, &input, name))
            }
            Effect::AskSaga { request, again } => self.ask_saga(id, *request, again),
            Effect::LookAfterSaga { began } => Act::Send(self.look_after_saga(id, began)),
            Effect::Late { late } => Act::Send(self.late(id, late)),
            Effect::TellSchedule { schedule, again } => Act::Send(self.scheduled_ended(&schedule, id, again)),
        };
        effects.into_iter().enumerate().map(act).collect()
    }

    /// The trace that an execution belongs to.
    pub(super) fn trace(&self, state: &Execution) -> Option<Trace> {
        Trace::of(self.names().namespace(), state)
    }

    /// An execution that ended without a plan still names its workflow.
    fn unknown_workflow(&self, state: &Execution) -> Name {
        let named = state.view(None).map(|view| view.workflow);
        named.unwrap_or_else(|| Name::new("unknown").expect("`unknown` is a name"))
    }

    fn lifecycle(
        &self,
        event: &Lifecycle,
        origin: &Origin,
        began: Sequence,
        ordinal: usize,
        trace: Option<&Trace>,
    ) -> Message {
        let execution = event.execution.as_str();
        let input =
            matches!(event.happening, Happening::WorkflowStarted { .. }).then(|| format!("{}/{began}", self.log));
        let is_output = match &event.happening {
            Happening::WorkflowCompleted { .. } => true,
            Happening::Job(job) => matches!(job.what, JobEvent::Completed { .. }),
            _ => false,
        };
        let output = is_output.then(|| format!("{}/{execution}", self.names().bucket(Bucket::Results)));
        let refs = Refs { input: input.as_deref(), output: output.as_deref() };
        let id = format!("{execution}-{}-{ordinal}", origin.sequence);
        self.speech.lifecycle(event, id, refs, trace.map(|trace| trace.carried(event.happening.step())))
    }

    pub(super) fn task(
        &self,
        id: &ExecutionId,
        workflow: &Name,
        version: u32,
        task: Dispatch,
        trace: Option<&Trace>,
    ) -> QueuedTask {
        let Dispatch {
            path,
            attempt,
            queue,
            activity,
            input,
            timeout,
            heartbeat,
            report,
            cause,
            metadata,
            origin,
            claim,
            begin_by,
        } = task;
        let traceparent = trace.map(|trace| trace.carried(Some(&path)));
        let data = Task {
            workflow: workflow.clone(),
            version,
            execution: id.clone(),
            idempotency_key: format!("{}/{path}", origin.as_ref().unwrap_or(id)),
            reply: self.names().input(id.as_str(), self.partitions),
            ask: self.ask.clone(),
            path,
            attempt,
            queue,
            activity,
            input,
            cause,
            timeout,
            heartbeat,
            report,
            claim,
            metadata,
            begin_by,
        };
        self.speech.task(&data, traceparent)
    }

    /// An input that the owner itself puts on the log.
    pub(super) fn input(&self, id: &ExecutionId, input: &Input, what: &str) -> Message {
        Message {
            subject: self.names().input(id.as_str(), self.partitions),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.headers(
                format!("{id}-{what}-{}", self.partition),
                input.kind().to_owned(),
                id.as_str(),
                None,
            ),
            payload: input.data().into(),
        }
    }

    /// The answer in the place of a worker when the server takes no such task: too large, usually.
    pub(super) fn task_refused(&self, task: &QueuedTask, why: &str) -> Option<Message> {
        let (execution, failed) = Speech::task_refused(task, why)?;
        Some(self.input(&execution, &Input::StepFailed(failed), "refused"))
    }

    pub(super) fn headers(
        &self,
        id: String,
        kind: String,
        subject: &str,
        traceparent: Option<String>,
    ) -> Vec<(&'static str, String)> {
        self.speech.headers(id, kind, subject, traceparent)
    }
}

/// Which version a start runs on is read from the bucket, then recorded.
pub(super) fn look_up(workflow: &Name, version: Option<u32>) -> Act {
    let key = match version {
        Some(version) => Names::definition_key(workflow.as_str(), version),
        None => Names::latest_key(workflow.as_str()),
    };
    Act::LookUp { bucket: Bucket::Definitions, key }
}
