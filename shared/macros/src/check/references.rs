//! What one word names must be there. A text is not looked at: it may name what is added to the definition later.

use syn::{Error, Ident, ext::IdentExt};

use crate::{
    args::Args,
    module::{Level, Module, Step, What},
    words::{HANDLERS, nearest},
};

/// What the steps of one module say of one another, and of the modules beside them.
pub(super) fn check(level: &Level, all: &[&Level], faults: &mut Vec<Error>) {
    let steps: Vec<String> = level.steps.iter().map(Step::text).collect();
    let known: Vec<&str> = steps.iter().map(String::as_str).collect();
    let groups: Vec<String> = level.steps.iter().flat_map(|step| words(&step.args, "group")).map(text).collect();
    let is_race = all.iter().any(|outer| outer.steps.iter().any(|step| is_race_of(step, level)));
    for step in &level.steps {
        if is_race {
            let orders = ["after", "after_any", "after_group", "after_graft"];
            for arg in step.args.named.iter().filter(|arg| orders.iter().any(|order| arg.key == order)) {
                let message = "all steps of a race begin at once; what follows one another stands in a `#[steps] mod`";
                faults.push(Error::new(arg.key.span(), message));
            }
            continue;
        }
        for word in ["after", "after_any", "after_graft"].iter().flat_map(|key| words(&step.args, key)) {
            let name = text(word);
            if name == step.text() {
                faults.push(Error::new(word.span(), format!("`{name}` cannot come after itself")));
            } else if !known.contains(&name.as_str()) {
                let other = all.iter().find(|other| other.steps.iter().any(|step| step.text() == name));
                let hint = match nearest(&name, known.iter().copied()) {
                    _ if level.functions.contains_key(&name) => "; the function has no `#[step]`".to_owned(),
                    _ if other.is_some() => {
                        let other = other.map(|other| other.name()).unwrap_or_default();
                        format!(" beside it, only in `{other}`; a step comes after those of its own module")
                    }
                    Some(meant) => format!("; did you mean `{meant}`?"),
                    None => format!("; there are {}", known.join(", ")),
                };
                faults.push(Error::new(word.span(), format!("there is no step `{name}`{hint}")));
            }
        }
        for word in words(&step.args, "after_group") {
            let name = text(word);
            if !groups.contains(&name) {
                let hint = nearest(&name, groups.iter().map(String::as_str));
                let hint = hint.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
                faults.push(Error::new(word.span(), format!("no step belongs to a group `{name}`{hint}")));
            }
        }
    }
    let mut named: Vec<String> = vec![];
    for word in level.steps.iter().flat_map(Step::bodies) {
        body(word, level, &mut named, faults);
    }
}

fn is_race_of(step: &Step, level: &Level) -> bool {
    match &step.what {
        What::Holds(holder, inner) => holder.key == "race" && inner.id == level.id,
        What::Code | What::Kind(_) => false,
    }
}

/// A module that is named must be there, and its steps are the ones of one place only.
fn body(word: &Ident, level: &Level, named: &mut Vec<String>, faults: &mut Vec<Error>) {
    let name = text(word);
    if level.bodies.contains_key(&name) {
        if named.contains(&name) {
            faults.push(Error::new(word.span(), format!("the steps of `{name}` have their place already")));
        }
        named.push(name);
        return;
    }
    let of_steps = level.steps.iter().any(|step| step.text() == name && matches!(step.what, What::Holds(..)));
    let hint = match nearest(&name, level.bodies.keys().map(String::as_str)) {
        _ if of_steps => "; that one is a step, and is done anyway".to_owned(),
        _ if level.functions.contains_key(&name) => format!("; a function stands in one: `mod {name} {{ … }}`"),
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!(": `mod {name} {{ … }}`"),
    };
    faults.push(Error::new(word.span(), format!("there is no module `{name}` beside it{hint}")));
}

/// What is done at an end has the steps of its module for itself.
pub(super) fn handlers(module: &Module, faults: &mut Vec<Error>) {
    let mut named: Vec<String> = module.root.steps.iter().flat_map(Step::bodies).map(text).collect();
    for arg in module.args.named.iter().filter(|arg| HANDLERS.contains(&arg.name().as_str())) {
        if let Some((word, _)) = module.handler(&arg.value) {
            if arg.key == "on_step_error" {
                faults.push(Error::new(word.span(), "`on_step_error` is one activity: a function, or a text"));
                continue;
            }
            body(word, &module.root, &mut named, faults);
        }
    }
}

/// The words of an argument that is one or several.
pub(super) fn words<'a>(args: &'a Args, key: &str) -> Vec<&'a Ident> {
    let values = args.named.iter().filter(|arg| arg.name() == key).flat_map(|arg| arg.value.each());
    values.filter(|value| matches!(value, crate::args::Value::Word(_))).filter_map(|value| value.named()).collect()
}

pub(super) fn text(word: &Ident) -> String {
    word.unraw().to_string()
}
