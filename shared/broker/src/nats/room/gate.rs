//! The gate at which starts are held up while there is no room for them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use super::super::Connection;
use crate::{
    names::Names,
    room::{Admission, CLOSED_FROM_PERCENT, Fill, logs, shared_streams},
};

/// How long what was read is gone by. A client that starts thousands of executions a second asks once in this time.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// What is said about room, read at most once a second. Clones share what was read.
#[derive(Clone)]
pub struct Gate {
    connection: Connection,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    word: Option<(Instant, Option<Arc<Admission>>)>,
    /// Where nobody tells the word: how full each log was.
    logs: HashMap<u32, (Instant, Fill)>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    pub fn new(connection: Connection) -> Self {
        Self { connection, known: Arc::default() }
    }

    /// The fullest stream that takes no starts, of those that every execution of the partition leads to. What cannot be learnt
    /// refuses nothing: the start itself will say what is wrong.
    pub async fn refusal(&self, partition: u32) -> Option<Fill> {
        let mut known = self.known.lock().await;
        match self.word(&mut known).await {
            Some(word) => word.refusal(logs(self.names(), partition).into_iter().chain(shared_streams(self.names()))),
            None => self.log(&mut known, partition).await.filter(|fill| fill.percent >= CLOSED_FROM_PERCENT),
        }
    }

    /// Whether it matters at all to which queues an execution leads: mostly it does not, and need not be found out.
    pub async fn minds_queues(&self) -> bool {
        let mut known = self.known.lock().await;
        let queue = self.names().queue_stream("");
        let word = self.word(&mut known).await;
        word.is_some_and(|word| word.closed.keys().any(|stream| stream.starts_with(&queue)))
    }

    /// The fullest of the queues that take no starts.
    pub async fn refusal_of_queues<'a>(&self, queues: impl IntoIterator<Item = &'a str>) -> Option<Fill> {
        let mut known = self.known.lock().await;
        let word = self.word(&mut known).await?;
        word.refusal(queues.into_iter().map(|queue| self.names().queue_stream(queue)))
    }

    async fn word(&self, known: &mut Known) -> Option<Arc<Admission>> {
        if let Some((read, word)) = &known.word
            && read.elapsed() < FRESH_FOR
        {
            return word.clone();
        }
        let word = self.connection.admission().await.unwrap_or_else(|failure| {
            tracing::debug!(%failure, "it is not known whether there is room");
            None
        });
        let word = word.map(Arc::new);
        known.word = Some((Instant::now(), word.clone()));
        word
    }

    async fn log(&self, known: &mut Known, partition: u32) -> Option<Fill> {
        if let Some((read, fill)) = known.logs.get(&partition)
            && read.elapsed() < FRESH_FOR
        {
            return Some(fill.clone());
        }
        let fill = self.connection.fill(&self.names().runs(partition)).await.ok()?;
        known.logs.insert(partition, (Instant::now(), fill.clone()));
        Some(fill)
    }

    fn names(&self) -> &Names {
        self.connection.names()
    }
}
