//! The guard of a running server: a shell that starts it, waits for its end, and ends it when this program is gone.
//!
//! Who may die, and what follows:
//! - this program, also by `kill -9`: the guard's pipe ends, and it kills the server;
//! - the server: the guard says so, with its exit status;
//! - either half of the guard: its end is seen here, and the server is killed. Only if the half that reads the pipe *and*
//!   this program are killed at the same instant does the server outlive them;
//! - Ctrl-C reaches none of them but this program, since they are in a process group of their own.

use std::{fmt, fs::File, io, path::Path, process::Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::watch,
};

const SCRIPT: &str = include_str!("guard.sh");

/// What the owner of a server wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Run,
    Terminate,
    Kill,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Whether its owner asked for it.
    pub(crate) asked: bool,
    /// As a shell counts: above 128 it was a signal. None if the guard could not say.
    status: Option<i32>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) if 128 < status => write!(f, "was killed by signal {}", status - 128),
            Some(status) => write!(f, "ended by itself with status {status}"),
            None => f.write_str("was killed because its guard was killed"),
        }
    }
}

/// A server that was started. Dropping this kills it.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) pid: u32,
    orders: watch::Sender<Order>,
    ended: watch::Receiver<Option<Ended>>,
}

impl Guarded {
    /// Starts the program in `folder`. The server and its guard keep `log` open as long as they live.
    pub(crate) async fn spawn(program: &Path, config: &Path, folder: &str, log: File) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sagaline-guard"]).arg(program).arg("--config").arg(config);
        command.current_dir(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut guard = command.spawn()?;
        let stdout = guard.stdout.take().expect("its output is a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let first = lines.next_line().await?;
        let pid = first.as_deref().and_then(|line| line.strip_prefix("pid ")?.parse().ok());
        let pid = pid.ok_or_else(|| io::Error::other("`/bin/sh` could not start it"))?;
        let (orders, received) = watch::channel(Order::Run);
        let (sender, ended) = watch::channel(None);
        tokio::spawn(async move { sender.send_replace(Some(attend(guard, lines, received, pid).await)) });
        Ok(Self { pid, orders, ended })
    }

    pub(crate) fn terminate(&self) {
        self.orders.send_replace(Order::Terminate);
    }

    pub(crate) fn kill(&self) {
        self.orders.send_replace(Order::Kill);
    }

    pub(crate) fn has_ended(&self) -> Option<Ended> {
        *self.ended.borrow()
    }

    /// Resolves when the server and its guard are gone. It does not borrow: others may wait as well.
    pub(crate) fn ended(&self) -> impl Future<Output = Ended> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            match ended.wait_for(Option::is_some).await.map(|it| *it) {
                Ok(Some(how)) => how,
                // The runtime is shutting down; the pipe to the guard went with it.
                _ => Ended { asked: true, status: None },
            }
        }
    }
}

/// Passes orders on until the server has ended, and leaves nothing of the group behind.
async fn attend(
    mut guard: Child,
    mut lines: Lines<BufReader<ChildStdout>>,
    mut orders: watch::Receiver<Order>,
    pid: u32,
) -> Ended {
    let group = guard.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("nobody has waited for it yet");
    // `Child::wait` would close it, and so end a server that is to run.
    let _lifeline = guard.stdin.take();
    let mut asked = false;
    let mut status = None;
    while status.is_none() {
        tokio::select! {
            biased;
            line = lines.next_line() => match line {
                Ok(Some(line)) => status = status_in(&line),
                Ok(None) | Err(_) => break,
            },
            changed = orders.changed() => {
                asked = true;
                // An owner that is gone wants what one that says so wants.
                if changed.is_err() || *orders.borrow_and_update() == Order::Kill {
                    break;
                }
                signal(group, Signal::TERM);
            }
            _ = guard.wait() => break,
        }
    }
    // The group's number is its own until its leader was waited for, and also then while one of it lives.
    signal(group, Signal::KILL);
    while let Ok(Some(line)) = lines.next_line().await {
        status = status.or(status_in(&line));
    }
    if let Err(error) = guard.wait().await {
        tracing::warn!(pid, %error, "the guard of nats-server could not be waited for");
    }
    Ended { asked, status }
}

fn status_in(line: &str) -> Option<i32> {
    line.strip_prefix("ended ")?.parse().ok()
}

fn signal(group: Pid, signal: Signal) {
    if let Err(error) = kill_process_group(group, signal) {
        tracing::debug!(%error, "a group that is already gone gets no signal");
    }
}
