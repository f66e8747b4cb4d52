//! What is measured: one execution each, wide or deep in its own way.

use std::fmt::Write;

use sagaline_sdk::worker::{ActivityContext, ActivityError, NewStep, Outcome};
use serde_json::{Value, json};

use crate::floor::Failure;

/// How many of a loop's items, and of the steps that a step returns, are at work at once.
const AT_ONCE: u32 = 100;
/// How many steps of a definition stand side by side. Each needs two of those before it.
const ABREAST: u32 = 25;

/// In which way there is much of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Items,
    Steps,
    Returned,
}

impl Shape {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Items => "items of a loop",
            Self::Steps => "steps of a definition",
            Self::Returned => "steps that a step returned",
        }
    }

    /// The definition of so many. When all of them are done, a step [`HOLD`](super::HOLD) waits for the signal `go`.
    pub(super) fn definition(self, size: u32) -> Result<String, Failure> {
        let mut text = "workflow: wide\nsteps:\n".to_owned();
        match self {
            Self::Items => write!(
                text,
                "  each:\n    for_each: {{ items: \"${{ workflow.input.items }}\", concurrency: {AT_ONCE} }}\n    \
                 activity: echo\n    input: {{ n: \"${{ item }}\" }}\n"
            )?,
            Self::Steps => steps(&mut text, size)?,
            Self::Returned => writeln!(
                text,
                "  plan: {{ activity: wide.plan, input: \"${{ workflow.input.count }}\", expand: {{ concurrency: {AT_ONCE} }} }}"
            )?,
        }
        let after = match self {
            Self::Items => "each",
            Self::Steps => "last",
            Self::Returned => "plan",
        };
        writeln!(text, "  hold: {{ after: {after}, await: {{ signal: go }} }}")?;
        Ok(text)
    }

    pub(super) fn input(self, size: u32) -> Value {
        match self {
            Self::Items => json!({ "items": (0..size).collect::<Vec<_>>() }),
            Self::Steps => Value::Null,
            Self::Returned => json!({ "count": size }),
        }
    }
}

/// So many steps in rows, each after two of the row before, and one after the whole last row.
fn steps(text: &mut String, size: u32) -> Result<(), Failure> {
    for step in 0..size {
        let (row, place) = (step / ABREAST, step % ABREAST);
        let needs = match row.checked_sub(1) {
            Some(before) => {
                let before = |place: u32| before * ABREAST + place % ABREAST;
                format!("after: [s{}, s{}], ", before(place), before(place + 1))
            }
            None => String::new(),
        };
        writeln!(text, "  s{step}: {{ {needs}activity: echo, input: {{ n: {step} }} }}")?;
    }
    let last: Vec<String> = (size.saturating_sub(ABREAST)..size).map(|step| format!("s{step}")).collect();
    writeln!(text, "  last: {{ after: [{}], activity: noop }}", last.join(", "))?;
    Ok(())
}

/// The activity `wide.plan`: returns as many steps as it is told.
pub(super) async fn plan(_: ActivityContext, count: Value) -> Result<Outcome<()>, ActivityError> {
    let count = count.as_u64().unwrap_or(0);
    Ok(Outcome::expand((0..count).map(|step| NewStep::new(format!("s{step}"), "echo").input(json!({ "n": step })))))
}
