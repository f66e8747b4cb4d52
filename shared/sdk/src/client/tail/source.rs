//! One stream, read by position with a consumer of a moment, which is made anew wherever it is lost.

use std::time::Duration;

use async_nats::{
    datetime,
    jetstream::{
        consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
        stream,
    },
};
use futures::StreamExt;
use sagaline_broker::{names::Names, ports::Sequence};
use sagaline_events::Envelope;
use sagaline_model::Moment;
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, sleep, timeout},
};

use super::{TailFrom, Tailed, TailedEvent, filter::Part};
use crate::client::{Client, Error, pages::Position};

/// The server says that it is there so often; twice without is silence.
const HEARTBEAT: Duration = Duration::from_secs(1);
const EXPIRES: Duration = Duration::from_secs(5);
/// In case that not even silence is noticed.
const SILENCE_MAX: Duration = Duration::from_secs(8);
/// The consumer of a reader that went away, or that is held up for long; it is made anew then.
const GONE_AFTER: Duration = Duration::from_secs(60);
const BATCH: usize = 200;
const LOOK_FOR_LOSSES_EVERY: Duration = Duration::from_secs(1);
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The first stretch, from the end, in which the newest are looked for, and how far back they are at most.
const STRETCH_FIRST: u64 = 500;
const STRETCH_MAX: u64 = 200_000;
const PAGE: usize = 500;

/// What a source hands over.
#[derive(Debug)]
pub(super) enum Heard {
    /// `is_last`: nothing behind it was stored yet.
    Event {
        event: Box<TailedEvent>,
        is_last: bool,
    },
    /// There is nothing to catch up with.
    Level,
    News(Tailed),
}

pub(super) struct Source {
    client: Client,
    part: Part,
    next: Next,
    /// When the stream was made, in nanoseconds: another time, another stream.
    created: i128,
    /// The last message there was when this began.
    last: Sequence,
    first: Sequence,
    /// When it was last looked for losses.
    looked: Option<Instant>,
}

/// Where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    At(Sequence),
    Since(Moment),
}

/// Whoever listened has gone.
struct Gone;

impl Source {
    pub(super) async fn open(client: &Client, part: Part, from: TailFrom) -> Result<Self, Error> {
        let info = info(client, &part.stream).await?;
        let last = info.state.last_sequence;
        let next = match from {
            TailFrom::Now | TailFrom::Last(_) => Next::At(last + 1),
            TailFrom::Since(moment) => Next::Since(moment),
        };
        let (created, first) = (nanos(info.created), info.state.first_sequence);
        Ok(Self { client: client.clone(), part, next, created, last, first, looked: None })
    }

    /// The newest before this began, at most so many, in their order.
    pub(super) async fn last(&self, count: usize) -> Result<Vec<TailedEvent>, Error> {
        let (mut end, mut stretch, mut found) = (self.last, STRETCH_FIRST, vec![]);
        let first = self.first.max(self.last.saturating_sub(STRETCH_MAX)).max(1);
        while first <= end && found.len() < count {
            let start = (end + 1).saturating_sub(stretch).max(first);
            let mut part = self.between(start, end).await?;
            part.append(&mut found);
            found = part;
            end = start - 1;
            stretch *= 4;
        }
        found.drain(..found.len().saturating_sub(count));
        Ok(found)
    }

    async fn between(&self, start: Sequence, end: Sequence) -> Result<Vec<TailedEvent>, Error> {
        let attempt = format!("read the stream `{}`", self.part.stream);
        let mut pages = self.client.pages(&self.part.stream, self.part.stored.clone(), start, attempt).await?;
        let (mut found, mut more) = (vec![], 0 < pages.count());
        while more {
            let page = pages.next(PAGE).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending && position.sequence < end);
            let inside = page.iter().filter(|(position, _)| position.sequence <= end);
            found.extend(
                inside.filter_map(|(position, message)| self.part.event(self.client.names(), position, message)),
            );
        }
        pages.close().await;
        Ok(found)
    }

    /// Hands over what comes until nobody listens any more.
    pub(super) async fn follow(mut self, to: Sender<Heard>) {
        let (mut pause, mut is_cut_off) = (PAUSE_FIRST, false);
        loop {
            let why = match self.session(&to, &mut is_cut_off, &mut pause).await {
                Ok(why) => why,
                Err(Gone) => return,
            };
            if !is_cut_off {
                is_cut_off = true;
                let news = Tailed::CutOff { stream: self.part.stream.clone(), why };
                if to.send(Heard::News(news)).await.is_err() {
                    return;
                }
            }
            sleep(pause).await;
            pause = PAUSE_MAX.min(pause * 2);
        }
    }

    /// Reads with one consumer until that is lost, and says why it was.
    async fn session(
        &mut self,
        to: &Sender<Heard>,
        is_cut_off: &mut bool,
        pause: &mut Duration,
    ) -> Result<String, Gone> {
        let consumer = match self.consumer(to).await? {
            Ok(consumer) => consumer,
            Err(error) => return Ok(error.to_string()),
        };
        let builder = consumer.stream().max_messages_per_batch(BATCH).expires(EXPIRES).heartbeat(HEARTBEAT);
        let mut messages = match builder.messages().await {
            Ok(messages) => messages,
            Err(error) => return Ok(error.to_string()),
        };
        if std::mem::take(is_cut_off) {
            say(to, Heard::News(Tailed::Back { stream: self.part.stream.clone() })).await?;
        }
        *pause = PAUSE_FIRST;
        if consumer.cached_info().num_pending == 0 {
            say(to, Heard::Level).await?;
        }
        loop {
            let message = match timeout(SILENCE_MAX, messages.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return Ok(error.to_string()),
                Ok(None) => return Ok("the server ended it".to_owned()),
                // A quiet stream says that it is there, but not to us.
                Err(_) if self.is_there(&consumer).await => continue,
                Err(_) => return Ok("nothing is heard of the server".to_owned()),
            };
            let Ok(position) = Position::of(&message) else { return Ok("a message without a position".to_owned()) };
            if let Next::At(next) = self.next {
                if position.sequence < next {
                    continue;
                }
                if let Some(lost) = self.lost(next, position.sequence).await {
                    say(to, Heard::News(lost)).await?;
                }
            }
            self.next = Next::At(position.sequence + 1);
            let is_last = position.pending == 0;
            match self.part.event(self.client.names(), &position, &message) {
                Some(event) => say(to, Heard::Event { event: Box::new(event), is_last }).await?,
                None if is_last => say(to, Heard::Level).await?,
                None => {}
            }
        }
    }

    /// What was removed between two messages, if anything. Where not the whole stream is read, messages that are not asked for lie
    /// between as well: then the server is asked, now and then, what its first one is.
    async fn lost(&mut self, next: Sequence, found: Sequence) -> Option<Tailed> {
        if found == next {
            return None;
        }
        let stream = self.part.stream.clone();
        if self.part.is_whole {
            return Some(Tailed::Lost { stream, first: next, last: found - 1 });
        }
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_FOR_LOSSES_EVERY) {
            return None;
        }
        self.looked = Some(Instant::now());
        let first = info(&self.client, &stream).await.ok()?.state.first_sequence;
        (next < first).then(|| Tailed::Lost { stream, first: next, last: first.min(found) - 1 })
    }

    async fn is_there(&self, consumer: &Consumer<pull::Config>) -> bool {
        consumer.get_info().await.is_ok()
    }

    /// A consumer from where we are. Says if what should be there is not.
    async fn consumer(&mut self, to: &Sender<Heard>) -> Result<Result<Consumer<pull::Config>, Error>, Gone> {
        let info = match info(&self.client, &self.part.stream).await {
            Ok(info) => info,
            Err(error) => return Ok(Err(error)),
        };
        let stream = self.part.stream.clone();
        if let Next::At(next) = self.next {
            let (first, last) = (info.state.first_sequence, info.state.last_sequence);
            if nanos(info.created) != self.created || last + 1 < next {
                self.created = nanos(info.created);
                self.next = Next::At(first.max(1));
                say(to, Heard::News(Tailed::Anew { stream })).await?;
            } else if next < first {
                self.next = Next::At(first);
                say(to, Heard::News(Tailed::Lost { stream, first: next, last: first - 1 })).await?;
            }
        }
        Ok(self.make_consumer().await)
    }

    async fn make_consumer(&self) -> Result<Consumer<pull::Config>, Error> {
        let failed = |error: async_nats::Error| Error::nats(format!("follow the stream `{}`", self.part.stream))(error);
        let deliver_policy = match self.next {
            Next::At(next) => DeliverPolicy::ByStartSequence { start_sequence: next },
            Next::Since(moment) => DeliverPolicy::ByStartTime {
                start_time: datetime::from_nanos(i128::from(moment.as_nanos())).map_err(failed)?,
            },
        };
        let config = pull::Config {
            deliver_policy,
            ack_policy: AckPolicy::None,
            filter_subject: self.part.stored.clone(),
            inactive_threshold: GONE_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let stream = self.client.connection().jetstream().get_stream_no_info(&self.part.stream).await;
        let stream = stream.map_err(|error| failed(error.into()))?;
        stream.create_consumer(config).await.map_err(|error| failed(error.into()))
    }
}

impl Part {
    /// The event in a message, if it is one that is asked for.
    fn event(&self, names: &Names, position: &Position, message: &async_nats::Message) -> Option<TailedEvent> {
        let headers = message.headers.iter().flat_map(async_nats::HeaderMap::iter);
        let headers = headers.filter_map(|(name, values)| Some((name.as_ref(), values.first()?.as_str())));
        let event = Envelope::read(headers, message.payload.clone());
        let event = event.unwrap_or_else(|_| Envelope::new("", "", "", message.payload.clone()));
        let mut subject = message.subject.to_string();
        if self.is_lifecycle {
            // As it was published: the execution at the end, which is not stored in the subject.
            let execution = event.subject.as_deref().unwrap_or_default();
            if self.execution.as_ref().is_some_and(|wanted| wanted != execution) {
                return None;
            }
            if let Some([kind, what, workflow]) = stored_tokens(names, &subject).filter(|_| !execution.is_empty()) {
                subject = names.lifecycle(kind, what, workflow, execution);
            }
        }
        let (stream, sequence, time) = (self.stream.clone(), position.sequence, position.time);
        Some(TailedEvent { stream, sequence, time, subject, event })
    }
}

fn stored_tokens<'a>(names: &Names, subject: &'a str) -> Option<[&'a str; 3]> {
    let mut tokens = subject.strip_prefix(names.namespace())?.strip_prefix(".lifecycle.")?.split('.');
    Some([tokens.next()?, tokens.next()?, tokens.next()?])
}

async fn say(to: &Sender<Heard>, heard: Heard) -> Result<(), Gone> {
    to.send(heard).await.map_err(|_| Gone)
}

async fn info(client: &Client, stream: &str) -> Result<stream::Info, Error> {
    let found = client.connection().jetstream().get_stream(stream).await;
    let found = found.map_err(|error| Error::nats(format!("look at the stream `{stream}`"))(error.into()))?;
    Ok(found.cached_info().clone())
}

fn nanos(moment: datetime::DateTime) -> i128 {
    moment.unix_timestamp_nanos()
}
