//! What can be seen to be wrong in the source itself, each at the argument that it is about.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Error, Ident, Lit, ext::IdentExt};

use crate::{
    args::{Args, Value},
    duration::is_duration,
    module::{Module, Step, What},
    words::{ACTIVITY, CHOICES, DURATIONS, HANDLERS, OF_MODULES, STEP, WORKFLOW, nearest},
};

/// Keys whose values are data of the user's: nothing in there is a word of ours.
const DATA: &[&str] = &[
    "input",
    "data",
    "metadata",
    "output",
    "input_schema",
    "signals",
    "queries",
    "updates",
    "match",
    "details",
    "extensions",
    "approvers",
    "items",
];

pub(crate) fn check(module: &Module) -> Vec<Error> {
    let mut faults = vec![];
    workflow(module, &mut faults);
    names(module, &mut faults);
    for step in &module.steps {
        arguments(step, &mut faults);
    }
    references(module, &mut faults);
    circles(module, &mut faults);
    for (name, function) in &module.functions {
        if is_activity(module, name) {
            faults.extend(function.fault());
        }
    }
    faults
}

/// Whether a function of the module is run by a worker.
pub(crate) fn is_activity(module: &Module, name: &str) -> bool {
    let is_step = module.steps.iter().any(|step| matches!(step.what, What::Code) && step.text() == name);
    is_step || functions_named(module).iter().any(|function| function.unraw() == name)
}

/// The functions that undo something, or that are told how it ended.
pub(crate) fn functions_named(module: &Module) -> Vec<&Ident> {
    let of_steps = module.steps.iter().flat_map(|step| step.args.named.iter().filter(|arg| arg.key == "compensate"));
    let of_whole = module.args.named.iter().filter(|arg| HANDLERS.contains(&arg.name().as_str()));
    let mut named = vec![];
    for value in of_steps.chain(of_whole).flat_map(|arg| arg.value.each()) {
        match value {
            Value::Word(word) => named.push(word),
            Value::Call(_, args) => match &args.first {
                Some(Value::Word(word)) => named.push(word),
                Some(Value::List(_, items)) => named.extend(items.iter().filter_map(|item| match item {
                    Value::Word(word) => Some(word),
                    _ => None,
                })),
                Some(_) | None => {}
            },
            Value::Text(_) | Value::Plain(..) | Value::List(..) | Value::Map(..) | Value::Rust(_) => {}
        }
    }
    named
}

fn unknown(word: &Ident, what: &str, known: &[&str], faults: &mut Vec<Error>) {
    let typed = word.unraw().to_string();
    let hint = match nearest(&typed, known.iter().copied()) {
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
    if module.steps.is_empty() {
        faults
            .push(Error::new(module.item.ident.span(), "the workflow has no steps: write `#[step]` before a function"));
    }
}

/// The name of a step is the only one.
fn names(module: &Module, faults: &mut Vec<Error>) {
    let mut seen = BTreeSet::new();
    for step in &module.steps {
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
    };
    for arg in &step.args.named {
        let name = arg.name();
        if known.contains(&name.as_str()) {
            value(&name, &arg.value, faults);
        } else {
            unknown(&arg.key, &what, &known, faults);
        }
    }
    if let What::Kind(kind) = &step.what {
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
}

/// A value, and all in it that has words of ours.
fn value(key: &str, given: &Value, faults: &mut Vec<Error>) {
    if DATA.contains(&key) {
        return;
    }
    match given {
        Value::Text(text) if DURATIONS.contains(&key) && !is_duration(&text.value()) => {
            let message =
                format!("`{}` is not a duration; for example \"250ms\", \"30s\", \"5m\", \"1h30m\"", text.value());
            faults.push(Error::new(text.span(), message));
        }
        Value::Plain(_, Lit::Int(number)) if DURATIONS.contains(&key) => {
            let message = format!("a duration needs a unit: \"{number}s\", \"{number}m\", \"{number}h\"");
            faults.push(Error::new(number.span(), message));
        }
        Value::Text(text) if key == "cron" && !is_cron(&text.value()) => {
            let message =
                "a cron expression has five fields, or six with seconds first; or it is `@daily` and the like";
            faults.push(Error::new(text.span(), message));
        }
        Value::Text(text) => choice(key, &text.value(), text.span(), faults),
        Value::Word(word) => choice(key, &word.unraw().to_string(), word.span(), faults),
        Value::List(_, items) => items.iter().for_each(|item| value(key, item, faults)),
        Value::Map(_, entries) => entries.iter().for_each(|(_, key, inner)| value(&key.value(), inner, faults)),
        Value::Call(_, args) => args.named.iter().for_each(|arg| value(&arg.name(), &arg.value, faults)),
        Value::Plain(..) | Value::Rust(_) => {}
    }
}

fn choice(key: &str, given: &str, span: proc_macro2::Span, faults: &mut Vec<Error>) {
    let Some((_, words)) = CHOICES.iter().find(|(known, _)| *known == key) else { return };
    if words.contains(&given) {
        return;
    }
    let hint = match nearest(given, words.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("one of `{}`", words.join("`, `")),
    };
    faults.push(Error::new(span, format!("`{key}` cannot be `{given}`; {hint}")));
}

fn is_cron(text: &str) -> bool {
    text.starts_with('@') || matches!(text.split_whitespace().count(), 5 | 6)
}

/// What one word names must be there. A text is not looked at: it may name what is added to the definition later.
fn references(module: &Module, faults: &mut Vec<Error>) {
    let steps: Vec<String> = module.steps.iter().map(Step::text).collect();
    let known: Vec<&str> = steps.iter().map(String::as_str).collect();
    let groups: Vec<String> = module.steps.iter().flat_map(|step| words(&step.args, "group")).map(text).collect();
    for step in &module.steps {
        for word in ["after", "after_any", "after_graft"].iter().flat_map(|key| words(&step.args, key)) {
            let name = text(word);
            if name == step.text() {
                faults.push(Error::new(word.span(), format!("`{name}` cannot come after itself")));
            } else if !known.contains(&name.as_str()) {
                let hint = match nearest(&name, known.iter().copied()) {
                    _ if module.functions.contains_key(&name) => "; the function has no `#[step]`".to_owned(),
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
    for function in functions_named(module) {
        let name = text(function);
        if !module.functions.contains_key(&name) {
            let hint = match nearest(&name, module.functions.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "what others do is named by a text: \"stock.release\"".to_owned(),
            };
            faults.push(Error::new(function.span(), format!("there is no function `{name}` in the module; {hint}")));
        }
    }
}

/// The words of an argument that is one or several.
fn words<'a>(args: &'a Args, key: &str) -> Vec<&'a Ident> {
    let values = args.named.iter().filter(|arg| arg.name() == key).flat_map(|arg| arg.value.each());
    values
        .filter_map(|value| match value {
            Value::Word(word) => Some(word),
            _ => None,
        })
        .collect()
}

fn text(word: &Ident) -> String {
    word.unraw().to_string()
}

/// Steps that wait for one another, with the way around.
fn circles(module: &Module, faults: &mut Vec<Error>) {
    let place: BTreeMap<String, usize> = module.steps.iter().enumerate().map(|(at, step)| (step.text(), at)).collect();
    let before = |step: &Step| -> Vec<(usize, Ident)> {
        let named = ["after", "after_any", "after_graft"].iter().flat_map(|key| words(&step.args, key));
        let mut before: Vec<(usize, Ident)> =
            named.filter_map(|word| Some((*place.get(&text(word))?, word.clone()))).collect();
        for group in words(&step.args, "after_group") {
            let members = module.steps.iter().enumerate();
            let members =
                members.filter(|(_, member)| words(&member.args, "group").iter().any(|word| text(word) == text(group)));
            before.extend(members.map(|(at, _)| (at, group.clone())));
        }
        before
    };
    let edges: Vec<Vec<(usize, Ident)>> = module.steps.iter().map(before).collect();
    let mut done = vec![false; edges.len()];
    for start in 0..edges.len() {
        let mut way = vec![];
        if !done[start] {
            walk(start, &edges, &mut way, &mut done, module, faults);
        }
    }
}

fn walk(
    at: usize,
    edges: &[Vec<(usize, Ident)>],
    way: &mut Vec<usize>,
    done: &mut [bool],
    module: &Module,
    faults: &mut Vec<Error>,
) {
    way.push(at);
    for (next, word) in &edges[at] {
        if let Some(begin) = way.iter().position(|step| step == next) {
            // A step after itself is told by itself.
            if way.len() - begin > 1 {
                let circle: Vec<String> =
                    way[begin..].iter().chain([next]).map(|step| module.steps[*step].text()).collect();
                let message = format!("these steps wait for each other: {}", circle.join(" after "));
                faults.push(Error::new(word.span(), message));
            }
        } else if !done[*next] {
            walk(*next, edges, way, done, module, faults);
        }
    }
    way.pop();
    done[at] = true;
}
