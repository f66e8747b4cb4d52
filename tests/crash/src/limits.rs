//! Rates, places and the server's limit while executors and orchestrators are killed: what the workers saw, and the turns that were given.
//!
//! A run lasts from its begin to its end, or to the death of its process: whoever has its task then begins another.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use sagaline_broker::nats::{Connection, connect};
use sagaline_events::record::Status;
use sagaline_model::{ExecutionId, Moment, Name, RateRule, Span};
use sagaline_sdk::client::{Client, Job, StartOptions};
use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use crate::{
    Nodes, Role, System, Witness,
    kills::{ONE_AT_A_TIME, now},
    schedules::all,
    witness::Run,
};

const PARTITIONS: u32 = 4;
const ORCHESTRATORS: usize = 2;
const EXECUTORS: usize = 3;
const KILL_EVERY: Duration = Duration::from_millis(3_500);
/// Without `SAGALINE_CRASH_SECONDS`.
const SECONDS: u32 = 15;
/// How much of each kind is handed over in a second: more than may be done of it.
const RATE: u32 = 8;
const WORKS_MS: u32 = 400;
/// Longer than a minute: then whatever was lost is looked for again.
const OVER_WITHIN: Duration = Duration::from_secs(240);

/// Jobs that begin so often in a second.
const PACED: u32 = 5;
/// Jobs that are at work at once.
const NARROW: usize = 3;
/// The same where the server sees to it.
const SERVED: usize = 3;
/// Steps that are at work at once, and that begin in a second, of each key.
const GATED: usize = 2;
const GATED_PACED: u32 = 3;
const KEYS: [&str; 2] = ["red", "a_2eb"];

/// So often a turn is good for the grace of its rate alone, then for a second, and twice as long each time.
const STRICT: u32 = 3;
/// From looking whether its turn is over to writing down that it begins.
const WRITTEN_WITHIN: Span = Span::from_millis(250);
/// Between the end of an activity and the storing of its result its worker may die: then it is done again.
const STORED_WITHIN: Span = Span::from_secs(1);

const WORKFLOW: &str = "\
workflow: crash_gated
steps:
  work:
    activity: sleep
    queue: gated
    input: { ms: 400 }
    limit: { limit: 2, name: gated, key: \"${ workflow.input.key }\" }
    rate_limit: { limit: 3, per: 1s, name: gated, key: \"${ workflow.input.key }\" }
---
# The queues of the jobs are there before something is set for them.
workflow: crash_queues
steps:
  paced: { activity: sleep, queue: paced }
  narrow: { activity: sleep, queue: narrow }
  served: { activity: sleep, queue: served }
";

/// A process that was dead by then.
struct Killed {
    pid: u32,
    by: Moment,
}

/// kill -9 of an executor and an orchestrator in turn. What was measured, in words.
pub async fn killed_under_limits(nodes: Nodes) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let environment = vec![
        ("SAGALINE_PARTITIONS", PARTITIONS.to_string()),
        ("SAGALINE_QUEUE", "default,paced,narrow,served,gated".to_owned()),
    ];
    let mut system = System::with_services("limits", nodes, ORCHESTRATORS, environment).await;
    for _ in ORCHESTRATORS..EXECUTORS {
        system.spawn(Role::Executor);
    }
    let file = system.folder().join("crash_gated.yaml");
    std::fs::write(&file, WORKFLOW).expect("a definition can be written");
    system.run(&["apply", file.to_str().expect("UTF-8")]).await;
    system.run(&["queues", "set", "paced", "--rate", &format!("{PACED}/s")]).await;
    system.run(&["queues", "set", "narrow", "--concurrency", &NARROW.to_string()]).await;
    system.run(&["queues", "set", "served", "--activity", "sleep", "--limit", &SERVED.to_string()]).await;

    let client = Client::connect(&system.nats.url(), "sagaline", "limits").await.expect("a client");
    let handing_over = tokio::spawn(hand_over_all(client.clone()));
    let mut tick = interval(KILL_EVERY);
    tick.tick().await;
    let mut killed = vec![];
    for role in [Role::Executor, Role::Orchestrator].into_iter().cycle() {
        tick.tick().await;
        if handing_over.is_finished() {
            break;
        }
        let pid = system.kill(role);
        killed.push(Killed { pid, by: now() });
    }
    let ids = handing_over.await.expect("they are handed over");
    all_complete(&client, &ids).await;
    let connection = connect(&system.nats.url(), "sagaline", "limits").await.expect("a connection");
    let said = [
        done_once(&ids, &system.witness_file(), &killed),
        never_too_many(&system.witness_file(), &killed),
        each_in_its_turn(&system.witness_file(), &turns(&connection).await),
    ];
    system.end().await;
    format!("killed {} executors and orchestrators in turn: {}", killed.len(), said.join("; "))
}

fn seconds() -> u32 {
    std::env::var("SAGALINE_CRASH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS)
}

/// Jobs of three kinds and executions of one, at an even pace.
async fn hand_over_all(client: Client) -> Vec<ExecutionId> {
    let mut tick = interval(Duration::from_secs(1) / RATE);
    let mut ids = vec![];
    for number in 0..RATE * seconds() {
        tick.tick().await;
        for queue in ["paced", "narrow", "served"] {
            ids.push(submit(&client, queue, number).await);
        }
        ids.push(start(&client, number).await);
    }
    ids
}

async fn submit(client: &Client, queue: &str, number: u32) -> ExecutionId {
    let id = ExecutionId::new(format!("{queue}-{number}")).expect("an id");
    let deadline = Instant::now() + OVER_WITHIN;
    loop {
        let job = Job::new("sleep").queue(queue).payload(json!({ "ms": WORKS_MS })).id(id.clone());
        let Err(why) = client.submit(job).await else { return id };
        // Whoever was killed is being replaced.
        assert!(Instant::now() < deadline, "{id} cannot be submitted: {why}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn start(client: &Client, number: u32) -> ExecutionId {
    let key = number as usize % KEYS.len();
    let id = ExecutionId::new(format!("gated-{key}-{number}")).expect("an id");
    let workflow = Name::new("crash_gated").expect("a name");
    let deadline = Instant::now() + OVER_WITHIN;
    loop {
        let options = StartOptions { id: Some(id.clone()), ..StartOptions::default() };
        let Err(why) = client.start(&workflow, json!({ "key": KEYS[key] }), options).await else { return id };
        assert!(Instant::now() < deadline, "{id} cannot be started: {why}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn all_complete(client: &Client, ids: &[ExecutionId]) {
    let deadline = Instant::now() + OVER_WITHIN;
    for id in ids {
        loop {
            // Nobody owns its partition for a moment, perhaps.
            let view = client.get(id).await.ok().flatten();
            match view {
                Some(view) if view.status.is_over() => {
                    assert_eq!(view.status, Status::Completed, "{view:#?}");
                    break;
                }
                view => assert!(Instant::now() < deadline, "{id} is not over: {view:#?}"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What was done to its end was so once, but where the worker died before it could say so.
fn done_once(ids: &[ExecutionId], witness: &Path, killed: &[Killed]) -> String {
    let witness = Witness::read(witness);
    let (mut runs, mut cut, mut again) = (0, 0, 0);
    for id in ids {
        let of_this: Vec<&Run> = witness.runs_of(id.as_str()).map(|(_, run)| run).collect();
        let ends: Vec<(&&Run, Moment)> = of_this.iter().filter_map(|run| Some((run, run.ended?))).collect();
        let untold = |(run, ended): &&(&&Run, Moment)| {
            let dies = |killed: &&Killed| killed.pid == run.pid && killed.by.since(*ended) <= STORED_WITHIN;
            killed.iter().any(|one| dies(&one))
        };
        let is_untold = ends.iter().filter(untold).count();
        assert!(!ends.is_empty(), "{id} completed, and nobody did it");
        assert!(ends.len() - is_untold <= 1, "{id} was done {} times: {of_this:?}", ends.len());
        runs += of_this.len();
        cut += of_this.len() - ends.len();
        again += ends.len() - 1;
    }
    format!(
        "{} ended, one end each; of {runs} runs {cut} were cut off by a kill, {again} were done but not yet told",
        ids.len()
    )
}

/// Never were more at work at once than may be, and as many as may be were.
fn never_too_many(witness: &Path, killed: &[Killed]) -> String {
    let witness = Witness::read(witness);
    let groups = [("narrow-", NARROW), ("served-", SERVED), ("gated-0-", GATED), ("gated-1-", GATED)];
    let counted = groups.map(|(prefix, most)| {
        let mut changes: Vec<(Moment, bool)> = vec![];
        for (execution, run) in witness.all().filter(|(execution, _)| execution.starts_with(prefix)) {
            let death = || killed.iter().find(|killed| killed.pid == run.pid && run.begin <= killed.by);
            let end = run.ended.or_else(|| death().map(|killed| killed.by));
            let end = end.unwrap_or_else(|| panic!("{execution} began and never ended: {run:?}"));
            changes.extend([(run.begin, true), (end, false)]);
        }
        // At one time, who ends comes before who begins.
        changes.sort_unstable();
        let (mut inside, mut at_once) = (0_usize, 0);
        for (_, begins) in changes {
            inside = if begins { inside + 1 } else { inside - 1 };
            at_once = at_once.max(inside);
        }
        assert!(at_once <= most, "{at_once} of `{prefix}` were at work at once, and {most} may be");
        (prefix.trim_end_matches('-'), at_once, most)
    });
    for (name, at_once, most) in &counted[..2] {
        assert_eq!(at_once, most, "as many of `{name}` as may be were at work");
    }
    let told: Vec<String> = counted.iter().map(|(name, at_once, most)| format!("{name} {at_once} of {most}")).collect();
    format!("at work at once at most: {}", told.join(", "))
}

/// The turns that an execution was given, by the rate that gave them.
type Turns = BTreeMap<String, BTreeMap<String, Vec<(u32, Moment)>>>;

async fn turns(connection: &Connection) -> Turns {
    let names = connection.names();
    let mut turns = Turns::new();
    for partition in 0..PARTITIONS {
        let inputs = names.run_all(partition).replace(".>", ".*.in");
        for (subject, _, data) in all(connection, &names.runs(partition), inputs).await {
            let Some((_, execution, _)) = names.parse_run(&subject) else { continue };
            let Some(turn) = data["says"]["reserved"]["at"].as_str() else { continue };
            let rate = data["entity"].as_str().expect("an entity").to_owned();
            let turn = (attempt_of(&data), turn.parse().expect("a time"));
            let of_execution = turns.entry(rate).or_default().entry(execution.to_owned()).or_default();
            // It may be told twice.
            if !of_execution.contains(&turn) {
                of_execution.push(turn);
            }
        }
    }
    turns
}

fn attempt_of(data: &Value) -> u32 {
    data["attempt"].as_u64().and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or_default()
}

/// Turns come no faster than the rate says, and each begin had one of its own, in time.
fn each_in_its_turn(witness: &Path, turns: &Turns) -> String {
    let witness = Witness::read(witness);
    let groups = [("paced-", PACED), ("gated-0-", GATED_PACED), ("gated-1-", GATED_PACED)];
    let told = groups.map(|(prefix, limit)| {
        let rule = RateRule { limit, per: Span::from_secs(1), burst: None };
        let pause = rule.pause();
        let is_meant = |of: &&BTreeMap<String, Vec<_>>| of.keys().any(|execution| execution.starts_with(prefix));
        let mut rates = turns.values().filter(is_meant);
        let (Some(of), None) = (rates.next(), rates.next()) else { panic!("one rate is asked by `{prefix}`") };
        let mut given: Vec<Moment> = of.values().flatten().map(|(_, turn)| *turn).collect();
        given.sort_unstable();
        let narrowest = given.windows(2).map(|two| two[1].since(two[0])).min().unwrap_or(pause);
        assert!(pause <= narrowest, "two turns of `{prefix}` are {narrowest} apart, and not {pause}");

        let (mut begins, mut latest, mut anew, mut longer) = (vec![], Span::ZERO, 0, 0);
        let mut had = BTreeMap::new();
        for (execution, attempt, run) in witness.attempts().filter(|(execution, ..)| execution.starts_with(prefix)) {
            let twice = had.insert((execution, attempt), run);
            assert!(twice.is_none(), "attempt {attempt} of {execution} began twice on one turn: {twice:?}, {run:?}");
            let of_this = &of[execution];
            // The last that it was given before is the one that it has used.
            let used = (0_u32..).zip(of_this).filter(|(_, (of, turn))| *of == attempt && *turn <= run.begin).last();
            let Some((missed, (_, turn))) = used else { panic!("{execution} began before its turn: {run:?}, {of_this:?}") };
            let late = run.begin.since(*turn);
            let more = missed.checked_sub(STRICT);
            let good_for = more.map_or(rule.grace(), |more| Span::from_secs(1).times(f64::from(1_u32 << more.min(6))));
            assert!(run.begin <= *turn + good_for + WRITTEN_WITHIN, "{execution} began {late} after its turn: {of_this:?}");
            latest = latest.max(late);
            anew += u32::from(missed > 0);
            match more {
                // It looked before its turn was over; that it began may have been written a little later.
                None => begins.push(run.begin.min(*turn + good_for)),
                Some(_) => longer += 1,
            }
        }
        begins.sort_unstable();
        let within = |first: usize| begins[first..].iter().take_while(|begin| begin.since(begins[first]) < rule.per).count();
        let most = (0..begins.len()).map(within).max().unwrap_or_default();
        assert!(most <= limit as usize, "{most} of `{prefix}` began within a second, and {limit} may");
        let name = prefix.trim_end_matches('-');
        format!("{name} {} begins at {limit}/s, {most} within a second at most, {latest} after their turns at most, {anew} on a later turn, {longer} of them on one that was good for longer", begins.len() + longer)
    });
    told.join("; ")
}
