//! One task from its receipt to its acknowledgement.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::future::{Either, select};
use sagaline_events::Task;
use sagaline_model::StepError;
use serde_json::Value;

use super::{
    Delivery, Ended, Host, Run, Stop, TaskPorts,
    answer::{answer, reject},
    claim,
    hold::Hold,
    message,
    prepare::{Prepared, prepare},
    pulse::Pulse,
    running::Begun,
};

/// How long an activity that ran out of time may tidy up before it is broken off.
pub const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// What became of a delivered task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Its result is stored.
    Answered,
    /// Nobody waited for it, so it did not run.
    Unwanted,
    /// It ran, and meanwhile nobody waited for it any more.
    Revoked,
    /// Somebody else may have it, so it did not run.
    Dropped,
    /// It runs in this worker already.
    Joined,
    /// It was set aside as unreadable.
    Rejected,
    /// The worker ends, so it went back to the queue.
    Released,
    /// Its turn was over, so it did not run, and says so.
    Late,
}

/// Serves one delivered task. Dropping the future is a crash of the worker, as far as this task is concerned.
pub async fn serve<P: TaskPorts, H: Host>(ports: &P, host: &H, stop: &Stop, delivery: &Delivery) -> Served {
    let hold = Hold::new(ports, delivery);
    let served = {
        let attended = pin!(attend(&hold, host, stop, delivery));
        match select(attended, pin!(stop.release.cancelled())).await {
            Either::Left((served, _)) => served,
            Either::Right(_) => Served::Released,
        }
    };
    if served == Served::Released {
        hold.give_back().await;
    }
    served
}

async fn attend<P: TaskPorts, H: Host>(hold: &Hold<'_, P>, host: &H, stop: &Stop, delivery: &Delivery) -> Served {
    let mut task = match message::read(delivery) {
        Ok(task) => task,
        Err(why) => return set_aside(hold, delivery, &why).await,
    };
    if stop.drain.is_cancelled() {
        return Served::Released;
    }
    let prepared = {
        let prepared = pin!(prepare(hold, host, delivery, &mut task));
        match select(prepared, pin!(stop.drain.cancelled())).await {
            Either::Left((prepared, _)) => prepared,
            Either::Right(_) => return Served::Released,
        }
    };
    let traceparent = delivery.content.as_ref().ok().and_then(|content| content.traceparent.as_deref());
    let task = Arc::new(task);
    match prepared {
        Prepared::Run(input, begun) => {
            begun.runs();
            let ended = hold.keep(pin!(run(hold.ports(), host, &task, input, &begun, traceparent))).await;
            // Of a claimed attempt somebody wants to know all the same whether there is something to undo.
            if begun.is_revoked() && !task.claim {
                hold.done().await;
                return Served::Revoked;
            }
            let ended = if task.claim { claim::as_far_as_known(ended, begun.cancel().is_cancelled()) } else { ended };
            answer(hold, delivery, &task, ended, traceparent).await;
            Served::Answered
        }
        Prepared::Failed(error) => {
            answer(hold, delivery, &task, Ended::Failed(error), traceparent).await;
            Served::Answered
        }
        Prepared::Late => {
            answer(hold, delivery, &task, Ended::Late, traceparent).await;
            Served::Late
        }
        Prepared::Unwanted => {
            hold.done().await;
            Served::Unwanted
        }
        Prepared::Unanswerable(why) => set_aside(hold, delivery, &why).await,
        Prepared::Lost => Served::Dropped,
        Prepared::Joined => Served::Joined,
    }
}

/// Runs the activity, for as long as it may.
async fn run<P: TaskPorts, H: Host>(
    ports: &P,
    host: &H,
    task: &Arc<Task>,
    input: Value,
    begun: &Begun<'_>,
    traceparent: Option<&str>,
) -> Ended {
    let cancel = begun.cancel().clone();
    let (traceparent, pulse) = (traceparent.map(str::to_owned), Pulse::default());
    let run = Run { task: task.clone(), input, traceparent, cancel: cancel.clone(), pulse: pulse.clone() };
    let activity = pin!(host.run(run));
    if task.timeout.is_none() && task.heartbeat.is_none() {
        return activity.await;
    }
    match select(activity, pin!(time_is_up(ports, task, &pulse))).await {
        Either::Left((ended, _)) => ended,
        Either::Right((error, activity)) => {
            cancel.cancel();
            // Whatever it still says comes too late; only its tidying up is waited for.
            select(activity, pin!(ports.pause(CANCEL_GRACE))).await;
            Ended::Failed(error)
        }
    }
}

/// Ends when the attempt has run too long, or gives no sign of life any more.
async fn time_is_up<P: TaskPorts>(ports: &P, task: &Task, pulse: &Pulse) -> StepError {
    let timeout = async {
        let Some(timeout) = task.timeout else { return std::future::pending().await };
        ports.pause(timeout.into()).await;
        let message = format!("the attempt ran longer than its timeout of {timeout}");
        StepError::new(StepError::TIMEOUT, message)
    };
    let silence = async {
        let limit = pulse.stops(ports, task.heartbeat).await;
        let message = format!("the attempt gave no sign of life for longer than its heartbeat of {limit}");
        StepError::new(StepError::HEARTBEAT_TIMEOUT, message)
    };
    match select(pin!(timeout), pin!(silence)).await {
        Either::Left((error, _)) | Either::Right((error, _)) => error,
    }
}

async fn set_aside<P: TaskPorts>(hold: &Hold<'_, P>, delivery: &Delivery, why: &str) -> Served {
    tracing::warn!(task = delivery.subject, why, "a task cannot be served; it goes to the stream of rejected messages");
    Box::pin(reject(hold, delivery, why)).await;
    hold.done().await;
    Served::Rejected
}
