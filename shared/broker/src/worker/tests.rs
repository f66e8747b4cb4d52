//! The decisions of the task protocol, one by one, in virtual time.

mod answering;
mod asking;
mod claim;
mod elsewhere;
mod fake;
mod holding;
mod late;
mod limits;
mod preparing;
mod stopping;

use std::{sync::Arc, time::Duration};

use fake::{Did, Script, Scripted, World, delivery, task};
use sagaline_events::Input;
use serde_json::json;

use super::{Acknowledgement, Delivery, Ended, Served, Stop, serve};
use crate::ports::Outcome;

/// Makes something else of a delivery.
type Cast = fn(&mut Delivery);

const STORED: Outcome = Outcome::Stored { sequence: 1, duplicate: false };

fn ends(ended: Ended) -> Script {
    Script::Ends(ended, Duration::ZERO)
}

fn succeeds() -> Script {
    ends(Ended::Succeeded(json!({ "receipt": 1 })))
}

async fn serve_one(world: &Arc<World>, script: Script, delivery: &Delivery) -> Served {
    serve(&**world, &Scripted { world: world.clone(), script }, &Stop::default(), delivery).await
}

fn serving(world: &Arc<World>, script: Script, delivery: Delivery, stop: &Stop) -> tokio::task::JoinHandle<Served> {
    let (world, stop) = (world.clone(), stop.clone());
    tokio::spawn(async move {
        let host = Scripted { world: world.clone(), script };
        serve(&*world, &host, &stop, &delivery).await
    })
}

fn done(reply: &str) -> Did {
    Did::Told(Acknowledgement::Done, reply.into())
}

fn published(what: &str) -> Did {
    Did::Published("sagaline.run.0.order-1.in".into(), format!("sagaline.input.{what}.v1"))
}

fn copy(world: &World) -> Delivery {
    Delivery { delivered: 2, ..delivery(world, &task()) }
}

#[tokio::test(start_paused = true)]
async fn the_only_copy_runs_unasked_and_is_acknowledged_after_its_result() {
    let world = World::new();
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    assert_eq!(world.did(), [Did::Ran(json!(7)), published("step_succeeded"), done("ack.1")]);
    let [Input::StepSucceeded(result)] = &world.inputs()[..] else { panic!("one result") };
    assert_eq!((&result.output, result.worker.as_deref()), (&json!({ "receipt": 1 }), Some("worker-1")));
    let headers = &world.messages()[0].headers;
    assert!(headers.contains(&("ce-traceparent", "00-a-b-01".into())), "{headers:?}");
}
