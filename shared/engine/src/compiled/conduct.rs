//! How executions of a plan go as wholes, made ready to run.

use sagaline_model::Plan;

use super::{
    CompileError,
    retry::RetrySources,
    source::{CountSource, MomentSource, SpanSource},
};

/// Evaluated once, when an execution starts.
#[derive(Debug)]
pub struct CompiledConduct {
    pub step_concurrency: Option<CountSource>,
    pub timeout: Option<SpanSource>,
    pub deadline: Option<MomentSource>,
    /// Of `retry_workflow`; evaluated each time.
    pub retry_workflow: RetrySources,
}

impl CompiledConduct {
    pub(super) fn new(plan: &Plan) -> Result<Self, CompileError> {
        let conduct = &plan.conduct;
        let timeout = conduct.timeout.as_deref().map(|text| SpanSource::compile("timeout", text)).transpose()?;
        let deadline = conduct.deadline.as_deref().map(|text| MomentSource::compile("deadline", text));
        let slots = conduct.step_concurrency.as_deref().map(|text| CountSource::compile("step_concurrency", text));
        Ok(Self {
            step_concurrency: slots.transpose()?,
            timeout: timeout.or(plan.timeout.map(SpanSource::Fixed)),
            deadline: deadline.transpose()?,
            retry_workflow: match &conduct.retry_workflow {
                Some(policy) => RetrySources::compile("retry_workflow", policy)?,
                None => RetrySources::default(),
            },
        })
    }
}
