//! Command lines and settings that cannot be used.

use crate::program::{Folder, run};

const SERVICES: [&str; 3] = ["orchestrator", "executor", "trigger"];

#[test]
fn an_unknown_flag_is_named_with_where_to_look() {
    for program in ["sagaline".to_owned()].into_iter().chain(SERVICES.map(|service| format!("sagaline-{service}"))) {
        run(&program, ["--colour"]).ends_with(64).says(&["unexpected argument '--colour'", "try '--help'"]);
    }
    run("sagaline", ["start", "echo", "--inptu", "{}"]).ends_with(64).says(&["'--inptu'", "'--input'"]);
    run("sagaline", ["strat"]).ends_with(64).says(&["'strat'", "'start'"]);
}

#[test]
fn a_file_with_two_faults_is_told_with_both() {
    let folder = Folder::new();
    for service in SERVICES {
        let text = format!("log_format = \"xml\"\n[{service}]\ncolour = \"red\"\n");
        let file = folder.file(&format!("{service}.toml"), &text);
        run(&format!("sagaline-{service}"), ["--config", &file]).ends_with(64).says(&[
            "the settings cannot be used:",
            &format!(
                "`log_format` in `{file}`: `xml` cannot be used: `xml` is no log format; there are `text` and `json`"
            ),
            &format!("`colour` in section `{service}` of `{file}` is no setting"),
        ]);
    }
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_named() {
    let folder = Folder::new();
    let file = folder.file("broken.toml", "[orchestrator\n");
    for file in [&*file, "/nowhere/settings.toml"] {
        run("sagaline-orchestrator", ["--config", file]).ends_with(64).says(&["the settings cannot be used:", file]);
    }
}
