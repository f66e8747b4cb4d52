//! Python with the `nats.py` of its makers and nothing else. `requirements.txt` names it; where it is missing it is installed beside
//! the tests, by the pip of the Python that is there.

use std::{fs, path::PathBuf, process::Command, sync::OnceLock};

const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// Where the package is: the folder that `SAGALINE_WIRE_PYTHON` names, else one beside the programs, filled if it is not there.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match std::env::var_os("SAGALINE_WIRE_PYTHON") {
        Some(folder) => folder.into(),
        None => installed(),
    })
}

fn installed() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let target = test.ancestors().nth(3).expect("tests lie in target/<profile>/deps").to_owned();
    let versions = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("-");
    let folder = target.join(format!("wire-python-{}", versions.replace("==", "_")));
    if folder.exists() {
        return folder;
    }
    // Made aside and moved: another test may be doing the same.
    let aside = target.join(format!("wire-python-{}", std::process::id()));
    fs::create_dir_all(&aside).expect("a folder can be made");
    let list = aside.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).expect("a file can be made");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--target"];
    let output = Command::new("python3").args(pip).arg(&aside).arg("-r").arg(&list).output();
    let output = output.expect("python3 can be run; install it, with pip");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{REQUIREMENTS}cannot be installed, and without it this test shows nothing:\n{said}"
    );
    if fs::rename(&aside, &folder).is_err() {
        assert!(folder.exists(), "{} cannot be made", folder.display());
        fs::remove_dir_all(&aside).expect("it is ours");
    }
    folder
}

/// Runs this program with these arguments to a good end; what it printed.
///
/// # Panics
///
/// If it does not end well: it says why.
pub fn python(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("python3");
    let output = command.arg("-c").arg(program).args(arguments).env("PYTHONPATH", folder()).output();
    let output = output.expect("python3 can be run");
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    assert!(output.status.success(), "{}after it printed:\n{printed}", String::from_utf8_lossy(&output.stderr));
    printed
}
