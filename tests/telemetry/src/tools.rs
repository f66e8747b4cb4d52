//! Programs of others: an OpenTelemetry collector, and the parser of Prometheus. `requirements.txt` names them; where they are
//! missing they are installed beside the programs under test, by the pip of the Python that is there.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

const REQUIREMENTS: &str = include_str!("../requirements.txt");
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Where the packages are.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(installed)
}

/// The folder that `SAGALINE_TELEMETRY_TOOLS` names, else the one beside the programs, filled if it is not there.
fn installed() -> PathBuf {
    if let Some(folder) = std::env::var_os("SAGALINE_TELEMETRY_TOOLS") {
        return folder.into();
    }
    let test = std::env::current_exe().expect("a test knows where it is");
    let target = test.ancestors().nth(3).expect("tests lie in target/<profile>/deps").to_owned();
    let versions = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("-");
    let folder = target.join(format!("telemetry-tools-{}", versions.replace("==", "_")));
    if folder.exists() {
        return folder;
    }
    // Made aside and moved: another test may be doing the same.
    let aside = target.join(format!("telemetry-tools-{}", std::process::id()));
    fs::create_dir_all(&aside).expect("a folder can be made");
    let list = aside.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).expect("a file can be made");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--target"];
    let installed = Command::new("python3").args(pip).arg(&aside).arg("-r").arg(&list).output();
    let output = installed.expect("python3 can be run; install it, with pip");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{REQUIREMENTS}cannot be installed, and without them this test shows nothing:\n{said}"
    );
    if fs::rename(&aside, &folder).is_err() {
        assert!(folder.exists(), "{} cannot be made", folder.display());
        fs::remove_dir_all(&aside).expect("it is ours");
    }
    folder
}

/// Runs this Python with `input` as its standard input, to a good end; what it printed.
pub fn python(program: &str, input: &str) -> String {
    let mut command = Command::new("python3");
    command.arg("-c").arg(program).env("PYTHONPATH", folder());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}\n{input}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

/// A collector that sends on what it takes.
pub struct Collector {
    child: Child,
    port: u16,
}

impl Collector {
    /// `to`: where the spans go next.
    pub fn start(to: &str, folder_of_logs: &Path) -> Self {
        let program = folder().join("rotel/rotel-agent");
        make_executable(&program);
        let (port, other) = (free_port(), free_port());
        let log = fs::File::create(folder_of_logs.join("collector.log")).expect("a log can be made");
        let mut command = Command::new(program);
        command.args(["start", "--exporter", "otlp", "--otlp-exporter-protocol", "http"]);
        command.args(["--batch-timeout", "50ms"]);
        command.arg("--otlp-http-endpoint").arg(format!("127.0.0.1:{port}"));
        command.arg("--otlp-grpc-endpoint").arg(format!("127.0.0.1:{other}"));
        command.arg("--otlp-exporter-endpoint").arg(to);
        command.arg("--pid-file").arg(folder_of_logs.join("collector.pid"));
        command.arg("--log-file").arg(folder_of_logs.join("collector-2.log"));
        // Its own telemetry, and what the environment of this test says, are no part of it.
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let collector = Self { child: command.spawn().expect("the collector can be started"), port };
        collector.wait_until_it_listens();
        collector
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + READY_WITHIN;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "the collector does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A wheel does not say which of its files are programs.
fn make_executable(program: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it is ours");
}
