//! What pictures say in words.

use sagaline_model::{
    Approval, Await, AwaitEvent, AwaitSignals, Child, EventTrigger, ForEach, Kind, Need, Node, Plan, Trigger, When,
};
use serde_json::Value;

use crate::What;

/// The most characters of a text of somebody else's in a box.
const TEXT_MAX: usize = 48;
/// The same in a line on an arrow, and of how many lines.
const EDGE_MAX: usize = 30;
const EDGE_LINES_MAX: usize = 4;
/// The most characters of an expression that anything shows: enough for what a person wrote, and no page of it.
const EXPRESSION_MAX: usize = 600;

/// One line without control characters, cut where it is too long for a box.
pub(crate) fn short(text: &str) -> String {
    cut(text, TEXT_MAX)
}

/// The same, cut only where nobody would read it.
pub(crate) fn whole(text: &str) -> String {
    cut(text, EXPRESSION_MAX)
}

pub(crate) fn cut(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect();
    if text.chars().nth(most).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// An expression without what is around it, on one line: a picture is no place to read syntax.
pub(crate) fn bare(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    let words = inner.filter(|inner| !inner.contains("${")).unwrap_or(text).split_whitespace();
    whole(&words.collect::<Vec<_>>().join(" "))
}

/// What decides for a case of a switch. The first that holds is taken: a later one needs that those before it do not.
pub(crate) fn case(number: usize, when: Option<&str>) -> String {
    match when {
        None => "otherwise".to_owned(),
        Some(when) if number == 0 => format!("if {}", bare(when)),
        Some(when) => format!("else if {}", bare(when)),
    }
}

/// The same, short enough for a box.
pub(crate) fn condition(text: &str) -> String {
    short(&bare(text))
}

/// Lines of at most so many characters. A word that is longer is broken, behind a `.`, `,` or `(` where it has one.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (vec![], String::new());
    for word in text.split(' ') {
        let length = word.chars().count();
        let has = line.chars().count();
        if 0 < has && width < has + 1 + length {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        while width.max(1) < line.chars().count() {
            let rest = line.split_off(breaks_at(&line, width.max(1)));
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    lines.push(line);
    lines
}

/// Behind which byte a word goes on in the next line.
fn breaks_at(word: &str, width: usize) -> usize {
    let fits = word.char_indices().nth(width).map_or(word.len(), |(at, _)| at);
    let behind = word[..fits].rfind(['.', ',', '(']).map_or(0, |at| at + 1);
    if fits < behind * 2 { behind } else { fits }
}

/// What stands on an arrow of a picture where whoever draws it breaks the lines.
pub(crate) fn on_arrow_unbroken(text: &str) -> String {
    cut(text, EDGE_MAX * EDGE_LINES_MAX)
}

/// What stands on an arrow of a picture, in lines. What is longer than a few of them is cut.
pub(crate) fn on_arrow(text: &str) -> Vec<String> {
    let mut lines = wrapped(text, EDGE_MAX);
    if EDGE_LINES_MAX < lines.len() {
        lines.truncate(EDGE_LINES_MAX);
        lines.iter_mut().last().expect("there are some").push('…');
    }
    lines
}

/// What a step is.
pub(crate) fn what(kind: &Kind) -> What {
    match kind {
        Kind::Step(_) => What::Activity,
        Kind::Wait(_) => What::Wait,
        Kind::Await(_) | Kind::AwaitSignals(_) => What::Signal,
        Kind::AwaitEvent(_) => What::Event,
        Kind::Approval(_) => What::Approval,
        Kind::Dag(_) => What::Steps,
        Kind::Race(_) => What::Race,
        Kind::Switch { .. } => What::Switch,
        Kind::Try(_) => What::Try,
        Kind::ForEach(each) => match what(&each.body.kind) {
            // What is done for each is one step: it is shown as that step.
            of_body if each.body.inside().is_empty() => of_body,
            _ => What::Loop,
        },
        Kind::Set { .. } => What::Set,
        Kind::Raise(_) => What::Raise,
        Kind::Child(_) => What::Child,
        Kind::Emit(_) => What::Emit,
    }
}

/// The word for it, as definitions have it.
pub(crate) fn kind(what: What) -> &'static str {
    match what {
        What::Activity => "activity",
        What::Wait => "wait",
        What::Signal => "signal",
        What::Event => "event",
        What::Approval => "approval",
        What::Steps => "steps",
        What::Race => "race",
        What::Switch => "switch",
        What::Try => "try",
        What::Set => "set",
        What::Raise => "raise",
        What::Child => "child",
        What::Emit => "emit",
        What::Loop => "for_each",
        What::Start => "start",
        What::Head => "head",
        What::Section => "section",
        What::Group => "group",
        What::Undo => "undo",
        What::Ending => "ending",
    }
}

/// What a step does, a line for each thing, whole: who has less room cuts it.
pub(crate) fn does(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Step(step) => {
            let mut does = vec![whole(step.activity.as_str())];
            does.extend(step.expand.iter().map(|expand| format!("returns steps, {} at once", expand.concurrency)));
            does
        }
        Kind::Wait(wait) => vec![format!("wait {}", bare(&wait.duration))],
        Kind::Await(Await { signal, .. }) => vec![format!("signal {signal}")],
        Kind::AwaitSignals(AwaitSignals { signals, need, .. }) => {
            let names: Vec<&str> = signals.iter().map(|signal| signal.as_str()).collect();
            let joined = match need {
                Need::All => names.join(" and "),
                Need::Any => names.join(" or "),
            };
            vec![whole(&format!("signals {joined}"))]
        }
        Kind::AwaitEvent(AwaitEvent { rule, .. }) => vec![whole(&format!("event {}", rule.kind))],
        Kind::Approval(Approval { approvers, .. }) => vec![match approvers {
            Value::Null => "approval".to_owned(),
            Value::String(name) => whole(&format!("approval by {}", bare(name))),
            Value::Array(names) => {
                let names: Vec<_> = names.iter().filter_map(Value::as_str).map(bare).collect();
                whole(&format!("approval by {}", names.join(" or ")))
            }
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => "approval".to_owned(),
        }],
        Kind::Dag(_) => vec![],
        Kind::Race(_) => vec!["race: the first wins".to_owned()],
        Kind::Switch { .. } => vec!["switch".to_owned()],
        Kind::Try(_) => vec!["try".to_owned()],
        Kind::ForEach(each) => {
            let mut does = vec![for_each(each)];
            does.extend(self::does(&each.body.kind));
            does
        }
        Kind::Set { values } => {
            let names = values.as_object().map(|values| values.keys().cloned().collect::<Vec<_>>().join(", "));
            vec![whole(&format!("set {}", names.unwrap_or_default()))]
        }
        Kind::Raise(raise) => vec![whole(&format!("raise {}", raise.kind))],
        Kind::Child(Child { workflow, wait, .. }) => {
            vec![format!("child {workflow}{}", if *wait { "" } else { ", not waited for" })]
        }
        Kind::Emit(emit) => vec![whole(&format!("emit {}", emit.kind))],
    }
}

fn for_each(each: &ForEach) -> String {
    let of = match &each.items {
        Value::Array(items) => format!("{} items", items.len()),
        Value::String(text) => bare(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "items".to_owned(),
    };
    whole(&format!("for each {} of {of}", each.item))
}

/// The `timeout` of a step, as it is written.
pub(crate) fn timeout(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Step(step) => step.timeout.as_deref(),
        Kind::Await(Await { timeout, .. })
        | Kind::AwaitSignals(AwaitSignals { timeout, .. })
        | Kind::AwaitEvent(AwaitEvent { timeout, .. })
        | Kind::Approval(Approval { timeout, .. })
        | Kind::Child(Child { timeout, .. }) => timeout.as_deref(),
        Kind::ForEach(each) => self::timeout(&each.body),
        Kind::Wait(_)
        | Kind::Dag(_)
        | Kind::Race(_)
        | Kind::Switch { .. }
        | Kind::Try(_)
        | Kind::Set { .. }
        | Kind::Raise(_)
        | Kind::Emit(_) => None,
    }
}

/// What starts executions of a workflow.
pub(crate) fn starters(plan: &Plan) -> Vec<String> {
    let mut starters: Vec<String> = plan.triggers.iter().filter_map(starter).collect();
    if starters.is_empty() {
        starters.push("people".to_owned());
    }
    starters
}

fn starter(trigger: &Trigger) -> Option<String> {
    match trigger {
        Trigger::Event(event) => event_starter(event),
        Trigger::Manual => Some("people".to_owned()),
        Trigger::Schedule(schedule) => Some(whole(&when(&schedule.when))),
    }
}

/// Nothing for one that is told to an execution that runs.
fn event_starter(event: &EventTrigger) -> Option<String> {
    event.signal.is_none().then(|| whole(&format!("event {}", event.types.join(" or "))))
}

fn when(when: &When) -> String {
    let mut parts: Vec<String> = when.cron.iter().map(|cron| format!("cron {cron}")).collect();
    parts.extend(when.every.map(|every| format!("every {}", every.period)));
    parts.extend(when.at.iter().map(|at| format!("at {at}")));
    parts.extend(when.after.map(|after| format!("once, after {after}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_broken_where_they_can_be_read() {
        assert_eq!(
            wrapped("if steps.screen.output.verdict == 'review'", 24),
            ["if", "steps.screen.output.", "verdict == 'review'"]
        );
        assert_eq!(
            wrapped("after coalesce(workflow.input.patience, '24h')", 30),
            ["after", "coalesce(workflow.input.", "patience, '24h')"]
        );
        assert_eq!(wrapped("äöüäöü", 4), ["äöüä", "öü"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("a.b", 0), ["a", ".", "b"]);
    }
}
