//! `sagaline convert`: a definition in the other form. Needs no NATS.

use std::path::PathBuf;

use sagaline_lang::Form;
use sagaline_model::Plan;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const EXAMPLES: &str = "\
Examples:
  sagaline convert order.yaml --to flow > order.flow
  sagaline convert order.flow --to yaml > order.yaml

The plans are the same, which is checked, and every comment is kept.";

/// Write definitions in the other form: YAML as .flow, .flow as YAML
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file of definitions; `-` is standard input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The form that is written
    #[arg(long, value_name = "FORM")]
    to: To,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    Flow,
    Yaml,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let (name, text) = files::named_text(&args.path)?;
    let (form, other) = match args.to {
        To::Flow => (Form::Flow, "converted.flow"),
        To::Yaml => (Form::Yaml, "converted.yaml"),
    };
    let converted = match sagaline_lang::convert(&text, &name, form) {
        Ok(converted) => converted,
        Err(faults) => {
            files::tell(output, &faults.0, &text)?;
            return Err(Failure::silent(Exit::BadData));
        }
    };
    let plans = |text: &str, name: &str| -> Option<Vec<Plan>> {
        let definitions = sagaline_lang::read_all(text, name).ok()?;
        Some(definitions.into_iter().map(|definition| definition.plan).collect())
    };
    if plans(&text, &name) != plans(&converted, other) {
        return Err(Failure::bug(format!("`{name}` would mean something else in the other form; nothing is written")));
    }
    output.line(converted.trim_end_matches('\n'))?;
    Ok(Exit::Done)
}
