//! Every definition that people are shown: the files of examples and the blocks on the pages; and what hunts begin with.

use std::{fs, io, path::Path};

use crate::{Form, corpus};

/// Pages with definitions.
const PAGES: [&str; 3] = ["README.md", "docs/workflows.md", "docs/triggers.md"];

/// The name and the text of each.
pub fn definitions() -> io::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![];
    for folder in ["examples", "examples/tasks"] {
        for file in fs::read_dir(root.join(folder))? {
            let file = file?.path();
            if file.extension().is_some_and(|ending| ending == "yaml") {
                found.push((file.display().to_string(), fs::read_to_string(&file)?));
            }
        }
    }
    found.sort();
    for page in PAGES {
        let text = fs::read_to_string(root.join(page))?;
        for (number, part) in text.split("\n```yaml\n").skip(1).enumerate() {
            let block = part.split("\n```").next().unwrap_or_default().to_owned() + "\n";
            found.push((format!("{page}, block {}", number + 1), block));
        }
    }
    Ok(found)
}

/// What a hunt begins with: what people are shown, and what hunts before it kept.
pub fn seeds(form: Form) -> io::Result<Vec<String>> {
    let mut seeds: Vec<String> = match form {
        Form::Yaml => definitions()?.into_iter().map(|(_, text)| text).collect(),
        Form::Flow => flows()?,
        Form::Expression => definitions()?.iter().flat_map(|(_, text)| expressions(text)).collect(),
    };
    seeds.extend(corpus::texts(&corpus::folder(), form)?.into_iter().map(|(_, text)| text));
    seeds.sort();
    seeds.dedup();
    Ok(seeds)
}

/// Every .flow file that there is, the broken ones of tests too.
pub fn flows() -> io::Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![];
    for folder in ["examples", "examples/flow", "shared/lang/tests/broken", "shared/lang/tests/flow"] {
        let Ok(files) = fs::read_dir(root.join(folder)) else { continue };
        for file in files {
            let file = file?.path();
            if file.extension().is_some_and(|ending| ending == "flow" || ending == "cai") {
                found.push(fs::read_to_string(&file)?);
            }
        }
    }
    Ok(found)
}

/// What stands in `${…}`, as far as it is on one line.
fn expressions(text: &str) -> Vec<String> {
    let parts = text.lines().flat_map(|line| line.split("${").skip(1));
    parts.filter_map(|part| Some(part.rsplit_once('}')?.0.trim().to_owned())).collect()
}
