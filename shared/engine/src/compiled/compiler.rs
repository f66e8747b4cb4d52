//! From the nodes of a plan to those of an arena: places, edges, expressions.

use std::collections::BTreeMap;

use sagaline_events::FramePath;
use sagaline_expr::{Expression, Template, whole};
use sagaline_model::{Approval, Await, AwaitEvent, AwaitSignals, Dag, Gate, Kind, Name, Node, OnTimeout, Raise};
use serde_json::{Map, Value};

use super::{
    ASIDE, BODY, CATCH, CompileError, CompiledDag, CompiledKind, CompiledNode, CompiledUndo, CountSource, InputSource,
    LimitSources, MomentSource, NodeId, Outer, RetrySources, SpanSource,
};

pub(super) struct Compiler {
    pub(super) nodes: Vec<CompiledNode>,
    pub(super) by_name: BTreeMap<Name, NodeId>,
    /// What all of it stands in, if it is no plan of its own.
    pub(super) outer: Option<Outer>,
}

impl Compiler {
    pub(super) fn dag(
        &mut self,
        dag: &Dag,
        parent: Option<NodeId>,
        branch: u32,
        of: &str,
    ) -> Result<CompiledDag, CompileError> {
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

    pub(super) fn handler(&mut self, node: &Node) -> Result<NodeId, CompileError> {
        let id = self.node(node, None, 0, 0)?;
        self.nodes[id as usize..].iter_mut().for_each(CompiledNode::only_handles);
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
            Kind::Await(Await { on_timeout, .. })
            | Kind::AwaitSignals(AwaitSignals { on_timeout, .. })
            | Kind::AwaitEvent(AwaitEvent { on_timeout, .. }) => {
                self.late(on_timeout, id, name)?;
                return Ok(id);
            }
            Kind::Approval(what) => {
                let teller = what.notify.as_ref().map(|node| self.place(node, Some(id), ASIDE, 0)).transpose()?;
                if let Some(teller) = teller {
                    let teller = self.place_of(teller);
                    self.nodes[teller].cannot_be_undone();
                }
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
            | CompiledKind::AwaitEvent { late, .. }
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
            retry: Box::new(RetrySources::compile(name, &step.retry)?),
            undo: match step.compensate.as_deref() {
                Some(compensate) => Some(Box::new(CompiledUndo::new(name, compensate)?)),
                None => None,
            },
            gates: gate_keys(name, &step.gates)?,
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
        Kind::AwaitEvent(what) => CompiledKind::AwaitEvent {
            with: template(name, &what.with)?,
            timeout: what.timeout.as_deref().map(|text| span(name, text)).transpose()?,
            what: what.clone(),
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

fn gate_keys(step: &str, gates: &[Gate]) -> Result<Vec<Option<Template>>, CompileError> {
    let key = |gate: &Gate| match gate {
        Gate::Rate(rate) => rate.key.clone(),
        Gate::Places(places) => places.key.clone(),
    };
    gates.iter().map(|gate| key(gate).map(|key| text_template(step, &key)).transpose()).collect()
}

fn input(step: &str, value: &Value) -> Result<InputSource, CompileError> {
    let template = template(step, value)?;
    Ok(match template.is_literal() {
        // Not the value itself: in it, `$${` stands for `${`.
        true => InputSource::Literal(template.render(&Map::new()).expect("a literal is not evaluated")),
        false => InputSource::Template(template),
    })
}

pub(super) fn text_template(step: &str, text: &str) -> Result<Template, CompileError> {
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
