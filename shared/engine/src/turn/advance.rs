//! Going on: nodes are entered when their needs are satisfied, and satisfy others when they are done.

use sagaline_events::{FramePath, Happening};
use sagaline_expr::Template;
use sagaline_model::StepError;
use serde_json::{Map, Value};

use super::{Turn, children::ChildPlan, emit::EmitPlan};
use crate::{
    compiled::{ASIDE, CompiledDag, CompiledKind, InputSource, NodeId},
    state::{OpenDag, Outcome, State, TaskInput},
    weight,
};

impl Turn<'_> {
    /// Queues the children of a dag (the root's without a parent) that need nothing.
    pub(crate) fn open(&mut self, path: Option<&FramePath>, parent: Option<NodeId>, branch: u32) {
        let dag = self.plan.dag_of(parent, branch);
        if path.is_none() && !self.run.frames.is_empty() {
            return self.open_the_rest();
        }
        let free = dag.children.iter().zip(&dag.needs).filter(|(_, needs)| **needs == 0);
        let free: Vec<_> = free.map(|(node, _)| (self.child(path, *node), *node)).collect();
        self.ready.extend(free);
    }

    /// Some of the workflow's steps were done before it began.
    fn open_the_rest(&mut self) {
        let dag = &self.plan.root;
        if self.run.root.open == 0 {
            return self.dag_done(None, None);
        }
        let free = dag.children.iter().zip(&self.run.root.unmet).filter(|(_, unmet)| **unmet == 0);
        let free = free.map(|(node, _)| (self.child(None, *node), *node));
        let free: Vec<_> = free.filter(|(path, _)| !self.run.frames.contains_key(path)).collect();
        self.ready.extend(free);
    }

    /// Where the frame of a node stands whose parent has its frame at `outer`.
    fn child(&self, outer: Option<&FramePath>, id: NodeId) -> FramePath {
        let node = self.plan.node(id);
        match outer {
            Some(outer) if node.looped => outer.child(&node.name),
            Some(_) | None => node.path.clone(),
        }
    }

    /// A node's needs are satisfied.
    pub(super) fn enter(&mut self, path: &FramePath, id: NodeId) {
        let node = self.plan.node(id);
        // What encloses it may have failed since it was queued.
        if !self.is_open(path, id) {
            return;
        }
        let wanted = match &node.when {
            None => Ok(true),
            Some(when) => when.condition(&self.data_at(path)),
        };
        match wanted {
            Ok(true) => {}
            Ok(false) => return self.skip(path, id, 0, "its condition does not hold".to_owned()),
            Err(fault) => return self.fail(path, id, 0, expression_error(&fault)),
        }
        if let Err(error) = self.begin(path, id) {
            self.fail(path, id, 0, error);
        }
    }

    /// What a node does first.
    pub(super) fn begin(&mut self, path: &FramePath, id: NodeId) -> Result<(), StepError> {
        match &self.plan.node(id).kind {
            CompiledKind::Step { input, limits, .. } => {
                let input = match input {
                    InputSource::Literal(Value::Null) if self.plan.node(id).branch == ASIDE => {
                        TaskInput::Computed(self.notice(path))
                    }
                    InputSource::Literal(Value::Null) if self.plan.node(id).handles => {
                        TaskInput::Computed(self.data().how_it_ends())
                    }
                    InputSource::Literal(_) => TaskInput::Literal,
                    InputSource::Template(template) => TaskInput::Computed(self.render(path, template)?),
                };
                self.first_attempt(path, id, input, limits)?;
            }
            CompiledKind::Wait { duration } => {
                let due = self.at + self.span(path, duration)?;
                self.run.set(path, id, State::Waiting { due }, self.at);
                self.tell(Happening::StepWaiting { step: path.clone(), wait_for: "time".to_owned(), until: Some(due) });
            }
            CompiledKind::Await { what, timeout, .. } => match self.run.take_signal(&what.signal) {
                Some(data) => self.complete(path, id, 0, data),
                None => {
                    let timeout = timeout.as_ref().map(|timeout| self.span(path, timeout)).transpose()?;
                    self.wait_for_signal(path.clone(), id, &what.signal, timeout);
                }
            },
            CompiledKind::Dag(_) | CompiledKind::Race(_) | CompiledKind::Try { .. } => {
                self.open_block(path, id, 0, None);
            }
            CompiledKind::Switch { cases } => self.choose(path, id, cases)?,
            CompiledKind::ForEach { items, concurrency, .. } => self.begin_loop(path, id, items, concurrency)?,
            CompiledKind::Set { values } => {
                let values = self.render(path, values)?;
                self.complete(path, id, 0, values);
            }
            CompiledKind::Raise { kind, message, details } => {
                let message = match self.render(path, message)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let details = Some(self.render(path, details)?).filter(|details| !details.is_null());
                return Err(StepError { details, ..StepError::new(kind.as_str(), message).final_() });
            }
            CompiledKind::Child { what, id: named, input, timeout } => {
                let planned = ChildPlan { what, id: named.as_ref(), input, timeout: timeout.as_ref() };
                self.begin_child(path, id, planned)?;
            }
            CompiledKind::Emit { kind, source, subject, data } => {
                let planned = EmitPlan { kind, source: source.as_ref(), subject: subject.as_ref(), data };
                self.emit(path, id, planned)?;
            }
            CompiledKind::AwaitSignals { what, timeout, .. } => {
                let timeout = timeout.as_ref().map(|timeout| self.span(path, timeout)).transpose()?;
                self.wait_for_signals(path, id, what, timeout);
            }
            CompiledKind::Approval { approvers, timeout, notify, .. } => {
                let timeout = timeout.as_ref().map(|timeout| self.span(path, timeout)).transpose()?;
                self.wait_for_approval(path, id, approvers, timeout, *notify)?;
            }
            CompiledKind::AwaitEvent { what, with, timeout, .. } => {
                let timeout = timeout.as_ref().map(|timeout| self.span(path, timeout)).transpose()?;
                self.wait_for_event(path, id, what, with, timeout)?;
            }
        }
        Ok(())
    }

    pub(super) fn render(&self, path: &FramePath, template: &Template) -> Result<Value, StepError> {
        template.render(&self.data_at(path)).map_err(|fault| expression_error(&fault))
    }

    /// A node is done as it should be.
    pub(super) fn complete(&mut self, path: &FramePath, id: NodeId, attempt: u32, output: Value) {
        let since = self.run.frames.get(path).map_or(self.at, |frame| frame.since);
        self.tell(Happening::StepCompleted { step: path.clone(), attempt, duration: self.at.since(since) });
        self.join(path, id, &output);
        self.has_had_its_effect(path, id, &output);
        self.run.set(path, id, State::Completed { at: self.at, attempt, output }, self.at);
        self.satisfied(path, id);
    }

    /// What a node gave joins `ctx`.
    fn join(&mut self, path: &FramePath, id: NodeId, output: &Value) {
        let node = self.plan.node(id);
        // What tells approvers, or runs beside the tree, gives nothing to anybody.
        if node.branch == ASIDE || node.beside || self.run.job.is_some() {
            return;
        }
        // The attributes of an event are no names that anybody chose.
        let is_event = matches!(self.run.frames.get(path).map(|frame| &frame.state), Some(State::AwaitingEvent(_)));
        if is_event && node.context_key.is_none() {
            return;
        }
        match (&node.context_key, output) {
            (Some(key), output) => self.run.merge(path, &Map::from_iter([(key.to_string(), output.clone())])),
            (None, Value::Object(map)) => {
                // What the steps inside of it returned is there already.
                let state = self.run.frames.get(path).map(|frame| &frame.state);
                if !matches!(state, Some(State::Open { .. } | State::Looping(_))) {
                    self.run.merge(path, map);
                }
            }
            (None, _) => {}
        }
    }

    pub(super) fn skip(&mut self, path: &FramePath, id: NodeId, attempt: u32, reason: String) {
        self.tell(Happening::StepSkipped { step: path.clone(), reason: reason.clone() });
        self.run.set(path, id, State::Skipped { at: self.at, attempt, reason }, self.at);
        self.satisfied(path, id);
    }

    /// A node is done in a way that lets others go on: those that need nothing else are ready, and what holds it is done itself
    /// if this was the last.
    pub(super) fn satisfied(&mut self, path: &FramePath, id: NodeId) {
        if self.is_tidying_up() {
            return self.tidied_up();
        }
        if self.plan.node(id).branch == ASIDE {
            return;
        }
        let holder = path.parent().zip(self.plan.node(id).parent);
        match &holder {
            Some((outer, outer_id)) => match &self.plan.node(*outer_id).kind {
                CompiledKind::ForEach { .. } => self.item_done(outer, *outer_id, path),
                CompiledKind::Race(_) => self.runner_done(outer, *outer_id, path),
                CompiledKind::Step { .. } => self.expanded_done(outer, *outer_id, path, id),
                _ => self.child_done(Some(outer), path, id),
            },
            None if self.plan.node(id).beside => self.beside_done(path),
            None if self.plan.node(id).handles => self.handled(),
            None => self.child_done(None, path, id),
        }
    }

    fn child_done(&mut self, outer: Option<&FramePath>, path: &FramePath, id: NodeId) {
        let completed = matches!(self.run.frames.get(path).map(|frame| &frame.state), Some(State::Completed { .. }));
        let node = self.plan.node(id);
        let compiled = self.plan.dag_of(node.parent, node.branch);
        let Some(open) = self.open_dag(outer) else { return };
        let free = open.child_done(compiled, node.index, completed);
        let all_done = open.open == 0;
        let free = free.into_iter().map(|place| compiled.children[place as usize]);
        let free: Vec<_> = free.map(|node| (self.child(outer, node), node)).collect();
        self.ready.extend(free);
        if all_done {
            self.dag_done(outer, node.parent);
        }
    }

    /// Whether what holds this frame is at work on the part that it belongs to.
    pub(super) fn is_open(&self, path: &FramePath, id: NodeId) -> bool {
        let Some((outer, _)) = path.as_str().rsplit_once('/') else { return true };
        match self.run.frames.get(outer).map(|frame| &frame.state) {
            Some(State::Open { branch, .. }) => *branch == self.plan.node(id).branch,
            Some(State::Looping(_) | State::Expanding(_)) => true,
            Some(State::Approving(_)) => self.plan.node(id).branch == ASIDE,
            Some(_) | None => false,
        }
    }

    pub(super) fn open_dag(&mut self, outer: Option<&FramePath>) -> Option<&mut OpenDag> {
        let Some(outer) = outer else { return Some(&mut self.run.root) };
        match self.run.frames.get_mut(outer).map(|frame| &mut frame.state) {
            Some(State::Open { dag, .. }) => Some(dag),
            Some(State::Expanding(expanding)) => Some(&mut expanding.dag),
            _ => None,
        }
    }

    fn dag_done(&mut self, path: Option<&FramePath>, node: Option<NodeId>) {
        match path.zip(node) {
            Some((path, id)) => {
                let Some(merged) = self.run.take_merged(path) else { return };
                self.complete(path, id, 0, Value::Object(merged));
            }
            None => {
                let output = match &self.plan.output {
                    _ if self.run.job.is_some() => Ok(self.run.job_output()),
                    None => Ok(Value::Object(self.run.ctx.clone())),
                    Some(output) => output.render(&self.data()),
                };
                let output = output.map_err(|fault| expression_error(&fault)).and_then(light_enough);
                self.end(match output {
                    Ok(output) => Outcome::Completed { output },
                    Err(error) => Outcome::Failed { error, step: None, attempts: None },
                });
            }
        }
    }
}

/// An output that its record can carry.
fn light_enough(output: Value) -> Result<Value, StepError> {
    let weight = weight::of(&output);
    if weight <= weight::HEAVIEST_OUTPUT {
        return Ok(output);
    }
    Err(too_heavy("the workflow's output has", weight, weight::HEAVIEST_OUTPUT))
}

pub(super) fn too_heavy(what: &str, weight: usize, limit: usize) -> StepError {
    let (weight, limit) = (weight / 1024, limit / 1024);
    let message = format!(
        "{what} {weight} KiB, more than the {limit} KiB that can be kept of an execution; \
         let steps return less, or a reference to where they stored it"
    );
    StepError::new(StepError::TOO_LARGE, message).final_()
}

impl OpenDag {
    /// A child is done in a way that lets others go on. Gives those that only waited for it, by their places.
    pub(crate) fn child_done(&mut self, compiled: &CompiledDag, place: u32, completed: bool) -> Vec<u32> {
        self.open -= 1;
        let mut free = vec![];
        for &dependent in &compiled.dependents[place as usize] {
            if self.met(dependent) {
                free.push(dependent);
            }
        }
        for &dependent in &compiled.any_dependents[place as usize] {
            let left = &mut self.any[dependent as usize];
            let was_open = *left > 0;
            *left = if completed { 0 } else { left.saturating_sub(1) };
            if was_open && *left == 0 && self.met(dependent) {
                free.push(dependent);
            }
        }
        free
    }

    /// One need of a child is satisfied; whether that was the last.
    fn met(&mut self, child: u32) -> bool {
        let unmet = &mut self.unmet[child as usize];
        *unmet -= 1;
        *unmet == 0
    }
}

pub(super) fn expression_error(fault: &sagaline_expr::EvalError) -> StepError {
    StepError::new(StepError::EXPRESSION, fault.to_string()).final_()
}
