//! The workflows as they are now: follows the bucket `definitions` by asking its leader for what came after what is known.
//!
//! There is no watch that could lag or go deaf. Whoever asks gets an answer from a look that began after the question, so
//! whatever was applied before is in it; all who ask during one look share the next.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use sagaline_broker::{nats::Connection, ports::Bucket};
use sagaline_model::Moment;
use tokio::sync::{mpsc, oneshot};

use crate::{
    catalogue::{Catalogue, Index},
    handler::Trouble,
};

/// Questions that wait. More than events are in flight never do.
const QUESTIONS_MAX: usize = 1024;
/// How often it is made sure that the bucket is the one that was read: it may have been restored or made anew.
const SAME_BUCKET_EVERY: Duration = Duration::from_secs(60);

type Answer = Result<Arc<Index>, Trouble>;

/// Asks the [`Follower`]. Clones ask the same one.
#[derive(Clone)]
pub(crate) struct Definitions(mpsc::Sender<oneshot::Sender<Answer>>);

impl Definitions {
    /// Who listens to what, with everything that was applied before this call.
    pub(crate) async fn current(&self) -> Answer {
        let (asker, answer) = oneshot::channel();
        let over = || Trouble("nobody follows the definitions any more".into());
        self.0.send(asker).await.map_err(|_| over())?;
        answer.await.map_err(|_| over())?
    }
}

/// Answers until nobody can ask any more.
pub(crate) struct Follower {
    questions: mpsc::Receiver<oneshot::Sender<Answer>>,
    stream: Stream<()>,
    /// The subject of a key, without the key.
    prefix: String,
    catalogue: Catalogue,
    index: Arc<Index>,
    next: u64,
    /// What was learned is not in the index yet.
    stale: bool,
    /// When the bucket was created, and when to look at that again.
    created: Option<Moment>,
    look_at: Instant,
}

impl Follower {
    pub(crate) async fn new(connection: &Connection) -> Result<(Definitions, Self), Trouble> {
        let name = connection.names().bucket_stream(Bucket::Definitions);
        let stream = connection.jetstream().get_stream_no_info(&name).await;
        let stream = stream.map_err(|error| Trouble::new(&format!("open `{name}`"), &error))?;
        let (asks, questions) = mpsc::channel(QUESTIONS_MAX);
        let follower = Self {
            questions,
            stream,
            prefix: connection.names().key(Bucket::Definitions, ""),
            catalogue: Catalogue::default(),
            index: Arc::default(),
            next: 1,
            stale: false,
            created: None,
            look_at: Instant::now(),
        };
        Ok((Definitions(asks), follower))
    }

    pub(crate) async fn run(mut self) {
        let mut asking = Vec::new();
        while self.questions.recv_many(&mut asking, QUESTIONS_MAX).await != 0 {
            let answer = self.catch_up().await.map(|()| self.index.clone());
            if answer.is_err() {
                // Whatever went wrong, the bucket may be another one afterwards.
                self.look_at = Instant::now();
            }
            for asker in asking.drain(..) {
                // Who does not wait any more needs no answer.
                drop(asker.send(answer.clone()));
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), Trouble> {
        self.make_sure_of_bucket().await?;
        let filter = format!("{}>", self.prefix);
        loop {
            let message = match self.stream.get_first_raw_message_by_subject(&filter, self.next).await {
                Ok(message) => message,
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => break,
                Err(error) => return Err(Trouble::new("look at the definitions", &error)),
            };
            let headers = message.headers.iter();
            let gone = headers.map(|(name, values)| (name.as_ref(), values)).any(|(name, values): (&str, _)| {
                name == "Nats-Marker-Reason"
                    || (name == "KV-Operation" && values.iter().any(|value| matches!(value.as_str(), "DEL" | "PURGE")))
            });
            if let Some(key) = message.subject.strip_prefix(&self.prefix) {
                self.catalogue.learn(key, (!gone).then_some(&message.payload), moment(message.time));
            }
            self.next = message.sequence + 1;
            self.stale = true;
        }
        if self.stale {
            self.index = Arc::new(self.catalogue.index());
            self.stale = false;
        }
        Ok(())
    }

    async fn make_sure_of_bucket(&mut self) -> Result<(), Trouble> {
        if Instant::now() < self.look_at {
            return Ok(());
        }
        let info = self.stream.get_info().await.map_err(|error| Trouble::new("look at the definitions", &error))?;
        let created = moment(info.created);
        let another = self.created.is_some_and(|known| known != created);
        if another || info.state.last_sequence + 1 < self.next {
            tracing::warn!("the bucket `definitions` is not the one it was; reading it anew");
            (self.catalogue, self.next, self.stale) = (Catalogue::default(), 1, true);
        }
        (self.created, self.look_at) = (Some(created), Instant::now() + SAME_BUCKET_EVERY);
        Ok(())
    }
}

pub(crate) fn moment(time: async_nats::datetime::DateTime) -> Moment {
    Moment::from_nanos(i64::try_from(time.unix_timestamp_nanos()).unwrap_or(i64::MAX))
}
