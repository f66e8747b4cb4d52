//! What is wrong with a cron expression, where, and what would be right.

use std::{fmt, ops::Range};

use super::Field;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronFault {
    /// The whole expression.
    pub text: String,
    /// The bytes of it that are wrong.
    pub at: Range<usize>,
    /// The field that they stand in; none, if it is about the whole.
    pub field: Option<Field>,
    pub what: String,
    pub hint: String,
}

impl fmt::Display for CronFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.text[..self.at.start].chars().count() + 1;
        match self.field {
            Some(field) => write!(f, "{} in the field `{field}`, column {column} of `{}`", self.what, self.text)?,
            None => write!(f, "`{}`: {}", self.text, self.what)?,
        }
        write!(f, "; {}", self.hint)
    }
}

impl std::error::Error for CronFault {}
