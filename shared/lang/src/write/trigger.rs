//! `on`: what starts executions.

use sagaline_model::{
    Batch, Debounce, EventTrigger, Every, Gather, Moment, Overlap, PlannedSchedule, SignalTrigger, Trigger, When,
};
use serde_json::Value;

use super::document::{Document, Keys};

/// One as it is, several as a list.
pub(super) fn triggers(triggers: &[Trigger]) -> Option<Document> {
    match triggers {
        [] => None,
        [one] => Some(trigger(one)),
        more => Some(Document::List(more.iter().map(trigger).collect())),
    }
}

fn trigger(trigger: &Trigger) -> Document {
    match trigger {
        Trigger::Manual => Document::text("manual"),
        Trigger::Event(trigger) => event(trigger),
        Trigger::Schedule(planned) => schedule(planned),
    }
}

fn event(trigger: &EventTrigger) -> Document {
    let EventTrigger { types, when, input, source, subject, extensions, signal, gather } = trigger;
    let mut keys = Keys::default();
    keys.one_or_more("event", types);
    keys.maybe_text("source", source.as_ref());
    keys.maybe_text("subject", subject.as_ref());
    if !extensions.is_empty() {
        let texts = extensions.iter().map(|(name, value)| (name.clone(), Document::text(value)));
        keys.put("extensions", Document::Map(texts.collect()));
    }
    keys.condition("when", when.as_ref());
    keys.maybe("input", input.as_ref());
    if let Some(signal) = signal {
        let SignalTrigger { name, execution, data } = &**signal;
        keys.text("signal", name);
        keys.text("execution", execution);
        keys.maybe("data", data.as_ref());
    }
    match gather.as_deref() {
        None => {}
        Some(Gather::Debounce(Debounce { quiet, key, max })) => {
            let mut inside = Keys::default();
            inside.text("for", quiet);
            inside.maybe_text("key", key.as_ref());
            inside.maybe_text("max", max.as_ref());
            keys.put("debounce", inside.map());
        }
        Some(Gather::Batch(Batch { size, within, key })) => {
            let mut inside = Keys::default();
            inside.put("size", *size);
            inside.text("for", within);
            inside.maybe_text("key", key.as_ref());
            keys.put("batch", inside.map());
        }
    }
    keys.map()
}

fn schedule(planned: &PlannedSchedule) -> Document {
    let PlannedSchedule { when, input, overlap, catch_up, limit } = planned;
    let When { cron, every, at, after, start_at, end_at, timezone, jitter } = when;
    let mut keys = Keys::default();
    keys.one_or_more("cron", cron);
    if let Some(Every { period, anchor, offset }) = every {
        let mut inside = Keys::default();
        inside.text("period", period);
        inside.maybe_text("anchor", anchor.map(moment));
        inside.maybe_text("offset", offset.as_ref());
        keys.put("every", inside.short("period"));
    }
    let moments: Vec<String> = at.iter().copied().map(moment).collect();
    keys.one_or_more("at", &moments);
    keys.maybe_text("in", after.as_ref());
    keys.maybe_text("start_at", start_at.map(moment));
    keys.maybe_text("end_at", end_at.map(moment));
    keys.maybe_text("timezone", timezone.as_ref());
    keys.maybe_text("jitter", jitter.as_ref());
    match overlap {
        Overlap::Allow => {}
        Overlap::Skip => keys.text("overlap", "skip"),
        Overlap::QueueOne => keys.text("overlap", "queue_one"),
        Overlap::CancelRunning => keys.text("overlap", "cancel_running"),
    }
    keys.maybe_text("catch_up", catch_up.as_ref());
    keys.maybe("limit", limit.map(|limit| Document::Plain(Value::from(limit))));
    keys.value("input", input);
    keys.map()
}

/// To the second, unless there is more to it.
fn moment(moment: Moment) -> String {
    let text = moment.to_string();
    let Some(digits) = text.strip_suffix('Z').filter(|text| text.contains('.')) else { return text };
    format!("{}Z", digits.trim_end_matches('0').trim_end_matches('.'))
}
