//! What can be seen to be wrong in the source itself, each at the argument that it is about.

mod circles;
mod expressions;
mod functions;
mod references;
mod values;

use std::collections::BTreeSet;

use syn::{Error, Ident, ext::IdentExt};

pub(crate) use self::functions::Activities;
use self::values::value;
use crate::{
    args::Value,
    module::{Level, Module, Step, What},
    words::{ACTIVITY, OF_MODULES, STEP, WORKFLOW, meant},
};

pub(crate) fn check(module: &Module, activities: &Activities) -> Vec<Error> {
    let mut faults = vec![];
    workflow(module, &mut faults);
    let levels = module.root.all();
    names(&levels, &mut faults);
    for step in levels.iter().flat_map(|level| &level.steps) {
        arguments(step, &mut faults);
    }
    for level in &levels {
        expressions::check(level, &mut faults);
        references::check(level, &levels, &mut faults);
    }
    references::handlers(module, &mut faults);
    functions::check(module, activities, &mut faults);
    levels.iter().for_each(|level| circles::check(level, &mut faults));
    for level in &levels {
        let activities = level.functions.iter().filter(|(name, _)| activities.has(level, name));
        faults.extend(activities.filter_map(|(_, function)| function.fault()));
    }
    faults
}

fn unknown(word: &Ident, what: &str, known: &[&str], faults: &mut Vec<Error>) {
    let typed = word.unraw().to_string();
    let hint = match meant(&typed, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    faults.push(Error::new(word.span(), format!("unknown argument `{typed}` of {what}; {hint}")));
}

fn workflow(module: &Module, faults: &mut Vec<Error>) {
    let name = module.name.value();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        let message = "this cannot name a workflow: 1 to 128 letters, digits, `_` and `-`";
        faults.push(Error::new(module.name.span(), message));
    }
    if let Some(first) = &module.args.first {
        faults.push(Error::new(first.span(), "an argument of `#[workflow]` has a name: `name = \"order\"`"));
    }
    let known: Vec<&str> = OF_MODULES.iter().chain(WORKFLOW).copied().collect();
    for arg in &module.args.named {
        if known.contains(&arg.name().as_str()) {
            value(&arg.name(), &arg.value, faults);
        } else {
            unknown(&arg.key, "`#[workflow]`", &known, faults);
        }
    }
    for level in module.root.all() {
        // Of a switch without cases, and of a module that is not here, it has been told.
        let is_switch = module.root.all().iter().any(|outer| is_switch_of(outer, level));
        if level.steps.is_empty() && !is_switch && level.item.content.is_some() {
            let what = if level.id == module.root.id { "the workflow" } else { "the module" };
            let message = format!("{what} has no steps: write `#[step]` before a function");
            faults.push(Error::new(level.item.ident.span(), message));
        }
    }
}

/// Whether it is the module of a switch in there, which has cases and no steps.
fn is_switch_of(outer: &Level, level: &Level) -> bool {
    outer.steps.iter().any(|step| match &step.what {
        What::Holds(holder, inner) => holder.key == "switch" && inner.id == level.id,
        What::Code | What::Kind(_) => false,
    })
}

/// The name of a step is the only one, in whatever module it stands.
fn names(levels: &[&Level], faults: &mut Vec<Error>) {
    let mut seen = BTreeSet::new();
    for step in levels.iter().flat_map(|level| &level.steps) {
        if !seen.insert(step.text()) {
            faults.push(Error::new(step.name.span(), format!("a second step is called `{}`", step.name)));
        }
    }
}

fn arguments(step: &Step, faults: &mut Vec<Error>) {
    let (what, known): (String, Vec<&str>) = match &step.what {
        What::Code => ("`#[step]`".to_owned(), STEP.iter().chain(ACTIVITY).copied().collect()),
        What::Kind(kind) => {
            let own = if kind.key == "activity" { ACTIVITY } else { kind.inner };
            (format!("`#[{}]`", kind.attribute), STEP.iter().chain(own).copied().collect())
        }
        What::Holds(holder, _) => {
            // What a loop is over, it says itself.
            let of_all = STEP.iter().filter(|key| holder.first.is_none() || **key != "for_each");
            (format!("`#[{}]`", holder.attribute), of_all.chain(holder.own).copied().collect())
        }
    };
    for arg in &step.args.named {
        let name = arg.name();
        if known.contains(&name.as_str()) {
            value(&name, &arg.value, faults);
        } else {
            unknown(&arg.key, &what, &known, faults);
        }
    }
    match &step.what {
        What::Kind(kind) => {
            let wants_first = kind.attribute != "approval";
            match &step.args.first {
                None if wants_first => {
                    let message = format!("it does not say what: `{}`", kind.example);
                    faults.push(Error::new(step.name.span(), message));
                }
                Some(first) if kind.key == "wait" => value("wait", first, faults),
                Some(first) if !wants_first => faults.push(Error::new(first.span(), "an argument here has a name")),
                Some(_) | None => {}
            }
        }
        What::Holds(..) => taken_over(step, faults),
        What::Code => {}
    }
}

/// `catch = mend`, or `catch(mend, errors = ["CardDeclined"])`.
fn taken_over(step: &Step, faults: &mut Vec<Error>) {
    let Some(catch) = step.args.get("catch") else { return };
    match catch {
        Value::Word(_) => {}
        Value::Call(_, args) if catch.named().is_some() => {
            for arg in args.named.iter().filter(|arg| arg.key != "errors") {
                unknown(&arg.key, "`catch`", &["errors"], faults);
            }
            for error in args.get("errors").into_iter().flat_map(Value::each) {
                if !matches!(error, Value::Word(_) | Value::Text(_)) {
                    faults.push(Error::new(error.span(), "a type of errors is a name or a text: `\"CardDeclined\"`"));
                }
            }
        }
        other => {
            let message = "what takes over is a module: `catch = mend`, with `mod mend { … }` beside it";
            faults.push(Error::new(other.span(), message));
        }
    }
}
