//! NATS, or what should run on it, is not there.

use std::time::{Duration, Instant};

use crate::common::{Installed, ORDER, run, server_url};

#[test]
fn nats_that_cannot_be_reached_exits_with_69_soon_and_with_a_hint() {
    let before = Instant::now();
    let ran = run(["apply", ORDER, "--nats-url", "nats://127.0.0.1:1"]).ends_with(69);
    assert!(before.elapsed() < Duration::from_secs(15));
    assert!(ran.stderr.contains("error: cannot reach NATS at `nats://127.0.0.1:1`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("sagaline dev"), "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
}

#[test]
fn nats_without_an_installation_exits_with_69_and_a_hint() {
    let ran = run(["workflows", "--nats-url", server_url(), "--namespace", "nobody"]).ends_with(69);
    assert!(ran.stderr.contains("no Sagaline in namespace `nobody`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: start an orchestrator"), "{}", ran.stderr);
}

#[test]
fn an_execution_that_nobody_can_be_asked_about_is_not_called_absent() {
    let ran = Installed::new().run(&["get", "o-1"]).ends_with(69);
    assert!(ran.stderr.contains("no orchestrator answers for partition"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: start an orchestrator"), "{}", ran.stderr);
}

#[test]
fn an_address_that_is_none_exits_with_65() {
    let ran = run(["workflows", "--nats-url", "http://x:y:z"]).ends_with(65);
    assert!(ran.stderr.contains("is not the address of a NATS server"), "{}", ran.stderr);
}
