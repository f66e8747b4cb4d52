//! BullMQ's side: a Redis of its own, on the loopback, and Node for worker and producer.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Duration, Instant, sleep, timeout},
};

use super::{Run, Settings};
use crate::{floor::Failure, processes::run_to_end};

const READY_WITHIN: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A Redis that keeps what it acknowledges as BullMQ recommends, and the packages of Node.
pub(super) struct Redis {
    child: Child,
    port: u16,
    scripts: PathBuf,
}

impl Redis {
    pub(super) async fn start(
        settings: &Settings,
        folder: &Path,
        progress: &mut impl FnMut(&str),
    ) -> Result<Self, Failure> {
        let (scripts, data) = (folder.join("bullmq"), folder.join("redis"));
        for folder in [&scripts, &data] {
            std::fs::create_dir_all(folder)?;
        }
        for file in ["package.json", "worker.js", "producer.js"] {
            std::fs::copy(settings.bullmq.join(file), scripts.join(file))
                .map_err(|error| format!("`{}` cannot be copied: {error}", settings.bullmq.join(file).display()))?;
        }
        progress("installing BullMQ");
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--loglevel", "error"]).current_dir(&scripts);
        run_to_end(install).await?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&data)
            .args(["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                format!("`redis-server` cannot be started (Debian: `apt-get install redis-server`): {error}")
            })?;
        let deadline = Instant::now() + READY_WITHIN;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            if deadline <= Instant::now() {
                return Err(format!("redis-server was not ready within {READY_WITHIN:?}").into());
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(Self { child, port, scripts })
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        end(self.child).await
    }

    /// One run, with a queue, a worker and a producer of its own.
    pub(super) async fn run(&self, settings: &Settings, concurrency: u32, queue: &str) -> Result<Run, Failure> {
        let Settings { jobs, warm_up, .. } = *settings;
        let (slots, first, all) = (concurrency.to_string(), warm_up.to_string(), (warm_up + jobs).to_string());
        let mut worker = self.node("worker.js", &[queue, &slots, &first, &all]).await?;
        let mut producer = self.node("producer.js", &[queue, &slots]).await?;
        producer.ask(warm_up).await?;
        producer.said::<Submitted>().await?;
        worker.said::<Done>().await?;
        producer.ask(jobs).await?;
        let Submitted { began_ms, acknowledged_ms } = producer.said().await?;
        let Done { at_ms } = worker.said().await?;
        producer.stop().await?;
        worker.stop().await?;
        Ok(Run::of(jobs, began_ms, acknowledged_ms, at_ms))
    }

    async fn node(&self, script: &str, arguments: &[&str]) -> Result<Node, Failure> {
        let mut child = Command::new("node")
            .arg(script)
            .arg(self.port.to_string())
            .args(arguments)
            .current_dir(&self.scripts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or("it has no standard input")?;
        let output = child.stdout.take().ok_or("it has no standard output")?;
        let mut node = Node { child, input, output: BufReader::new(output).lines() };
        node.said::<Value>().await?;
        Ok(node)
    }
}

#[derive(Deserialize)]
struct Submitted {
    began_ms: f64,
    acknowledged_ms: f64,
}

#[derive(Deserialize)]
struct Done {
    at_ms: f64,
}

/// A script that runs, and says something a line.
struct Node {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Node {
    async fn ask(&mut self, jobs: u32) -> Result<(), Failure> {
        self.input.write_all(format!("{jobs}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    async fn said<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T, Failure> {
        let line =
            timeout(PATIENCE, self.output.next_line()).await.map_err(|_| "a script of BullMQ says nothing")??;
        let line = line.ok_or("a script of BullMQ ended early; it said why above")?;
        Ok(serde_json::from_str(&line).map_err(|error| format!("a script said `{line}`: {error}"))?)
    }

    async fn stop(self) -> Result<(), Failure> {
        let Self { child, input, .. } = self;
        drop(input);
        end(child).await
    }
}

/// Asks a process to end, and kills it if it does not.
async fn end(mut child: Child) -> Result<(), Failure> {
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
        kill_process(pid, Signal::TERM)?;
    }
    if timeout(Duration::from_secs(15), child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}
