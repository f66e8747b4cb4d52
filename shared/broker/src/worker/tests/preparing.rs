//! Before a task runs: what it refers to is fetched, and what is no task is set aside.

use sagaline_events::{Input, Task};
use serde_json::json;

use super::{
    super::{PayloadFault, Served, Stop},
    Cast, STORED, done,
    fake::{ACK_WAIT, Did, World, delivery, locked, task},
    serve_one, serving, succeeds,
};
use crate::ports::Outcome;

fn referring() -> Task {
    Task { input: json!({ "order": { "$ref": {} } }), ..task() }
}

#[tokio::test(start_paused = true)]
async fn an_activity_sees_what_its_input_refers_to() {
    let world = World::new();
    *locked(&world.payload) = Ok(json!({ "order": "large" }));
    serve_one(&world, succeeds(), &delivery(&world, &referring())).await;
    assert_eq!(world.did()[0], Did::Ran(json!({ "order": "large" })));
}

#[tokio::test(start_paused = true)]
async fn an_input_that_is_gone_fails_the_step_for_good() {
    let world = World::new();
    *locked(&world.payload) = Err(PayloadFault::Never("it expired".into()));
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &referring())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), failed.error.retryable), ("BadInput", false));
    assert!(!world.ran());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_waited_for() {
    let world = World::new();
    *locked(&world.payload) = Err(PayloadFault::Later("no answer".into()));
    let served = serving(&world, succeeds(), delivery(&world, &referring()), &Stop::default());
    tokio::time::sleep(ACK_WAIT * 3).await;
    assert!(!world.ran());
    *locked(&world.payload) = Ok(json!(8));
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    assert!(world.did().contains(&Did::Ran(json!(8))));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_task_is_set_aside_with_the_reason() {
    let task_of_another_type: Cast = |delivery| {
        delivery.content.as_mut().expect("content").kind = "order.created".into();
    };
    let bad_reply: Cast = |delivery| {
        let task = Task { reply: "a b".into(), ..task() };
        delivery.content.as_mut().expect("content").data = serde_json::to_vec(&task).expect("JSON").into();
    };
    let spoils: [(&str, Cast); 4] = [
        ("no CloudEvent", |delivery| delivery.content = Err("it is no CloudEvent".into())),
        ("order.created", task_of_another_type),
        ("its data is no task", |delivery| delivery.content.as_mut().expect("content").data = "{}".into()),
        ("`a b`", bad_reply),
    ];
    for (reason, spoil) in spoils {
        let world = World::new();
        world.stream_says([Outcome::Unknown("no answer".into()), STORED]);
        let mut delivery = delivery(&world, &task());
        spoil(&mut delivery);
        assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Rejected, "{reason}");
        let rejected = Did::Published("sagaline.rejected.bad_task".into(), "sagaline.rejected.v1".into());
        assert_eq!(world.did(), [rejected, done("ack.1")], "{reason}");
        let message = &world.messages()[0];
        let why = message.headers.iter().find(|(name, _)| *name == "Sagaline-Reason").map(|(_, why)| why.as_str());
        assert!(why.is_some_and(|why| why.contains(reason)), "{why:?}");
        assert_eq!((&message.payload, message.msg_id.is_some()), (&delivery.payload, true));
    }
}
