//! A plan made ready to run: nodes in an arena, edges in both directions, expressions compiled.

mod compiler;
mod conduct;
mod retry;
mod source;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::FramePath;
use sagaline_expr::{Expression, Template};
use sagaline_model::{
    Approval, Await, AwaitEvent, AwaitSignals, Child, Dag, Name, Node, OnError, OnTimeout, Plan, Step,
};
use sagaline_schema::Schema;
use serde_json::Value;

use self::compiler::Compiler;
pub(crate) use self::compiler::{expression_of, template};
pub use self::{
    conduct::CompiledConduct,
    retry::RetrySources,
    source::{CountSource, MomentSource, SpanSource},
    undo::{CompiledAction, CompiledUndo},
};
use crate::exchange::CompiledExchange;

/// The position of a node in [`Compiled::nodes`]; the same for every compilation of the same plan.
pub type NodeId = u32;

/// A plan made ready to run.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Plan,
    pub version: u32,
    pub nodes: Vec<CompiledNode>,
    pub root: CompiledDag,
    pub handlers: CompiledHandlers,
    pub output: Option<Template>,
    /// What executions have in common that are counted together; nothing if all are.
    pub(crate) limit_key: Option<Template>,
    /// The key of which one execution runs.
    pub(crate) unique_key: Option<Template>,
    /// What an input must look like; nothing if the plan does not ask for it.
    pub(crate) schema: Option<Schema>,
    pub conduct: CompiledConduct,
    pub(crate) exchange: CompiledExchange,
    by_name: BTreeMap<Name, NodeId>,
    /// The queues that the definition names, which are there.
    pub(crate) queues: BTreeSet<Name>,
}

#[derive(Debug, Default)]
pub struct CompiledHandlers {
    pub on_success: Option<NodeId>,
    pub on_failure: Option<NodeId>,
    pub on_cancel: Option<NodeId>,
    pub on_step_error: Option<NodeId>,
}

#[derive(Debug)]
pub struct CompiledNode {
    pub name: Name,
    /// Where its frame stands; of what is inside of a loop, that of the first item.
    pub path: FramePath,
    /// Whether it is inside of a loop, and has a frame for each item.
    pub looped: bool,
    pub parent: Option<NodeId>,
    /// In which of its parent's dags it stands.
    pub branch: u32,
    /// Position among the siblings.
    pub index: u32,
    pub when: Option<Expression>,
    pub on_error: OnError,
    /// Whether it, or what it is inside of, is no step of the workflow: it only runs for one way to end.
    pub handles: bool,
    /// Whether it is no part of the execution's tree, but runs beside it.
    pub beside: bool,
    pub kind: CompiledKind,
    /// The key of `ctx` that its output is put under.
    pub context_key: Option<Name>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most nodes of a plan are of the largest kind")]
pub enum CompiledKind {
    Step {
        step: Step,
        input: InputSource,
        timeout: Option<SpanSource>,
        limits: LimitSources,
        retry: Box<RetrySources>,
        undo: Option<Box<CompiledUndo>>,
        /// What those attempts have in common that a gate counts together, for each of the step's gates.
        gates: Vec<Option<Template>>,
    },
    Wait {
        duration: SpanSource,
    },
    Await {
        what: Await,
        timeout: Option<SpanSource>,
        late: Option<CompiledDag>,
    },
    Dag(CompiledDag),
    Race(CompiledDag),
    Switch {
        cases: Vec<(Option<Expression>, CompiledDag)>,
    },
    Try {
        body: CompiledDag,
        errors: Vec<String>,
        catch: CompiledDag,
    },
    ForEach {
        items: Template,
        item: Name,
        concurrency: CountSource,
        body: NodeId,
    },
    Set {
        values: Template,
    },
    Raise {
        kind: String,
        message: Template,
        details: Template,
    },
    Child {
        what: Child,
        id: Option<Template>,
        input: InputSource,
        timeout: Option<SpanSource>,
    },
    Emit {
        kind: String,
        source: Option<Template>,
        subject: Option<Template>,
        data: Template,
    },
    AwaitSignals {
        what: AwaitSignals,
        timeout: Option<SpanSource>,
        late: Option<CompiledDag>,
    },
    Approval {
        what: Approval,
        approvers: Template,
        timeout: Option<SpanSource>,
        /// What tells the approvers.
        notify: Option<NodeId>,
        late: Option<CompiledDag>,
    },
    AwaitEvent {
        what: AwaitEvent,
        with: Template,
        timeout: Option<SpanSource>,
        late: Option<CompiledDag>,
    },
}

impl CompiledKind {
    /// The dag of this number. A node holds one, none, or several of which one is open at a time.
    pub fn dag(&self, branch: u32) -> Option<&CompiledDag> {
        match self {
            Self::Dag(dag) | Self::Race(dag) => Some(dag),
            Self::Switch { cases } => cases.get(branch as usize).map(|(_, dag)| dag),
            Self::Try { body, catch, .. } => Some(if branch == BODY { body } else { catch }),
            Self::Await { late, .. }
            | Self::AwaitSignals { late, .. }
            | Self::Approval { late, .. }
            | Self::AwaitEvent { late, .. } => late.as_ref(),
            Self::ForEach { .. }
            | Self::Step { .. }
            | Self::Wait { .. }
            | Self::Set { .. }
            | Self::Raise { .. }
            | Self::Child { .. }
            | Self::Emit { .. } => None,
        }
    }

    /// What it means that what it waits for does not come in time.
    pub fn on_timeout(&self) -> Option<&OnTimeout> {
        match self {
            Self::Await { what, .. } => Some(&what.on_timeout),
            Self::AwaitSignals { what, .. } => Some(&what.on_timeout),
            Self::Approval { what, .. } => Some(&what.on_timeout),
            Self::AwaitEvent { what, .. } => Some(&what.on_timeout),
            _ => None,
        }
    }
}

impl CompiledNode {
    /// It is part of what handles an end, which is not undone.
    fn only_handles(&mut self) {
        self.handles = true;
        self.cannot_be_undone();
    }

    fn cannot_be_undone(&mut self) {
        if let CompiledKind::Step { undo, .. } = &mut self.kind {
            *undo = None;
        }
    }
}

/// The dags of a try.
pub const BODY: u32 = 0;
pub const CATCH: u32 = 1;

/// What tells approvers stands in no dag of the approval: nothing comes after it, and nothing depends on what becomes of it.
pub const ASIDE: u32 = u32::MAX;

/// The children of a dag, and who needs whom.
#[derive(Debug, Default)]
pub struct CompiledDag {
    pub children: Vec<NodeId>,
    /// For each child: how many siblings it needs; those of which it needs any count as one.
    pub needs: Vec<u32>,
    /// For each child: the siblings that need it.
    pub dependents: Vec<Vec<u32>>,
    /// For each child: of how many siblings it needs any.
    pub any: Vec<u32>,
    /// For each child: the siblings that need it or another.
    pub any_dependents: Vec<Vec<u32>>,
}

/// The input of a step: the same for every execution, or computed.
#[derive(Debug)]
pub enum InputSource {
    Literal(Value),
    Template(Template),
}

/// What limits the time of a step besides its `timeout`.
#[derive(Debug)]
pub struct LimitSources {
    pub schedule: Option<SpanSource>,
    pub total: Option<SpanSource>,
    pub heartbeat: Option<SpanSource>,
    pub deadline: Option<MomentSource>,
}

/// A plan that cannot run. The front ends refuse such definitions with their place; this is for plans made otherwise.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("step `{step}`: `{text}` cannot be compiled: {why}")]
    Expression { step: String, text: String, why: String },
    #[error("step `{step}` comes after `{needed}`, which is not beside it")]
    UnknownNeed { step: Name, needed: Name },
    #[error("two steps are named `{0}`")]
    DuplicateName(Name),
    #[error("the steps {} wait for each other", .0.join(" → "))]
    Cycle(Vec<String>),
    #[error("`{0}` has no steps")]
    Empty(String),
    #[error("`{0}` can only be an activity")]
    NoActivity(Name),
    #[error("`input_schema` cannot be used: {0}")]
    Schema(String),
    #[error("the schema of `{of}` cannot be used: {why}")]
    SchemaOf { of: Name, why: String },
    #[error("it asks for rules {asked}, and this version knows {} at most; a newer orchestrator runs it", crate::RULES)]
    NewerRules { asked: u32 },
}

impl Compiled {
    pub fn new(plan: Plan, version: u32) -> Result<Self, CompileError> {
        if crate::RULES < plan.rules {
            return Err(CompileError::NewerRules { asked: plan.rules });
        }
        let schema = crate::contract::schema_of(&plan)?;
        let exchange = CompiledExchange::new(&plan.exchange)?;
        let mut compiler = Compiler { nodes: vec![], by_name: BTreeMap::new(), outer: None };
        let root = compiler.dag(&plan.root, None, 0, plan.workflow.as_str())?;
        let mut handler = |node: &Option<Box<Node>>| node.as_ref().map(|node| compiler.handler(node)).transpose();
        let handlers = CompiledHandlers {
            on_success: handler(&plan.handlers.on_success)?,
            on_failure: handler(&plan.handlers.on_failure)?,
            on_cancel: handler(&plan.handlers.on_cancel)?,
            on_step_error: handler(&plan.handlers.on_step_error)?,
        };
        if let Some(id) = handlers.on_step_error {
            let node = &mut compiler.nodes[id as usize];
            node.beside = true;
            if !matches!(node.kind, CompiledKind::Step { .. }) {
                return Err(CompileError::NoActivity(node.name.clone()));
            }
        }
        let output = plan.output.as_ref().map(|output| template("output", output)).transpose()?;
        let conduct = CompiledConduct::new(&plan)?;
        let queues = plan.queues().into_iter().cloned().collect();
        let key = plan.concurrency.as_ref().and_then(|concurrency| concurrency.key.as_ref());
        let limit_key = key.map(|key| template("concurrency", &Value::String(key.clone()))).transpose()?;
        let key = plan.unique.as_ref().map(|unique| &unique.key);
        let unique_key = key.map(|key| template("unique", &Value::String(key.clone()))).transpose()?;
        let (nodes, by_name) = (compiler.nodes, compiler.by_name);
        Ok(Self {
            nodes,
            by_name,
            version,
            root,
            handlers,
            output,
            limit_key,
            unique_key,
            schema,
            conduct,
            exchange,
            queues,
            plan,
        })
    }

    /// A node of the plan itself; [`crate::nodes::Nodes`] knows of those that steps returned as well.
    pub fn node(&self, id: NodeId) -> &CompiledNode {
        &self.nodes[id as usize]
    }

    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }
}

/// Steps that a step returned, made ready to run.
#[derive(Debug)]
pub struct CompiledGraft {
    pub nodes: Vec<CompiledNode>,
    pub root: CompiledDag,
    by_name: BTreeMap<Name, NodeId>,
}

/// The step that returned others, and where their ids begin.
#[derive(Clone, Debug)]
pub(crate) struct Outer {
    pub(crate) id: NodeId,
    pub(crate) path: FramePath,
    pub(crate) looped: bool,
    pub(crate) handles: bool,
    pub(crate) base: NodeId,
}

impl CompiledGraft {
    pub(crate) fn new(dag: &Dag, outer: Outer) -> Result<Self, CompileError> {
        let (id, handles) = (outer.id, outer.handles);
        let mut compiler = Compiler { nodes: vec![], by_name: BTreeMap::new(), outer: Some(outer) };
        let root = compiler.dag(dag, Some(id), 0, "the expansion")?;
        if handles {
            compiler.nodes.iter_mut().for_each(CompiledNode::only_handles);
        }
        Ok(Self { nodes: compiler.nodes, root, by_name: compiler.by_name })
    }

    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }
}
