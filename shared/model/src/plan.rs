//! The plan: what every way of writing a definition compiles to.
//!
//! A plan is a tree of nodes. [`Kind`] names what a node can be; a node that holds others nests freely. Plans are recorded
//! (bucket `definitions`), so their JSON form is a promise: fields are added with a default, never renamed.

mod conduct;
mod kinds;
mod node;
mod rules;
mod step;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use self::{
    conduct::{Conduct, DeadLetters},
    kinds::{Await, Case, ForEach, OnTimeout, Raise, Try, Wait},
    node::{Dag, Kind, Node, OnError},
    step::{Expand, Step, StepLimits},
};
use crate::{Concurrency, Exchange, Name, Span, StepDefaults, Trigger, Unique};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub workflow: Name,
    /// By which rules its executions are decided: the first that give what the definition asks for. A version that was applied
    /// before there were newer rules has none, and keeps to the first for ever.
    #[serde(default = "rules::first", skip_serializing_if = "rules::is_first")]
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

/// The identity of a plan: SHA-256 of its JSON form, in hexadecimal. The same workflow hashes the same however it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHash(pub String);

impl Plan {
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

impl Handlers {
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    pub fn all(&self) -> impl Iterator<Item = &Node> {
        let all = [&self.on_success, &self.on_failure, &self.on_cancel, &self.on_step_error];
        all.into_iter().flatten().map(|node| &**node)
    }
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
