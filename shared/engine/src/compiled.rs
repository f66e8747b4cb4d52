//! A plan made ready to run: nodes in an arena, edges in both directions, expressions compiled.

mod conduct;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::FramePath;
use sagaline_expr::{Expression, Template, whole};
use sagaline_model::{
    Approval, Await, AwaitSignals, Backoff, Child, Dag, Kind, Name, Node, OnError, OnTimeout, Plan, Raise, Step,
};
use sagaline_schema::Schema;
use serde_json::{Map, Value};

pub use self::{
    conduct::CompiledConduct,
    source::{CountSource, MomentSource, SpanSource},
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
pub enum CompiledKind {
    Step {
        step: Step,
        input: InputSource,
        timeout: Option<SpanSource>,
        limits: LimitSources,
        backoff: Option<Expression>,
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
}

impl CompiledKind {
    /// The dag of this number. A node holds one, none, or several of which one is open at a time.
    pub fn dag(&self, branch: u32) -> Option<&CompiledDag> {
        match self {
            Self::Dag(dag) | Self::Race(dag) => Some(dag),
            Self::Switch { cases } => cases.get(branch as usize).map(|(_, dag)| dag),
            Self::Try { body, catch, .. } => Some(if branch == BODY { body } else { catch }),
            Self::Await { late, .. } | Self::AwaitSignals { late, .. } | Self::Approval { late, .. } => late.as_ref(),
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
            _ => None,
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
        let (nodes, by_name) = (compiler.nodes, compiler.by_name);
        Ok(Self { nodes, by_name, version, root, handlers, output, limit_key, schema, conduct, exchange, queues, plan })
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
        compiler.nodes.iter_mut().for_each(|node| node.handles = handles);
        Ok(Self { nodes: compiler.nodes, root, by_name: compiler.by_name })
    }

    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }
}

struct Compiler {
    nodes: Vec<CompiledNode>,
    by_name: BTreeMap<Name, NodeId>,
    /// What all of it stands in, if it is no plan of its own.
    outer: Option<Outer>,
}

impl Compiler {
    fn dag(&mut self, dag: &Dag, parent: Option<NodeId>, branch: u32, of: &str) -> Result<CompiledDag, CompileError> {
        if dag.nodes.is_empty() {
            return Err(CompileError::Empty(of.to_owned()));
        }
        let mut compiled = CompiledDag::default();
        let mut places = BTreeMap::new();
        for (index, node) in (0_u32..).zip(&dag.nodes) {
            places.insert(node.name.as_str(), index);
            let id = self.node(node, parent, branch, index)?;
            compiled.children.push(id);
        }
        compiled.dependents = vec![vec![]; dag.nodes.len()];
        compiled.any_dependents = vec![vec![]; dag.nodes.len()];
        for (index, node) in (0_u32..).zip(&dag.nodes) {
            let place_of = |needed: &Name| match places.get(needed.as_str()) {
                Some(place) => Ok(*place as usize),
                None => Err(CompileError::UnknownNeed { step: node.name.clone(), needed: needed.clone() }),
            };
            for needed in &node.after {
                compiled.dependents[place_of(needed)?].push(index);
            }
            for needed in &node.after_any {
                compiled.any_dependents[place_of(needed)?].push(index);
            }
            let any = u32::try_from(node.after_any.len()).unwrap_or(u32::MAX);
            compiled.needs.push(u32::try_from(node.after.len()).unwrap_or(u32::MAX).saturating_add(any.min(1)));
            compiled.any.push(any);
        }
        no_cycle(dag, &compiled)?;
        Ok(compiled)
    }

    fn handler(&mut self, node: &Node) -> Result<NodeId, CompileError> {
        let id = self.node(node, None, 0, 0)?;
        self.nodes[id as usize..].iter_mut().for_each(|node| node.handles = true);
        Ok(id)
    }

    /// A node with a name that is the only one of its kind in the workflow.
    fn node(&mut self, node: &Node, parent: Option<NodeId>, branch: u32, index: u32) -> Result<NodeId, CompileError> {
        let id = self.next();
        if self.by_name.insert(node.name.clone(), id).is_some() {
            return Err(CompileError::DuplicateName(node.name.clone()));
        }
        self.place(node, parent, branch, index)
    }

    /// A node, named or the body of a loop.
    fn place(&mut self, node: &Node, parent: Option<NodeId>, branch: u32, index: u32) -> Result<NodeId, CompileError> {
        let id = self.next();
        let when = node.when.as_deref().map(|text| expression_of(node.name.as_str(), text)).transpose()?;
        let (path, looped) = match (parent, &self.outer) {
            (None, _) => (FramePath::root(&node.name), false),
            (Some(parent), Some(outer)) if parent == outer.id => (outer.path.child(&node.name), outer.looped),
            (Some(parent), _) => {
                let parent = &self.nodes[self.place_of(parent)];
                let looped = parent.looped || matches!(parent.kind, CompiledKind::ForEach { .. });
                (parent.path.child(&node.name), looped)
            }
        };
        self.nodes.push(CompiledNode {
            name: node.name.clone(),
            path,
            looped,
            parent,
            branch,
            index,
            when,
            on_error: node.on_error,
            handles: false,
            beside: false,
            kind: alone(node)?,
            context_key: node.context_key.clone(),
        });
        let name = node.name.as_str();
        let kind = match &node.kind {
            Kind::Dag(dag) => CompiledKind::Dag(self.dag(dag, Some(id), 0, name)?),
            Kind::Race(dag) => CompiledKind::Race(self.dag(dag, Some(id), 0, name)?),
            Kind::Switch { cases } => {
                let mut compiled = vec![];
                for (branch, case) in (0_u32..).zip(cases) {
                    let when = case.when.as_deref().map(|text| expression_of(name, text)).transpose()?;
                    compiled.push((when, self.dag(&case.steps, Some(id), branch, name)?));
                }
                CompiledKind::Switch { cases: compiled }
            }
            Kind::Try(what) => CompiledKind::Try {
                body: self.dag(&what.body, Some(id), BODY, name)?,
                errors: what.errors.clone(),
                catch: self.dag(&what.catch, Some(id), CATCH, name)?,
            },
            Kind::ForEach(each) => {
                let body = self.place(&each.body, Some(id), 0, 0)?;
                let own = self.place_of(id);
                match &mut self.nodes[own].kind {
                    CompiledKind::ForEach { body: place, .. } => *place = body,
                    _ => unreachable!("it was placed as a loop"),
                }
                return Ok(id);
            }
            Kind::Await(Await { on_timeout, .. }) | Kind::AwaitSignals(AwaitSignals { on_timeout, .. }) => {
                self.late(on_timeout, id, name)?;
                return Ok(id);
            }
            Kind::Approval(what) => {
                let teller = what.notify.as_ref().map(|node| self.place(node, Some(id), ASIDE, 0)).transpose()?;
                let own = self.place_of(id);
                if let CompiledKind::Approval { notify, .. } = &mut self.nodes[own].kind {
                    *notify = teller;
                }
                self.late(&what.on_timeout, id, name)?;
                return Ok(id);
            }
            Kind::Step(_) | Kind::Wait(_) | Kind::Set { .. } | Kind::Raise(_) | Kind::Child(_) | Kind::Emit(_) => {
                return Ok(id);
            }
        };
        let own = self.place_of(id);
        self.nodes[own].kind = kind;
        Ok(id)
    }

    /// The steps that are done when what the node waits for does not come in time.
    fn late(&mut self, on_timeout: &OnTimeout, id: NodeId, name: &str) -> Result<(), CompileError> {
        let Some(steps) = on_timeout.steps() else { return Ok(()) };
        if let Some(taken) = steps.nodes.iter().find(|node| node.name.as_str() == Approval::NOTIFY) {
            return Err(CompileError::DuplicateName(taken.name.clone()));
        }
        let dag = self.dag(steps, Some(id), 0, name)?;
        let own = self.place_of(id);
        match &mut self.nodes[own].kind {
            CompiledKind::Await { late, .. }
            | CompiledKind::AwaitSignals { late, .. }
            | CompiledKind::Approval { late, .. } => *late = Some(dag),
            _ => unreachable!("it was placed as one that waits"),
        }
        Ok(())
    }

    fn base(&self) -> NodeId {
        self.outer.as_ref().map_or(0, |outer| outer.base)
    }

    fn next(&self) -> NodeId {
        NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX).saturating_add(self.base())
    }

    fn place_of(&self, id: NodeId) -> usize {
        (id - self.base()) as usize
    }
}

/// A node without those inside of it.
fn alone(node: &Node) -> Result<CompiledKind, CompileError> {
    let name = node.name.as_str();
    Ok(match &node.kind {
        Kind::Step(step) => CompiledKind::Step {
            input: input(name, &step.input)?,
            timeout: step.timeout.as_deref().map(|text| span(name, text)).transpose()?,
            limits: LimitSources {
                schedule: step.limits.schedule_timeout.as_deref().map(|text| span(name, text)).transpose()?,
                total: step.limits.total_timeout.as_deref().map(|text| span(name, text)).transpose()?,
                heartbeat: step.limits.heartbeat.as_deref().map(|text| span(name, text)).transpose()?,
                deadline: step.limits.deadline.as_deref().map(|text| MomentSource::compile(name, text)).transpose()?,
            },
            backoff: match &step.retry.backoff {
                Backoff::Custom { expression } => Some(expression_of(name, expression)?),
                Backoff::Fixed | Backoff::Linear | Backoff::Exponential { .. } => None,
            },
            step: step.clone(),
        },
        Kind::Wait(wait) => CompiledKind::Wait { duration: span(name, &wait.duration)? },
        Kind::Await(what) => CompiledKind::Await {
            timeout: what.timeout.as_deref().map(|text| span(name, text)).transpose()?,
            what: what.clone(),
            late: None,
        },
        Kind::AwaitSignals(what) => CompiledKind::AwaitSignals {
            timeout: what.timeout.as_deref().map(|text| span(name, text)).transpose()?,
            what: what.clone(),
            late: None,
        },
        Kind::Approval(what) => CompiledKind::Approval {
            approvers: template(name, &what.approvers)?,
            timeout: what.timeout.as_deref().map(|text| span(name, text)).transpose()?,
            what: what.clone(),
            notify: None,
            late: None,
        },
        Kind::Set { values } => CompiledKind::Set { values: template(name, values)? },
        Kind::Raise(Raise { kind, message, details }) => CompiledKind::Raise {
            kind: kind.clone(),
            message: text_template(name, message)?,
            details: template(name, details)?,
        },
        Kind::Child(child) => CompiledKind::Child {
            id: child.id.as_deref().map(|text| text_template(name, text)).transpose()?,
            input: input(name, &child.input)?,
            timeout: child.timeout.as_deref().map(|text| span(name, text)).transpose()?,
            what: child.clone(),
        },
        Kind::Emit(emit) => CompiledKind::Emit {
            kind: emit.kind.clone(),
            source: emit.source.as_deref().map(|text| text_template(name, text)).transpose()?,
            subject: emit.subject.as_deref().map(|text| text_template(name, text)).transpose()?,
            data: template(name, &emit.data)?,
        },
        Kind::ForEach(each) => CompiledKind::ForEach {
            items: template(name, &each.items)?,
            item: each.item.clone(),
            concurrency: match &each.computed_concurrency {
                Some(text) => CountSource::compile(name, text)?,
                None => CountSource::Fixed(each.concurrency.max(1)),
            },
            body: NodeId::MAX,
        },
        // Those inside of it come behind it.
        Kind::Dag(_) | Kind::Race(_) | Kind::Switch { .. } | Kind::Try(_) => CompiledKind::Dag(CompiledDag::default()),
    })
}

/// Takes away, again and again, what needs nothing any more; whatever is left waits for itself.
fn no_cycle(dag: &Dag, compiled: &CompiledDag) -> Result<(), CompileError> {
    let mut needs: Vec<usize> = dag.nodes.iter().map(|node| node.after.len() + node.after_any.len()).collect();
    let mut free: Vec<usize> = (0..needs.len()).filter(|&index| needs[index] == 0).collect();
    let mut left = needs.len();
    while let Some(index) = free.pop() {
        left -= 1;
        for &dependent in compiled.dependents[index].iter().chain(&compiled.any_dependents[index]) {
            needs[dependent as usize] -= 1;
            if needs[dependent as usize] == 0 {
                free.push(dependent as usize);
            }
        }
    }
    if left == 0 {
        return Ok(());
    }
    let stuck = dag.nodes.iter().zip(&needs).filter(|(_, needs)| **needs > 0);
    Err(CompileError::Cycle(stuck.map(|(node, _)| node.name.to_string()).collect()))
}

fn input(step: &str, value: &Value) -> Result<InputSource, CompileError> {
    let template = template(step, value)?;
    Ok(match template.is_literal() {
        // Not the value itself: in it, `$${` stands for `${`.
        true => InputSource::Literal(template.render(&Map::new()).expect("a literal is not evaluated")),
        false => InputSource::Template(template),
    })
}

fn text_template(step: &str, text: &str) -> Result<Template, CompileError> {
    template(step, &Value::String(text.to_owned()))
}

pub(crate) fn template(step: &str, value: &Value) -> Result<Template, CompileError> {
    Template::compile(value).map_err(|faults| CompileError::Expression {
        step: step.to_owned(),
        text: value.to_string(),
        why: faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    })
}

pub(crate) fn expression_of(step: &str, text: &str) -> Result<Expression, CompileError> {
    let source = whole(text).unwrap_or(text);
    Expression::compile(source).map_err(|fault| CompileError::Expression {
        step: step.to_owned(),
        text: text.to_owned(),
        why: fault.to_string(),
    })
}

fn span(step: &str, text: &str) -> Result<SpanSource, CompileError> {
    SpanSource::compile(step, text)
}
