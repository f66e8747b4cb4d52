//! `sagaline rejected`: messages that were set aside because they cannot be read or may not be applied.

use sagaline_model::Moment;
use sagaline_sdk::client::{Rejected, RejectedFilter};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    table::Table,
    words,
};

const LIST_EXAMPLES: &str = "\
Examples:
  sagaline rejected list
  sagaline rejected list --reason bad_input --since 1h
  sagaline rejected list --output json | jq -r .detail

The newest come first. Nothing waits for a rejected message: correct what sends
such messages, and send again. They are kept for thirty days.";

const GET_EXAMPLES: &str = "\
Examples:
  sagaline rejected get 7
  sagaline rejected get 7 --raw > message.bin     the bytes as they came

The number is the first column of `sagaline rejected list`. Bytes that are no
text are shown in hexadecimal.";

/// Look at messages that could not be read or applied
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(List),
    Get(Get),
}

/// List rejected messages, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {
    /// Only those with this reason, a word such as bad_input
    #[arg(long, value_name = "WORD", value_parser = reason)]
    reason: Option<String>,
    /// Only those set aside since then: a time, or how long ago
    #[arg(long, value_name = "TIME|AGO", value_parser = super::args::since)]
    since: Option<Moment>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Show one: why, where it came from, and what it holds
#[derive(Debug, clap::Args)]
#[command(after_help = GET_EXAMPLES)]
struct Get {
    /// Its number in the stream REJECTED
    #[arg(value_name = "SEQ")]
    sequence: u64,
    /// Write its bytes as they came, and nothing else
    #[arg(long)]
    raw: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List(args) => list(args, context).await,
        Verb::Get(args) => get(&args, context).await,
    }
}

async fn list(args: List, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let filter = RejectedFilter { reason: args.reason, since: args.since, limit: args.limit as usize };
    let (rejected, more) = context.client().await?.rejected(&filter).await?;
    let mut table = Table::new(&["SEQ", "REJECTED AT", "REASON", "FROM", "SUBJECT"]);
    for message in &rejected {
        if output.is_json() {
            output.json(&with_data(message))?;
            continue;
        }
        table.row(vec![
            (Tone::Strong, message.sequence.to_string()),
            (Tone::Quiet, words::time(message.time)),
            (Tone::Bad, words::short(&message.reason)),
            (Tone::Plain, from(message)),
            (Tone::Plain, words::cut(message.subject.as_deref().unwrap_or("?"), SUBJECT_MAX)),
        ]);
    }
    if rejected.is_empty() {
        output.talk("no such message was rejected");
    } else {
        table.show(output)?;
    }
    if more {
        output.talk("there are more: raise `--limit`");
    }
    Ok(Exit::Done)
}

/// What is longer would break the rows of most terminals; `get` shows the whole.
const SUBJECT_MAX: usize = 40;

async fn get(args: &Get, context: &Context) -> Result<Exit, Failure> {
    let (sequence, output) = (args.sequence, &context.output);
    let found = context.client().await?.rejected_at(sequence).await?;
    let Some(message) = found else {
        let failure = Failure::new(Exit::Failed, format!("there is no rejected message {sequence}"));
        return Err(failure.hint("`sagaline rejected list` shows which there are; they are kept for thirty days"));
    };
    if args.raw {
        output.bytes(&message.payload)?;
    } else if output.is_json() {
        output.json(&with_data(&message))?;
    } else {
        show(&message, output)?;
    }
    Ok(Exit::Done)
}

fn show(message: &Rejected, output: &Output) -> Result<(), Failure> {
    output.line(&format!("rejected: {} ({})", message.sequence, words::exact_time(message.time)))?;
    output.line(&format!("reason: {}", output.paint(Tone::Bad, &words::short(&message.reason))))?;
    output.line(&format!("detail: {}", words::one_line(&message.detail)))?;
    output.line(&format!("from: {}", from(message)))?;
    if let Some(subject) = &message.subject {
        output.line(&format!("subject: {}", words::one_line(subject)))?;
    }
    for (name, value) in message.headers.as_ref().and_then(Value::as_object).into_iter().flatten() {
        output.line(&format!("header {}: {}", words::short(name), words::data(value)))?;
    }
    let size = message.payload.len();
    let cut = message.truncated_from.map_or(String::new(), |whole| format!(", the first of {whole}"));
    output.line(&format!("payload: {size} bytes{cut}"))?;
    for line in words::payload(&message.payload).lines() {
        output.line(&format!("  {line}"))?;
    }
    Ok(())
}

/// Where it was: a place in a stream, or at least the stream.
fn from(message: &Rejected) -> String {
    let sequence = message.from_sequence.map_or(String::new(), |sequence| format!(" {sequence}"));
    let stream = message.from_stream.as_deref().unwrap_or("a queue, entry");
    if message.from_stream.is_none() && message.from_sequence.is_none() {
        return "?".to_owned();
    }
    words::short(&format!("{stream}{sequence}"))
}

/// For programs: the payload as text if it is text, and in hexadecimal otherwise.
fn with_data(message: &Rejected) -> Value {
    let mut value = json!(message);
    match str::from_utf8(&message.payload) {
        Ok(text) => value["text"] = json!(text),
        Err(_) => value["hex"] = json!(words::hex(&message.payload)),
    }
    value
}

/// It becomes a token of a subject.
fn reason(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    fits.then(|| text.to_owned()).ok_or_else(|| "a reason is one word, such as bad_input".to_owned())
}
