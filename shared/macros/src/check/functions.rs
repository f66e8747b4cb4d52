//! Functions that a worker runs: those of steps, and those that an argument names.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Error, Ident, ext::IdentExt};

use crate::{
    args::Value,
    module::{Level, Module},
    words::{HANDLERS, nearest},
};

/// The functions of a workflow that are activities, each by the level that it stands in.
pub(crate) struct Activities {
    all: BTreeSet<(usize, String)>,
}

impl Activities {
    pub(crate) fn of(module: &Module) -> Self {
        let levels = module.root.all();
        let mut all = BTreeSet::new();
        for level in &levels {
            all.extend(level.steps.iter().filter(|step| step.is_code()).map(|step| (level.id, step.text())));
        }
        let named = named(module).into_iter();
        all.extend(named.filter_map(|(word, seen)| Some((found(word, &seen)?, word.unraw().to_string()))));
        Self { all }
    }

    pub(crate) fn has(&self, level: &Level, function: &str) -> bool {
        self.all.contains(&(level.id, function.to_owned()))
    }
}

/// The functions that undo something, or that are told how it ended; each with the levels from which it may be, the nearest first.
fn named(module: &Module) -> Vec<(&Ident, Vec<&Level>)> {
    let mut named = vec![];
    let handlers = module.args.named.iter().filter(|arg| HANDLERS.contains(&arg.name().as_str()));
    for handler in handlers.filter(|arg| module.handler(&arg.value).is_none()) {
        named.extend(words_of(&handler.value).into_iter().map(|word| (word, vec![&module.root])));
    }
    of_steps(&module.root, &[], &mut named);
    named
}

fn of_steps<'a>(level: &'a Level, around: &[&'a Level], named: &mut Vec<(&'a Ident, Vec<&'a Level>)>) {
    let seen: Vec<&Level> = [level].into_iter().chain(around.iter().copied()).collect();
    for arg in level.steps.iter().flat_map(|step| step.args.named.iter().filter(|arg| arg.key == "compensate")) {
        named.extend(words_of(&arg.value).into_iter().map(|word| (word, seen.clone())));
    }
    level.inside().for_each(|inner| of_steps(inner, &seen, named));
}

fn words_of(value: &Value) -> Vec<&Ident> {
    let word = |value: &'_ Value| matches!(value, Value::Word(_));
    value
        .each()
        .into_iter()
        .flat_map(|value| match value {
            Value::Call(_, args) => match &args.first {
                Some(Value::List(_, items)) => {
                    items.iter().filter(|item| word(item)).filter_map(Value::named).collect()
                }
                _ => value.named().into_iter().collect::<Vec<_>>(),
            },
            Value::Word(word) => vec![word],
            Value::Text(_) | Value::Plain(..) | Value::List(..) | Value::Map(..) | Value::Rust(_) => vec![],
        })
        .collect()
}

/// The level in which a function is that somebody names.
fn found(word: &Ident, seen: &[&Level]) -> Option<usize> {
    let name = word.unraw().to_string();
    seen.iter().find(|level| level.functions.contains_key(&name)).map(|level| level.id)
}

pub(super) fn check(module: &Module, activities: &Activities, faults: &mut Vec<Error>) {
    for (word, seen) in named(module) {
        if found(word, &seen).is_some() {
            continue;
        }
        let name = word.unraw().to_string();
        let known = seen.iter().flat_map(|level| level.functions.keys().map(String::as_str));
        let elsewhere = module.root.all().into_iter().find(|level| level.functions.contains_key(&name));
        let hint = match (nearest(&name, known), elsewhere) {
            (_, Some(level)) => format!("the one in `{}` is not seen from here", level.name()),
            (Some(meant), None) => format!("did you mean `{meant}`?"),
            (None, None) => "what others do is named by a text: \"stock.release\"".to_owned(),
        };
        faults.push(Error::new(word.span(), format!("there is no function `{name}` in the module; {hint}")));
    }
    twice(module, activities, faults);
}

/// A worker knows an activity by the workflow and the function, whatever module that is in.
fn twice(module: &Module, activities: &Activities, faults: &mut Vec<Error>) {
    let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
    for level in module.root.all() {
        for (name, function) in level.functions.iter().filter(|(name, _)| activities.has(level, name)) {
            let is_step = level.steps.iter().any(|step| step.is_code() && step.text() == *name);
            let before = seen.insert(name, is_step);
            // Two steps of a name are told of anyway.
            if before.is_some_and(|was_step| !(was_step && is_step)) {
                let activity = format!("{}.{name}", module.name.value());
                let message = format!("a second function is the activity `{activity}`: give one of them another name");
                faults.push(Error::new(function.signature.ident.span(), message));
            }
        }
    }
}
