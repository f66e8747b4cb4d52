//! Whoever of the three is killed (the program, its guard, the server), no server is left behind.

use std::{env, fs::File, path::Path, process::Stdio};

use crate::common::{Folder, eventually, is_listening, options, soon};
use rustix::process::{Pid, Signal, getpgid, kill_process};
use sagaline_server::Server;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// In the environment of a copy of this program: the folder in which it is to run a server until it is killed.
const FOLDER: &str = "SAGALINE_TEST_RUNS_A_SERVER_IN";

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).expect("a process")
}

/// The server and its guard have the log locked as long as one of them lives.
async fn nothing_is_left_in(folder: &Path) {
    let log = File::open(folder.join("nats-server.log")).unwrap();
    eventually("nothing of the server and its guard is left", async || log.try_lock().is_ok()).await;
}

#[tokio::test]
async fn a_program_that_is_killed_leaves_no_server_behind() {
    if let Some(folder) = env::var_os(FOLDER) {
        return run_a_server_until_killed(Path::new(&folder)).await;
    }
    let folder = Folder::new();
    let mut program = Command::new(env::current_exe().unwrap())
        .args(["--exact", "guard::a_program_that_is_killed_leaves_no_server_behind", "--nocapture"])
        .env(FOLDER, &folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let port = soon(async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it tells the port before it ends");
            if let Some((_, port)) = line.split_once("listens on port ") {
                return port.parse().unwrap();
            }
        }
    })
    .await;
    assert!(is_listening(port).await);

    program.kill().await.unwrap();
    nothing_is_left_in(&folder.0).await;
    assert!(!is_listening(port).await);
    Server::start(folder.options()).await.expect("the folder is free at once");
}

async fn run_a_server_until_killed(folder: &Path) {
    let server = Server::start(options(folder)).await.unwrap();
    println!("listens on port {}", server.port());
    std::future::pending().await
}

#[tokio::test]
async fn a_killed_guard_takes_its_server_along_and_is_told_of() {
    let folder = Folder::new();
    let server = Server::start(folder.options()).await.unwrap();
    let group = getpgid(Some(pid(server.pid()))).unwrap();
    assert_ne!(group, getpgid(None).unwrap(), "Ctrl-C here must not reach the server");
    let death = server.death();
    kill_process(group, Signal::KILL).unwrap();
    assert_eq!(soon(death).await.how, "was killed because its guard was killed");
    nothing_is_left_in(&folder.0).await;
}

/// The half of the guard that waits for the server is the server's parent.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_guard_of_which_half_is_killed_takes_its_server_along() {
    let folder = Folder::new();
    let server = Server::start(folder.options()).await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap();
    assert_ne!(getpgid(Some(pid(server.pid()))).unwrap(), pid(parent), "the other half leads the group");
    let death = server.death();
    kill_process(pid(parent), Signal::KILL).unwrap();
    assert_eq!(soon(death).await.how, "was killed because its guard was killed");
    nothing_is_left_in(&folder.0).await;
}

#[test]
fn a_server_ends_with_the_runtime_that_started_it() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(folder.options())).unwrap();
    drop(runtime);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(nothing_is_left_in(&folder.0));
    drop(server);
}
