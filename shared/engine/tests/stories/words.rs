//! Effects in a line each, so that a story can say what it expects: `task charge#1`, `step.failed charge#1 Busy, again at 2s`.

use sagaline_engine::Effect;
use sagaline_events::{
    EntityInput, Happening, Ticket, UndoStep,
    entity::Outcome,
    job::{JobEvent, JobHappening},
    saga::UndoOutcome,
};
use sagaline_model::Moment;

use crate::story::BEGIN;

pub(crate) fn of_all(effects: &[Effect]) -> Vec<String> {
    effects.iter().map(of).collect()
}

fn of(effect: &Effect) -> String {
    match effect {
        Effect::Dispatch(task) => format!("task {}#{}", task.path, task.attempt),
        Effect::Revoke { path, attempt, .. } => format!("revoke {path}#{attempt}"),
        Effect::AskToStop { path, attempt, .. } => format!("stop {path}#{attempt}"),
        Effect::Tell(happening) => {
            let (kind, what) = happening.name();
            format!("{kind}.{what}{}", told(happening))
        }
        Effect::Bind { workflow, version: None } => format!("bind {workflow}"),
        Effect::Bind { workflow, version: Some(version) } => format!("bind {workflow} version {version}"),
        Effect::Reject { reason, .. } => format!("reject {reason}"),
        Effect::StartChild { child, start } => format!("start {child} of {}", start.workflow),
        Effect::AskChild { child, .. } => format!("ask {child}"),
        Effect::CancelChild { child, reason, .. } => format!("cancel {child}: {reason}"),
        Effect::TellParent { parent, ended, again } => {
            let cause = ended.error.as_ref().map(|error| error.kind.clone()).or_else(|| ended.reason.clone());
            let again = if *again { " again" } else { "" };
            format!("tell {parent}{again} {} {}{}", ended.path, ended.status.as_str(), of_option("", cause.as_ref()))
        }
        Effect::Recall => "recall".to_owned(),
        Effect::Bury { letter, ttl } => {
            let done: Vec<_> = letter.resume.done.keys().map(ToString::to_string).collect();
            format!("bury {} with [{}] done for {ttl}", letter.status.as_str(), done.join(", "))
        }
        Effect::Emit { id, kind, .. } => format!("emit {kind} as {id}"),
        Effect::Entity { entity, input } => format!("{entity} {}", asked(input)),
        Effect::AskSaga { request, again } => {
            let again = if *again { " again" } else { "" };
            format!("undo{again} of {}: {}", request.cause.status.as_str(), undone(&request.steps))
        }
        Effect::LookAfterSaga { .. } => "ask saga".to_owned(),
        Effect::TellSchedule { schedule, again } => {
            format!("tell schedule {schedule}{}", if *again { " again" } else { "" })
        }
        Effect::Late { late } => format!("late {}#{} {}", late.path, late.attempt, late.output),
    }
}

/// Each after what is undone before it; `?` is unknown, `!` has failed, and what only holds others together stands in brackets.
pub(crate) fn undone(steps: &[UndoStep]) -> String {
    let name = |step: &UndoStep| {
        let mark = match step.outcome {
            _ if step.actions.is_empty() => return format!("({})", step.path),
            UndoOutcome::Completed => "",
            UndoOutcome::Unknown => "?",
            UndoOutcome::Failed => "!",
        };
        let of = step.execution.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
        format!("{}{mark}{of}", step.path)
    };
    let of = |step: &UndoStep| {
        let after: Vec<String> = step.after.iter().map(|place| steps[*place as usize].path.to_string()).collect();
        if after.is_empty() { name(step) } else { format!("{} after {}", name(step), after.join("+")) }
    };
    steps.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn asked(input: &EntityInput) -> String {
    match input {
        EntityInput::Acquire(ask) => format!("acquire{} of {} {:?}", attempt_of(&ask.ticket), ask.limit, ask.on_limit),
        EntityInput::Release(release) => format!("release{}", attempt_of(&release.ticket)),
        EntityInput::Permit(ask) => format!("permit {}#{}", path_of(&ask.ticket), ask.ticket.attempt),
        EntityInput::Outcome(Outcome { ticket, ok }) => {
            let how = match ok {
                Some(true) => "ok",
                Some(false) => "failed",
                None => "none",
            };
            format!("outcome {}#{} {how}", path_of(ticket), ticket.attempt)
        }
        EntityInput::Timer(_) => "timer".to_owned(),
        EntityInput::Await(ask) => format!("await {}", path_of(&ask.ticket)),
        EntityInput::Leave(leave) => format!("leave {}", path_of(&leave.ticket)),
        EntityInput::Event(_) => "event".to_owned(),
        EntityInput::Turn(ask) => {
            let rule = ask.rule;
            format!("turn {}#{} of {} per {}", path_of(&ask.ticket), ask.ticket.attempt, rule.limit, rule.per)
        }
        EntityInput::Claim(ask) => format!("claim for {}{}", ask.ttl, of_option("after ", ask.origin.as_ref())),
        EntityInput::Gather(_) => "gather".to_owned(),
    }
}

fn attempt_of(ticket: &Ticket) -> String {
    let path = ticket.path.as_ref().filter(|_| 0 < ticket.attempt);
    path.map_or(String::new(), |path| format!(" {path}#{}", ticket.attempt))
}

fn path_of(ticket: &Ticket) -> String {
    ticket.path.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn told(happening: &Happening) -> String {
    match happening {
        Happening::WorkflowStarted { trigger, parent } => {
            format!("{}{}", of_option("", trigger.as_ref()), of_option("by ", parent.as_ref()))
        }
        Happening::WorkflowCompleted { duration } | Happening::WorkflowTimedOut { duration } => {
            format!(" in {duration}")
        }
        Happening::WorkflowFailed { duration, error, step, attempts } => {
            let (step, attempts) = (of_option("by ", step.as_ref()), of_option("attempt ", attempts.as_ref()));
            format!(" {}{step}{attempts} in {duration}", error.kind)
        }
        Happening::WorkflowCancelled { duration, reason } => {
            format!("{} in {duration}", of_option("", reason.as_ref()))
        }
        Happening::WorkflowStartRefused { error } => format!(" {}", error.kind),
        Happening::WorkflowParked { cause } => format!(" {cause}"),
        Happening::WorkflowPaused { reason } => of_option("", reason.as_ref()),
        Happening::WorkflowCancelling { reason, until } => {
            format!("{} until {}", of_option("", reason.as_ref()), until.since(BEGIN))
        }
        Happening::WorkflowResumed => String::new(),
        Happening::WorkflowRetried { attempt, error, next_at, .. } => {
            format!(" #{attempt} {}{}", error.kind, again(Some(*next_at)))
        }
        Happening::StepScheduled { step, attempt } | Happening::StepCancelled { step, attempt } => {
            format!(" {step}#{attempt}")
        }
        Happening::StepStarted { step, attempt, worker } => {
            format!(" {step}#{attempt}{}", of_option("by ", worker.as_ref()))
        }
        Happening::StepCompleted { step, attempt, duration } => format!(" {step}#{attempt} in {duration}"),
        Happening::StepFailed { step, attempt, error, next_at } => {
            format!(" {step}#{attempt} {}{}", error.kind, again(*next_at))
        }
        Happening::StepTimedOut { step, attempt, next_at } => format!(" {step}#{attempt}{}", again(*next_at)),
        Happening::StepSkipped { step, reason } => format!(" {step}: {reason}"),
        Happening::StepWaiting { step, wait_for, until } => {
            format!(" {step} for {wait_for}{}", of_option("until ", until.map(|until| until.since(BEGIN)).as_ref()))
        }
        Happening::StepResumed { step } => format!(" {step}"),
        Happening::WorkflowSignalRefused { signal, error } => format!(" {signal}: {}", error.message),
        Happening::WorkflowUpdated { update, id } => format!(" {update} {id}"),
        Happening::StepExpanded { step, attempt, steps } => format!(" {step}#{attempt} by {steps}"),
        Happening::WorkflowPending { wait_for, until } => {
            format!(" for {wait_for}{}", of_option("until ", until.map(|until| until.since(BEGIN)).as_ref()))
        }
        Happening::WorkflowAdmitted => String::new(),
        Happening::WorkflowRolledBack { duration, error, step, reason } => {
            let error = of_option("", error.as_ref().map(|error| &error.kind));
            let (step, reason) = (of_option("by ", step.as_ref()), of_option("", reason.as_ref()));
            format!("{error}{step}{reason} in {duration}")
        }
        Happening::WorkflowStuck { step, error } | Happening::SagaStuck { step, error } => {
            format!(" {step} {}", error.kind)
        }
        Happening::SagaStarted { steps } => format!(" {steps}"),
        Happening::SagaStepCompensated { step, attempt } => format!(" {step}#{attempt}"),
        Happening::SagaStepSkipped { step, reason, .. } => format!(" {step}: {reason}"),
        Happening::SagaCompleted { duration, steps } => format!(" {steps} in {duration}"),
        Happening::SagaResolved { why, .. } => format!(" {why}"),
        Happening::SagaRetried { step, .. } => format!(" {step}"),
        Happening::Job(JobHappening { activity, queue, attempt, what }) => {
            let rest = match what {
                JobEvent::Scheduled { until } => format!(" until {}", until.since(BEGIN)),
                JobEvent::Enqueued => String::new(),
                JobEvent::Started { worker } => of_option("by ", worker.as_ref()),
                JobEvent::Completed { duration } => format!(" in {duration}"),
                JobEvent::Failed { error, next_at } => format!(" {}{}", error.kind, again(*next_at)),
                JobEvent::Dead { error, duration } => format!(" {} in {duration}", error.kind),
                JobEvent::Cancelled { reason, duration } => format!("{} in {duration}", of_option("", reason.as_ref())),
            };
            format!(" {activity}@{queue}#{attempt}{rest}")
        }
    }
}

fn of_option(before: &str, text: Option<&impl ToString>) -> String {
    text.map(|text| format!(" {before}{}", text.to_string())).unwrap_or_default()
}

fn again(next_at: Option<Moment>) -> String {
    next_at.map(|next_at| format!(", again at {}", next_at.since(BEGIN))).unwrap_or_default()
}
