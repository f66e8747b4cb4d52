//! The programs that are compared, as processes: started, waited for, ended.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::floor::Failure;

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// What Linux counts time in towards programs, whatever it is configured for.
const CLOCK_TICKS: f64 = 100.0;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A service that runs. It ends with this value.
pub(crate) struct Service {
    name: &'static str,
    child: Child,
}

impl Service {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(name: &'static str, mut command: Command, url: &str) -> Result<Self, Failure> {
        let http = free_address()?;
        command.args(["--nats-url", url, "--http", &http.to_string()]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let mut service = Self { name, child };
        let deadline = Instant::now() + READY_WITHIN;
        while !is_ready(http).await {
            if let Some(status) = service.child.try_wait()? {
                return Err(format!("`{name}` ended before it was ready: {status}; it said why above").into());
            }
            if deadline <= Instant::now() {
                return Err(format!("`{name}` was not ready within {READY_WITHIN:?}").into());
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(service)
    }

    /// How much memory it holds now, in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64, Failure> {
        resident_kib(self.child.id().ok_or("the process has ended")?)
    }

    /// The most memory that it ever held, in KiB.
    pub(crate) fn most_resident_kib(&self) -> Result<u64, Failure> {
        memory_kib(self.child.id().ok_or("the process has ended")?, "VmHWM:")
    }

    /// How long it has been at work on a processor, the system's work for it included.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let pid = self.child.id().ok_or("the process has ended")?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // What comes before may have spaces in it.
        let (_, fields) = stat.rsplit_once(')').ok_or("no fields are told")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / CLOCK_TICKS)
    }

    /// Asks it to end, and kills it if it does not.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        if let Some(pid) = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            kill_process(pid, Signal::TERM)?;
        }
        let Ok(ended) = timeout(STOP_WITHIN, self.child.wait()).await else {
            self.child.kill().await?;
            return Err(format!("`{}` did not end within {STOP_WITHIN:?} and was killed", self.name).into());
        };
        match ended? {
            status if status.success() => Ok(()),
            status => Err(format!("`{}` did not end well: {status}", self.name).into()),
        }
    }
}

/// How much memory a process holds now, in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64, Failure> {
    memory_kib(pid, "VmRSS:")
}

fn memory_kib(pid: u32, what: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).ok_or_else(|| format!("no {what} is told"))?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// What a program printed. It is killed if nobody waits for it any more.
pub(crate) async fn run_to_end(mut command: Command) -> Result<String, Failure> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        let program = command.as_std().get_program().display();
        return Err(format!("`{program}` failed: {}; it said why above", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Nobody listens there now.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

async fn is_ready(http: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(http).await?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    // The status line: `HTTP/1.1 200 OK`.
    matches!(timeout(Duration::from_secs(1), ask).await, Ok(Ok(answer)) if answer.split(' ').nth(1) == Some("200"))
}
