//! The workflow that is measured.

use sagaline_events::Start;
use sagaline_model::{JobSpec, Plan};
use serde_json::{Value, json};

use super::Settings;
use crate::failure::{Failure, chain};

/// Steps one after the other, each doing nothing or sleeping; and the text that defines them.
pub(super) fn plan(settings: &Settings) -> Result<(Plan, String), Failure> {
    let Settings { steps, step_ms, payload, compensable, .. } = settings;
    let carries = if *payload == 0 { "" } else { "_carrying" };
    let (undoes, undo) = if *compensable { ("_compensable", ", compensate: noop") } else { ("", "") };
    let mut text = format!("workflow: bench_{steps}_{step_ms}{carries}{undoes}\nsteps:\n");
    let activity = if *step_ms == 0 { "noop" } else { "sleep" };
    for step in 1..=*steps {
        let after = if step == 1 { String::new() } else { format!("after: s{}, ", step - 1) };
        let input = match (step_ms, payload) {
            (0, 0) => String::new(),
            (0, _) => ", input: \"${ workflow.input.payload }\"".to_owned(),
            // `sleep` takes nothing else; the payload is in the start then.
            (_, _) => format!(", input: {{ ms: {step_ms} }}"),
        };
        text.push_str(&format!("  s{step}: {{ {after}activity: {activity}{input}{undo} }}\n"));
    }
    match sagaline_lang::read(&text, "bench.yaml") {
        Ok(definition) => Ok((definition.plan, text)),
        Err(faults) => Err(Failure::bug(format!("the workflow of the benchmark cannot be read: {}", chain(&faults)))),
    }
}

/// A job that does nothing, or sleeps.
pub(super) fn job(settings: &Settings) -> Result<Start, Failure> {
    let activity = if settings.step_ms == 0 { "noop" } else { "sleep" };
    let activity = activity.parse().map_err(|_| Failure::bug(format!("`{activity}` is no activity")))?;
    let input = if settings.step_ms == 0 { Value::Null } else { json!({ "ms": settings.step_ms }) };
    let job = JobSpec::of(activity);
    Ok(Start { version: Some(0), input, job: Some(Box::new(job.clone())), ..Start::of(job.workflow()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_the_workflow_can_be_read() {
        for (steps, step_ms, payload, compensable) in
            [(1, 0, 0, false), (3, 0, 0, true), (3, 250, 0, false), (2, 0, 64, true), (1000, 5, 100, false)]
        {
            let (concurrency, rate, witness) = (None, None, vec![]);
            let jobs = false;
            let settings =
                Settings { workflows: 1, concurrency, rate, steps, step_ms, payload, witness, compensable, jobs };
            let (plan, _) = plan(&settings).expect("a plan");
            assert_eq!(plan.nodes().len(), steps as usize);
        }
    }
}
