//! Files in the .flow language: `validate`, `parse`, `apply`, `fmt`.

use serde_json::{Value, json};

use crate::common::{Folder, Installed, run, run_on};

const GREET: &str = "// says hello\nworkflow greet {\n  trigger manual\n  steps { hello { activity: echo, input { name: \"workflow.input.name\" } } } // one\n}\n";
const CANONICAL: &str = "// says hello\nworkflow greet {\n    trigger manual\n    steps { hello { activity echo, input { name: \"workflow.input.name\" } } } // one\n}\n";
const SAME: &str = "workflow: greet\non: manual\nsteps: { hello: { activity: echo, input: { name: \"${ workflow.input.name }\" } } }\n";

#[test]
fn a_flow_file_is_a_definition_like_any_other() {
    let folder = Folder::new();
    let (flow, cai) = (folder.file("greet.flow", GREET), folder.file("other.cai", "job tidy { task echo }"));
    let here = folder.0.display().to_string();
    let valid = run(["validate", &here]).ends_with(0).stdout;
    assert_eq!(valid, format!("{flow}: greet, 1 step: ok\n{cai}: tidy, 1 step: ok\n"));
    let plan =
        |file: &str| -> Value { serde_json::from_str(&run(["parse", file]).ends_with(0).stdout).expect("a plan") };
    assert_eq!(plan(&flow), plan(&folder.file("same.yaml", SAME)));
    let faulty = folder.file("faulty.flow", "workflow x {\n  steps { a { activty echo } }\n  tags [}\n}\n");
    let told = run(["validate", &faulty]).ends_with(65).stderr;
    for part in
        [":2:15: unknown key `activty` in step `a`", "did you mean `activity`?", ":3:9: a list is closed by `]`"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn both_forms_of_one_workflow_are_one_version() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let (flow, yaml) = (folder.file("greet.flow", GREET), folder.file("greet.yaml", SAME));
    assert_eq!(installed.run(&["apply", &flow]).ends_with(0).stdout, "greet version 1 created\n");
    assert_eq!(installed.run(&["apply", &yaml]).ends_with(0).stdout, "greet version 1 unchanged\n");
    let kept = installed.run(&["definitions", "get", "greet", "1"]).ends_with(0).stdout;
    assert!(kept.contains("// says hello"), "{kept}");
}

#[test]
fn a_file_is_brought_into_its_canonical_form_and_keeps_its_comments() {
    let folder = Folder::new();
    let (flow, faulty) = (folder.file("greet.flow", GREET), folder.file("faulty.flow", "workflow {"));
    assert_eq!(run(["fmt", "--stdout", &flow]).ends_with(0).stdout, CANONICAL);
    assert_eq!(run(["fmt", "--check", &flow]).ends_with(1).stdout, format!("{flow}: not formatted\n"));
    assert_eq!(std::fs::read_to_string(&flow).expect("the file"), GREET, "a check changes nothing");
    let here = folder.0.display().to_string();
    let ran = run(["fmt", &here, "--output", "json"]).ends_with(65);
    assert!(ran.stdout.contains("the `workflow` has no name"), "{}", ran.stdout);
    assert_eq!(ran.json().last(), Some(&json!({ "file": flow, "change": "formatted" })));
    assert_eq!(std::fs::read_to_string(&flow).expect("the file"), CANONICAL);
    assert_eq!(std::fs::read_to_string(&faulty).expect("the file"), "workflow {", "what cannot be read stays");
    assert_eq!(run(["fmt", "--check", &flow]).ends_with(0).stdout, "");
    let yaml = folder.file("same.yaml", SAME);
    assert!(run(["fmt", &yaml]).ends_with(65).stderr.contains("is no .flow file"));
}

#[test]
fn standard_input_is_a_file_in_the_form_that_it_begins_in() {
    assert_eq!(run_on(GREET, ["fmt", "-"]).ends_with(0).stdout, CANONICAL);
    assert_eq!(run_on(GREET, ["fmt", "--check", "-"]).ends_with(1).stdout, "stdin.flow: not formatted\n");
    let faulty = run_on("workflow", ["fmt", "-"]).ends_with(65);
    assert!(faulty.stdout.is_empty() && faulty.stderr.starts_with("stdin.flow:1:1: "), "{}", faulty.stderr);

    assert_eq!(run_on(GREET, ["validate", "-"]).ends_with(0).stdout, "stdin.flow: greet, 1 step: ok\n");
    assert_eq!(run_on(SAME, ["validate", "-"]).ends_with(0).stdout, "stdin.yaml: greet, 1 step: ok\n");
    assert_eq!(run_on(SAME, ["parse", "-"]).ends_with(0).stdout, run_on(GREET, ["parse", "-"]).ends_with(0).stdout);
    assert!(run_on(GREET, ["graph", "-"]).ends_with(0).stdout.contains("● hello  echo"));
    let yaml = run_on(GREET, ["convert", "-", "--to", "yaml"]).ends_with(0).stdout;
    assert!(yaml.starts_with("# says hello\nworkflow: greet\n"), "{yaml}");

    let installed = Installed::new();
    let at = ["--nats-url", &installed.url, "--namespace", &installed.namespace, "apply", "-"];
    assert_eq!(run_on(GREET, at).ends_with(0).stdout, "greet version 1 created\n");
    assert_eq!(run_on(SAME, at).ends_with(0).stdout, "greet version 1 unchanged\n");
}

#[test]
fn a_definition_is_converted_there_and_back() {
    let folder = Folder::new();
    let flow = folder.file("greet.flow", GREET);
    let ran = run(["convert", &flow, "--to", "yaml"]).ends_with(0);
    assert!(ran.stdout.starts_with("# says hello\nworkflow: greet\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains(" # one\n"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let yaml = folder.file("greet.yaml", &ran.stdout);
    let plan = |file: &str| run(["parse", file]).ends_with(0).stdout;
    assert_eq!(plan(&yaml), plan(&flow));
    let back = folder.file("back.flow", &run(["convert", &yaml, "--to", "flow"]).ends_with(0).stdout);
    assert_eq!(plan(&back), plan(&flow));
    assert_eq!(run(["fmt", "--check", &back]).ends_with(0).stdout, "");
    let faulty = folder.file("faulty.yaml", "workflow: x\n");
    assert!(run(["convert", &faulty, "--to", "flow"]).ends_with(65).stderr.contains("has no `steps`"));
}
