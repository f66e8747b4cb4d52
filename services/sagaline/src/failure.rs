//! What a verb ends with when it does not do what it was asked for: a message, hints, and an exit code.

use std::{error::Error as StdError, io, process::ExitCode};

use sagaline_sdk::client::{self, Class};

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    /// It failed, or was refused.
    Failed = 1,
    Usage = 64,
    /// A bad definition, or bad data.
    BadData = 65,
    /// NATS, or what should run on it, cannot be reached or is too old.
    Unreachable = 69,
    /// A bug of ours.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What to say, and how to end.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// A lower-case fragment; nothing if all is said.
    pub(crate) message: Option<String>,
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(message.into()), hints: vec![] }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(Exit::BadData, message)
    }

    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::new(Exit::Bug, message).hint("this is a bug of Sagaline; please report it with what you did")
    }

    /// Everything is said already.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self { exit, message: None, hints: vec![] }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let exit = match error.class() {
            Class::Refused => Exit::Failed,
            Class::BadData => Exit::BadData,
            Class::Unreachable => Exit::Unreachable,
            Class::Corrupt => Exit::Bug,
        };
        // Only what these say is worded by us from end to end.
        let ours = matches!(error, client::Error::Connect(_) | client::Error::Install(_) | client::Error::Payload(_));
        let said = chain(&error);
        let (message, of_message) = if ours { split_hint(&said) } else { (said, None) };
        let message = match &error {
            client::Error::InvalidInput { violations, .. } | client::Error::InvalidSignal { violations, .. } => {
                violations.to_string().lines().fold(message, |text, line| format!("{text}\n  {line}"))
            }
            _ => message,
        };
        let hints = of_message.into_iter().chain(error.hint()).collect();
        Self { exit, message: Some(message), hints }
    }
}

impl From<io::Error> for Failure {
    /// Whoever read our output has gone: nobody is left to tell, and nothing is wrong.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Done),
            _ => Self::new(Exit::Failed, format!("the output cannot be written: {error}")),
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// Some messages say what to do after `; `: that is shown as a hint.
fn split_hint(message: &str) -> (String, Option<String>) {
    let parts = message.split_once("; ").filter(|(_, rest)| !rest.contains("; "));
    match parts {
        Some((what, advice)) => {
            // The cause that was chained behind the advice belongs to the message.
            let (advice, cause) =
                advice.split_once(": ").map_or((advice, None), |(advice, cause)| (advice, Some(cause)));
            let what = cause.map_or(what.to_owned(), |cause| format!("{what}: {cause}"));
            (what, Some(advice.to_owned()))
        }
        None => (message.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_in_a_message_is_shown_as_a_hint() {
        let (message, hint) = split_hint("cannot reach `x`; start a server there, or `sagaline dev`: refused");
        assert_eq!(message, "cannot reach `x`: refused");
        assert_eq!(hint.as_deref(), Some("start a server there, or `sagaline dev`"));
        assert_eq!(split_hint("there is no execution `a`"), ("there is no execution `a`".to_owned(), None));
    }
}
