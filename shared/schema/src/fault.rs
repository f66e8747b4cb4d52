//! What is wrong with a schema, and where in it.

/// Whether a schema can be used in spite of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A JSON Pointer into the schema.
    pub at: String,
    pub severity: Severity,
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    pub(crate) fn error(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), severity: Severity::Error, message: message.into(), hint: None }
    }

    pub(crate) fn warning(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(at, message) }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

pub(crate) fn has_error(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| fault.severity == Severity::Error)
}
