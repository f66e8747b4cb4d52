//! The plan: what every way of writing a definition compiles to.
//!
//! A plan is a tree of nodes. [`Kind`] names what a node can be; a node that holds others nests freely. Plans are recorded
//! (bucket `definitions`), so their JSON form is a promise: fields are added with a default, never renamed.

mod conduct;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use self::conduct::{Conduct, DeadLetters};
use crate::{
    ActivityName, Approval, AwaitEvent, AwaitSignals, Breaker, Child, Compensate, Concurrency, Emit, Exchange, Gate,
    Name, RetryPolicy, Span, StepDefaults, Trigger, Unique,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub workflow: Name,
    /// By which rules its executions are decided: the first that give what the definition asks for. A version that was applied
    /// before there were newer rules has none, and keeps to the first for ever.
    #[serde(default = "first_rules", skip_serializing_if = "is_first_rules")]
    pub rules: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// From the start to the end of the whole execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    pub root: Dag,
    /// The output of an execution: JSON whose strings may hold `${…}`. Without it: the maps that the steps returned, merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// What is done once it is known how an execution ends, before it is over.
    #[serde(default, skip_serializing_if = "Handlers::is_empty")]
    pub handlers: Handlers,
    #[serde(default, skip_serializing_if = "Conduct::is_plain")]
    pub conduct: Conduct,
    /// What may be sent to its executions, and asked of them.
    #[serde(default, skip_serializing_if = "Exchange::is_empty")]
    pub exchange: Exchange,
    /// How many executions run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// Of all executions with this key one runs. Its text may hold `${…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<Unique>,
    /// What its expressions read as `config`: of all that a project gives, what they name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
}

/// Each runs for one way to end. Whether it succeeds changes nothing about that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Handlers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<Box<Node>>,
    /// Failed, or out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Box<Node>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_cancel: Option<Box<Node>>,
    /// An activity, once for each attempt of a step that failed; it runs beside the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_step_error: Option<Box<Node>>,
}

impl Handlers {
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// By which rules they can be decided.
    pub fn rules(&self) -> u32 {
        let own = if self.is_empty() { Plan::FIRST_RULES } else { Plan::RULES_OF_COMPANY };
        self.all().map(Node::rules).fold(own, u32::max)
    }

    pub fn all(&self) -> impl Iterator<Item = &Node> {
        let all = [&self.on_success, &self.on_failure, &self.on_cancel, &self.on_step_error];
        all.into_iter().flatten().map(|node| &**node)
    }
}

/// Nodes that run as soon as what they need is satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dag {
    pub nodes: Vec<Node>,
}

/// A place in the plan. Names are unique in the whole workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub name: Name,
    /// Siblings that must be satisfied first: completed, skipped, or failed with `on_error: continue`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
    /// Siblings of which one must have completed, or none can any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_any: Vec<Name>,
    /// What it belongs to, for those that come after the whole of it, and for pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
    /// A condition; anything but `true` skips the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default)]
    pub on_error: OnError,
    pub kind: Kind,
    /// The key of `ctx` that its output is put under, whatever that is; without one the maps that are returned are merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_key: Option<Name>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most nodes of a plan are of the largest kind")]
pub enum Kind {
    Step(Step),
    Wait(Wait),
    Await(Await),
    /// Steps inside a step; its output is the maps that they returned, merged.
    Dag(Dag),
    /// Steps that all begin at once. The first to complete gives the output, and the others are cancelled.
    Race(Dag),
    /// The first case whose condition holds is run; if there is none, the node is skipped.
    Switch {
        cases: Vec<Case>,
    },
    /// Steps, and others that take over when they fail.
    Try(Try),
    /// The same for every item of a list; the output is the list of what each gave, in order.
    ForEach(ForEach),
    /// Values that join `ctx` and are its output: JSON whose strings may hold `${…}`.
    Set {
        values: Value,
    },
    /// A failure on purpose.
    Raise(Raise),
    /// An execution of another workflow.
    Child(Child),
    /// An event for others.
    Emit(Emit),
    /// Several signals, all or any.
    AwaitSignals(AwaitSignals),
    /// Somebody who approves or rejects.
    Approval(Approval),
    /// An event from outside.
    AwaitEvent(AwaitEvent),
}

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Without one it is what is done otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    pub steps: Dag,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Try {
    pub body: Dag,
    /// Only errors of these types are caught; every one if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    pub catch: Dag,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForEach {
    /// A list, or `${…}` that gives one.
    pub items: Value,
    /// The name under which expressions inside read the item.
    #[serde(rename = "as")]
    pub item: Name,
    /// How many items are worked on at once.
    pub concurrency: u32,
    /// What is done for each. Its own `on_error` says what becomes of an item that failed.
    pub body: Box<Node>,
    /// `${…}` that gives the `concurrency`, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_concurrency: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raise {
    /// The type of the error.
    #[serde(rename = "type")]
    pub kind: String,
    /// A text that may hold `${…}`.
    pub message: String,
    /// JSON whose strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

/// A task for an executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub activity: ActivityName,
    #[serde(default = "default_queue")]
    pub queue: Name,
    /// JSON whose strings may hold `${…}`; null if not given.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// From the start of an attempt to its end: a duration, or `${…}` that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(flatten)]
    pub limits: StepLimits,
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Whatever the activity is to know of the step besides its input.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
    /// Whether it may return further steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expand: Option<Box<Expand>>,
    /// Asked before each attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Box<Breaker>>,
    /// How it is undone, if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensate: Option<Box<Compensate>>,
    /// What each attempt must get before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
}

/// What is done with the steps that a step returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expand {
    /// How many of them are worked on at once.
    pub concurrency: u32,
    /// Queues that they may name besides those of the steps in the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<Name>,
    /// What they have where they say nothing of their own.
    #[serde(default, skip_serializing_if = "StepDefaults::is_empty")]
    pub defaults: StepDefaults,
}

/// What limits the time of a step besides its `timeout`: durations, or `${…}` that gives one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepLimits {
    /// From the hand-over of an attempt to its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_timeout: Option<String>,
    /// From the first hand-over to the end of the last attempt, with all that is waited in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_timeout: Option<String>,
    /// From one sign of life of an attempt to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<String>,
    /// The time at which the time of all attempts is over: as RFC 3339 writes it, or `${…}` that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

/// A durable timer: a duration, or `${…}` that gives one (a text, or seconds).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    pub duration: String,
}

/// Waits for a signal; what it carries becomes the node's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Await {
    pub signal: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// What a failure that no retry mended means for the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// What encloses the node fails too.
    #[default]
    Fail,
    /// The node counts as skipped.
    Skip,
    /// The node stays failed; what comes after it runs.
    Continue,
    /// The execution is paused, and the step is tried again when somebody lets it go on.
    Pause,
}

/// What the end of the patience of an [`Await`], of [`AwaitSignals`], of an [`AwaitEvent`] or of an [`Approval`] means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    #[default]
    Fail,
    Skip,
    /// Steps that are done instead: the maps that they return, merged, are the output.
    Steps(Dag),
}

impl OnTimeout {
    /// The steps that are done instead.
    pub fn steps(&self) -> Option<&Dag> {
        match self {
            Self::Steps(dag) => Some(dag),
            Self::Fail | Self::Skip => None,
        }
    }

    fn steps_mut(&mut self) -> Option<&mut Dag> {
        match self {
            Self::Steps(dag) => Some(dag),
            Self::Fail | Self::Skip => None,
        }
    }
}

/// The identity of a plan: SHA-256 of its JSON form, in hexadecimal. The same workflow hashes the same however it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHash(pub String);

fn default_queue() -> Name {
    Name::new("default").expect("`default` may be a name")
}

fn first_rules() -> u32 {
    Plan::FIRST_RULES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first_rules(rules: &u32) -> bool {
    *rules == Plan::FIRST_RULES
}

impl Plan {
    /// Inputs are not checked, and executions do not have the tags of their workflow.
    pub const FIRST_RULES: u32 = 1;
    /// An input that does not fit `input_schema` is refused, and executions have the tags of their workflow beneath their own.
    pub const RULES_OF_CONTRACTS: u32 = 2;
    /// Nodes may come after any of several, race, switch, catch, loop, set and raise.
    pub const RULES_OF_CONTROL: u32 = 3;
    /// Executions deal with others: with children, with people, and with what executions share. Steps may return further steps.
    pub const RULES_OF_COMPANY: u32 = 4;
    /// Steps may be undone; workflows may share the places of a pool.
    pub const RULES_OF_SAGAS: u32 = 5;
    /// Attempts pass gates; executions begin later, are jobs, wait for events.
    pub const RULES_OF_STARTS: u32 = 6;
    /// Expressions read values of the project.
    pub const RULES_OF_CONFIG: u32 = 7;

    /// Whether its executions have what [`Plan::RULES_OF_CONTRACTS`] gives them.
    pub fn has_contract(&self) -> bool {
        Self::RULES_OF_CONTRACTS <= self.rules
    }

    /// The schema that inputs are checked against; one of before inputs were checked is none.
    pub fn checked_schema(&self) -> Option<&Value> {
        self.input_schema.as_ref().filter(|_| self.has_contract())
    }

    pub fn hash(&self) -> PlanHash {
        let json = serde_json::to_vec(self).expect("a plan has string keys only");
        PlanHash(sha256_hex(&json))
    }

    /// Every node of the tree, each before those inside it.
    pub fn nodes(&self) -> Vec<&Node> {
        fn visit<'a>(node: &'a Node, into: &mut Vec<&'a Node>) {
            into.push(node);
            node.inside().into_iter().for_each(|inner| visit(inner, into));
        }
        let mut nodes = vec![];
        self.root.nodes.iter().chain(self.handlers.all()).for_each(|node| visit(node, &mut nodes));
        nodes
    }

    /// Gives every activity step that has no `timeout` of its own this one.
    pub fn set_default_timeout(&mut self, timeout: &str) {
        self.visit_steps(&|step| {
            step.timeout.get_or_insert_with(|| timeout.to_owned());
        });
    }

    /// Gives the steps that its steps return what they have where they say nothing of their own.
    pub fn set_defaults_of_expansions(&mut self, defaults: &StepDefaults) {
        self.visit_steps(&|step| {
            if let Some(expand) = &mut step.expand {
                expand.defaults = defaults.clone();
            }
        });
    }

    pub(crate) fn visit_steps(&mut self, change: &impl Fn(&mut Step)) {
        fn visit(node: &mut Node, change: &impl Fn(&mut Step)) {
            if let Kind::Step(step) = &mut node.kind {
                change(step);
            }
            node.inside_mut().into_iter().for_each(|inner| visit(inner, change));
        }
        let handlers = &mut self.handlers;
        let Handlers { on_success, on_failure, on_cancel, on_step_error } = handlers;
        let handlers = [on_success, on_failure, on_cancel, on_step_error];
        let handlers = handlers.into_iter().flatten().map(|node| &mut **node);
        self.root.nodes.iter_mut().chain(handlers).for_each(|node| visit(node, change));
    }

    /// Whether something of it may be undone.
    pub fn can_be_undone(&self) -> bool {
        Self::RULES_OF_SAGAS <= self.rules
    }

    /// The queues that its tasks go to.
    pub fn queues<'a>(&'a self) -> BTreeSet<&'a Name> {
        let queues_of = |node: &'a Node| match &node.kind {
            Kind::Step(step) => {
                let returned = step.expand.iter().flat_map(|expand| &expand.queues);
                let undone = step.compensate.iter().flat_map(|compensate| &compensate.actions);
                let undone = undone.filter_map(|action| action.queue.as_ref());
                std::iter::once(&step.queue).chain(returned).chain(undone).collect()
            }
            Kind::Child(child) => child.queue.iter().collect(),
            _ => vec![],
        };
        self.nodes().into_iter().flat_map(queues_of).collect()
    }
}

impl Dag {
    /// All steps that come before this one, however far.
    pub fn before(&self, step: &Name) -> BTreeSet<&Name> {
        let needs = |name: &Name| {
            let node = self.nodes.iter().find(move |node| node.name == *name);
            node.into_iter().flat_map(|node| node.after.iter().chain(&node.after_any))
        };
        let mut found = BTreeSet::new();
        let mut open: Vec<&Name> = needs(step).collect();
        while let Some(name) = open.pop() {
            if found.insert(name) {
                open.extend(needs(name));
            }
        }
        found
    }

    /// All steps that come after this one, however far.
    pub fn behind(&self, step: &Name) -> BTreeSet<&Name> {
        self.nodes.iter().map(|node| &node.name).filter(|name| self.before(name).contains(step)).collect()
    }
}

impl Step {
    /// Where tasks wait whose steps name no queue.
    pub const DEFAULT_QUEUE: &str = "default";
}

impl Node {
    /// A node that needs nothing, always runs, and whose failure is that of what encloses it.
    pub fn new(name: Name, kind: Kind) -> Self {
        let (after, after_any, on_error) = (vec![], vec![], OnError::default());
        Self { name, after, after_any, group: None, when: None, on_error, kind, context_key: None }
    }

    /// The nodes right inside it.
    pub fn inside(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Dag(dag) | Kind::Race(dag) => dag.nodes.iter().collect(),
            Kind::Switch { cases } => cases.iter().flat_map(|case| &case.steps.nodes).collect(),
            Kind::Try(Try { body, catch, .. }) => body.nodes.iter().chain(&catch.nodes).collect(),
            Kind::ForEach(each) => vec![&each.body],
            Kind::Await(Await { on_timeout, .. })
            | Kind::AwaitSignals(AwaitSignals { on_timeout, .. })
            | Kind::AwaitEvent(AwaitEvent { on_timeout, .. }) => {
                on_timeout.steps().into_iter().flat_map(|dag| &dag.nodes).collect()
            }
            Kind::Approval(Approval { notify, on_timeout, .. }) => {
                let late = on_timeout.steps().into_iter().flat_map(|dag| &dag.nodes);
                notify.iter().map(|node| &**node).chain(late).collect()
            }
            Kind::Step(_) | Kind::Wait(_) | Kind::Set { .. } | Kind::Raise(_) | Kind::Child(_) | Kind::Emit(_) => {
                vec![]
            }
        }
    }

    /// The same, to change them.
    pub fn inside_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            Kind::Dag(dag) | Kind::Race(dag) => dag.nodes.iter_mut().collect(),
            Kind::Switch { cases } => cases.iter_mut().flat_map(|case| &mut case.steps.nodes).collect(),
            Kind::Try(Try { body, catch, .. }) => body.nodes.iter_mut().chain(&mut catch.nodes).collect(),
            Kind::ForEach(each) => vec![&mut each.body],
            Kind::Await(Await { on_timeout, .. })
            | Kind::AwaitSignals(AwaitSignals { on_timeout, .. })
            | Kind::AwaitEvent(AwaitEvent { on_timeout, .. }) => {
                on_timeout.steps_mut().into_iter().flat_map(|dag| &mut dag.nodes).collect()
            }
            Kind::Approval(Approval { notify, on_timeout, .. }) => {
                let late = on_timeout.steps_mut().into_iter().flat_map(|dag| &mut dag.nodes);
                notify.iter_mut().map(|node| &mut **node).chain(late).collect()
            }
            Kind::Step(_) | Kind::Wait(_) | Kind::Set { .. } | Kind::Raise(_) | Kind::Child(_) | Kind::Emit(_) => {
                vec![]
            }
        }
    }

    /// By which rules it can be decided: the first that know of all that it asks for.
    pub fn rules(&self) -> u32 {
        let own = match &self.kind {
            Kind::Step(step) if !step.gates.is_empty() => Plan::RULES_OF_STARTS,
            Kind::Step(Step { expand: Some(expand), .. }) if !expand.defaults.gates.is_empty() => Plan::RULES_OF_STARTS,
            Kind::AwaitEvent(_) => Plan::RULES_OF_STARTS,
            Kind::Step(step) if step.compensate.is_some() => Plan::RULES_OF_SAGAS,
            _ if self.on_error == OnError::Pause || self.context_key.is_some() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.limits.deadline.is_some() => Plan::RULES_OF_COMPANY,
            Kind::ForEach(each) if each.computed_concurrency.is_some() => Plan::RULES_OF_COMPANY,
            Kind::AwaitSignals(_) | Kind::Approval(_) => Plan::RULES_OF_COMPANY,
            Kind::Await(Await { on_timeout: OnTimeout::Steps(_), .. }) => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.expand.is_some() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.breaker.is_some() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.retry.has_computed_delays() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.limits != StepLimits::default() => Plan::RULES_OF_CONTROL,
            Kind::Step(_) | Kind::Wait(_) | Kind::Await(_) | Kind::Dag(_) if self.after_any.is_empty() => {
                Plan::FIRST_RULES
            }
            Kind::Child(_) | Kind::Emit(_) => Plan::RULES_OF_COMPANY,
            _ => Plan::RULES_OF_CONTROL,
        };
        self.inside().into_iter().map(Self::rules).fold(own, u32::max)
    }
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
