//! Partitions whose owners do not answer: something is missing then, and it is said how to get it.

use crate::failure::{Exit, Failure};

/// Who owns the partitions that were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Orchestrator,
    Compensator,
    Scheduler,
}

impl Owner {
    fn name(self) -> &'static str {
        match self {
            Self::Orchestrator => "orchestrator",
            Self::Compensator => "compensator",
            Self::Scheduler => "scheduler",
        }
    }

    fn article(self) -> &'static str {
        match self {
            Self::Orchestrator => "an",
            Self::Compensator | Self::Scheduler => "a",
        }
    }
}

/// All is well if no partition is `silent`. Otherwise `lost` says what came of it.
pub(crate) fn none(silent: impl IntoIterator<Item = u32>, owner: Owner, lost: &str) -> Result<Exit, Failure> {
    let silent: Vec<String> = silent.into_iter().map(|partition| partition.to_string()).collect();
    if silent.is_empty() {
        return Ok(Exit::Done);
    }
    let (name, article) = (owner.name(), owner.article());
    let message = format!("no {name} answers for partition {}: {lost}", silent.join(", "));
    let hint = format!("start {article} {name} (`sagaline-{name}`), or `sagaline dev`");
    Err(Failure::new(Exit::Unreachable, message).hint(hint))
}
