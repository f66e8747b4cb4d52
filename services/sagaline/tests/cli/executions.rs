//! Starting and sending, which need no orchestrator: what is stored is what counts.

use serde_json::json;

use crate::common::{Folder, Installed, ORDER};

#[test]
fn the_same_start_again_is_the_same_execution_and_another_is_refused() {
    let installed = Installed::new();
    installed.run(&["apply", ORDER]).ends_with(0);
    let start = |input: &str| installed.run(&["start", "order", "--input", input, "--id", "o-1", "--tag", "team=blue"]);
    let order = |total: u32| json!({ "order_id": "A-1", "total": total, "card": "visa" });
    assert_eq!(start(&order(1).to_string()).ends_with(0).stdout, "execution: o-1\n");
    // The same, written otherwise.
    assert_eq!(start(&format!("{:#}", order(1))).ends_with(0).stdout, "execution: o-1\nexisting: true\n");
    let refused = start(&order(2).to_string()).ends_with(1);
    assert!(refused.stderr.contains("exists already, with another input") && refused.stderr.contains("hint: "));

    let history = installed.run(&["history", "o-1", "--output", "json"]).ends_with(0).json();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["data"]["tags"], json!({ "team": "blue" }));
    assert!(installed.run(&["history", "o-1"]).ends_with(0).stdout.contains("  start  "));
    assert!(installed.run(&["history", "o-2"]).ends_with(1).stderr.contains("there is no execution `o-2`"));
}

#[test]
fn a_start_without_an_id_makes_one_up() {
    let (installed, folder) = (Installed::new(), Folder::new());
    installed.run(&["apply", ORDER]).ends_with(0);
    let file = format!("@{}", folder.file("order.json", r#"{"order_id": "A-1", "total": 1, "card": "visa"}"#));
    let started = installed.run(&["start", "order", "--input", &file, "--output", "json"]).ends_with(0).json();
    assert_eq!((started[0]["execution"].as_str().map(str::len), &started[0]["existing"]), (Some(26), &json!(false)));
}

#[test]
fn a_workflow_that_is_not_applied_exits_with_1_and_a_hint() {
    let refused = Installed::new().run(&["start", "nothing"]).ends_with(1);
    assert!(
        refused.stderr.contains("no workflow `nothing` is applied") && refused.stderr.contains("hint: `sagaline apply")
    );
}

#[test]
fn what_is_sent_while_no_orchestrator_runs_is_stored_and_that_is_said() {
    let installed = Installed::new();
    let sent = installed.run(&["signal", "o-1", "go", "--data", "[1]", "--output", "json"]).ends_with(0);
    assert_eq!((&sent.json()[0]["known"], &sent.json()[0]["sequence"]), (&json!(null), &json!(1)));
    assert!(sent.stderr.contains("it is stored; no orchestrator answers"), "{}", sent.stderr);
    let history = installed.run(&["history", "o-1", "--output", "json"]).ends_with(0).json();
    assert_eq!(history[0]["data"], json!({ "name": "go", "data": [1] }));
}

#[test]
fn an_id_with_other_characters_is_encoded_the_same_everywhere() {
    let installed = Installed::new();
    installed.run(&["apply", ORDER]).ends_with(0);
    let input = r#"{"order_id":"A-1","total":1,"card":"visa"}"#;
    let started = installed.run(&["start", "order", "--id", "order 1/a", "--input", input]).ends_with(0);
    assert_eq!(started.stdout, "execution: order_201_2fa\n");
    for id in ["order 1/a", "order_201_2fa"] {
        assert_eq!(installed.run(&["history", id, "--output", "json"]).ends_with(0).json().len(), 1, "{id}");
    }
}

#[test]
fn an_event_is_published_once_for_its_source_and_id() {
    let installed = Installed::new();
    let publish = || {
        let line = [
            "events",
            "publish",
            "order.created",
            "--id",
            "1",
            "--source",
            "/shop",
            "--data",
            "{}",
            "--output",
            "json",
        ];
        installed.run(&line).ends_with(0).json().remove(0)
    };
    let first = publish();
    assert_eq!(
        (&first["type"], &first["id"], &first["source"]),
        (&json!("order.created"), &json!("1"), &json!("/shop"))
    );
    assert_eq!(publish()["sequence"], first["sequence"]);
}

#[test]
fn a_list_without_orchestrators_shows_what_it_can_and_exits_with_69() {
    let listed = Installed::new().run(&["list"]).ends_with(69);
    assert!(listed.stderr.contains("no orchestrator answers for partition 0, 1"), "{}", listed.stderr);
}
