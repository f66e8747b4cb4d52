//! Timers that come before their time, or late, change nothing.

use sagaline_events::{Input, SagaInput, TimerKind, TimerName};
use sagaline_model::Span;

use crate::story::{Story, frame, step, unknown};

#[test]
fn a_timer_that_is_not_due_or_is_old_changes_nothing() {
    let mut story = Story::of(vec![step("a", &[])]);
    story.fails("a");
    let timer = |kind, attempt| SagaInput::Task(Input::Timer(TimerName::of_frame(kind, &frame("a").undo(1), attempt)));
    story.changes_nothing(timer(TimerKind::Retry, 1));
    story.passes(Span::from_secs(10));
    for (kind, attempt) in [(TimerKind::Retry, 7), (TimerKind::Snooze, 1), (TimerKind::StepTimeout, 1)] {
        story.changes_nothing(timer(kind, attempt));
    }
    story.input(timer(TimerKind::Retry, 1));
    assert_eq!(story.at_work(), ["a"]);
    story.changes_nothing(timer(TimerKind::Retry, 1));
}

#[test]
fn it_is_not_forgotten_before_its_time() {
    let mut story = Story::of(vec![unknown(step("a", &[]))]);
    let forget = || SagaInput::Task(Input::Timer(TimerName::of_execution(TimerKind::Forget)));
    story.changes_nothing(forget());
    story.done("a").changes_nothing(forget());
}
