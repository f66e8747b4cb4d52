//! What several verbs take.

use sagaline_model::{ExecutionId, Moment, Span};

use crate::words;

/// The execution that a verb is about.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The execution
    #[arg(value_name = "ID")]
    id: String,
}

impl Which {
    /// Its id as it is on the wire: any text has one.
    pub(crate) fn execution(&self) -> ExecutionId {
        ExecutionId::encoded(&self.id)
    }
}

/// When something begins.
#[derive(Debug, clap::Args)]
pub(crate) struct When {
    /// When it begins: 2026-11-20T06:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "after")]
    at: Option<Moment>,
    /// It begins so long after now: 90s, 5m, 2h
    #[arg(long = "in", id = "after", value_name = "DURATION")]
    after: Option<Span>,
}

impl When {
    pub(crate) fn moment(&self) -> Option<Moment> {
        self.at.or_else(|| self.after.map(|after| words::now() + after))
    }

    /// What is worth telling of a time that is gone by. That is no fault: who tries again after an outage wants it done.
    pub(crate) fn past(&self) -> Option<String> {
        let at = self.at.filter(|at| *at < words::now())?;
        Some(format!("{} is past: it begins at once", words::time(at)))
    }
}

/// A moment: a time, or how long ago.
pub(crate) fn since(text: &str) -> Result<Moment, String> {
    if let Ok(span) = text.parse::<Span>() {
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        return Ok(Moment::from_nanos(words::now().as_nanos().saturating_sub(nanos)));
    }
    text.parse::<Moment>()
        .map_err(|_| "write a time such as 2026-11-20T06:00:00Z, or how long ago: 90s, 5m, 2h".to_owned())
}
