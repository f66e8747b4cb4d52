//! `sagaline why`: what an execution waits for, since when, and what ends that.

use std::collections::BTreeMap;

use futures::future::join_all;
use sagaline_events::{
    ask::{Why, WorkerOf},
    record::Status,
};
use sagaline_model::ExecutionId;
use sagaline_sdk::client::{Client, Error, Explanation, Served};
use serde_json::json;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure, chain},
    output::{Output, Tone},
    saga_view, view, words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline why order-A-1
  sagaline why order-A-1 --output json | jq -r .command   what to type to end it

Every reason is shown, the first to end first. Where a worker is waited for, it
is looked whether there is one. An execution that is over is shown as `get`
does.";

/// So many queues and activities are looked at; more than that are never the answer to a question.
const LOOKS_MAX: usize = 20;

/// Say what an execution waits for, since when, and what ends that
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let explained = client.why(&execution).await?;
    match explained.ok_or_else(|| Error::NotFound(execution.clone()))? {
        Explanation::Open(reasons) => {
            let workers = workers(&client, &reasons).await;
            for reason in &reasons {
                show(reason, workers.get(&key(reason)), output)?;
            }
            if reasons.iter().any(is_of_saga) && !output.is_json() {
                show_saga(&client, &execution, output).await?;
            }
            if reasons.is_empty() {
                output.talk("nothing is waited for at this moment: it is between two steps");
            }
        }
        Explanation::Over(over) if output.is_json() => {
            let state = over.status.as_str();
            output
                .json(&json!({ "state": state, "cause": "it is over", "since": over.ended_at, "execution": over }))?;
        }
        Explanation::Over(over) => {
            for line in view::lines(&over, output) {
                output.line(&line)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Whether its saga is waited for. That knows more: which step, and which error.
fn is_of_saga(reason: &Why) -> bool {
    [Status::Compensating, Status::Stuck].iter().any(|status| reason.state == status.as_str())
}

async fn show_saga(client: &Client, execution: &ExecutionId, output: &Output) -> Result<(), Failure> {
    match client.saga(execution).await {
        Ok(Some(saga)) => Ok(saga_view::progress(&saga, output).iter().try_for_each(|line| output.line(line))?),
        // It has not begun, or it has ended just now.
        Ok(None) => Ok(()),
        Err(error) => {
            output.talk(&format!("its saga is not shown: {}", chain(&error)));
            Ok(())
        }
    }
}

type Key = Option<(String, String)>;

/// Queue and activity of the worker that is waited for.
fn key(reason: &Why) -> Key {
    reason.worker_of.as_ref().map(|WorkerOf { queue, activity }| (queue.to_string(), activity.to_string()))
}

/// Who serves what is waited for.
async fn workers(client: &Client, reasons: &[Why]) -> BTreeMap<Key, Served> {
    let wanted: BTreeMap<Key, &WorkerOf> =
        reasons.iter().filter_map(|reason| Some((key(reason), reason.worker_of.as_ref()?))).collect();
    let looks = wanted.into_iter().take(LOOKS_MAX).map(|(key, of)| async move {
        let served = client.served(&of.queue, &of.activity).await;
        (key, served)
    });
    join_all(looks).await.into_iter().collect()
}

fn show(why: &Why, served: Option<&Served>, output: &Output) -> Result<(), Failure> {
    let worker = served.and_then(Worker::of);
    if output.is_json() {
        let mut json = json!(why);
        if let Some(worker) = worker {
            json["worker"] = json!(worker.word());
        }
        return Ok(output.json(&json)?);
    }
    let state = output.paint(Tone::Busy, &why.state);
    let head = why.step.as_ref().map_or(state.clone(), |step| format!("step {step}: {state}"));
    output.line(&head)?;
    output.line(&format!("  because: {}", words::short(&why.cause)))?;
    if let Some(said) = worker.as_ref().and_then(Worker::says) {
        output.line(&format!("  worker: {}", output.paint(Tone::Bad, said)))?;
    }
    output.line(&format!("  since: {}", words::exact_time(why.since)))?;
    output.line(&format!("  ends: {}", words::short(&why.ends)))?;
    Ok(output.line(&format!("  to end it: {}", output.paint(Tone::Strong, &why.command)))?)
}

/// The worker that is waited for, as far as can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worker {
    Never,
    Nobody,
    /// Its consumer was paused by an operator.
    Paused,
    Busy,
    There,
}

impl Worker {
    fn of(served: &Served) -> Option<Self> {
        match served {
            Served::Never => Some(Self::Never),
            Served::By(consumer) if consumer.paused => Some(Self::Paused),
            Served::By(consumer) if consumer.is_deserted() => Some(Self::Nobody),
            Served::By(consumer) if consumer.requests == 0 => Some(Self::Busy),
            Served::By(_) => Some(Self::There),
            Served::Unknown => None,
        }
    }

    /// For programs.
    fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Nobody => "nobody",
            Self::Paused => "paused",
            Self::Busy => "busy",
            Self::There => "there",
        }
    }

    /// What is worth a line.
    fn says(&self) -> Option<&'static str> {
        match self {
            Self::Never => Some("no worker has ever served this activity from this queue: start one"),
            Self::Nobody => Some("no worker is there that serves this activity from this queue: start one"),
            Self::Paused => {
                Some("its queue is paused: `sagaline queues get` shows since when, `sagaline queues resume` goes on")
            }
            Self::Busy => Some("all workers are busy, or they died just now: start more"),
            Self::There => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use sagaline_sdk::client::ConsumerFacts;

    use super::*;

    #[test]
    fn whether_a_worker_is_there_is_seen_from_who_asks_for_tasks() {
        let by = |requests, held, paused| {
            let facts = ConsumerFacts { waiting: 1, requests, held, paused, ..ConsumerFacts::default() };
            Worker::of(&Served::By(facts))
        };
        assert_eq!(by(0, 0, false), Some(Worker::Nobody));
        assert_eq!(by(0, 3, false), Some(Worker::Busy));
        assert_eq!(by(1, 0, false), Some(Worker::There));
        assert_eq!(by(1, 0, true), Some(Worker::Paused));
        assert_eq!((Worker::of(&Served::Never), Worker::of(&Served::Unknown)), (Some(Worker::Never), None));
    }
}
