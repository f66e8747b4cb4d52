//! A paced load, and what came of it.

use std::{
    io::Read,
    process::Child,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::System;

/// Starts a second. Two cores carry everything here, builds of the dev profile included.
const RATE: u32 = 25;
/// Long enough that a kill always meets tasks in flight.
const STEP_MS: u32 = 300;

/// How long each load is paced: 40 s unless `SAGALINE_CRASH_SECONDS` says otherwise.
pub fn seconds() -> u32 {
    std::env::var("SAGALINE_CRASH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// Executions of three steps, started at an even pace.
pub struct Load {
    bench: Child,
    workflows: u32,
    until: Instant,
}

impl Load {
    pub fn start(system: &System) -> Self {
        let workflows = RATE * seconds();
        let (count, rate, step_ms) = (workflows.to_string(), RATE.to_string(), STEP_MS.to_string());
        let witness = system.witness_file();
        let witness = witness.to_str().expect("a path in UTF-8");
        let mut arguments = vec!["bench", "--output", "json", "--steps", "3"];
        arguments.extend(["--workflows", &count, "--rate", &rate, "--step-ms", &step_ms, "--witness", witness]);
        let until = Instant::now() + Duration::from_secs(u64::from(seconds()));
        Self { bench: system.sagaline(&arguments), workflows, until }
    }

    /// Whether executions are still being started.
    pub fn is_paced(&self) -> bool {
        Instant::now() < self.until
    }

    /// Whether executions are still being started, or waited for.
    pub fn runs(&mut self) -> bool {
        self.bench.try_wait().expect("it is a child").is_none()
    }

    /// Waits for all to end. Everything must have completed, once.
    pub async fn nothing_lost(mut self) -> Value {
        let output = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            self.bench.stdout.take().expect("it was piped").read_to_string(&mut text).expect("text");
            self.bench.wait().expect("it has ended");
            text
        });
        let text = output.await.expect("no panic");
        let report: Value =
            serde_json::from_str(&text).unwrap_or_else(|fault| panic!("bench printed no JSON: {fault}: {text}"));
        let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {report}"));
        assert_eq!(count("lost"), 0, "{report}");
        assert_eq!(count("failed"), 0, "{report}");
        assert_eq!(count("completed"), u64::from(self.workflows), "{report}");
        assert_eq!(count("repeated_steps"), 0, "{report}");
        assert_eq!(report["repeated_steps_from"], "witness", "{report}");
        report
    }
}
