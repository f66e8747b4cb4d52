//! Very many schedules and one scheduler: how fast they are made known, how long a killed and restarted one takes until it is ready and
//! has started what was due meanwhile, and how late ticks come while as many are due each second as are asked for.
//!
//! An orchestrator runs what is started, a workflow that does nothing: it shares the machine, as it does anywhere. A tick is as late
//! as the server's time of its start on the log of executions says. Every tick from the first to the last must be there once.

mod phases;
mod site;
mod starts;

use std::{path::PathBuf, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use sagaline_broker::ports::{Message, Outcome};
use sagaline_events::{ScheduleInput, schedule::ScheduleSet};
use sagaline_model::Moment;
use sagaline_sdk::client::Client;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::{
    phases::Phases,
    site::Site,
    starts::{Starts, read_starts},
};
use crate::{floor::Failure, owners::sum};

#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Where `sagaline`, `sagaline-orchestrator` and `sagaline-scheduler` are: a release build of all of them.
    #[arg(long, default_value = "target/release")]
    pub programs: PathBuf,
    /// How many schedules there are, one figure after the other, each on a server of its own.
    #[arg(long, value_delimiter = ',', default_value = "25000,50000,100000")]
    pub schedules: Vec<u32>,
    /// How many ticks of all of them are due each second, evenly spread. None fires more often than once a second.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Those of a second are all due when it begins, as those of cron expressions are.
    #[arg(long)]
    pub together: bool,
    #[arg(long, default_value_t = 4)]
    pub partitions: u32,
    /// For how many seconds they tick before the scheduler is killed: it saves what has settled for ten seconds.
    #[arg(long, default_value_t = 20)]
    pub before: u32,
    /// For how many seconds it is measured how late they are.
    #[arg(long, default_value_t = 60)]
    pub seconds: u32,
}

/// One run.
#[derive(Debug, Serialize)]
pub struct Measured {
    pub schedules: u32,
    /// How often each of them fires.
    pub every_ms: u64,
    pub partitions: u32,
    /// Stored, with many on their way at once, until all of them are known to the scheduler.
    pub known_per_second: f64,
    pub restart: Restart,
    pub ticking: Ticking,
    /// Of all ticks from when all schedules were known.
    pub ticks: u64,
    pub missed: u64,
    /// Started more than once.
    pub doubled: u64,
    pub memory: Memory,
}

/// From the start of the new process. The leases of the one that was killed have to run out first, which takes three seconds.
#[derive(Debug, Serialize)]
pub struct Restart {
    /// Until every partition is live.
    pub ready_ms: u64,
    /// Until its first tick is stored.
    pub first_tick_ms: u64,
    /// Until everything is stored that was due before it was ready.
    pub caught_up_ms: u64,
}

/// While as many are due as are asked for, and nothing is behind.
#[derive(Debug, Serialize)]
pub struct Ticking {
    pub seconds: u32,
    pub per_second: f64,
    pub late: Late,
    /// Of one processor, in percent.
    pub scheduler_percent: f64,
}

#[derive(Debug, Serialize)]
pub struct Late {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// Resident, in KiB.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// The scheduler, when all are known.
    pub known: u64,
    /// Before it was killed.
    pub ticking: u64,
    /// Another one, once it was ready, and the most it ever was.
    pub restarted: u64,
    pub most: u64,
    pub orchestrator: u64,
    pub nats_server: u64,
}

impl Measured {
    /// A line of the table that people read.
    fn line(&self) -> String {
        let Self { restart, ticking: Ticking { late, .. }, .. } = self;
        format!(
            "{:>9} {:>9.0} {:>9} {:>9} {:>9.0} {:>8.1} {:>8.1} {:>8.1} {:>7} {:>7} {:>9}",
            self.schedules,
            self.known_per_second,
            restart.ready_ms,
            restart.caught_up_ms,
            self.ticking.per_second,
            late.p50_ms,
            late.p99_ms,
            late.max_ms,
            self.missed,
            self.doubled,
            self.memory.most,
        )
    }
}

const HEAD: &str =
    "schedules   known/s  ready ms caught ms   ticks/s   p50 ms   p99 ms   max ms  missed doubled   max KiB";

/// Publishes in flight.
const SETS_AT_ONCE: usize = 256;
const KNOWN_WITHIN: Duration = Duration::from_secs(120);
const READY_WITHIN: Duration = Duration::from_secs(120);
/// After it was ready, before anything is measured: what was due meanwhile has started by then.
const CATCHES_UP: Duration = Duration::from_secs(5);
/// How often what is late is looked for, and how long it is waited for.
const LOOK_EVERY: Duration = Duration::from_secs(3);
const LOOKS: usize = 10;

/// Measures everything that is asked for; tells `progress` of every step.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Vec<Measured>, Failure> {
    let mut measured: Vec<Measured> = vec![];
    for schedules in &settings.schedules {
        let mut site = Site::start(settings, &mut progress).await?;
        let phases = Phases { schedules: *schedules, rate: settings.rate, together: settings.together };
        let result = measure(settings, &mut site, phases, &mut progress).await;
        site.end().await?;
        measured.push(result?);
    }
    progress(HEAD);
    measured.iter().for_each(|measured| progress(&measured.line()));
    let broken = measured.iter().filter(|measured| measured.missed + measured.doubled > 0).count();
    if broken > 0 {
        return Err(format!("in {broken} of {} runs ticks were missed or doubled: see above", measured.len()).into());
    }
    Ok(measured)
}

async fn measure(
    settings: &Settings,
    site: &mut Site,
    phases: Phases,
    progress: &mut impl FnMut(&str),
) -> Result<Measured, Failure> {
    let client = Client::connect(&site.url(), "sagaline", "schedules").await?;
    let count = phases.schedules;
    let begun = Instant::now();
    make_known(&client, phases).await?;
    site.schedulers_have(&client, KNOWN_WITHIN, |owners| sum(owners, "open") >= u64::from(count)).await?;
    let known_per_second = f64::from(count) / begun.elapsed().as_secs_f64();
    let from = now()?;
    let known = site.scheduler()?.resident_kib()?;
    progress(&format!("{count} schedules are known, {known_per_second:.0} a second; {known} KiB"));

    sleep(Duration::from_secs(settings.before.into())).await;
    let ticking = site.scheduler()?.resident_kib()?;
    site.kill_scheduler();
    let (restarted, begun) = (now()?, Instant::now());
    site.start_scheduler().await?;
    // With nothing to own a process is ready all the same: what counts is that each partition is live again.
    let live = |owners: &[Value]| owners.iter().all(|owner| owner["live"] == true);
    site.schedulers_have(&client, READY_WITHIN, live).await?;
    let ready_ms = u64::try_from(begun.elapsed().as_millis())?;
    let ready = now()?;
    let restarted_kib = site.scheduler()?.resident_kib()?;
    progress(&format!("ready {ready_ms} ms after it was started again; {restarted_kib} KiB"));

    sleep(CATCHES_UP).await;
    let (steady, cpu) = (now()?, site.scheduler()?.cpu_seconds()?);
    sleep(Duration::from_secs(settings.seconds.into())).await;
    let (to, cpu) = (now()?, site.scheduler()?.cpu_seconds()? - cpu);
    let starts = all_that_was_due(&client, phases, from, to, progress).await?;

    let after = |moment: Option<Moment>| moment.map_or(0, |moment| moment.since(restarted).as_nanos() / 1_000_000);
    let measured_for = to.since(steady).as_nanos() as f64 / 1e9;
    let memory = Memory {
        known,
        ticking,
        restarted: restarted_kib,
        most: site.scheduler()?.most_resident_kib()?,
        orchestrator: site.orchestrator()?.resident_kib()?,
        nats_server: site.nats_kib()?,
    };
    Ok(Measured {
        schedules: count,
        every_ms: u64::try_from(phases.period_nanos() / 1_000_000)?,
        partitions: settings.partitions,
        known_per_second,
        restart: Restart {
            ready_ms,
            first_tick_ms: after(starts.first_stored_after(restarted)),
            caught_up_ms: after(starts.last_stored_of_before(ready)),
        },
        ticking: Ticking {
            seconds: settings.seconds,
            per_second: starts.between(steady, to).len() as f64 / measured_for,
            late: late(starts.lateness(steady, to)),
            scheduler_percent: 100.0 * cpu / measured_for,
        },
        ticks: phases.ticks_between(from, to),
        missed: phases.ticks_between(from, to).saturating_sub(starts.between(from, to).len() as u64),
        doubled: starts.doubled,
        memory,
    })
}

/// Reads what has started, again if something is missing: it may be on its way.
async fn all_that_was_due(
    client: &Client,
    phases: Phases,
    from: Moment,
    to: Moment,
    progress: &mut impl FnMut(&str),
) -> Result<Starts, Failure> {
    let due = phases.ticks_between(from, to);
    let mut looks = 0;
    loop {
        sleep(LOOK_EVERY).await;
        let starts = read_starts(client, phases).await?;
        let there = starts.between(from, to).len() as u64;
        looks += 1;
        if due <= there || LOOKS <= looks {
            return Ok(starts);
        }
        progress(&format!("{there} of {due} ticks have started"));
    }
}

fn late(mut nanos: Vec<u64>) -> Late {
    nanos.sort_unstable();
    let at = |permille: usize| nanos.get(nanos.len().saturating_sub(1) * permille / 1000).copied().unwrap_or(0);
    let ms = |permille| at(permille) as f64 / 1e6;
    Late { p50_ms: ms(500), p99_ms: ms(990), max_ms: ms(1000) }
}

/// As any client does, but that none of them is asked for afterwards.
async fn make_known(client: &Client, phases: Phases) -> Result<(), Failure> {
    let names = client.connection().names();
    let sets = stream::iter(0..phases.schedules).map(|number| async move {
        let name = phases.name(number)?;
        let input = ScheduleInput::Set(Box::new(ScheduleSet::of(phases.spec(number)?)));
        let message = Message {
            subject: names.schedule(name.as_str(), client.partitions()),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: vec![
                ("ce-specversion", "1.0".to_owned()),
                ("ce-id", format!("{name}-set")),
                ("ce-source", "/load/schedules".to_owned()),
                ("ce-type", input.kind().to_owned()),
            ],
            payload: input.data().into(),
        };
        match client.connection().publish(&message).await {
            Outcome::Stored { .. } => Ok::<_, Failure>(()),
            other => Err(format!("the schedule `{name}` is not stored: {other:?}").into()),
        }
    });
    sets.buffer_unordered(SETS_AT_ONCE).try_collect().await
}

/// This machine's clock is the server's, too.
fn now() -> Result<Moment, Failure> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Moment::from_nanos(i64::try_from(since.as_nanos())?))
}
