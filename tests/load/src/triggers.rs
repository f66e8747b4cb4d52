//! How fast a trigger makes starts of events: all of them are there before it begins, and nothing else runs.

use std::{path::PathBuf, time::Duration};

use async_nats::{HeaderMap, jetstream};
use futures::{StreamExt, stream};
use sagaline_model::Plan;
use sagaline_sdk::client::Client;
use sagaline_server::{Finder, Server, ServerOptions};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use crate::{floor::Failure, processes::Service};

const DONE_WITHIN: Duration = Duration::from_secs(600);
const PUBLISHES_AT_ONCE: usize = 256;

#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// The triggers to compare, one after the other in each round: programs of versions before and after a change, say.
    #[arg(long, value_delimiter = ',', default_value = "target/release/sagaline-trigger")]
    pub triggers: Vec<PathBuf>,
    /// What installs: it is ended before anything is measured.
    #[arg(long, default_value = "target/release/sagaline-orchestrator")]
    pub orchestrator: PathBuf,
    #[arg(long, default_value_t = 20_000)]
    pub events: u32,
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Workflows that listen to something else.
    #[arg(long, default_value_t = 100)]
    pub others: u32,
    /// Also measures a trigger that asks for a pattern, a source and an extension, beside others of that kind. Needs programs that know of it.
    #[arg(long)]
    pub patterns: bool,
}

#[derive(Debug, Serialize)]
pub struct Measured {
    pub program: String,
    /// `plain` or `patterns`.
    pub triggers: &'static str,
    pub round: u32,
    pub events: u32,
    pub starts_per_s: f64,
}

/// One run after the other, each on a server of its own.
pub async fn run(settings: &Settings, say: fn(&str)) -> Result<Vec<Measured>, Failure> {
    let binary = tokio::task::spawn_blocking(|| Finder::from_env().find_or_install(|_| {})).await??;
    let mut runs = vec![];
    let kinds: &[&str] = if settings.patterns { &["plain", "patterns"] } else { &["plain"] };
    for round in 1..=settings.rounds {
        for program in &settings.triggers {
            for triggers in kinds {
                let folder = std::env::temp_dir().join(format!("sagaline-triggers-{}", std::process::id()));
                std::fs::create_dir_all(&folder)?;
                let mut server = Server::start(ServerOptions::new(binary.clone(), &folder)).await?;
                let took = one(settings, program, *triggers == "patterns", &server.url()).await;
                server.stop().await;
                std::fs::remove_dir_all(&folder)?;
                let starts_per_s = f64::from(settings.events) / took?.as_secs_f64();
                let program = program.display().to_string();
                say(&format!("round {round}: {program}, {triggers}: {starts_per_s:.0} starts a second"));
                runs.push(Measured { program, triggers, round, events: settings.events, starts_per_s });
            }
        }
    }
    Ok(runs)
}

async fn one(settings: &Settings, program: &PathBuf, patterns: bool, url: &str) -> Result<Duration, Failure> {
    let orchestrator = Service::start("orchestrator", Command::new(&settings.orchestrator), url).await?;
    let client = Client::connect(url, "sagaline", "load").await?;
    for other in 0..settings.others {
        let kind = if patterns { format!("other{other}.*") } else { format!("other.{other}") };
        client.apply(&plan(&format!("other_{other}"), &json!({ "type": kind }))?, None).await?;
    }
    let asked = match patterns {
        true => json!({ "type": "load.*", "source": "/load/*", "extensions": { "tenant": "acme" } }),
        false => json!({ "type": "load.event" }),
    };
    client.apply(&plan("load", &asked)?, None).await?;
    orchestrator.stop().await?;
    let nats = async_nats::connect(url).await?;
    let jetstream = jetstream::new(nats);
    publish(&jetstream, settings.events).await?;
    // The marks that the orchestrator left there.
    let before = messages(&jetstream).await?;

    let trigger = Service::start("trigger", Command::new(program), url).await?;
    // It began before it was ready: from its first start on it is counted.
    let (mut begun, mut first) = (None, 0);
    let deadline = Instant::now() + DONE_WITHIN;
    loop {
        let now = messages(&jetstream).await?.saturating_sub(before);
        if begun.is_none() && 0 < now {
            (begun, first) = (Some(Instant::now()), now);
        }
        if u64::from(settings.events) <= now {
            break;
        }
        if deadline < Instant::now() {
            return Err(format!("{now} starts of {} events within {DONE_WITHIN:?}", settings.events).into());
        }
        sleep(Duration::from_millis(5)).await;
    }
    let begun = begun.ok_or("nothing began")?;
    let took = begun.elapsed();
    let (counted, all) = (u64::from(settings.events) - first, u64::from(settings.events));
    trigger.stop().await?;
    if counted * 2 < all {
        return Err("most of the events were over before they were counted; give it more of them".into());
    }
    Ok(took.mul_f64(f64::from(settings.events) / f64::from(u32::try_from(counted)?)))
}

fn plan(workflow: &str, event: &Value) -> Result<Plan, Failure> {
    let rules = if event["type"].as_str().is_some_and(|kind| kind.ends_with('*')) { Plan::RULES_OF_STARTS } else { 1 };
    let json = json!({
        "workflow": workflow, "rules": rules, "triggers": [{ "event": event }], "root": { "nodes": [] },
    });
    Ok(serde_json::from_value(json)?)
}

async fn publish(jetstream: &jetstream::Context, events: u32) -> Result<(), Failure> {
    let publishes = stream::iter(0..events).map(|number| async move {
        let mut headers = HeaderMap::new();
        let id = number.to_string();
        for (name, value) in [
            ("ce-specversion", "1.0"),
            ("ce-id", &id),
            ("ce-source", "/load/test"),
            ("ce-type", "load.event"),
            ("ce-tenant", "acme"),
        ] {
            headers.insert(name, value);
        }
        let payload = format!("{{\"number\":{number}}}");
        let sent = jetstream.publish_with_headers("sagaline.events.load.event", headers, payload.into()).await?;
        sent.await?;
        Ok::<(), Failure>(())
    });
    let mut publishes = publishes.buffer_unordered(PUBLISHES_AT_ONCE);
    while let Some(published) = publishes.next().await {
        published?;
    }
    Ok(())
}

/// How many messages the logs hold.
async fn messages(jetstream: &jetstream::Context) -> Result<u64, Failure> {
    let mut messages = 0;
    for partition in 0..2 {
        let log = jetstream.get_stream(format!("RUNS_{partition}")).await?;
        messages += log.cached_info().state.messages;
    }
    Ok(messages)
}
