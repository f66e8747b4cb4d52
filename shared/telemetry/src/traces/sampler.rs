//! Which traces are kept. The settings are OpenTelemetry's own, so that one environment serves every program of a deployment.

use std::sync::Arc;

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

const NAME: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

/// What `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say; by default, what a trace from outside says, and all others are kept.
pub(super) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Sampler, String> {
    let some = |name| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let name = some(NAME).unwrap_or_else(|| "parentbased_always_on".to_owned());
    let (of_parent, rule) = match name.strip_prefix("parentbased_") {
        Some(rule) => (true, rule),
        None => (false, name.as_str()),
    };
    let sampler = match rule {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => {
            let text = some(ARGUMENT).unwrap_or_else(|| "1".to_owned());
            let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            Sampler::TraceIdRatioBased(
                ratio.ok_or_else(|| format!("`{ARGUMENT}` is `{text}`, not a ratio from 0 to 1"))?,
            )
        }
        _ => {
            return Err(format!(
                "`{NAME}` is `{name}`; there are always_on, always_off, traceidratio, and each with parentbased_ before it"
            ));
        }
    };
    Ok(if of_parent { Sampler::ParentBased(Box::new(sampler)) } else { sampler })
}

/// Whether spans of this trace are kept; `parent`: what it says itself, if it came from outside.
pub(super) fn keeps(sampler: &Arc<Sampler>, trace: u128, parent: Option<bool>) -> bool {
    let trace = TraceId::from(trace);
    let from_outside = parent.map(|sampled| {
        let flags = TraceFlags::default().with_sampled(sampled);
        // Samplers look at its flags alone, but a span with no id would be none.
        let context = SpanContext::new(trace, SpanId::from(1), flags, true, TraceState::default());
        Context::new().with_remote_span_context(context)
    });
    let decided = sampler.should_sample(from_outside.as_ref(), trace, "", &SpanKind::Internal, &[], &[]);
    decided.decision == SamplingDecision::RecordAndSample
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(name: &str, argument: &str) -> Result<Arc<Sampler>, String> {
        let value = |wanted: &str| if wanted == NAME { name.to_owned() } else { argument.to_owned() };
        from_environment(|name| Some(value(name))).map(Arc::new)
    }

    const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;

    #[test]
    fn without_settings_a_trace_from_outside_decides_for_itself() {
        let sampler = Arc::new(from_environment(|_| None).expect("the default"));
        assert!(keeps(&sampler, TRACE, None));
        assert!(keeps(&sampler, TRACE, Some(true)));
        assert!(!keeps(&sampler, TRACE, Some(false)));
    }

    #[test]
    fn a_ratio_keeps_so_many_and_always_the_same() {
        let sampler = sampler("parentbased_traceidratio", "0.25").expect("a sampler");
        let traces = (0..1000).map(|number| sagaline_events::trace::trace_of("sagaline", &format!("order-{number}")));
        let kept: Vec<u128> = traces.filter(|trace| keeps(&sampler, *trace, None)).collect();
        assert!((200..=300).contains(&kept.len()), "{}", kept.len());
        assert!(kept.iter().all(|trace| keeps(&sampler, *trace, None)));
        assert!(kept.iter().all(|trace| !keeps(&sampler, *trace, Some(false))), "its own word goes first");
    }

    #[test]
    fn what_is_no_sampler_is_named() {
        assert!(!keeps(&sampler("always_off", "").expect("one"), TRACE, Some(true)));
        assert!(sampler("sometimes", "").expect_err("none").contains("`sometimes`"));
        for ratio in ["many", "-1", "1.5", "NaN"] {
            assert!(sampler("traceidratio", ratio).expect_err(ratio).contains(ratio));
        }
    }
}
