//! Executions of which so many run at once: waiting for a turn, getting it, and giving it back on every way out.

use sagaline_events::{
    EntityKey, EntityWord, Input, Parent, Says, Start, Ticket, TimerKind, TimerName,
    input::{DoneStep, Recalled, Resumption},
    record::{Status, StepStatus},
};
use sagaline_model::{ExecutionId, Moment, Name, Span};
use serde_json::json;

use crate::{
    inputs::{bound, cancel, failed, succeeded, unversioned, workflow_timeout},
    story::{BEGIN, Story, workflow},
};

const ONE: &str = "concurrency: 1\nsteps: { a: { activity: one } }";
const ASKED: [&str; 3] = ["workflow.started", "workflow.pending for ~limit:w", "~limit:w acquire of 1 Queue"];

fn says(says: Says) -> Input {
    of("~limit:w", says)
}

fn of(entity: &str, says: Says) -> Input {
    asked_at(BEGIN, entity, says)
}

fn asked_at(since: Moment, entity: &str, says: Says) -> Input {
    let entity = EntityKey::try_from(entity.to_owned()).unwrap();
    let ticket = Ticket { since, execution: ExecutionId::new("e").unwrap(), path: None, attempt: 0 };
    Input::Entity(EntityWord::new(entity, &ticket, says))
}

fn ask_again() -> Input {
    Input::Timer(TimerName::of_execution(TimerKind::AskAgain))
}

fn begun() -> Story {
    workflow(ONE).start().at("1s", says(Says::Granted)).gives(&["workflow.admitted", "step.started a#1", "task a#1"])
}

#[test]
fn it_waits_for_its_turn_and_gives_it_back_at_the_end() {
    workflow(ONE).start().gives(&ASKED).is(Status::Pending).timer_is_due("1m");
    begun().is(Status::Running).has_no_timer().at("5s", succeeded("a", 1)).gives_also("~limit:w release");
}

#[test]
fn workflows_may_share_a_pool_but_a_child_that_is_waited_for_needs_no_place_of_it() {
    let pooled = "concurrency: { limit: 3, pool: heavy }\nsteps: { a: { activity: one } }";
    workflow(pooled).start().gives_also("~pool:heavy acquire of 3 Queue").is(Status::Pending);
    let keyed =
        "concurrency: { limit: 3, pool: heavy, key: \"${ workflow.input.tenant }\" }\nsteps: { a: { activity: one } }";
    workflow(keyed).start_with(json!({"tenant": "acme"})).gives_also("~pool:heavy:acme acquire of 3 Queue");
    let child = |waits| {
        let parent = Parent { execution: ExecutionId::new("p").unwrap(), path: crate::story::path("run"), waits };
        Input::Start(Start { version: Some(1), parent: Some(parent), ..unversioned() })
    };
    workflow(pooled).at("0s", child(true)).is(Status::Running);
    workflow(pooled).at("0s", child(false)).is(Status::Pending);
    // Places of its own workflow it waits for all the same.
    workflow(ONE).at("0s", child(true)).is(Status::Pending);
}

#[test]
fn every_way_out_gives_the_turn_back() {
    begun().at("5s", failed("a", 1, "Broken")).gives_also("~limit:w release").is(Status::Failed);
    begun().at("5s", cancel("no")).gives_also("~limit:w release").is(Status::Cancelled);
    workflow("concurrency: 1\ntimeout: 10s\nsteps: { a: { activity: one } }")
        .start()
        .at("1s", says(Says::Granted))
        .at("10s", workflow_timeout())
        .gives_also("~limit:w release")
        .is(Status::TimedOut);
    begun().forget_definition().at("2s", succeeded("a", 1)).at("3s", cancel("parked")).gives_also("~limit:w release");
}

#[test]
fn what_handles_the_end_has_the_turn_still() {
    workflow("concurrency: 1\nsteps: { a: { activity: one } }\non_success: { activity: two }")
        .start()
        .at("1s", says(Says::Granted))
        .at("2s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 1s", "step.started on_success#1", "task on_success#1"])
        .at("3s", succeeded("on_success", 1))
        .gives(&["step.completed on_success#1 in 1s", "workflow.completed in 3s", "~limit:w release"]);
}

#[test]
fn who_is_cancelled_or_out_of_time_while_it_waits_leaves_the_queue() {
    workflow(ONE)
        .start()
        .at("1s", cancel("no"))
        .gives(&["~limit:w release", "workflow.cancelled no in 1s"])
        .is(Status::Cancelled)
        // The turn came all the same, just then.
        .at("2s", says(Says::Granted))
        .gives(&["~limit:w release"]);
    workflow("concurrency: 1\ntimeout: 10s\nsteps: { a: { activity: one } }\non_failure: { activity: two }")
        .start()
        .at("10s", workflow_timeout())
        .gives(&["~limit:w release", "step.started on_failure#1", "task on_failure#1"])
        .has_no_timer()
        .at("11s", says(Says::Granted))
        .gives(&["~limit:w release"])
        .at("12s", says(Says::GiveUp { to: ExecutionId::new("f").unwrap() }))
        .gives(&["~limit:w release"])
        .at("13s", succeeded("on_failure", 1))
        .gives(&["step.completed on_failure#1 in 3s", "workflow.timed_out in 13s"]);
}

#[test]
fn who_was_refused_ends_without_having_done_anything() {
    let told = workflow(
        "concurrency: { limit: 3, on_limit: skip }\nsteps: { a: { activity: one } }\non_cancel: { activity: two }",
    )
    .start()
    .gives_also("~limit:w acquire of 3 Skip")
    .at("1s", says(Says::Refused { limit: 3 }))
    .gives(&["workflow.cancelled 3 of `~limit:w` were at work already, which is the limit in 1s", "~limit:w release"]);
    assert_eq!(told.view().reason.as_deref(), Some("3 of `~limit:w` were at work already, which is the limit"));
}

#[test]
fn who_is_told_to_gives_up_its_turn_to_a_newcomer() {
    let newcomer = Says::GiveUp { to: ExecutionId::new("f").unwrap() };
    let told = workflow("concurrency: { limit: 1, on_limit: cancel_old }\nsteps: { a: { activity: one } }")
        .start()
        .gives_also("~limit:w acquire of 1 CancelOld")
        .at("1s", says(Says::Granted))
        .at("2s", says(newcomer.clone()))
        .gives(&[
            "revoke a#1",
            "step.cancelled a#1",
            "workflow.cancelled `f` took its place in `~limit:w` in 2s",
            "~limit:w release",
        ]);
    assert_eq!(told.view().reason.as_deref(), Some("`f` took its place in `~limit:w`"));
    // Also while it waits: whoever came later has the better right.
    workflow(ONE).start().at("1s", says(newcomer)).is(Status::Cancelled);
}

#[test]
fn what_comes_twice_or_too_late_changes_nothing() {
    begun().at("2s", says(Says::Granted)).gives_nothing().at("3s", says(Says::Refused { limit: 1 })).gives_nothing();
    begun().at("2s", says(Says::StillThere)).gives_nothing().at("1h", ask_again()).gives_nothing();
    begun()
        .at("5s", succeeded("a", 1))
        .at("6s", says(Says::StillThere))
        .gives(&["~limit:w release"])
        .at("7s", says(Says::Refused { limit: 1 }))
        .gives_nothing();
}

#[test]
fn a_turn_that_is_not_its_own_it_does_not_keep() {
    begun().at("2s", of("~limit:other", Says::Granted)).gives(&["~limit:other release"]);
    // An execution of which nothing is known: its log may have been lost with its start.
    workflow(ONE).at("0s", says(Says::Granted)).gives(&["~limit:w release"]);
}

#[test]
fn while_nothing_is_heard_it_asks_again_more_and_more_seldom() {
    let mut story = workflow(ONE).start();
    let mut dues = vec![];
    for _ in 0..8 {
        story = story.timer().gives(&["~limit:w acquire of 1 Queue"]);
        dues.push(story.execution.now.since(BEGIN).to_string());
    }
    assert_eq!(dues, ["1m", "3m", "7m", "15m", "31m", "1h3m", "2h7m", "3h11m"]);
    story.at("4h", says(Says::Granted)).gives_also("task a#1");
}

#[test]
fn executions_are_counted_by_their_key() {
    let keyed = "concurrency: { limit: 2, key: '${ workflow.input.tenant }' }\nsteps: { a: { activity: one } }";
    workflow(keyed).start_with(json!({"tenant": "acme.org"})).gives_also("~limit:w:acme_2eorg acquire of 2 Queue");
    workflow(keyed).start_with(json!({"tenant": 7})).gives_also("~limit:w:7 acquire of 2 Queue");
    // Whoever has none is counted with those that have none.
    workflow(keyed).start().gives_also("~limit:w:null acquire of 2 Queue");
    let broken = "concurrency: { limit: 2, key: '${ 1 / workflow.input.n }' }\nsteps: { a: { activity: one } }";
    let told = workflow(broken).start_with(json!({"n": 0})).is(Status::Failed);
    assert_eq!(told.view().error.unwrap().kind, "ExpressionError");
}

#[test]
fn a_pause_holds_it_even_when_its_turn_has_come() {
    use sagaline_events::input::{Pause, Resume};
    workflow(ONE)
        .start()
        .at("1s", Input::Pause(Pause { reason: None }))
        .is(Status::Paused)
        .at("2s", says(Says::Granted))
        .gives(&["workflow.admitted"])
        .at("3s", Input::Resume(Resume { context: Default::default() }))
        .gives(&["workflow.resumed", "step.started a#1", "task a#1"]);
}

#[test]
fn a_signal_is_kept_while_it_waits_for_its_turn() {
    workflow("concurrency: 1\nsteps: { a: { await: go } }")
        .start()
        .at("1s", crate::inputs::signal("go", json!(1)))
        .at("2s", says(Says::Granted))
        .gives_also("workflow.completed in 2s")
        .is(Status::Completed);
}

#[test]
fn why_says_for_what_it_waits() {
    let why = workflow(ONE).start().why();
    assert_eq!((why[0].state.as_str(), why[0].command.as_str()), ("pending", "sagaline cancel e"));
    assert!(why[0].cause.contains("`~limit:w`"), "{why:?}");
    assert_eq!(why.len(), 1);
}

/// Where it failed before it has no place any more: it waits for one as if it were new.
#[test]
fn what_goes_on_where_another_failed_waits_for_a_turn_of_its_own() {
    let keys = "concurrency: 1\nsteps: { a: { activity: one }, b: { after: a, activity: two, input: '${ steps.a.output.n + ctx.n }' } }";
    let goes_on = || {
        let name = |text| Name::new(text).unwrap();
        let done = [(name("a"), DoneStep { output: json!({"n": 2}), skipped: false })].into();
        let of = Some(ExecutionId::new("first").unwrap());
        let resume = Resumption { of, done, ctx: [("n".to_owned(), json!(3))].into_iter().collect() };
        let start = Start { version: Some(1), resume: Some(Box::new(resume)), ..unversioned() };
        workflow(keys).at("0s", Input::Start(start)).gives(&ASKED).is(Status::Pending)
    };
    let admitted = goes_on()
        .timer()
        .gives(&["~limit:w acquire of 1 Queue"])
        .at("90s", says(Says::Granted))
        .gives(&["workflow.admitted", "step.started b#1", "task b#1"])
        .step("a", StepStatus::Completed);
    let task = admitted.task("b");
    assert_eq!((task.input, task.origin), (json!(5), Some(ExecutionId::new("first").unwrap())));
    admitted.at("2m", succeeded("b", 1)).gives_also("~limit:w release").is(Status::Completed);
    // Who does not wait any more leaves the queue.
    goes_on()
        .at("1s", cancel("no"))
        .gives(&["~limit:w release", "workflow.cancelled no in 1s"])
        .at("2s", says(Says::Granted))
        .gives(&["~limit:w release"]);
}

/// Nothing is asked for before it is known that it did not begin before, and then under the time of that.
#[test]
fn a_start_that_may_be_a_second_one_asks_for_a_turn_only_when_it_is_the_first() {
    let later = BEGIN + Span::from_secs(2);
    let again = || {
        let start = Start { version: Some(1), again: true, ..unversioned() };
        workflow(ONE).at("0s", Input::Start(start)).gives(&["recall"]).is(Status::Pending)
    };
    let asked = || {
        again()
            .at("1s", Input::Recalled(Recalled::default()))
            .gives(&["bind w version 1"])
            .at("2s", bound(1))
            .gives(&ASKED)
            .is(Status::Pending)
    };
    asked()
        .at("3s", asked_at(later, "~limit:w", Says::Granted))
        .gives(&["workflow.admitted", "step.started a#1", "task a#1"])
        .at("4s", succeeded("a", 1))
        .gives_also("~limit:w release");
    // What was granted to the one before it is no place of this one.
    asked().at("3s", says(Says::Granted)).gives(&["~limit:w release"]).is(Status::Pending);
    // One that waits and is started once more does not ask twice.
    let once_more = Start { version: Some(1), again: true, ..unversioned() };
    asked().at("3s", Input::Start(once_more)).gives_nothing().is(Status::Pending);
}
