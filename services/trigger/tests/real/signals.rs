//! Events that are told to executions.

use sagaline_broker::names::Stream;
use sagaline_events::{Input, input::Signal};
use sagaline_model::{EventTrigger, Trigger};
use serde_json::{Value, json};

use crate::common::{World, id};

fn paid() -> Trigger {
    let json = json!({
        "type": "payment.taken",
        "signal": {
            "name": "paid",
            "execution": "${ trigger.data.order }",
            "data": { "amount": "${ trigger.data.amount }" },
        },
    });
    Trigger::Event(serde_json::from_value(json).expect("a trigger"))
}

impl World {
    async fn count_starts_and_signals(&self) -> usize {
        let mut count = 0;
        for partition in 0..self.installed.partitions {
            count += self.stored(&self.names().runs(partition)).await.len();
        }
        count
    }

    /// The signals on all logs, with the execution that each is for.
    async fn signals(&self) -> Vec<(String, Signal)> {
        let mut signals = vec![];
        for partition in 0..self.installed.partitions {
            for message in self.stored(&self.names().runs(partition)).await {
                let (of, execution, end) = self.names().parse_run(&message.subject).expect("a subject of a log");
                let kind = message.headers.get("ce-type").expect("a type").as_str();
                match Input::read(kind, &message.payload).expect("an input") {
                    Input::Signal(signal) => {
                        assert_eq!((of, end), (partition, "in"));
                        signals.push((execution.to_owned(), signal));
                    }
                    other => assert!(matches!(other, Input::Start(_)), "{other:?}"),
                }
            }
        }
        signals.sort_by(|(one, _), (other, _)| one.cmp(other));
        signals
    }
}

#[tokio::test]
async fn an_event_is_a_signal_to_the_execution_that_it_names() {
    let world = World::new().await;
    world.apply("order", 1, vec![paid()]).await;
    let (one, other) = (world.trigger().await, world.trigger().await);
    for order in ["A-1", "A-2"] {
        let event = |id| world.publish("payment.taken", "/bank", id, json!({ "order": order, "amount": 5 }));
        // The same event twice, at the same time.
        tokio::join!(event(order), event(order));
    }
    world.settle().await;
    let told = |order: &str| {
        let signal = Signal { name: "paid".parse().expect("a name"), data: json!({ "amount": 5 }) };
        (order.to_owned(), signal)
    };
    assert_eq!(world.signals().await, [told("A-1"), told("A-2")]);
    let matched = world.told("matched").await;
    assert!(matched.iter().all(|data| data["signal"] == "paid" && data["workflow"] == "order"), "{matched:?}");
    assert_eq!(world.count_starts_and_signals().await, 2);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn one_workflow_may_start_and_be_told_by_the_same_event() {
    let world = World::new().await;
    let starts = Trigger::Event(EventTrigger::of("payment.*"));
    world.apply("order", 1, vec![paid(), starts]).await;
    let trigger = world.trigger().await;
    world.publish("payment.taken", "/bank", "1", json!({ "order": "A-1" })).await;
    world.settle().await;
    let signals = world.signals().await;
    assert_eq!(signals.iter().map(|(execution, _)| execution.as_str()).collect::<Vec<_>>(), ["A-1"]);
    assert_eq!(world.count_starts_and_signals().await, 2, "the signal and a start of {}", id("order", "/bank", "1"));
    trigger.stop().await;
}

/// The other trigger of the same workflow is not held up by it.
#[tokio::test]
async fn a_signal_to_nobody_is_set_aside() {
    let world = World::new().await;
    world.apply("order", 1, vec![paid(), Trigger::Event(EventTrigger::of("payment.taken"))]).await;
    let trigger = world.trigger().await;
    world.publish("payment.taken", "/bank", "1", Value::Null).await;
    world.settle().await;
    let rejected = world.stored(&world.names().stream(Stream::Rejected)).await;
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].subject.as_str(), "sagaline.rejected.trigger_fault");
    let why = rejected[0].headers.get("Sagaline-Reason").expect("a reason").as_str();
    assert_eq!(why, "the signal `paid` is for no execution: its id is null");
    assert_eq!(world.starts().await.into_keys().collect::<Vec<_>>(), [id("order", "/bank", "1")]);
    trigger.stop().await;
}
