//! A workflow of modules in a module, with values of its worker: what stands inside of others is served and undone as all else is.

use sagaline_events::record::{Status, StepStatus};
use sagaline_model::Name;
use sagaline_sdk::{
    worker::{ActivityContext, ActivityError},
    workflow,
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Running, Site, assert_completed, calls, note, site, step_of};

#[workflow(name = "rust_nested", on_failure = failed)]
mod rust_nested {
    use super::*;

    #[for_each("${ workflow.input.parcels }", as = parcel)]
    mod parcels {
        use super::*;

        #[step(input = { weight: "${ parcel }", fits: "${ parcel <= config.most }" }, compensate = unpack)]
        async fn pack(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
            note(&context, &input);
            Ok(json!({ "fits": input["fits"], "weight": input["weight"] }))
        }

        #[switch(after = pack)]
        mod way {
            #[case("${ steps.pack.output.fits }")]
            mod post {
                #[set({ by: "post" })]
                fn by_post();
            }

            #[otherwise]
            mod freight {
                use super::super::*;

                #[step(input = "${ parcel }")]
                async fn order_freight(context: ActivityContext, weight: u32) -> Result<Value, ActivityError> {
                    note(&context, &json!(weight));
                    Ok(json!({ "by": "freight" }))
                }
            }
        }
    }

    /// Undoes what is inside of a module, and stands outside of it.
    async fn unpack(context: ActivityContext, undone: Value) -> Result<(), ActivityError> {
        note(&context, &undone["output"]["weight"]);
        Ok(())
    }

    #[attempt(after = parcels, catch(mend, errors = ["CardDeclined"]))]
    mod pay {
        use super::*;

        #[step(input = "${ workflow.input.card }")]
        async fn charge(context: ActivityContext, card: String) -> Result<Value, ActivityError> {
            note(&context, &json!(card));
            let error = |kind: &str| ActivityError::new(kind, "no").not_retryable();
            match card.as_str() {
                "good" => Ok(json!({ "paid": card })),
                "declined" => Err(error("CardDeclined")),
                _ => Err(error("Stolen")),
            }
        }
    }

    mod mend {
        use super::*;

        #[step(input = "${ error.type }")]
        async fn invoice(context: ActivityContext, why: String) -> Result<Value, ActivityError> {
            note(&context, &json!(why));
            Ok(json!({ "paid": "later" }))
        }
    }

    mod failed {
        use super::*;

        #[step(input = "${ outcome.error.type }")]
        async fn page(context: ActivityContext, why: String) -> Result<(), ActivityError> {
            note(&context, &json!(why));
            Ok(())
        }
    }
}

async fn brought() -> (Site, Running) {
    let site = site().await;
    let worker = site.worker("rust_nested", |worker| rust_nested::register(worker).config(json!({ "most": 30 })));
    let name = Name::new("rust_nested").expect("a name");
    eventually("the worker has applied it", async || {
        site.client.newest_version(&name).await.expect("an answer").is_some()
    })
    .await;
    (site, worker)
}

#[tokio::test]
async fn steps_of_modules_in_a_module_are_run_with_values_of_their_worker() {
    let (site, _worker) = brought().await;
    let execution = site.start("rust_nested", json!({ "parcels": [10, 40], "card": "declined" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "paid": "later" }));
    assert_eq!(step_of(&view, "pay/charge").status, StepStatus::Failed);
    assert_eq!(calls(&execution, "rust_nested.order_freight"), [json!(40)], "more than fits");
    assert_eq!(calls(&execution, "rust_nested.invoice"), [json!("CardDeclined")]);
}

#[tokio::test]
async fn what_stands_inside_is_undone_by_a_function_outside_and_a_module_is_told_of_the_failure() {
    let (site, _worker) = brought().await;
    let execution = site.start("rust_nested", json!({ "parcels": [10, 40], "card": "stolen" })).await;
    let view = site.end(&execution).await;
    assert_eq!((view.status, view.failed_step.as_deref()), (Status::RolledBack, Some("pay/charge")), "{view:#?}");
    let mut unpacked: Vec<Value> = calls(&execution, "rust_nested.unpack");
    unpacked.sort_by_key(Value::as_u64);
    assert_eq!(unpacked, [json!(10), json!(40)]);
    assert_eq!(calls(&execution, "rust_nested.page"), [json!("Stolen")]);
    assert_eq!(calls(&execution, "rust_nested.invoice"), [] as [Value; 0]);
}
