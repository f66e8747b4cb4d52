//! The state of an execution. It is a fold of its inputs; its JSON form is what snapshots hold.

mod asking;
mod awaiting_event;
mod beside;
mod cleanup;
mod delay;
mod delegated;
mod expanding;
mod frame;
mod graft;
mod index;
mod looping;
mod people;
mod place;
mod rounds;
mod slots;
mod tally;
mod task;
mod undo;
mod unique;

use std::collections::{BTreeMap, VecDeque};

use sagaline_events::{
    EntityKey, FramePath, Parent, Start, TimerName, TraceContext, UndoStep,
    input::{ParentGone, Scheduled, Update},
    job::JobView,
    record::StepView,
};
use sagaline_model::{ExecutionId, JobSpec, Moment, Name, Span, StepError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::{asking::is_place, delegated::parent, place::asked_again, tally::item as item_of};
pub use self::{
    asking::{Asking, AtGates},
    awaiting_event::AwaitingEvent,
    beside::Beside,
    cleanup::Cleanup,
    delay::Delay,
    delegated::Delegated,
    expanding::Expanding,
    graft::{Graft, Grafts, NotAGraft, Recorded},
    index::{Index, Later},
    looping::Loop,
    people::{Answered, Approving, Gathering},
    place::{Place, PlaceState},
    rounds::{Between, Rounds},
    slots::Slots,
    tally::{Ended, Tally},
    task::{Course, Dispatched, Limits, Report, TaskInput},
    undo::{Asked, Doubt, Left, Phase, Place as UndoPlace, SagaEnd, Seen, Undo, Undoable, Undoing},
    unique::OwnKey,
};
use crate::{
    apply::is_task,
    compiled::{Compiled, NodeId},
    effect::Dispatch,
};

/// Signals, a cancel and a pause that come before their start are kept this long.
pub const EARLY_INPUTS_KEPT: Span = Span::from_secs(600);

/// So many signals of an execution may wait for a step to take them; more are rejected.
pub const MAILBOX_LIMIT: usize = 10_000;

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

/// What came before an execution could take it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Early {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<(Moment, Name, Value)>,
    /// About how many bytes the signals take.
    #[serde(default)]
    pub weight: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<(Moment, Option<String>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<(Moment, Option<String>)>,
    /// Who asked for it, and
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<(Moment, Parent)>,
    /// who does not wait for it any more, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<(Moment, ParentGone)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<(Moment, Update)>,
    /// Which schedules asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<(Moment, Name)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub workflow: Name,
    pub version: u32,
    pub rules: u32,
    pub started: Moment,
    /// Whether a signal came before the start.
    #[serde(default)]
    pub had_early: bool,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The maps that steps returned, merged in the order in which they came.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub ctx: Map<String, Value>,
    pub root: OpenDag,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frames: BTreeMap<FramePath, Frame>,
    /// Signals that no step took yet.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub mailbox: VecDeque<(Name, Value)>,
    /// How it will have ended, once what handles that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Outcome>,
    /// Set while no step may begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// When the whole execution's time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Moment>,
    /// Set if only so many steps may be at work at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<Slots>,
    /// The execution that it is a child of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Where its tasks wait whose steps name no queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Name>,
    /// Children that nobody waits for and that end with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<(FramePath, ExecutionId)>,
    /// What those were answered who sent something that is answered, the last one last.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub replies: VecDeque<Answered>,
    /// Set if it begins anew when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Rounds>,
    #[serde(default, skip_serializing_if = "Beside::is_none")]
    pub beside: Beside,
    /// Its place among those of which so many run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The execution of which it is another try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ExecutionId>,
    /// How many executions led to it by events, one after another.
    #[serde(default, skip_serializing_if = "sagaline_events::hops::is_none")]
    pub hops: u32,
    /// Set while those at work tidy up, since it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<Cleanup>,
    /// What can be derived from the frames, kept at hand.
    #[serde(skip)]
    pub index: Index,
    /// What steps returned that are at work on it.
    #[serde(default, skip_serializing_if = "Grafts::is_empty")]
    pub grafts: Grafts,
    /// Expansions that are over since the input that is being applied: where their ids began.
    #[serde(skip)]
    pub(crate) closed: Vec<NodeId>,
    /// What can be undone of it.
    #[serde(default, skip_serializing_if = "Undo::is_empty")]
    pub undo: Undo,
    /// Of loops, by their paths: how the items ended that are done. They are not in its weight: they do not grow with the items.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tallies: BTreeMap<FramePath, Tally>,
    /// The schedule that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Box<Scheduled>>,
    /// Set if it was to begin later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Set if it is a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobSpec>>,
    /// The key that no other has while this one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<OwnKey>,
}

/// An execution that somebody told to wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paused {
    pub since: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Frames whose needs are satisfied: they begin when it goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<(FramePath, NodeId)>,
}

/// A node of the plan in this execution, from when its needs are satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub node: NodeId,
    pub since: Moment,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A task is in its queue or with a worker.
    Dispatched(Dispatched),
    /// The last attempt failed; the next one comes at `due`.
    BackingOff {
        failed: u32,
        since: Moment,
        due: Moment,
        error: StepError,
        #[serde(default)]
        input: TaskInput,
        #[serde(default, skip_serializing_if = "Course::is_plain")]
        course: Course,
    },
    /// The last attempt said that it is too early; the next one comes at `due`.
    Snoozed {
        attempt: u32,
        since: Moment,
        due: Moment,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        input: TaskInput,
        course: Course,
    },
    /// A wait until `due`.
    Waiting {
        due: Moment,
    },
    /// A wait for a signal.
    Awaiting {
        signal: Name,
        until: Option<Moment>,
    },
    /// Steps inside are at work.
    Open {
        /// Which of the node's dags they are of.
        #[serde(default, skip_serializing_if = "is_first")]
        branch: u32,
        dag: OpenDag,
        merged: Map<String, Value>,
        /// What the steps of a `catch` mend.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caught: Option<StepError>,
    },
    /// Items of a loop are worked on.
    Looping(Loop),
    /// A child does it.
    Delegated(Delegated),
    Completed {
        at: Moment,
        attempt: u32,
        output: Value,
    },
    Failed {
        at: Moment,
        attempt: u32,
        error: StepError,
    },
    Skipped {
        at: Moment,
        attempt: u32,
        reason: String,
    },
    Cancelled {
        at: Moment,
        attempt: u32,
    },
    /// The next attempt waits until fewer steps are at work.
    Queued {
        /// The attempt before it; 0 for the first.
        before: u32,
        ticket: u64,
        since: Moment,
        #[serde(default)]
        input: TaskInput,
        #[serde(default, skip_serializing_if = "Course::is_plain")]
        course: Course,
    },
    /// A wait for several signals.
    Gathering(Gathering),
    /// A wait for somebody who approves or rejects.
    Approving(Approving),
    /// Steps that it returned are worked on.
    Expanding(Box<Expanding>),
    /// No attempt is left; it is tried again when somebody lets the execution go on.
    Halted {
        at: Moment,
        attempt: u32,
        error: StepError,
    },
    /// The next attempt waits at one of its gates, or for what its breaker says.
    Asking(Asking),
    /// A wait for an event.
    AwaitingEvent(Box<AwaitingEvent>),
}

/// How far the children of a dag are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenDag {
    /// For each child: how many of its needs are not satisfied yet.
    pub unmet: Vec<u32>,
    /// How many children are not done.
    pub open: u32,
    /// For each child that needs any of several: how many of those are not done; 0 once the need is satisfied. Empty if no child
    /// does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(branch: &u32) -> bool {
    *branch == 0
}

/// An execution that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Over {
    pub workflow: Name,
    pub version: u32,
    pub started: Moment,
    #[serde(default)]
    pub had_early: bool,
    pub ended: Moment,
    pub tags: BTreeMap<String, String>,
    pub outcome: Outcome,
    pub steps: Vec<StepView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub replies: VecDeque<Answered>,
    /// What the workflow's queries gave at the end.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<Name, Value>,
    /// The how-manieth attempt of the whole it was, where it was begun anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What can be undone of it by its parent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoStep>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Box<Scheduled>>,
    /// Set if it was a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobView>>,
    /// The unique key that it still has, until its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps: Option<EntityKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed {
        output: Value,
    },
    Failed {
        error: StepError,
        step: Option<FramePath>,
        attempts: Option<u32>,
    },
    Cancelled {
        reason: Option<String>,
    },
    TimedOut,
    Refused {
        error: StepError,
    },
    /// What it did has been undone since it ended.
    RolledBack {
        cause: Box<Outcome>,
        saga: Box<SagaEnd>,
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
        run.cleanup.is_none() && run.frames.get(path).is_some_and(|frame| is_task(&frame.state, attempt))
    }

    /// Whether nothing is known of it at this time that matters: forgetting it changes nothing.
    pub fn is_blank(&self, now: Moment) -> bool {
        let young = |then: Moment| now.since(then) <= EARLY_INPUTS_KEPT;
        match &self.stage {
            Stage::Unborn(early) => {
                let wish = |wish: &Option<(Moment, _)>| wish.as_ref().is_some_and(|(then, _)| young(*then));
                !wish(&early.cancel)
                    && !wish(&early.pause)
                    && !early.signals.iter().any(|(then, _, _)| young(*then))
                    && !early.asked.iter().any(|(then, _)| young(*then))
                    && !early.gone.iter().any(|(then, _)| young(*then))
                    && !early.updates.iter().any(|(then, _)| young(*then))
                    && !early.schedules.iter().any(|(then, _)| young(*then))
            }
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
        let run = Run {
            workflow,
            version,
            rules: sagaline_model::Plan::FIRST_RULES,
            started: at,
            had_early: false,
            input: Value::Null,
            trigger: None,
            tags: BTreeMap::new(),
            ctx: Map::new(),
            root: OpenDag { unmet: vec![], open: 0, any: vec![] },
            frames: BTreeMap::new(),
            mailbox: VecDeque::new(),
            ending: None,
            paused: None,
            deadline: None,
            slots: None,
            parent: None,
            queue: None,
            companions: vec![],
            replies: VecDeque::new(),
            rounds: None,
            beside: Beside::default(),
            origin: None,
            hops: 0,
            place: None,
            cleanup: None,
            index: Index::default(),
            grafts: Grafts::default(),
            closed: vec![],
            undo: Undo::default(),
            tallies: BTreeMap::new(),
            schedule: None,
            delay: None,
            job: None,
            unique: None,
        };
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
