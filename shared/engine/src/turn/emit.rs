//! Events for others: published once the input that caused them is in the log, each under a name of its own.

use sagaline_events::FramePath;
use sagaline_expr::Template;
use sagaline_model::StepError;
use serde_json::Value;

use super::Turn;
use crate::{
    compiled::{ASIDE, NodeId},
    effect::Effect,
    weight,
};

/// An event as the plan says it.
#[derive(Clone, Copy)]
pub(super) struct EmitPlan<'p> {
    pub(super) kind: &'p str,
    pub(super) source: Option<&'p Template>,
    pub(super) subject: Option<&'p Template>,
    pub(super) data: &'p Template,
}

impl Turn<'_> {
    /// The output is the id of the event: whoever saw it can be told which one it was.
    pub(super) fn emit(&mut self, path: &FramePath, id: NodeId, planned: EmitPlan<'_>) -> Result<(), StepError> {
        let text = |template: Option<&Template>| match template.map(|template| self.render(path, template)) {
            None | Some(Ok(Value::Null)) => Ok(None),
            Some(Ok(Value::String(text))) => Ok(Some(text)),
            Some(Ok(other)) => Ok(Some(other.to_string())),
            Some(Err(error)) => Err(error),
        };
        let (source, subject) = (text(planned.source)?, text(planned.subject)?);
        let data = match self.render(path, planned.data)? {
            Value::Null if self.plan.node(id).branch == ASIDE => self.notice(path),
            data => data,
        };
        let weight = weight::of(&data);
        if weight::HEAVIEST_OUTPUT < weight {
            return Err(super::advance::too_heavy("the event's data has", weight, weight::HEAVIEST_OUTPUT));
        }
        let event = format!("{}/{}", self.id, self.run.place_in_round(path));
        let (id_of, kind, hops) = (event.clone(), planned.kind.to_owned(), self.run.hops.saturating_add(1));
        self.effects.push(Effect::Emit { id: id_of, kind, source, subject, data, hops });
        self.complete(path, id, 0, Value::String(event));
        Ok(())
    }
}
