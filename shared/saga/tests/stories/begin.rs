//! How a saga begins, once.

use sagaline_events::{Happening, SagaInput, SagaNews, SagaStatus, saga::SagaAsked};
use sagaline_model::{Moment, Span};
use sagaline_saga::Effect;

use crate::story::{Story, frame, joint, request, step, unknown};

#[test]
fn a_saga_tells_that_it_began_and_hands_over_what_is_undone_first() {
    let story = Story::of(vec![step("a", &[1]), step("b", &[])]);
    assert_eq!(story.happened(), [&Happening::SagaStarted { steps: 2 }]);
    assert_eq!(story.at_work(), ["b"]);
    assert_eq!(story.statuses_told(), [SagaStatus::Running]);
    let task = story.dispatched()[0];
    assert_eq!((task.path.as_str(), task.attempt, task.idempotency_key.as_str()), ("b/~undo", 1, "A-1/b/~undo"));
}

#[test]
fn who_asks_twice_gets_one_saga() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.changes_nothing(SagaInput::Request(request(vec![step("a", &[])])));
    story.done("a");
    story.changes_nothing(SagaInput::Request(request(vec![step("a", &[])])));
}

#[test]
fn a_request_of_what_is_over_and_forgotten_is_answered_from_its_record() {
    let mut ended = Story::of(vec![step("a", &[])]);
    let record = ended.done("a").saga.view().unwrap();
    assert!(ended.saga.is_over());
    let told = |began| sagaline_saga::told_by(record.clone(), began);
    assert_eq!(told(Some(Moment::from_millis(999))), None, "it is of an older execution of the same id");

    let mut story = Story::unasked();
    story.input(SagaInput::Request(request(vec![step("a", &[])])));
    story.recalled(told(Some(Moment::from_millis(500))));
    assert_eq!(story.effects, [Effect::News(ended.last_news().clone())]);
    assert!(story.saga.is_blank(story.now));
}

#[test]
fn an_answer_about_its_record_counts_only_while_it_is_waited_for() {
    let mut story = Story::unasked();
    story.input(SagaInput::Request(request(vec![step("a", &[])])));
    let since = story.now;
    story.recalled(None).done("a");
    story.passes(Span::from_secs(9));
    let mut other = Story::unasked();
    other.now = story.now;
    other.input(SagaInput::Request(request(vec![step("a", &[])])));
    let old = sagaline_events::saga::SagaRecalled { since, ended: None };
    other.changes_nothing(SagaInput::Recalled(old.clone()));
    story.changes_nothing(SagaInput::Recalled(old));
}

#[test]
fn an_execution_that_asks_for_what_nobody_knows_is_told_so_and_may_ask_for_it_then() {
    let mut story = Story::unasked();
    story.asked();
    assert_eq!(story.effects, [Effect::Recall]);
    story.changes_nothing(SagaInput::Asked(SagaAsked::default()));
    story.recalled(None);
    assert_eq!(story.told, [SagaNews::nothing()]);
    assert!(story.saga.is_blank(story.now));
    story.input(SagaInput::Request(request(vec![step("a", &[])]))).recalled(None);
    assert_eq!(story.at_work(), ["a"]);
}

#[test]
fn a_request_that_comes_while_its_execution_asks_is_not_lost() {
    let mut story = Story::unasked();
    story.asked().input(SagaInput::Request(request(vec![step("a", &[])]))).recalled(None);
    assert_eq!(story.at_work(), ["a"]);
}

#[test]
fn an_execution_that_asks_is_told_how_it_stands() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.asked();
    assert_eq!(story.last_news().status, Some(SagaStatus::Running));
    story.done("a");
    story.asked();
    assert_eq!((story.last_news().status, story.last_news().compensated.len()), (Some(SagaStatus::Completed), 1));
}

#[test]
fn nothing_to_undo_is_over_at_once() {
    for steps in [vec![], vec![joint("a", &[]), joint("b", &[0])]] {
        let story = Story::of(steps);
        assert_eq!((story.status(), story.statuses_told()), (SagaStatus::Completed, vec![SagaStatus::Completed]));
        assert!(story.saga.is_over());
    }
}

#[test]
fn what_cannot_be_done_in_any_order_is_rejected() {
    let circle = vec![step("a", &[1]), step("b", &[0])];
    let beyond = vec![step("a", &[7])];
    let twice = vec![step("a", &[]), step("a", &[])];
    let undo = vec![sagaline_events::UndoStep { path: frame("a").undo(1), ..step("a", &[]) }];
    for steps in [circle, beyond, twice, undo] {
        let mut story = Story::unasked();
        story.input(SagaInput::Request(request(steps)));
        assert!(matches!(story.effects.as_slice(), [Effect::Reject { reason: "bad_saga", .. }]), "{:?}", story.effects);
        assert!(story.saga.is_blank(story.now));
    }
}

#[test]
fn an_id_that_is_another_execution_s_now_begins_anew() {
    let mut story = Story::of(vec![unknown(step("a", &[]))]);
    story.done("a");
    assert!(!story.saga.is_over(), "it may hear of a late success");
    let mut newer = request(vec![step("b", &[])]);
    newer.began = Moment::from_millis(900);
    story.input(SagaInput::Request(newer));
    assert_eq!(story.at_work(), ["b"]);
}
