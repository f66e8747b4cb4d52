//! Folds one partition's log and publishes what follows from each input, many publishes in flight at once.

use std::{collections::HashMap, future::IntoFuture};

use async_nats::{
    HeaderMap,
    jetstream::{
        Context, Message,
        consumer::{DeliverPolicy, pull},
    },
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde_json::json;

use super::{
    Failure, Reporter, STEPS, Settings, connect_jetstream,
    event::{Event, event},
    only_if_new, streams,
};

/// Publishes that are not acknowledged yet.
const IN_FLIGHT_MAX: usize = 2048;

struct Outbox {
    context: Context,
    in_flight: FuturesUnordered<BoxFuture<'static, Result<(), Failure>>>,
}

pub(super) async fn orchestrate(settings: &Settings, partition: u64, reporter: &Reporter) -> Result<(), Failure> {
    let context = connect_jetstream(&settings.url).await?;
    let log = context.get_stream(streams::log(partition)).await?;
    let reader = pull::OrderedConfig { deliver_policy: DeliverPolicy::All, ..pull::OrderedConfig::default() };
    let mut inputs = log.create_consumer(reader).await?.messages().await?;
    let mut outbox = Outbox { context, in_flight: FuturesUnordered::new() };
    let mut waiting_for = HashMap::new();
    reporter.ready().await;
    loop {
        tokio::select! {
            biased;
            input = inputs.next() => {
                let input = input.ok_or("the log came to an end")??;
                fold(&input, &mut waiting_for, &mut outbox).await?;
            }
            Some(acknowledged) = outbox.in_flight.next(), if !outbox.in_flight.is_empty() => acknowledged?,
        }
        while IN_FLIGHT_MAX < outbox.in_flight.len() {
            outbox.in_flight.next().await.expect("it is not empty")?;
        }
    }
}

/// `waiting_for` holds the step that each execution waits for.
async fn fold(input: &Message, waiting_for: &mut HashMap<u64, u64>, outbox: &mut Outbox) -> Result<(), Failure> {
    let told: Event = serde_json::from_slice(&input.payload)?;
    let execution: u64 = told.subject.parse()?;
    let sequence = input.info()?.stream_sequence;
    let lifecycle =
        |kind: &str| event(format!("{execution}-{sequence}-{kind}"), kind, &told.subject, told.data.clone());
    let finished = if told.kind == "start" {
        outbox
            .publish(format!("floor.event.started.{execution}"), HeaderMap::new(), lifecycle("workflow.started"))
            .await?;
        0
    } else {
        let step = told.data["step"].as_u64().ok_or("a result names no step")?;
        if waiting_for.get(&execution) != Some(&step) {
            return Ok(());
        }
        let subject = format!("floor.event.step-completed.{execution}");
        outbox.publish(subject, HeaderMap::new(), lifecycle("step.completed")).await?;
        step
    };
    if finished < STEPS {
        let step = finished + 1;
        waiting_for.insert(execution, step);
        let task = json!({ "step": step, "input": told.data["input"] });
        let task = event(format!("{execution}-{step}"), "step.scheduled", &told.subject, task);
        let subject = format!("floor.event.step-started.{execution}");
        outbox.publish(subject, HeaderMap::new(), lifecycle("step.started")).await?;
        outbox.publish(format!("floor.task.default.act{step}.{execution}.1"), only_if_new(), task).await?;
    } else {
        waiting_for.remove(&execution);
        outbox.publish(format!("floor.state.{execution}"), HeaderMap::new(), input.payload.clone()).await?;
        let subject = format!("floor.event.completed.{execution}");
        outbox.publish(subject, HeaderMap::new(), lifecycle("workflow.completed")).await?;
    }
    Ok(())
}

impl Outbox {
    async fn publish(&mut self, subject: String, headers: HeaderMap, payload: Bytes) -> Result<(), Failure> {
        let sent = self.context.publish_with_headers(subject, headers, payload).await?;
        self.in_flight.push(sent.into_future().map(|acknowledged| Ok(acknowledged.map(drop)?)).boxed());
        Ok(())
    }
}
