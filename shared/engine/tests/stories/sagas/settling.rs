//! Those that were at work when it ended are waited for: what they did is undone too.

use sagaline_events::record::Status;
use serde_json::json;

use crate::{
    inputs::{began, claimed, failed, news, rollback, skipped, succeeded, undone},
    story::{Story, path, workflow},
};

const BOTH: &str = "
steps:
  a: { activity: one, compensate: un, timeout: 1m }
  b: { activity: two, compensate: deux }
  c: { activity: three }
";

fn failing() -> Story {
    workflow(BOTH).start().at("1s", began("a", 1)).at("2s", began("b", 1)).at("3s", failed("c", 1, "Busy"))
}

#[test]
fn it_is_undone_once_all_have_answered() {
    let story = failing()
        .gives(&["step.failed c#1 Busy", "revoke a#1", "step.cancelled a#1", "revoke b#1", "step.cancelled b#1"])
        .is(Status::Compensating)
        .timer_is_due("1m5s");
    let why = &story.why()[0];
    assert!(why.cause.contains("the steps `a` and `b` had begun"), "{}", why.cause);
    story
        .at("4s", claimed("b", 1, json!(1)))
        .gives_nothing()
        .at("5s", failed("a", 1, "Stopped"))
        .gives(&["undo of failed: b"])
        .at("6s", undone(&["b"]))
        .is(Status::RolledBack);
}

#[test]
fn who_does_not_answer_in_time_is_undone_without_knowing() {
    failing()
        .at("5s", skipped("b", 1))
        .gives_nothing()
        .timer()
        .gives(&["undo of failed: a?"])
        // It is asked for already.
        .at("70s", claimed("a", 1, json!(3)))
        .gives(&["late a#1 3"])
        .at("71s", failed("a", 1, "Busy"))
        .gives_nothing();
}

#[test]
fn it_fails_as_it_always_did_when_nobody_did_anything() {
    failing()
        .at("4s", failed("b", 1, "Stopped"))
        .at("5s", failed("a", 1, "Stopped"))
        .gives(&["workflow.failed Busy by c attempt 1 in 5s"])
        .fails_by("c", "Busy");
}

#[test]
fn nothing_else_begins_and_nobody_pauses_it_meanwhile() {
    use sagaline_events::{Input, input::Pause};
    failing()
        .at("4s", Input::Pause(Pause { reason: None }))
        .gives_nothing()
        .at("5s", succeeded("c", 1))
        .gives_nothing()
        .at("6s", rollback("now"))
        .gives_nothing()
        .is(Status::Compensating);
}

#[test]
fn what_waits_or_was_paused_waits_no_more() {
    use sagaline_events::{Input, input::Pause};
    workflow(BOTH)
        .start()
        .at("1s", began("a", 1))
        .at("2s", claimed("a", 1, json!(1)))
        .at("3s", Input::Pause(Pause { reason: None }))
        .at("4s", rollback("no"))
        .gives_also("workflow.resumed")
        .gives_also("undo of cancelled: a");
}

#[test]
fn a_request_that_nats_does_not_take_leaves_it_stuck_until_it_does() {
    use sagaline_events::{Input, SagaNews, SagaStatus};
    use sagaline_model::StepError;
    let refused = || {
        let error = StepError::new(StepError::SAGA_REFUSED, "too large").final_();
        Input::SagaNews(SagaNews { stuck: vec![(path("a"), error)], ..news(Some(SagaStatus::Stuck)) })
    };
    let nothing = || Input::SagaNews(news(None));
    let story = failing().at("5s", claimed("a", 1, json!(1))).at("6s", failed("b", 1, "Stopped"));
    let story = story.gives(&["undo of failed: a"]).then(refused()).gives(&["workflow.stuck a SagaRefused"]);
    let story = story.is(Status::Stuck).timer_is_due("1m6s");
    let why = &story.why()[0];
    assert_eq!((why.state.as_str(), why.until.is_some()), ("stuck", true));
    assert!(why.cause.ends_with("nothing is undone yet: too large"), "{}", why.cause);
    // It asks for it again, ever more rarely, and says so once.
    let story = story.timer().gives(&["ask saga"]).then(nothing()).gives(&["undo again of failed: a"]);
    let story = story.is(Status::Stuck).then(refused()).gives_nothing().is(Status::Stuck);
    let (due, _) = story.execution.next_timer().unwrap();
    assert!(story.execution.now + "3m".parse().unwrap() < due, "{due}");
    // Then it is taken.
    let story = story.timer().then(nothing()).then(Input::SagaNews(news(Some(SagaStatus::Running))));
    story.is(Status::Compensating).then(undone(&["a"])).is(Status::RolledBack);
}
