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
    output::{Output, Tone},
};

const EXAMPLES: &str = "\
Examples:
  sagaline fmt                           every .flow file of the project
  sagaline fmt workflows/                every .flow file in a folder
  sagaline fmt --check workflows/        change nothing; 1 if anything would be
  sagaline fmt --stdout order.flow       to standard output
  sagaline fmt - < order.flow            as an editor does it

Comments stay, and so does what a file means. A file that cannot be read stays
as it is. Files in YAML are passed over in folders: `sagaline convert` writes
them as .flow.";

/// Bring .flow files into their canonical form
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// .flow files, or folders of them; `-` is standard input, which goes to standard output [default: what the project names]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing, and exit with 1 if a file is not in its canonical form
    #[arg(long)]
    check: bool,
    /// Write to standard output instead of the file
    #[arg(long, conflicts_with = "check")]
    stdout: bool,
}

/// What became of a file.
enum Became {
    Same,
    Other,
    /// It is told.
    Faulty,
    Unwritable,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let files = flow_files(args, context)?;
    files::tell_further_in(&context.definitions(&args.paths)?, &context.output);
    if files.is_empty() {
        context.output.talk("nothing to do: there is no .flow file");
    }
    let (mut faulty, mut failed) = (false, false);
    for path in files {
        match one(&path, args, &context.output)? {
            Became::Same => {}
            Became::Other => failed |= args.check,
            Became::Faulty => faulty = true,
            Became::Unwritable => failed = true,
        }
    }
    match (faulty, failed) {
        (true, _) => Err(Failure::silent(Exit::BadData)),
        (false, true) => Ok(Exit::Failed),
        (false, false) => Ok(Exit::Done),
    }
}

fn one(path: &Path, args: &Args, output: &Output) -> Result<Became, Failure> {
    let is_stdin = path == Path::new(files::STDIN);
    let named = if is_stdin {
        files::text_of_stdin().map(|text| ("stdin.flow".to_owned(), text))
    } else {
        files::named_text(path)
    };
    let (name, text) = match named {
        Ok(named) => named,
        Err(failure) => {
            output.failure(&failure);
            return Ok(Became::Faulty);
        }
    };
    let formatted = match sagaline_lang::format(&text, &name) {
        Ok(formatted) => formatted,
        Err(faults) => {
            files::tell(output, &faults.0, &text)?;
            return Ok(Became::Faulty);
        }
    };
    if args.stdout || (is_stdin && !args.check) {
        output.bytes(formatted.as_bytes())?;
        return Ok(Became::Same);
    }
    let differs = formatted != text;
    if differs
        && !args.check
        && let Err(error) = fs::write(path, &formatted)
    {
        let failure = Failure::new(Exit::Failed, format!("`{name}` cannot be written: {error}"));
        output.failure(&failure.hint("look at its permissions and at the room on the disk"));
        return Ok(Became::Unwritable);
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
    Ok(if differs { Became::Other } else { Became::Same })
}

/// A file that is named must be one; of a folder, and of a project, those that are.
fn flow_files(args: &Args, context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let is_flow = |path: &Path| path == Path::new(files::STDIN) || Form::of(&path.display().to_string()) == Form::Flow;
    let mut found = vec![];
    for path in context.definitions(&args.paths)? {
        let files = files::expand(&path)?;
        if !args.paths.is_empty() && !path.is_dir() && !is_flow(&path) {
            return Err(Failure::bad_data(format!("`{}` is no .flow file", path.display()))
                .hint("only files that end in .flow or .cai have a canonical form"));
        }
        found.extend(files.into_iter().filter(|file| is_flow(file)));
    }
    Ok(found)
}
