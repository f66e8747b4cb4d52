//! The ports of a partition owner on a real server. One value serves one partition, over a connection of its own.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_nats::Subscriber;
use bytes::Bytes;
use futures::StreamExt;
use sagaline_events::ask::{Answer, Ask};
use sagaline_model::{Moment, Span, StepError};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{Connection, Hold, api::ApiError, clock, pipeline::Pipeline, reader::Reader, saved::Mark};
use crate::{
    names::LogKind,
    ports::{Asker, Bucket, Event, Failure, LogRoom, Message, Outcome, Ports, Sequence, Snapshots, Ticket},
};

/// What one round collects at most of each kind, so that no kind starves another.
const ANSWERS_PER_ROUND: usize = 512;
const ENTRIES_PER_ROUND: usize = 512;
const QUESTIONS_PER_ROUND: usize = 64;
/// How long a publish that is waited for may take; the owner tries again.
const PUBLISH_TRY: Duration = Duration::from_secs(2);
/// The server's bound on a message is on its headers too: those of a snapshot are fewer.
const HEADERS_MOST: usize = 1024;
/// How long one wait of the timer is at most: the monotonic clock stands still while the machine sleeps, the boot clock does
/// not, and the loss of a connection is noticed by looking.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// See [`Ports`].
pub struct NatsPorts {
    pub(super) connection: Connection,
    pub(super) kind: LogKind,
    pub(super) partition: u32,
    /// Of the snapshots that are being read.
    pub(super) mark: Option<Mark>,
    log: String,
    pipeline: Pipeline,
    questions: Subscriber,
    reader: Option<Reader>,
    /// How often the connection had been lost when we last looked.
    losses: u64,
    hold: Hold,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    timer: Pin<Box<Sleep>>,
}

#[derive(Deserialize)]
struct Found {}

impl NatsPorts {
    /// Serves `partition` over `connection`, under the lease that `hold` shows. No other partition should share the connection:
    /// one that reads fast would delay the answers of the other. `stop` is passed on once as [`Event::Stop`].
    pub async fn open(
        connection: Connection,
        partition: u32,
        hold: Hold,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        Self::open_log(connection, LogKind::Runs, partition, hold, stop).await
    }

    /// The same for a log of any kind.
    pub async fn open_log(
        connection: Connection,
        kind: LogKind,
        partition: u32,
        hold: Hold,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let subject = connection.names().ask_of(kind, partition);
        let unsubscribed = |_| Failure::NoAnswer(format!("listen to questions on `{subject}`"));
        let questions = connection.client().subscribe(subject.clone()).await.map_err(unsubscribed)?;
        let pipeline = Pipeline::open(&connection).await.map_err(unsubscribed)?;
        let log = connection.names().log(kind, partition);
        // Besides, an answer says that the server has read the subscriptions that were written before.
        let Found {} = connection
            .api(&format!("STREAM.INFO.{log}"), &())
            .await
            .map_err(|error| error.into_failure(format!("find the log `{log}`")))?;
        Ok(Self {
            kind,
            partition,
            mark: None,
            log,
            pipeline,
            questions,
            reader: None,
            losses: connection.losses().count(),
            hold,
            stop: Some(Box::pin(stop.cancelled_owned())),
            timer: Box::pin(sleep(LOOK_AGAIN)),
            connection,
        })
    }

    /// Appends whatever is there now and arms every waker for what is not.
    fn collect(&mut self, cx: &mut Context<'_>, hungry: bool, now: Duration, into: &mut Vec<Event>) {
        self.look_at_connection(into);
        let connected = self.connection.is_connected();
        self.pipeline.flush(cx, connected);
        self.pipeline.poll(cx, now, ANSWERS_PER_ROUND, into);
        self.collect_questions(cx, into);
        if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(cx).is_ready()) {
            self.stop = None;
            into.push(Event::Stop);
        }
        self.collect_entries(cx, hungry, now, into);
        // Second halves of revocations, requests for entries, refusals to questions.
        self.pipeline.flush(cx, connected);
        self.pipeline.drain_settled(into);
    }

    fn look_at_connection(&mut self, into: &mut Vec<Event>) {
        let losses = self.connection.losses().count();
        if losses == self.losses {
            return;
        }
        self.losses = losses;
        let why = "the connection was lost";
        self.pipeline.abandon(why);
        if self.reader.take().is_some() {
            into.push(Event::ReaderLost(why.into()));
        }
    }

    fn collect_questions(&mut self, cx: &mut Context<'_>, into: &mut Vec<Event>) {
        for _ in 0..QUESTIONS_PER_ROUND {
            let Poll::Ready(Some(question)) = self.questions.poll_next_unpin(cx) else { return };
            let Some(asker) = question.reply.as_ref().map(|reply| Asker(reply.to_string())) else { continue };
            match serde_json::from_slice::<Ask>(&question.payload) {
                Ok(ask) => into.push(Event::Asked(ask, asker)),
                Err(error) => {
                    let why = format!("the question cannot be read: {error}; docs/protocol.md shows what can be asked");
                    self.answer(asker, &Answer::Refused(StepError::new("BadQuestion", why).final_()));
                }
            }
        }
    }

    fn collect_entries(&mut self, cx: &mut Context<'_>, hungry: bool, now: Duration, into: &mut Vec<Event>) {
        let Some(reader) = &mut self.reader else { return };
        if !hungry {
            return reader.rest(now);
        }
        if let Err(why) = reader.poll(cx, now, ENTRIES_PER_ROUND, into) {
            self.close_reader();
            into.push(Event::ReaderLost(why));
            return;
        }
        if let Some((subject, reply, body)) = reader.request() {
            self.pipeline.send(&subject, Some(reply), body);
        }
    }

    /// Ends the reader and tells the server not to keep its consumer, which it would forget by itself half a minute later.
    fn close_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            // The API answers nobody without a reply subject, and does nothing then.
            let nowhere = self.connection.client().new_inbox();
            self.pipeline.send(&reader.removal(), Some(nowhere), Bytes::new());
        }
    }

    fn attempt(&self, what: &str) -> String {
        format!("{what} of `{}`", self.log)
    }
}

impl Ports for NatsPorts {
    async fn events(&mut self, hungry: bool, wake: Duration, into: &mut Vec<Event>) {
        let before = into.len();
        // Unconstrained, so that "nothing there" is never the runtime's way of asking us to yield: deadlines and silence go by it.
        // What one round takes is bounded here, and all that can be ready by what is in flight.
        unconstrained(poll_fn(|cx| {
            loop {
                let now = clock::boot();
                self.collect(cx, hungry, now, into);
                if before < into.len() || wake <= now {
                    return Poll::Ready(());
                }
                self.timer.as_mut().reset(Instant::now() + wake.saturating_sub(now).min(LOOK_AGAIN));
                if self.timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }))
        .await;
    }

    fn publish(&mut self, ticket: Ticket, message: Arc<Message>) {
        self.pipeline.publish(ticket, &message, clock::boot());
    }

    fn revoke(&mut self, ticket: Ticket, queue: &str, subject: &str) {
        let stream = self.connection.names().queue_stream(queue);
        self.pipeline.revoke(ticket, stream, subject, clock::boot());
    }

    fn look_up(&mut self, ticket: Ticket, bucket: Bucket, key: &str) {
        let names = self.connection.names();
        self.pipeline.look_up(ticket, &names.bucket_stream(bucket), &names.key(bucket, key), clock::boot());
    }

    fn answer(&mut self, asker: Asker, answer: &Answer) {
        let json = |answer: &Answer| serde_json::to_vec(answer).expect("answers have string keys only");
        let mut payload = json(answer);
        let most = self.connection.client().server_info().max_payload;
        if payload.len() > most {
            let why = format!("the answer has {} bytes, and this NATS carries {most} in one message", payload.len());
            payload = json(&Answer::Refused(StepError::new(StepError::TOO_LARGE, why).final_()));
        }
        self.pipeline.send(&asker.0, None, payload);
    }

    fn tell(&mut self, execution: &str, notice: Bytes) {
        let subject = self.connection.names().tell(execution);
        self.pipeline.send(&subject, None, notice);
    }

    async fn read_from(&mut self, sequence: Sequence) -> Result<(), Failure> {
        self.close_reader();
        let opened = Reader::open(&self.connection, self.log.clone(), sequence, clock::boot()).await;
        let failed = |error: ApiError| error.into_failure(self.attempt(&format!("read from message {sequence}")));
        self.reader = Some(opened.map_err(failed)?);
        Ok(())
    }

    async fn publish_and_wait(&mut self, message: Message) -> Outcome {
        self.connection.publish_within(&message, PUBLISH_TRY).await
    }

    async fn stored_at(&mut self, sequence: Sequence) -> Result<Option<Moment>, Failure> {
        let stored = self.connection.stored(&self.log, &json!({ "seq": sequence })).await;
        let stored = stored.map_err(|error| error.into_failure(self.attempt(&format!("read message {sequence}"))))?;
        Ok(stored.map(|message| message.time))
    }

    async fn first_after(&mut self, time: Moment) -> Result<Option<Sequence>, Failure> {
        let later = (time + Span::from_nanos(1)).to_string();
        let stored = self.connection.stored(&self.log, &json!({ "start_time": later, "next_by_subj": ">" })).await;
        let stored = stored.map_err(|error| error.into_failure(self.attempt("find the first later message")))?;
        Ok(stored.map(|message| message.seq))
    }

    async fn log_room(&mut self) -> Result<LogRoom, Failure> {
        let room = self.connection.stream_room(&self.log).await;
        let room = room.map_err(|error| error.into_failure(self.attempt("look at the room")))?;
        Ok(LogRoom {
            first: room.first,
            entries: room.messages,
            bytes: room.bytes,
            bytes_max: room.bytes_max,
            subjects: room.subjects,
        })
    }

    async fn purge_below(&mut self, sequence: Sequence) -> Result<(), Failure> {
        #[derive(Deserialize)]
        struct Purged {}
        if sequence <= 1 {
            return Ok(());
        }
        let verb = format!("STREAM.PURGE.{}", self.log);
        let purged = self.connection.api(&verb, &json!({ "seq": sequence })).await;
        let failed = |error: ApiError| error.into_failure(self.attempt(&format!("purge what is below {sequence}")));
        let Purged {} = purged.map_err(failed)?;
        Ok(())
    }

    async fn queued(&mut self, tasks: &[(String, String)]) -> Result<Vec<bool>, Failure> {
        let mut by_queue: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, (queue, _)) in tasks.iter().enumerate() {
            by_queue.entry(queue).or_default().push(index);
        }
        let mut queued = vec![false; tasks.len()];
        for (queue, indices) in by_queue {
            let stream = self.connection.names().queue_stream(queue);
            let subjects: Vec<&str> = indices.iter().map(|&index| tasks[index].1.as_str()).collect();
            let present = self.connection.present(&stream, &subjects).await;
            let present = present.map_err(|error| error.into_failure(format!("look for tasks in `{stream}`")))?;
            for index in indices {
                queued[index] = present.contains(&tasks[index].1);
            }
        }
        Ok(queued)
    }

    async fn snapshots(&mut self, from: Option<Sequence>) -> Result<Snapshots, Failure> {
        self.snapshots_from(from).await
    }

    async fn value(&mut self, bucket: Bucket, key: &str) -> Result<Option<(Sequence, Bytes)>, Failure> {
        self.connection.value(bucket, key).await
    }

    async fn values(&mut self, bucket: Bucket, keys: &[String]) -> Result<Vec<Option<(Sequence, Bytes)>>, Failure> {
        self.values_of(bucket, keys).await
    }

    fn message_room(&self) -> usize {
        self.connection.client().server_info().max_payload.saturating_sub(HEADERS_MOST)
    }

    async fn pause(&mut self, time: Duration) {
        sleep(time).await;
    }

    fn holds_lease(&self) -> bool {
        self.hold.held(clock::boot())
    }

    fn now(&self) -> Moment {
        clock::now()
    }

    fn boot(&self) -> Duration {
        clock::boot()
    }
}
