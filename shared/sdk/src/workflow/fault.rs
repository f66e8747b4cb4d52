//! What is wrong with a workflow that a program makes: in which step, and in which of its fields.

use std::fmt;

use sagaline_lang::Severity;

use super::write::Place;

/// One thing that is wrong, or doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The step that it is about; none if it is about the whole.
    pub step: Option<String>,
    /// Which part of the step, or of the whole, as YAML calls it: `retry.initial`. Empty if it is about all of it.
    pub field: String,
    pub message: String,
    pub hint: Option<String>,
}

/// All that is wrong with a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    pub workflow: String,
    pub faults: Vec<Fault>,
}

impl Fault {
    /// Of a fault in the text, whose lines are about these places.
    fn of(fault: &sagaline_lang::Fault, places: &[Place]) -> Self {
        let Place { step, field } = places.get(fault.line.saturating_sub(1)).cloned().unwrap_or_default();
        // Lines are of a text that nobody wrote.
        let hint = fault
            .hint
            .as_ref()
            .map(|hint| hint.split("; ").filter(|part| !part.contains(" on line ")).collect::<Vec<_>>().join("; "));
        Self { step, field, message: fault.message.clone(), hint: hint.filter(|hint| !hint.is_empty()) }
    }

    pub(super) fn all(faults: &[sagaline_lang::Fault], severity: Severity, places: &[Place]) -> Vec<Self> {
        faults.iter().filter(|fault| fault.severity == severity).map(|fault| Self::of(fault, places)).collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most messages begin with the key that they are about.
        let field = if self.message.starts_with(&format!("`{}`", self.field)) { "" } else { self.field.as_str() };
        match (&self.step, field) {
            (Some(step), "") => write!(f, "step `{step}`: ")?,
            (Some(step), field) => write!(f, "step `{step}`, `{field}`: ")?,
            (None, "") => {}
            (None, field) => write!(f, "`{field}`: ")?,
        }
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the workflow `{}` cannot be built:", self.workflow)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for BuildError {}
