//! Where in a list something is, as a text that may be given back later.

use std::{fmt, str::FromStr};

use sagaline_broker::ports::Sequence;
use sagaline_model::ExecutionId;
use serde::{Serialize, Serializer};

/// A place in a list: `open:ID` or `ended:SEQUENCE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Among the open executions, behind this one.
    Open(ExecutionId),
    /// Among the ended ones, below this sequence of `results`.
    Ended(Sequence),
}

/// A text that is no place in a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place in a list is `open:ID` or `ended:NUMBER`, as a list gives it")]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(id) => write!(f, "open:{id}"),
            Self::Ended(sequence) => write!(f, "ended:{sequence}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        match text.split_once(':').ok_or(NotACursor)? {
            ("open", id) => ExecutionId::new(id).map(Self::Open).map_err(|_| NotACursor),
            ("ended", sequence) => sequence.parse().map(Self::Ended).map_err(|_| NotACursor),
            _ => Err(NotACursor),
        }
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in ["open:order-A-1", "ended:17"] {
            assert_eq!(text.parse::<Cursor>().expect("a place").to_string(), text);
        }
        for text in ["", "17", "open:", "open:a b", "ended:x", "later:1"] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
