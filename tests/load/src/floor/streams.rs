//! The streams of the floor, made anew for every measurement.

use async_nats::jetstream::{
    Context,
    context::DeleteStreamErrorKind,
    stream::{Config, RetentionPolicy, StorageType, SubjectTransform},
};

use super::Failure;

pub(super) const PARTITIONS_MAX: u64 = 64;
pub(super) const TASKS: &str = "FLOOR_TASKS";
const STATE: &str = "FLOOR_STATE";
const EVENTS: &str = "FLOOR_EVENTS";
const NOT_FOUND: u64 = 10059;

pub(super) fn log(partition: u64) -> String {
    format!("FLOOR_IN_{partition}")
}

pub(super) async fn make(context: &Context, replicas: usize, partitions: u64) -> Result<(), Failure> {
    for name in (0..PARTITIONS_MAX).map(log).chain([TASKS, STATE, EVENTS].map(str::to_owned)) {
        remove(context, &name).await?;
    }
    let stream = |name: &str, subjects: &str| Config {
        name: name.into(),
        subjects: vec![subjects.into()],
        storage: StorageType::File,
        num_replicas: replicas,
        ..Config::default()
    };
    for partition in 0..partitions {
        context.create_stream(stream(&log(partition), &format!("floor.in.{partition}.>"))).await?;
    }
    let tasks = Config { retention: RetentionPolicy::WorkQueue, ..stream(TASKS, "floor.task.>") };
    context.create_stream(tasks).await?;
    context.create_stream(Config { max_messages_per_subject: 1, ..stream(STATE, "floor.state.>") }).await?;
    // The execution's token is dropped when storing, so that the stream keeps few distinct subjects.
    let (source, destination) = ("floor.event.*.*".into(), "floor.event.{{wildcard(1)}}".into());
    let transform = Some(SubjectTransform { source, destination });
    context.create_stream(Config { subject_transform: transform, ..stream(EVENTS, "floor.event.>") }).await?;
    Ok(())
}

async fn remove(context: &Context, name: &str) -> Result<(), Failure> {
    match context.delete_stream(name).await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            DeleteStreamErrorKind::JetStream(fault) if fault.error_code().0 == NOT_FOUND => Ok(()),
            _ => Err(error.into()),
        },
    }
}
