//! A worker with one activity. Beside `sagaline dev`: `cargo run -p sagaline-sdk --example charge`.

use sagaline_sdk::worker::{ActivityContext, ActivityError, Worker};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

#[derive(Deserialize)]
struct ChargeInput {
    card: String,
    amount: u64,
}

#[derive(Serialize)]
struct ChargeOutput {
    receipt: String,
}

async fn charge(context: ActivityContext, input: ChargeInput) -> Result<ChargeOutput, ActivityError> {
    if input.card.is_empty() {
        return Err(ActivityError::new("CardDeclined", "there is no card").not_retryable());
    }
    // The same key for every attempt: whoever gets it can tell a second try from a second payment.
    tracing::info!(key = context.idempotency_key(), input.amount, "charging");
    Ok(ChargeOutput { receipt: format!("receipt-{}", context.idempotency_key()) })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    let url = std::env::var("SAGALINE_NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned());
    Worker::new(url).queue("default").concurrency(64).activity("payments.charge", charge).run(shutdown).await?;
    Ok(())
}
