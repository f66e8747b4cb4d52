//! Files that people name: definitions, and data given as JSON or `@FILE`.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sagaline_lang::{Definition, Fault, Form, LARGEST_FILE, Severity, Surroundings};
use sagaline_model::{Kind, Name, Node, Plan};
use serde_json::Value;

use crate::{
    failure::{Exit, Failure},
    finding::Finding,
    output::Output,
};

/// The largest data file: what an object store takes.
const LARGEST_DATA: u64 = 64 * 1024 * 1024;

/// In the place of a path: what comes on standard input.
pub(crate) const STDIN: &str = "-";

/// A file with definitions, read.
pub(crate) struct Read {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) definitions: Vec<Definition>,
}

/// Reads every file, folders being the definition files in them, whatever project they are of. Every fault of every file is told
/// before this fails.
pub(crate) fn read(paths: &[PathBuf], output: &Output) -> Result<Vec<Read>, Failure> {
    read_within(paths, &Surroundings::default(), output)
}

/// The same, as definitions of a project.
pub(crate) fn read_within(paths: &[PathBuf], within: &Surroundings, output: &Output) -> Result<Vec<Read>, Failure> {
    let (read, findings) = read_what_can_be(paths, within);
    findings.iter().try_for_each(|finding| finding.tell(output))?;
    match findings.iter().any(Finding::is_fatal) {
        false => Ok(read),
        true => Err(Failure::silent(Exit::BadData)),
    }
}

/// The same, leaving out what has faults or cannot be read, and telling nobody yet what was found.
pub(crate) fn read_what_can_be(paths: &[PathBuf], within: &Surroundings) -> (Vec<Read>, Vec<Finding>) {
    let (mut read, mut findings, mut defined) = (vec![], vec![], BTreeMap::new());
    for path in what_can_be_found(paths, &mut findings) {
        let (name, text) = match named_text(&path) {
            Ok(named) => named,
            Err(failure) => {
                findings.push(Finding::unreadable(path.display().to_string(), failure));
                continue;
            }
        };
        let faults = match sagaline_lang::read_all_within(&text, &name, within) {
            Ok(definitions) => match defined_twice(&mut defined, &name, &definitions) {
                faults if faults.is_empty() => {
                    let warnings = definitions.iter().flat_map(|definition| definition.warnings.clone()).collect();
                    findings.push(Finding::faults(&name, &text, warnings));
                    read.push(Read { name, text, definitions });
                    continue;
                }
                faults => faults,
            },
            Err(faults) => faults.0,
        };
        findings.push(Finding::faults(&name, &text, faults));
    }
    (held_together(read, &mut findings, within), findings)
}

/// The files that are named, and those of folders; what is wrong with a folder is told.
fn what_can_be_found(paths: &[PathBuf], findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let mut found = vec![];
    for path in paths {
        match expand(path) {
            Ok(files) => found.extend(files),
            Err(failure) => findings.push(Finding::unreadable(path.display().to_string(), failure)),
        }
    }
    found
}

/// What children are given is held against what workflows of other files take: whoever starts such is read once more.
fn held_together(files: Vec<Read>, findings: &mut Vec<Finding>, within: &Surroundings) -> Vec<Read> {
    let plans = files.iter().flat_map(|file| &file.definitions).map(|definition| &definition.plan);
    let schemas: BTreeMap<Name, Value> =
        plans.filter_map(|plan| Some((plan.workflow.clone(), plan.checked_schema()?.clone()))).collect();
    let within = Surroundings { schemas, ..within.clone() };
    let starts_such = |file: &Read| {
        let mut plans = file.definitions.iter().map(|definition| &definition.plan);
        plans.any(|plan| plan.nodes().iter().any(|node| is_child_of(node, &within.schemas)))
    };
    let mut held = vec![];
    for file in files {
        if !starts_such(&file) {
            held.push(file);
            continue;
        }
        match sagaline_lang::read_all_within(&file.text, &file.name, &within) {
            Ok(definitions) => {
                findings.push(Finding::faults(&file.name, &file.text, new_warnings(&file, &definitions)));
                held.push(Read { definitions, ..file });
            }
            Err(faults) => findings.push(Finding::faults(&file.name, &file.text, faults.0)),
        }
    }
    held
}

fn is_child_of(node: &Node, schemas: &BTreeMap<Name, Value>) -> bool {
    match &node.kind {
        Kind::Child(child) => schemas.contains_key(&child.workflow),
        _ => false,
    }
}

/// The warnings of definitions that were not there when the file was read before.
fn new_warnings(before: &Read, definitions: &[Definition]) -> Vec<Fault> {
    let known: Vec<&Fault> = before.definitions.iter().flat_map(|definition| &definition.warnings).collect();
    let all = definitions.iter().flat_map(|definition| &definition.warnings);
    all.filter(|warning| !known.contains(warning)).cloned().collect()
}

/// Two files that define the same workflow would take turns to be its newest version.
fn defined_twice(defined: &mut BTreeMap<Name, String>, file: &str, definitions: &[Definition]) -> Vec<Fault> {
    let mut faults = vec![];
    for definition in definitions {
        let workflow = &definition.plan.workflow;
        let first = defined.entry(workflow.clone()).or_insert_with(|| file.to_owned());
        // The same file, named by itself and by its folder, is read twice.
        if first != file {
            faults.push(Fault {
                file: file.to_owned(),
                line: 1,
                column: 1,
                width: 1,
                severity: Severity::Error,
                message: format!("a second workflow is called `{workflow}`"),
                hint: Some(format!("the first one is in `{first}`")),
            });
        }
    }
    faults
}

/// Refuses definitions that something is doubtful about, if that is asked for. It was told.
pub(crate) fn refuse_doubts(strict: bool, read: &[Read]) -> Result<(), Failure> {
    let doubts = read.iter().flat_map(|file| &file.definitions).map(|definition| definition.warnings.len());
    match doubts.sum::<usize>() {
        count if strict && 0 < count => {
            let warnings =
                if count == 1 { "there is a warning".to_owned() } else { format!("there are {count} warnings") };
            Err(Failure::bad_data(format!("{warnings}, and `--strict` takes none")))
        }
        _ => Ok(()),
    }
}

/// Reads what was read once more, with what the installation gives to workflows that say nothing of their own.
pub(crate) fn under(file: Read, within: &Surroundings, output: &Output) -> Result<Read, Failure> {
    let definitions = sagaline_lang::read_all_within(&file.text, &file.name, within).map_err(|faults| {
        Failure::bug(format!("`{}` cannot be read with the defaults of the installation: {faults}", file.name))
    })?;
    tell(output, &new_warnings(&file, &definitions), &file.text)?;
    Ok(Read { definitions, ..file })
}

/// For people with the line in question, on standard error; for programs as objects, on standard output.
pub(crate) fn tell(output: &Output, faults: &[Fault], text: &str) -> io::Result<()> {
    for fault in faults {
        if output.is_json() {
            output.json(fault)?;
        } else {
            output.talk(&format!("{}\n", fault.render(text)));
        }
    }
    Ok(())
}

/// The file, or those of a folder that are definitions.
pub(crate) fn expand(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = definitions_in(path).map_err(|error| unreadable(path, &error))?;
    if files.is_empty() {
        let hint = match further_in(path).as_slice() {
            [] => "definitions are files that end in .yaml, .yml, .json, .flow or .cai".to_owned(),
            further => format!("there are some further inside; name {}", listed(further)),
        };
        return Err(Failure::bad_data(format!("there is no definition in the folder `{}`", path.display())).hint(hint));
    }
    Ok(files)
}

/// Says which folders inside of those that are named hold definitions and are not looked into.
pub(crate) fn tell_further_in(paths: &[PathBuf], output: &Output) {
    for path in paths.iter().filter(|path| path.is_dir()) {
        let further: Vec<PathBuf> = further_in(path).into_iter().filter(|inside| !paths.contains(inside)).collect();
        if !further.is_empty() && definitions_in(path).is_ok_and(|files| !files.is_empty()) {
            output.talk(&format!("{} not looked into: a folder inside of another is named by itself", are(&further)));
        }
    }
}

fn are(folders: &[PathBuf]) -> String {
    format!("{} {}", listed(folders), if folders.len() == 1 { "is" } else { "are" })
}

fn listed(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(", ")
}

fn definitions_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![];
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let ending = file.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| Form::ENDINGS.contains(&ending)) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The folders right inside of a folder that hold definitions.
fn further_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let folders = entries.filter(|path| path.is_dir() && !is_hidden(path));
    let mut further: Vec<PathBuf> =
        folders.filter(|path| definitions_in(path).is_ok_and(|files| !files.is_empty())).collect();
    further.sort();
    further
}

/// What to call a file, and its text. That of standard input is called by its form, which its beginning says.
pub(crate) fn named_text(path: &Path) -> Result<(String, String), Failure> {
    if path != Path::new(STDIN) {
        return Ok((path.display().to_string(), text_of(path)?));
    }
    let text = text_of_stdin()?;
    let name = match Form::of_text(&text) {
        Form::Flow => "stdin.flow",
        Form::Yaml => "stdin.yaml",
    };
    Ok((name.to_owned(), text))
}

pub(crate) fn text_of_stdin() -> Result<String, Failure> {
    let mut bytes = vec![];
    let most = u64::try_from(LARGEST_FILE + 1).unwrap_or(u64::MAX);
    io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(|error| unreadable(Path::new("stdin"), &error))?;
    as_text(bytes, Path::new("stdin"))
}

pub(crate) fn text_of(path: &Path) -> Result<String, Failure> {
    as_text(fs::read(path).map_err(|error| unreadable(path, &error))?, path)
}

fn as_text(bytes: Vec<u8>, path: &Path) -> Result<String, Failure> {
    if LARGEST_FILE < bytes.len() {
        // Said with a place by the reader; the text itself need not be UTF-8 for that.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let (at, is_utf16) = (error.utf8_error().valid_up_to(), is_utf16(error.as_bytes()));
        let hint = if is_utf16 { "it is UTF-16 by its beginning; save it as UTF-8" } else { "save it as UTF-8" };
        Failure::bad_data(format!("`{}` is not UTF-8 text: byte {at} begins no character", path.display())).hint(hint)
    })
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::bad_data(format!("`{}` cannot be read: {error}", path.display()))
}

/// A text as it is given on the command line, or that of a file, and what to call it. `what` is the name of the argument.
pub(crate) fn text(what: &str, given: &str) -> Result<(String, String), Failure> {
    match given.strip_prefix('@') {
        Some(file) => Ok((text_of(Path::new(file))?, file.to_owned())),
        None => Ok((given.to_owned(), what.to_owned())),
    }
}

/// Data as it is given on the command line: JSON, or `@FILE` for a file of JSON. Nothing is null.
pub(crate) fn data(flag: &str, given: Option<&str>) -> Result<Value, Failure> {
    let Some(given) = given else { return Ok(Value::Null) };
    let (text, from) = match given.strip_prefix('@') {
        Some(file) => {
            let path = Path::new(file);
            let size = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
            if LARGEST_DATA < size {
                return Err(Failure::bad_data(format!("`{file}` has {size} bytes; at most {LARGEST_DATA} are taken"))
                    .hint("store it elsewhere and pass a reference to it"));
            }
            (fs::read(path).map_err(|error| unreadable(path, &error))?, format!("`{file}`"))
        }
        None => (given.as_bytes().to_vec(), format!("the value of `{flag}`")),
    };
    serde_json::from_slice(&text).map_err(|error| {
        Failure::bad_data(format!("{from} is not JSON: {error}"))
            .hint(format!("quote it for the shell, such as {flag} '{{\"total\": 10}}', or name a file: {flag} @FILE"))
    })
}

/// A plan as somebody could have written it.
pub(crate) fn show_as_yaml(plan: &Plan, output: &Output) -> Result<(), Failure> {
    let text = sagaline_lang::to_yaml(plan)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()).hint("`--output json` shows its plan"))?;
    Ok(text.lines().try_for_each(|line| output.line(line))?)
}
