//! A schedule, for people.

use sagaline_events::{ScheduleView, schedule_view::NoRoom};
use sagaline_model::{Overlap, ScheduleSpec, When};

use crate::{
    failure::Failure,
    output::{Output, Tone},
    words,
};

pub(in crate::commands) fn show(view: &ScheduleView, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.json(view)?);
    }
    for (tone, what, text) in lines(view) {
        output.line(&format!("{what:<11}{}", output.paint(tone, &text)))?;
    }
    Ok(())
}

fn lines(view: &ScheduleView) -> Vec<(Tone, &'static str, String)> {
    let spec = &view.spec;
    let mut lines = vec![(Tone::Strong, "schedule", view.name.to_string())];
    lines.push((Tone::Plain, "starts", started(spec)));
    lines.push((Tone::Plain, "when", when(&spec.when)));
    if spec.overlap != Overlap::Allow {
        lines.push((Tone::Plain, "overlap", overlap(spec.overlap).to_owned()));
    }
    if let Some(version) = view.definition {
        lines.push((Tone::Quiet, "from", format!("the definition of {}, version {version}", spec.workflow)));
    }
    if let Some(paused) = &view.paused {
        let note = paused.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let by = paused.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        lines.push((Tone::Bad, "paused", format!("since {}{by}{note}", words::time(paused.at))));
    }
    if let Some(full) = &view.no_room {
        lines.push((Tone::Bad, "waits", no_room(full)));
    }
    for (place, tick) in view.next.iter().enumerate() {
        lines.push((Tone::Plain, if place == 0 { "next" } else { "" }, words::time(*tick)));
    }
    if view.finished {
        lines.push((Tone::Quiet, "next", "never: it has no tick any more".to_owned()));
    }
    if let Some(last) = &view.last {
        lines.push((Tone::Plain, "last", format!("{} {}", words::time(last.tick), last.execution)));
    }
    for (place, execution) in view.running.iter().enumerate() {
        lines.push((Tone::Busy, if place == 0 { "running" } else { "" }, execution.to_string()));
    }
    if let Some(waiting) = view.waiting {
        lines.push((Tone::Busy, "waiting", words::time(waiting)));
    }
    let left = view.left.map(|left| format!(", {left} left")).unwrap_or_default();
    lines.push((Tone::Quiet, "so far", format!("{} fired, {} skipped{left}", view.fired, view.skipped)));
    lines
}

/// Why no tick starts anything now.
pub(super) fn no_room(NoRoom { stream, percent }: &NoRoom) -> String {
    format!("for room: {stream} is {percent} % full; `sagaline doctor` says what to do")
}

pub(super) fn started(spec: &ScheduleSpec) -> String {
    match (&spec.job, spec.version) {
        (Some(job), _) => format!("job {} in queue {}", job.activity, job.queue),
        (None, Some(version)) => format!("{} version {version}", spec.workflow),
        (None, None) => spec.workflow.to_string(),
    }
}

/// All that names its ticks, in one line.
pub(in crate::commands) fn when(when: &When) -> String {
    let mut parts: Vec<String> = when.cron.iter().map(|cron| format!("`{cron}`")).collect();
    if let Some(zone) = &when.timezone {
        parts.push(format!("in {zone}"));
    }
    parts.extend(when.every.map(|every| format!("every {}", every.period)));
    parts.extend(when.at.iter().map(|at| format!("at {}", words::time(*at))));
    parts.extend(when.after.map(|after| format!("once, {after} after it was made")));
    parts.extend(when.start_at.map(|start| format!("from {}", words::time(start))));
    parts.extend(when.end_at.map(|end| format!("until {}", words::time(end))));
    parts.extend(when.jitter.map(|jitter| format!("up to {jitter} later")));
    parts.join(", ")
}

fn overlap(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Allow => "allow: executions run beside each other",
        Overlap::Skip => "skip: a tick is left out while an execution runs",
        Overlap::QueueOne => "queue_one: one tick waits for the execution that runs",
        Overlap::CancelRunning => "cancel_running: a tick takes the place of the execution that runs",
    }
}
