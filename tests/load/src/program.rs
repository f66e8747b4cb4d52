//! How each of the programs here talks and ends: progress on standard error, figures as JSON on standard output.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use serde::Serialize;

use crate::floor::Failure;

/// The figures of a run, on a line.
pub fn tell(figures: &impl Serialize) -> Result<(), Failure> {
    Ok(writeln!(stdout(), "{}", serde_json::to_string(figures)?)?)
}

/// Talk that nobody can hear is no reason to stop.
pub fn say(line: &str) {
    writeln!(stderr(), "{line}").ok();
}

/// How the program ends, and why if it failed.
pub fn ended(measured: Result<(), Failure>) -> ExitCode {
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// What was started ends with what is dropped here.
pub async fn unless_interrupted<T>(measuring: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        measured = measuring => measured,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}
