//! What runs beside an execution: `on_step_error`, once for each attempt that failed.
//!
//! It holds nothing up but the end: how the execution ends is settled without it, and only then it is waited for, as other handlers
//! are. (A task of an execution that is over is nobody's: it would be dropped when asked about, and lost with an owner.)

use sagaline_events::{FramePath, Happening};
use sagaline_model::{Moment, StepError};
use serde_json::{Value, json};

use super::{Turn, advance::expression_error};
use crate::{
    compiled::{CompiledKind, InputSource, NodeId},
    data::error_json,
    state::TaskInput,
};

/// So many may be at work for one execution; further ones are skipped. Each takes some hundred bytes of the state.
const BESIDE_MAX: usize = 500;

impl Turn<'_> {
    /// An attempt failed; whoever wants to know is told by a task.
    pub(super) fn tell_of_failed_attempt(
        &mut self,
        step: &FramePath,
        id: NodeId,
        attempt: u32,
        error: &StepError,
        next_at: Option<Moment>,
    ) {
        let Some(handler) = self.plan.handlers.on_step_error.filter(|_| !self.plan.node(id).handles) else { return };
        // Nothing begins any more.
        if self.is_tidying_up() {
            return;
        }
        let path = self.run.next_beside(&self.plan.node(handler).path);
        if BESIDE_MAX <= self.run.index.beside {
            let reason = format!("{BESIDE_MAX} of its kind are at work");
            return self.tell(Happening::StepSkipped { step: path, reason });
        }
        let told = json!({
            "step": step.as_str(),
            "attempt": attempt,
            "error": error_json(error),
            "will_retry": next_at.is_some(),
            "cause": format!("attempt {attempt} of step `{step}` failed with {}: {}", error.kind, error.message),
        });
        if let Err(error) = self.begin_beside(&path, handler, &told) {
            self.fail(&path, handler, 0, error);
        }
    }

    fn begin_beside(&mut self, path: &FramePath, id: NodeId, told: &Value) -> Result<(), StepError> {
        let data = self.data_at(path).telling(told);
        let node = self.plan.node(id);
        let wanted = node.when.as_ref().map_or(Ok(true), |when| when.condition(&data));
        if !wanted.map_err(|fault| expression_error(&fault))? {
            self.tell(Happening::StepSkipped { step: path.clone(), reason: "its condition does not hold".to_owned() });
            return Ok(());
        }
        let CompiledKind::Step { input, limits, .. } = &node.kind else { return Ok(()) };
        let input = match input {
            InputSource::Literal(Value::Null) => TaskInput::Computed(told.clone()),
            InputSource::Literal(_) => TaskInput::Literal,
            InputSource::Template(template) => {
                TaskInput::Computed(template.render(&data).map_err(|fault| expression_error(&fault))?)
            }
        };
        self.first_attempt(path, id, input, limits)
    }

    /// Why what an activity asks for is not done: what runs beside the execution holds nothing up but its end.
    pub(super) fn beside_only_runs(&self, path: &FramePath, what: &str) -> Option<StepError> {
        let is_beside = self.run.frames.get(path).is_some_and(|frame| frame.state.is_beside());
        let message = || format!("the activity of an `on_step_error` cannot {what}; it runs beside the execution");
        is_beside.then(|| StepError::new(StepError::UNTYPED, message()).final_())
    }

    /// One of them is done, whichever way. Nobody looks at it again.
    pub(super) fn beside_done(&mut self, path: &FramePath) {
        self.run.forget_tree(path);
        self.over_if_alone();
    }

    /// The execution is over once it is known how it ends, and nothing that handles that is at work any more.
    pub(super) fn over_if_alone(&mut self) {
        if self.run.beside.alone
            && self.run.index.beside == 0
            && let Some(outcome) = self.run.ending.take()
        {
            self.over_with(outcome);
        }
    }
}
