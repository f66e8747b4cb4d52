//! `sagaline events sources`: where events come from besides `sagaline.events.>`.

use sagaline_lang::read_event_source;
use sagaline_model::{EventSource, Name};
use sagaline_sdk::client::{ConsumerFacts, Served, SourcePlace};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Tone,
    table::Table,
};

const EXAMPLES: &str = "\
Examples:
  sagaline events sources list
  sagaline events sources set shop '{ stream: SHOP, event: { type: sold } }'
  sagaline events sources set till @till.yaml
  sagaline events sources remove shop

A source is a `stream` that is there already, with a `subject` if only some of
its messages count; or a `subject` alone, which is captured in a stream of its
own. A message that is a CloudEvent is taken as it is. Of any other, `event`
makes one: `type`, `source`, `id`, `subject`, `data` and `extensions` may hold
${ message.subject }, .tokens, .headers, .data, .sequence, .time and .stream.
Triggers follow within a second. docs/triggers.md has more.";

/// See and set which streams and subjects events come from
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List them, and how many of their messages wait
    List,
    /// Set one, in place of what had its name
    Set {
        /// Its name
        name: Name,
        /// What it is, in YAML or JSON, or @FILE
        #[arg(value_name = "SOURCE")]
        source: String,
    },
    /// Take no more events from one; what its stream holds stays there
    Remove {
        /// Its name
        name: Name,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List => list(context).await,
        Verb::Set { name, source } => set(&name, &source, context).await,
        Verb::Remove { name } => {
            if context.client().await?.remove_event_source(&name).await? {
                context.output.talk(&format!("triggers take no more events from `{name}`"));
                return Ok(Exit::Done);
            }
            let message = format!("there is no source `{name}`");
            Err(Failure::new(Exit::Failed, message).hint("`sagaline events sources list` shows which there are"))
        }
    }
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let (client, output) = (context.client().await?, &context.output);
    let mut table = Table::new(&["SOURCE", "FROM", "EVENT", "WAITING"]);
    let sources = client.event_sources().await?;
    for (name, source) in &sources {
        let place = client.place_of_source(name, source).await;
        let (why, consumer) = (not_taken(&place), consumer(&place));
        if output.is_json() {
            let (waiting, taken) = (consumer.map(|at| at.waiting), consumer.map(|at| at.held));
            output.json(&json!({ "name": name, "source": source, "waiting": waiting, "taken": taken, "why": why }))?;
            continue;
        }
        let waiting = consumer.map(|at| at.waiting.to_string());
        let (tone, waiting) = match (why, waiting) {
            (None, waiting) => (Tone::Plain, waiting.unwrap_or_default()),
            (Some(why), Some(waiting)) => (Tone::Bad, format!("{waiting}; {why}")),
            (Some(why), None) => (Tone::Bad, why),
        };
        let made = source.event.as_ref().map_or("CloudEvents only", |shape| shape.kind.as_str());
        table.row(vec![
            (Tone::Strong, name.to_string()),
            (Tone::Plain, from(source)),
            (Tone::Plain, made.to_owned()),
            (tone, waiting),
        ]);
    }
    if sources.is_empty() {
        output.talk("events come from `sagaline.events.>` only; `sagaline events sources set` adds others");
    } else {
        table.show(output)?;
    }
    Ok(Exit::Done)
}

/// Why nothing is taken from there, if that is so.
pub(in crate::commands) fn not_taken(place: &SourcePlace) -> Option<String> {
    match place {
        SourcePlace::Own(own) => Some(format!("`{own}` is this installation's own")),
        SourcePlace::NoStream { name, taken_by } if taken_by.is_empty() => Some(format!("there is no stream {name}")),
        SourcePlace::NoStream { taken_by, .. } => Some(format!("stream {} has its subject", taken_by.join(", "))),
        SourcePlace::There { served: Served::Never, .. } => Some("no trigger takes from it".to_owned()),
        SourcePlace::There { served: Served::By(consumer), .. } => {
            consumer.is_deserted().then(|| "no trigger runs".to_owned())
        }
        SourcePlace::There { served: Served::Unknown, .. } => Some("JetStream does not say".to_owned()),
        SourcePlace::Unknown(why) => Some(why.clone()),
    }
}

fn consumer(place: &SourcePlace) -> Option<&ConsumerFacts> {
    match place {
        SourcePlace::There { served: Served::By(consumer), .. } => Some(consumer),
        SourcePlace::There { served: Served::Never | Served::Unknown, .. }
        | SourcePlace::Own(_)
        | SourcePlace::NoStream { .. }
        | SourcePlace::Unknown(_) => None,
    }
}

async fn set(name: &Name, given: &str, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let (text, file) = files::text("SOURCE", given)?;
    let source = match read_event_source(&text, &file) {
        Ok((source, warnings)) => {
            files::tell(output, &warnings, &text)?;
            source
        }
        Err(faults) => {
            files::tell(output, &faults.0, &text)?;
            return Err(Failure::silent(Exit::BadData));
        }
    };
    let client = context.client().await?;
    if let Some(own) = client.own_of_source(&source) {
        let message = format!("`{own}` is this installation's own, and what is read there would go round");
        return Err(Failure::new(Exit::BadData, message).hint("name a stream or subject of somebody else's"));
    }
    let place = client.place_of_source(name, &source).await;
    if let (SourcePlace::NoStream { taken_by, .. }, Some(subject)) = (&place, &source.subject)
        && let Some(taken_by) = taken_by.first()
    {
        let message = format!("`{subject}`, or some of it, is stored in the stream `{taken_by}` already");
        let hint = format!("a subject is in one stream: map that in, with `stream: {taken_by}` beside the `subject`");
        return Err(Failure::new(Exit::Failed, message).hint(hint));
    }
    client.set_event_source(name, &source).await?;
    match place {
        SourcePlace::NoStream { name, .. } if source.stream.is_some() => {
            output.talk(&format!("set; there is no stream `{name}`: triggers take events from it once there is"));
        }
        SourcePlace::Own(_) | SourcePlace::NoStream { .. } | SourcePlace::There { .. } | SourcePlace::Unknown(_) => {
            output.talk(&format!("set; triggers take events from {} within a second", from(&source)));
        }
    }
    if output.is_json() {
        output.json(&json!({ "name": name, "source": source }))?;
    }
    Ok(Exit::Done)
}

fn from(source: &EventSource) -> String {
    match (&source.stream, &source.subject) {
        (Some(stream), Some(subject)) => format!("stream {stream}, {subject}"),
        (Some(stream), None) => format!("stream {stream}"),
        (None, subject) => format!("subject {}", subject.as_deref().unwrap_or_default()),
    }
}
