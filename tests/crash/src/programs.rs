//! The programs under test, built from this workspace.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those in the folder that `SAGALINE_PROGRAMS` names; without it, builds what is not built yet, in the profile of this test. Tests of a package are given the programs of that package only,
    /// so they are asked for by name.
    pub fn built() -> Self {
        static BUILT: OnceLock<Programs> = OnceLock::new();
        BUILT.get_or_init(Self::build).clone()
    }

    fn build() -> Self {
        if let Some(folder) = std::env::var_os("SAGALINE_PROGRAMS") {
            return Self { folder: folder.into() };
        }
        let test = std::env::current_exe().expect("a test knows where it is");
        let folder = test.parent().and_then(Path::parent).expect("tests lie in target/<profile>/deps").to_owned();
        let release = folder.file_name().is_some_and(|name| name == "release");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([
            "build",
            "--quiet",
            "--bins",
            "-p",
            "sagaline",
            "-p",
            "sagaline-orchestrator",
            "-p",
            "sagaline-executor",
        ]);
        cargo
            .args(["-p", "sagaline-trigger", "-p", "sagaline-compensator", "-p", "sagaline-scheduler"])
            .args(release.then_some("--release"));
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be run");
        assert!(built.success(), "the programs under test cannot be built");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
