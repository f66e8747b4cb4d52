//! `sagaline fmt`: .flow files in their canonical form. Needs no NATS.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sagaline_lang::Form;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Tone,
};

const EXAMPLES: &str = "\
Examples:
  sagaline fmt workflows/                every .flow file in a folder
  sagaline fmt --check workflows/        change nothing; 1 if anything would be
  sagaline fmt --stdout order.flow       to standard output

Comments stay, and so does what a file means. A file that cannot be read stays
as it is. Files in YAML are passed over in folders: `sagaline convert` writes
them as .flow.";

/// Bring .flow files into their canonical form
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// .flow files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing, and exit with 1 if a file is not in its canonical form
    #[arg(long)]
    check: bool,
    /// Write to standard output instead of the file
    #[arg(long, conflicts_with = "check")]
    stdout: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let (mut faulty, mut changed) = (false, false);
    for path in flow_files(&args.paths)? {
        let (name, text) = (path.display().to_string(), files::text_of(&path)?);
        let formatted = match sagaline_lang::format(&text, &name) {
            Ok(formatted) => formatted,
            Err(faults) => {
                files::tell(output, &faults.0, &text)?;
                faulty = true;
                continue;
            }
        };
        if args.stdout {
            output.line(formatted.trim_end_matches('\n'))?;
            continue;
        }
        let differs = formatted != text;
        changed |= differs;
        if differs && !args.check {
            fs::write(&path, &formatted).map_err(|error| {
                Failure::new(Exit::Failed, format!("`{name}` cannot be written: {error}"))
                    .hint("look at its permissions and at the room on the disk")
            })?;
        }
        let (word, tone) = match (differs, args.check) {
            (false, _) => ("unchanged", Tone::Quiet),
            (true, false) => ("formatted", Tone::Good),
            (true, true) => ("not formatted", Tone::Bad),
        };
        if output.is_json() {
            output.json(&json!({ "file": name, "change": word.replace(' ', "_") }))?;
        } else if differs {
            output.line(&format!("{name}: {}", output.paint(tone, word)))?;
        }
    }
    match (faulty, changed && args.check) {
        (true, _) => Err(Failure::silent(Exit::BadData)),
        (false, true) => Ok(Exit::Failed),
        (false, false) => Ok(Exit::Done),
    }
}

/// A file that is named must be one; of a folder those that are.
fn flow_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let is_flow = |path: &Path| Form::of(&path.display().to_string()) == Form::Flow;
    let mut found = vec![];
    for path in paths {
        let files = files::expand(path)?;
        if !path.is_dir() && !is_flow(path) {
            return Err(Failure::bad_data(format!("`{}` is no .flow file", path.display()))
                .hint("only files that end in .flow or .cai have a canonical form"));
        }
        found.extend(files.into_iter().filter(|file| is_flow(file)));
    }
    Ok(found)
}
