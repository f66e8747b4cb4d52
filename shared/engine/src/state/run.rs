//! An execution that runs: all that is known of it.

use std::collections::{BTreeMap, VecDeque};

use sagaline_events::{FramePath, Parent, input::Scheduled};
use sagaline_model::{ExecutionId, JobSpec, Moment, Name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Answered, Beside, Cleanup, Delay, Frame, Grafts, Index, OpenDag, Outcome, OwnKey, Place, Rounds, Slots, Tally, Undo,
};
use crate::compiled::NodeId;

/// So many signals of an execution may wait for a step to take them; more are rejected.
pub const MAILBOX_LIMIT: usize = 10_000;

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

impl Run {
    /// One that was given nothing and has done nothing.
    pub(crate) fn bare(workflow: Name, version: u32, rules: u32, started: Moment) -> Self {
        Self {
            workflow,
            version,
            rules,
            started,
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
        }
    }
}
