//! `validate`, `parse`, `apply`, `workflows`.

use serde_json::json;

use crate::common::{Folder, Installed, ORDER, run};

const FAULTY: &str = "workflow: x\nsteps:\n  a: { activty: echo }\n  b: { activity: echo, after: c }\n";

#[test]
fn a_definition_without_faults_is_valid() {
    let ran = run(["validate", ORDER]).ends_with(0);
    assert!(ran.stdout.ends_with("order.yaml: order, 6 steps: ok\n") && ran.stderr.is_empty(), "{}", ran.stdout);
}

#[test]
fn every_fault_is_told_with_its_place_and_a_hint() {
    let folder = Folder::new();
    let faulty = folder.file("faulty.yaml", FAULTY);
    let ran = run(["validate", &faulty, ORDER]).ends_with(65);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    for part in [&*format!("{faulty}:3:8: "), "^^^^^^^", "  hint: did you mean `activity`?", &*format!("{faulty}:4:")] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let faults = run(["validate", &faulty, "--output", "json"]).ends_with(65).json();
    assert!(2 <= faults.len());
    assert_eq!((&faults[0]["line"], &faults[0]["column"]), (&json!(3), &json!(8)));
}

#[test]
fn files_that_are_none_or_no_text_are_told() {
    let folder = Folder::new();
    assert!(run(["validate", "/nowhere.yaml"]).ends_with(65).stderr.contains("`/nowhere.yaml` cannot be read"));
    let here = folder.0.display().to_string();
    assert!(run(["validate", &here]).ends_with(65).stderr.contains("hint: definitions are files"));
    std::fs::write(folder.0.join("bytes.yaml"), b"workflow: \xff\xfe").expect("a file");
    assert!(run(["validate", &here]).ends_with(65).stderr.contains("is not UTF-8 text"));
}

#[test]
fn what_cannot_be_read_hides_nothing_of_what_can_be() {
    let folder = Folder::new();
    let faulty = folder.file("z.flow", "workflow z {\n  steps { a { activty echo } }\n}\n");
    let (bytes, empty) = (folder.0.join("bytes.flow"), folder.0.join("empty"));
    std::fs::write(&bytes, b"\xff\xfew\0").expect("a file");
    std::fs::create_dir(&empty).expect("a folder");
    let (bytes, empty) = (bytes.display().to_string(), empty.display().to_string());
    for line in [&["validate", "/nowhere.flow", &empty, &bytes, &faulty, ORDER][..], &["fmt", &bytes, "/nowhere.flow"]]
    {
        let told = run(line).ends_with(65).stderr;
        for part in ["`/nowhere.flow` cannot be read", "is not UTF-8 text", "hint: it is UTF-16 by its beginning"] {
            assert!(told.contains(part), "{line:?}: {part}: {told}");
        }
    }
    let told = run(["validate", &empty, &faulty]).ends_with(65).stderr;
    assert!(told.contains("there is no definition in the folder"), "{told}");
    assert!(told.contains("did you mean `activity`?"), "{told}");
}

#[test]
fn the_plan_is_shown_as_json() {
    let plain = run(["parse", ORDER]).ends_with(0);
    let plan: serde_json::Value = serde_json::from_str(&plain.stdout).expect("one object");
    assert_eq!((&plan["workflow"], plan["root"]["nodes"].as_array().map(Vec::len)), (&json!("order"), Some(6)));
    assert_eq!(run(["parse", ORDER, "--output", "json"]).ends_with(0).json(), [plan]);
}

#[test]
fn apply_says_what_it_came_to() {
    let (installed, folder) = (Installed::new(), Folder::new());
    assert_eq!(installed.run(&["apply", ORDER]).ends_with(0).stdout, "order version 1 created\n");
    assert_eq!(installed.run(&["apply", ORDER]).ends_with(0).stdout, "order version 1 unchanged\n");
    let other = folder.file("order.yaml", "workflow: order\nsteps:\n  a: { activity: echo }\n");
    let applied = installed.run(&["apply", &other, "--output", "json"]).ends_with(0).json();
    assert_eq!(applied, [json!({ "workflow": "order", "version": 2, "change": "changed", "file": other })]);

    let listed = installed.run(&["workflows"]).ends_with(0).stdout;
    assert_eq!(listed, "WORKFLOW  VERSION  STEPS  STARTED BY\norder     2        1      people\n");
}

#[test]
fn one_faulty_file_leaves_everything_as_it_was() {
    let (installed, folder) = (Installed::new(), Folder::new());
    folder.file("a.yaml", "workflow: a\nsteps:\n  a: { activity: echo }\n");
    folder.file("b.yaml", FAULTY);
    installed.run(&["apply", &folder.0.display().to_string()]).ends_with(65);
    assert!(installed.run(&["workflows", "--output", "json"]).ends_with(0).json().is_empty());
}

#[test]
fn a_plan_is_written_back_as_yaml_that_comes_to_the_same() {
    let folder = Folder::new();
    let written = run(["parse", ORDER, "--yaml"]).ends_with(0).stdout;
    assert!(written.starts_with("workflow: order\non:\n  - event: order.created\n"), "{written}");
    let plan = |path: &str| run(["parse", path, "--output", "json"]).ends_with(0).json();
    assert_eq!(plan(&folder.file("order.yaml", &written)), plan(ORDER));

    let installed = Installed::new();
    installed.run(&["apply", ORDER]).ends_with(0);
    assert_eq!(installed.run(&["definitions", "get", "order", "--yaml"]).ends_with(0).stdout, written);
}

#[test]
fn the_schema_for_editors_is_printed() {
    let schema: serde_json::Value = serde_json::from_str(&run(["schema"]).ends_with(0).stdout).expect("JSON");
    assert_eq!(schema["required"], json!(["workflow", "steps"]));
}

#[test]
fn what_is_doubtful_is_told_and_refused_if_that_is_asked_for() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let doubtful = folder.file("w.yaml", "workflow: w\nsteps: { a: { activity: echo, input: { password: x } } }\n");
    let ran = run(["validate", &doubtful]).ends_with(0);
    let told = format!("{doubtful}:2:50: warning: `password` looks like a secret, in plain text");
    assert!(ran.stderr.contains(&told) && ran.stderr.contains("hint: definitions are stored"), "{}", ran.stderr);
    for verb in ["validate", "apply"] {
        let ran = installed.run(&[verb, &doubtful, "--strict"]).ends_with(65);
        assert!(ran.stderr.contains("error: there is a warning, and `--strict` takes none"), "{}", ran.stderr);
    }
    assert!(installed.run(&["workflows", "--output", "json"]).ends_with(0).json().is_empty());
    run(["validate", ORDER, "--strict"]).ends_with(0);
}

#[test]
fn validate_says_which_activities_no_worker_serves_if_it_is_told_whom_to_ask() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let file = folder.file("w.yaml", "workflow: w\nsteps: { a: { activity: cars.book } }\n");
    let told = "warning: no worker has served `cars.book` in the queue `default` so far; its tasks wait for one\n";
    let ran = installed.run(&["validate", &file]).ends_with(0);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let nobody_is_asked = run(["validate", &file]).ends_with(0).stderr;
    assert!(!nobody_is_asked.contains("warning"), "{nobody_is_asked}");
    // Nobody listens at the port that nobody may have.
    let nobody_answers = run(["validate", &file, "--nats-url", "nats://127.0.0.1:1"]).ends_with(0).stderr;
    assert!(!nobody_answers.contains("warning"), "{nobody_answers}");
}

#[test]
fn apply_says_which_activities_no_worker_serves() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let text = "workflow: w\nsteps: { a: { activity: cars.book, compensate: cars.cancel }, b: { activity: echo, queue: low } }\n";
    let ran = installed.run(&["apply", &folder.file("w.yaml", text)]).ends_with(0);
    assert_eq!(ran.stdout, "w version 1 created\n");
    for (activity, queue) in [("cars.book", "default"), ("cars.cancel", "default"), ("echo", "low")] {
        let told =
            format!("warning: no worker has served `{activity}` in the queue `{queue}` so far; its tasks wait for one");
        assert!(ran.stderr.contains(&told), "{told}: {}", ran.stderr);
    }
}
