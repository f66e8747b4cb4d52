//! Executions that wait for a signal through everything that happens, and the scan for any that hangs.
//!
//! No execution may be running without a task, a timer or a wait in flight. When a load is over, all that is open must be those
//! that were left waiting; each must say what it waits for; and a signal must still end each of them.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use crate::System;

const DEFINITION: &str = "\
workflow: left_waiting
steps:
  before: { activity: noop }
  ask: { after: before, await: { signal: go } }
  pause: { after: before, wait: 24h, when: \"${ false }\" }
  after: { after: ask, activity: noop }
";
const COUNT: usize = 20;
const END_WITHIN: Duration = Duration::from_secs(20);

/// Executions that wait.
pub struct Waiting {
    ids: Vec<String>,
}

impl Waiting {
    /// Starts them and waits until each of them waits.
    pub async fn start(system: &System) -> Self {
        let file = system.folder().join("left-waiting.yaml");
        std::fs::write(&file, DEFINITION).expect("a definition can be written");
        system.run(&["apply", file.to_str().expect("UTF-8")]).await;
        let ids: Vec<String> = (0..COUNT).map(|number| format!("waiting-{number}")).collect();
        for id in &ids {
            system.run(&["start", "left_waiting", "--id", id]).await;
        }
        Self { ids }
    }

    /// Nothing is open but these, each waits visibly, and each ends when it is told to.
    pub async fn scan(self, system: &System) {
        let open = open(system).await;
        let mut listed: Vec<&str> = open.iter().map(|view| view["execution"].as_str().expect("an id")).collect();
        listed.sort_unstable();
        let mut wanted: Vec<&str> = self.ids.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        assert_eq!(listed, wanted, "what is open is not what was left waiting");
        for view in &open {
            assert_eq!(view["status"], "waiting", "{view}");
        }
        for id in &self.ids {
            let why = system.run(&["why", id, "--output", "json"]).await;
            assert!(why.contains("go"), "{id} waits for nothing that could end it: {why}");
            system.run(&["signal", id, "go"]).await;
        }
        let deadline = Instant::now() + END_WITHIN;
        for id in &self.ids {
            loop {
                let view: Value =
                    serde_json::from_str(&system.run(&["get", id, "--output", "json"]).await).expect("JSON");
                if view["status"] == "completed" {
                    break;
                }
                assert!(Instant::now() < deadline, "{id} hangs: {view}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What is open now.
async fn open(system: &System) -> Vec<Value> {
    let mut arguments = vec!["list", "--output", "json", "--limit", "500"];
    for status in ["pending", "running", "waiting", "parked"] {
        arguments.extend(["--status", status]);
    }
    let deadline = Instant::now() + END_WITHIN;
    loop {
        // Whoever was killed last may have left partitions that nobody owns yet, and a list says so.
        match system.try_run(&arguments).await {
            Ok(text) => return text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect(),
            Err(why) => assert!(Instant::now() < deadline, "{why}"),
        }
        sleep(Duration::from_millis(200)).await;
    }
}
