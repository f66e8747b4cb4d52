//! Starting executions as fast, or as evenly, as asked for, and accounting for each: a single loop, pipelined starts, all acks
//! through one inbox, no task and no future for any execution.

use std::time::{Duration, Instant};

use async_nats::{HeaderMap, HeaderValue, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use sagaline_broker::names::Names;
use sagaline_events::{
    Input, Start,
    record::{ExecutionView, Status},
};
use sagaline_model::ExecutionId;
use sagaline_sdk::client::{Client, Error, fresh_id};
use serde_json::{Value, json};

use super::{
    Settings,
    ears::Ears,
    tally::{End, Micros, Tally},
};
use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::Output,
};

/// How often what is silent is looked at, and progress shown.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A start without an ack is sent again after so long; under the same id that is the same start.
const ACK_WITHIN: Duration = Duration::from_secs(5);
const AGAIN_AT_ONCE: usize = 1000;
/// At a rate that is more than the services can do, so many may wait; the rate is not kept then, and latencies tell.
const IN_FLIGHT_MAX: usize = 100_000;
/// An execution is asked for so long after its start, while others still end: at full load the last in line are this late.
const BUSY_PATIENCE: Duration = Duration::from_secs(30);
/// And when none has ended for a while, so that asking disturbs nothing.
const QUIET_PATIENCE: Duration = Duration::from_secs(5);
const QUIET_AFTER: Duration = Duration::from_secs(3);
/// The same one again.
const ASK_AGAIN: Duration = Duration::from_secs(5);
const ASKS_AT_ONCE: usize = 32;
/// When nothing has ended for so long, and longer than the steps take, nothing more will.
const GRACE: Duration = Duration::from_secs(40);

type Asked = (usize, Result<Option<ExecutionView>, Error>);

pub(super) struct Load<'a> {
    settings: &'a Settings,
    client: &'a Client,
    output: &'a Output,
    names: Names,
    /// What the ids of this run begin with.
    prefix: String,
    headers: HeaderMap,
    payload: Bytes,
    /// Ends in a dot.
    inbox: String,
    acks: Subscriber,
    ears: Ears,
    asks: FuturesUnordered<BoxFuture<'static, Asked>>,
    tally: Tally,
    begin: Instant,
    last_end: Instant,
    found_by_asking: usize,
    refusal: Option<String>,
}

/// What came of a run.
pub(super) struct Loaded {
    pub(super) tally: Tally,
    pub(super) prefix: String,
    /// From the first start to the last end.
    pub(super) seconds: f64,
    /// Executions that were over when asked for, without our having heard so.
    pub(super) found_by_asking: usize,
    pub(super) refusal: Option<String>,
}

impl<'a> Load<'a> {
    pub(super) async fn prepare(
        settings: &'a Settings,
        client: &'a Client,
        start: Start,
        context: &'a Context,
    ) -> Result<Load<'a>, Failure> {
        let names = client.connection().names().clone();
        let prefix = format!("bench-{}-", fresh_id());
        // A connection of their own for the ends: acks do not wait behind them.
        let ears = sagaline_broker::nats::connect(context.url(), &context.namespace, "bench-ears").await;
        let ears = ears.map_err(Error::from)?;
        let ears = Ears::open(ears.client(), &names, &start, &prefix).await?;
        let nats = client.connection().client();
        let inbox = format!("{}.", nats.new_inbox());
        let acks = nats.subscribe(format!("{inbox}*")).await.map_err(broken)?;
        nats.flush().await.map_err(broken)?;
        let input = if settings.jobs && 0 < settings.step_ms { start.input.clone() } else { input(settings) };
        let start = Input::Start(Start { input, ..start });
        let now = Instant::now();
        Ok(Load {
            settings,
            client,
            output: &context.output,
            headers: headers(&start, client.source()),
            payload: start.data().into(),
            names,
            prefix,
            inbox,
            acks,
            ears,
            asks: FuturesUnordered::new(),
            tally: Tally::new(settings.workflows),
            begin: now,
            last_end: now,
            found_by_asking: 0,
            refusal: None,
        })
    }

    pub(super) async fn run(mut self) -> Result<Loaded, Failure> {
        let mut ends = Vec::with_capacity(1024);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        self.begin = Instant::now();
        self.last_end = self.begin;
        while !self.tally.is_done() {
            let next_due = self.send_what_is_due().await?;
            tokio::select! {
                biased;
                () = self.ears.hear(&mut ends) => {
                    let now = self.now();
                    for (index, end) in ends.drain(..) {
                        self.ended(index, end, now, None);
                    }
                }
                Some(ack) = self.acks.next() => {
                    self.take_ack(&ack);
                    while let Some(Some(ack)) = self.acks.next().now_or_never() {
                        self.take_ack(&ack);
                    }
                }
                Some((index, found)) = self.asks.next(), if !self.asks.is_empty() => self.take_answer(index, found),
                () = due(self.begin, next_due), if next_due.is_some() => {}
                _ = looks.tick() => {
                    if !self.look().await? {
                        break;
                    }
                }
            }
        }
        let seconds = self.last_end.duration_since(self.begin).as_secs_f64();
        let Self { tally, prefix, found_by_asking, refusal, .. } = self;
        Ok(Loaded { tally, prefix, seconds, found_by_asking, refusal })
    }

    /// Sends until enough run, or none is due; then when the next one is, if that is what is waited for.
    async fn send_what_is_due(&mut self) -> Result<Option<Micros>, Failure> {
        let concurrency = self.settings.concurrency.unwrap_or(IN_FLIGHT_MAX);
        while let Some(index) = self.tally.next().filter(|_| self.tally.in_flight() < concurrency) {
            let now = self.now();
            let due = self.settings.rate.map_or(now, |rate| (index as f64 / rate * 1e6) as Micros);
            if now < due {
                return Ok(Some(due));
            }
            self.tally.sends_next(due, now);
            self.send(index).await?;
        }
        Ok(None)
    }

    async fn send(&self, index: usize) -> Result<(), Failure> {
        let execution = format!("{}{index}", self.prefix);
        let mut headers = self.headers.clone();
        headers.insert("ce-subject", execution.as_str());
        headers.insert("ce-id", format!("{execution}-start"));
        let subject = self.names.start(&execution, self.client.partitions());
        let reply = format!("{}{index}", self.inbox);
        let nats = self.client.connection().client();
        let sent = nats.publish_with_reply_and_headers(subject, reply, headers, self.payload.clone()).await;
        sent.map_err(broken)
    }

    fn take_ack(&mut self, ack: &Message) {
        let index = ack.subject.as_str().get(self.inbox.len()..).and_then(|index| index.parse().ok());
        let Some(index) = index else { return };
        if ack.status.is_none() && !ack.payload.starts_with(br#"{"error""#) {
            return self.tally.acknowledged(index);
        }
        match refusal(ack) {
            // There is one already: ours, whose ack was lost.
            None => self.tally.acknowledged(index),
            Some(why) => self.refusal = Some(why),
        }
    }

    fn ended(&mut self, index: usize, end: End, now: Micros, latency: Option<Micros>) {
        if self.tally.ended(index, end, now, latency) {
            self.last_end = Instant::now();
        }
    }

    fn take_answer(&mut self, index: usize, found: Result<Option<ExecutionView>, Error>) {
        match found {
            Ok(Some(view)) if view.status.is_over() => {
                let end = if view.status == Status::Completed { End::Completed } else { End::Failed };
                let took = view.ended_at.map(|ended| ended.since(view.started_at).as_nanos() / 1000);
                self.found_by_asking += 1;
                self.ended(index, end, self.now(), took);
            }
            Ok(found) => self.tally.seen(index, found.is_some()),
            // Asked again, as long as there is time.
            Err(error) => tracing::debug!(%error, index, "an execution cannot be asked for"),
        }
    }

    /// Sends again what was not acknowledged and asks for what was not heard of. Whether there is anything to wait for.
    async fn look(&mut self) -> Result<bool, Failure> {
        let now = self.now();
        let before = now.saturating_sub(micros(ACK_WITHIN));
        for index in self.tally.send_again(before, now, AGAIN_AT_ONCE) {
            self.send(index).await?;
        }
        let (quiet_for, steps) = (self.last_end.elapsed(), self.steps_take());
        let patience = if QUIET_AFTER + steps < quiet_for { QUIET_PATIENCE } else { BUSY_PATIENCE } + steps * 2;
        let room = ASKS_AT_ONCE.saturating_sub(self.asks.len());
        let (sent_before, asked_before) = (micros(patience), micros(ASK_AGAIN));
        let quiet = self.tally.ask_for(
            now.saturating_sub(sent_before),
            now.saturating_sub(asked_before),
            now,
            if sent_before < now { room } else { 0 },
        );
        for index in quiet {
            let execution = ExecutionId::new(format!("{}{index}", self.prefix));
            let execution = execution.expect("letters, digits and dashes are an id");
            let client = self.client.clone();
            self.asks.push(async move { (index, client.get(&execution).await) }.boxed());
        }
        let (over, of) = (self.tally.over(), self.settings.workflows);
        self.output.progress(&format!("{over} of {of} are over, {} in flight", self.tally.in_flight()));
        Ok(quiet_for < GRACE + steps * 3 || self.tally.in_flight() == 0)
    }

    /// How long the steps of one execution take at least.
    fn steps_take(&self) -> Duration {
        Duration::from_millis(u64::from(self.settings.steps) * u64::from(self.settings.step_ms))
    }

    fn now(&self) -> Micros {
        micros(self.begin.elapsed())
    }
}

/// Waits until the moment that is so long after the beginning.
async fn due(begin: Instant, micros: Option<Micros>) {
    let Some(micros) = micros else { return std::future::pending().await };
    tokio::time::sleep_until((begin + Duration::from_micros(micros)).into()).await;
}

fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

fn input(settings: &Settings) -> Value {
    if settings.payload == 0 { Value::Null } else { json!({ "payload": "x".repeat(settings.payload) }) }
}

/// What is the same for every start.
fn headers(start: &Input, source: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-source", source);
    headers.insert("ce-type", start.kind());
    headers.insert(async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(0));
    headers
}

/// Why a start was not stored; nothing if it had been stored before.
fn refusal(ack: &Message) -> Option<String> {
    const WRONG_LAST_SEQUENCE: u64 = 10071;
    if ack.status == Some(StatusCode::NO_RESPONDERS) {
        return Some("no stream takes it, or it has no leader".to_owned());
    }
    let fault: Value = serde_json::from_slice(&ack.payload).unwrap_or_default();
    let code = fault["error"]["err_code"].as_u64().unwrap_or_default();
    let description = fault["error"]["description"].as_str().unwrap_or("the answer cannot be read");
    (code != WRONG_LAST_SEQUENCE).then(|| format!("{description} (code {code})"))
}

fn broken(error: impl std::error::Error) -> Failure {
    Failure::new(Exit::Unreachable, format!("starts cannot be sent: {error}"))
}
