//! Looks at the streams again and again and tells the word, while no other orchestrator does.

use std::time::Duration;

use tokio::{task::JoinSet, time::sleep};

use super::super::{Connection, clock, sweep::sweep};
use crate::{
    names::Names,
    ports::{Bucket, Failure, Message, Outcome, Sequence},
    room::{Admission, logs, shared_streams},
};

/// How often the streams are looked at: one request for each, by one orchestrator of all.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the word is told again though it has not changed.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// A word not renewed for so long has lost its writer.
const LOST_AFTER: Duration = Duration::from_secs(5);
/// And after so long it is forgotten: nobody must be kept from starting by a word that nobody stands for.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15);
/// Queues are made while everything runs.
const QUEUES_EVERY: Duration = Duration::from_secs(10);
/// How often payloads are looked through for those that nothing refers to. A look reads the name of each: they are few, because
/// they are large.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// And how often while they take so much room that they are to go early.
const SWEEP_IN_NEED_EVERY: Duration = Duration::from_secs(30);

/// What hears of the word, whoever told it.
pub trait RoomWatcher: Send {
    fn admission(&mut self, word: &Admission);
}

/// Tells the word while no other does. See the module above.
pub struct RoomKeeper<W> {
    connection: Connection,
    partitions: u32,
    watcher: W,
    word: Option<Admission>,
    revision: Sequence,
    /// When it was last found changed, by the boot clock.
    changed: Duration,
    /// Whether the word that is there is ours.
    ours: bool,
    queues: Vec<String>,
    queues_listed: Option<Duration>,
    swept: Duration,
    sweeping: JoinSet<()>,
}

impl<W: RoomWatcher> RoomKeeper<W> {
    pub fn new(connection: Connection, partitions: u32, watcher: W) -> Self {
        let now = clock::boot();
        Self {
            connection,
            partitions,
            watcher,
            word: None,
            revision: 0,
            changed: now,
            ours: false,
            queues: vec![],
            queues_listed: None,
            swept: now,
            sweeping: JoinSet::new(),
        }
    }

    /// Goes on until it is dropped; another one steps in then. What a sweep leaves out, the next one finds.
    pub async fn keep(mut self) {
        loop {
            if let Err(failure) = self.look().await {
                tracing::debug!(%failure, "the room of the streams was not looked at");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        self.read_word().await?;
        let now = clock::boot();
        if self.word.is_some() && !self.ours && now < self.changed + LOST_AFTER {
            // Somebody else looks.
            return Ok(());
        }
        self.list_queues(now).await;
        let streams = self.streams();
        let looked = self.connection.fills(&streams).await;
        let word = Admission::judge(self.word.as_ref(), &looked.fills, &looked.silent, clock::now());
        let is_news = self.word.as_ref().is_none_or(|before| !before.says_the_same(&word));
        if is_news || !self.ours || now >= self.changed + RENEW_EVERY {
            self.tell(word).await;
        }
        let need = looked.fills.iter().find(|fill| fill.stream == self.connection.names().payloads_stream());
        self.sweep(now, need.is_some_and(|fill| fill.percent >= crate::room::PAYLOADS_LEAVE_FROM_PERCENT));
        Ok(())
    }

    /// Takes in the word that is there, if it changed.
    async fn read_word(&mut self) -> Result<(), Failure> {
        let there = self.connection.value(Bucket::Partitions, Names::ADMISSION_KEY).await?;
        let Some((revision, word)) = there else {
            self.word = None;
            self.revision = 0;
            return Ok(());
        };
        if revision != self.revision {
            self.revision = revision;
            self.changed = clock::boot();
            self.ours = false;
            // A later version may write otherwise; it stands for its word as long as it renews it.
            let word = serde_json::from_slice(&word).ok();
            self.hear(word.unwrap_or_else(|| Admission::judge(None, &[], &[], clock::now())));
        }
        Ok(())
    }

    /// Says so, unless another orchestrator was faster.
    async fn tell(&mut self, word: Admission) {
        let message = Message {
            subject: self.connection.names().key(Bucket::Partitions, Names::ADMISSION_KEY),
            expected: Some(self.revision),
            msg_id: None,
            ttl: Some(FORGOTTEN_AFTER),
            headers: vec![],
            payload: serde_json::to_vec(&word).expect("a word is plain JSON").into(),
        };
        match self.connection.publish(&message).await {
            Outcome::Stored { sequence, .. } => {
                self.revision = sequence;
                self.changed = clock::boot();
                self.ours = true;
                self.hear(word);
            }
            // The next look reads what is there.
            outcome => tracing::debug!(?outcome, "the word on room was not stored"),
        }
    }

    fn hear(&mut self, word: Admission) {
        self.say_what_changed(&word);
        self.watcher.admission(&word);
        self.word = Some(word);
    }

    fn say_what_changed(&self, word: &Admission) {
        let was_closed = |stream: &String| self.word.as_ref().is_some_and(|word| word.closed.contains_key(stream));
        for (stream, percent) in word.closed.iter().filter(|(stream, _)| !was_closed(stream)) {
            tracing::warn!(stream, percent, "no room for new executions: starts that lead to this stream are refused");
        }
        let before = self.word.iter().flat_map(|word| word.closed.keys());
        for stream in before.filter(|stream| !word.closed.contains_key(*stream)) {
            tracing::info!(stream, "room again: starts that lead to this stream are taken");
        }
    }

    fn streams(&self) -> Vec<String> {
        let names = self.connection.names();
        let mut streams: Vec<String> = (0..self.partitions).flat_map(|partition| logs(names, partition)).collect();
        streams.extend(shared_streams(names));
        streams.extend(self.queues.iter().cloned());
        streams
    }

    async fn list_queues(&mut self, now: Duration) {
        if self.queues_listed.is_some_and(|listed| now < listed + QUEUES_EVERY) {
            return;
        }
        match self.connection.streams_of(&self.connection.names().queue_all("*")).await {
            Ok(queues) => {
                self.queues = queues;
                self.queues_listed = Some(now);
            }
            Err(error) => tracing::debug!(%error, "the queues were not listed"),
        }
    }

    fn sweep(&mut self, now: Duration, in_need: bool) {
        let every = if in_need { SWEEP_IN_NEED_EVERY } else { SWEEP_EVERY };
        while self.sweeping.try_join_next().is_some() {}
        if now < self.swept + every || !self.sweeping.is_empty() {
            return;
        }
        self.swept = now;
        let (connection, partitions) = (self.connection.clone(), self.partitions);
        self.sweeping.spawn(async move {
            match sweep(&connection, partitions, in_need).await {
                Ok(swept) if swept.removed + swept.parts == 0 => tracing::debug!(?swept, "nothing may be removed"),
                Ok(swept) => tracing::info!(?swept, "removed what nothing refers to"),
                Err(failure) => tracing::warn!(%failure, "payloads were not looked through"),
            }
        });
    }
}
