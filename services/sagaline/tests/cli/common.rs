//! What these tests share: running the program, one NATS for the verbs that need no orchestrator, waiting with a deadline.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use sagaline_broker::nats::connect;
use sagaline_testkit::site::shared;
use serde_json::Value;
use tokio::runtime::Builder;

pub(crate) const ORDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/order.yaml");

/// The program, knowing nothing of the environment of this test but where programs are.
pub(crate) fn program<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline"));
    for (name, _) in std::env::vars_os() {
        let kept = ["SAGALINE_NATS_SERVER", "SAGALINE_CACHE", "SAGALINE_NATS_RELEASES"];
        let name = name.to_string_lossy();
        if name.starts_with("SAGALINE_") && !kept.contains(&&*name) {
            command.env_remove(&*name);
        }
    }
    command.env_remove("RUST_LOG").args(arguments);
    command
}

/// What a run of the program came to.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(program(arguments).output().expect("the program runs"))
}

/// The same, with a text on its standard input.
pub(crate) fn run_on<S: AsRef<OsStr>>(text: &str, arguments: impl IntoIterator<Item = S>) -> Ran {
    let piped = || Stdio::piped();
    let mut child =
        program(arguments).stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("the program runs");
    child.stdin.take().expect("its standard input").write_all(text.as_bytes()).expect("it is read");
    Ran::of(child.wait_with_output().expect("it ends"))
}

impl Ran {
    pub(crate) fn of(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Fails with all that was said if it ended otherwise.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// An installation on the shared NATS that no orchestrator serves.
pub(crate) struct Installed {
    pub(crate) url: String,
    pub(crate) namespace: String,
}

impl Installed {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let connection = connect(server_url(), &namespace, "test").await.expect("a connection");
            shared().installation().ensure(&connection).await.expect("an installation");
        });
        Self { url: server_url().to_owned(), namespace }
    }

    /// Runs the program against it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run([&["--nats-url", &self.url, "--namespace", &self.namespace], arguments].concat())
    }
}

pub(crate) fn server_url() -> &'static str {
    &shared().url
}

/// A folder that is removed at the end of its test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Self(target_folder(&format!("folder-{}", COUNT.fetch_add(1, Ordering::Relaxed))))
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    pub(crate) fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).expect("the folder").next().is_none()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

fn target_folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}-{}", std::process::id()));
    fs::create_dir_all(&path).expect("a folder for the test");
    path
}

/// Waits until the answer is yes.
#[track_caller]
pub(crate) fn eventually(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
