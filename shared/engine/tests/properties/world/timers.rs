//! Timers: that one is due, or another comes that is not.

use sagaline_events::{Input, TimerKind, TimerName};

use super::World;

impl World<'_> {
    pub(super) fn due(&mut self) -> Option<Input> {
        let (due, timer) = self.execution.next_timer()?;
        let timer = timer.clone();
        self.clock = self.clock.max(due);
        Some(Input::Timer(timer))
    }

    /// A timer that is armed but not due, or was, or never will be.
    pub(super) fn any_timer(&mut self) -> Input {
        let kinds = [
            TimerKind::WorkflowTimeout,
            TimerKind::StepTimeout,
            TimerKind::Retry,
            TimerKind::Wait,
            TimerKind::AwaitTimeout,
            TimerKind::ScheduleTimeout,
            TimerKind::TotalTimeout,
            TimerKind::Snooze,
            TimerKind::ChildTimeout,
            TimerKind::ChildLook,
            TimerKind::WorkflowRetry,
            TimerKind::Cleanup,
            TimerKind::AskAgain,
            TimerKind::Settle,
            TimerKind::SagaLook,
            TimerKind::Begin,
        ];
        let kind = self.choices.one_of(&kinds);
        let node = self.choices.below(self.plan.nodes.len());
        Input::Timer(match (kind, self.execution.next_timer()) {
            (
                TimerKind::WorkflowTimeout
                | TimerKind::WorkflowRetry
                | TimerKind::Cleanup
                | TimerKind::Settle
                | TimerKind::SagaLook
                | TimerKind::Begin,
                _,
            ) => TimerName::of_execution(kind),
            (TimerKind::AskAgain, _) if self.choices.chance(50) => TimerName::of_execution(kind),
            (TimerKind::Wait, Some((_, armed))) => armed.clone(),
            (_, _) => TimerName::of_frame(kind, &self.plan.nodes[node].path, self.choices.below(3) as u32),
        })
    }
}
