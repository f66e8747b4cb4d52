//! What the owners of the partitions say of themselves.

use std::time::Duration;

use sagaline_sdk::client::Client;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::floor::Failure;

/// How often they are asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Asks every owner again and again until they have come `far_enough`. `subjects`: where those of each partition are asked.
pub(crate) async fn owners_have(
    client: &Client,
    subjects: &[String],
    within: Duration,
    far_enough: impl Fn(&[Value]) -> bool,
) -> Result<(), Failure> {
    let deadline = Instant::now() + within;
    loop {
        let mut partitions = vec![];
        for subject in subjects {
            // Nobody answers while nobody owns it.
            let asked = client.connection().client().request(subject.clone(), r#""partition""#.into());
            let Ok(answer) = asked.await else { continue };
            let mut answer: Value = serde_json::from_slice(&answer.payload)?;
            partitions.push(answer["partition"].take());
        }
        if partitions.len() == subjects.len() && far_enough(&partitions) {
            return Ok(());
        }
        if deadline <= Instant::now() {
            return Err(format!("the owners did not come that far within {within:?}: {partitions:?}").into());
        }
        sleep(ASK_EVERY).await;
    }
}

pub(crate) fn sum(partitions: &[Value], what: &str) -> u64 {
    partitions.iter().filter_map(|partition| partition[what].as_u64()).sum()
}
