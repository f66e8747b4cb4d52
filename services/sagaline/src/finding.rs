//! What is wrong with a file that people named, and how it is told.

use std::{collections::BTreeSet, io};

use sagaline_lang::{Fault, Severity};

use crate::{failure::Failure, files, output::Output};

pub(crate) struct Finding {
    /// What the file is called.
    pub(crate) file: String,
    what: What,
}

enum What {
    Faults {
        faults: Vec<Fault>,
        /// All of the file: what is told shows lines of it.
        text: String,
    },
    /// It cannot be read at all.
    Unreadable(Failure),
}

impl Finding {
    pub(crate) fn faults(file: &str, text: &str, faults: Vec<Fault>) -> Self {
        Self { file: file.to_owned(), what: What::Faults { faults, text: text.to_owned() } }
    }

    pub(crate) fn unreadable(file: String, failure: Failure) -> Self {
        Self { file, what: What::Unreadable(failure) }
    }

    /// Whether nothing of the file can be used.
    pub(crate) fn is_fatal(&self) -> bool {
        0 < self.errors()
    }

    /// How many things are wrong, warnings not counted.
    pub(crate) fn errors(&self) -> usize {
        match &self.what {
            What::Faults { faults, .. } => faults.iter().filter(|fault| fault.severity == Severity::Error).count(),
            What::Unreadable(_) => 1,
        }
    }

    /// The text of the file; nothing of one that cannot be read.
    pub(crate) fn text(&self) -> &str {
        match &self.what {
            What::Faults { text, .. } => text,
            What::Unreadable(_) => "",
        }
    }

    /// Each thing that is wrong, in words by which it is known again.
    pub(crate) fn says(&self) -> Vec<String> {
        match &self.what {
            What::Faults { faults, .. } => faults.iter().map(Fault::to_string).collect(),
            What::Unreadable(failure) => failure.message.iter().cloned().collect(),
        }
    }

    /// What of it nobody has been told; nothing, if all of it is known.
    pub(crate) fn news(self, known: &BTreeSet<String>) -> Option<Self> {
        let Self { file, what } = self;
        match what {
            What::Faults { mut faults, text } => {
                faults.retain(|fault| !known.contains(&fault.to_string()));
                (!faults.is_empty()).then_some(Self { file, what: What::Faults { faults, text } })
            }
            What::Unreadable(failure) => {
                let is_known = failure.message.as_ref().is_some_and(|message| known.contains(message));
                (!is_known).then_some(Self { file, what: What::Unreadable(failure) })
            }
        }
    }

    pub(crate) fn tell(&self, output: &Output) -> io::Result<()> {
        match &self.what {
            What::Faults { faults, text } => files::tell(output, faults, text)?,
            What::Unreadable(failure) => output.failure(failure),
        }
        Ok(())
    }
}
