//! What is wrong with a workflow that a program makes: in which step, and in which of its fields.

use std::fmt;

use sagaline_lang::Severity;

use super::write::Place;

/// Where a file gets the values of `config` from,
const OF_PROJECTS: &str = "give it one under `[config]` in `sagaline.toml`, the file of the project";
/// and a program.
const OF_PROGRAMS: &str = "give it one with `Workflow::config`, or with `Worker::config` for all that a worker brings";

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
    /// What is to be read as `config` has no names.
    pub(super) fn no_values() -> Self {
        Self {
            step: None,
            field: "config".to_owned(),
            message: "what is read as `config` is a map of values".to_owned(),
            hint: Some("give names to them: `json!({ \"least_total\": 10 })`".to_owned()),
        }
    }

    /// Of a fault in the text, whose lines are about these places.
    fn of(fault: &sagaline_lang::Fault, places: &[Place]) -> Self {
        let Place { step, field } = places.get(fault.line.saturating_sub(1)).cloned().unwrap_or_default();
        // Lines are of a text that nobody wrote, and a program need not have a project.
        let fits = |part: &&str| !part.contains(" on line ");
        let own = |part| if part == OF_PROJECTS { OF_PROGRAMS } else { part };
        let hint =
            fault.hint.as_ref().map(|hint| hint.split("; ").filter(fits).map(own).collect::<Vec<_>>().join("; "));
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
