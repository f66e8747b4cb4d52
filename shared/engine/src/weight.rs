//! How heavy data is: about the bytes of its JSON, counted without writing it.
//!
//! A snapshot, a record and a task are one message each, and a server takes messages of 1 MiB at most. An execution that outgrows
//! this ends with a clear error, rather than being one that nobody can save.

use serde_json::{Map, Value};

use crate::state::{AtGates, Course, Limits, Outcome, State, TaskInput};

/// The most that the data of an execution may weigh: what is left of 1 MiB after the shell around it, with some room.
pub const HEAVIEST: usize = 900 * 1024;

/// The most that an output may weigh: its record also lists every step.
pub const HEAVIEST_OUTPUT: usize = 512 * 1024;

/// What a frame weighs besides its data and its path: names of fields, times, numbers.
pub(crate) const FRAME: usize = 160;

/// What limits of time, or what goes through all attempts, weigh where a step has such. (Nothing elsewhere: what older versions
/// recorded weighs what it weighed.)
const LIMITS: usize = 80;

/// What a frame weighs more that waits for its breaker.
const ASKING: usize = 160;

/// What a frame weighs more that stands at its gates.
const GATES: usize = 120;

/// No number is written longer.
const NUMBER: usize = 25;

pub(crate) fn of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => NUMBER,
        Value::String(text) => of_text(text),
        Value::Array(items) => 2 + items.iter().map(|item| of(item) + 1).sum::<usize>(),
        Value::Object(map) => 2 + of_map(map),
    }
}

pub(crate) fn of_map(map: &Map<String, Value>) -> usize {
    map.iter().map(|(key, value)| of_pair(key, value)).sum()
}

pub(crate) fn of_pair(key: &str, value: &Value) -> usize {
    of_text(key) + of(value) + 2
}

/// Quotes, backslashes and what cannot be printed are escaped.
pub(crate) fn of_text(text: &str) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        0..=0x1f => 5,
        _ => 0,
    };
    text.len() + 2 + text.bytes().map(escape).sum::<usize>()
}

pub(crate) fn of_error(error: &sagaline_model::StepError) -> usize {
    of_text(&error.kind) + of_text(&error.message) + error.details.as_ref().map_or(0, of)
}

impl State {
    /// What this state adds to its frame.
    pub(crate) fn weight(&self) -> usize {
        let error = |error: &sagaline_model::StepError| {
            of_text(&error.kind) + of_text(&error.message) + error.details.as_ref().map_or(0, of)
        };
        match self {
            Self::Dispatched(task) => {
                let held: usize = task.held.iter().map(|entity| of_text(entity.as_str()) + 1).sum();
                task.input.weight() + task.limits.weight() + task.course.weight() + held
            }
            Self::BackingOff { input, error: fault, course, .. } => input.weight() + error(fault) + course.weight(),
            Self::Snoozed { input, reason, course, .. } => input.weight() + of_text(reason) + course.weight(),
            Self::Queued { input, course, .. } => input.weight() + course.weight(),
            Self::Open { dag, merged, caught, .. } => {
                (dag.unmet.len() + dag.any.len()) * 4 + of_map(merged) + caught.as_ref().map_or(0, error)
            }
            Self::Asking(asking) => {
                let gates = asking.gates.as_ref().map_or(0, |gates| gates.weight());
                asking.input.weight() + asking.course.weight() + asking.entity.as_str().len() + ASKING + gates
            }
            Self::Looping(looping) => looping.weight(),
            Self::Expanding(expanding) => expanding.weight(),
            Self::Completed { output, .. } => of(output),
            Self::Failed { error: fault, .. } | Self::Halted { error: fault, .. } => error(fault),
            Self::Skipped { reason, .. } => of_text(reason),
            Self::Delegated(delegated) => of_text(delegated.child.as_str()) + delegated.input.weight(),
            Self::Gathering(gathering) => {
                of_map(&gathering.came) + gathering.missing.iter().map(|name| name.as_str().len() + 3).sum::<usize>()
            }
            Self::Approving(approving) => approving.weight(),
            Self::AwaitingEvent(waiting) => waiting.weight(),
            Self::Waiting { .. } | Self::Awaiting { .. } | Self::Cancelled { .. } => 0,
        }
    }
}

impl Limits {
    fn weight(&self) -> usize {
        if *self == Self::default() { 0 } else { LIMITS }
    }
}

impl Course {
    fn weight(&self) -> usize {
        if *self == Self::default() { 0 } else { LIMITS }
    }
}

impl AtGates {
    fn weight(&self) -> usize {
        GATES + self.list.iter().map(|(_, entity)| of_text(entity.as_str()) + NUMBER).sum::<usize>()
    }
}

impl Outcome {
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Completed { output } => of(output),
            Self::Failed { error, .. } | Self::Refused { error } => {
                of_text(&error.kind) + of_text(&error.message) + error.details.as_ref().map_or(0, of)
            }
            Self::Cancelled { reason } => reason.as_deref().map_or(0, of_text),
            Self::TimedOut => 0,
            Self::RolledBack { cause, saga } => cause.weight() + saga.weight(),
        }
    }
}

impl TaskInput {
    fn weight(&self) -> usize {
        match self {
            Self::Literal => 0,
            Self::Computed(input) => of(input),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_lighter_than_its_json() {
        for value in [
            json!(null),
            json!(false),
            json!(-1.797_693_134_862_315_7e308),
            json!("a\"b\\c\n\u{1}é"),
            json!([1, [2, []], {}]),
            json!({"a": {"b\"": [true, "x"]}, "": null}),
        ] {
            assert!(of(&value) >= value.to_string().len(), "{value}");
        }
    }
}
