//! Why an execution is where it is: the step, the cause, since when, what ends it, and the command to do so.

mod around;
mod later;
mod saga;

use sagaline_events::{
    FramePath, Start, TimerKind,
    ask::{Why, WorkerOf},
};
use sagaline_model::{Moment, Name, Need};

pub(crate) use self::around::halted;
use crate::{
    compiled::{Compiled, CompiledKind},
    nodes::Nodes,
    queue_of,
    state::{
        Asking, Between, Cleanup, Dispatched, Execution, Frame, Outcome, Over, OwnKey, Paused, Place, Run, Slots,
        Stage, State, is_place,
    },
};

impl Execution {
    /// Every reason, the first due first. `plan` is that of [`Execution::plan`].
    pub fn why(&self, plan: Option<&Compiled>) -> Vec<Why> {
        let id = self.id.as_str();
        match &self.stage {
            Stage::Unborn(_) => vec![],
            Stage::Unbound { start, started, .. } => vec![Why {
                step: None,
                state: "pending".into(),
                cause: format!("{} is being looked up", sought(start)),
                since: *started,
                ends: "the orchestrator records what it finds; this takes milliseconds while NATS answers".into(),
                until: None,
                command: "sagaline workflows".into(),
                worker_of: None,
            }],
            Stage::Running(run) => running(id, run, plan.map(|plan| self.nodes(plan))),
            Stage::Over(over) => vec![over_why(id, over)],
            Stage::Parked { cause, since, .. } => vec![Why {
                step: None,
                state: "parked".into(),
                cause: format!("a bug of Sagaline was found while running it: {cause}"),
                since: *since,
                ends: "nothing ends it by itself; cancelling closes it".into(),
                until: None,
                command: format!("sagaline cancel {id} --reason parked"),
                worker_of: None,
            }],
        }
    }
}

fn running(id: &str, run: &Run, plan: Option<Nodes<'_>>) -> Vec<Why> {
    let mut reasons: Vec<Why> =
        run.frames.iter().filter_map(|(path, frame)| frame_why(id, path, frame, run, plan)).collect();
    reasons.sort_by_key(|why| (why.until.is_none(), why.until, why.since));
    reasons.extend(run.between_rounds().map(|pause| between_why(id, run, pause)));
    reasons.extend(run.paused.as_ref().map(|paused| paused_why(id, run, paused)));
    reasons.extend(run.cleanup.as_ref().map(|cleanup| cleanup_why(id, run, cleanup)));
    if run.is_pending() {
        let key = run.unique.as_ref().filter(|key| !key.state.is_granted());
        reasons.extend(key.map(|key| key_why(id, key)));
        let place = run.place.as_ref().filter(|place| !place.state.is_granted());
        reasons.extend(place.map(|place| pending_why(id, place)));
    }
    reasons.extend(run.begins_at().map(|time| later::why(id, run, time)));
    around::add(&mut reasons, run);
    reasons.extend(saga::reasons(id, run));
    reasons
}

/// What a start waits for.
fn sought(start: &Start) -> String {
    match (start.again, start.version) {
        (true, _) => "whether it began before, and how it ended then,".to_owned(),
        (false, Some(version)) => format!("version {version} of `{}`", start.workflow),
        (false, None) => format!("the newest version of `{}`", start.workflow),
    }
}

fn cleanup_why(id: &str, run: &Run, cleanup: &Cleanup) -> Why {
    let reason = cleanup.reason.as_deref().map_or(String::new(), |reason| format!(" ({reason})"));
    Why {
        step: None,
        state: "cancelling".into(),
        cause: format!("it was cancelled{reason}, and {} at work were told to stop", run.index.tasks),
        since: cleanup.since,
        ends: format!("all of them answer, or their time to tidy up is over at {}", cleanup.until),
        until: Some(cleanup.until),
        command: format!("sagaline cancel {id}"),
        worker_of: None,
    }
}

fn between_why(id: &str, run: &Run, pause: &Between) -> Why {
    let failed = run.attempt().unwrap_or(1);
    let step = pause.step.as_ref().map_or(String::new(), |step| format!("step `{step}` "));
    let error = &pause.error;
    Why {
        step: None,
        state: "backing_off".into(),
        cause: format!("attempt {failed} of the whole failed: {step}failed with {}: {}", error.kind, error.message),
        since: pause.since,
        ends: format!("everything begins anew at {}, as attempt {}", pause.due, failed + 1),
        until: Some(pause.due),
        command: format!("sagaline cancel {id}"),
        worker_of: None,
    }
}

fn paused_why(id: &str, run: &Run, paused: &Paused) -> Why {
    let held = match paused.held.len() {
        0 => "no step is held back yet".to_owned(),
        1 => "a step is held back".to_owned(),
        many => format!("{many} steps are held back"),
    };
    let halted = run.frames.iter().find_map(|(path, frame)| match &frame.state {
        State::Halted { error, .. } => Some(halted(path, error)),
        _ => None,
    });
    let reason = paused.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
    let cause = match halted {
        // It was paused for that, not before.
        Some(halted) if paused.reason.as_ref() == Some(&halted) => {
            format!("its definition asks to wait for somebody when this fails: {halted}; {held}")
        }
        Some(halted) => format!("somebody paused it{reason}; then {halted}; {held}"),
        None => format!("somebody paused it{reason}; {held}"),
    };
    Why {
        step: None,
        state: "paused".into(),
        cause,
        since: paused.since,
        ends: "somebody resumes it".into(),
        until: None,
        command: format!("sagaline resume {id}"),
        worker_of: None,
    }
}

fn key_why(id: &str, key: &OwnKey) -> Why {
    Why {
        step: None,
        state: "pending".into(),
        cause: format!("it has asked for the unique key `{}`", key.entity),
        since: key.since,
        ends: "it is answered; this takes milliseconds while an orchestrator owns the partition of the key".into(),
        until: key.state.timer().map(|(at, _)| at),
        command: format!("sagaline cancel {id}"),
        worker_of: None,
    }
}

/// Of an attempt that stands at one of its gates.
fn gate_why(path: &FramePath, asking: &Asking, turn: Option<Moment>, cancel: String) -> Why {
    let (attempt, entity) = (asking.attempt, &asking.entity);
    let (state, cause, ends) = match turn {
        Some(turn) => (
            "waiting",
            format!("so many attempts begin in a time, by `{entity}`; attempt {attempt} has its turn later"),
            format!("attempt {attempt} goes on at {turn}"),
        ),
        None if is_place(entity) => (
            "waiting",
            format!(
                "as many attempts of `{entity}` as may be at once are at work; attempt {attempt} waits for its turn"
            ),
            format!(
                "one of them ends, and nobody who began earlier waits; `sagaline limits get {entity}` shows the line"
            ),
        ),
        None => (
            "scheduled",
            format!("attempt {attempt} has asked `{entity}` when it may begin"),
            "it is answered; this takes milliseconds while an orchestrator owns the partition of the rate".to_owned(),
        ),
    };
    let (until, step) = (Some(asking.limit().0), Some(path.clone()));
    Why { step, state: state.into(), cause, since: asking.since, ends, until, command: cancel, worker_of: None }
}

fn pending_why(id: &str, place: &Place) -> Why {
    let again = place.state.timer().map(|(at, _)| at);
    Why {
        step: None,
        state: "pending".into(),
        cause: format!("as many of `{}` as may be at once are at work; it waits for its turn", place.entity),
        since: place.since,
        ends: format!(
            "one of them ends, and nobody who began earlier waits; `sagaline limits get {}` shows the line",
            place.entity
        ),
        until: again,
        command: format!("sagaline cancel {id}"),
        worker_of: None,
    }
}

fn frame_why(id: &str, path: &FramePath, frame: &Frame, run: &Run, plan: Option<Nodes<'_>>) -> Option<Why> {
    let node = plan.map(|plan| &plan.node(frame.node).kind);
    let why = |state: &str, since, cause, ends, until, command| {
        Some(Why { step: Some(path.clone()), state: state.into(), cause, since, ends, until, command, worker_of: None })
    };
    let cancel = format!("sagaline cancel {id}");
    match &frame.state {
        State::Dispatched(task) => Some(task_why(path, task, node, run.queue.as_ref(), cancel)),
        State::BackingOff { failed, since, due, error, .. } => why(
            "backing_off",
            *since,
            format!("attempt {failed} failed with {}: {}", error.kind, error.message),
            format!("attempt {} begins at {due}", failed + 1),
            Some(*due),
            cancel,
        ),
        State::Snoozed { attempt, since, due, reason, .. } => {
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            let cause = format!("attempt {attempt} said that it is too early{reason}");
            why("waiting", *since, cause, format!("attempt {} begins at {due}", attempt + 1), Some(*due), cancel)
        }
        State::Waiting { due } => why(
            "waiting",
            frame.since,
            "it waits for time to pass, as the definition says".to_owned(),
            format!("it goes on at {due}"),
            Some(*due),
            cancel,
        ),
        State::Awaiting { signal, until } => {
            let ends = until.map_or("the signal comes; it has no timeout".to_owned(), |until| {
                format!("the signal comes, or its timeout at {until}")
            });
            let command = format!("sagaline signal {id} {signal}");
            why("waiting", frame.since, format!("nobody has sent the signal `{signal}` yet"), ends, *until, command)
        }
        State::Queued { since, course, .. } => {
            let cause = run.slots.map(Slots::told).unwrap_or_default();
            let ends = match &run.paused {
                Some(_) => "somebody resumes the execution, and it is its turn".to_owned(),
                None => "an attempt of another step ends, and those that came before had their turn".to_owned(),
            };
            let ends = course.deadline.map_or(ends.clone(), |until| format!("{ends}; or its time is over at {until}"));
            why("waiting", *since, cause, ends, course.deadline, cancel)
        }
        State::Delegated(delegated) => {
            let child = &delegated.child;
            let workflow = match node {
                Some(CompiledKind::Child { what, .. }) => format!(" of the workflow `{}`", what.workflow),
                _ => String::new(),
            };
            let ends = delegated.until.map_or("that execution ends".to_owned(), |until| {
                format!("that execution ends, or its timeout at {until}")
            });
            let command = format!("sagaline why {child}");
            why(
                "running",
                frame.since,
                format!("it waits for the execution `{child}`{workflow}"),
                ends,
                delegated.until,
                command,
            )
        }
        State::Gathering(gathering) => {
            let enough = match (gathering.need, gathering.missing.len()) {
                (Need::All | Need::Any, ..=1) => "the signal comes",
                (Need::All, _) => "all of them have come",
                (Need::Any, _) => "one of them comes",
            };
            let or = gathering
                .until
                .map_or("; it has no timeout".to_owned(), |until| format!(", or its timeout at {until}"));
            let missing: Vec<&str> = gathering.missing.iter().map(Name::as_str).collect();
            let cause = match missing.as_slice() {
                [one] => format!("nobody has sent the signal `{one}` yet"),
                several => format!("nobody has sent the signals `{}` yet", several.join("`, `")),
            };
            let command = format!("sagaline signal {id} {}", missing.first().unwrap_or(&"?"));
            why("waiting", frame.since, cause, format!("{enough}{or}"), gathering.until, command)
        }
        State::Approving(approving) => {
            let or = approving
                .until
                .map_or("; it has no timeout".to_owned(), |until| format!(", or its timeout at {until}"));
            let by = approving.approvers.first().map_or(String::new(), |approver| format!(" --by {approver}"));
            let cause = format!("it waits for an approval by {}", approving.whom());
            let command = format!("sagaline approve {id} {path}{by}");
            why("waiting", frame.since, cause, format!("somebody approves or rejects{or}"), approving.until, command)
        }
        State::Halted { at, attempt, error } => why(
            "failed",
            *at,
            format!("attempt {attempt} failed with {}: {}, and no other follows by itself", error.kind, error.message),
            "somebody lets it go on: it is tried again, with all its attempts".to_owned(),
            None,
            format!("sagaline resume {id}"),
        ),
        State::Asking(asking) if asking.is_at_gate() => {
            Some(gate_why(path, asking, asking.gates.as_ref().and_then(|gates| gates.turn), cancel))
        }
        State::Asking(asking) if asking.delayed => {
            let cause = format!("the breaker `{}` is open, or others are trying", asking.entity);
            let ends = format!("attempt {} asks again at {}", asking.attempt, asking.again);
            why("waiting", asking.since, cause, ends, Some(asking.limit().0), cancel)
        }
        State::Asking(asking) => {
            let cause = format!("attempt {} has asked the breaker `{}`", asking.attempt, asking.entity);
            let ends =
                "the breaker answers; this takes milliseconds while an orchestrator owns its partition".to_owned();
            why("scheduled", asking.since, cause, ends, Some(asking.limit().0), cancel)
        }
        State::AwaitingEvent(waiting) => {
            let or =
                waiting.until.map_or("; it has no timeout".to_owned(), |until| format!(", or its timeout at {until}"));
            let cause = format!("no event {} has come yet", waiting.what());
            let ends = format!("such an event comes to `{}`{or}", waiting.entity);
            why("waiting", waiting.since, cause, ends, waiting.until, cancel)
        }
        State::Open { .. }
        | State::Looping(_)
        | State::Completed { .. }
        | State::Failed { .. }
        | State::Skipped { .. }
        | State::Cancelled { .. }
        | State::Expanding(_) => None,
    }
}

fn task_why(
    path: &FramePath,
    task: &Dispatched,
    node: Option<&CompiledKind>,
    own_queue: Option<&Name>,
    cancel: String,
) -> Why {
    let worker_of = match node {
        Some(CompiledKind::Step { step, .. }) => {
            Some(WorkerOf { queue: queue_of(step, own_queue), activity: step.activity.clone() })
        }
        _ => None,
    };
    let (queue, activity) = match &worker_of {
        Some(WorkerOf { queue, activity }) => (queue.as_str(), activity.as_str()),
        None => ("?", "?"),
    };
    let attempt = task.attempt;
    let (state, since, cause) = match &task.report {
        Some(report) => {
            let worker = report.worker.as_deref().unwrap_or("a worker");
            let cause = format!("`{worker}` runs attempt {attempt} of `{activity}`");
            ("running", report.at, cause)
        }
        None => {
            let cause =
                format!("attempt {attempt} of `{activity}` was handed to the queue `{queue}` and is not answered yet");
            (if task.is_reported() { "scheduled" } else { "running" }, task.cause, cause)
        }
    };
    let limit = task.limit();
    let until = limit.map(|(until, _)| until);
    let ends = match limit {
        Some((until, TimerKind::ScheduleTimeout)) => format!("a worker begins, or its schedule_timeout at {until}"),
        Some((until, TimerKind::TotalTimeout)) => format!("the worker answers, or its total_timeout at {until}"),
        Some((until, _)) => format!("the worker answers, or its timeout at {until}"),
        None if task.report.is_some() => {
            "the worker answers; if it is dead, another one gets the task within seconds".to_owned()
        }
        None => format!(
            "a worker that serves `{activity}` from the queue `{queue}` answers; if none runs, start an executor"
        ),
    };
    Why { step: Some(path.clone()), state: state.into(), cause, since, ends, until, command: cancel, worker_of }
}

/// What led to this end.
pub fn cause_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed { .. } => "every step is done".to_owned(),
        Outcome::Failed { error, step, attempts } => {
            let step = step.as_ref().map_or(String::new(), |step| format!("step `{step}` "));
            let attempts = attempts.map_or(String::new(), |attempts| format!(" (attempt {attempts} was the last)"));
            format!("{step}failed with {}: {}{attempts}", error.kind, error.message)
        }
        Outcome::Cancelled { reason } => {
            let reason = reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
            format!("it was cancelled{reason}")
        }
        Outcome::TimedOut => "the workflow's timeout passed".to_owned(),
        Outcome::Refused { error } => format!("it could not start: {}", error.message),
        Outcome::RolledBack { cause, saga } => saga::told(cause, saga),
    }
}

fn over_why(id: &str, over: &Over) -> Why {
    let cause = cause_of(&over.outcome);
    let state = match &over.outcome {
        Outcome::Completed { .. } => "completed",
        Outcome::Failed { .. } | Outcome::Refused { .. } => "failed",
        Outcome::Cancelled { .. } => "cancelled",
        Outcome::TimedOut => "timed_out",
        Outcome::RolledBack { .. } => "rolled_back",
    };
    Why {
        step: None,
        state: state.into(),
        cause,
        since: over.ended,
        ends: "it is over".into(),
        until: None,
        command: format!("sagaline history {id}"),
        worker_of: None,
    }
}
