//! The tools that draw take what is written for them: the parser of Mermaid (from npm, run by Node) and Graphviz.
//!
//! Where they are not installed nothing is shown, and that is said. `SAGALINE_TOOLS=required` makes that a failure, as CI does.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sagaline_events::record::{Status, StepStatus};
use sagaline_picture::{Graph, Look, dot, draw, mermaid};

use crate::{
    plans::{everything, examples, execution},
    random,
};

/// How many plans at random, the same every day.
const RANDOM: usize = 150;

/// Examples, one step of every kind with an execution, and plans at random.
fn graphs() -> Vec<(String, Graph)> {
    let mut graphs = vec![];
    for (name, plan) in examples() {
        for groups in [false, true] {
            graphs.push((format!("{name}-{}-{groups}", plan.workflow), draw(&plan, Some(1), Look { groups })));
        }
    }
    for groups in [false, true] {
        let mut graph = draw(&everything(), Some(1), Look { groups });
        let all = [
            StepStatus::Pending,
            StepStatus::Scheduled,
            StepStatus::Running,
            StepStatus::Waiting,
            StepStatus::BackingOff,
            StepStatus::Completed,
            StepStatus::Failed,
            StepStatus::Skipped,
            StepStatus::Cancelled,
            StepStatus::TimedOut,
            StepStatus::Compensated,
            StepStatus::Unknown,
        ];
        let paths: Vec<String> = graph.parts.iter().filter_map(|part| part.path.clone()).collect();
        let steps: Vec<(&str, StepStatus)> = paths.iter().map(String::as_str).zip(all.into_iter().cycle()).collect();
        assert_eq!(graph.show(&execution(Status::Running, &steps)), 0);
        graphs.push((format!("states-{groups}"), graph));
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for number in 0..RANDOM {
        let plan = random::plan().new_tree(&mut runner).unwrap().current();
        graphs.push((format!("random-{number}"), draw(&plan, None, Look { groups: number % 2 == 0 })));
    }
    graphs
}

/// A folder with one file for each graph.
fn written(folder: &str, ending: &str, write: impl Fn(&Graph) -> String) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{folder}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (name, graph) in graphs() {
        fs::write(folder.join(format!("{name}.{ending}")), write(&graph)).unwrap();
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Whether a program is there. If it is not, this is said, and it is a failure where it is required.
fn is_there(program: &str, asked: &str, package: &str) -> bool {
    let there = Command::new(program).arg(asked).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return true;
    }
    skipped(&format!("`{program}` is not installed (Debian: {package})"));
    false
}

fn skipped(why: &str) {
    assert!(env::var_os("SAGALINE_TOOLS").is_none_or(|word| word != "required"), "{why}");
    // Not by a macro: what those print of a test that passes nobody sees.
    let said = format!("SKIPPED, and nothing is shown by this test: {why}\n");
    io::stderr().write_all(said.as_bytes()).unwrap();
}

#[test]
fn graphviz_draws_every_graph() {
    if !is_there("dot", "-V", "graphviz") {
        return;
    }
    let folder = written("graphviz", "dot", dot);
    for file in files(&folder) {
        let drawn = Command::new("dot").arg("-Tsvg").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&drawn.stderr);
        assert!(drawn.status.success() && said.is_empty(), "{}: {said}", file.display());
        if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("states-")) {
            assert!(String::from_utf8_lossy(&drawn.stdout).contains("12 of 40 done"));
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_parser_of_mermaid_reads_every_graph() {
    if !is_there("node", "--version", "nodejs") {
        return;
    }
    let Some(parser) = parser() else { return };
    let folder = written("mermaid", "mmd", mermaid);
    let check = |folder: &Path| {
        let mut node = Command::new("node");
        node.arg(parser.join("check.mjs")).arg(folder).output().unwrap()
    };
    let read = check(&folder);
    assert!(
        read.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&read.stdout),
        String::from_utf8_lossy(&read.stderr)
    );
    let count = files(&folder).len();
    assert!(String::from_utf8_lossy(&read.stdout).contains(&format!("{count} read")));
    // It is the parser that decides: what is broken it refuses.
    fs::write(folder.join("broken.mmd"), "flowchart TD\n  end --> graph[\"x\n").unwrap();
    assert!(!check(&folder).status.success());
    fs::remove_dir_all(folder).unwrap();
}

/// Where the parser is: the folder that `SAGALINE_MERMAID` names, else one beside the programs, filled by npm if it is not there.
fn parser() -> Option<PathBuf> {
    const PACKAGE: &str = include_str!("../tools/package.json");
    const CHECK: &str = include_str!("../tools/check.mjs");
    if let Some(folder) = env::var_os("SAGALINE_MERMAID") {
        let folder = PathBuf::from(folder);
        fs::write(folder.join("check.mjs"), CHECK).unwrap();
        return Some(folder);
    }
    let package: serde_json::Value = serde_json::from_str(PACKAGE).unwrap();
    let version = package["dependencies"]["mermaid"].as_str().unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("mermaid-of-npm-{version}"));
    if !folder.exists() {
        if !is_there("npm", "--version", "npm") {
            return None;
        }
        // Made aside and moved: what is there is whole.
        let aside = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("mermaid-{}-aside", std::process::id()));
        fs::create_dir_all(&aside).unwrap();
        fs::write(aside.join("package.json"), PACKAGE).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).current_dir(&aside);
        let installed = npm.output().unwrap();
        if !installed.status.success() {
            skipped(&format!("npm cannot install mermaid: {}", String::from_utf8_lossy(&installed.stderr)));
            fs::remove_dir_all(&aside).unwrap();
            return None;
        }
        if fs::rename(&aside, &folder).is_err() {
            assert!(folder.exists(), "{} cannot be made", folder.display());
            fs::remove_dir_all(&aside).unwrap();
        }
    }
    fs::write(folder.join("check.mjs"), CHECK).unwrap();
    Some(folder)
}
