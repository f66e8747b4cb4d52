//! Answering: the result is stored before the task is acknowledged, however long that takes.

use std::{pin::pin, time::Duration};

use sagaline_events::{Input, Task};
use sagaline_model::StepError;
use serde_json::Value;

use super::{
    Delivery, Ended, PayloadFault, TaskPorts,
    hold::{Hold, Lost},
    message::{self, one_line},
};
use crate::ports::{Message, Outcome};

/// JSON of more bytes than this does not travel in a message.
const INLINE_BYTES_MAX: usize = crate::nats::INLINE_BYTES_MAX;
/// Neither do steps that an activity returned.
const EXPANSION_BYTES_MAX: usize = 512 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A log may be made anew by an operator, which takes minutes; a subject that no stream takes for longer than this was never a log's.
const HOMELESS_AFTER: Duration = Duration::from_secs(120);

/// Stores how the attempt ended at whoever wants it, then lets the queue forget the task. It ends only when both are done.
pub(super) async fn answer<P: TaskPorts>(
    hold: &Hold<'_, P>,
    delivery: &Delivery,
    task: &Task,
    ended: Ended,
    traceparent: Option<&str>,
) {
    let ports = hold.ports();
    let (input, data) = fit(hold, task, ended).await;
    let result = message::answer(ports.names(), task, &input, data, traceparent);
    let stored = match store(hold, task, &result).await {
        Err(Never::Refused(why)) => {
            // Whoever waits must hear something, so a failure that is small and plain goes in its place.
            let why = format!("the result could not be stored: {}", one_line(&why));
            let error = StepError::new("ResultRefused", why).final_();
            let failed = message::result(task, Ended::Failed(error), ports.worker());
            let failed = message::answer(ports.names(), task, &failed, failed.data(), None);
            Box::pin(store(hold, task, &failed)).await
        }
        stored => stored,
    };
    if let Err(never) = stored {
        Box::pin(reject(hold, delivery, &never.told(task))).await;
    }
    hold.done().await;
}

/// Sets a delivery aside that nobody can serve.
pub(super) async fn reject<P: TaskPorts>(hold: &Hold<'_, P>, delivery: &Delivery, why: &str) {
    let message = message::rejected(hold.ports().names(), delivery, why);
    let mut pause = FIRST_PAUSE;
    loop {
        match hold.keep(pin!(hold.ports().publish(&message))).await {
            Outcome::Stored { .. } => break,
            outcome => tracing::warn!(task = delivery.subject, ?outcome, "a bad task cannot be set aside yet"),
        }
        hold.keep(pin!(hold.ports().pause(pause))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Reports that the attempt begins, for as long as the task is ours. `Err`: the report is refused for good.
pub(super) async fn report<P: TaskPorts>(
    hold: &Hold<'_, P>,
    task: &Task,
    traceparent: Option<&str>,
) -> Result<Result<(), String>, Lost> {
    let input = message::started(task, hold.ports().worker());
    let data = input.data();
    let started = message::answer(hold.ports().names(), task, &input, data, traceparent);
    let stored = hold.keep_while_ours(pin!(until_stored(hold.ports(), task, &started))).await?;
    Ok(stored.map_err(|never| never.told(task)))
}

async fn store<P: TaskPorts>(hold: &Hold<'_, P>, task: &Task, message: &Message) -> Result<(), Never> {
    hold.keep(pin!(until_stored(hold.ports(), task, message))).await
}

/// Why an answer is never stored.
enum Never {
    /// The server will not have it.
    Refused(String),
    /// It goes to a subject that is no stream's.
    Homeless,
}

impl Never {
    fn told(self, task: &Task) -> String {
        let reply = &task.reply;
        match self {
            Self::Refused(why) => format!("its answer is refused by `{reply}`: {why}"),
            Self::Homeless => {
                format!(
                    "its answer was not stored within {HOMELESS_AFTER:?}: no stream takes `{reply}`, where it is wanted"
                )
            }
        }
    }
}

/// Publishes until it is stored. `Err`: it never will be.
async fn until_stored<P: TaskPorts>(ports: &P, task: &Task, message: &Message) -> Result<(), Never> {
    let mut pause = FIRST_PAUSE;
    let begun = ports.boot();
    loop {
        let why = match ports.publish(message).await {
            Outcome::Stored { .. } => return Ok(()),
            Outcome::Refused(why) => return Err(Never::Refused(why)),
            // A stream that is there and only without a leader will take it later.
            Outcome::Unknown(_)
                if ports.boot() >= begun + HOMELESS_AFTER
                    && Box::pin(ports.is_taken(&message.subject)).await == Some(false) =>
            {
                return Err(Never::Homeless);
            }
            Outcome::Full(why) | Outcome::Unknown(why) => why,
            outcome @ (Outcome::Conflict { .. } | Outcome::Contended | Outcome::Gone | Outcome::Found(_)) => {
                format!("{outcome:?}")
            }
        };
        let Task { execution, path, attempt, .. } = task;
        let subject = &message.subject;
        if pause < LONGEST_PAUSE && LONGEST_PAUSE <= pause * 2 {
            tracing::warn!(%execution, step = %path, attempt, why, subject, "not stored for seconds; it is tried until it is");
        } else {
            tracing::debug!(%execution, step = %path, attempt, why, subject, "not stored yet; trying again");
        }
        ports.pause(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The result as it travels, and its data: what is too large for a message goes to the store of payloads.
async fn fit<P: TaskPorts>(hold: &Hold<'_, P>, task: &Task, ended: Ended) -> (Input, Vec<u8>) {
    let worker = hold.ports().worker();
    let input = message::result(task, ended, worker);
    let data = input.data();
    if data.len() <= INLINE_BYTES_MAX {
        return (input, data);
    }
    let smaller = match input {
        Input::StepSucceeded(result) => match Box::pin(offload(hold, task, result.output)).await {
            Ok(output) => Ended::Succeeded(output),
            Err(why) => {
                Ended::Failed(StepError::new("ResultTooLarge", format!("the output cannot be kept: {why}")).final_())
            }
        },
        Input::StepFailed(result) => Ended::Failed(shortened(result.error)),
        Input::StepSkipped(result) => Ended::Skipped(one_line(&result.reason)),
        Input::StepSnoozed(result) if result.late => Ended::Late,
        Input::StepSnoozed(result) => Ended::Snoozed { delay: result.delay, reason: one_line(&result.reason) },
        Input::StepAwaits(_) => {
            let why = format!("more approvers than {INLINE_BYTES_MAX} bytes can name");
            Ended::Failed(StepError::new("ResultTooLarge", why).final_())
        }
        // The owner reads the steps, so they are in the message or nowhere.
        Input::StepExpanded(_) if data.len() <= EXPANSION_BYTES_MAX => return (input, data),
        Input::StepExpanded(_) => Ended::Failed(too_many_steps(data.len())),
        other => return (other, data),
    };
    let input = message::result(task, smaller, worker);
    let data = input.data();
    (input, data)
}

fn too_many_steps(bytes: usize) -> StepError {
    let (size, limit) = (bytes / 1024, EXPANSION_BYTES_MAX / 1024);
    let message = format!(
        "the steps that it returned have {size} KiB, more than the {limit} KiB that are taken at once; \
         return fewer, or let their inputs be references"
    );
    StepError::new(StepError::BAD_EXPANSION, message).final_()
}

/// The details of an error are for people; without them it still says what happened.
fn shortened(error: StepError) -> StepError {
    let message =
        format!("{} (shortened: the error was larger than {INLINE_BYTES_MAX} bytes)", one_line(&error.message));
    StepError { kind: one_line(&error.kind), message, retryable: error.retryable, details: None }
}

/// `Err`: it can never be kept.
async fn offload<P: TaskPorts>(hold: &Hold<'_, P>, task: &Task, output: Value) -> Result<Value, String> {
    let mut pause = FIRST_PAUSE;
    loop {
        match hold.keep(pin!(hold.ports().offload(task, output.clone()))).await {
            Ok(reference) => return Ok(reference),
            Err(PayloadFault::Never(why)) => return Err(why),
            Err(PayloadFault::Later(why)) => {
                let Task { execution, path, attempt, .. } = task;
                tracing::warn!(%execution, step = %path, attempt, why, "a large output cannot be stored yet; trying again");
            }
        }
        hold.keep(pin!(hold.ports().pause(pause))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
