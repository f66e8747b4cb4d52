//! One task from its receipt to its acknowledgement.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::future::{Either, select};
use sagaline_events::Task;
use sagaline_model::{Span, StepError};
use serde_json::Value;

use super::{
    Delivery, Ended, Host, Run, Stop, TaskPorts,
    answer::{answer, reject},
    hold::Hold,
    message,
    prepare::{Prepared, prepare},
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
            let ended = hold.keep(run(hold.ports(), host, &task, input, &begun, traceparent)).await;
            if begun.is_revoked() {
                hold.done().await;
                return Served::Revoked;
            }
            answer(hold, delivery, &task, ended, traceparent).await;
            Served::Answered
        }
        Prepared::Failed(error) => {
            answer(hold, delivery, &task, Ended::Failed(error), traceparent).await;
            Served::Answered
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
    let run = Run { task: task.clone(), input, traceparent: traceparent.map(str::to_owned), cancel: cancel.clone() };
    let activity = pin!(host.run(run));
    let Some(timeout) = task.timeout else { return activity.await };
    match select(activity, pin!(ports.pause(timeout.into()))).await {
        Either::Left((ended, _)) => ended,
        Either::Right(((), activity)) => {
            cancel.cancel();
            // Whatever it still says comes too late; only its tidying up is waited for.
            select(activity, pin!(ports.pause(CANCEL_GRACE))).await;
            Ended::Failed(timed_out(timeout))
        }
    }
}

fn timed_out(timeout: Span) -> StepError {
    StepError::new(StepError::TIMEOUT, format!("the attempt ran longer than its timeout of {timeout}"))
}

async fn set_aside<P: TaskPorts>(hold: &Hold<'_, P>, delivery: &Delivery, why: &str) -> Served {
    tracing::warn!(task = delivery.subject, why, "a task cannot be served; it goes to the stream of rejected messages");
    reject(hold, delivery, why).await;
    hold.done().await;
    Served::Rejected
}
