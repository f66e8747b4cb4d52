//! How fast one partition's ports read and publish, against a real server on this machine: `cargo bench -p sagaline-broker`.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use sagaline_broker::{
    nats::{Hold, Installation, NatsPorts, boot, connect},
    ports::{Event, Message, Outcome, Ports},
};
use sagaline_server::{Finder, Server, ServerOptions};
use tokio_util::sync::CancellationToken;

const MESSAGES: u64 = 300_000;
/// About what an owner keeps in flight.
const IN_FLIGHT: u64 = 2048;

/// An input of the size that step results have.
fn input(number: u64) -> Message {
    let headers = vec![
        ("ce-specversion", "1.0".into()),
        ("ce-id", format!("order-{number}-result")),
        ("ce-source", "/sagaline/sagaline/executor".into()),
        ("ce-type", "sagaline.input.step_succeeded.v1".into()),
        ("ce-time", "2026-11-20T06:00:00.000000000Z".into()),
        ("ce-traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    ];
    let payload = format!(r#"{{"path":"charge","attempt":1,"output":{{"number":{number},"ok":true}},"worker":"w-1"}}"#);
    let subject = format!("sagaline.run.0.order-{number}.in");
    Message { subject, expected: None, msg_id: None, ttl: None, headers, payload: payload.into() }
}

async fn publish_all(ports: &mut NatsPorts) {
    let (mut sent, mut settled, mut events) = (0, 0, vec![]);
    while settled < MESSAGES {
        while sent < MESSAGES && sent - settled < IN_FLIGHT {
            ports.publish(sent, Arc::new(input(sent)));
            sent += 1;
        }
        ports.events(false, boot() + Duration::from_secs(10), &mut events).await;
        for event in events.drain(..) {
            assert!(matches!(event, Event::Settled(_, Outcome::Stored { .. })), "{event:?}");
            settled += 1;
        }
    }
}

async fn read_all(ports: &mut NatsPorts) -> Result<(), Box<dyn Error>> {
    ports.read_from(1).await?;
    let (mut last, mut events) = (0, vec![]);
    while last < MESSAGES {
        ports.events(true, boot() + Duration::from_secs(10), &mut events).await;
        for event in events.drain(..) {
            let Event::Entry(entry) = event else { panic!("{event:?}") };
            assert!(entry.sequence == last + 1 && entry.content.is_ok());
            last = entry.sequence;
        }
    }
    Ok(())
}

async fn round_trips(ports: &mut NatsPorts, count: u64) {
    let mut events = vec![];
    for number in MESSAGES..MESSAGES + count {
        ports.publish(number, Arc::new(input(number)));
        ports.events(false, boot() + Duration::from_secs(10), &mut events).await;
        assert_eq!(events.drain(..).count(), 1);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("throughput-{}", std::process::id()));
    let binary = Finder::from_env().find_or_install(|doing| println!("{doing}"))?;
    let mut server = Server::start(ServerOptions::new(binary, &folder)).await?;
    let connection = connect(&server.url(), "sagaline", "throughput").await?;
    Installation { partitions: 1, ..Installation::default() }.ensure(&connection).await?;
    let mut ports = NatsPorts::open(connection, 0, Hold::default(), CancellationToken::new()).await?;

    let per_second = |begun: Duration| (MESSAGES as f64 / (boot() - begun).as_secs_f64()) as u64;
    let begun = boot();
    publish_all(&mut ports).await;
    println!("published, {IN_FLIGHT} in flight: {} a second", per_second(begun));
    let begun = boot();
    read_all(&mut ports).await?;
    println!("read: {} entries a second", per_second(begun));
    let begun = boot();
    round_trips(&mut ports, 5000).await;
    println!("published one at a time: {:?} each", (boot() - begun) / 5000);

    server.stop().await;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
