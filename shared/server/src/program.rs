//! Other people's programs: found on a search path, run to their end, their complaints kept.

use std::{
    ffi::OsStr,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("`{}` cannot be run: {source}", program.display())]
    NotRun { program: PathBuf, source: io::Error },
    #[error("`{}` failed: {said}", program.display())]
    Said { program: PathBuf, said: String },
}

/// Every executable file called `name` on the search path, first things first.
pub(crate) fn on_path(name: &str, path: &OsStr) -> impl Iterator<Item = PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    folders.into_iter().map(move |folder| folder.join(name)).filter(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Runs the program to its end. What it says on the way is only told if it fails, and then only the last of it.
pub(crate) fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    path: &OsStr,
) -> Result<(), Failed> {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Failed::NotRun { program: program.to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
    let said = last.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned());
    Err(Failed::Said { program: program.to_owned(), said })
}
