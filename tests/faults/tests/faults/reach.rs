//! NATS that is not there, or will not do: every program says what it found, what to do, and ends with 69 soon.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sagaline_server::Finder;
use serde_json::Value;

use crate::{
    program::{Folder, Ran, run},
    site::WITHIN,
};

/// Whoever waits for a program that cannot work loses patience then.
const SOON: Duration = Duration::from_secs(15);

/// What becomes of `sagaline get` and of an orchestrator with this address.
fn all_programs(url: &str) -> [Ran; 2] {
    let get = ["get", "x", "--nats-url", url];
    let timed = |name: &str, arguments: &[&str]| {
        let before = Instant::now();
        let ran = run(name, arguments).ends_with(69);
        assert!(before.elapsed() < SOON, "`{name}` took {:?}", before.elapsed());
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
        ran
    };
    thread::scope(|scope| {
        let get = scope.spawn(|| timed("sagaline", &get));
        let orchestrator = timed("sagaline-orchestrator", &["--nats-url", url]);
        [get.join().expect("`sagaline get` ends as it should"), orchestrator]
    })
}

#[test]
fn nats_that_is_not_there_is_said() {
    let url = "nats://127.0.0.1:1";
    let [get, orchestrator] = all_programs(url);
    get.says(&["error: cannot reach NATS at `nats://127.0.0.1:1`", "hint: start a server there", "--nats-url"]);
    orchestrator.says(&["cannot reach NATS at `nats://127.0.0.1:1`; start a server there", "--nats-url"]);
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_no_nats() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("nats://{}", listener.local_addr().expect("an address"));
    let [get, orchestrator] = all_programs(&url);
    get.says(&[&format!("error: cannot reach NATS at `{url}`"), "hint: start a server there"]);
    orchestrator.says(&[&format!("cannot reach NATS at `{url}`; start a server there")]);
}

#[test]
fn a_server_that_is_too_old_is_named_with_what_is_needed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("nats://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        listener.incoming().flatten().for_each(|stream| drop(thread::spawn(|| greet_as_old(stream))))
    });
    for ran in all_programs(&url) {
        ran.says(&["nats-server 2.9.0 is too old", "Sagaline needs 2.12 or later", "upgrade the server", "--nats-url"]);
    }
}

/// As much of a NATS server of 2022 as a client meets before it has connected.
fn greet_as_old(stream: TcpStream) {
    let mut answers = stream.try_clone().expect("a second handle");
    let info = r#"INFO {"server_id":"OLD","server_name":"old","version":"2.9.0","go":"go1.19","host":"127.0.0.1","port":4222,"headers":true,"max_payload":1048576,"proto":1,"jetstream":true}"#;
    answers.write_all(format!("{info}\r\n").as_bytes()).expect("the client listens");
    for line in BufReader::new(stream).lines() {
        // The client leaves as soon as it knows the version.
        let Ok(line) = line else { return };
        if line == "PING" && answers.write_all(b"PONG\r\n").is_err() {
            return;
        }
    }
}

#[test]
fn a_server_without_jetstream_is_told_from_one_that_is_not_there() {
    let server = Plain::start();
    let [get, orchestrator] = all_programs(&server.url);
    let said = format!("NATS at `{}` has no JetStream", server.url);
    get.says(&[&format!("error: {said}"), "hint: start nats-server with `-js`"]);
    orchestrator.says(&[&said, "start nats-server with `-js`"]);
}

/// A nats-server that only carries messages.
struct Plain {
    child: Child,
    url: String,
    folder: Folder,
}

impl Plain {
    fn start() -> Self {
        let binary = Finder::from_env().find_or_install(|_| {}).expect("a nats-server");
        let folder = Folder::new();
        let ports = serde_json::to_string(&folder.0).expect("a path in UTF-8");
        let config = format!("listen: \"127.0.0.1:-1\"\nports_file_dir: {ports}\n");
        let mut command = Command::new(binary.path());
        command.args(["-c", &folder.file("plain.conf", &config)]).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it can be started");
        let mut plain = Self { child, url: String::new(), folder };
        plain.url = plain.address();
        plain
    }

    /// It picks a free port and writes down which.
    fn address(&self) -> String {
        let deadline = Instant::now() + WITHIN;
        loop {
            let files = std::fs::read_dir(&self.folder.0).expect("the folder").flatten();
            let note = files.map(|file| file.path()).find(|path| path.extension() == Some("ports".as_ref()));
            let text = note.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
            // It may be read while it is being written.
            let ports: Value = serde_json::from_slice(&text).unwrap_or_default();
            if let Some(url) = ports["nats"][0].as_str() {
                return url.to_owned();
            }
            assert!(Instant::now() < deadline, "nats-server does not say where it listens");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }
}
