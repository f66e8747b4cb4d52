//! An execution as it goes: one line for each step that is done, and one for the end.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use sagaline_events::record::ExecutionView;
use sagaline_model::{ExecutionId, Moment, Span, StepError};
use sagaline_sdk::client::{Client, Error, LifecycleEvent, LifecycleFilter, Subscription, SubscriptionSettings};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use crate::{
    differences,
    failure::Failure,
    output::{Output, Tone},
    words,
};

/// The events of one execution: a person reads along, so few wait.
const BUFFER: usize = 1000;
/// Events arrive before the answer that says that it is over; they only need to be handed on here.
const LAST_EVENT_WITHIN: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// After a takeover the events of the last seconds are told again: of so many of the last it is known that they were shown.
const REMEMBERED: usize = 4096;

/// Hears what happens to one execution, from before it starts.
pub(crate) struct Live {
    execution: ExecutionId,
    events: mpsc::Receiver<LifecycleEvent>,
    subscription: Subscription,
    shown: Shown,
}

/// The ids of the events that were shown last.
#[derive(Default)]
struct Shown {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Shown {
    /// Whether this is the first time.
    fn is_new(&mut self, id: &str) -> bool {
        // Without an id nothing can be told from anything.
        if id.is_empty() {
            return true;
        }
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if REMEMBERED < self.order.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// What lifecycle events tell that is shown.
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
    #[serde(default)]
    will_retry: bool,
    next_at: Option<Moment>,
    #[serde(rename = "for")]
    wait_for: Option<String>,
    until: Option<Moment>,
    steps: Option<usize>,
    by: Option<String>,
    why: Option<String>,
    fraction: Option<f64>,
    message: Option<String>,
    worker: Option<String>,
}

/// The events after which nothing comes; and `parked`, after which somebody has to come.
const ENDS: [&str; 7] = ["completed", "failed", "cancelled", "timed_out", "rolled_back", "start_refused", "parked"];
/// Of a job. One that could not be begun tells so as a workflow.
const JOB_ENDS: [&str; 3] = ["completed", "dead", "cancelled"];

impl Live {
    pub(crate) async fn listen(client: &Client, execution: &ExecutionId) -> Result<Self, Failure> {
        let filter = LifecycleFilter { execution: Some(execution.to_string()), ..LifecycleFilter::default() };
        let (sender, events) = mpsc::channel(BUFFER);
        let hand_on = move |event| {
            let sender = sender.clone();
            // Closed: nobody looks any more.
            async move { sender.send(event).await.unwrap_or_default() }
        };
        let settings = SubscriptionSettings { workers: 1, buffer: BUFFER };
        let subscription = client.subscribe(&filter, settings, hand_on).await?;
        Ok(Self { execution: execution.clone(), events, subscription, shown: Shown::default() })
    }

    /// Shows what comes until the execution is over. It may take `appears_within` to start.
    pub(crate) async fn show_to_the_end(
        mut self,
        client: &Client,
        appears_within: Duration,
        output: &Output,
    ) -> Result<ExecutionView, Failure> {
        let end = end(client, &self.execution, appears_within);
        tokio::pin!(end);
        let mut ended = false;
        let view = loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => ended |= self.shown.is_new(&event.id) && show(&event, output)?,
                view = &mut end => break view?,
            }
        };
        while !ended {
            match timeout(LAST_EVENT_WITHIN, self.events.recv()).await {
                Ok(Some(event)) => ended |= self.shown.is_new(&event.id) && show(&event, output)?,
                // Missed, or over before we began to listen: then the view is all there is.
                Ok(None) | Err(_) => {
                    show_view(&view, output)?;
                    ended = true;
                }
            }
        }
        let lag = self.subscription.lag();
        if 0 < lag.dropped + lag.gaps {
            output.talk("not everything was heard: `sagaline history` has all of it");
        }
        Ok(view)
    }
}

async fn end(client: &Client, execution: &ExecutionId, appears_within: Duration) -> Result<ExecutionView, Error> {
    let deadline = Instant::now() + appears_within;
    loop {
        match client.wait(execution).await {
            Err(Error::NotFound(_)) if Instant::now() < deadline => sleep(LOOK_AGAIN).await,
            other => return other,
        }
    }
}

/// Shows one event; whether it was the last.
fn show(event: &LifecycleEvent, output: &Output) -> Result<bool, Failure> {
    let ends = match event.kind.as_str() {
        "workflow" => ENDS.contains(&event.what.as_str()),
        "job" => JOB_ENDS.contains(&event.what.as_str()),
        _ => false,
    };
    if output.is_json() {
        let mut data: Value = event.read().unwrap_or(Value::Null);
        data["type"] = json!(format!("sagaline.{}.{}.v1", event.kind, event.what));
        output.json(&data)?;
        return Ok(ends);
    }
    let told: Told = event.read().unwrap_or_default();
    let line = match event.kind.as_str() {
        "workflow" => Some(workflow_line(event, &told, output)),
        "step" if event.what == "differed" => Some(differences::line(event, output)),
        "step" => step_line(&event.what, &told, output),
        "job" => Some(job_line(event, &told, output)),
        "saga" => saga_line(&event.what, &told, output),
        _ => None,
    };
    if let Some(line) = line {
        output.line(&line)?;
    }
    Ok(ends)
}

fn workflow_line(event: &LifecycleEvent, told: &Told, output: &Output) -> String {
    let execution = output.paint(Tone::Strong, &event.execution);
    let took =
        told.duration_ms.map_or(String::new(), |millis| format!(" in {}", words::took(Span::from_millis(millis))));
    let (word, tone) = match event.what.as_str() {
        "started" => {
            let by = told.trigger.as_ref().map_or(String::new(), |event| format!(" by {}", words::short(event)));
            return format!("{execution} started{by}");
        }
        "completed" => ("✓ completed", Tone::Good),
        "failed" => ("✗ failed", Tone::Bad),
        "timed_out" => ("✗ timed out", Tone::Bad),
        "cancelled" => ("- cancelled", Tone::Quiet),
        "cancelling" => ("… is being cancelled", Tone::Busy),
        "start_refused" => ("✗ refused", Tone::Bad),
        "rolled_back" => ("↩ rolled back", Tone::Quiet),
        "stuck" => ("✗ is stuck", Tone::Bad),
        other => (other, Tone::Bad),
    };
    let why = told.error.as_ref().map(words::error);
    let why = why.or_else(|| told.reason.as_deref().or(told.cause.as_deref()).map(words::short));
    let step = if told.step.is_empty() { String::new() } else { format!("step {}: ", told.step) };
    let why = why.map_or(String::new(), |why| format!(": {step}{why}"));
    let help = if event.what == "stuck" {
        format!("; `sagaline sagas get {}` shows it", event.execution)
    } else {
        String::new()
    };
    format!("{execution} {}{took}{why}{help}", output.paint(tone, word))
}

/// A line for each thing that happens to a job: it has no steps that would tell.
fn job_line(event: &LifecycleEvent, told: &Told, output: &Output) -> String {
    let job = output.paint(Tone::Strong, &event.execution);
    let error = told.error.as_ref().map_or(String::new(), |error| format!(": {}", words::error(error)));
    let at = |time: Option<Moment>| time.map_or(String::new(), |at| format!(" at {}", words::exact_time(at)));
    let took =
        told.duration_ms.map_or(String::new(), |millis| format!(" in {}", words::took(Span::from_millis(millis))));
    let attempt = if 1 < told.attempt { format!(" (attempt {})", told.attempt) } else { String::new() };
    let (tone, word, rest) = match event.what.as_str() {
        "scheduled" => (Tone::Busy, "… is put into its queue", at(told.until)),
        "enqueued" => (Tone::Busy, "… is in its queue", attempt),
        "started" => {
            let worker = told.worker.as_deref().map_or(String::new(), |worker| format!(" by {}", words::short(worker)));
            (Tone::Busy, "… is begun", format!("{worker}{attempt}"))
        }
        "completed" => (Tone::Good, "✓ completed", format!("{took}{attempt}")),
        "failed" if told.will_retry => {
            (Tone::Bad, "✗ failed", format!("{attempt}{error}; tried again{}", at(told.next_at)))
        }
        "failed" => (Tone::Bad, "✗ failed", format!("{attempt}{error}")),
        "dead" => (Tone::Bad, "✗ is dead", format!("{took}{error}; `sagaline jobs retry` does it anew")),
        "cancelled" => {
            let why = told.reason.as_deref().map_or(String::new(), |why| format!(": {}", words::short(why)));
            (Tone::Quiet, "- cancelled", format!("{took}{why}"))
        }
        other => (Tone::Plain, other, String::new()),
    };
    format!("{job} {}{rest}", output.paint(tone, word))
}

/// A line for what a saga has come to. How the execution ends is said by the execution.
fn saga_line(what: &str, told: &Told, output: &Output) -> Option<String> {
    let by = told.by.as_deref().map(|by| format!("by {}", words::short(by)));
    let why = told.why.as_deref().or(told.reason.as_deref()).map(words::short);
    // Who, and why, as far as that is known.
    let known = by.into_iter().chain(why).collect::<Vec<_>>().join(": ");
    let error = told.error.as_ref().map(words::error).unwrap_or_default();
    let (sign, tone, word, detail) = match what {
        "started" => {
            let steps = told.steps.unwrap_or_default();
            let line = format!("undoing {steps} step{}", if steps == 1 { "" } else { "s" });
            return Some(format!("  {} {line}", output.paint(Tone::Busy, "↩")));
        }
        "step_compensated" => ("↩", Tone::Good, "compensated", String::new()),
        "step_skipped" => ("-", Tone::Quiet, "left as it is", known),
        "stuck" => ("✗", Tone::Bad, "cannot be undone", error),
        "retried" => ("…", Tone::Busy, "tried again", known),
        "resolved" => return Some(format!("  {} resolved {known}", output.paint(Tone::Quiet, "-"))),
        _ => return None,
    };
    let mut line = format!("  {} {:<14} {word}", output.paint(tone, sign), told.step);
    if 1 < told.attempt {
        line.push_str(&format!(" (attempt {})", told.attempt));
    }
    if !detail.is_empty() {
        line.push_str(&format!("  {detail}"));
    }
    Some(line)
}

/// A line for what a step has come to; none for its way there.
fn step_line(what: &str, told: &Told, output: &Output) -> Option<String> {
    let error = told.error.as_ref().map(words::error).unwrap_or_default();
    let (sign, tone, detail) = match what {
        "completed" => ("✓", Tone::Good, String::new()),
        "failed" | "timed_out" => ("✗", Tone::Bad, error),
        "skipped" => ("-", Tone::Quiet, told.reason.as_deref().map(words::short).unwrap_or_default()),
        "cancelled" => ("-", Tone::Quiet, String::new()),
        "waiting" => {
            let until = told.until.map_or(String::new(), |until| format!(" until {}", words::time(until)));
            let what = told.wait_for.as_deref().map(words::short).unwrap_or_default();
            ("…", Tone::Busy, format!("for {what}{until}"))
        }
        "progress" => ("…", Tone::Busy, words::progress(told.fraction, told.message.as_deref())),
        _ => return None,
    };
    let took = told.duration_ms.map_or(String::new(), |millis| words::took(Span::from_millis(millis)));
    let mut line = format!("  {} {:<14} {:<10} {took:<8}", output.paint(tone, sign), told.step, what.replace('_', " "));
    line.push_str(&detail);
    if told.will_retry {
        let next = told.next_at.map_or(String::new(), |at| format!(" at {}", words::exact_time(at)));
        line.push_str(&format!(" (attempt {}; tried again{next})", told.attempt));
    }
    line.truncate(line.trim_end().len());
    Some(line)
}

fn show_view(view: &ExecutionView, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.json(view)?);
    }
    for line in crate::view::lines(view, output) {
        output.line(&line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_is_told_line_by_line() {
        let output = Output::new(crate::output::Format::Text);
        let said = |what: &str, data: Value| {
            let told: Told = serde_json::from_value(data).expect("what is told");
            saga_line(what, &told, &output)
        };
        let lines = [
            said("started", json!({"steps": 1})),
            said("step_compensated", json!({"step": "reserve", "attempt": 3})),
            said("step_skipped", json!({"step": "notify", "reason": "counted by hand", "by": "ann"})),
            said("step_skipped", json!({"step": "mail", "reason": "it may be"})),
            said("stuck", json!({"step": "pay", "error": {"type": "Busy", "message": "try later"}})),
            said("retried", json!({"step": "pay", "by": "ann", "why": "it answers again"})),
            said("resolved", json!({"by": "ann", "why": "refunded by hand"})),
        ];
        let expected = [
            "  ↩ undoing 1 step",
            "  ↩ reserve        compensated (attempt 3)",
            "  - notify         left as it is  by ann: counted by hand",
            "  - mail           left as it is  it may be",
            "  ✗ pay            cannot be undone  Busy: try later",
            "  … pay            tried again  by ann: it answers again",
            "  - resolved by ann: refunded by hand",
        ];
        assert_eq!(lines.map(Option::unwrap_or_default), expected);
        assert_eq!(said("completed", json!({"steps": 1})), None, "how it ends is said by the execution");
    }

    #[test]
    fn what_is_told_again_is_shown_once() {
        let mut shown = Shown::default();
        assert!(shown.is_new("o-1-7-0") && !shown.is_new("o-1-7-0"));
        assert!(shown.is_new("") && shown.is_new(""));
        for number in 0..=REMEMBERED {
            assert!(shown.is_new(&number.to_string()));
        }
        assert!(shown.ids.len() == REMEMBERED && shown.is_new("o-1-7-0"), "the oldest is forgotten");
    }
}
