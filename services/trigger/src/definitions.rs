//! The workflows as they are now.
//!
//! Whoever asks gets an answer from a look at the bucket `definitions` that began after the question, so whatever was applied before
//! is in it; all who ask during one look share the next.

use std::sync::Arc;

use sagaline_broker::{nats::Connection, ports::Bucket};
use tokio::sync::{mpsc, oneshot};

use crate::{
    bucket::{BucketTail, News},
    catalogue::{Catalogue, Index},
    handler::Trouble,
};

/// Questions that wait. More than events are in flight never do.
const QUESTIONS_MAX: usize = 1024;

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
    bucket: BucketTail,
    catalogue: Catalogue,
    index: Arc<Index>,
    /// What was learned is not in the index yet.
    stale: bool,
}

impl Follower {
    pub(crate) async fn new(connection: &Connection) -> Result<(Definitions, Self), Trouble> {
        let bucket = BucketTail::open(connection, Bucket::Definitions).await?;
        let (asks, questions) = mpsc::channel(QUESTIONS_MAX);
        let follower = Self { questions, bucket, catalogue: Catalogue::default(), index: Arc::default(), stale: false };
        Ok((Definitions(asks), follower))
    }

    pub(crate) async fn run(mut self) {
        let mut asking = Vec::new();
        while self.questions.recv_many(&mut asking, QUESTIONS_MAX).await != 0 {
            let answer = self.catch_up().await.map(|()| self.index.clone());
            for asker in asking.drain(..) {
                // Who does not wait any more needs no answer.
                drop(asker.send(answer.clone()));
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), Trouble> {
        let (catalogue, stale) = (&mut self.catalogue, &mut self.stale);
        let caught_up = self.bucket.catch_up(|news| {
            *stale = true;
            match news {
                News::Anew => *catalogue = Catalogue::default(),
                News::Entry { key, value, stored } => catalogue.learn(key, value.map(|value| &**value), stored),
            }
        });
        caught_up.await?;
        if self.stale {
            self.index = Arc::new(self.catalogue.index());
            self.stale = false;
        }
        Ok(())
    }
}
