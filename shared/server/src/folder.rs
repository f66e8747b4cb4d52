//! The data folder of a server: which file is where, who may use it, and the end of the log.
//!
//! The log is also the lock. The server and its guard have it open as their standard error, so the lock lasts exactly as
//! long as one of them lives, also when the program that started them is gone.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::server::Error;

/// A log that has grown beyond this is set aside at the next start.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// A server whose parent was killed is gone within milliseconds; one that still has the folder after this is in use.
const RELEASED_WITHIN: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);
const TAIL_LINES: usize = 12;
const TAIL_BYTES: u64 = 8 << 10;

/// An absolute path that a configuration file can name.
#[derive(Clone, Debug)]
pub(crate) struct DataFolder(String);

impl DataFolder {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let absolute = std::path::absolute(path).map_err(Error::io("find the folder", path))?;
        fs::create_dir_all(&absolute).map_err(Error::io("make the folder", &absolute))?;
        let text = absolute.into_os_string().into_string();
        Ok(Self(text.map_err(|path| Error::NotUtf8(path.into()))?))
    }

    pub(crate) fn root(&self) -> &str {
        &self.0
    }

    /// The folder in which the server notes the ports on which it listens.
    pub(crate) fn ports(&self) -> String {
        format!("{}/ports", self.0)
    }

    pub(crate) fn log(&self) -> PathBuf {
        Path::new(&self.0).join("nats-server.log")
    }

    /// Writes the configuration and forgets the ports of an earlier run.
    pub(crate) fn prepare(&self, config: &str) -> Result<PathBuf, Error> {
        let ports = PathBuf::from(self.ports());
        if ports.exists() {
            fs::remove_dir_all(&ports).map_err(Error::io("remove", &ports))?;
        }
        fs::create_dir(&ports).map_err(Error::io("make the folder", &ports))?;
        let file = Path::new(&self.0).join("nats-server.conf");
        fs::write(&file, config).map_err(Error::io("write", &file))?;
        Ok(file)
    }

    /// The log, open at its end and locked, for the one server that may now use this folder.
    pub(crate) async fn lock(&self) -> Result<File, Error> {
        let path = self.log();
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("write", &path))?;
        let deadline = Instant::now() + RELEASED_WITHIN;
        loop {
            match log.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
                Err(TryLockError::WouldBlock) if deadline <= Instant::now() => {
                    return Err(Error::FolderInUse(self.0.clone().into()));
                }
                Err(TryLockError::WouldBlock) => sleep(POLL).await,
            }
        }
        set_aside_if_large(&log, &path).map_err(Error::io("set aside", &path))?;
        Ok(log)
    }

    pub(crate) fn log_length(&self) -> u64 {
        fs::metadata(self.log()).map_or(0, |it| it.len())
    }

    /// The last lines that the log got after `from`. A log that cannot be read gives the reason in their place.
    pub(crate) fn log_tail(&self, from: u64) -> String {
        self.read_tail(from).unwrap_or_else(|error| format!("  (cannot be read: {error})"))
    }

    fn read_tail(&self, from: u64) -> io::Result<String> {
        let mut log = File::open(self.log())?;
        let length = log.metadata()?.len();
        log.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        Ok(if last.is_empty() { "  (empty)".to_owned() } else { format!("  {}", last.join("\n  ")) })
    }
}

/// The file itself stays: it is what is locked.
fn set_aside_if_large(log: &File, path: &Path) -> io::Result<()> {
    if log.metadata()?.len() <= LOG_BYTES_MAX {
        return Ok(());
    }
    fs::copy(path, path.with_extension("log.old"))?;
    log.set_len(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> DataFolder {
        let path = std::env::temp_dir().join(format!("sagaline-folder-{name}-{}", std::process::id()));
        DataFolder::open(&path).expect("a temporary folder")
    }

    #[test]
    fn the_tail_is_the_end_of_what_came_after_the_start() {
        let folder = folder("tail");
        fs::write(folder.log(), "old\n").unwrap();
        let from = folder.log_length();
        assert_eq!(folder.log_tail(from), "  (empty)");
        let lines: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        fs::write(folder.log(), format!("old\n{lines}")).unwrap();
        let tail = folder.log_tail(from);
        assert_eq!((tail.lines().count(), tail.lines().last()), (TAIL_LINES, Some("  line 20")));
        fs::remove_dir_all(folder.root()).unwrap();
    }

    #[tokio::test]
    async fn a_large_log_is_set_aside_and_the_lock_stays() {
        let folder = folder("large");
        File::create(folder.log()).unwrap().set_len(LOG_BYTES_MAX + 1).unwrap();
        let held = folder.lock().await.expect("nobody else has it");
        assert_eq!(folder.log_length(), 0);
        assert_eq!(fs::metadata(folder.log().with_extension("log.old")).unwrap().len(), LOG_BYTES_MAX + 1);
        let other = File::open(folder.log()).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        fs::remove_dir_all(folder.root()).unwrap();
    }
}
