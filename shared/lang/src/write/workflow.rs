//! The top of a definition.

use std::collections::BTreeMap;

use sagaline_model::{
    Concurrency, Conduct, Dag, DeadLetters, Exchange, Handlers, Name, OnLimit, Plan, SignalRule, Unique, UniqueUntil,
    UpdateRule,
};
use serde_json::Value;

use super::{
    document::{Document, Keys, texts_of},
    retry::retry_in_any_case,
    shared::Shared,
    step::Steps,
    trigger,
};

pub(super) fn document(plan: &Plan, shared: &Shared) -> Document {
    let Plan {
        workflow,
        rules: _,
        note,
        input_schema,
        triggers,
        timeout,
        tags,
        root: Dag { nodes },
        output,
        handlers,
        conduct,
        exchange,
        concurrency,
        unique,
        config: _,
    } = plan;
    let Conduct { step_concurrency, timeout: computed_timeout, deadline, metadata, retry_workflow, dead_letter } =
        conduct;
    let Handlers { on_success, on_failure, on_cancel, on_step_error } = handlers;
    let steps = Steps { policy: shared.policy(), timeout: shared.timeout.as_deref() };
    let mut keys = Keys::default();
    keys.text("workflow", workflow);
    keys.maybe_text("version_note", note.as_ref());
    if !tags.is_empty() {
        keys.put("tags", texts_of(tags));
    }
    keys.value("metadata", metadata);
    keys.maybe("on", trigger::triggers(triggers));
    keys.maybe("input_schema", input_schema.as_ref());
    keys.maybe_text("timeout", timeout.map(|span| span.to_string()).or_else(|| computed_timeout.clone()));
    keys.maybe_text("deadline", deadline.as_ref());
    keys.maybe("step_concurrency", step_concurrency.as_deref().map(count));
    keys.maybe_text("step_timeout", shared.timeout.as_ref());
    keys.maybe("retry", shared.retry.as_ref().map(retry_in_any_case));
    keys.maybe("retry_workflow", retry_workflow.as_ref().map(retry_in_any_case));
    keys.maybe("dead_letter", dead_letter.as_ref().map(dead_letters));
    keys.maybe("concurrency", concurrency.as_ref().map(places));
    keys.maybe("unique", unique.as_ref().map(one_at_a_time));
    exchanged(&mut keys, exchange);
    keys.put("steps", steps.all(nodes));
    keys.maybe("output", output.as_ref());
    let handler = |node: &sagaline_model::Node| steps.node(node);
    keys.maybe("on_success", on_success.as_deref().map(handler));
    keys.maybe("on_failure", on_failure.as_deref().map(handler));
    keys.maybe("on_cancel", on_cancel.as_deref().map(handler));
    keys.maybe("on_step_error", on_step_error.as_deref().map(handler));
    keys.map()
}

/// A number, or `${…}` that gives one.
pub(super) fn count(text: &str) -> Document {
    text.parse::<u32>().map_or_else(|_| Document::text(text), Document::from)
}

fn dead_letters(DeadLetters { ttl }: &DeadLetters) -> Document {
    if *ttl == DeadLetters::TTL {
        return true.into();
    }
    let mut keys = Keys::default();
    keys.text("ttl", ttl);
    keys.map()
}

fn places(Concurrency { limit, key, on_limit, pool }: &Concurrency) -> Document {
    let mut keys = Keys::default();
    keys.put("limit", *limit);
    keys.maybe_text("key", key.as_ref());
    match on_limit {
        OnLimit::Queue => {}
        OnLimit::Skip => keys.text("on_limit", "skip"),
        OnLimit::CancelOld => keys.text("on_limit", "cancel_old"),
    }
    keys.maybe_text("pool", pool.as_ref());
    keys.short("limit")
}

fn one_at_a_time(Unique { key, ttl, until }: &Unique) -> Document {
    let mut keys = Keys::default();
    keys.text("key", key);
    keys.text("for", ttl);
    match until {
        UniqueUntil::End => {}
        UniqueUntil::Success => keys.text("until", "success"),
        UniqueUntil::Expiry => keys.text("until", "expiry"),
    }
    keys.map()
}

fn exchanged(keys: &mut Keys, Exchange { signals, queries, updates }: &Exchange) {
    named(keys, "signals", signals, |SignalRule { schema }| {
        let mut keys = Keys::default();
        keys.maybe("schema", schema.as_ref());
        keys.map()
    });
    named(keys, "queries", queries, |value: &Value| Document::from(value));
    named(keys, "updates", updates, |UpdateRule { schema, when, set, result }| {
        let mut keys = Keys::default();
        keys.maybe("schema", schema.as_ref());
        keys.condition("when", when.as_ref());
        keys.value("set", set);
        keys.value("result", result);
        keys.map()
    });
}

fn named<T>(keys: &mut Keys, key: &str, all: &BTreeMap<Name, T>, written: impl Fn(&T) -> Document) {
    if !all.is_empty() {
        keys.put(key, Document::Map(all.iter().map(|(name, one)| (name.to_string(), written(one))).collect()));
    }
}
