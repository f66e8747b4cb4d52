//! A reader that never comes back is noticed: this test is such a reader, in a process of its own.

use std::{
    env, fs, hint,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use sagaline_fuzz::{Form, watchdog::Watchdog};

/// Says to the process of its own what it is, and where texts are kept.
const STUB: &str = "SAGALINE_FUZZ_STUB";
const SOON: Duration = Duration::from_millis(200);
const TEXT: &str = "workflow round { steps { } }\n";

#[test]
fn a_text_that_is_read_in_circles_is_kept_and_its_file_named() {
    if let Ok(folder) = env::var(STUB) {
        reads(&folder, || {
            loop {
                hint::spin_loop();
            }
        });
    }
    is_noticed("a_text_that_is_read_in_circles_is_kept_and_its_file_named");
}

#[test]
fn a_text_whose_reader_waits_for_ever_is_kept_and_its_file_named() {
    if let Ok(folder) = env::var(STUB) {
        reads(&folder, || {
            loop {
                thread::park();
            }
        });
    }
    is_noticed("a_text_whose_reader_waits_for_ever_is_kept_and_its_file_named");
}

fn reads(folder: &str, for_ever: impl FnOnce()) {
    let watchdog = Watchdog::keeping(PathBuf::from(folder));
    // Those that end are nobody's business, however many there are.
    for number in 0..100 {
        watchdog.over(Form::Yaml, &format!("workflow: w{number}"), SOON, || ());
    }
    watchdog.over(Form::Flow, TEXT, SOON, for_ever);
}

fn is_noticed(test: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    // Of an earlier run.
    drop(fs::remove_dir_all(&folder));
    let itself = env::current_exe().expect("the path of this test");
    let stub = Command::new(itself).args([test, "--exact"]).env(STUB, &folder).output().expect("it runs");
    let told = String::from_utf8_lossy(&stub.stderr);
    assert_eq!(stub.status.code(), Some(1), "{told}");
    let kept: Vec<PathBuf> =
        fs::read_dir(&folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    let [kept] = kept.as_slice() else { panic!("one text is kept, not {kept:?}") };
    let name = kept.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    assert!(name.starts_with("hangs-") && name.ends_with(".flow"), "{name}");
    assert_eq!(fs::read_to_string(kept).expect("its text"), TEXT);
    assert!(told.contains(&format!("not read within {SOON:?}: {}", kept.display())), "{told}");
}
