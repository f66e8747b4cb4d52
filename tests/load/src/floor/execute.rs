//! Answers every task at once: the result first, acknowledged, and only then the task's own acknowledgement.

use std::sync::Arc;

use async_nats::jetstream::{
    Context, Message,
    consumer::{
        AckPolicy,
        pull::{self, MessagesErrorKind},
    },
};
use futures::StreamExt;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{
    Failure, Reporter, Settings, connect_jetstream,
    event::{Event, event},
    streams,
};

/// Tasks that run at once.
const SLOTS: usize = 512;
const TASKS_PER_REQUEST: usize = 500;
const ACK_PENDING_MAX: i64 = 5000;

pub(super) async fn execute(settings: Settings, reporter: Reporter) -> Result<(), Failure> {
    let context = connect_jetstream(&settings.url).await?;
    let config = pull::Config {
        durable_name: Some("floor".into()),
        ack_policy: AckPolicy::Explicit,
        max_ack_pending: ACK_PENDING_MAX,
        num_replicas: settings.replicas,
        filter_subject: "floor.task.default.>".into(),
        ..pull::Config::default()
    };
    let consumer = context.get_stream(streams::TASKS).await?.create_consumer(config).await?;
    let pull = || consumer.stream().max_messages_per_batch(TASKS_PER_REQUEST).messages();
    let mut tasks = pull().await?;
    let slots = Arc::new(Semaphore::new(SLOTS));
    reporter.ready().await;
    while let Some(task) = tasks.next().await {
        // Not every node of a cluster knows at once who answers for a new consumer.
        if matches!(&task, Err(failure) if failure.kind() == MessagesErrorKind::NoResponders) {
            tasks = pull().await?;
            continue;
        }
        let (task, context, reporter) = (task?, context.clone(), reporter.clone());
        let slot = slots.clone().acquire_owned().await?;
        let partitions = settings.partitions;
        tokio::spawn(async move {
            reporter.tell(answer(&task, &context, partitions).await);
            drop(slot);
        });
    }
    Err("the queue came to an end".into())
}

async fn answer(task: &Message, context: &Context, partitions: u64) -> Result<(), Failure> {
    let told: Event = serde_json::from_slice(&task.payload)?;
    let execution: u64 = told.subject.parse()?;
    let result = json!({ "step": told.data["step"], "input": told.data["input"], "output": { "ok": true } });
    let result = event(told.id + "-result", "step.completed", &told.subject, result);
    let subject = format!("floor.in.{}.{execution}", execution % partitions);
    context.publish(subject, result).await?.await?;
    task.ack().await
}
