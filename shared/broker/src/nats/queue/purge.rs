//! Emptying a queue so that nobody waits for ever: every execution concerned is told that its task is discarded, that is stored, and
//! only then the task is removed. Whoever dies in between leaves tasks that are told of twice, which changes nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use sagaline_events::{Input, Task, input::TaskDiscarded};
use sagaline_model::{ActivityName, Name};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::{
    Connection,
    api::{ApiError, DELETE_FAILED, NO_MESSAGE_FOUND, SEQUENCE_NOT_FOUND, STREAM_NOT_FOUND, decode},
};
use crate::ports::{Failure, Message, Outcome, Sequence};

/// So many tasks are told of and removed at a time.
const AT_ONCE: usize = 64;
/// A restarted server, or a new leader of a stream, answers well within this.
const STORED_WITHIN: std::time::Duration = std::time::Duration::from_secs(12);
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Which tasks of a queue are to be removed.
#[derive(Clone, Debug)]
pub struct QueuePurge {
    pub queue: Name,
    /// Only those of this activity.
    pub activity: Option<ActivityName>,
    /// Also those that workers have: they are told to stop.
    pub held: bool,
    /// Who does it, as the source of what is told.
    pub source: String,
}

/// What became of the tasks that were there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueuePurged {
    /// Removed, and their executions know.
    pub told: u64,
    /// Removed, and nobody was there to be told: no task, or one whose `reply` no stream takes.
    pub untold: u64,
    /// Left alone: a worker has them, or had them and is to get them again.
    pub held: u64,
}

#[derive(Deserialize)]
struct Stored {
    message: Found,
}

#[derive(Deserialize)]
struct Found {
    seq: Sequence,
    subject: String,
    #[serde(default)]
    data: Option<String>,
}

impl Found {
    fn task(&self) -> Option<Task> {
        let payload: Bytes = decode(self.data.as_deref()).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

impl Connection {
    /// Removes the tasks that are in a queue now; `None`: it has no stream. `progress` hears how far it is.
    pub async fn purge_queue(
        &self,
        purge: &QueuePurge,
        mut progress: impl FnMut(&QueuePurged),
    ) -> Result<Option<QueuePurged>, Failure> {
        let what = || format!("look at the queue `{}`", purge.queue);
        let Some(last) = self.last_of(&purge.queue).await.map_err(|error| error.into_failure(what()))? else {
            return Ok(None);
        };
        let handed_out = if purge.held { BTreeMap::new() } else { self.handed_out(purge).await? };
        let filter = match &purge.activity {
            Some(activity) => self.names().tasks_of(purge.queue.as_str(), activity),
            None => self.names().queue_all(purge.queue.as_str()),
        };
        let (mut purged, mut removing) = (QueuePurged::default(), FuturesUnordered::new());
        let mut next = 1;
        while next <= last
            && let Some(found) = self.next_in(&purge.queue, &filter, next).await?
            && found.seq <= last
        {
            next = found.seq + 1;
            let activity = found.subject.rsplit('.').nth(3).unwrap_or_default();
            if handed_out.get(activity).is_some_and(|handed_out| found.seq <= *handed_out) {
                purged.held += 1;
                continue;
            }
            if AT_ONCE <= removing.len() {
                purged.count(removing.next().await)?;
                progress(&purged);
            }
            removing.push(self.discard(purge, found));
        }
        while let Some(removed) = removing.next().await {
            purged.count(Some(removed))?;
            progress(&purged);
        }
        Ok(Some(purged))
    }

    async fn last_of(&self, queue: &Name) -> Result<Option<Sequence>, ApiError> {
        #[derive(Deserialize)]
        struct Info {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            last_seq: Sequence,
        }
        match self.api(&format!("STREAM.INFO.{}", self.names().queue_stream(queue.as_str())), &json!({})).await {
            Ok(Info { state }) => Ok(Some(state.last_seq)),
            Err(error) if error.code() == Some(STREAM_NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Up to where the tasks of each activity have been handed out.
    async fn handed_out(&self, purge: &QueuePurge) -> Result<BTreeMap<String, Sequence>, Failure> {
        #[derive(Deserialize)]
        struct Info {
            delivered: Delivered,
        }
        #[derive(Deserialize)]
        struct Delivered {
            stream_seq: Sequence,
        }
        let stream = self.names().queue_stream(purge.queue.as_str());
        let mut handed_out = BTreeMap::new();
        for consumer in self.queue_consumers(&purge.queue).await?.unwrap_or_default() {
            match self.api(&format!("CONSUMER.INFO.{stream}.{consumer}"), &json!({})).await {
                Ok(Info { delivered }) => drop(handed_out.insert(consumer, delivered.stream_seq)),
                Err(error) if super::is_missing(&error) => {}
                Err(error) => {
                    return Err(error.into_failure(format!("look at consumer `{consumer}` of stream `{stream}`")));
                }
            }
        }
        Ok(handed_out)
    }

    async fn next_in(&self, queue: &Name, filter: &str, from: Sequence) -> Result<Option<Found>, Failure> {
        let stream = self.names().queue_stream(queue.as_str());
        let request = json!({ "seq": from, "next_by_subj": filter });
        match self.api::<Stored>(&format!("STREAM.MSG.GET.{stream}"), &request).await {
            Ok(Stored { message }) => Ok(Some(message)),
            Err(error) if error.code() == Some(NO_MESSAGE_FOUND) => Ok(None),
            Err(error) => Err(error.into_failure(format!("read the tasks of the queue `{queue}`"))),
        }
    }

    /// Tells whose task it is, and removes it. `false`: there was nobody to tell.
    async fn discard(&self, purge: &QueuePurge, found: Found) -> Result<bool, Failure> {
        let told = match found.task() {
            Some(task) => self.tell_discarded(purge, &task).await?,
            None => false,
        };
        let stream = self.names().queue_stream(purge.queue.as_str());
        let removed = self.api::<Value>(&format!("STREAM.MSG.DELETE.{stream}"), &json!({ "seq": found.seq })).await;
        match removed {
            Ok(_) => Ok(told),
            Err(error) if matches!(error.code(), Some(NO_MESSAGE_FOUND | SEQUENCE_NOT_FOUND | DELETE_FAILED)) => {
                Ok(told)
            }
            Err(error) => Err(error.into_failure(format!("remove a task from stream `{stream}`"))),
        }
    }

    async fn tell_discarded(&self, purge: &QueuePurge, task: &Task) -> Result<bool, Failure> {
        let Task { execution, path, attempt, .. } = task;
        let input = Input::TaskDiscarded(TaskDiscarded { path: path.clone(), attempt: *attempt });
        let message = Message {
            subject: task.reply.clone(),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: vec![
                ("ce-specversion", "1.0".to_owned()),
                ("ce-id", format!("{execution}/{path}/{attempt}/discarded")),
                ("ce-source", purge.source.clone()),
                ("ce-type", input.kind().to_owned()),
                ("ce-subject", execution.to_string()),
            ],
            payload: input.data().into(),
        };
        let what = || format!("tell `{execution}` that its task was removed");
        let deadline = Instant::now() + STORED_WITHIN;
        loop {
            let why = match self.publish(&message).await {
                Outcome::Stored { .. } => break,
                Outcome::Refused(why) => return Err(Failure::Refused { what: what(), why }),
                other => format!("{other:?}"),
            };
            let homeless = self.streams_of(&message.subject).await.is_ok_and(|streams| streams.is_empty());
            if homeless {
                return Ok(false);
            }
            if deadline <= Instant::now() {
                return Err(Failure::NoAnswer(format!("{}: {why}", what())));
            }
            sleep(PAUSE).await;
        }
        if purge.held {
            let notice = json!({ "revoked": { "path": path, "attempt": attempt } }).to_string();
            // Whoever does not hear it works in vain, and no more than that.
            self.client().publish(self.names().tell(execution.as_str()), notice.into()).await.ok();
        }
        Ok(true)
    }
}

impl QueuePurged {
    fn count(&mut self, removed: Option<Result<bool, Failure>>) -> Result<(), Failure> {
        match removed.transpose()? {
            Some(true) => self.told += 1,
            Some(false) => self.untold += 1,
            None => {}
        }
        Ok(())
    }
}
