//! `sagaline doctor`: whether everything that executions need is there and keeps up.
//!
//! It gathers facts, judges them, and shows what it found; it changes nothing.

mod finding;
mod judge;

use std::time::Duration;

use sagaline_broker::nats;
use sagaline_model::{Moment, Span};
use sagaline_sdk::client::{Error, InspectSettings, inspect};

use self::finding::{Finding, Verdict};
use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline doctor
  sagaline doctor --nats-monitor http://127.0.0.1:8222
  sagaline doctor --output json | jq -c 'select(.verdict != \"ok\")'

Each finding is ok, a hint, or not ok with what to do. Exit code 0: nothing is
broken (there may be hints); 1: something is not ok; 69: NATS cannot be reached.
docs/operations.md says more about each finding.";

/// Messages that were rejected within this time are worth a hint.
const RECENT: Span = Span::from_secs(3600);
/// An owner answers within milliseconds, unless it is stuck.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How wide the text may be: a terminal of 80 columns, without what stands before it.
const WIDTH: usize = 80;
const INDENT: usize = 21;

/// Say what is wrong with this installation, if anything, and what to do
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The monitoring addresses of the NATS nodes: only they tell when messages reach the disk
    #[arg(long, env = "SAGALINE_NATS_MONITOR", value_name = "URL", value_delimiter = ',')]
    nats_monitor: Vec<String>,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let connection = nats::connect(context.url(), &context.namespace, "doctor").await.map_err(Error::from)?;
    output.progress("looking at everything");
    let now = words::now();
    let recent_from = Moment::from_nanos(now.as_nanos() - i64::try_from(RECENT.as_nanos()).unwrap_or(i64::MAX));
    let facts = inspect(&connection, &InspectSettings { recent_from, answer_within: ANSWER_WITHIN }).await?;
    let durability = nats::durability(&connection, &args.nats_monitor).await.ok();
    let findings = judge::judge(&facts, durability.as_ref());
    for finding in &findings {
        show(finding, output)?;
    }
    sum_up(&findings, output);
    Ok(if judge::is_well(&findings) { Exit::Done } else { Exit::Failed })
}

fn show(finding: &Finding, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.json(finding)?);
    }
    let (word, tone) = match finding.verdict {
        Verdict::Ok => ("ok", Tone::Good),
        Verdict::Hint => ("hint", Tone::Busy),
        Verdict::NotOk => ("not ok", Tone::Bad),
    };
    let head = format!("{}{:<w$}", output.paint(tone, word), "", w = 8 - word.len());
    let says = finding.thing.as_ref().map_or(finding.says.clone(), |thing| format!("{thing}: {}", finding.says));
    let mut text = words::wrapped(&says, WIDTH - INDENT);
    for (index, line) in text.iter_mut().enumerate() {
        let check = if index == 0 { finding.check } else { "" };
        let head = if index == 0 { head.clone() } else { " ".repeat(8) };
        output.line(&format!("{head}{check:<13}{line}"))?;
    }
    let todo = finding.todo.iter().flat_map(|todo| words::wrapped(todo, WIDTH - INDENT - 3)).enumerate();
    for (index, line) in todo {
        let arrow = if index == 0 { "→" } else { " " };
        output.line(&format!("{:INDENT$}{arrow} {line}", ""))?;
    }
    Ok(())
}

fn sum_up(findings: &[Finding], output: &Output) {
    let number = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (bad, hints) = (number(Verdict::NotOk), number(Verdict::Hint));
    let hints = match hints {
        0 => String::new(),
        1 => "; 1 hint".to_owned(),
        hints => format!("; {hints} hints"),
    };
    match bad {
        0 => output.talk(&format!("nothing is broken{hints}")),
        1 => output.talk(&format!("1 thing is not ok{hints}")),
        bad => output.talk(&format!("{bad} things are not ok{hints}")),
    }
}
