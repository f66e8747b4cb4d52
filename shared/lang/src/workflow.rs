//! The top of a definition: everything but its steps.

use std::rc::Rc;

use sagaline_model::{Concurrency, Defaults, Handlers, Kind, Node as Planned, Plan, StepDefaults, Trigger};

use crate::{
    conduct, exchange, expression, gate, limit,
    outline::{Outline, Part, Scope},
    reader::Reader,
    retry::Retry,
    schema,
    source::Place,
    step,
    tree::{Content, Entry, Node, get},
    trigger, words,
};

/// With the number of a schedule and a tick behind it, this is still the id of an execution.
const LONGEST_SCHEDULED: usize = 60;

/// Reads a document. `None`: it has faults, which are noted.
pub(crate) fn read(
    reader: &mut Reader,
    outline: &mut Outline,
    document: &Rc<Node>,
    of_installation: &Defaults,
) -> Option<Plan> {
    let Content::Map(entries) = &document.content else {
        let message = format!("a definition is a map, not {}", document.described());
        reader.error(document.place, message).hint("start with `workflow: some_name` and `steps:`");
        return None;
    };
    reader.keys(entries, "the workflow", words::WORKFLOW);
    let workflow = required(reader, entries, document, "workflow", "give it a name: `workflow: order_fulfillment`")
        .and_then(|node| reader.name(node, "workflow"));
    let note = optional(entries, "version_note").and_then(|node| reader.text(node, "version_note"));
    let input_schema = optional(entries, "input_schema").and_then(|node| schema::read(reader, node));
    let triggers = optional(entries, "on").map_or(vec![], |node| trigger::read(reader, outline, node));
    let has_schedule = triggers.iter().any(|trigger| matches!(trigger, Trigger::Schedule(_)));
    if let Some((node, name)) = optional(entries, "workflow").zip(workflow.as_ref())
        && has_schedule
        && LONGEST_SCHEDULED < name.as_str().len()
    {
        let message = format!("a workflow with a schedule has a name of at most {LONGEST_SCHEDULED} characters");
        reader.error(node.place, message).hint("its executions are called after it and the time");
    }
    let (mut timeout, conduct) = conduct::read(reader, outline, entries);
    if conduct.timeout.is_none() {
        timeout = timeout.or(of_installation.timeout);
    }
    let step_timeout = optional(entries, "step_timeout")
        .and_then(|node| expression::timeout(reader, outline, node, "step_timeout", Scope::Whole))
        .or_else(|| of_installation.step_timeout.map(|span| span.to_string()));
    let concurrency = optional(entries, "concurrency").map(|node| limit::concurrency(reader, outline, node));
    let concurrency = concurrency.unwrap_or_else(|| of_installation.concurrency.clone());
    let unique = optional(entries, "unique").and_then(|node| gate::unique(reader, outline, node));
    let tags = optional(entries, "tags").map_or(vec![], |node| tags_of(reader, node));
    let defaults = optional(entries, "retry").and_then(|node| Retry::read(reader, outline, node, Scope::Backoff(None)));
    let of_installation = Retry::of(&of_installation.retry);
    let defaults = defaults.unwrap_or_default();
    defaults.check(reader, &of_installation);
    let defaults = defaults.over(of_installation);
    let root = required(reader, entries, document, "steps", "a workflow needs at least one step")
        .and_then(|node| step::read_all(reader, outline, node, None, Part::Steps, &defaults));
    let output = optional(entries, "output").map(|node| {
        expression::template(reader, outline, node, Scope::Output);
        node.json()
    });
    let mut handler = |key| get(entries, key).and_then(|entry| step::handler(reader, outline, entry, &defaults));
    let handlers = Handlers {
        on_success: handler("on_success"),
        on_failure: handler("on_failure"),
        on_cancel: handler("on_cancel"),
        on_step_error: handler("on_step_error"),
    };
    let exchange = exchange::read(reader, outline, entries);
    if let (Some(entry), Some(handler)) = (get(entries, "on_step_error"), &handlers.on_step_error)
        && !matches!(handler.kind, Kind::Step(_))
    {
        let hint = "it runs beside the execution, once for each attempt that fails; a workflow of its own can do more";
        reader.error(entry.key.place, "`on_step_error` can only be an `activity`").hint(hint);
    }
    if let (Some(entry), Some(handler)) = (get(entries, "on_step_error"), &handlers.on_step_error) {
        let hint = "it runs beside the execution, and what it returns joins nothing";
        if handler.context_key.is_some() {
            reader.error(entry.key.place, "`on_step_error` has no `context_key`").hint(hint);
        }
        if matches!(&handler.kind, Kind::Step(step) if step.expand.is_some()) {
            reader.error(entry.key.place, "`on_step_error` has no `expand`").hint(hint);
        }
    }
    let root = root?;
    let asks_for_contracts = input_schema.is_some() || !tags.is_empty();
    let of_top = if asks_for_contracts { Plan::RULES_OF_CONTRACTS } else { Plan::FIRST_RULES };
    let of_limit = concurrency.as_ref().map_or(Plan::FIRST_RULES, Concurrency::rules);
    let of_limit = if unique.is_some() { Plan::RULES_OF_STARTS } else { of_limit };
    let of_top = of_top.max(conduct.rules()).max(handlers.rules()).max(of_limit);
    let of_top = triggers.iter().map(Trigger::rules).fold(of_top, u32::max);
    let mut plan = Plan {
        workflow: workflow?,
        rules: {
            let of_all = if exchange.is_empty() { of_top } else { of_top.max(Plan::RULES_OF_COMPANY) };
            root.nodes.iter().map(Planned::rules).fold(of_all, u32::max)
        },
        note: note.map(|text| text.value.clone()),
        input_schema,
        triggers,
        timeout,
        tags,
        root,
        handlers,
        output,
        conduct,
        exchange,
        concurrency,
        unique,
        // Known once all expressions are: see `read`.
        config: Default::default(),
    };
    if let Some(timeout) = &step_timeout {
        plan.set_default_timeout(timeout);
    }
    let retry = (!defaults.is_empty()).then(|| defaults.policy(&Retry::default()));
    plan.set_defaults_of_expansions(&StepDefaults { timeout: step_timeout, retry, ..StepDefaults::default() });
    Some(plan)
}

/// Each a name, or `name=value`.
fn tags_of(reader: &mut Reader, node: &Rc<Node>) -> Vec<String> {
    let tags = reader.texts(node, "tags");
    if tags.iter().any(|tag| tag.is_empty() || tag.starts_with('=')) {
        reader.error(node.place, "a tag needs a name").hint("write `orders`, or `team=blue`");
    }
    tags
}

pub(crate) fn optional<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Rc<Node>> {
    get(entries, key).map(|entry| &entry.value)
}

fn required<'n>(
    reader: &mut Reader,
    entries: &'n [Entry],
    document: &Node,
    key: &str,
    hint: &str,
) -> Option<&'n Rc<Node>> {
    let node = optional(entries, key);
    if node.is_none() {
        let place = Place { end: document.place.start, ..document.place };
        reader.error(place, format!("the workflow has no `{key}`")).hint(hint);
    }
    node
}
