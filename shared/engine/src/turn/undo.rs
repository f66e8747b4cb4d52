//! Keeping what can be undone: what a step did, or may have done, with all that its undoing needs.

use sagaline_events::{
    FramePath, UndoStep,
    input::ChildEnded,
    saga::{Late, UndoAction, UndoOutcome},
};
use sagaline_expr::{Lookup, Scope};
use sagaline_model::{CompensateOn, Moment, Name, Span, StepError};
use serde_json::{Map, Value};

use super::{Turn, advance::expression_error, attempts::queue_of};
use crate::{
    compiled::{CompiledAction, CompiledKind, CompiledUndo, InputSource, NodeId, SpanSource},
    data::{error_json, span_of},
    effect::Effect,
    state::{Dispatched, Doubt, Phase, Seen, State, TaskInput, Undoable},
    undo_order,
};

/// How long an answer is waited for after the time of the attempt is over: its worker has to notice, and to tell.
const NOTICE: Span = Span::from_secs(4);

/// How long without such a time.
const ANSWER: Span = Span::from_secs(30);

/// What is known of a step when it is undone.
struct Told {
    input: Value,
    output: Value,
    outcome: UndoOutcome,
    error: Option<StepError>,
    key: String,
}

impl Told {
    /// What the activity gets that undoes it, unless the definition says.
    fn whole(&self) -> Map<String, Value> {
        let outcome = match self.outcome {
            UndoOutcome::Completed => "completed",
            UndoOutcome::Unknown => "unknown",
            UndoOutcome::Failed => "failed",
        };
        let mut told = Map::new();
        told.insert("input".to_owned(), self.input.clone());
        told.insert("output".to_owned(), self.output.clone());
        told.insert("outcome".to_owned(), outcome.into());
        told.insert("idempotency_key".to_owned(), self.key.as_str().into());
        told.insert("error".to_owned(), self.error.as_ref().map_or(Value::Null, error_json));
        told
    }
}

/// What expressions read: what is known of the step, then whatever its own expressions read.
struct Known<'a, S> {
    own: &'a Map<String, Value>,
    around: &'a S,
}

impl<S: Scope> Scope for Known<'_, S> {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        match path.first().map(String::as_str) {
            Some(root) if is_own(root) => self.own.get(root).map_or(Lookup::Absent, |value| Lookup::at(1, value)),
            Some(_) | None => self.around.lookup(path),
        }
    }
}

fn is_own(root: &str) -> bool {
    matches!(root, "input" | "output" | "outcome" | "error" | "idempotency_key")
}

/// What the expressions of a compensation read when its attempt was given up.
struct Remembered<'a>(&'a [Seen]);

impl Scope for Remembered<'_> {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        let seen = self.0.iter().find(|seen| seen.path == path);
        seen.map_or(Lookup::Absent, |seen| Lookup::at(seen.depth, &seen.value))
    }
}

/// The value of a path, or of the part of it that leads to what is stored elsewhere.
fn see(scope: &impl Scope, path: &[String]) -> Option<Seen> {
    let Lookup::Found { mut depth, value } = scope.lookup(path) else { return None };
    let mut value = &*value;
    while let (Some(part), Some(object)) = (path.get(depth), value.as_object()) {
        if object.len() == 1 && object.contains_key("$ref") {
            break;
        }
        depth += 1;
        value = object.get(part).unwrap_or(&Value::Null);
    }
    Some(Seen { path: path.to_vec(), depth, value: value.clone() })
}

/// Whether a failure says nothing about whether the attempt had its effect.
fn is_uncertain(error: &StepError) -> bool {
    let kinds = [
        StepError::TIMEOUT,
        StepError::HEARTBEAT_TIMEOUT,
        StepError::DISCARDED,
        StepError::PANIC,
        StepError::CANCELLED,
    ];
    kinds.contains(&error.kind.as_str())
}

impl Turn<'_> {
    /// How a step is undone, if it can be.
    pub(super) fn undo_of(&self, id: NodeId) -> Option<&CompiledUndo> {
        match &self.plan.node(id).kind {
            CompiledKind::Step { undo, .. } => undo.as_deref(),
            _ => None,
        }
    }

    /// The step of this frame has had its effect.
    pub(super) fn has_had_its_effect(&mut self, path: &FramePath, id: NodeId, output: &Value) {
        if self.undo_of(id).is_none() {
            return;
        }
        // What has returned steps, or waits for an approval, had it when it said so.
        let Some(input) = self.given(path, id) else { return };
        self.note(path, id, self.told(path, input, output.clone(), UndoOutcome::Completed, None));
        self.run.take_doubt(path);
    }

    /// What the attempt at work was given; nothing if none is.
    fn given(&self, path: &FramePath, id: NodeId) -> Option<Value> {
        let Some(State::Dispatched(Dispatched { input, .. })) = self.run.frames.get(path).map(|frame| &frame.state)
        else {
            return None;
        };
        let CompiledKind::Step { input: source, step, .. } = &self.plan.node(id).kind else { return None };
        Some(match (input, source) {
            (TaskInput::Computed(input), _) | (TaskInput::Literal, InputSource::Literal(input)) => input.clone(),
            (TaskInput::Literal, InputSource::Template(_)) => step.input.clone(),
        })
    }

    fn told(
        &self,
        path: &FramePath,
        input: Value,
        output: Value,
        outcome: UndoOutcome,
        error: Option<StepError>,
    ) -> Told {
        let key = format!("{}/{path}", self.run.origin.as_ref().unwrap_or(&self.id));
        Told { input, output, outcome, error, key }
    }

    fn note(&mut self, path: &FramePath, id: NodeId, told: Told) {
        let (Some(undo), CompiledKind::Step { step, .. }) = (self.undo_of(id), &self.plan.node(id).kind) else {
            return;
        };
        let queue = queue_of(step, self.run.queue.as_ref());
        let actions = actions(undo, &queue, self.run.queue.as_ref(), &told, &self.data_at(path));
        let entry = Undoable { outcome: told.outcome, actions, ..Undoable::default() };
        self.run.can_undo(path, entry);
    }

    /// An attempt has failed, or says that it did: it may have had its effect all the same.
    pub(super) fn attempt_is_over(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: &StepError) {
        let Some(on) = self.undo_of(id).map(|undo| undo.on) else { return };
        let Some(State::Dispatched(task)) = self.run.frames.get(path).map(|frame| &frame.state) else { return };
        // What never began has had no effect.
        if task.report.is_none() {
            return;
        }
        if is_uncertain(error) {
            return self.doubt(path, id, attempt, Some(error), None);
        }
        let has_begun = error.kind != StepError::NOT_BEGUN;
        if on == CompensateOn::Attempted && has_begun && !self.run.undo.list.contains_key(path) {
            let Some(input) = self.given(path, id) else { return };
            self.note(path, id, self.told(path, input, Value::Null, UndoOutcome::Failed, Some(error.clone())));
        }
    }

    /// Nobody waits for an attempt any more that has begun: its answer may come still.
    pub(super) fn attempt_is_given_up(&mut self, path: &FramePath, id: NodeId, error: Option<&StepError>) {
        if self.undo_of(id).is_none() {
            return;
        }
        let Some(State::Dispatched(task)) = self.run.frames.get(path).map(|frame| &frame.state) else { return };
        let Some(report) = &task.report else { return };
        let until = task.timeout.map_or(self.at + ANSWER, |timeout| report.at + timeout + NOTICE);
        self.doubt(path, id, task.attempt, error, Some(until));
    }

    fn doubt(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: Option<&StepError>, until: Option<Moment>) {
        // An effect that is certain is undone in any case.
        let known = self.run.undo.list.get(path).map(|entry| entry.outcome);
        if known == Some(UndoOutcome::Completed) {
            return;
        }
        let (Some(undo), Some(input)) = (self.undo_of(id), self.given(path, id)) else { return };
        let CompiledKind::Step { step, .. } = &self.plan.node(id).kind else { return };
        let Some(compensate) = step.compensate.as_deref().cloned() else { return };
        let data = self.data_at(path);
        let read = undo.paths().filter(|path| path.first().is_some_and(|root| !is_own(root)));
        let seen = read.filter_map(|path| see(&data, path)).collect();
        let queue = queue_of(step, self.run.queue.as_ref());
        self.note(path, id, self.told(path, input.clone(), Value::Null, UndoOutcome::Unknown, error.cloned()));
        let mut attempts = self.run.take_doubt(path).map(|doubt| doubt.attempts).unwrap_or_default();
        attempts.insert(attempt, until);
        self.run.set_doubt(path, Doubt { attempts, compensate, queue, input, seen });
    }

    /// An attempt succeeded that nobody waits for any more.
    pub(super) fn succeeded_late(&mut self, path: &FramePath, attempt: u32, output: &Value) {
        if let Some(Phase::Asked(_)) = self.run.undo.undoing.as_ref().map(|undoing| &undoing.phase) {
            let entry = self.run.undo.list.get(path);
            if entry.is_some_and(|entry| entry.outcome == UndoOutcome::Unknown) {
                let late = Late { path: path.clone(), attempt, output: output.clone() };
                self.effects.push(Effect::Late { late });
            }
            return;
        }
        let Some(doubt) = self.run.take_doubt(path) else { return };
        self.resolve(path, &doubt, output.clone(), UndoOutcome::Completed, None);
        self.look_whether_settled();
    }

    /// The same of one that did not.
    pub(super) fn failed_late(&mut self, path: &FramePath, attempt: u32, error: Option<&StepError>) {
        let is_asked = matches!(self.run.undo.undoing.as_deref(), Some(undoing) if undoing.is_asked());
        let is_meant = self.run.undo.doubts.get(path).is_some_and(|doubt| doubt.attempts.contains_key(&attempt));
        if is_asked || !is_meant {
            return;
        }
        let Some(mut doubt) = self.run.take_doubt(path) else { return };
        if error.is_some_and(is_uncertain) {
            doubt.attempts.insert(attempt, None);
        } else {
            doubt.attempts.remove(&attempt);
        }
        match (doubt.attempts.is_empty(), error, doubt.compensate.on) {
            (false, _, _) => self.run.set_doubt(path, doubt),
            (true, Some(error), CompensateOn::Attempted) if error.kind != StepError::NOT_BEGUN => {
                self.resolve(path, &doubt, Value::Null, UndoOutcome::Failed, Some(error.clone()));
            }
            (true, _, _) => self.run.cannot_undo(path),
        }
        self.look_whether_settled();
    }

    /// It is known now how a step ended whose frame may be gone.
    fn resolve(
        &mut self,
        path: &FramePath,
        doubt: &Doubt,
        output: Value,
        outcome: UndoOutcome,
        error: Option<StepError>,
    ) {
        let told = self.told(path, doubt.input.clone(), output, outcome, error);
        // It was compiled when its plan was.
        let Ok(undo) = CompiledUndo::new(path.step(), &doubt.compensate) else { return };
        let actions = actions(&undo, &doubt.queue, self.run.queue.as_ref(), &told, &Remembered(&doubt.seen));
        self.run.can_undo(path, Undoable { outcome, actions, ..Undoable::default() });
    }

    /// A child has completed: what it did is undone with what this execution did. `is_last`: no other has its place since.
    pub(super) fn take_over(&mut self, told: &ChildEnded, is_last: bool) {
        if told.undo.is_empty() {
            return;
        }
        let inner = told.undo.iter().map(|step| UndoStep {
            path: told.path.join(&step.path),
            execution: Some(step.execution.clone().unwrap_or_else(|| told.child.clone())),
            ..step.clone()
        });
        let entry = Undoable { inner: inner.collect(), child: Some(told.child.clone()), ..Undoable::default() };
        self.run.can_undo_child(&told.path, entry, is_last);
    }

    /// What a step returned is forgotten when it is over: its order is not.
    pub(super) fn fold_expansions(&mut self) {
        if self.run.undo.list.is_empty() && self.run.undo.left.is_empty() {
            return;
        }
        for base in self.run.closed.clone() {
            let Some(graft) = self.plan.graft(base) else { continue };
            let path = graft.path().clone();
            if self.run.undo.below(&path).chain(self.run.undo.left_below(&path)).next().is_none() {
                continue;
            }
            let places = undo_order::of_expansion(&self.run.undo, self.plan, &path, &graft.compiled().root);
            let inner: Vec<FramePath> = self.run.undo.groups.keys().filter(|it| it.is_below(&path)).cloned().collect();
            inner.iter().for_each(|inner| drop(self.run.drop_group(inner)));
            self.run.set_group(&path, places);
        }
    }
}

fn actions(undo: &CompiledUndo, queue: &Name, own: Option<&Name>, told: &Told, around: &impl Scope) -> Vec<UndoAction> {
    let whole = told.whole();
    let scope = Known { own: &whole, around };
    let action = |action: &CompiledAction| {
        let computed = computed(action, &whole, &scope);
        let (input, timeout, fault) = match computed {
            Ok((input, timeout)) => (input, timeout, None),
            Err(fault) => (Value::Null, None, Some(fault)),
        };
        let what = &action.what;
        let asked = what.queue.as_ref().map(|queue| match own {
            Some(own) if queue.as_str() == sagaline_model::Step::DEFAULT_QUEUE => own.clone(),
            Some(_) | None => queue.clone(),
        });
        UndoAction {
            activity: what.activity.clone(),
            queue: asked.unwrap_or_else(|| queue.clone()),
            input,
            timeout,
            retry: what.retry.clone(),
            allow_skip: what.allow_skip,
            metadata: what.metadata.clone(),
            fault,
            default_input: action.input.is_none(),
        }
    };
    undo.actions.iter().map(action).collect()
}

/// The input of an activity that undoes, and how long it may take.
fn computed(
    action: &CompiledAction,
    whole: &Map<String, Value>,
    scope: &impl Scope,
) -> Result<(Value, Option<Span>), StepError> {
    let input = match &action.input {
        Some(template) => template.render(scope).map_err(|fault| expression_error(&fault))?,
        None => Value::Object(whole.clone()),
    };
    let timeout = match &action.timeout {
        None => None,
        Some(SpanSource::Fixed(span)) => Some(*span),
        Some(SpanSource::Expression(expression)) => {
            let value = expression.evaluate(scope).map_err(|fault| expression_error(&fault))?;
            let span = span_of(&value).ok_or_else(|| {
                let message = format!("the timeout `{}` gave {value}, which is no duration", expression.source());
                StepError::new(StepError::EXPRESSION, message).final_()
            })?;
            Some(span)
        }
    };
    Ok((input, timeout))
}
