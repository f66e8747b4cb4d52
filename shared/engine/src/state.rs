//! The state of an execution. It is a fold of its inputs; its JSON form is what snapshots hold.

mod asking;
mod awaiting_event;
mod beside;
mod cleanup;
mod delay;
mod delegated;
mod early;
mod expanding;
mod frame;
mod graft;
mod index;
mod looping;
mod over;
mod people;
mod place;
mod rounds;
mod run;
mod slots;
mod tally;
mod task;
mod undo;
mod unique;

use sagaline_events::{FramePath, Start, TimerName, TraceContext};
use sagaline_model::{ExecutionId, JobSpec, Moment, Name, Plan};
use serde::{Deserialize, Serialize};

pub(crate) use self::{asking::is_place, delegated::parent, place::asked_again, tally::item as item_of};
pub use self::{
    asking::{Asking, AtGates},
    awaiting_event::AwaitingEvent,
    beside::Beside,
    cleanup::Cleanup,
    delay::Delay,
    delegated::Delegated,
    early::{EARLY_INPUTS_KEPT, Early},
    expanding::Expanding,
    frame::{Frame, OpenDag, State},
    graft::{Graft, Grafts, NotAGraft, Recorded},
    index::{Index, Later},
    looping::Loop,
    over::{Outcome, Over},
    people::{Answered, Approving, Gathering},
    place::{Place, PlaceState},
    rounds::{Between, Rounds},
    run::{MAILBOX_LIMIT, Paused, Run},
    slots::Slots,
    tally::{Ended, Tally},
    task::{Course, Dispatched, Limits, Report, TaskInput},
    undo::{Asked, Doubt, Left, Phase, Place as UndoPlace, SagaEnd, Seen, Undo, Undoable, Undoing},
    unique::OwnKey,
};
use crate::{compiled::Compiled, effect::Dispatch};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    pub id: ExecutionId,
    /// The time of the last input: time never goes back within an execution.
    pub now: Moment,
    /// Where in a trace its start came from: whatever it does belongs to that trace. The engine only keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// Where on its log the start is, while it is not known what it runs on. The engine only keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<u64>,
    pub stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not started; what came early is kept for a while.
    Unborn(Early),
    /// Started without a version; the owner is recording which one it runs on.
    Unbound {
        start: Box<Start>,
        started: Moment,
        early: Early,
    },
    Running(Box<Run>),
    Over(Box<Over>),
    /// A bug of ours was found while running it: set aside for people to look at.
    Parked {
        run: Box<Run>,
        cause: String,
        since: Moment,
    },
}

impl Execution {
    /// An execution of which nothing is known yet.
    pub fn unborn(id: ExecutionId) -> Self {
        Self { id, now: Moment::EPOCH, trace: None, start_at: None, stage: Stage::Unborn(Early::default()) }
    }

    /// The version of the workflow whose plan [`crate::apply`] needs, once one is known.
    pub fn plan(&self) -> Option<(&Name, u32)> {
        match &self.stage {
            Stage::Running(run) | Stage::Parked { run, .. } => Some((&run.workflow, run.version)),
            Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_) => None,
        }
    }

    /// The job that it is: its plan is made of it. Nothing if it is none, or is over.
    pub fn job(&self) -> Option<&JobSpec> {
        match &self.stage {
            Stage::Running(run) | Stage::Parked { run, .. } => run.job.as_deref(),
            Stage::Unbound { start, .. } => start.job.as_deref(),
            Stage::Unborn(_) | Stage::Over(_) => None,
        }
    }

    /// The timer that is due first.
    pub fn next_timer(&self) -> Option<(Moment, &TimerName)> {
        match &self.stage {
            Stage::Running(run) => run.index.timers.first().map(|(at, name)| (*at, name)),
            Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_) | Stage::Parked { .. } => None,
        }
    }

    /// Every task that is waited for.
    pub fn tasks(&self, plan: &Compiled) -> Vec<Dispatch> {
        let Stage::Running(run) = &self.stage else { return vec![] };
        // Those at work have them; nobody is to begin with one any more.
        if run.cleanup.is_some() {
            return vec![];
        }
        let nodes = self.nodes(plan);
        let tasks = run.frames.iter().filter_map(|(path, frame)| match &frame.state {
            State::Dispatched(task) => {
                let task = task.dispatch(path, &nodes.node(frame.node).kind, run.queue.as_ref())?;
                Some(run.with_own(task))
            }
            _ => None,
        });
        tasks.collect()
    }

    /// Whether this attempt is to be begun, or to go on: its answer is waited for.
    pub fn wants(&self, path: &FramePath, attempt: u32) -> bool {
        let Stage::Running(run) = &self.stage else { return false };
        run.cleanup.is_none() && run.frames.get(path).is_some_and(|frame| frame.state.is_task(attempt))
    }

    /// Whether nothing is known of it at this time that matters: forgetting it changes nothing.
    pub fn is_blank(&self, now: Moment) -> bool {
        match &self.stage {
            Stage::Unborn(early) => !early.matters(now),
            Stage::Unbound { .. } | Stage::Running(_) | Stage::Over(_) | Stage::Parked { .. } => false,
        }
    }

    /// Whether it waits for nothing but inputs and its timer: no task of it is out, and nothing is being looked up for it.
    pub fn rests(&self) -> bool {
        match &self.stage {
            Stage::Running(run) => run.index.tasks == 0,
            Stage::Parked { .. } => true,
            Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_) => false,
        }
    }

    /// What a defect in [`crate::apply`] leaves behind: the execution, set aside.
    pub fn parked_by_defect(id: ExecutionId, workflow: Name, version: u32, cause: String, at: Moment) -> Self {
        let run = Run::bare(workflow, version, Plan::FIRST_RULES, at);
        Self { id, now: at, trace: None, start_at: None, stage: Stage::Parked { run: Box::new(run), cause, since: at } }
    }

    /// Whether the fold of its start and what came after gives the same; not so if something came before the start.
    pub fn stands_alone(&self) -> bool {
        match &self.stage {
            Stage::Running(run) | Stage::Parked { run, .. } => !run.had_early,
            Stage::Over(over) => !over.had_early,
            Stage::Unborn(_) | Stage::Unbound { .. } => false,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// The bytes of a snapshot.
    pub fn to_snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the state has text keys only")
    }

    /// Reads what [`Execution::to_snapshot`] wrote.
    pub fn from_snapshot(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_slice(json);
        // What steps returned was read within the limit, and stands a few levels deeper here.
        json.disable_recursion_limit();
        let mut execution = Self::deserialize(&mut json)?;
        json.end()?;
        match &mut execution.stage {
            Stage::Running(run) | Stage::Parked { run, .. } => run.reindex(),
            Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_) => {}
        }
        Ok(execution)
    }
}
