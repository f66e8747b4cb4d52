//! What a definition writes as itself or as `${…}`, as it is for this execution now.

use sagaline_events::FramePath;
use sagaline_expr::Expression;
use sagaline_model::{Moment, Span, StepError};
use serde_json::Value;

use super::{Turn, advance::expression_error};
use crate::{
    compiled::{CountSource, MomentSource, SpanSource},
    data::{Data, span_of},
};

impl Turn<'_> {
    pub(super) fn span(&self, path: &FramePath, source: &SpanSource) -> Result<Span, StepError> {
        self.span_over(source, self.data_at(path))
    }

    pub(super) fn span_over(&self, source: &SpanSource, data: Data<'_>) -> Result<Span, StepError> {
        match source {
            SpanSource::Fixed(span) => Ok(*span),
            SpanSource::Expression(expression) => {
                let value = evaluated(expression, data)?;
                span_of(&value).ok_or_else(|| is_none(expression, &value, "which is no duration"))
            }
        }
    }

    /// A time; `what` names it in an error.
    pub(super) fn moment(&self, what: &str, source: &MomentSource, data: Data<'_>) -> Result<Moment, StepError> {
        match source {
            MomentSource::Fixed(moment) => Ok(*moment),
            MomentSource::Expression(expression) => {
                let value = evaluated(expression, data)?;
                let moment = value.as_str().and_then(|text| text.parse().ok());
                let wanted = format!("and `{what}` needs a time such as 2026-11-20T06:00:00Z");
                moment.ok_or_else(|| is_none(expression, &value, &wanted))
            }
        }
    }

    /// A whole number from 1 on; `what` names it in an error.
    pub(super) fn count(&self, what: &str, source: &CountSource, data: Data<'_>) -> Result<u32, StepError> {
        match source {
            CountSource::Fixed(count) => Ok(*count),
            CountSource::Expression(expression) => {
                let value = evaluated(expression, data)?;
                let count = value.as_u64().or_else(|| whole_number(&value)).filter(|count| *count > 0);
                let wanted = format!("and `{what}` needs a whole number from 1 on");
                // More than there can be steps is as good as no limit.
                count
                    .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
                    .ok_or_else(|| is_none(expression, &value, &wanted))
            }
        }
    }
}

/// A whole number that JSON wrote with a point: `10.0`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is whole, above zero and not too large"
)]
fn whole_number(value: &Value) -> Option<u64> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number))?;
    Some(number as u64)
}

fn evaluated(expression: &Expression, data: Data<'_>) -> Result<Value, StepError> {
    expression.evaluate(&data).map_err(|fault| expression_error(&fault))
}

fn is_none(expression: &Expression, value: &Value, wanted: &str) -> StepError {
    let message = format!("`{}` gave {value}, {wanted}", expression.source());
    StepError::new(StepError::EXPRESSION, message).final_()
}
