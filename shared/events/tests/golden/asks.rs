//! Tasks, and what is asked about them and about executions.

use std::collections::BTreeMap;

use sagaline_events::{
    EntityKey, Task, Ticket,
    ask::{Answer, Ask, JobsAsked, Page, PartitionView, Reply, Why, WorkerOf},
    entity_view::{EntityPage, EntityState, EntityView},
    input::StepSnoozed,
    job::JobStatus,
    queue_tally::{QueueCounts, QueueTally},
};
use sagaline_model::{ActivityName, RateRule, Span, StepError};
use serde_json::json;

use crate::{
    file::{at, frame, id, is_promised, name},
    records::view,
};

#[test]
fn a_task_is_written_and_read_as_recorded() {
    let task = Task {
        workflow: name("order"),
        version: 3,
        execution: id("A-100"),
        path: frame("pay/charge"),
        attempt: 2,
        queue: name("default"),
        activity: ActivityName::new("payments.charge").unwrap(),
        input: json!({"amount": 59.9}),
        idempotency_key: "A-100/pay/charge".to_owned(),
        reply: "sagaline.run.0.A-100.in".to_owned(),
        ask: "sagaline.ask.0".to_owned(),
        cause: at("2026-01-01T00:00:00.000000001Z"),
        timeout: Some(Span::from_secs(30)),
        heartbeat: None,
        report: false,
        claim: false,
        begin_by: None,
        metadata: serde_json::Value::Null,
    };
    is_promised("task", &task);
    // These came later.
    is_promised(
        "task_limits",
        &Task { timeout: None, heartbeat: Some(Span::from_secs(10)), report: true, ..task.clone() },
    );
    is_promised("task_claim", &Task { report: true, claim: true, ..task.clone() });
    let begin_by = Some(at("2026-01-01T00:00:02Z"));
    is_promised("task_rated", &Task { timeout: None, begin_by, ..task });
    let (path, delay, reason) = (frame("pay/charge"), Span::ZERO, String::new());
    is_promised("late", &StepSnoozed { path, attempt: 2, delay, reason, worker: None, late: true });
}

#[test]
fn every_question_is_written_and_read_as_recorded() {
    let execution = || id("A-100");
    let (after, workflow) = (Some(id("A-099")), Some(name("order")));
    is_promised("ask/wanted", &Ask::Wanted { execution: execution(), path: frame("pay/charge"), attempt: 2 });
    is_promised("ask/get", &Ask::Get { execution: execution() });
    is_promised("ask/why", &Ask::Why { execution: execution() });
    let list = |tags, since, paged| Ask::List {
        status: vec!["running".to_owned()],
        workflow: workflow.clone(),
        tags,
        since,
        after: after.clone(),
        limit: 50,
        paged,
        jobs: None,
    };
    is_promised("ask/list", &list(BTreeMap::new(), None, false));
    let tags = BTreeMap::from([("region".to_owned(), Some("eu".to_owned())), ("urgent".to_owned(), None)]);
    is_promised("ask/list_page", &list(tags, Some(at("2026-01-01T00:00:00Z")), true));
    let jobs = JobsAsked {
        status: vec![JobStatus::Scheduled, JobStatus::Retrying],
        activity: Some("mails.send".parse().unwrap()),
        queue: Some(name("low")),
        activities: vec![],
    };
    let of_jobs = |asked: &JobsAsked| {
        let mut ask = list(BTreeMap::new(), None, true);
        let Ask::List { jobs, .. } = &mut ask else { unreachable!("it is a list") };
        *jobs = Some(Box::new(asked.clone()));
        ask
    };
    is_promised("ask/list_jobs", &of_jobs(&jobs));
    // These came later.
    let activities = vec!["mails.send".parse().unwrap(), "mails.sort".parse().unwrap()];
    is_promised("ask/list_jobs_of_several", &of_jobs(&JobsAsked { activity: None, activities, ..jobs }));
    is_promised("ask/partition", &Ask::Partition);
    is_promised("ask/query", &Ask::Query { execution: execution(), name: name("progress") });
    is_promised("ask/reply", &Ask::Reply { execution: execution(), id: "u-1".to_owned() });
    let entity = EntityKey::limit(&name("order"), Some("acme"));
    is_promised("ask/entity", &Ask::Entity { entity: entity.clone() });
    is_promised("ask/entities", &Ask::Entities { after: Some(entity), limit: 50 });
    is_promised("ask/queues", &Ask::Queues);
}

#[test]
fn every_answer_is_written_and_read_as_recorded() {
    let why = Why {
        step: Some(frame("approve")),
        state: "waiting".to_owned(),
        cause: "nobody has sent the signal `approved` yet".to_owned(),
        since: at("2026-01-01T00:00:00Z"),
        ends: "the signal comes".to_owned(),
        until: Some(at("2026-01-01T01:00:00Z")),
        command: "sagaline signal A-100 approved".to_owned(),
        worker_of: None,
    };
    let worker_of = Some(WorkerOf { queue: name("default"), activity: ActivityName::new("payments.charge").unwrap() });
    is_promised("answer/wanted", &Answer::Wanted(true));
    is_promised("answer/execution", &Answer::Execution(Box::new(view())));
    is_promised("answer/why", &Answer::Why(vec![why.clone(), Why { step: None, until: None, worker_of, ..why }]));
    is_promised("answer/executions", &Answer::Executions(vec![view()]));
    let partition = PartitionView {
        partition: 3,
        epoch: 7,
        live: true,
        applied: 1200,
        applied_at: at("2026-01-01T00:00:00.5Z"),
        checkpoint: 1100,
        open: 40,
        loaded: 12,
        in_flight: 2,
    };
    is_promised("answer/partition", &Answer::Partition(partition));
    is_promised("answer/page", &Answer::Page(Page { executions: vec![view()], next: Some(id("A-100")) }));
    is_promised("answer/unknown", &Answer::Unknown);
    is_promised("answer/value", &Answer::Value(json!({"done": 3, "of": 5})));
    is_promised("answer/reply", &Answer::Reply(Reply::Taken(json!({"limit": 15}))));
    let not_one = StepError::new(StepError::NOT_AN_APPROVER, "`eve` is none of those who may approve `review`: `ann`");
    is_promised("answer/reply_refused", &Answer::Reply(Reply::Refused(not_one.final_())));
    is_promised("answer/reply_kept", &Answer::Reply(Reply::Kept));
    is_promised(
        "answer/refused",
        &Answer::Refused(StepError::new("BadQuestion", "`get` needs an `execution`").final_()),
    );
}

#[test]
fn a_list_may_be_asked_for_without_a_filter() {
    let ask: Ask = serde_json::from_str(r#"{"list":{"limit":10}}"#).unwrap();
    assert_eq!(
        ask,
        Ask::List {
            status: vec![],
            workflow: None,
            tags: BTreeMap::new(),
            since: None,
            after: None,
            limit: 10,
            paged: false,
            jobs: None,
        }
    );
}

#[test]
fn what_is_seen_of_limits_and_breakers_is_written_and_read_as_recorded() {
    let ticket =
        |execution| Ticket { since: at("2026-01-01T00:00:00Z"), execution: id(execution), path: None, attempt: 0 };
    let entity = EntityKey::limit(&name("order"), None);
    let state = EntityState::Places {
        limit: 1,
        taken: 1,
        waiting: 1,
        held: vec![ticket("A-100")],
        line: vec![ticket("A-101")],
    };
    let places = EntityView { entity: entity.clone(), state };
    is_promised("answer/entity", &Answer::Entity(Box::new(places.clone())));
    let attempt = Ticket { path: Some(frame("pay")), attempt: 2, ..ticket("A-100") };
    let breaker = |state| EntityView { entity: EntityKey::breaker(&name("bank")), state };
    let entities = vec![
        breaker(EntityState::Closed { failures: 1, threshold: 5 }),
        breaker(EntityState::Open { until: at("2026-01-01T00:00:30Z") }),
        breaker(EntityState::HalfOpen { trying: vec![attempt], passed: 0, probes: 1 }),
        places.without_names(),
    ];
    is_promised("answer/entities", &Answer::Entities(EntityPage { entities, next: Some(entity) }));
    let holder = Ticket { since: at("2026-01-01T00:00:00Z"), execution: id("A-1"), path: None, attempt: 0 };
    let rule = RateRule { limit: 10, per: Span::from_secs(1), burst: None };
    let gates = [
        (EntityKey::rate(&name("bank"), None), EntityState::Rate { rule, next: at("2026-01-01T00:00:01Z") }),
        (EntityKey::unique("A-1"), EntityState::Unique { by: holder, until: at("2026-01-01T01:00:00Z") }),
    ];
    let gates: Vec<_> = gates.into_iter().map(|(entity, state)| EntityView { entity, state }).collect();
    is_promised("answer/gates", &Answer::Entities(EntityPage { entities: gates, next: None }));
    let counts = QueueCounts { completed: 41, retried: 2, dead: 1, ..QueueCounts::none(name("default")) };
    let tally = |counts| QueueTally { since: Some(at("2026-01-01T00:00:00Z")), queues: vec![counts] };
    is_promised("answer/queues", &Answer::Queues(tally(counts.clone())));
    let coming = QueueCounts { scheduled: 3, retry: 4, ..counts };
    is_promised("answer/queues_coming", &Answer::Queues(tally(coming)));
}
