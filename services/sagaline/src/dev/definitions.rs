//! The definitions of the project: applied when `dev` starts, and again whenever a file changes.
//!
//! Files are looked at, not listened to: that works on every file system, also on one that another machine shares.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sagaline_model::Name;
use sagaline_sdk::client::{Change, Client, WithoutWorker};
use tokio::time::sleep;

use super::told::Told;
use crate::{
    commands::apply,
    failure::{Exit, Failure},
    files::{self, Read},
    output::{Output, Tone},
    project::Located,
};

/// Whoever saves a file looks up after about as long.
const LOOK_EACH: Duration = Duration::from_millis(250);

pub(super) struct Definitions {
    file: PathBuf,
    /// As the last project said that could be read.
    paths: Vec<PathBuf>,
    /// What was there when it was read last.
    read: Stamps,
    /// The workflows that came of it.
    defined: BTreeSet<Name>,
    /// What could not be done last, which is tried again and not told again.
    failed: Option<String>,
    /// What was wrong with the files then.
    told_of_project: Told,
    told_of_files: Told,
    /// Activities that nobody has served, each told once.
    told_idle: BTreeSet<WithoutWorker>,
}

/// What tells that a file is another one than before.
type Stamps = BTreeMap<PathBuf, Option<(SystemTime, u64, u64)>>;

impl Definitions {
    pub(super) fn of(project: &Located) -> Self {
        let (file, paths) = (project.file.clone(), project.paths());
        Self {
            file,
            paths,
            read: Stamps::new(),
            defined: BTreeSet::new(),
            failed: None,
            told_of_project: Told::default(),
            told_of_files: Told::default(),
            told_idle: BTreeSet::new(),
        }
    }

    /// Applies all that is there. What has faults is told, and is not applied.
    pub(super) async fn apply(&mut self, client: &Client, output: &Output) -> Result<(), Failure> {
        self.read = stamps(&self.file, &self.paths);
        let project = match Located::look(self.file.clone()) {
            Ok(project) => project,
            Err(finding) => {
                self.told_of_project.tell_news(vec![finding], output)?;
                return Err(Failure::silent(Exit::BadData));
            }
        };
        self.told_of_project.tell_news(vec![project.doubts()], output)?;
        self.paths = project.paths();
        // It may name other folders than before.
        self.read = stamps(&self.file, &self.paths);
        let within = project.says.surroundings(&client.defaults().await?);
        let (read, findings) = files::read_what_can_be(&self.paths, &within);
        // What is tried again without a change is not told again.
        self.told_of_files.tell(findings, self.failed.is_some(), output)?;
        let is_first = self.defined.is_empty();
        if is_first {
            files::tell_further_in(&self.paths, output);
        }
        let workflows =
            read.iter().flat_map(|file| &file.definitions).map(|definition| definition.plan.workflow.clone());
        let defined: BTreeSet<Name> = workflows.collect();
        let known = self.defined.len();
        let is_whole = !self.told_of_files.leaves_out();
        if is_whole {
            for gone in self.defined.extract_if(.., |name| !defined.contains(name)) {
                output.talk(&format!("no file defines `{gone}` any more; what was applied of it stays"));
            }
        }
        let mut changes = 0;
        for Read { name, text, definitions } in &read {
            for definition in definitions {
                let applied = client.apply(&definition.plan, Some(text)).await?;
                let is_new = applied.change != Change::Unchanged;
                if is_new || is_first {
                    apply::show(&applied, name, output)?;
                }
                changes += usize::from(is_new);
            }
        }
        let plans = read.iter().flat_map(|file| &file.definitions).map(|definition| &definition.plan);
        for idle in client.without_worker(plans).await? {
            if self.told_idle.insert(idle.clone()) {
                apply::tell_without_worker(&idle, output);
            }
        }
        let nothing_is_gone = known == self.defined.len();
        if is_whole && nothing_is_gone && changes == 0 && !is_first {
            output.talk(&output.paint(Tone::Quiet, "read again: nothing is different"));
        }
        self.defined.extend(defined);
        Ok(())
    }

    /// Applies them whenever they changed. What goes wrong is told, and tried again.
    pub(super) async fn watch(mut self, client: &Client, output: &Output) -> Failure {
        let mut last = self.read.clone();
        loop {
            sleep(LOOK_EACH).await;
            let now = stamps(&self.file, &self.paths);
            let is_settled = now == last;
            last = now;
            // Whoever writes a file is let finish.
            if last == self.read || !is_settled {
                continue;
            }
            match self.apply(client, output).await {
                Ok(()) => self.failed = None,
                Err(failure) => {
                    if let Some(failure) = self.tell(failure, output) {
                        return failure;
                    }
                }
            }
        }
    }

    /// Tells what could not be done; gives it back if nobody is left to be told.
    pub(super) fn tell(&mut self, failure: Failure, output: &Output) -> Option<Failure> {
        match (&failure.message, failure.exit) {
            (None, Exit::Done) => return Some(failure),
            // Told, and it stays so until a file changes.
            (None, _) => output.talk("everything stays as it was before"),
            (Some(_), Exit::BadData | Exit::Usage) => output.failure(&failure),
            (Some(message), Exit::Done | Exit::Failed | Exit::Unreachable | Exit::Bug) => {
                // It may go better without a file being changed.
                self.read.clear();
                if self.failed.as_ref() != Some(message) {
                    self.failed = Some(message.clone());
                    output.failure(&failure);
                }
            }
        }
        None
    }
}

fn stamps(project: &Path, paths: &[PathBuf]) -> Stamps {
    let mut all = Stamps::from([(project.to_owned(), stamp(project))]);
    for path in paths {
        all.insert(path.clone(), stamp(path));
        if !path.is_dir() {
            continue;
        }
        // What a folder has lost is missed here, what is new in it is found.
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            all.insert(entry.path(), stamp(&entry.path()));
        }
    }
    all
}

fn stamp(path: &Path) -> Option<(SystemTime, u64, u64)> {
    let found = fs::metadata(path).ok()?;
    // That of a folder changes with whatever passes through it, such as the temporary file of an editor.
    let changed = if found.is_dir() { SystemTime::UNIX_EPOCH } else { found.modified().ok()? };
    let size = if found.is_dir() { 0 } else { found.len() };
    Some((changed, size, found.ino()))
}
