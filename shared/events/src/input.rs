//! Inputs: the entries of an execution's log. Whatever happens to an execution is one of these, and nothing else changes it.

mod kin;
mod people;
mod start;
mod step;
mod timer;
mod whole;

pub use self::{
    kin::{ChildEnded, ChildUnknown, Parent, ParentAsks, ParentGone, ScheduleAsks},
    people::{Approval, OnLate, StepAwaits, Update},
    start::{Bound, DoneStep, Recalled, Refused, Resumption, Scheduled, Start},
    step::{StepExpanded, StepFailed, StepSkipped, StepSnoozed, StepStarted, StepSucceeded, TaskDiscarded},
    timer::{TimerKind, TimerName},
    whole::{Cancel, Pause, Resume, Signal},
};
pub use crate::wire::InputError;
use crate::{EntityWord, SagaNews, wire::inputs_on_the_wire};

/// What happened, or is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Start(Start),
    Bound(Bound),
    Refused(Refused),
    StepStarted(StepStarted),
    StepSucceeded(StepSucceeded),
    StepFailed(StepFailed),
    StepSkipped(StepSkipped),
    StepSnoozed(StepSnoozed),
    TaskDiscarded(TaskDiscarded),
    Signal(Signal),
    Timer(TimerName),
    Cancel(Cancel),
    Pause(Pause),
    Resume(Resume),
    ChildEnded(ChildEnded),
    ChildUnknown(ChildUnknown),
    ParentAsks(ParentAsks),
    ParentGone(ParentGone),
    Approval(Approval),
    StepAwaits(StepAwaits),
    Update(Update),
    StepExpanded(StepExpanded),
    Recalled(Recalled),
    Entity(EntityWord),
    SagaNews(SagaNews),
    ScheduleAsks(ScheduleAsks),
}

/// The prefix of every input's CloudEvent type.
pub const INPUT_TYPE_PREFIX: &str = "sagaline.input.";

/// The owner's own marks in a log: they concern no execution.
pub const OWNER_MARK: &str = "sagaline.input.owner.v1";
pub const FILLER: &str = "sagaline.input.filler.v1";

inputs_on_the_wire! {
    /// Every type of input on the wire.
    INPUT_TYPES: "sagaline.input." for Input {
        Start => "start",
        Bound => "bound",
        Refused => "refused",
        StepStarted => "step_started",
        StepSucceeded => "step_succeeded",
        StepFailed => "step_failed",
        StepSkipped => "step_skipped",
        StepSnoozed => "step_snoozed",
        TaskDiscarded => "task_discarded",
        Signal => "signal",
        Timer => "timer",
        Cancel => "cancel",
        Pause => "pause",
        Resume => "resume",
        ChildEnded => "child_ended",
        ChildUnknown => "child_unknown",
        ParentAsks => "parent_asks",
        ParentGone => "parent_gone",
        Approval => "approval",
        StepAwaits => "step_awaits",
        Update => "update",
        StepExpanded => "step_expanded",
        Recalled => "recalled",
        Entity => "entity",
        SagaNews => "saga_news",
        ScheduleAsks => "schedule_asks",
    }
}
