//! Rates, places and unique keys over many executions: what workers saw, not what the log says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt, stream};
use sagaline_events::{EntityKey, record::Status};
use sagaline_model::{ExecutionId, Name, RateRule, Span};
use sagaline_sdk::{
    client::fresh_id,
    worker::{ActivityContext, ActivityError, NewStep, Outcome},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Site, assert_completed, site};

/// What workers saw: who is inside, how many at most, and when each began.
#[derive(Default)]
struct Witness {
    inside: BTreeMap<String, usize>,
    most: BTreeMap<String, usize>,
    began: Vec<Duration>,
}

const GATED: &str = "
workflow: gated
steps:
  first:
    activity: gated.work
    queue: gated
    input: { key: '${ workflow.input.key }' }
    retry: { attempts: 5, initial: 10ms, jitter: false }
    limit: [{ limit: 3, name: gated, key: '${ workflow.input.key }' }, { limit: 5, name: gated_all }]
  then:
    after: first
    activity: gated.work
    queue: gated_other
    input: { key: '${ workflow.input.key }' }
    retry: { attempts: 5, initial: 10ms, jitter: false }
    limit: [{ limit: 3, name: gated, key: '${ workflow.input.key }' }, { limit: 5, name: gated_all }]
";

impl Site {
    async fn is_free(&self, entity: EntityKey) {
        eventually(&format!("nobody holds {entity}"), async || {
            self.client.limit(&entity).await.expect("an answer").is_none()
        })
        .await;
    }
}

/// Forty executions over two queues, each attempt of which fails now and then: never more are inside than there are places, of each
/// key and of all, and as many as may be are.
#[tokio::test]
async fn never_more_attempts_are_at_work_than_there_are_places() {
    let site = site().await;
    site.apply(GATED, "gated").await;
    let witness = Arc::new(Mutex::new(Witness::default()));
    let seen = witness.clone();
    let work = move |context: ActivityContext, input: Value| {
        let (witness, key) = (seen.clone(), input["key"].as_str().unwrap_or("?").to_owned());
        async move {
            for counted in [key.as_str(), "all"] {
                let mut seen = witness.lock().expect("nobody panics");
                let inside = *seen.inside.entry(counted.to_owned()).and_modify(|count| *count += 1).or_insert(1);
                let most = seen.most.entry(counted.to_owned()).or_default();
                *most = inside.max(*most);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            for counted in [key.as_str(), "all"] {
                witness.lock().expect("nobody panics").inside.entry(counted.to_owned()).and_modify(|count| *count -= 1);
            }
            match context.attempt() {
                1 if key == "red" => Err(ActivityError::new("Busy", "not the first time")),
                _ => Ok(Value::Null),
            }
        }
    };
    let equip = |worker: sagaline_sdk::worker::Worker| {
        worker.queue("gated").queue("gated_other").concurrency(50).activity("gated.work", work.clone())
    };
    let _workers = [site.worker("gated one", equip), site.worker("gated two", equip)];
    let mut executions = vec![];
    for number in 0..40 {
        let key = ["red", "blue", "green"][number % 3];
        executions.push(site.start("gated", json!({ "key": key })).await);
    }
    for execution in &executions {
        assert_completed(&site.end(execution).await);
    }
    let most = witness.lock().expect("nobody panics").most.clone();
    for (counted, most) in &most {
        assert!(*most <= if counted == "all" { 5 } else { 3 }, "{most} of `{counted}` were at work at once");
    }
    assert_eq!(most["all"], 5, "as many are at work as may: {most:?}");
    let name = |text: &str| Name::new(text).expect("a name");
    for key in ["red", "blue", "green"] {
        site.is_free(EntityKey::places(&name("gated"), Some(key))).await;
    }
    site.is_free(EntityKey::places(&name("gated_all"), None)).await;
}

const PACED: &str = "
workflow: paced
steps:
  a: { activity: paced.work, queue: paced, rate_limit: { limit: 20, per: 1s, name: paced } }
";

/// Thirty attempts at twenty a second. From its turn to its worker an attempt may take up to a second, so within a second at most
/// two seconds' worth of them begin; all of them take as long as the rate makes them.
#[tokio::test]
async fn attempts_begin_no_faster_than_their_rate() {
    let site = site().await;
    site.apply(PACED, "paced").await;
    let witness = Arc::new(Mutex::new(Witness::default()));
    let (seen, start) = (witness.clone(), std::time::Instant::now());
    let work = move |_: ActivityContext, _: Value| {
        seen.lock().expect("nobody panics").began.push(start.elapsed());
        async { Ok::<_, ActivityError>(Value::Null) }
    };
    let _worker = site.worker("paced", |worker| worker.queue("paced").concurrency(50).activity("paced.work", work));
    let mut executions = vec![];
    for _ in 0..30 {
        executions.push(site.start("paced", Value::Null).await);
    }
    for execution in &executions {
        assert_completed(&site.end(execution).await);
    }
    let mut began = witness.lock().expect("nobody panics").began.clone();
    began.sort();
    assert_eq!(began.len(), 30);
    let took = began[29] - began[0];
    assert!(Duration::from_millis(450) <= took, "thirty attempts at twenty a second took {took:?}");
    for (place, first) in began.iter().enumerate() {
        let within = began[place..].iter().take_while(|at| **at - *first < Duration::from_secs(1)).count();
        assert!(within <= 40, "{within} began within a second");
    }
}

#[tokio::test]
async fn of_a_thousand_that_want_one_key_at_once_exactly_one_runs() {
    let site = site().await;
    let yaml = "workflow: only_one\nunique: { key: 'one-${ workflow.input.of }', for: 1h, until: expiry }\nsteps: { a: { activity: noop } }\n";
    site.apply(yaml, "only_one").await;
    let of = ExecutionId::encoded(&format!("{:?}", std::time::SystemTime::now()));
    let executions = stream::iter(0..1000).map(|_| site.start("only_one", json!({ "of": of.as_str() }))).buffered(100);
    let executions: Vec<ExecutionId> = executions.collect().await;
    let views: Vec<_> = stream::iter(&executions).map(|execution| site.end(execution)).buffered(50).collect().await;
    let winners: Vec<_> = views.iter().filter(|view| view.status == Status::Completed).collect();
    assert_eq!(winners.len(), 1);
    let winner = winners[0].execution.to_string();
    for view in views.iter().filter(|view| view.status != Status::Completed) {
        assert_eq!(view.status, Status::Cancelled);
        let reason = view.reason.as_deref().unwrap_or_default();
        assert!(
            reason.starts_with("unique key `~unique:one-") && reason.ends_with(&format!("is held by `{winner}`")),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn steps_of_a_queue_pass_its_gates_from_when_they_are_applied() {
    let site = site().await;
    let yaml = "workflow: of_queue\nsteps: { a: { activity: echo, queue: limited }, b: { activity: echo } }\n";
    site.apply(yaml, "of_queue").await;
    let queue = Name::new("limited").expect("a name");
    let rule = RateRule { limit: 10, per: Span::from_secs(1), burst: None };
    let set =
        |settings: &mut sagaline_model::QueueSettings| (settings.rate, settings.concurrency) = (Some(rule), Some(4));
    let settings = site.client.set_queue(&queue, set).await.expect("set");
    for _ in 0..2 {
        site.apply(yaml, "of_queue").await;
    }
    let workflow = Name::new("of_queue").expect("a name");
    assert_eq!(site.client.newest_version(&workflow).await.expect("an answer"), Some(2), "twice is as once");
    let definition = site.client.definition(&workflow, 2).await.expect("an answer").expect("it is there");
    let gates = definition.plan.nodes().into_iter().map(|node| match &node.kind {
        sagaline_model::Kind::Step(step) => step.gates.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(gates.collect::<Vec<_>>(), [settings.gates(&queue), vec![]]);
}

/// `examples/partner_orders.yaml`, started three times for one day of a partner: one of them sends all its orders, no faster than it may.
#[tokio::test]
async fn orders_go_to_a_partner_once_and_no_faster_than_it_takes_them() {
    let site = site().await;
    site.apply(include_str!("../../../../examples/partner_orders.yaml"), "partner_orders").await;
    // As it is written, with a dot: another than one that is encoded like it.
    let partner = format!("a.b/{}", fresh_id());
    let orders: Vec<Value> = (0..30).map(|number| json!({ "number": number })).collect();
    let started = std::time::Instant::now();
    let mut executions = vec![];
    for _ in 0..3 {
        let input = json!({ "partner": partner, "day": "2026-11-21", "orders": orders });
        executions.push(site.start("partner_orders", input).await);
    }
    let views: Vec<_> = stream::iter(&executions).then(|execution| site.end(execution)).collect().await;
    let (sent, others): (Vec<_>, Vec<_>) = views.iter().partition(|view| view.status == Status::Completed);
    assert_eq!((sent.len(), others.len()), (1, 2), "{views:#?}");
    assert_eq!(sent[0].output, json!({ "sent": 30 }));
    let by = format!("is held by `{}`", sent[0].execution);
    assert!(
        others.iter().all(|view| view.reason.as_deref().is_some_and(|reason| reason.ends_with(&by))),
        "{others:#?}"
    );
    // Five at once, and twenty a second for the others.
    let took = started.elapsed();
    assert!(Duration::from_millis(1_200) <= took, "thirty orders took {took:?}");
}

const RETURNED: &str = "
workflow: returned
steps:
  plan: { activity: returned.plan, queue: returned, expand: { queues: [narrow_returned] } }
";

/// A step returns six others into a queue that lets one through at a time.
#[tokio::test]
async fn returned_steps_pass_the_gates_of_their_queue() {
    let site = site().await;
    let queue = Name::new("narrow_returned").expect("a name");
    // Its queues are there once it is applied; what is said of them counts from the next time on.
    site.apply(RETURNED, "returned").await;
    site.client.set_queue(&queue, |settings| settings.concurrency = Some(1)).await.expect("set");
    site.apply(RETURNED, "returned").await;
    let plan = |_: ActivityContext, _: Value| async {
        let steps =
            (0..6).map(|number| NewStep::new(format!("part_{number}"), "returned.part").queue("narrow_returned"));
        Ok::<_, ActivityError>(Outcome::<()>::expand(steps))
    };
    let witness = Arc::new(Mutex::new((0_usize, 0_usize)));
    let seen = witness.clone();
    let part = move |_: ActivityContext, _: Value| {
        let witness = seen.clone();
        async move {
            {
                let mut seen = witness.lock().expect("nobody panics");
                seen.0 += 1;
                seen.1 = seen.1.max(seen.0);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            witness.lock().expect("nobody panics").0 -= 1;
            Ok::<_, ActivityError>(Value::Null)
        }
    };
    let _worker = site.worker("returned", |worker| {
        let worker = worker.queue("returned").queue("narrow_returned").concurrency(50);
        worker.activity("returned.plan", plan).activity("returned.part", part)
    });
    assert_completed(&site.run("returned", Value::Null).await);
    assert_eq!(*witness.lock().expect("nobody panics"), (0, 1), "now, and at most");
}
