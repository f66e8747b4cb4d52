//! Workflows that are Rust: the module with its steps is all there is, and a worker brings it.

use sagaline_events::record::Status;
use sagaline_model::Name;
use sagaline_sdk::{
    worker::{ActivityContext, ActivityError},
    workflow,
    workflow::{OnError, Retry, Workflow, activity, signal},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Site, assert_completed, calls, note, site, step_of};

#[workflow(name = "rust_order", timeout = "30m", retry(attempts = 2, initial = "10ms"), on_failure = page)]
mod rust_order {
    use sagaline_sdk::workflow::{Undone, UndoneOutcome};
    use serde::{Deserialize, Serialize};

    use super::*;

    /// What it takes of all that is known by then.
    #[derive(Deserialize)]
    struct Basket {
        items: Vec<String>,
    }

    #[derive(Serialize, Deserialize)]
    struct Reserved {
        reservation: String,
    }

    #[step]
    async fn validate(context: ActivityContext, basket: Basket) -> Result<Value, ActivityError> {
        note(&context, &json!({ "items": basket.items.len() }));
        Ok(json!({ "count": basket.items.len() }))
    }

    #[step(after = validate, compensate = release)]
    async fn reserve(context: ActivityContext, basket: Basket) -> Result<Reserved, ActivityError> {
        note(&context, &json!({}));
        Ok(Reserved { reservation: format!("r-{}", basket.items.join("-")) })
    }

    /// Undoes `reserve`.
    async fn release(context: ActivityContext, undone: Undone<Value, Reserved>) -> Result<(), ActivityError> {
        let reserved = undone.output.filter(|_| undone.outcome == UndoneOutcome::Completed);
        note(&context, &json!({ "released": reserved.map(|reserved| reserved.reservation) }));
        Ok(())
    }

    #[signal("decided", after = reserve, timeout = "1h")]
    fn decide();

    // An error of `std` is one of an activity.
    #[step(after = decide, when = "${ ctx.yes }", timeout = "30s", input = { sum: "${ ctx.sum }" })]
    async fn charge(context: ActivityContext, input: Value) -> Result<Value, std::num::ParseIntError> {
        note(&context, &input);
        let sum: u32 = input["sum"].as_str().unwrap_or_default().parse()?;
        Ok(json!({ "paid": sum }))
    }

    #[step(after = charge, on_error = continue)]
    async fn tell(context: ActivityContext) -> Result<(), ActivityError> {
        note(&context, &Value::Null);
        Ok(())
    }

    async fn page(context: ActivityContext, outcome: Value) -> Result<(), ActivityError> {
        note(&context, &outcome["step"]);
        Ok(())
    }
}

const YAML: &str = r#"
workflow: rust_order
timeout: 30m
retry: { attempts: 2, initial: 10ms }
on_failure: { activity: rust_order.page }
steps:
  validate: { activity: rust_order.validate, input: "${ ctx }" }
  reserve: { after: validate, activity: rust_order.reserve, input: "${ ctx }", compensate: rust_order.release }
  decide: { after: reserve, await: { signal: decided, timeout: 1h } }
  charge: { after: decide, when: "${ ctx.yes }", activity: rust_order.charge, timeout: 30s, input: { sum: "${ ctx.sum }" } }
  tell: { after: charge, activity: rust_order.tell, on_error: continue }
"#;

const FLOW: &str = r#"
workflow rust_order {
    timeout 30m
    retry { attempts 2 initial 10ms }
    steps {
        validate { activity rust_order.validate, input: ctx }
        reserve { activity rust_order.reserve, input: ctx, compensate rust_order.release }
        decide { await { signal decided timeout 1h } }
        charge { activity rust_order.charge, if: ctx.yes, timeout 30s, input { sum: ctx.sum } }
        tell { activity rust_order.tell on_error continue }
    }
    on_failure { activity rust_order.page }
}
"#;

fn built() -> Workflow {
    Workflow::new("rust_order")
        .timeout("30m")
        .retry(Retry::attempts(2).initial("10ms"))
        .on_failure(activity("rust_order.page"))
        .step("validate", activity("rust_order.validate").input("${ ctx }"))
        .step(
            "reserve",
            activity("rust_order.reserve").after("validate").input("${ ctx }").compensate("rust_order.release"),
        )
        .step("decide", signal("decided").after("reserve").timeout("1h"))
        .step(
            "charge",
            activity("rust_order.charge")
                .after("decide")
                .when("${ ctx.yes }")
                .timeout("30s")
                .input(json!({ "sum": "${ ctx.sum }" })),
        )
        .step("tell", activity("rust_order.tell").after("charge").on_error(OnError::Continue))
}

#[test]
fn both_languages_builder_and_module_are_one_plan() {
    let file = sagaline_lang::read(YAML, "rust_order.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(YAML)));
    let flow = sagaline_lang::read(FLOW, "rust_order.flow").unwrap_or_else(|faults| panic!("{}", faults.render(FLOW)));
    assert_eq!(flow.plan, file.plan);
    assert_eq!(flow.plan.hash(), file.plan.hash());
    for workflow in [built(), rust_order::definition()] {
        let definition = workflow.build().expect("it can be built");
        assert_eq!(definition.plan(), &file.plan);
        assert_eq!(definition.plan().hash(), file.plan.hash());
    }
}

/// Once a worker has brought the workflow.
async fn brought() -> (Site, crate::site::Running) {
    let site = site().await;
    let worker = site.worker("rust", rust_order::register);
    let name = Name::new("rust_order").expect("a name");
    eventually("the worker has applied it", async || {
        site.client.newest_version(&name).await.expect("an answer").is_some()
    })
    .await;
    (site, worker)
}

#[tokio::test]
async fn a_module_is_brought_by_its_worker_and_run() {
    let (site, _worker) = brought().await;
    let stored = site.client.definition(&Name::new("rust_order").expect("a name"), 1).await.expect("an answer");
    assert_eq!(stored.expect("version 1").source, Some(rust_order::definition().source()));
    let execution = site.start("rust_order", json!({ "items": ["a", "b"], "sum": "7" })).await;
    site.signal(&execution, "decided", json!({ "yes": true })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "count": 2, "reservation": "r-a-b", "yes": true, "paid": 7 }));
    assert_eq!(calls(&execution, "rust_order.charge"), [json!({ "sum": "7" })]);
    assert_eq!(calls(&execution, "rust_order.tell").len(), 1);
}

#[tokio::test]
async fn a_function_of_the_module_undoes_a_step_and_another_is_told() {
    let (site, _worker) = brought().await;
    let execution = site.start("rust_order", json!({ "items": ["a"], "sum": "much" })).await;
    site.signal(&execution, "decided", json!({ "yes": true })).await;
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("charge")), "{view:#?}");
    let error = step_of(&view, "charge").error.as_ref().expect("it failed");
    assert!(error.message.contains("invalid digit"), "{error:?}");
    assert_eq!(calls(&execution, "rust_order.charge").len(), 2, "as often as the workflow says");
    assert_eq!(calls(&execution, "rust_order.release"), [json!({ "released": "r-a" })]);
    assert_eq!(calls(&execution, "rust_order.page"), [json!("charge")]);
}
