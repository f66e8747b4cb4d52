//! Plans that are written down, and how one of their executions stands.

use std::collections::BTreeMap;

use sagaline_events::record::{ExecutionView, InsideView, ItemsView, Status, StepStatus, StepView};
use sagaline_model::{ExecutionId, Plan};

/// One step of every kind.
pub(crate) fn everything() -> Plan {
    read(include_str!("everything.yaml"))
}

pub(crate) fn read(text: &str) -> Plan {
    sagaline_lang::read(text, "plan.yaml").unwrap_or_else(|faults| panic!("{faults}")).plan
}

/// An execution of it that is in the middle of a loop, another that was rolled back.
pub(crate) fn execution(status: Status, steps: &[(&str, StepStatus)]) -> ExecutionView {
    let step = |(step, status): &(&str, StepStatus)| StepView {
        step: (*step).to_owned(),
        status: *status,
        attempt: if *step == "reserve" { 2 } else { 1 },
        error: None,
        reason: None,
        items: (*step == "items").then_some(ItemsView { total: 40, done: 12 }),
        child: None,
        inside: if *step == "items" { of_items() } else { vec![] },
    };
    let mut view: ExecutionView = serde_json::from_value(serde_json::json!({
        "execution": ExecutionId::new("order-A-1").unwrap(), "workflow": "everything", "version": 3,
        "status": status, "started_at": "2026-11-20T06:00:00Z",
    }))
    .unwrap();
    view.steps = steps.iter().map(step).collect();
    view
}

/// Four items at a time: in the newest the first of two steps is at work.
fn of_items() -> Vec<InsideView> {
    use StepStatus::{BackingOff, Completed, Pending, Running};
    let one = |step: &str, status, statuses: &[(StepStatus, usize)]| InsideView {
        step: step.to_owned(),
        item: 16,
        status,
        attempt: 1,
        items: None,
        statuses: statuses.iter().copied().collect(),
        ended: BTreeMap::new(),
        failed: vec![],
    };
    vec![
        InsideView {
            ended: [(Completed, 10), (StepStatus::Failed, 2)].into(),
            failed: vec![3, 7],
            ..one("items/item", Running, &[(Running, 4)])
        },
        one("items/item/pack", Running, &[(Running, 1), (Completed, 3)]),
        one("items/item/label", Pending, &[(Running, 2), (BackingOff, 1)]),
    ]
}

/// Every example of the project, by the name of its file.
pub(crate) fn examples() -> Vec<(String, Plan)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut examples = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let definitions = sagaline_lang::read_all(&text, &name).unwrap_or_else(|faults| panic!("{faults}"));
        examples.extend(definitions.into_iter().map(|definition| (name.clone(), definition.plan)));
    }
    examples.sort_by(|one, other| (&one.0, &one.1.workflow).cmp(&(&other.0, &other.1.workflow)));
    assert!(10 < examples.len());
    examples
}
