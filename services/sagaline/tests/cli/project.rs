//! Projects: what their file gives to verbs and definitions, and `dev` that reads it again.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    common::{Folder, Installed, Ran, program, run},
    dev::{Dev, at},
};

const FILE: &str = "[config]\nleast = 10\n[config.reports]\nto = [\"ann\"]\n[defaults]\nstep_timeout = \"7s\"\n";
const ORDER: &str = "workflow: order\nsteps: { a: { activity: echo, input: '${ config.reports.to }' } }\noutput: '${ config.reports }'\n";

/// A project with one definition, in the folder that it is called after by default.
fn project(folder: &Folder, file: &str) -> PathBuf {
    std::fs::create_dir_all(folder.0.join("workflows")).expect("a folder");
    folder.file("workflows/order.yaml", ORDER);
    PathBuf::from(folder.file("sagaline.toml", file))
}

fn run_in(folder: &Path, line: &[&str]) -> Ran {
    Ran::of(program(line).current_dir(folder).output().expect("the program runs"))
}

#[test]
fn the_project_here_or_above_says_what_is_validated_and_gives_values() {
    let folder = Folder::new();
    project(&folder, FILE);
    let ran = run_in(&folder.0, &["validate"]).ends_with(0);
    assert_eq!(ran.stdout, "workflows/order.yaml: order, 1 step: ok\n");
    let below = folder.0.join("workflows");
    let ran = run_in(&below, &["validate"]).ends_with(0);
    assert!(ran.stdout.ends_with("/workflows/order.yaml: order, 1 step: ok\n"), "{}", ran.stdout);
    run_in(&below, &["validate", "order.yaml"]).ends_with(0);

    folder.file("sagaline.toml", "[config]\nreport = { to = [] }\n");
    let ran = run_in(&folder.0, &["validate"]).ends_with(65);
    assert!(ran.stderr.contains("there is no value `config.reports`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: did you mean `config.report`?"), "{}", ran.stderr);
}

#[test]
fn fmt_takes_the_flow_files_of_the_project() {
    let folder = Folder::new();
    project(&folder, "definitions = ['workflows', 'more.yaml', 'late.flow']\n");
    folder.file("more.yaml", ORDER);
    folder.file("late.flow", "job late {\n    task echo\n}\n");
    folder.file("workflows/night.flow", "job   night { task echo }\n");
    let ran = run_in(&folder.0, &["fmt", "--check"]).ends_with(1);
    assert_eq!(ran.stdout, "workflows/night.flow: not formatted\n", "{}", ran.stderr);
    run_in(&folder.0, &["fmt"]).ends_with(0);
    run_in(&folder.0, &["fmt", "--check"]).ends_with(0);
    folder.file("sagaline.toml", "definitions = ['more.yaml']\n");
    let ran = run_in(&folder.0, &["fmt"]).ends_with(0);
    assert_eq!(ran.stderr, "nothing to do: there is no .flow file\n");
}

#[test]
fn a_folder_inside_of_another_is_told_not_to_be_looked_into() {
    let folder = Folder::new();
    project(&folder, FILE);
    std::fs::create_dir_all(folder.0.join("workflows/night/.kept")).expect("a folder");
    folder.file("workflows/night/.kept/x.yaml", "no definition");
    assert_eq!(run_in(&folder.0, &["validate"]).ends_with(0).stderr, "");
    folder.file("workflows/night/x.flow", "job tidy { task echo }\n");
    let told = "`workflows/night` is not looked into: a folder inside of another is named by itself\n";
    assert_eq!(run_in(&folder.0, &["validate"]).ends_with(0).stderr, told);
    let ran = run_in(&folder.0, &["validate", "workflows", "workflows/night"]).ends_with(0);
    assert_eq!((&*ran.stderr, ran.stdout.lines().count()), ("", 2));
    std::fs::remove_file(folder.0.join("workflows/order.yaml")).expect("a file");
    let ran = run_in(&folder.0, &["validate"]).ends_with(65);
    assert!(ran.stderr.contains("hint: there are some further inside; name `workflows/night`"), "{}", ran.stderr);
}

#[test]
fn without_a_project_something_must_be_named_and_no_value_is_there() {
    let folder = Folder::new();
    let file = folder.file("order.yaml", ORDER);
    for verb in ["validate", "apply", "fmt"] {
        let ran = run_in(&folder.0, &[verb]).ends_with(64);
        assert!(ran.stderr.contains("there is no project here or above"), "{}", ran.stderr);
        assert!(ran.stderr.contains("a file `sagaline.toml` here"), "{}", ran.stderr);
    }
    let ran = run(["validate", &file]).ends_with(65);
    assert!(ran.stderr.contains("hint: give it one under `[config]` in `sagaline.toml`"), "{}", ran.stderr);
}

#[test]
fn a_project_that_cannot_be_read_is_told_by_every_verb() {
    let folder = Folder::new();
    let file = project(&folder, "nats-url = 'x'\n").display().to_string();
    for line in [&["validate"][..], &["list"]] {
        let ran = run([&["--project", &file], line].concat()).ends_with(65);
        assert!(ran.stderr.contains("sagaline.toml:1:1: unknown key `nats-url` in the project"), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: did you mean `nats_url`?"), "{}", ran.stderr);
    }
    let ran = run(["--project", "/nowhere.toml", "list"]).ends_with(65);
    assert!(ran.stderr.contains("the project `/nowhere.toml` cannot be read"), "{}", ran.stderr);
}

#[test]
fn apply_takes_all_of_the_project_to_the_installation_that_it_names() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let where_ = format!("nats_url = '{}'\nnamespace = '{}'\n{FILE}", installed.url, installed.namespace);
    project(&folder, &where_);
    let here = folder.0.display().to_string();
    let ran = run(["--project", &here, "apply"]).ends_with(0);
    assert_eq!(ran.stdout, "order version 1 created\n");
    let got = installed.run(&["definitions", "get", "order", "--output", "json"]).ends_with(0).json().remove(0);
    let step = &got["plan"]["root"]["nodes"][0]["kind"]["step"];
    assert_eq!((&got["plan"]["config"], &step["timeout"]), (&json!({ "reports": { "to": ["ann"] } }), &json!("7s")));
    // What a definition does not read is no part of it.
    folder.file("sagaline.toml", &where_.replace("least = 10", "least = 11"));
    assert_eq!(run(["--project", &here, "apply"]).ends_with(0).stdout, "order version 1 unchanged\n");
    folder.file("sagaline.toml", &where_.replace("ann", "bob"));
    assert_eq!(run(["--project", &here, "apply"]).ends_with(0).stdout, "order version 2 changed\n");
    // What is given on the line goes before what the file says.
    let ran = run(["--project", &here, "--nats-url", "nats://127.0.0.1:1", "workflows"]).ends_with(69);
    assert!(ran.stderr.contains("127.0.0.1:1"), "{}", ran.stderr);
}

#[test]
fn two_files_do_not_define_the_same_workflow() {
    let folder = Folder::new();
    let (a, b) = (folder.file("a.yaml", "workflow: x\nsteps: { a: { activity: echo } }\n"), folder.0.join("b.yaml"));
    std::fs::copy(&a, &b).expect("a copy");
    let ran = run(["validate", &folder.0.display().to_string()]).ends_with(65);
    let expected = format!("{}:1:1: a second workflow is called `x`", b.display());
    assert!(
        ran.stderr.contains(&expected) && ran.stderr.contains(&format!("hint: the first one is in `{a}`")),
        "{}",
        ran.stderr
    );
}

#[test]
fn dev_applies_the_project_and_again_when_a_file_changes() {
    let folder = Folder::new();
    let file = project(&folder, FILE).display().to_string();
    let dev = Dev::start(&["--project", &file]);
    let start = dev.until(|line| line == "ready");
    assert!(start.contains(&"order version 1 created".to_owned()), "{start:?}");
    assert!(start.iter().any(|line| line.starts_with("project: ")), "{start:?}");
    let url =
        json!(start.iter().find_map(|line| line.strip_prefix("nats: ")?.split_whitespace().next()).expect("a URL"));

    folder.file("workflows/order.yaml", &ORDER.replace("a:", "b:"));
    dev.until(|line| line == "order version 2 changed");
    folder.file("sagaline.toml", &FILE.replace("ann", "bob"));
    dev.until(|line| line == "order version 3 changed");
    let ended = at(&url, &["start", "order", "--wait", "--output", "json"]).ends_with(0).json().remove(0);
    assert_eq!(ended["output"], json!({ "to": ["bob"] }));

    // One with faults stays as it was; others go on.
    folder.file("workflows/order.yaml", "workflow: order\nsteps: { a: { activty: echo } }\n");
    std::fs::write(folder.0.join("workflows/bytes.flow"), b"\xff\xfe").expect("a file");
    folder.file("workflows/pay.yaml", "workflow: pay\nsteps: { a: { activity: cars.book } }\n");
    dev.until(|line| line == "pay version 1 created");
    std::fs::remove_file(folder.0.join("workflows/bytes.flow")).expect("a file");
    folder.file("sagaline.toml", "[confg]\n");
    folder.file("workflows/order.yaml", ORDER);
    folder.file("sagaline.toml", FILE);
    dev.until(|line| line == "order version 4 changed");
    let listed: Vec<Value> = at(&url, &["workflows", "--output", "json"]).ends_with(0).json();
    assert_eq!(listed.len(), 2);
    std::fs::remove_file(folder.0.join("workflows/pay.yaml")).expect("a file");
    // Behind the others in the folder: once it is applied, all has been said.
    folder.file("workflows/very_last.yaml", "workflow: last\nsteps: { a: { activity: echo } }\n");
    dev.until(|line| line == "last version 1 created");

    dev.signal(Signal::INT);
    let (ended, stderr, _) = dev.end();
    assert!(ended.success(), "{ended}: {stderr}");
    for part in [
        "did you mean `activity`?",
        "order.yaml` is left out: what it defines stays as it was before",
        "bytes.flow` is left out: what it defines stays as it was before",
        "no file defines `pay` any more",
        "warning: no worker has served `cars.book` in the queue `default` so far; its tasks wait for one",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

/// Who mends one file of several is told of that one.
#[test]
fn dev_tells_faults_when_they_come_and_when_they_are_gone() {
    let folder = Folder::new();
    let file = project(&folder, FILE).display().to_string();
    folder.file("workflows/broken.yaml", "workflow: broken\nsteps: { a: { activty: echo } }\n");
    folder.file(
        "workflows/other.yaml",
        "workflow: other\nsteps: { a: { actvity: echo }, b: { activity: echo, queu: x } }\n",
    );
    let dev = Dev::start(&["--project", &file]);
    dev.until(|line| line == "ready");
    folder.file("workflows/order.yaml", &ORDER.replace("a:", "b:"));
    dev.until(|line| line == "order version 2 changed");
    // One of two faults is mended: what is left of this file is told, of the other one nothing.
    folder.file(
        "workflows/other.yaml",
        "workflow: other\nsteps: { a: { activity: echo }, b: { activity: echo, queu: y } }\n",
    );
    folder.file("workflows/very_last.yaml", "workflow: last\nsteps: { a: { activity: echo } }\n");
    dev.until(|line| line == "last version 1 created");
    folder.file("workflows/broken.yaml", "workflow: broken\nsteps: { a: { activity: echo } }\n");
    dev.until(|line| line == "broken version 1 created");
    dev.signal(Signal::INT);
    let (ended, stderr, _) = dev.end();
    assert!(ended.success(), "{ended}: {stderr}");
    let count = |part: &str| stderr.matches(part).count();
    assert_eq!(count("unknown key `activty`"), 1, "{stderr}");
    assert_eq!((count("unknown key `actvity`"), count("unknown key `queu`")), (1, 2), "{stderr}");
    assert_eq!(count("broken.yaml` is left out: what it defines stays as it was before"), 1, "{stderr}");
    assert!(0 < count("broken.yaml` is left out as before: 1 fault"), "{stderr}");
    assert!(0 < count("other.yaml` is left out as before: 2 faults"), "{stderr}");
    assert_eq!(
        (count("broken.yaml` has no faults any more"), count("other.yaml` has no faults any more")),
        (1, 0),
        "{stderr}"
    );
}

#[test]
fn dev_starts_without_definitions_that_are_not_there_and_takes_them_when_they_are() {
    let folder = Folder::new();
    let file = project(&folder, "[confg]\n").display().to_string();
    let dev = Dev::start(&["--project", &folder.0.display().to_string(), "--output", "json"]);
    let (ended, stderr, _) = dev.end();
    assert_eq!(ended.code(), Some(65), "{stderr}");

    folder.file("sagaline.toml", "definitions = ['elsewhere']\n");
    let dev = Dev::start(&["--project", &file, "--output", "json"]);
    let ready = dev.ready();
    folder.file("sagaline.toml", FILE);
    let applied = dev.until(|line| line.contains(r#""change":"created""#));
    assert!(applied.iter().any(|line| line.contains(r#""workflow":"order""#)), "{applied:?}");
    at(&ready["nats_url"], &["workflows"]).ends_with(0);
    dev.signal(Signal::INT);
    let (ended, stderr, _) = dev.end();
    assert!(ended.success() && stderr.contains("elsewhere` cannot be read"), "{ended}: {stderr}");
}
