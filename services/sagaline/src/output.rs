//! The only place that prints. Data goes to standard output, talk to standard error; colour and progress only to a terminal.

use std::{
    cell::Cell,
    env,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;

use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

pub(crate) struct Output {
    format: Format,
    colour: bool,
    talk_is_seen: bool,
    /// A progress line stands on the terminal and must be wiped before anything else is said.
    progress: Cell<bool>,
}

/// What a word means, for who sees colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Busy,
    Quiet,
    Strong,
    Plain,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            format,
            colour: io::stdout().is_terminal() && !no_colour,
            talk_is_seen: io::stderr().is_terminal(),
            progress: Cell::new(false),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A line of data, written out at once, so that whoever reads a pipe sees it when it happens.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        self.wipe_progress();
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.write_all(b"\n")?;
        stdout.flush()
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        self.wipe_progress();
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// Data as one object on one line.
    pub(crate) fn json(&self, value: &impl Serialize) -> io::Result<()> {
        self.line(&serde_json::to_string(value).map_err(io::Error::other)?)
    }

    /// `text` in a colour, if colours are seen.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Busy => "33",
            Tone::Quiet => "2",
            Tone::Strong => "1",
            Tone::Plain => return text.to_owned(),
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A word to whoever sits there.
    pub(crate) fn talk(&self, text: &str) {
        self.wipe_progress();
        Self::say(&format!("{text}\n"));
    }

    /// A line that the next one replaces; only a terminal gets it.
    pub(crate) fn progress(&self, text: &str) {
        if self.talk_is_seen {
            self.progress.set(true);
            Self::say(&format!("\r\x1b[2K{text}"));
        }
    }

    fn wipe_progress(&self) {
        if self.progress.take() {
            Self::say("\r\x1b[2K");
        }
    }

    /// What went wrong, and what to do about it.
    pub(crate) fn failure(&self, failure: &Failure) {
        let Some(message) = &failure.message else { return };
        let mut text = format!("error: {message}");
        for hint in &failure.hints {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        self.talk(&text);
    }

    fn say(text: &str) {
        // Where standard error is closed there is nobody to tell that it is.
        drop(io::stderr().write_all(text.as_bytes()));
    }
}
