//! A nats-server program: where it is, which version it is, and whether that is enough. Nothing is searched for here.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr,
};

/// A version of nats-server. What follows a `-` (a pre-release) does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The oldest that will do: the first whose streams store a batch atomically.
    pub const NEEDED: Self = Self(2, 12, 0);
    /// The one that is installed where there is none.
    pub const INSTALLED: Self = Self(2, 15, 1);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version such as 2.15.1")]
pub struct NotAVersion(String);

impl FromStr for Version {
    type Err = NotAVersion;
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let release = text.split_once('-').map_or(text, |(release, _)| release);
        let numbers: Result<Vec<u32>, _> = release.split('.').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([major, minor, patch]) => Ok(Self(*major, *minor, *patch)),
            _ => Err(NotAVersion(text.to_owned())),
        }
    }
}

/// A nats-server that was run once and is new enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    path: PathBuf,
    version: Version,
}

/// Why a file cannot serve as nats-server.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("`{}` is not there", .0.display())]
    Missing(PathBuf),
    #[error("`{}` cannot be run: {source}", path.display())]
    NotRun { path: PathBuf, source: io::Error },
    #[error("`{} --version` answers `{answer}`, which is not what a nats-server says", path.display())]
    Stranger { path: PathBuf, answer: String },
    #[error("`{}` is nats-server {found}; {} or later is needed", path.display(), Version::NEEDED)]
    TooOld { path: PathBuf, found: Version },
}

impl Binary {
    /// Asks the program for its version. A relative path is taken from the working folder of now.
    pub fn at(path: impl AsRef<Path>) -> Result<Self, Unusable> {
        let path = path.as_ref();
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if !path.exists() {
            return Err(Unusable::Missing(path));
        }
        let output = match Command::new(&path).arg("--version").stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(source) => return Err(Unusable::NotRun { path, source }),
        };
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match answer.strip_prefix("nats-server: v").map(str::parse) {
            Some(Ok(found)) if found < Version::NEEDED => Err(Unusable::TooOld { path, found }),
            Some(Ok(version)) => Ok(Self { path, version }),
            _ => Err(Unusable::Stranger { path, answer: answer.chars().take(80).collect() }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn version(&self) -> Version {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_by_number() {
        assert_eq!("2.15.1".parse(), Ok(Version(2, 15, 1)));
        assert_eq!("2.12.0-RC.1".parse(), Ok(Version(2, 12, 0)));
        assert!(Version(2, 9, 25) < Version::NEEDED && Version::NEEDED < Version(2, 100, 0));
        for bad in ["", "2.15", "2.15.x", "v2.15.1", "2.15.1.0"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
