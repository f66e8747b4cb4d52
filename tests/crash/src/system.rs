//! NATS, orchestrators and executors, each a process of its own that can be killed.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::{Nats, Nodes, Programs};

/// How long a service may take to hand over and end when it is asked to.
const END_WITHIN: Duration = Duration::from_secs(40);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Orchestrator,
    Executor,
    Trigger,
    Compensator,
    Scheduler,
}

impl Role {
    fn program(self) -> &'static str {
        match self {
            Self::Orchestrator => "sagaline-orchestrator",
            Self::Executor => "sagaline-executor",
            Self::Trigger => "sagaline-trigger",
            Self::Compensator => "sagaline-compensator",
            Self::Scheduler => "sagaline-scheduler",
        }
    }
}

/// What runs. Dropping it ends everything that it started, and nothing else.
pub struct System {
    programs: Programs,
    pub nats: Nats,
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
    /// Starts a NATS of its own in a new folder.
    pub async fn start(name: &str, nodes: Nodes, mut environment: Vec<(&'static str, String)>) -> Self {
        let folder = std::env::temp_dir().join(format!("sagaline-crash-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let nats = Nats::start(nodes, &folder.join("nats")).await;
        environment.push(("SAGALINE_REPLICAS", nodes.count().to_string()));
        Self { programs: Programs::built(), nats, folder, processes: vec![], environment, started: 0 }
    }

    /// So many orchestrators and so many executors, and all of it ready.
    pub async fn with_services(
        name: &str,
        nodes: Nodes,
        of_each: usize,
        environment: Vec<(&'static str, String)>,
    ) -> Self {
        let mut system = Self::start(name, nodes, environment).await;
        for role in [Role::Orchestrator, Role::Executor] {
            for _ in 0..of_each {
                system.spawn(role);
            }
        }
        system.ready().await;
        system
    }

    /// Waits until a first execution ran to its end: every service is connected and every partition has recovered.
    pub async fn ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut first = self.sagaline(&["bench", "--output", "json", "--workflows", "16", "--concurrency", "16"]);
            let ended = tokio::task::spawn_blocking(move || first.wait()).await.expect("no panic");
            if ended.expect("it has ended").success() {
                return;
            }
            // The streams are not there yet, perhaps.
            assert!(Instant::now() < deadline, "nothing runs; see the logs in {}", self.folder.display());
            sleep(Duration::from_millis(200)).await;
        }
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
        command.args(["--nats-url", &self.nats.url()]).envs(self.environment.iter().cloned());
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
    pub fn kill(&mut self, role: Role) -> u32 {
        let mut dead = self.take_oldest(role);
        dead.child.kill().expect("it can be killed");
        dead.child.wait().expect("it has ended");
        let pid = dead.child.id();
        self.spawn(role);
        pid
    }

    /// Starts another process of a role, then asks the oldest to end and waits for it. How long it took.
    pub async fn replace(&mut self, role: Role) -> Duration {
        let mut old = self.take_oldest(role);
        self.spawn(role);
        let asked = Instant::now();
        signal(old.child.id(), Signal::TERM);
        while old.child.try_wait().expect("it is a child").is_none() {
            if asked.elapsed() > END_WITHIN {
                old.child.kill().expect("it can be killed");
                panic!("{} did not end within {END_WITHIN:?}", role.program());
            }
            sleep(Duration::from_millis(20)).await;
        }
        let status = old.child.wait().expect("it has ended");
        assert!(status.success(), "{} did not end well: {status}", role.program());
        asked.elapsed()
    }

    fn take_oldest(&mut self, role: Role) -> Process {
        let place = self.processes.iter().position(|process| process.role == role).expect("one of that role runs");
        self.processes.remove(place)
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

    /// Starts `sagaline` with these arguments.
    pub fn sagaline(&self, arguments: &[&str]) -> Child {
        let log = self.folder.join(format!("sagaline-{}.log", arguments[0]));
        let log = std::fs::File::create(log).expect("a log can be made");
        self.command(arguments).stdout(Stdio::piped()).stderr(log).spawn().expect("sagaline can be started")
    }

    /// Runs `sagaline` with these arguments to its end, which must be a good one; what it printed.
    pub async fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).await.unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same where the end may be another one. `Err`: what it said.
    pub async fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
        let output = output.expect("sagaline can be started");
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout).expect("it prints text"));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("`sagaline {}`: {}: {said}", arguments.join(" "), output.status))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.path("sagaline"));
        command.args(arguments).args(["--nats-url", &self.nats.url()]).stdin(Stdio::null());
        command
    }

    /// Everything is shown to have passed: nothing need be kept for a look.
    pub async fn end(mut self) {
        for process in &mut self.processes {
            process.child.kill().expect("it can be killed");
            process.child.wait().expect("it has ended");
        }
        self.processes.clear();
        self.nats.stop().await;
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
