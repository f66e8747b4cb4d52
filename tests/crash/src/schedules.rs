//! Schedules that fire every second, and schedulers that are killed and put to sleep: each tick once, or recorded as skipped.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use async_nats::jetstream::{
    consumer::{DeliverPolicy, pull::OrderedConfig},
    stream::Stream,
};
use futures::{StreamExt, TryStreamExt, stream};
use sagaline_broker::{
    names::{LogKind, Stream as OneOf},
    nats::{Connection, connect},
};
use sagaline_model::{Every, ExecutionId, Moment, Name, ScheduleSpec, Span, When, partition_of};
use sagaline_sdk::client::{Client, Who};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::{
    Nodes, Role, System,
    kills::{ONE_AT_A_TIME, now},
    load::seconds,
};

const PARTITIONS: u32 = 4;
const SCHEDULERS: usize = 2;
/// What `SAGALINE_CRASH_SCHEDULES` says otherwise.
const SCHEDULES: u32 = 50;
/// From being made known to the first tick: all of them are known by then.
const BEGIN_AFTER: Span = Span::from_secs(15);
/// Longer than a lease.
const ASLEEP: Duration = Duration::from_secs(6);
const BETWEEN: Duration = Duration::from_millis(3_500);
/// After the last tick.
const OVER_WITHIN: Duration = Duration::from_secs(60);
/// How late a tick may be, counted from when it was due or, if nobody was there then, from when somebody took over.
const LATE_MOST: Span = Span::from_secs(1);

const DEFINITION: &str = "\
workflow: crash_tick
steps:
  note: { set: { at: \"${ trigger.data.scheduled_at }\" } }
";

/// kill -9, SIGSTOP and SIGCONT of schedulers in turn. What was measured, in words.
pub async fn killed_and_sleeping_schedulers(nodes: Nodes) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let environment = vec![("SAGALINE_PARTITIONS", PARTITIONS.to_string())];
    let mut system = System::with_services("schedules", nodes, 1, environment).await;
    for _ in 0..SCHEDULERS {
        system.spawn(Role::Scheduler);
    }
    let file = system.folder().join("crash_tick.yaml");
    std::fs::write(&file, DEFINITION).expect("a definition can be written");
    system.run(&["apply", file.to_str().expect("UTF-8")]).await;
    let ticks = Ticks::from(now() + BEGIN_AFTER, seconds());
    let client = Client::connect(&system.nats.url(), "sagaline", "schedules").await.expect("a client");
    make_known(&client, &ticks).await;
    assert!(now() < ticks.first, "the schedules were not known in time");

    let (mut killed, mut slept) = (0, 0);
    while now() < ticks.last {
        sleep(BETWEEN).await;
        if killed <= slept {
            system.kill(Role::Scheduler);
            killed += 1;
        } else {
            let eldest = system.pids(Role::Scheduler)[0];
            system.freeze(eldest, ASLEEP).await;
            slept += 1;
        }
    }
    all_finished(&client).await;
    let connection = connect(&system.nats.url(), "sagaline", "schedules").await.expect("a connection");
    let said = each_tick_once(&connection, &ticks).await;
    system.end().await;
    format!("killed a scheduler {killed} times, and let one sleep {slept} times: {said}")
}

/// Each second from the first to the last.
struct Ticks {
    first: Moment,
    last: Moment,
}

impl Ticks {
    fn from(first: Moment, seconds: u32) -> Self {
        let first = Moment::from_millis(first.as_nanos() / 1_000_000_000 * 1_000);
        Self { first, last: first + Span::from_secs(u64::from(seconds)) }
    }

    fn all(&self) -> impl Iterator<Item = Moment> {
        let (first, last) = (self.first, self.last);
        (0..).map(move |second| first + Span::from_secs(second)).take_while(move |tick| *tick <= last)
    }
}

fn schedules() -> impl Iterator<Item = Name> {
    let given = std::env::var("SAGALINE_CRASH_SCHEDULES").ok().and_then(|text| text.parse().ok());
    (0..given.unwrap_or(SCHEDULES)).map(|number| Name::new(format!("tick{number}")).expect("a name"))
}

async fn make_known(client: &Client, ticks: &Ticks) {
    let when = When {
        every: Some(Every::of(Span::from_secs(1))),
        start_at: Some(ticks.first),
        end_at: Some(ticks.last),
        ..When::default()
    };
    let spec = ScheduleSpec::of(Name::new("crash_tick").expect("a name"), when);
    let made = stream::iter(schedules()).map(|name| {
        let spec = spec.clone();
        async move { client.create_schedule(&name, spec, Who::default()).await }
    });
    made.buffer_unordered(16).try_for_each(async |_| Ok(())).await.expect("they are made known");
}

async fn all_finished(client: &Client) {
    let deadline = Instant::now() + OVER_WITHIN;
    for name in schedules() {
        // A scheduler that does not answer in time is asked again.
        while !matches!(client.schedule(&name).await, Ok(Some(view)) if view.finished) {
            assert!(Instant::now() < deadline, "`{name}` has not finished: {:?}", client.schedule(&name).await);
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Each tick of each schedule is on the logs once as a start, or among those that are recorded as skipped; and when it was stored.
async fn each_tick_once(connection: &Connection, ticks: &Ticks) -> String {
    let (mut started, skipped, taken_over) =
        (starts(connection).await, skips(connection).await, takeovers(connection).await);
    let (mut late_most, mut waited_most) = (Span::ZERO, Span::ZERO);
    let (mut fired, mut left_out) = (0, 0);
    for schedule in schedules() {
        let partition = partition_of(schedule.as_str(), PARTITIONS);
        for tick in ticks.all() {
            let is_skipped = skipped.contains(&(schedule.clone(), tick));
            let Some(stored) = started.remove(&execution_of(&schedule, tick)) else {
                assert!(is_skipped, "the tick {tick} of `{schedule}` has neither fired nor is it recorded as skipped");
                left_out += 1;
                continue;
            };
            assert!(!is_skipped, "the tick {tick} of `{schedule}` has fired and is recorded as skipped");
            fired += 1;
            // Who took over last before it was stored, if nobody had the partition when it was due.
            let takeover = taken_over[&partition].iter().rev().find(|takeover| **takeover <= stored);
            let from = takeover.copied().filter(|takeover| tick < *takeover).unwrap_or(tick);
            let late = stored.since(from);
            assert!(late <= LATE_MOST, "the tick {tick} of `{schedule}` came {late} late, at {stored}");
            late_most = late_most.max(late);
            waited_most = waited_most.max(stored.since(tick));
        }
    }
    let others: Vec<_> = started.keys().filter(|execution| execution.as_str().starts_with("tick")).take(3).collect();
    assert!(others.is_empty(), "these are not meant: {others:?}");
    format!(
        "{fired} ticks of {} schedules fired, one start each, {left_out} are recorded as skipped; at most {late_most} late where somebody was \
         there or had taken over, {waited_most} in all",
        schedules().count(),
    )
}

fn execution_of(schedule: &Name, tick: Moment) -> ExecutionId {
    let time: String = tick.to_string()[..19].chars().filter(char::is_ascii_alphanumeric).collect();
    ExecutionId::new(format!("{schedule}-{time}Z")).expect("an id")
}

/// Every start of the logs, and when it was stored.
async fn starts(connection: &Connection) -> BTreeMap<ExecutionId, Moment> {
    let names = connection.names();
    let mut starts = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let subject = names.run_all(partition).replace(".>", ".*.start");
        for (subject, stored, _) in all(connection, &names.runs(partition), subject).await {
            let Some((_, execution, _)) = names.parse_run(&subject) else { continue };
            let execution = ExecutionId::new(execution).expect("an id");
            assert!(starts.insert(execution, stored).is_none(), "`{subject}` is stored more than once");
        }
    }
    starts
}

/// What is told of as skipped.
async fn skips(connection: &Connection) -> BTreeSet<(Name, Moment)> {
    let subject = connection.names().lifecycle("schedule", "skipped", "crash_tick", "*").replace(".crash_tick.*", ".>");
    let told = all(connection, &connection.names().stream(OneOf::Lifecycle), subject).await;
    let mut skips = BTreeSet::new();
    for (_, _, data) in told {
        let time = |field: &str| data[field].as_str().map(|text| text.parse::<Moment>().expect("a time"));
        let name = Name::new(data["schedule"].as_str().expect("a schedule")).expect("a name");
        let first = time("tick").expect("a tick");
        skips.extend(Ticks { first, last: time("last").unwrap_or(first) }.all().map(|tick| (name.clone(), tick)));
    }
    skips
}

/// When each partition had another owner: its first mark.
async fn takeovers(connection: &Connection) -> BTreeMap<u32, Vec<Moment>> {
    let mut takeovers = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let names = connection.names();
        let (log, mark) = (names.log(LogKind::Schedules, partition), names.mark(LogKind::Schedules, partition));
        let mut epochs = BTreeMap::new();
        for (_, stored, data) in all(connection, &log, mark).await {
            epochs.entry(data["epoch"].as_u64()).or_insert(stored);
        }
        let mut moments: Vec<Moment> = epochs.into_values().collect();
        moments.sort_unstable();
        takeovers.insert(partition, moments);
    }
    takeovers
}

/// Everything that a stream has on a subject: the subject, when it was stored, and the data.
pub(crate) async fn all(connection: &Connection, stream: &str, subject: String) -> Vec<(String, Moment, Value)> {
    let stream: Stream = connection.jetstream().get_stream(stream).await.expect("a stream");
    let config =
        OrderedConfig { filter_subject: subject, deliver_policy: DeliverPolicy::All, ..OrderedConfig::default() };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut left = consumer.cached_info().num_pending;
    let mut messages = consumer.messages().await.expect("messages");
    let mut all = vec![];
    while 0 < left {
        let message = timeout(Duration::from_secs(10), messages.next()).await.expect("soon").expect("one more");
        let message = message.expect("a message");
        let stored = message.info().expect("a place").published.unix_timestamp_nanos();
        let stored = Moment::from_nanos(i64::try_from(stored).expect("before 2262"));
        let data = serde_json::from_slice(&message.payload).unwrap_or_default();
        all.push((message.subject.to_string(), stored, data));
        left -= 1;
    }
    all
}
