//! Folders of tests: each goes with its test, and what a killed test left goes with the next one.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

/// What all of them begin with.
const PREFIX: &str = "site-";

/// A folder that is removed at the end of its test.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static LEFT: Once = Once::new();
        let root = root();
        LEFT.call_once(|| remove_what_others_left(&root));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = root.join(format!("{PREFIX}{}-{number}-{name}", process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a folder of a test stays");
        }
    }
}

/// `target/tmp`, where cargo wants them; tests lie in `target/<profile>/deps`.
fn root() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let target = test.ancestors().find(|folder| folder.join("tmp").is_dir() && folder.join("CACHEDIR.TAG").is_file());
    target.map_or_else(std::env::temp_dir, |target| target.join("tmp"))
}

/// The folder of a process that was killed, or that shared a server to its end, outlives it: nothing runs when a process has ended.
fn remove_what_others_left(root: &Path) {
    for folder in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let dead = pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        if dead && let Err(error) = fs::remove_dir_all(folder.path()) {
            tracing::warn!(folder = name, %error, "a folder of an earlier test stays");
        }
    }
}
