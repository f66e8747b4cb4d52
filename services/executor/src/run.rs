//! The service as a whole.

use std::{io, path::PathBuf};

use sagaline_model::Name;
use sagaline_sdk::worker::{Worker, WorkerError};
use sagaline_telemetry::{
    Health,
    process::{Fatal, hurry},
};
use tokio_util::sync::CancellationToken;

use crate::{Queue, Settings, builtin, hearing::Hearing, witness::Witness};

/// Why an executor does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{}` cannot be written to, so there is no witness; choose another file with `--witness`", file.display())]
    Witness { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

impl Fatal for Error {
    fn is_misuse(&self) -> bool {
        matches!(self, Self::Witness { .. })
    }
}

/// Runs until `shutdown` is cancelled; what runs then may come to its end for a while.
pub async fn run(settings: Settings, health: Health, shutdown: CancellationToken) -> Result<(), Error> {
    let witness = settings.witness.map(|file| Witness::open(&file).map_err(|source| Error::Witness { file, source }));
    let queues: Vec<Name> = settings.queues.iter().map(|queue| queue.name.clone()).collect();
    let hearing = Hearing::new(&health, &queues, &builtin::NAMES, witness.transpose()?);
    let worker = Worker::new(settings.nats_url)
        .namespace(settings.namespace)
        .concurrency(settings.concurrency)
        .strict(settings.strict)
        .drain_within(settings.drain)
        .hurry_on(hurry())
        .observer(hearing)
        .twice(settings.twice)
        .tell_durability(settings.nats_monitor);
    let worker = settings.queues.iter().fold(worker, |worker, Queue { name, weight }| match weight {
        Some(weight) => worker.weighted_queue(name.as_str(), *weight),
        None => worker.queue(name.as_str()),
    });
    let worker = settings.limits.iter().fold(worker, |worker, limit| {
        let most = usize::try_from(limit.most).unwrap_or(usize::MAX);
        worker.limit(limit.activity.as_str(), most)
    });
    builtin::with_all(worker).run(shutdown).await?;
    Ok(())
}
