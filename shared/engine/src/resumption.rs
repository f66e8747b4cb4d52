//! Going on where another execution failed: what one that fails leaves behind, and what one that goes on begins with.
//!
//! Steps of the workflow itself count as done or not. One with steps inside that failed is done again as a whole.

use sagaline_events::{
    DeadLetter, FramePath,
    input::{DoneStep, Resumption},
    record::Status,
};
use sagaline_model::{ExecutionId, Moment, StepError};

use crate::{
    nodes::Nodes,
    state::{OpenDag, Outcome, Run, State},
};

/// What an execution leaves behind that failed or ran out of its time.
pub(crate) fn letter(
    id: &ExecutionId,
    run: &Run,
    plan: Nodes<'_>,
    outcome: &Outcome,
    at: Moment,
) -> Option<DeadLetter> {
    let (status, error, step, attempts) = match outcome {
        Outcome::Failed { error, step, attempts } => (Status::Failed, Some(error.clone()), step.clone(), *attempts),
        Outcome::TimedOut => (Status::TimedOut, None, None, None),
        Outcome::Completed { .. } | Outcome::Cancelled { .. } | Outcome::Refused { .. } => return None,
        // Nothing of what it did is left: to try it again is to begin.
        Outcome::RolledBack { .. } => return None,
    };
    let done = plan.root.children.iter().filter_map(|child| {
        let node = plan.node(*child);
        let done = match &run.frames.get(&node.path)?.state {
            State::Completed { output, .. } => DoneStep { output: output.clone(), skipped: false },
            State::Skipped { .. } => DoneStep { skipped: true, ..DoneStep::default() },
            _ => return None,
        };
        Some((node.name.clone(), done))
    });
    Some(DeadLetter {
        execution: id.clone(),
        workflow: run.workflow.clone(),
        version: run.version,
        status,
        started_at: run.started,
        ended_at: at,
        error,
        failed_step: step.map(|step| step.to_string()),
        attempts,
        input: run.input.clone(),
        trigger: run.trigger.clone(),
        tags: run.tags.clone(),
        resume: Resumption {
            of: Some(run.origin.clone().unwrap_or_else(|| id.clone())),
            done: done.collect(),
            ctx: run.ctx.clone(),
        },
        job: run.job.clone(),
    })
}

impl Run {
    /// Steps that are done already have their frames, and count.
    pub(crate) fn resume(&mut self, resumption: &Resumption, plan: Nodes<'_>, at: Moment) -> Result<(), StepError> {
        self.origin.clone_from(&resumption.of);
        let dag = &plan.root;
        let mut open = OpenDag::of(dag);
        for name in resumption.done.keys() {
            if !dag.children.iter().any(|child| plan.node(*child).name == *name) {
                let message = format!("`{name}` is no step of `{}` version {} itself", self.workflow, self.version);
                return Err(StepError::new(StepError::INVALID_INPUT, message).final_());
            }
        }
        for child in &dag.children {
            let node = plan.node(*child);
            let Some(done) = resumption.done.get(&node.name) else { continue };
            let state = match done.skipped {
                true => State::Skipped { at, attempt: 0, reason: "it is not done again".to_owned() },
                false => State::Completed { at, attempt: 0, output: done.output.clone() },
            };
            self.set(&FramePath::root(&node.name), *child, state, at);
            open.child_done(dag, node.index, !done.skipped);
        }
        self.root = open;
        self.join_ctx(&resumption.ctx);
        Ok(())
    }
}
