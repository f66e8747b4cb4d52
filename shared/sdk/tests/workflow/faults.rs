//! What is wrong with a workflow is told with its step and field.

use sagaline_sdk::workflow::{Retry, Workflow, activity, set, steps, switch};
use serde_json::json;

#[track_caller]
fn told(workflow: &Workflow) -> Vec<String> {
    workflow.build().expect_err("it has faults").faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_fault_names_the_step_and_the_field() {
    let workflow = Workflow::new("order")
        .timeout("soon")
        .step("validate", activity("orders.validate"))
        .step(
            "charge",
            activity("pay")
                .after("validat")
                .timeout("30x")
                .input(json!({ "deep": { "a": ["${ steps.nobody.output }"] } })),
        )
        .step("inner", steps([("pack", activity("no good").retry(Retry::attempts(3).initial("0x1")))]));
    assert_eq!(
        told(&workflow),
        [
            "`timeout`: `soon` is not a duration (for example 250ms, 30s, 5m, 2h, 1d or 1h30m)",
            "step `charge`, `after`: there is no step `validat` (did you mean `validate`?)",
            "step `charge`: `timeout`: `30x` is not a duration (for example 250ms, 30s, 5m, 2h, 1d or 1h30m)",
            "step `charge`, `input.deep.a`: there is no step `nobody`",
            "step `pack`: `activity`: `no good` contains ` `; letters, digits, `_` and `-` are allowed, and single dots \
             between them (write `no_good`)",
            "step `pack`, `retry`: `initial`: `0x1` is not a duration (for example 250ms, 30s, 5m, 2h, 1d or 1h30m)",
        ],
    );
}

#[test]
fn what_a_kind_does_not_have_is_refused() {
    let workflow =
        Workflow::new("x").step("a", set("b", 1).timeout("3s")).step("c", switch()).step("d", activity("e").need_any());
    let told = told(&workflow);
    let parts =
        ["step `a`", "`timeout` belongs to an `activity`", "`switch` has no cases", "both `activity` and `await`"];
    assert!(parts.iter().all(|part| told.iter().any(|fault| fault.contains(part))), "{told:#?}");
}

#[test]
fn a_name_given_twice_is_told_without_a_line_that_nobody_wrote() {
    let workflow = Workflow::new("x").step("a", activity("one")).step("a", activity("two"));
    assert_eq!(told(&workflow), ["step `a`: `a` is given twice in the same map (keep one of them, or rename one)"]);
}

#[test]
fn all_of_it_is_said_by_the_error() {
    let error = Workflow::new("empty").build().expect_err("it has no steps");
    assert_eq!(
        error.to_string(),
        "the workflow `empty` cannot be built:\n  `steps` is empty (give it at least one step: `name: { activity: … }`)"
    );
}
