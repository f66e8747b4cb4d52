//! Children: executions of other workflows that do the work of a node.
//!
//! A child is known by its id, which is the same whenever it is asked for. Its start is stored once; how it ends it tells its
//! parent. Whatever of that is lost, the parent asks after a while, and starts anew what nobody knows.

use sagaline_events::{
    FramePath, Happening, Start,
    input::{ChildEnded, ChildUnknown},
    record::Status,
};
use sagaline_expr::Template;
use sagaline_model::{Child, ExecutionId, OnParentEnd, StepError};
use serde_json::{Value, json};

use super::Turn;
use crate::{
    compiled::{CompiledKind, InputSource, NodeId, SpanSource},
    effect::Effect,
    state::{Delegated, State, TaskInput, parent},
};

/// A child as the plan says it, ready to be started.
#[derive(Clone, Copy)]
pub(super) struct ChildPlan<'p> {
    pub(super) what: &'p Child,
    pub(super) id: Option<&'p Template>,
    pub(super) input: &'p InputSource,
    pub(super) timeout: Option<&'p SpanSource>,
}

impl<'p> Turn<'p> {
    pub(super) fn begin_child(
        &mut self,
        path: &FramePath,
        id: NodeId,
        planned: ChildPlan<'p>,
    ) -> Result<(), StepError> {
        let child = match planned.id {
            Some(template) => self.named(path, template)?,
            None => self.id.of_child(&self.run.place_in_round(path)),
        };
        let input = match planned.input {
            InputSource::Literal(_) => TaskInput::Literal,
            InputSource::Template(template) => TaskInput::Computed(self.render(path, template)?),
        };
        let until = planned.timeout.map(|timeout| self.span(path, timeout)).transpose()?.map(|span| self.at + span);
        self.start_child(path, &child, planned.what, &input, false);
        if planned.what.wait {
            let wait_for = format!("execution {child}");
            self.run.set(path, id, State::Delegated(Delegated::since(self.at, child, input, until)), self.at);
            self.tell(Happening::StepWaiting { step: path.clone(), wait_for, until });
            return Ok(());
        }
        if planned.what.on_parent_end == OnParentEnd::Cancel {
            self.run.accompany(path.clone(), child.clone());
        }
        self.complete(path, id, 0, Value::String(child.as_str().to_owned()));
        Ok(())
    }

    /// The id that the definition asks for.
    fn named(&self, path: &FramePath, template: &Template) -> Result<ExecutionId, StepError> {
        let given = self.render(path, template)?;
        let text = match &given {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        ExecutionId::new(text).map_err(|fault| {
            let message = format!("`id` gave {given}, which cannot be the id of an execution: {fault}");
            StepError::new(StepError::EXPRESSION, message).final_()
        })
    }

    fn start_child(&mut self, path: &FramePath, child: &ExecutionId, what: &Child, input: &TaskInput, again: bool) {
        let input = match input {
            TaskInput::Literal => what.input.clone(),
            TaskInput::Computed(input) => input.clone(),
        };
        let start = Start {
            version: what.version,
            input,
            parent: Some(parent(&self.id, path, what.wait)),
            queue: what.queue.clone().or_else(|| self.run.queue.clone()),
            again,
            hops: self.run.hops,
            ..Start::of(what.workflow.clone())
        };
        self.effects.push(Effect::StartChild { child: child.clone(), start });
    }

    /// What a frame waits for, if it is this child.
    fn delegated(&self, path: &FramePath, child: &ExecutionId) -> Option<(NodeId, Delegated)> {
        let frame = self.run.frames.get(path)?;
        match &frame.state {
            State::Delegated(delegated) if delegated.child == *child => Some((frame.node, delegated.clone())),
            _ => None,
        }
    }

    pub(crate) fn child_ended(&mut self, told: &ChildEnded) {
        let Some((id, _)) = self.delegated(&told.path, &told.child) else {
            return self.left_child_ended(told);
        };
        // One of an earlier round may have had the same id.
        self.run.take_left(&told.child);
        self.tell(Happening::StepResumed { step: told.path.clone() });
        if told.status == Status::Completed {
            self.take_over(told, true);
            return self.complete(&told.path, id, 0, told.output.clone());
        }
        self.fail(&told.path, id, 0, failure_of(told));
    }

    /// Its start was lost: it is made again, under the same name.
    pub(crate) fn child_unknown(&mut self, told: &ChildUnknown) {
        let Some((id, delegated)) = self.delegated(&told.path, &told.child) else {
            return self.parting_child_unknown(told);
        };
        let CompiledKind::Child { what, .. } = &self.plan.node(id).kind else { return };
        // This may be an old answer: the child may be there by now, and may have ended.
        self.start_child(&told.path, &told.child, what, &delegated.input, true);
    }

    /// Nothing was heard of it for a while.
    pub(super) fn look_after_child(&mut self, path: &FramePath, id: NodeId, delegated: Delegated) {
        let child = delegated.child.clone();
        self.run.set(path, id, State::Delegated(delegated.looked(self.at)), self.at);
        self.effects.push(Effect::AskChild { child, parent: parent(&self.id, path, true) });
    }

    pub(super) fn child_took_too_long(&mut self, path: &FramePath, id: NodeId, delegated: &Delegated) {
        self.let_go(path, id, delegated, "its parent waited for as long as it was to");
        let since = self.run.frames.get(path).map_or(self.at, |frame| frame.since);
        let message = format!("the execution `{}` did not end within {}", delegated.child, self.at.since(since));
        self.fail(path, id, 0, StepError::new(StepError::TIMEOUT, message).final_());
    }

    /// Nobody waits for the child any more.
    pub(super) fn let_go(&mut self, path: &FramePath, id: NodeId, delegated: &Delegated, reason: &str) {
        let CompiledKind::Child { what, .. } = &self.plan.node(id).kind else { return };
        if what.on_parent_end == OnParentEnd::Cancel {
            self.run.leave_child(path, delegated);
            self.part_from(path, delegated.child.clone(), true, reason);
        }
    }

    /// Those that nobody waited for, and that end with their parent.
    pub(super) fn part_from_companions(&mut self) {
        for (path, child) in self.run.take_companions() {
            self.part_from(&path, child, false, "its parent is over");
        }
    }

    fn part_from(&mut self, path: &FramePath, child: ExecutionId, waits: bool, reason: &str) {
        let parent = parent(&self.id, path, waits);
        let rollback = waits && self.rolls_back;
        self.effects.push(Effect::CancelChild { child, parent, reason: reason.to_owned(), rollback });
    }
}

/// A child that did not complete, as a failure of the node that waited for it.
fn failure_of(told: &ChildEnded) -> StepError {
    let child = &told.child;
    let (kind, what) = match told.status {
        Status::Cancelled => (StepError::CHILD_CANCELLED, "was cancelled"),
        Status::TimedOut => (StepError::CHILD_TIMED_OUT, "ran out of its time"),
        Status::RolledBack => (StepError::CHILD_FAILED, "was rolled back"),
        _ => (StepError::CHILD_FAILED, "failed"),
    };
    let cause = match (&told.error, &told.reason) {
        (Some(error), _) => format!(": {}: {}", error.kind, error.message),
        (None, Some(reason)) => format!(": {reason}"),
        (None, None) => String::new(),
    };
    let details = json!({ "execution": child, "status": told.status, "error": told.error });
    let error = StepError::new(kind, format!("the execution `{child}` {what}{cause}")).final_();
    StepError { details: Some(details), ..error }
}
