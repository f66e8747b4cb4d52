//! A nats-server, orchestrators and executors, each a process of its own that can be killed.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sagaline_server::{Finder, Server, ServerOptions};
use tokio::time::sleep;

use crate::Programs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Orchestrator,
    Executor,
    Trigger,
}

impl Role {
    fn program(self) -> &'static str {
        match self {
            Self::Orchestrator => "sagaline-orchestrator",
            Self::Executor => "sagaline-executor",
            Self::Trigger => "sagaline-trigger",
        }
    }
}

/// What runs. Dropping it ends everything that it started, and nothing else.
pub struct System {
    programs: Programs,
    pub server: Server,
    folder: PathBuf,
    processes: Vec<Process>,
    /// What every process is told besides where NATS is.
    environment: Vec<(&'static str, String)>,
    started: u32,
}

struct Process {
    role: Role,
    child: Child,
}

impl System {
    /// Starts a nats-server of its own in a new folder.
    pub async fn start(name: &str, environment: Vec<(&'static str, String)>) -> Self {
        let folder = std::env::temp_dir().join(format!("sagaline-crash-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let binary = tokio::task::spawn_blocking(|| Finder::from_env().find_or_install(|_| {})).await;
        let binary = binary.expect("the search does not panic").expect("a nats-server can be had");
        let server = Server::start(ServerOptions::new(binary, folder.join("nats"))).await.expect("it starts");
        Self { programs: Programs::built(), server, folder, processes: vec![], environment, started: 0 }
    }

    /// Waits until a first execution ran to its end: every service is connected and every partition has recovered.
    pub async fn ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let mut first = self.sagaline(&["bench", "--output", "json", "--workflows", "4", "--concurrency", "4"]);
            let ended = tokio::task::spawn_blocking(move || first.wait()).await.expect("no panic");
            if ended.expect("it has ended").success() {
                return;
            }
            // The streams are not there yet, perhaps.
            assert!(Instant::now() < deadline, "nothing runs; see the logs in {}", self.folder.display());
            sleep(Duration::from_millis(200)).await;
        }
    }

    pub fn url(&self) -> String {
        self.server.url().to_owned()
    }

    /// Where every executor writes down what it runs.
    pub fn witness_file(&self) -> PathBuf {
        self.folder.join("witness")
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn spawn(&mut self, role: Role) -> u32 {
        self.started += 1;
        let log = self.folder.join(format!("{}-{}.log", role.program(), self.started));
        let log = std::fs::File::create(log).expect("a log can be made");
        let mut command = Command::new(self.programs.path(role.program()));
        command.args(["--nats-url", &self.url()]).envs(self.environment.iter().cloned());
        if role == Role::Executor {
            command.arg("--witness").arg(self.witness_file());
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("the program can be started");
        let pid = child.id();
        self.processes.push(Process { role, child });
        pid
    }

    /// Kills the oldest process of a role with -9 and starts another in its place. Gives the pid of the dead.
    pub fn replace(&mut self, role: Role) -> u32 {
        let place = self.processes.iter().position(|process| process.role == role).expect("one of that role runs");
        let mut dead = self.processes.remove(place);
        dead.child.kill().expect("it can be killed");
        dead.child.wait().expect("it has ended");
        let pid = dead.child.id();
        self.spawn(role);
        pid
    }

    /// The pids of a role, oldest first.
    pub fn pids(&self, role: Role) -> Vec<u32> {
        self.processes.iter().filter(|process| process.role == role).map(|process| process.child.id()).collect()
    }

    /// SIGSTOPs a process for a while.
    pub async fn freeze(&self, pid: u32, time: Duration) {
        signal(pid, Signal::STOP);
        sleep(time).await;
        signal(pid, Signal::CONT);
    }

    /// Kills nats-server with -9 and starts it again on the same disk.
    pub async fn restart_nats(&mut self) {
        self.server.kill().await;
        self.server.restart().await.expect("nats-server starts again");
    }

    /// Runs `sagaline` with these arguments to its end; its output.
    pub fn sagaline(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(self.programs.path("sagaline"));
        command.args(arguments).args(["--nats-url", &self.url()]).stdin(Stdio::null()).stdout(Stdio::piped());
        let log = std::fs::File::create(self.folder.join("sagaline.log")).expect("a log can be made");
        command.stderr(log).spawn().expect("sagaline can be started")
    }

    /// Everything is shown to have passed: nothing need be kept for a look.
    pub async fn end(mut self) {
        for process in &mut self.processes {
            process.child.kill().expect("it can be killed");
            process.child.wait().expect("it has ended");
        }
        self.processes.clear();
        self.server.stop().await;
        std::fs::remove_dir_all(&self.folder).expect("the folder can be removed");
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // A test that failed leaves its folder for a look, but no process.
            drop((process.child.kill(), process.child.wait()));
        }
    }
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid is not 0");
    kill_process(pid, signal).expect("the process is there");
}
