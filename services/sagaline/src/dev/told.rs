//! What is wrong with the files, as people know it: when they are read again, only what is new of it is told, and what is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use crate::{
    finding::Finding,
    output::{Output, Tone},
};

/// By file, what was found when all were read last.
#[derive(Default)]
pub(super) struct Told(BTreeMap<String, Of>);

/// What is known of one file.
#[derive(Default)]
pub(super) struct Of {
    text: String,
    /// Everything that was told of it as it stands there, warnings too.
    says: BTreeSet<String>,
    errors: usize,
}

impl Told {
    /// Tells what was found of files that was not told before, and which of them are left out for it; of those that are as they were
    /// that is one line. `again`: nobody changed anything, so that nobody need be told that.
    pub(super) fn tell(&mut self, findings: Vec<Finding>, again: bool, output: &Output) -> io::Result<()> {
        let (before, new) = self.tell_news(findings, output)?;
        for (file, of) in self.0.iter().filter(|(_, of)| 0 < of.errors) {
            if new.contains(file) {
                output.talk(&format!("`{file}` is left out: what it defines stays as it was before"));
            } else if !again {
                let faults = if of.errors == 1 { "1 fault".to_owned() } else { format!("{} faults", of.errors) };
                output.talk(&output.paint(Tone::Quiet, &format!("`{file}` is left out as before: {faults}")));
            }
        }
        let is_mended = |file: &str| self.0.get(file).is_none_or(|of| of.errors == 0) && Path::new(file).exists();
        for (file, _) in before.iter().filter(|(file, of)| 0 < of.errors && is_mended(file)) {
            output.talk(&format!("`{file}` has no faults any more"));
        }
        Ok(())
    }

    /// Tells what was not told before. Of a file that changed all of it is told, since whoever changed it looks at it now. Gives what
    /// was known before, and the files of which something is new that makes them useless.
    pub(super) fn tell_news(
        &mut self,
        findings: Vec<Finding>,
        output: &Output,
    ) -> io::Result<(BTreeMap<String, Of>, BTreeSet<String>)> {
        let before = std::mem::take(&mut self.0);
        let mut new = BTreeSet::new();
        for finding in findings {
            let is_as_before = |of: &&Of| of.text == finding.text();
            let known = before.get(&finding.file).filter(is_as_before);
            let now = self.0.entry(finding.file.clone()).or_default();
            finding.text().clone_into(&mut now.text);
            now.says.extend(finding.says());
            now.errors += finding.errors();
            let news = match known {
                Some(of) => finding.news(&of.says),
                None => Some(finding),
            };
            if let Some(news) = news {
                new.extend(news.is_fatal().then(|| news.file.clone()));
                news.tell(output)?;
            }
        }
        Ok((before, new))
    }

    /// Whether a file is left out.
    pub(super) fn leaves_out(&self) -> bool {
        self.0.values().any(|of| 0 < of.errors)
    }
}
