//! What a definition asks of a start, and gives to every execution: the input it must have, and the tags of its workflow.
//!
//! Only plans of [`Plan::RULES_OF_CONTRACTS`] have any of this. A version that was applied before keeps to what it promised.

use std::collections::BTreeMap;

use sagaline_model::{Plan, StepError};
use sagaline_schema::{Fault, Schema, Severity};
use serde_json::{Value, json};

use crate::compiled::{CompileError, Compiled};

/// So many violations are told in the message; the details hold them all.
const TOLD_MAX: usize = 5;

pub(crate) fn schema_of(plan: &Plan) -> Result<Option<Schema>, CompileError> {
    plan.checked_schema().map(Schema::compile).transpose().map_err(|faults| CompileError::Schema(told_of(&faults)))
}

/// What is wrong with a schema.
pub(crate) fn told_of(faults: &[Fault]) -> String {
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error);
    let told: Vec<String> = errors.map(|Fault { at, message, .. }| format!("{at}: {message}")).collect();
    told.join("; ")
}

/// An error that says why a value does not fit: `what` is the beginning of its message. Nothing if it fits.
///
/// A value that lies in the object store is not here to be looked at: whoever put it there has checked it, or nobody has.
pub(crate) fn misfit(schema: &Schema, value: &Value, kind: &str, what: &str) -> Option<StepError> {
    if is_reference(value) {
        return None;
    }
    let violations = schema.check(value).err()?;
    let told: Vec<String> = violations.listed.iter().take(TOLD_MAX).map(ToString::to_string).collect();
    let more = if TOLD_MAX < violations.listed.len() || violations.more { "; and more" } else { "" };
    let details = json!({ "violations": violations.listed, "more": violations.more });
    let message = format!("{what}: {}{more}", told.join("; "));
    Some(StepError { details: Some(details), ..StepError::new(kind, message).final_() })
}

impl Compiled {
    /// Why an execution with this input may not begin; nothing if it may.
    pub(crate) fn refusal(&self, input: &Value) -> Option<StepError> {
        let (workflow, version) = (&self.plan.workflow, self.version);
        let what = || format!("the input does not fit the schema of `{workflow}` version {version}");
        misfit(self.schema.as_ref()?, input, StepError::INVALID_INPUT, &what())
    }

    /// The tags of an execution: those of the workflow, and over them its own.
    pub(crate) fn tags(&self, own: BTreeMap<String, String>) -> BTreeMap<String, String> {
        if !self.plan.has_contract() {
            return own;
        }
        let tag = |text: &String| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (name.to_owned(), value.to_owned())
        };
        let mut tags: BTreeMap<String, String> = self.plan.tags.iter().map(tag).collect();
        tags.extend(own);
        tags
    }
}

/// Whether the whole value is a reference to the object store.
fn is_reference(value: &Value) -> bool {
    let fields = value.as_object().filter(|fields| fields.len() == 1);
    let target = fields.and_then(|fields| fields.get("$ref")?.as_object());
    let is_one = |target: &serde_json::Map<String, Value>| {
        ["bucket", "key", "bytes", "sha256"].into_iter().all(|key| target.contains_key(key)) && target.len() == 4
    };
    target.is_some_and(is_one)
}
