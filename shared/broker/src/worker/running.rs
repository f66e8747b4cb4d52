//! The attempts that run in a worker now: to cancel the one that a notice names, and to run none twice at a time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sagaline_events::{FramePath, Held, Task};
use sagaline_model::ExecutionId;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// Where the newest delivery of an attempt is acknowledged.
pub(super) type Reply = Arc<Mutex<String>>;

/// The attempts that run. One value serves a whole worker.
#[derive(Debug, Default)]
pub struct Running(Mutex<HashMap<ExecutionId, Vec<Attempt>>>);

#[derive(Debug)]
struct Attempt {
    path: FramePath,
    number: u32,
    reply: Reply,
    end: Arc<End>,
}

/// How an attempt is ended from outside.
#[derive(Debug, Default)]
struct End {
    /// Nothing keeps it from running any more: until its result is stored it is answered for here.
    runs: AtomicBool,
    revoked: AtomicBool,
    cancel: CancellationToken,
}

/// What is said on `<ns>.tell.<execution>`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Notice {
    /// Nobody waits for its answer any more.
    Revoked(Named),
    /// It is to stop, and what it answers for a while still counts.
    Cleanup(Named),
}

#[derive(Deserialize)]
struct Named {
    path: FramePath,
    attempt: u32,
}

impl Running {
    /// Takes note that this attempt runs, for as long as the value lives. If it runs already, its newest delivery is the one to
    /// keep alive and to acknowledge from now on, and there is nothing to run.
    pub(super) fn begin(&self, task: &Task, reply: &Reply) -> Option<Begun<'_>> {
        let mut attempts = self.attempts();
        let of_execution = attempts.entry(task.execution.clone()).or_default();
        if let Some(running) = of_execution.iter().find(|running| running.is(&task.path, task.attempt)) {
            running.takes(reply);
            return None;
        }
        let end = Arc::new(End::default());
        let (path, number) = (task.path.clone(), task.attempt);
        of_execution.push(Attempt { path, number, reply: reply.clone(), end: end.clone() });
        Some(Begun { running: self, execution: task.execution.clone(), end })
    }

    /// Whether this very attempt runs already. Then its newest delivery is the one to keep alive and to acknowledge from now on.
    pub(super) fn joins(&self, task: &Task, reply: &Reply) -> bool {
        let attempts = self.attempts();
        let of_execution = attempts.get(&task.execution).into_iter().flatten();
        let mut running = of_execution.filter(|attempt| attempt.end.runs.load(Ordering::Acquire));
        let Some(running) = running.find(|running| running.is(&task.path, task.attempt)) else { return false };
        running.takes(reply);
        true
    }

    /// Every attempt that runs, or whose result is being stored.
    pub fn held(&self) -> Vec<Held> {
        let attempts = self.attempts();
        let all = attempts.iter().flat_map(|(execution, attempts)| attempts.iter().map(move |one| (execution, one)));
        let running = all.filter(|(_, attempt)| attempt.end.runs.load(Ordering::Acquire));
        running
            .map(|(execution, attempt)| Held {
                execution: execution.clone(),
                path: attempt.path.clone(),
                attempt: attempt.number,
            })
            .collect()
    }

    /// An attempt is over for good, or to stop, says a message on `<ns>.tell.<execution>`.
    pub fn notice(&self, execution: &str, payload: &[u8]) {
        let attempts = self.attempts();
        let Some(of_execution) = attempts.get(execution) else { return };
        let Ok(notice) = serde_json::from_slice(payload) else {
            tracing::debug!(execution, "a notice cannot be read");
            return;
        };
        let (named, is_over) = match &notice {
            Notice::Revoked(named) => (named, true),
            Notice::Cleanup(named) => (named, false),
        };
        for attempt in of_execution.iter().filter(|attempt| attempt.is(&named.path, named.attempt)) {
            attempt.end.revoked.fetch_or(is_over, Ordering::AcqRel);
            attempt.end.cancel.cancel();
        }
    }

    /// How many attempts run.
    pub fn count(&self) -> usize {
        self.attempts().values().map(Vec::len).sum()
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<ExecutionId, Vec<Attempt>>> {
        lock(&self.0)
    }
}

/// What is guarded is whole at every moment, so a panic elsewhere does no harm to it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Attempt {
    fn is(&self, path: &FramePath, number: u32) -> bool {
        self.number == number && self.path == *path
    }

    fn takes(&self, reply: &Reply) {
        let newest = lock(reply).clone();
        *lock(&self.reply) = newest;
    }
}

/// An attempt that runs. When it is dropped the attempt is over, and whatever it left behind is told by its token.
pub(super) struct Begun<'a> {
    running: &'a Running,
    execution: ExecutionId,
    end: Arc<End>,
}

impl Begun<'_> {
    /// Now it runs.
    pub(super) fn runs(&self) {
        self.end.runs.store(true, Ordering::Release);
    }

    pub(super) fn cancel(&self) -> &CancellationToken {
        &self.end.cancel
    }

    /// Whether nobody waits for the outcome any more.
    pub(super) fn is_revoked(&self) -> bool {
        self.end.revoked.load(Ordering::Acquire)
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.end.cancel.cancel();
        let mut attempts = self.running.attempts();
        if let Some(of_execution) = attempts.get_mut(&self.execution) {
            of_execution.retain(|attempt| !Arc::ptr_eq(&attempt.end, &self.end));
            if of_execution.is_empty() {
                attempts.remove(&self.execution);
            }
        }
    }
}
