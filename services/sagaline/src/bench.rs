//! Measuring the services that run: apply a workflow, load them with it, account for every execution, look for repeated steps.

mod ears;
mod load;
mod plan;
mod repeats;
mod tally;

use std::path::PathBuf;

use sagaline_events::Start;
use sagaline_sdk::client::Client;
use serde_json::json;

use self::{
    load::{Load, Loaded},
    repeats::Repeats,
};
use crate::{
    context::Context,
    failure::{Exit, Failure},
};

pub(crate) struct Settings {
    pub(crate) workflows: usize,
    /// Without it, as many as the rate takes.
    pub(crate) concurrency: Option<usize>,
    pub(crate) rate: Option<f64>,
    pub(crate) steps: u32,
    pub(crate) step_ms: u32,
    pub(crate) payload: usize,
    pub(crate) witness: Vec<PathBuf>,
    /// Whether every step could be undone.
    pub(crate) compensable: bool,
    /// Jobs instead of executions of a workflow.
    pub(crate) jobs: bool,
}

pub(crate) async fn run(settings: Settings, context: &Context) -> Result<Exit, Failure> {
    let client = Client::connect(context.url(), &context.namespace, "bench").await?;
    let start = match settings.jobs {
        true => plan::job(&settings)?,
        false => {
            let (plan, source) = plan::plan(&settings)?;
            let applied = client.apply(&plan, Some(&source)).await?;
            Start { version: Some(applied.version), ..Start::of(applied.workflow) }
        }
    };
    let mut heads = vec![];
    for partition in 0..client.partitions() {
        heads.push(client.log_head(partition).await?);
    }
    let loaded = Load::prepare(&settings, &client, start, context).await?.run().await?;
    context.output.progress("looking for repeated steps");
    let repeats = Repeats::find(&settings, &client, &heads, &loaded.prefix).await?;
    report(&settings, &loaded, &repeats, context)
}

fn report(settings: &Settings, loaded: &Loaded, repeats: &Repeats, context: &Context) -> Result<Exit, Failure> {
    let (tally, seconds) = (&loaded.tally, loaded.seconds.max(1e-9));
    let counts = tally.counts();
    let per_second = counts.completed as f64 / seconds;
    let [p50, p95, p99] = tally.percentiles([50, 95, 99]);
    context.output.json(&json!({
        "workflows": settings.workflows,
        "concurrency": settings.concurrency,
        "rate": settings.rate,
        "steps": settings.steps,
        "step_ms": settings.step_ms,
        "jobs": settings.jobs,
        "payload": settings.payload,
        "seconds": rounded(seconds),
        "workflows_per_s": rounded(per_second),
        "steps_per_s": rounded(per_second * f64::from(settings.steps)),
        "p50_us": p50,
        "p95_us": p95,
        "p99_us": p99,
        "completed": counts.completed,
        "failed": counts.failed,
        "lost": counts.lost,
        "unfinished": counts.unfinished,
        "unacknowledged": counts.unacknowledged,
        "not_heard_of": loaded.found_by_asking,
        "repeated_steps": repeats.count,
        "repeated_steps_from": repeats.from,
        "results_stored_twice": repeats.stored_twice,
        "steps_begun": repeats.begun,
    }))?;
    if let Some(why) = &loaded.refusal {
        context.output.talk(&format!("some starts were refused at first; the last time: {why}"));
    }
    let proven = repeats.from == "witness";
    let word = if proven { "repeated" } else { "perhaps repeated, perhaps only its result was stored again" };
    for example in &repeats.examples {
        context.output.talk(&format!("{word}: {example}"));
    }
    let clean = counts.completed == settings.workflows && (repeats.count == 0 || !proven);
    Ok(if clean { Exit::Done } else { Exit::Failed })
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
