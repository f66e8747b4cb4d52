//! `examples/tenant_migration.yaml`.

use sagaline_events::record::StepStatus::{Completed, Failed, Skipped};
use serde_json::{Value, json};

use crate::site::{all_calls, assert_completed, assert_steps, calls, failure, site, step_of};

const WORKFLOW: &str = "tenant_migration";

#[tokio::test]
async fn a_tenant_moves_once_its_sessions_are_closed() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "tenant": "acme", "version": 4 })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "backup": "backup of acme", "checked": 12 }));
    // It was too early twice, and no retry was needed.
    assert_eq!(step_of(&view, "migration/drain").attempt, 3);
    assert_steps(&view, Skipped, &["migration/restore", "migration/give_up"]);
    let locked: Vec<Value> = calls(&execution, "tenants.lock").iter().map(|input| input["locked"].clone()).collect();
    assert_eq!(locked, [true, false]);
}

#[tokio::test]
async fn a_migration_that_loses_rows_is_undone() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "tenant": "unlucky", "version": 4 })).await;
    let view = site.end(&execution).await;
    assert_eq!(failure(&view, "migration/give_up", "MigrationFailed").message, "RowsLost: two rows are gone");
    assert_steps(&view, Failed, &["migration/check"]);
    assert_steps(&view, Completed, &["backup", "migration/restore", "migration/unlock_anyway", "migration/alert"]);
    assert_eq!(calls(&execution, "tenants.restore"), [json!("backup of unlucky")]);
    let all = all_calls(&execution);
    let steps: Vec<&str> =
        all.iter().map(|call| call.step.as_str()).filter(|step| *step != "migration/drain").collect();
    let inside =
        ["lock", "migrate", "check", "restore", "unlock_anyway", "alert"].map(|step| format!("migration/{step}"));
    assert_eq!(steps, [&["backup".to_owned()][..], &inside].concat());
}
