//! How a step is undone, made ready to be computed when it ends.

use sagaline_expr::Template;
use sagaline_model::{Compensate, CompensateOn, Compensation};

use super::{CompileError, SpanSource, template};

#[derive(Debug)]
pub struct CompiledUndo {
    pub on: CompensateOn,
    pub actions: Vec<CompiledAction>,
}

#[derive(Debug)]
pub struct CompiledAction {
    pub what: Compensation,
    /// Nothing, if the activity gets what is known of the step.
    pub input: Option<Template>,
    pub timeout: Option<SpanSource>,
}

impl CompiledUndo {
    pub(crate) fn new(step: &str, compensate: &Compensate) -> Result<Self, CompileError> {
        let action = |what: &Compensation| {
            let input = (!what.input.is_null()).then(|| template(step, &what.input)).transpose()?;
            let timeout = what.timeout.as_deref().map(|text| SpanSource::compile(step, text)).transpose()?;
            Ok(CompiledAction { what: what.clone(), input, timeout })
        };
        let actions = compensate.actions.iter().map(action).collect::<Result<_, CompileError>>()?;
        Ok(Self { on: compensate.on, actions })
    }

    /// What its expressions read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &[String]> {
        let inputs = self.actions.iter().flat_map(|action| action.input.iter().flat_map(Template::paths));
        let timeouts = self.actions.iter().filter_map(|action| match &action.timeout {
            Some(SpanSource::Expression(expression)) => Some(expression.paths()),
            Some(SpanSource::Fixed(_)) | None => None,
        });
        inputs.chain(timeouts.flatten().map(Vec::as_slice))
    }
}
