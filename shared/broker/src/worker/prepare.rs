//! All that comes before an attempt may begin: the question whether it is wanted, its input, the report that it begins, its claim.

use std::{mem, pin::pin, time::Duration};

use sagaline_events::Task;
use sagaline_model::StepError;
use serde_json::Value;

use super::{
    Delivery, Host, PayloadFault, TaskPorts,
    answer::report,
    claim::claim,
    doubt::{is_only_copy, is_wanted, may_be_elsewhere, may_have_begun},
    hold::{Hold, Lost},
    running::Begun,
};

/// What a reference in a task's JSON looks like. Most tasks have none, and are not searched.
const REFERENCE: &[u8] = b"\"$ref\"";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is to be done with a task.
pub(super) enum Prepared<'a> {
    /// Run it, now.
    Run(Value, Begun<'a>),
    /// Its turn of a rate is over: it is to ask for another one.
    Late,
    /// Nobody waits for it: let the queue forget it.
    Unwanted,
    /// It is somebody else's, or may be: leave it alone.
    Lost,
    /// It runs in this worker already.
    Joined,
    /// It cannot run, and this is why.
    Failed(StepError),
    /// Nobody can be told anything about it.
    Unanswerable(String),
}

pub(super) async fn prepare<'a, P: TaskPorts, H: Host>(
    hold: &Hold<'a, P>,
    host: &H,
    delivery: &Delivery,
    task: &mut Task,
) -> Prepared<'a> {
    let ports = hold.ports();
    let is_only_copy = is_only_copy(delivery, task, ports.session());
    if !is_only_copy && let Err(instead) = Box::pin(settle(hold, host, task)).await {
        return instead;
    }
    let input = match hold.keep_while_ours(pin!(input(ports, delivery, task))).await {
        Err(Lost) => return Prepared::Lost,
        Ok(Err(error)) => return Prepared::Failed(error),
        Ok(Ok(input)) => input,
    };
    // From here to the start nothing is waited for, but by tasks whose start must be reported; so this is looked at again there.
    if !hold.is_ours() {
        return Prepared::Lost;
    }
    let Some(begun) = ports.running().begin(task, hold.reply()) else { return Prepared::Joined };
    if is_late(ports, delivery, task) {
        return Prepared::Late;
    }
    if task.timeout.is_none() && !task.report && !task.claim {
        return Prepared::Run(input, begun);
    }
    let traceparent = delivery.content.as_ref().ok().and_then(|content| content.traceparent.as_deref());
    match Box::pin(report(hold, task, traceparent)).await {
        Ok(Err(why)) => Prepared::Unanswerable(why),
        Ok(Ok(())) if task.claim => match Box::pin(claim(hold, host, task, &begun, is_only_copy)).await {
            Ok(()) if is_late(ports, delivery, task) => Prepared::Late,
            Ok(()) => Prepared::Run(input, begun),
            Err(not_ours) => not_ours,
        },
        Ok(Ok(())) if begun.is_revoked() => Prepared::Unwanted,
        Ok(Ok(())) if hold.is_ours() && is_late(ports, delivery, task) => Prepared::Late,
        Ok(Ok(())) if hold.is_ours() => Prepared::Run(input, begun),
        Ok(Ok(())) | Err(Lost) => Prepared::Lost,
    }
}

/// Settles a doubt: whether the task is still to be done, and not by whoever had it before. `Err`: what is to be done with it
/// instead.
async fn settle<'a, P: TaskPorts, H: Host>(hold: &Hold<'a, P>, host: &H, task: &Task) -> Result<(), Prepared<'a>> {
    let ports = hold.ports();
    // Before anybody is asked: between the answer and the start its result would be stored by whoever runs it here.
    if ports.running().joins(task, hold.reply()) {
        return Err(Prepared::Joined);
    }
    let is_older = may_be_elsewhere(task, ports.session());
    if is_older {
        let gathering = ports.session().gathering_until.saturating_sub(ports.boot());
        if hold.keep_while_ours(pin!(ports.pause(gathering))).await.is_err() {
            return Err(Prepared::Lost);
        }
    }
    let is_elsewhere = || is_older && ports.elsewhere().holds(task, ports.boot(), ports.session().ack_wait);
    if is_elsewhere() {
        return Err(Prepared::Lost);
    }
    let Ok(wanted) = hold.keep_while_ours(pin!(is_wanted(ports, task))).await else { return Err(Prepared::Lost) };
    host.asked(wanted);
    match wanted {
        false => Err(Prepared::Unwanted),
        true if is_elsewhere() => Err(Prepared::Lost),
        true => Ok(()),
    }
}

/// Whether the attempt may not begin any more. A turn is for one begin, and whoever had the task before may have used it.
fn is_late<P: TaskPorts>(ports: &P, delivery: &Delivery, task: &Task) -> bool {
    let Some(by) = task.begin_by else { return false };
    may_have_begun(delivery, task, ports.session()) || ports.now().is_some_and(|now| by < now)
}

/// The input with what it refers to.
async fn input<P: TaskPorts>(ports: &P, delivery: &Delivery, task: &mut Task) -> Result<Value, StepError> {
    let input = mem::take(&mut task.input);
    let refers = |bytes: &[u8]| bytes.windows(REFERENCE.len()).any(|window| window == REFERENCE);
    if !delivery.content.as_ref().is_ok_and(|content| refers(&content.data)) {
        return Ok(input);
    }
    let mut pause = FIRST_PAUSE;
    loop {
        match Box::pin(ports.resolve(input.clone())).await {
            Ok(input) => return Ok(input),
            Err(PayloadFault::Never(why)) => return Err(StepError::new("BadInput", why).final_()),
            Err(PayloadFault::Later(why)) => {
                let Task { execution, path, attempt, .. } = task;
                tracing::warn!(%execution, step = %path, attempt, why, "a large input cannot be read yet; trying again");
            }
        }
        ports.pause(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
