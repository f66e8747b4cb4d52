//! Queues and events: whether what waits finds somebody to take it.

use sagaline_sdk::client::{ConsumerFacts, Inspection, QueueFacts, Served, Unserved};

use super::{
    super::finding::{Finding, count, counted},
    or_ok,
};
use crate::words;

/// From here on the workers of an activity are about to get no more, however many there are.
const HELD_NEAR_PERCENT: u64 = 90;

pub(super) fn queues(facts: &Inspection) -> Vec<Finding> {
    let findings = facts.queues.iter().flat_map(|queue| of_queue(queue, facts)).collect();
    or_ok(findings, || {
        let tasks = facts.queues.iter().map(|queue| queue.tasks).sum();
        let number = count(facts.queues.len() as u64, "queue");
        Finding::ok("queues", format!("{number} with {}, each activity with workers", count(tasks, "task")))
    })
}

fn of_queue(queue: &QueueFacts, facts: &Inspection) -> Vec<Finding> {
    let Some(consumers) = &queue.consumers else {
        let todo = "has its stream a leader? Then look again";
        return vec![Finding::not_ok("queues", "JetStream does not say who serves it", todo).of(queue_name(queue))];
    };
    let applied = |activity: &str| {
        facts.work.activities.iter().any(|(of, known)| *of == queue.queue && known.as_str() == activity)
    };
    let served = consumers.iter().flat_map(|consumer| {
        let activity = consumer.activity();
        let thing = format!("{} activity `{activity}`", queue_name(queue));
        let finding = deserted(consumer, &activity, queue.queue.as_str(), applied(&activity));
        finding.into_iter().chain(of_consumer(consumer, queue.queue.as_str())).map(move |finding| finding.of(&thing))
    });
    let never = queue.unserved.iter().map(|unserved| never_served(unserved, queue));
    served.chain(never).collect()
}

fn queue_name(queue: &QueueFacts) -> String {
    format!("queue `{}`", queue.queue)
}

fn start_a_worker(queue: &str, activity: &str) -> String {
    format!(
        "start a worker that has `{activity}` and serves `{queue}`; for the activities that come with Sagaline: \
         `sagaline-executor --queue {queue}`"
    )
}

fn never_served(unserved: &Unserved, queue: &QueueFacts) -> Finding {
    let todo = start_a_worker(queue.queue.as_str(), unserved.activity.as_str());
    let finding = match unserved.since {
        Some(since) => {
            let says = format!("tasks have waited since {}, and no worker has ever served this", words::time(since));
            Finding::not_ok("queues", says, todo)
        }
        None => Finding::hint("queues", "a workflow needs it, and no worker has ever served it", todo),
    };
    finding.of(format!("{} activity `{}`", queue_name(queue), unserved.activity))
}

/// Nobody is there. An activity that no definition names any more may be left alone.
fn deserted(consumer: &ConsumerFacts, activity: &str, queue: &str, applied: bool) -> Option<Finding> {
    if !consumer.is_deserted() {
        return None;
    }
    let todo = start_a_worker(queue, activity);
    if 0 < consumer.waiting {
        let verb = if consumer.waiting == 1 { "waits" } else { "wait" };
        let says = format!("{} {verb}, and no worker is there", count(consumer.waiting, "task"));
        return Some(Finding::not_ok("queues", says, todo));
    }
    applied.then(|| Finding::hint("queues", "no worker is there; nothing waits for one at this time", todo))
}

fn of_consumer(consumer: &ConsumerFacts, queue: &str) -> Vec<Finding> {
    let ConsumerFacts { waiting, held, redelivered, requests, moves, .. } = *consumer;
    let mut findings = vec![];
    let mut say = |finding: Finding| findings.push(finding);
    if consumer.leaderless {
        let todo = "see that more than half of the nodes run; a new leader is there a few seconds after that";
        say(Finding::not_ok("queues", "its consumer has no leader: nothing is handed out", todo));
    }
    if consumer.paused {
        say(Finding::not_ok(
            "queues",
            "its consumer is paused: nothing is handed out",
            format!("somebody paused it: `sagaline queues resume {queue}` goes on"),
        ));
    }
    if let Some(most) = consumer.deliveries_max {
        let says = format!(
            "its consumer gives a task up after {}: executions would wait for ever",
            counted(most, "delivery", "deliveries")
        );
        say(Finding::not_ok("queues", says, "remove the consumer (`nats consumer rm`); a worker makes it anew"));
    }
    if let Some(most) = consumer.held_max
        && HELD_NEAR_PERCENT <= words::percent(held, most)
    {
        let says = format!("workers hold {held} tasks of the {most} that they may hold together; {waiting} more wait");
        say(Finding::not_ok("queues", says, "raise `max_ack_pending` of this consumer (`nats consumer edit`)"));
    }
    if 0 < waiting && requests == 0 && 0 < held && !moves {
        let says = format!(
            "{waiting} wait and {held} are held, and no worker asks for more: all are busy with long tasks, or they died just now"
        );
        say(Finding::hint("queues", says, "start more workers; the tasks of dead ones come again within five seconds"));
    }
    if 0 < redelivered {
        let says = format!("{} handed out more than once", counted(redelivered, "task was", "tasks were"));
        say(Finding::hint(
            "queues",
            says,
            "their workers died, or gave no sign of life for 4 s; again and again: see the workers' logs and memory",
        ));
    }
    findings
}

pub(super) fn events(facts: &Inspection) -> Vec<Finding> {
    let todo = "start `sagaline-trigger`; nothing is lost meanwhile";
    let finding = match &facts.intake {
        Served::By(intake) if intake.is_deserted() && 0 < intake.waiting => {
            Finding::not_ok("events", format!("{} and no trigger takes them", waits(intake.waiting)), todo)
        }
        Served::By(intake) if intake.is_deserted() && facts.work.events_start => {
            Finding::hint("events", "no trigger runs; events start nothing at this time", todo)
        }
        Served::Never if facts.work.events_start => {
            Finding::hint("events", "workflows are started by events, and no trigger has ever run here", todo)
        }
        Served::Unknown => Finding::not_ok(
            "events",
            "JetStream does not say whether a trigger takes them",
            "has the stream `EVENTS` a leader? Then look again",
        ),
        Served::By(intake) if intake.waiting + intake.held == 0 => {
            Finding::ok("events", "a trigger runs; no event waits")
        }
        Served::By(intake) => {
            Finding::ok("events", format!("{}, {} being handled", waits(intake.waiting), intake.held))
        }
        Served::Never => Finding::ok("events", "no workflow is started by events"),
    };
    vec![finding]
}

fn waits(events: u64) -> String {
    if events == 1 { "1 event waits".to_owned() } else { format!("{events} events wait") }
}

#[cfg(test)]
mod tests {
    use sagaline_model::{ActivityName, Moment};

    use super::{
        super::{super::finding::Verdict, facts::healthy},
        *,
    };

    /// What is said of the queue when the consumer of `orders.pack` is another.
    fn with(change: impl FnOnce(&mut ConsumerFacts)) -> Vec<Finding> {
        let mut facts = healthy();
        change(&mut facts.queues[0].consumers.as_mut().expect("consumers")[0]);
        queues(&facts)
    }

    fn verdict(change: impl FnOnce(&mut ConsumerFacts)) -> Verdict {
        with(change)[0].verdict
    }

    #[test]
    fn workers_that_wait_for_tasks_are_fine_and_so_are_busy_ones() {
        assert_eq!(verdict(|_| {}), Verdict::Ok);
        assert_eq!(verdict(|consumer| (consumer.requests, consumer.held) = (0, 64)), Verdict::Ok);
        assert_eq!(
            verdict(|consumer| (consumer.waiting, consumer.requests, consumer.moves) = (9, 0, true)),
            Verdict::Ok
        );
    }

    #[test]
    fn tasks_without_a_worker_are_not_ok_and_name_queue_and_activity() {
        let findings = with(|consumer| (consumer.waiting, consumer.requests) = (3, 0));
        assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::NotOk));
        assert_eq!(findings[0].thing.as_deref(), Some("queue `default` activity `orders.pack`"));
        assert_eq!(findings[0].says, "3 tasks wait, and no worker is there");
        assert!(findings[0].todo.as_ref().is_some_and(|todo| todo.contains("--queue default")));
    }

    #[test]
    fn an_activity_without_workers_and_tasks_is_a_hint_while_a_workflow_names_it() {
        assert_eq!(verdict(|consumer| consumer.requests = 0), Verdict::Hint);
        let left_over = |consumer: &mut ConsumerFacts| (consumer.requests, consumer.name) = (0, "old".into());
        assert_eq!(verdict(left_over), Verdict::Ok);
    }

    #[test]
    fn an_activity_that_was_never_served_is_not_ok_once_a_task_waits() {
        let of = |since| {
            let mut facts = healthy();
            let activity = ActivityName::new("mail.send").expect("a name");
            facts.queues[0].unserved = vec![Unserved { activity, since }];
            queues(&facts).remove(0)
        };
        assert_eq!(of(None).verdict, Verdict::Hint);
        assert_eq!(of(Some(Moment::EPOCH)).verdict, Verdict::NotOk);
        assert_eq!(of(None).thing.as_deref(), Some("queue `default` activity `mail.send`"));
    }

    #[test]
    fn whatever_keeps_tasks_from_workers_is_not_ok() {
        assert_eq!(verdict(|consumer| consumer.paused = true), Verdict::NotOk);
        assert_eq!(verdict(|consumer| consumer.leaderless = true), Verdict::NotOk);
        assert_eq!(verdict(|consumer| consumer.deliveries_max = Some(5)), Verdict::NotOk);
        assert_eq!(verdict(|consumer| consumer.held = 9_500), Verdict::NotOk);
        let mut facts = healthy();
        facts.queues[0].consumers = None;
        assert_eq!(queues(&facts)[0].verdict, Verdict::NotOk);
    }

    #[test]
    fn what_may_be_wrong_is_a_hint() {
        assert_eq!(verdict(|consumer| (consumer.waiting, consumer.requests, consumer.held) = (3, 0, 5)), Verdict::Hint);
        let findings = with(|consumer| consumer.redelivered = 2);
        assert_eq!(
            (findings[0].verdict, findings[0].says.as_str()),
            (Verdict::Hint, "2 tasks were handed out more than once")
        );
    }

    #[test]
    fn events_that_wait_for_a_trigger_are_not_ok() {
        let of = |intake: Served, events_start: bool| {
            let mut facts = healthy();
            (facts.intake, facts.work.events_start) = (intake, events_start);
            events(&facts).remove(0)
        };
        let deserted = |waiting| Served::By(ConsumerFacts { waiting, ..ConsumerFacts::default() });
        assert_eq!(of(deserted(2), true).says, "2 events wait and no trigger takes them");
        assert_eq!(of(deserted(2), true).verdict, Verdict::NotOk);
        assert_eq!(of(deserted(0), true).verdict, Verdict::Hint);
        assert_eq!(of(deserted(0), false).verdict, Verdict::Ok);
        assert_eq!(of(Served::Never, true).verdict, Verdict::Hint);
        assert_eq!(of(Served::Never, false).verdict, Verdict::Ok);
        assert_eq!(of(Served::Unknown, false).verdict, Verdict::NotOk);
    }
}
