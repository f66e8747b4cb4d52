//! Which variables a program knows, by its own word.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
};

/// The variables in the program's `--help`, and in that of its verbs.
pub fn known(program: &Path) -> BTreeSet<String> {
    let own = help(program, &[]);
    let verbs = own.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What is indented further goes on from the line before.
    let verbs = verbs.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let verbs = verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help");
    let pages: Vec<_> = verbs.map(|verb| help(program, &[verb])).chain([own.clone()]).collect();
    let variables: BTreeSet<_> = pages.iter().flat_map(|page| page.split("[env:").skip(1).map(name_at)).collect();
    assert!(variables.contains("SAGALINE_NATS_URL"), "no variables in `{} --help`:\n{own}", program.display());
    variables
}

fn help(program: &Path, verb: &[&str]) -> String {
    let output = Command::new(program).args(verb).arg("--help").env_clear().stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("`{} --help` cannot be run: {error}", program.display()));
    assert!(output.status.success(), "`{} {verb:?} --help` ends with {}", program.display(), output.status);
    String::from_utf8(output.stdout).expect("help is text")
}

/// Those of Sagaline's variables that the program does not know: nothing would come of them.
pub fn unknown<'a>(program: &Path, given: impl IntoIterator<Item = &'a String>) -> Vec<&'a String> {
    let known = known(program);
    let ours = given.into_iter().filter(|name| name.starts_with("SAGALINE_"));
    ours.filter(|name| !known.contains(*name)).collect()
}

/// `NAME`, `NAME=` or `NAME=value`, perhaps on a line of its own: long lines are wrapped.
fn name_at(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
