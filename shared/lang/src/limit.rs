//! What a definition asks of that which executions share: how many run at once, and the breakers of steps.

use std::rc::Rc;

use sagaline_model::{Breaker, BreakerRule, Concurrency, OnLimit, WhenOpen};

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    tree::{Content, Entry, Node, get},
    words,
};

/// `concurrency: 5`, or a map.
pub(crate) fn concurrency(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>) -> Option<Concurrency> {
    const HINT: &str = "it counts the executions that are at work at once";
    if let Content::Plain(..) = &node.content {
        let limit = reader.count(node, "concurrency", HINT)?;
        return Some(Concurrency { limit, key: None, on_limit: OnLimit::Queue, pool: None });
    }
    let Content::Map(entries) = &node.content else {
        reader
            .wrong_kind(node, "concurrency", "a number or a map")
            .hint("for example `concurrency: 5`, or `concurrency: { limit: 1, key: \"${ workflow.input.tenant }\" }`");
        return None;
    };
    reader.keys(entries, "`concurrency`", words::CONCURRENCY);
    let key = get(entries, "key").and_then(|entry| {
        let text = reader.text(&entry.value, "key")?;
        expression::template(reader, outline, &entry.value, Scope::Whole);
        if !text.value.contains("${") {
            let hint = "without a `key`, all executions of the workflow are counted together";
            reader.warning(entry.value.place, "this `key` is the same for every execution").hint(hint);
        }
        Some(text.value.clone())
    });
    let on_limit = get(entries, "on_limit")
        .and_then(|entry| reader.choice(&entry.value, "on_limit", &["queue", "skip", "cancel_old"]));
    let on_limit = match on_limit {
        Some("skip") => OnLimit::Skip,
        Some("cancel_old") => OnLimit::CancelOld,
        _ => OnLimit::Queue,
    };
    let pool = get(entries, "pool").and_then(|entry| reader.name(&entry.value, "pool"));
    let Some(limit) = get(entries, "limit") else {
        reader.error(node.place, "the `concurrency` has no `limit`").hint("for example `concurrency: { limit: 5 }`");
        return None;
    };
    Some(Concurrency { limit: reader.count(&limit.value, "limit", HINT)?, key, on_limit, pool })
}

/// `breaker: payments`, or a map.
pub(crate) fn breaker(reader: &mut Reader, node: &Rc<Node>) -> Option<Breaker> {
    if let Content::Text(_) = &node.content {
        let name = reader.name(node, "breaker")?;
        return Some(Breaker { name, rule: BreakerRule::default(), when_open: WhenOpen::Delay });
    }
    let entries = reader.map(node, "breaker")?;
    reader.keys(entries, "`breaker`", words::BREAKER);
    let mut rule = BreakerRule::default();
    if let Some(threshold) = count(reader, entries, "threshold", "it counts the failures after which it opens") {
        rule.threshold = threshold;
    }
    if let Some(probes) = count(reader, entries, "probes", "it counts the attempts that try whether it may close") {
        rule.probes = probes;
    }
    rule.window = get(entries, "window").and_then(|entry| reader.positive_span(&entry.value, "window"));
    if let Some(reset) = get(entries, "reset").and_then(|entry| reader.positive_span(&entry.value, "reset")) {
        rule.reset = reset;
    }
    let when_open =
        get(entries, "when_open").and_then(|entry| reader.choice(&entry.value, "when_open", &["delay", "fail"]));
    let when_open = if when_open == Some("fail") { WhenOpen::Fail } else { WhenOpen::Delay };
    let Some(name) = get(entries, "name") else {
        let hint = "steps whose breakers have the same name share one: `breaker: { name: payments }`";
        reader.error(node.place, "the `breaker` has no `name`").hint(hint);
        return None;
    };
    Some(Breaker { name: reader.name(&name.value, "name")?, rule, when_open })
}

fn count(reader: &mut Reader, entries: &[Entry], key: &str, hint: &str) -> Option<u32> {
    get(entries, key).and_then(|entry| reader.count(&entry.value, key, hint))
}
