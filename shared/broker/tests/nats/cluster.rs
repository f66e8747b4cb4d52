//! On three nodes, in every run: what only a cluster answers, and what goes on when leaders change and nodes die.

mod answers;
mod configurations;
mod connection;
mod durability;
mod lease;
mod losses;
mod reader;
mod replicas;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use sagaline_broker::{
    nats::{Connection, NatsPorts, boot},
    ports::{Event, Message, Outcome, Ports, Ticket},
};
use serde_json::{Value, json};

use crate::common::LONG;

/// Moves the leader of a stream to another node.
async fn step_down(connection: &Connection, what: &str) {
    let subject = format!("$JS.API.{what}");
    let answer = connection.client().request(subject, json!({}).to_string().into()).await;
    // A group that elects just now has nobody to step down.
    if let Ok(answer) = answer {
        let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
        assert!(answer["success"] == true || answer["error"].is_object(), "{answer}");
    }
}

/// Publishes as an owner does: whatever is not known to be stored is published again, until all of it is. `meanwhile` is told how
/// many are settled, and may do harm. Says how often a publish had to be repeated.
async fn store_as_an_owner(
    ports: &mut NatsPorts,
    messages: Vec<Message>,
    in_flight: usize,
    mut meanwhile: impl AsyncFnMut(usize),
) -> usize {
    let deadline = boot() + LONG;
    let messages: Vec<Arc<Message>> = messages.into_iter().map(Arc::new).collect();
    let mut waiting: VecDeque<usize> = (0..messages.len()).collect();
    let mut flying: VecDeque<Option<usize>> = VecDeque::new();
    let (mut first, mut settled, mut repeated): (Ticket, usize, usize) = (0, 0, 0);
    while settled < messages.len() {
        assert!(boot() < deadline, "only {settled} of {} are stored", messages.len());
        while flying.iter().flatten().count() < in_flight
            && let Some(index) = waiting.pop_front()
        {
            ports.publish(first + flying.len() as Ticket, messages[index].clone());
            flying.push_back(Some(index));
        }
        let mut events = vec![];
        ports.events(true, boot() + Duration::from_millis(100), &mut events).await;
        for event in events {
            let Event::Settled(ticket, outcome) = event else { continue };
            let index = flying[(ticket - first) as usize].take().expect("each settles once");
            match outcome {
                Outcome::Stored { .. } | Outcome::Conflict { .. } => settled += 1,
                Outcome::Contended | Outcome::Unknown(_) => {
                    repeated += 1;
                    waiting.push_back(index);
                }
                other => panic!("{other:?}"),
            }
        }
        while flying.front().is_some_and(Option::is_none) {
            flying.pop_front();
            first += 1;
        }
        meanwhile(settled).await;
    }
    repeated
}
