//! What rustc says of modules that are wrong, and where: each file in `ui` with what is told of it.
//!
//! Only what the macro says is looked at: the files are compiled without the SDK. `SAGALINE_BLESS=1` writes what is told.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use serde_json::Value;

/// The macros as they were built for this test.
fn macros() -> PathBuf {
    let test = env::current_exe().expect("this program has a path");
    let folder = test.parent().expect("it is in a folder");
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let prefix = format!("{}sagaline_macros-", env::consts::DLL_PREFIX);
        name.starts_with(&prefix) && name.ends_with(env::consts::DLL_SUFFIX)
    };
    let age = |path: &PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let built = fs::read_dir(folder).expect("the folder of builds").flatten().map(|entry| entry.path()).filter(named);
    built.max_by_key(age).expect("the macros are built")
}

/// Each fault with its line and column, and what is underlined there.
fn told(file: &Path, folder: &Path) -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "json", "--out-dir"])
        .arg(folder)
        .arg("--extern")
        .arg(format!("sagaline_macros={}", macros().display()))
        .arg(file)
        .output()
        .expect("rustc runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut told = String::new();
    for message in said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        // What has a code is of rustc itself: that there is no SDK, for example.
        let Some(span) = message["spans"].as_array().and_then(|spans| spans.first()) else { continue };
        if message["level"] != "error" || !message["code"].is_null() {
            continue;
        }
        let (line, column) = (&span["line_start"], &span["column_start"]);
        let text = &span["text"][0];
        let at = |key: &str| text[key].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(1) - 1;
        let source = text["text"].as_str().unwrap_or_default();
        let (from, to) = (at("highlight_start"), at("highlight_end"));
        let meant: String = source.chars().skip(from).take(to - from).collect();
        told.push_str(&format!("{line}:{column} `{meant}`\n  {}\n", message["message"].as_str().unwrap_or_default()));
    }
    told
}

#[test]
fn each_fault_is_told_at_its_argument() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")).expect("the folder of files");
    let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut count = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")) {
        let told = told(file, folder);
        assert_ne!(told, "", "{} has no faults", file.display());
        let expected = file.with_extension("told");
        if env::var_os("SAGALINE_BLESS").is_some() {
            fs::write(&expected, &told).expect("it can be written");
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(told, expected, "{}", file.display());
        count += 1;
    }
    assert_eq!(count, 8, "files in tests/ui");
}
