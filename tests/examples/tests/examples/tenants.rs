//! `examples/tenant_migration.yaml`.

use serde_json::{Value, json};

use crate::site::{all_calls, assert_completed, calls, site, step_of};

const WORKFLOW: &str = "tenant_migration";

#[tokio::test]
async fn a_tenant_moves_once_its_sessions_are_closed() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "tenant": "acme", "version": 4 })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "backup": "backup of acme", "checked": 12 }));
    // It was too early twice, and no retry was needed.
    assert_eq!(step_of(&view, "drain").attempt, 3);
    let steps: Vec<String> =
        all_calls(&execution).into_iter().map(|call| call.step).filter(|step| step != "drain").collect();
    assert_eq!(steps, ["lock", "backup", "migrate", "check", "unlock", "tell"]);
    let locked: Vec<Value> = calls(&execution, "tenants.lock").iter().map(|input| input["locked"].clone()).collect();
    assert_eq!(locked, [true, false]);
}
