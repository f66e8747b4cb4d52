//! A plan made ready to run: nodes in an arena, edges in both directions, expressions compiled.

use std::collections::BTreeMap;

use sagaline_events::FramePath;
use sagaline_expr::{Expression, Template, whole};
use sagaline_model::{Await, Backoff, Dag, Kind, Name, Node, OnError, Plan, Span, Step};
use sagaline_schema::Schema;
use serde_json::{Map, Value};

/// The position of a node in [`Compiled::nodes`]; the same for every compilation of the same plan.
pub type NodeId = u32;

/// A plan made ready to run.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Plan,
    pub version: u32,
    pub nodes: Vec<CompiledNode>,
    pub root: CompiledDag,
    pub output: Option<Template>,
    /// What an input must look like; nothing if the plan does not ask for it.
    pub(crate) schema: Option<Schema>,
    by_name: BTreeMap<Name, NodeId>,
}

#[derive(Debug)]
pub struct CompiledNode {
    pub name: Name,
    /// Where its frame stands: every node is visited once.
    pub path: FramePath,
    pub parent: Option<NodeId>,
    /// Position among the siblings.
    pub index: u32,
    pub when: Option<Expression>,
    pub on_error: OnError,
    pub kind: CompiledKind,
}

#[derive(Debug)]
pub enum CompiledKind {
    Step { step: Step, input: InputSource, timeout: Option<SpanSource>, backoff: Option<Expression> },
    Wait { duration: SpanSource },
    Await { what: Await, timeout: Option<SpanSource> },
    Dag(CompiledDag),
}

/// The children of a dag, and who needs whom.
#[derive(Debug, Default)]
pub struct CompiledDag {
    pub children: Vec<NodeId>,
    /// For each child: how many siblings it needs.
    pub needs: Vec<u32>,
    /// For each child: the siblings that need it.
    pub dependents: Vec<Vec<u32>>,
}

/// The input of a step: the same for every execution, or computed.
#[derive(Debug)]
pub enum InputSource {
    Literal(Value),
    Template(Template),
}

/// A duration as written, or an expression that gives one.
#[derive(Debug)]
pub enum SpanSource {
    Fixed(Span),
    Expression(Expression),
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
    #[error("`input_schema` cannot be used: {0}")]
    Schema(String),
    #[error("it asks for rules {asked}, and this version knows {} at most; a newer orchestrator runs it", crate::RULES)]
    NewerRules { asked: u32 },
}

impl Compiled {
    pub fn new(plan: Plan, version: u32) -> Result<Self, CompileError> {
        if crate::RULES < plan.rules {
            return Err(CompileError::NewerRules { asked: plan.rules });
        }
        let schema = crate::contract::schema_of(&plan)?;
        let mut compiler = Compiler { nodes: vec![], by_name: BTreeMap::new() };
        let root = compiler.dag(&plan.root, None, plan.workflow.as_str())?;
        let output = plan.output.as_ref().map(|output| template("output", output)).transpose()?;
        Ok(Self { nodes: compiler.nodes, by_name: compiler.by_name, version, root, output, schema, plan })
    }

    pub fn node(&self, id: NodeId) -> &CompiledNode {
        &self.nodes[id as usize]
    }

    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }

    /// The dag that holds the children of `parent`; the root's where there is none.
    pub fn dag_of(&self, parent: Option<NodeId>) -> &CompiledDag {
        match parent.map(|id| &self.node(id).kind) {
            None => &self.root,
            Some(CompiledKind::Dag(dag)) => dag,
            Some(CompiledKind::Step { .. } | CompiledKind::Wait { .. } | CompiledKind::Await { .. }) => {
                unreachable!("only a dag is a parent")
            }
        }
    }
}

struct Compiler {
    nodes: Vec<CompiledNode>,
    by_name: BTreeMap<Name, NodeId>,
}

impl Compiler {
    fn dag(&mut self, dag: &Dag, parent: Option<NodeId>, of: &str) -> Result<CompiledDag, CompileError> {
        if dag.nodes.is_empty() {
            return Err(CompileError::Empty(of.to_owned()));
        }
        let mut compiled = CompiledDag::default();
        let mut places = BTreeMap::new();
        for (index, node) in (0_u32..).zip(&dag.nodes) {
            places.insert(node.name.as_str(), index);
            let id = self.node(node, parent, index)?;
            compiled.children.push(id);
        }
        compiled.dependents = vec![vec![]; dag.nodes.len()];
        for (index, node) in (0_u32..).zip(&dag.nodes) {
            for needed in &node.after {
                let Some(place) = places.get(needed.as_str()) else {
                    return Err(CompileError::UnknownNeed { step: node.name.clone(), needed: needed.clone() });
                };
                compiled.dependents[*place as usize].push(index);
            }
            compiled.needs.push(u32::try_from(node.after.len()).unwrap_or(u32::MAX));
        }
        no_cycle(dag, &compiled)?;
        Ok(compiled)
    }

    fn node(&mut self, node: &Node, parent: Option<NodeId>, index: u32) -> Result<NodeId, CompileError> {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        if self.by_name.insert(node.name.clone(), id).is_some() {
            return Err(CompileError::DuplicateName(node.name.clone()));
        }
        let name = node.name.as_str();
        let kind = match &node.kind {
            Kind::Step(step) => CompiledKind::Step {
                input: input(name, &step.input)?,
                timeout: step.timeout.as_deref().map(|text| span(name, text)).transpose()?,
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
            },
            Kind::Dag(_) => CompiledKind::Dag(CompiledDag::default()),
        };
        let when = node.when.as_deref().map(|text| expression_of(name, text)).transpose()?;
        let path = match parent {
            None => FramePath::root(&node.name),
            Some(parent) => self.nodes[parent as usize].path.child(&node.name),
        };
        self.nodes.push(CompiledNode {
            name: node.name.clone(),
            path,
            parent,
            index,
            when,
            on_error: node.on_error,
            kind,
        });
        if let Kind::Dag(dag) = &node.kind {
            let inner = self.dag(dag, Some(id), name)?;
            self.nodes[id as usize].kind = CompiledKind::Dag(inner);
        }
        Ok(id)
    }
}

/// Takes away, again and again, what needs nothing any more; whatever is left waits for itself.
fn no_cycle(dag: &Dag, compiled: &CompiledDag) -> Result<(), CompileError> {
    let mut needs = compiled.needs.clone();
    let mut free: Vec<usize> = (0..needs.len()).filter(|&index| needs[index] == 0).collect();
    let mut left = needs.len();
    while let Some(index) = free.pop() {
        left -= 1;
        for &dependent in &compiled.dependents[index] {
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

fn template(step: &str, value: &Value) -> Result<Template, CompileError> {
    Template::compile(value).map_err(|faults| CompileError::Expression {
        step: step.to_owned(),
        text: value.to_string(),
        why: faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    })
}

fn expression_of(step: &str, text: &str) -> Result<Expression, CompileError> {
    let source = whole(text).unwrap_or(text);
    Expression::compile(source).map_err(|fault| CompileError::Expression {
        step: step.to_owned(),
        text: text.to_owned(),
        why: fault.to_string(),
    })
}

fn span(step: &str, text: &str) -> Result<SpanSource, CompileError> {
    if whole(text).is_some() {
        return expression_of(step, text).map(SpanSource::Expression);
    }
    text.parse().map(SpanSource::Fixed).map_err(|fault: sagaline_model::time::NotADuration| CompileError::Expression {
        step: step.to_owned(),
        text: text.to_owned(),
        why: fault.to_string(),
    })
}
