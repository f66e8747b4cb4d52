//! `sagaline events tail`: domain and lifecycle events as they are stored.

use sagaline_model::{Moment, Span, StepError};
use sagaline_sdk::client::{TailFilter, TailFrom, Tailed, TailedEvent};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    commands::args,
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    stop::Stop,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline events tail
  sagaline events tail --last 20
  sagaline events tail --filter 'lifecycle.workflow.failed.>' --since 1h
  sagaline events tail --filter 'lifecycle.*.*.*.order-A-1'
  sagaline events tail --filter 'events.order.>' --output json | jq .event.data

Without `--since` or `--last` it shows what happens from now on, until Ctrl-C.
A filter is a NATS subject; the namespace before it may be left out: below
`events` are your own events, below `lifecycle` those of kind, what, workflow
and execution. After a cut it goes on from where it was, and says so.";

/// Show events as they happen: your own, and those of workflows and steps
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only events whose subject matches: `*` is any word, `>` any rest
    #[arg(long, value_name = "SUBJECT")]
    filter: Option<String>,
    /// Begin with those stored since then: a time, or how long ago
    #[arg(long, value_name = "TIME|AGO", value_parser = args::since, conflicts_with = "last")]
    since: Option<Moment>,
    /// Begin with so many of the newest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    last: Option<u32>,
}

/// What of a lifecycle event's data is shown.
#[derive(Debug, Default, Deserialize)]
struct Told {
    #[serde(default)]
    step: String,
    #[serde(default)]
    attempt: u32,
    duration_ms: Option<u64>,
    error: Option<StepError>,
    reason: Option<String>,
    cause: Option<String>,
    trigger: Option<String>,
    #[serde(rename = "for")]
    wait_for: Option<String>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let filter = match &args.filter {
        Some(text) => TailFilter::parse(&context.namespace, text).map_err(|fault| Failure::usage(fault.to_string()))?,
        None => TailFilter::default(),
    };
    let from = match (args.since, args.last) {
        (Some(since), _) => TailFrom::Since(since),
        (None, Some(last)) => TailFrom::Last(last as usize),
        (None, None) => TailFrom::Now,
    };
    let mut stop = Stop::listen()?;
    tokio::select! {
        biased;
        () = stop.asked() => Ok(Exit::Done),
        ended = follow(&filter, from, context) => ended,
    }
}

async fn follow(filter: &TailFilter, from: TailFrom, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let client = context.client().await?;
    let mut tail = client.tail(filter, from).await?;
    output.progress("waiting for events; Ctrl-C ends this");
    loop {
        match tail.next().await {
            Tailed::Event(event) => show(&event, &context.namespace, output)?,
            Tailed::CutOff { stream, why } => {
                output.talk(&format!("cut off from {stream} ({why}); trying again until it is back"));
            }
            Tailed::Back { stream } => output.talk(&format!("{stream} is back; going on from where it was")),
            Tailed::Lost { stream, first, last } => {
                output.talk(&format!("messages {first} to {last} of {stream} were removed before they could be shown"))
            }
            Tailed::Anew { stream } => {
                output.talk(&format!("{stream} was made anew or has lost its end; going on from its beginning"))
            }
        }
    }
}

fn show(tailed: &TailedEvent, namespace: &str, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        let TailedEvent { stream, sequence, time, subject, event } = tailed;
        let event = event.to_json();
        return Ok(output.json(
            &json!({ "stream": stream, "sequence": sequence, "time": time, "subject": subject, "event": event }),
        )?);
    }
    let time = output.paint(Tone::Quiet, &words::time_of_day(tailed.time));
    let rest = tailed.subject.strip_prefix(namespace).unwrap_or(&tailed.subject);
    let tokens: Vec<&str> = rest.split('.').skip(1).collect();
    let line = match tokens.as_slice() {
        ["lifecycle", kind, what, workflow, execution] => lifecycle(tailed, kind, what, workflow, execution, output),
        _ => domain(tailed, output),
    };
    Ok(output.line(format!("{time} {line}").trim_end())?)
}

fn lifecycle(tailed: &TailedEvent, kind: &str, what: &str, workflow: &str, execution: &str, output: &Output) -> String {
    let told: Told = serde_json::from_slice(&tailed.event.data).unwrap_or_default();
    let tone = match what {
        "completed" => Tone::Good,
        "failed" | "timed_out" | "parked" | "start_refused" => Tone::Bad,
        "waiting" => Tone::Busy,
        _ => Tone::Plain,
    };
    let word = format!("{kind} {}", what.replace('_', " "));
    let gap = " ".repeat(19_usize.saturating_sub(word.chars().count()));
    let execution = output.paint(Tone::Strong, &words::short(execution));
    format!("{}{gap} {} {execution} {}", output.paint(tone, &word), words::short(workflow), detail(&told))
}

fn detail(told: &Told) -> String {
    let attempt = if 1 < told.attempt { format!("attempt {}", told.attempt) } else { String::new() };
    let took = told.duration_ms.map_or(String::new(), |millis| words::took(Span::from_millis(millis)));
    let why = told.error.as_ref().map(words::error);
    let said = [&told.reason, &told.cause].into_iter().find_map(Option::as_deref).map(words::short);
    let wait = told.wait_for.as_deref().map(|what| format!("for {}", words::short(what)));
    let by = told.trigger.as_deref().map(|event| format!("by {}", words::short(event)));
    let parts = [Some(words::short(&told.step)), Some(attempt), Some(took), why, said, wait, by];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// An event of somebody else's: what it is, which one, from whom, and what it holds.
fn domain(tailed: &TailedEvent, output: &Output) -> String {
    let event = &tailed.event;
    if event.kind.is_empty() {
        let bytes = event.data.len();
        return format!("{} no CloudEvent, {bytes} bytes", words::short(&tailed.subject));
    }
    let data: Value = serde_json::from_slice(&event.data).unwrap_or(Value::Null);
    let kind = output.paint(Tone::Strong, &format!("{:<19}", words::short(&event.kind)));
    format!("{kind} {} {} {}", words::short(&event.id), words::short(&event.source), words::data(&data))
}
