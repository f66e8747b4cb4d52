//! Attempts that ran twice on purpose and ended differently: what is said of them.

use sagaline_sdk::client::{Client, LifecycleEvent, LifecycleFilter, Subscription, SubscriptionSettings};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    failure::Failure,
    output::{Output, Tone},
    words,
};

/// A person reads along, so few wait.
const BUFFER: usize = 1000;

/// What an event `step.differed` tells that is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    step: String,
    activity: String,
    first: String,
    second: String,
}

/// Hears of them, in whichever execution.
pub(crate) struct Differences {
    events: mpsc::Receiver<LifecycleEvent>,
    _subscription: Subscription,
}

impl Differences {
    pub(crate) async fn listen(client: &Client) -> Result<Self, Failure> {
        let filter = LifecycleFilter {
            kind: Some("step".to_owned()),
            what: Some("differed".to_owned()),
            ..LifecycleFilter::default()
        };
        let (sender, events) = mpsc::channel(BUFFER);
        let hand_on = move |event| {
            let sender = sender.clone();
            // Closed: nobody looks any more.
            async move { sender.send(event).await.unwrap_or_default() }
        };
        let settings = SubscriptionSettings { workers: 1, buffer: BUFFER };
        Ok(Self { events, _subscription: client.subscribe(&filter, settings, hand_on).await? })
    }

    /// Shows each as it comes. It ends only when nothing can be shown any more.
    pub(crate) async fn show(mut self, output: &Output) -> Result<(), Failure> {
        while let Some(event) = self.events.recv().await {
            if output.is_json() {
                let mut data: Value = event.read().unwrap_or(Value::Null);
                data["type"] = json!(format!("sagaline.{}.{}.v1", event.kind, event.what));
                output.json(&data)?;
            } else {
                let execution = output.paint(Tone::Strong, &event.execution);
                output.line(&format!("{execution}{}", line(&event, output)))?;
            }
        }
        Ok(())
    }
}

/// What one says.
pub(crate) fn line(event: &LifecycleEvent, output: &Output) -> String {
    let Told { step, activity, first, second } = event.read().unwrap_or_default();
    let (first, second) = (words::short(&first), words::short(&second));
    let sign = output.paint(Tone::Bad, "≠");
    format!("  {sign} {step:<14} differed   {activity} {first}; run again with the same idempotency key it {second}")
}
