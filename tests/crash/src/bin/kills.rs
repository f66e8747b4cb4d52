//! Runs one of the scenes on one node or three, for as long as `SAGALINE_CRASH_SECONDS` says, and prints what was measured.
//!
//! `cargo run -p sagaline-crash --bin kills -- three nats`

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
    time::Duration,
};

use sagaline_crash::{Nodes, events, kills, limits, schedules};

const USAGE: &str =
    "usage: kills one|three orchestrators|executors|nats|all-nats|sleepers|rolling|orders|events|schedules|limits";
/// How long all is well between two deaths of nodes of NATS: longer than work may stand still.
const HEALTHY: Duration = Duration::from_secs(6);

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (nodes, of_each) = match arguments.next().as_deref() {
        Some("one") => (Nodes::One, 2),
        Some("three") => (Nodes::Three, 3),
        _ => return refuse(),
    };
    let said = match arguments.next().as_deref() {
        Some("orchestrators") => kills::orchestrators(nodes, of_each).await,
        Some("executors") => kills::executors(nodes, of_each).await,
        Some("nats") => kills::nats_nodes(nodes, of_each, HEALTHY).await,
        Some("all-nats") => kills::all_of_nats(nodes, of_each, HEALTHY).await,
        Some("sleepers") => kills::sleeping_orchestrators(nodes, of_each).await,
        Some("orders") => kills::failing_orders(nodes, of_each).await,
        Some("events") => events::killed_triggers(nodes).await,
        Some("schedules") => schedules::killed_and_sleeping_schedulers(nodes).await,
        Some("limits") => limits::killed_under_limits(nodes).await,
        Some("rolling") => kills::rolling_replacement(nodes, of_each).await,
        _ => return refuse(),
    };
    match writeln!(stdout(), "{said}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse() -> ExitCode {
    // Who cannot be told is told by the code.
    drop(writeln!(stderr(), "{USAGE}"));
    ExitCode::from(64)
}
