//! What the top of a definition says about an execution as a whole: how much at once, until when.

use std::rc::Rc;

use sagaline_model::{Conduct, DeadLetters, Span};
use serde_json::Value;

use crate::{
    expression,
    outline::{Outline, Scope},
    reader::Reader,
    retry::Retry,
    tree::{Content, Entry, Node, get},
    words,
    workflow::optional,
};

/// Gives the `timeout` too, where it is no expression: plans have always had that.
pub(crate) fn read(reader: &mut Reader, outline: &mut Outline, entries: &[Entry]) -> (Option<Span>, Conduct) {
    let whole = Scope::Whole;
    let (fixed, computed) = optional(entries, "timeout").map_or((None, None), |node| {
        if is_expression(node) {
            (None, expression::timeout(reader, outline, node, "timeout", whole))
        } else {
            (reader.positive_span(node, "timeout"), None)
        }
    });
    let slots = optional(entries, "step_concurrency").and_then(|node| {
        let hint = "it counts the steps that are at work at once";
        expression::count(reader, outline, node, "step_concurrency", hint, whole)
    });
    let deadline =
        optional(entries, "deadline").and_then(|node| expression::moment(reader, outline, node, "deadline", whole));
    let metadata = optional(entries, "metadata").map_or(Value::Null, |node| node.json());
    let retry =
        optional(entries, "retry_workflow").and_then(|node| Retry::read(reader, outline, node, Scope::Backoff(None)));
    let retry_workflow = retry.map(|retry| {
        retry.check(reader, &Retry::default());
        retry.policy(&Retry::default())
    });
    let dead_letter = optional(entries, "dead_letter").and_then(|node| dead_letters(reader, node));
    (fixed, Conduct { step_concurrency: slots, timeout: computed, deadline, metadata, retry_workflow, dead_letter })
}

/// `dead_letter: true`, or how long they are kept: `{ ttl: 7d }`.
fn dead_letters(reader: &mut Reader, node: &Rc<Node>) -> Option<DeadLetters> {
    if let Content::Map(entries) = &node.content {
        reader.keys(entries, "`dead_letter`", words::DEAD_LETTER);
        let ttl = get(entries, "ttl").map_or(Some(DeadLetters::TTL), |entry| reader.positive_span(&entry.value, "ttl"));
        return ttl.map(|ttl| DeadLetters { ttl });
    }
    reader.boolean(node, "dead_letter")?.then_some(DeadLetters { ttl: DeadLetters::TTL })
}

fn is_expression(node: &Rc<Node>) -> bool {
    matches!(&node.content, Content::Text(text) if text.value.contains("${"))
}
