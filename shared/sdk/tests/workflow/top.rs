//! What is said about a workflow as a whole.

use sagaline_sdk::workflow::{Concurrency, Retry, Unique, Update, Workflow, activity, steps};
use serde_json::json;

use crate::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![bounds(), endings(), exchange()]
}

fn bounds() -> Row {
    let workflow = Workflow::new("bounds")
        .version_note("tighter")
        .input_schema(json!({ "type": "object", "required": ["id"] }))
        .tags(["payments", "team=blue"])
        .metadata(json!({ "owner": "data-team" }))
        .timeout("2h")
        .deadline("${ workflow.input.until }")
        .step_timeout("5m")
        .step_concurrency(10)
        .concurrency(Concurrency::of(1).key("${ workflow.input.tenant }").on_limit("skip").pool("syncs"))
        .unique(Unique::of("order-${ workflow.input.id }", "1h").until("success"))
        .retry(Retry::as_usual().initial("2s"))
        .retry_workflow(Retry::attempts(3).initial("10m").backoff("fixed"))
        .dead_letter_for("7d")
        .output(json!({ "id": "${ steps.a.output.id }" }))
        .step("a", activity("echo"));
    (
        workflow,
        r#"
workflow: bounds
version_note: tighter
input_schema: { type: object, required: [id] }
tags: [payments, team=blue]
metadata: { owner: data-team }
timeout: 2h
deadline: "${ workflow.input.until }"
step_timeout: 5m
step_concurrency: 10
concurrency: { limit: 1, key: "${ workflow.input.tenant }", on_limit: skip, pool: syncs }
unique: { key: "order-${ workflow.input.id }", for: 1h, until: success }
retry: { initial: 2s }
retry_workflow: { attempts: 3, initial: 10m, backoff: fixed }
dead_letter: { ttl: 7d }
output: { id: "${ steps.a.output.id }" }
steps: { a: { activity: echo } }
"#,
    )
}

fn endings() -> Row {
    let workflow = Workflow::new("endings")
        .concurrency(5)
        .dead_letter()
        .step("a", activity("echo"))
        .on_success(activity("log.note"))
        .on_failure(steps([
            ("page", activity("alerts.page").input("${ error.type }")),
            ("note", activity("log.note").after("page")),
        ]))
        .on_cancel(activity("log.note").timeout("10s"))
        .on_step_error(activity("log.note").when("${ error.type != 'Busy' }"));
    (
        workflow,
        r#"
workflow: endings
concurrency: 5
dead_letter: true
steps: { a: { activity: echo } }
on_success: { activity: log.note }
on_failure: { steps: { page: { activity: alerts.page, input: "${ error.type }" }, note: { activity: log.note, after: page } } }
on_cancel: { activity: log.note, timeout: 10s }
on_step_error: { activity: log.note, when: "${ error.type != 'Busy' }" }
"#,
    )
}

fn exchange() -> Row {
    let raise = Update::new()
        .schema(json!({ "type": "object" }))
        .when("${ update.by > 0 }")
        .set("limit", "${ ctx.limit + update.by }")
        .result("${ ctx.limit }");
    let workflow = Workflow::new("exchange")
        .signal_schema("paid", json!({ "type": "object", "required": ["sum"] }))
        .query("left", json!({ "left": "${ ctx.left }" }))
        .update("raise_limit", raise)
        .step("a", activity("echo"));
    (
        workflow,
        r#"
workflow: exchange
signals: { paid: { schema: { type: object, required: [sum] } } }
queries: { left: { left: "${ ctx.left }" } }
updates:
  raise_limit:
    schema: { type: object }
    when: "${ update.by > 0 }"
    set: { limit: "${ ctx.limit + update.by }" }
    result: "${ ctx.limit }"
steps: { a: { activity: echo } }
"#,
    )
}
