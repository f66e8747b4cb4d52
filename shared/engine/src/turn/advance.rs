//! Going on: nodes are entered when their needs are satisfied, and satisfy others when they are done.

use sagaline_events::{FramePath, Happening};
use sagaline_model::{Name, Span, StepError};
use serde_json::{Map, Value};

use super::Turn;
use crate::{
    compiled::{CompiledKind, InputSource, NodeId, SpanSource},
    data::span_of,
    effect::{Dispatch, Effect},
    state::{Dispatched, OpenDag, Outcome, State, TaskInput},
    weight,
};

impl Turn<'_> {
    /// Queues the children of a dag (the root's without a parent) that need nothing.
    pub(crate) fn open(&mut self, parent: Option<NodeId>) {
        let dag = self.plan.dag_of(parent);
        let free = dag.children.iter().zip(&dag.needs).filter(|(_, needs)| **needs == 0);
        self.ready.extend(free.map(|(node, _)| *node));
    }

    /// A node's needs are satisfied.
    pub(super) fn enter(&mut self, id: NodeId) {
        let node = self.plan.node(id);
        // What encloses it may have failed since it was queued.
        if self.open_dag(node.path.parent().as_ref()).is_none() {
            return;
        }
        let path = node.path.clone();
        let wanted = match &node.when {
            None => Ok(true),
            Some(when) => when.condition(&self.data()),
        };
        match wanted {
            Ok(true) => {}
            Ok(false) => return self.skip(&path, id, 0, "its condition does not hold".to_owned()),
            Err(fault) => return self.fail(&path, id, 0, expression_error(&fault)),
        }
        match &node.kind {
            CompiledKind::Step { input, timeout, .. } => {
                let input = match input {
                    InputSource::Literal(_) => Ok(TaskInput::Literal),
                    InputSource::Template(template) => template.render(&self.data()).map(TaskInput::Computed),
                };
                let timeout = timeout.as_ref().map(|timeout| self.span(timeout)).transpose();
                match input.map_err(|fault| expression_error(&fault)).and_then(|input| Ok((input, timeout?))) {
                    Ok((input, timeout)) => self.dispatch(&path, id, 1, input, timeout),
                    Err(error) => self.fail(&path, id, 0, error),
                }
            }
            CompiledKind::Wait { duration } => match self.span(duration) {
                Ok(duration) => {
                    let due = self.at + duration;
                    self.run.set(&path, id, State::Waiting { due }, self.at);
                    self.tell(Happening::StepWaiting { step: path, wait_for: "time".to_owned(), until: Some(due) });
                }
                Err(error) => self.fail(&path, id, 0, error),
            },
            CompiledKind::Await { what, timeout } => match self.run.take_signal(&what.signal) {
                Some(data) => self.complete(&path, id, 0, data),
                None => match timeout.as_ref().map(|timeout| self.span(timeout)).transpose() {
                    Ok(timeout) => self.wait_for_signal(path, id, &what.signal, timeout),
                    Err(error) => self.fail(&path, id, 0, error),
                },
            },
            CompiledKind::Dag(dag) => {
                let state = State::Open { dag: OpenDag::of(dag), merged: Map::new() };
                self.run.set(&path, id, state, self.at);
                self.tell(Happening::StepStarted { step: path, attempt: 0, worker: None });
                self.open(Some(id));
            }
        }
    }

    fn wait_for_signal(&mut self, path: FramePath, id: NodeId, signal: &Name, timeout: Option<Span>) {
        let until = timeout.map(|timeout| self.at + timeout);
        self.run.set(&path, id, State::Awaiting { signal: signal.clone(), until }, self.at);
        self.tell(Happening::StepWaiting { step: path, wait_for: format!("signal {signal}"), until });
    }

    pub(super) fn span(&self, source: &SpanSource) -> Result<Span, StepError> {
        match source {
            SpanSource::Fixed(span) => Ok(*span),
            SpanSource::Expression(expression) => {
                let value = expression.evaluate(&self.data()).map_err(|fault| expression_error(&fault))?;
                span_of(&value).ok_or_else(|| {
                    let message = format!("`{}` gave {value}, which is no duration", expression.source());
                    StepError::new(StepError::EXPRESSION, message).final_()
                })
            }
        }
    }

    /// Hands an attempt to the workers.
    pub(super) fn dispatch(
        &mut self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        input: TaskInput,
        timeout: Option<Span>,
    ) {
        // With a time limit the worker says when it begins; otherwise handing it over is the best that is known.
        self.tell(match timeout {
            Some(_) => Happening::StepScheduled { step: path.clone(), attempt },
            None => Happening::StepStarted { step: path.clone(), attempt, worker: None },
        });
        let task = Dispatched { attempt, cause: self.at, input, timeout, report: None };
        self.effects.extend(task.dispatch(path, &self.plan.node(id).kind).map(Effect::Dispatch));
        self.run.set(path, id, State::Dispatched(task), self.at);
    }

    /// A node is done as it should be.
    pub(super) fn complete(&mut self, path: &FramePath, id: NodeId, attempt: u32, output: Value) {
        let since = self.run.frames.get(path).map_or(self.at, |frame| frame.since);
        self.tell(Happening::StepCompleted { step: path.clone(), attempt, duration: self.at.since(since) });
        if let Value::Object(map) = &output {
            // A group's own output is there already.
            if !matches!(self.plan.node(id).kind, CompiledKind::Dag(_)) {
                self.run.merge(path, map);
            }
        }
        self.run.set(path, id, State::Completed { at: self.at, attempt, output }, self.at);
        self.satisfied(path, id);
    }

    pub(super) fn skip(&mut self, path: &FramePath, id: NodeId, attempt: u32, reason: String) {
        self.tell(Happening::StepSkipped { step: path.clone(), reason: reason.clone() });
        self.run.set(path, id, State::Skipped { at: self.at, attempt, reason }, self.at);
        self.satisfied(path, id);
    }

    /// A node is done in a way that lets others go on: those that need nothing else are ready, and a dag whose last child this
    /// was is done itself.
    pub(super) fn satisfied(&mut self, path: &FramePath, id: NodeId) {
        let node = self.plan.node(id);
        let parent = path.parent();
        let compiled = self.plan.dag_of(node.parent);
        let Some(open) = self.open_dag(parent.as_ref()) else { return };
        open.open -= 1;
        let all_done = open.open == 0;
        let mut free = vec![];
        for &dependent in &compiled.dependents[node.index as usize] {
            let unmet = &mut open.unmet[dependent as usize];
            *unmet -= 1;
            if *unmet == 0 {
                free.push(compiled.children[dependent as usize]);
            }
        }
        self.ready.extend(free);
        if all_done {
            self.dag_done(parent.as_ref(), node.parent);
        }
    }

    fn open_dag(&mut self, parent: Option<&FramePath>) -> Option<&mut OpenDag> {
        let Some(parent) = parent else { return Some(&mut self.run.root) };
        match self.run.frames.get_mut(parent).map(|frame| &mut frame.state) {
            Some(State::Open { dag, .. }) => Some(dag),
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

impl Dispatched {
    /// The task of this attempt; nothing if the node is no step.
    pub(crate) fn dispatch(&self, path: &FramePath, kind: &CompiledKind) -> Option<Dispatch> {
        let CompiledKind::Step { step, input: source, .. } = kind else { return None };
        let input = match (&self.input, source) {
            (TaskInput::Computed(input), _) | (TaskInput::Literal, InputSource::Literal(input)) => input.clone(),
            // Only a snapshot of another plan could lead here; the plan's own words are the best that is left.
            (TaskInput::Literal, InputSource::Template(_)) => step.input.clone(),
        };
        Some(Dispatch {
            path: path.clone(),
            attempt: self.attempt,
            queue: step.queue.clone(),
            activity: step.activity.clone(),
            input,
            timeout: self.timeout,
            cause: self.cause,
        })
    }
}

pub(super) fn expression_error(fault: &sagaline_expr::EvalError) -> StepError {
    StepError::new(StepError::EXPRESSION, fault.to_string()).final_()
}
