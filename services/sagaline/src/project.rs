//! The project that a verb works in: its file, in the current folder or the nearest one above it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use sagaline_lang::{Fault, Project, read_project};

use crate::{
    failure::{Exit, Failure},
    finding::Finding,
    output::Output,
};

/// A project, and where it is.
pub(crate) struct Located {
    pub(crate) file: PathBuf,
    pub(crate) says: Project,
    warnings: Vec<Fault>,
    text: String,
}

impl Located {
    /// The one that is named, as a file or by its folder; otherwise the one that stands here or above. Its faults are told before this fails.
    pub(crate) fn find(named: Option<&Path>, output: &Output) -> Result<Option<Self>, Failure> {
        let file = match named {
            Some(path) if path.is_dir() => Some(path.join(Project::FILE)),
            Some(path) => Some(path.to_owned()),
            None => nearest()?,
        };
        file.map(|file| Self::load(file, output)).transpose()
    }

    pub(crate) fn load(file: PathBuf, output: &Output) -> Result<Self, Failure> {
        Self::look(file).or_else(|finding| {
            finding.tell(output)?;
            Err(Failure::silent(Exit::BadData))
        })
    }

    /// The same, telling nobody yet what is wrong with it.
    pub(crate) fn look(file: PathBuf) -> Result<Self, Finding> {
        let name = file.display().to_string();
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => return Err(Finding::unreadable(name, unreadable(&file, &error))),
        };
        match read_project(&text, &name) {
            Ok((says, warnings)) => Ok(Self { file, says, warnings, text }),
            Err(faults) => Err(Finding::faults(&name, &text, faults.0)),
        }
    }

    /// What is doubtful about it.
    pub(crate) fn doubts(&self) -> Finding {
        Finding::faults(&self.file.display().to_string(), &self.text, self.warnings.clone())
    }

    /// The files of definitions that it names, and folders of them.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        self.says.definitions.iter().map(|path| folder.join(path)).collect()
    }
}

/// Here it is called by its name alone, as people see it; above, by all of its path.
fn nearest() -> Result<Option<PathBuf>, Failure> {
    let name = Path::new(Project::FILE);
    if name.is_file() {
        return Ok(Some(name.to_owned()));
    }
    let here = env::current_dir().map_err(|error| unreadable(Path::new("."), &error))?;
    Ok(here.ancestors().skip(1).map(|folder| folder.join(name)).find(|file| file.is_file()))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::bad_data(format!("the project `{}` cannot be read: {error}", path.display()))
        .hint("`--project PATH` names the file of a project, or its folder")
}
