//! A process that stands for a container: it has the declared environment and no other, and is gone when the test is.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Everything that it says.
    pub log: PathBuf,
}

/// It runs, or ran.
pub struct Process {
    child: Child,
    pid: u32,
    pub log: PathBuf,
}

impl Plan {
    pub fn start(&self) -> Process {
        let log = File::options().create(true).append(true).open(&self.log).expect("a log");
        let copy = log.try_clone().expect("two ends of a log");
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(log).stderr(copy);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("`{}` cannot be started: {error}", self.program.display()));
        let pid = child.id().expect("nobody has waited for it yet");
        reaper(&format!("+ {pid}"));
        Process { child, pid, log: self.log.clone() }
    }
}

impl Process {
    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it can be waited for")
    }

    pub fn terminate(&self) {
        let pid = Pid::from_raw(self.pid.cast_signed()).expect("a pid is not 0");
        kill_process(pid, Signal::TERM)
            .unwrap_or_else(|error| panic!("{} is gone already: {error}", self.log.display()));
    }

    /// Waits for its end; nothing if that does not come within the time.
    pub async fn end(&mut self, within: Duration) -> Option<(ExitStatus, Duration)> {
        let since = Instant::now();
        let status = timeout(within, self.child.wait()).await.ok()?.expect("it can be waited for");
        Some((status, since.elapsed()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not.
        self.child.start_kill().ok();
        reaper(&format!("- {}", self.pid));
    }
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Tells the shell that kills what this test leaves behind if the test itself is killed: its pipe ends then.
fn reaper(line: &str) {
    static REAPER: OnceLock<Mutex<std::process::Child>> = OnceLock::new();
    let reaper = REAPER.get_or_init(|| {
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", include_str!("reaper.sh")]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Mutex::new(shell.spawn().expect("there is a shell"))
    });
    let mut reaper = reaper.lock().expect("nobody panics while telling");
    writeln!(reaper.stdin.as_mut().expect("its input is a pipe"), "{line}").expect("the shell listens");
}
