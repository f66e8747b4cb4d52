//! The archive that the makers of nats-server publish, checked against the sums published beside it. Sums from the same
//! place tell a broken download, not a dishonest one; against that stands HTTPS alone.

use std::{
    env::consts,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::{Fault, check_sum, require};
use crate::{Environment, Version, program};

/// How long a connection, and a whole download, may take. The archive has 7 MB: even a slow line brings it in time.
const CONNECT_SECONDS: &str = "15";
const DOWNLOAD_SECONDS: &str = "600";

/// Downloads the archive and unpacks it in `folder`: the path of the program.
pub(super) fn bring(environment: &Environment, folder: &Path) -> Result<PathBuf, Fault> {
    let version = Version::INSTALLED;
    let (os, arch) = platform().ok_or(Fault::NoBuild)?;
    let curl = require("curl", environment)?;
    let tar = require("tar", environment)?;
    let base = format!("{}/v{version}", environment.releases.trim_end_matches('/'));
    let download = |file: &str| {
        let target = folder.join(file);
        let url = format!("{base}/{file}");
        let arguments = [
            "--fail",
            "--silent",
            "--show-error",
            "--location",
            "--connect-timeout",
            CONNECT_SECONDS,
            "--max-time",
            DOWNLOAD_SECONDS,
            "--output",
        ];
        let arguments = arguments.iter().map(OsStr::new).chain([target.as_os_str(), OsStr::new(&url)]);
        program::run(&curl, arguments, &environment.path).map(|()| target)
    };
    let sums_file = download("SHA256SUMS")?;
    let sums = fs::read_to_string(&sums_file).map_err(Fault::io("read", &sums_file))?;
    let name = format!("nats-server-v{version}-{os}-{arch}.tar.gz");
    let sum = sum_of(&name, &sums).ok_or_else(|| Fault::NotBrought(format!("the sum of {name}")))?;
    let archive = download(&name)?;
    check_sum(&archive, sum)?;

    let unpacked = folder.join("archive");
    fs::create_dir(&unpacked).map_err(Fault::io("make the folder", &unpacked))?;
    let (archive, into) = (archive.as_os_str(), unpacked.as_os_str());
    let arguments = [OsStr::new("-xzf"), archive, OsStr::new("-C"), into, OsStr::new("--strip-components=1")];
    program::run(&tar, arguments, &environment.path)?;
    Ok(unpacked.join("nats-server"))
}

/// This platform, as the names of the archives write it.
fn platform() -> Option<(&'static str, &'static str)> {
    let os = match consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let arch = match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some((os, arch))
}

/// The sum of a file in a list as `sha256sum` writes it; a `*` before the name says "read as binary".
fn sum_of<'a>(file: &str, sums: &'a str) -> Option<&'a str> {
    let pairs = sums.lines().filter_map(|line| line.split_once(char::is_whitespace));
    pairs
        .map(|(sum, name)| (sum, name.trim().trim_start_matches('*')))
        .find(|(_, name)| *name == file)
        .map(|(sum, _)| sum)
}

#[cfg(test)]
mod tests {
    use super::sum_of;

    #[test]
    fn a_sum_is_found_by_the_whole_name() {
        let sums = "aa  nats-server.tar.gz.sig\nbb  nats-server.tar.gz\ncc *other.zip\n";
        assert_eq!(sum_of("nats-server.tar.gz", sums), Some("bb"));
        assert_eq!(sum_of("other.zip", sums), Some("cc"));
        assert_eq!(sum_of("server.tar.gz", sums), None);
    }
}
