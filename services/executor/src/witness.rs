//! A witness outside the system: every begin and end of an activity, a line of JSON each, in a file that survives this process.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    process,
    time::SystemTime,
};

use sagaline_events::Task;
use sagaline_model::Moment;
use serde::Serialize;

/// Several processes may write the same file: a line is one write at its end.
#[derive(Debug)]
pub(crate) struct Witness {
    file: File,
}

#[derive(Serialize)]
struct Line<'a> {
    what: What,
    execution: &'a str,
    step: &'a str,
    attempt: u32,
    pid: u32,
    at: Moment,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Begin,
    End,
}

impl Witness {
    pub(crate) fn open(file: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(file)?;
        Ok(Self { file })
    }

    /// When this returns the operating system has the line, whatever becomes of this process.
    pub(crate) fn saw(&self, what: What, task: &Task) {
        let line = Line {
            what,
            execution: task.execution.as_str(),
            step: task.path.as_str(),
            attempt: task.attempt,
            pid: process::id(),
            at: now(),
        };
        let mut line = serde_json::to_vec(&line).expect("a line has text keys only");
        line.push(b'\n');
        if let Err(error) = (&self.file).write_all(&line) {
            tracing::error!(%error, ?what, execution = %task.execution, step = %task.path, "the witness could not write this down");
        }
    }
}

fn now() -> Moment {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_nanos(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}
