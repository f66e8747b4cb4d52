//! What expressions read: that it exists, and that it can be there when they are evaluated.

mod config;
mod locate;

use std::collections::BTreeSet;

use crate::{
    fault::Severity,
    order::Order,
    outline::{Outline, Part, Scope, Use},
    reader::Reader,
    source::Place,
    suggest::nearest,
    syntax::shown,
    tree::Content,
};
pub(crate) use config::config;
use locate::locate;

/// What an expression can read, and what there is inside; empty where that depends on the data.
const ROOTS: [(&str, &[&str]); 5] = [
    ("workflow", &["input", "name", "version"]),
    ("steps", &[]),
    ("ctx", &[]),
    ("trigger", &[]),
    ("execution", &["id", "started_at", "attempt"]),
];

/// What a custom backoff can read besides.
const BACKOFF_ROOTS: [(&str, &[&str]); 2] = [("attempt", &[]), ("error", &[])];

/// What a project gives. An item of a loop may have that name too, and then hides it.
const CONFIG: &str = "config";

/// How an execution ends, for what handles that.
const OUTCOME: &str = "outcome";

/// What an update carries.
const UPDATE: &str = "update";

/// The place of an item in its list.
const INDEX: &str = "index";

/// What is known of a step that is undone.
const OF_WHAT_IS_UNDONE: [&str; 5] = ["output", "input", "outcome", "error", "idempotency_key"];

const OF_A_STEP: [&str; 3] = ["output", "status", "error"];

pub(crate) fn check(reader: &mut Reader, outline: &Outline, order: &Order) {
    let mut readings = vec![];
    for used in &outline.uses {
        readings.extend(readings_of(reader, outline, used));
    }
    let relations = relations(outline, order, &readings);
    for (reading, relation) in readings.iter().zip(relations) {
        tell(reader, outline, reading, relation);
    }
}

/// Step `reader` reads step `read`.
struct Reading<'o> {
    used: &'o Use,
    path: &'o [String],
    reader: usize,
    read: usize,
}

/// The steps that are read, and must be looked at for their order; all else that is wrong is noted at once.
fn readings_of<'o>(reader: &mut Reader, outline: &'o Outline, used: &'o Use) -> Vec<Reading<'o>> {
    let mut readings = vec![];
    let mut seen = BTreeSet::new();
    // `steps.my-step.output` is a subtraction; what comes of its right side is not worth telling.
    if let Some((path, name)) = used.paths.iter().find_map(|path| Some((path, hyphenated(outline, path)?))) {
        let message = format!("there is no step `{}`", shown(&path[1]));
        let hint = format!("a `-` in an expression subtracts; write `steps[\"{name}\"]`");
        reader.error(place(reader, used, path, 1), message).hint(hint);
        return readings;
    }
    for path in &used.paths {
        let Some(root) = path.first() else { continue };
        if is_local(outline, used.scope, root)
            || !check_root(reader, outline, used, path, root)
            || root != "steps"
            || matches!(used.scope, Scope::Trigger | Scope::Event)
        {
            continue;
        }
        let Some(name) = path.get(1) else {
            let place = place(reader, used, path, 0);
            reader.error(place, "`steps` alone cannot be read").hint("name the step: `steps.reserve.output`");
            continue;
        };
        if let Some(field) = path.get(2) {
            check_field(reader, used, path, 2, "a step", field, &OF_A_STEP);
        }
        if !seen.insert(name) {
            continue;
        }
        match (outline.find(name), used.scope) {
            (None, _) => unknown_step(reader, outline, used, path, name),
            (Some(read), scope) if hidden_in_a_loop(reader, outline, used, path, scope, read) => {}
            (Some(read), Scope::Step(step) | Scope::Body(step) | Scope::Undo(step) | Scope::Backoff(Some(step))) => {
                readings.push(Reading { used, path, reader: step, read });
            }
            (Some(_), Scope::Whole) => {
                let place = place(reader, used, path, 0);
                reader.error(place, "no step has run when an execution starts").hint(
                    "it is evaluated once, at the start: it can read `workflow.input`, `trigger` and `execution`",
                );
            }
            (Some(_), Scope::Output | Scope::Update | Scope::Backoff(None) | Scope::Trigger | Scope::Event) => {}
        }
    }
    readings
}

/// Notes that a step is inside of a loop that the one that reads it is not in: it has run for each item, and no one of them is meant.
fn hidden_in_a_loop(
    reader: &mut Reader,
    outline: &Outline,
    used: &Use,
    path: &[String],
    scope: Scope,
    read: usize,
) -> bool {
    let around = match scope {
        Scope::Step(step) | Scope::Body(step) | Scope::Undo(step) | Scope::Backoff(Some(step)) => {
            outline.ancestry(step)
        }
        Scope::Output | Scope::Whole | Scope::Update | Scope::Backoff(None) | Scope::Trigger | Scope::Event => vec![],
    };
    let Some(outer) = outline.loops_around(read).find(|outer| !around.contains(outer)) else { return false };
    let (step, of) = (shown(&outline.steps[read].name), shown(&outline.steps[outer].name));
    let message = format!("`{step}` is inside of the loop `{of}`, where it runs for each item");
    let hint = format!("`steps.{of}.output` is the list of what the items gave");
    let at = place(reader, used, path, 1);
    reader.error(at, message).hint(hint);
    true
}

fn unknown_step(reader: &mut Reader, outline: &Outline, used: &Use, path: &[String], name: &str) {
    let suggestion = if reader.tells(Severity::Error) { nearest(name, outline.names()) } else { None };
    let place = place(reader, used, path, 1);
    reader
        .error(place, format!("there is no step `{}`", shown(name)))
        .maybe_hint(suggestion.map(|name| format!("did you mean `{name}`?")));
}

/// The step with a `-` in its name that a path was meant for, which ends where the `-` is.
fn hyphenated<'o>(outline: &'o Outline, path: &[String]) -> Option<&'o str> {
    let [root, name] = path else { return None };
    if root != "steps" || outline.find(name).is_some() {
        return None;
    }
    // `-` sorts before all else that a name may go on with.
    let next = outline.names_from(name).next()?;
    next.strip_prefix(name.as_str())?.starts_with('-').then_some(next)
}

/// Whether the name is already that of something which expressions read.
pub(crate) fn is_taken(name: &str) -> bool {
    let roots = ROOTS.iter().chain(&BACKOFF_ROOTS).map(|(root, _)| *root);
    roots.chain([INDEX, OUTCOME]).any(|root| root == name)
}

/// Whether the root is the item of a loop around, its place in the list, or the error that a `catch` mends.
pub(crate) fn is_local(outline: &Outline, scope: Scope, root: &str) -> bool {
    if scope == Scope::Update {
        return root == UPDATE;
    }
    if matches!(scope, Scope::Undo(_)) && OF_WHAT_IS_UNDONE.contains(&root) {
        return true;
    }
    locals(outline, scope).contains(&root)
}

/// What can be read only where this is: items of the loops around, what went wrong.
fn locals(outline: &Outline, scope: Scope) -> Vec<&str> {
    let (step, own) = match scope {
        Scope::Step(step) => (step, None),
        Scope::Body(step) | Scope::Undo(step) | Scope::Backoff(Some(step)) => (step, Some(step)),
        Scope::Output | Scope::Whole | Scope::Update | Scope::Backoff(None) | Scope::Trigger | Scope::Event => {
            return vec![];
        }
    };
    let own = own.filter(|step| outline.steps[*step].item.is_some());
    let items = outline.loops_around(step).chain(own).filter_map(|outer| outline.steps[outer].item.as_deref());
    let mut names: Vec<&str> = items.collect();
    if !names.is_empty() {
        names.push(INDEX);
    }
    let (is_handler, is_catch) = (is_inside(outline, step, Part::Handler), is_inside(outline, step, Part::Catch));
    if is_handler || is_catch {
        names.push("error");
    }
    if is_handler {
        names.push(OUTCOME);
    }
    names
}

fn is_inside(outline: &Outline, step: usize, part: Part) -> bool {
    outline.ancestry(step).into_iter().any(|step| outline.part(step) == part)
}

/// Whether the root may be read here; if not, that is noted. What it has inside is checked too.
fn check_root(reader: &mut Reader, outline: &Outline, used: &Use, path: &[String], root: &str) -> bool {
    let known = ROOTS.iter().chain(&BACKOFF_ROOTS).find(|(name, _)| *name == root);
    let only_backoff = BACKOFF_ROOTS.iter().any(|(name, _)| *name == root);
    match (known, used.scope) {
        // Which values there are is looked at by itself.
        (None, scope) if root == CONFIG && scope != Scope::Event => true,
        (Some(_), Scope::Trigger) if root != "trigger" => {
            let message = format!("`{root}` cannot be read in a trigger");
            let at = place(reader, used, path, 0);
            reader.error(at, message).hint("no execution has started yet: only `trigger` is there, the event");
            false
        }
        (_, Scope::Event) if root == CONFIG || (known.is_some() && root != "trigger") => {
            let message = format!("`{root}` cannot be read in what is said about the event");
            let hint = "only `trigger` is there, the event; what the execution knows goes into `with`, or into `match`";
            let at = place(reader, used, path, 0);
            reader.error(at, message).hint(hint);
            false
        }
        (Some(_), Scope::Step(_) | Scope::Body(_) | Scope::Undo(_) | Scope::Output | Scope::Whole | Scope::Update)
            if only_backoff =>
        {
            let at = place(reader, used, path, 0);
            reader.error(at, only_where(root));
            false
        }
        (Some((_, fields)), _) => {
            if let (Some(field), false) = (path.get(1), fields.is_empty()) {
                check_field(reader, used, path, 1, &format!("`{root}`"), field, fields);
            }
            true
        }
        (None, scope) => {
            let at = place(reader, used, path, 0);
            let here: Vec<&str> = readable(scope).into_iter().chain(locals(outline, scope)).collect();
            let hint = match nearest(root, here.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("it can read `{}`", here.join("`, `")),
            };
            reader.error(at, format!("`{}` is nothing that an expression can read", shown(root))).hint(hint);
            false
        }
    }
}

fn only_where(root: &str) -> String {
    match root {
        "error" => "`error` can be read in a `catch`, and in the delays of a `retry`".to_owned(),
        _ => format!("`{root}` can be read in the delays of a `retry` only"),
    }
}

fn readable(scope: Scope) -> Vec<&'static str> {
    let names = |roots: &[(&'static str, &[&str])]| roots.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let config = vec![CONFIG];
    match scope {
        Scope::Event => vec!["trigger"],
        Scope::Trigger => vec!["trigger", CONFIG],
        Scope::Step(_) | Scope::Body(_) | Scope::Output | Scope::Whole => [names(&ROOTS), config].concat(),
        Scope::Update => [names(&ROOTS), config, vec![UPDATE]].concat(),
        Scope::Undo(_) => [names(&ROOTS), config, OF_WHAT_IS_UNDONE.to_vec()].concat(),
        Scope::Backoff(_) => [names(&ROOTS), config, names(&BACKOFF_ROOTS)].concat(),
    }
}

fn check_field(reader: &mut Reader, used: &Use, path: &[String], at: usize, owner: &str, field: &str, known: &[&str]) {
    if known.contains(&field) {
        return;
    }
    let hint = match nearest(field, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("it has `{}`", known.join("`, `")),
    };
    let place = place(reader, used, path, at);
    reader.error(place, format!("{owner} has no `{}`", shown(field))).hint(hint);
}

/// Where the part `at` of a path stands in the file, for an error about it.
fn place(reader: &Reader, used: &Use, path: &[String], at: usize) -> Place {
    place_for(reader, used, path, at, Severity::Error)
}

fn place_for(reader: &Reader, used: &Use, path: &[String], at: usize, severity: Severity) -> Place {
    let Content::Text(text) = &used.node.content else { return used.node.place };
    if !reader.tells(severity) {
        return used.node.place;
    }
    let found = locate(&used.expression, path, at);
    reader.source.inside(text, used.offset + found.start, found.len())
}

/// How a step that is read stands to the one that reads it.
#[derive(Clone, Copy, PartialEq)]
enum Relation {
    Before,
    After,
    /// Nothing says which is first.
    Parallel,
    Itself,
    /// The step that reads is inside it.
    Around,
    /// It is inside the step that reads.
    Inside,
    /// Of the two, one runs at most.
    OtherCase,
}

/// Two steps of the same map that stand for two steps: themselves, or those that they are inside of.
struct Beside {
    level: usize,
    reader: usize,
    read: usize,
}

fn relations(outline: &Outline, order: &Order, readings: &[Reading]) -> Vec<Relation> {
    let mut relations = vec![Relation::Parallel; readings.len()];
    let mut questions: Vec<Vec<(usize, Beside)>> = (0..order.levels.len()).map(|_| vec![]).collect();
    for (index, reading) in readings.iter().enumerate() {
        match beside(outline, reading.reader, reading.read) {
            Ok(beside) => questions[beside.level].push((index, beside)),
            Err(relation) => relations[index] = relation,
        }
    }
    for (level, questions) in order.levels.iter().zip(questions) {
        // The order of steps that wait in a circle is told as a fault of its own.
        if level.is_cyclic() {
            questions.iter().for_each(|(index, _)| relations[*index] = Relation::Before);
            continue;
        }
        let forward: Vec<_> = questions.iter().map(|(_, beside)| (beside.read, beside.reader)).collect();
        let backward: Vec<_> = questions.iter().map(|(_, beside)| (beside.reader, beside.read)).collect();
        let answers = level.precede(&forward).into_iter().zip(level.precede(&backward));
        for ((index, _), (before, after)) in questions.iter().zip(answers) {
            relations[*index] = match (before, after) {
                (true, _) => Relation::Before,
                (false, true) => Relation::After,
                (false, false) => Relation::Parallel,
            };
        }
    }
    relations
}

fn beside(outline: &Outline, reader: usize, read: usize) -> Result<Beside, Relation> {
    if reader == read {
        return Err(Relation::Itself);
    }
    let (mine, its) = (outline.ancestry(reader), outline.ancestry(read));
    if mine.contains(&read) {
        return Err(Relation::Around);
    }
    if its.contains(&reader) {
        return Err(Relation::Inside);
    }
    let level = |step: &usize| outline.steps[*step].level;
    let outermost = |line: &[usize]| line.last().map(|step| outline.part(*step));
    match (outermost(&mine), outermost(&its)) {
        _ if mine.last() == its.last() => {}
        // Everything is done when it begins.
        (Some(Part::Handler), Some(part)) if part != Part::Handler => return Err(Relation::Before),
        (_, Some(Part::Handler)) => return Err(Relation::After),
        _ => {}
    }
    let pair = mine.iter().find_map(|a| its.iter().find(|b| level(a) == level(b)).map(|b| (*a, *b)));
    let (beside, read_beside) = pair.expect("all steps are in the outermost map or inside a step of it");
    if beside == read_beside {
        return Err(of_one_step(outline, &mine, &its, beside));
    }
    let (reader, read) = (beside, read_beside);
    Ok(Beside { level: outline.steps[reader].level, reader, read })
}

/// How two steps stand to each other that are in different maps of one step.
fn of_one_step(outline: &Outline, mine: &[usize], its: &[usize], around: usize) -> Relation {
    let part = |line: &[usize]| {
        line.iter().find(|step| outline.steps[**step].parent == Some(around)).map(|step| outline.part(*step))
    };
    match (part(mine), part(its)) {
        (Some(Part::Catch), Some(Part::Body)) => Relation::Before,
        (Some(Part::Body), Some(Part::Catch)) => Relation::After,
        _ => Relation::OtherCase,
    }
}

fn tell(reader: &mut Reader, outline: &Outline, reading: &Reading, relation: Relation) {
    let name = |step: usize| shown(&outline.steps[step].name);
    let (this, read) = (name(reading.reader), name(reading.read));
    let message = match relation {
        Relation::Before => return,
        Relation::Parallel => {
            let hint = beside(outline, reading.reader, reading.read)
                .ok()
                .map(|beside| format!("let `{}` come after it: `after: {}`", name(beside.reader), name(beside.read)));
            let place = place_for(reader, reading.used, reading.path, 1, Severity::Warning);
            let message = format!("`{read}` may not have ended when `{this}` reads it");
            return reader.warning(place, message).maybe_hint(hint);
        }
        Relation::After => format!("`{this}` reads `{read}`, which only runs after it"),
        Relation::Itself if matches!(reading.used.scope, Scope::Undo(_)) => {
            format!("what is undone is `{this}` itself; what it gave is `output`")
        }
        Relation::Itself => format!("`{this}` reads itself before it has run"),
        Relation::Around => format!("`{this}` reads `{read}`, which ends only after it: it is inside of it"),
        Relation::Inside => format!("`{this}` reads `{read}`, which is inside of it and has not run yet"),
        Relation::OtherCase => format!("`{this}` reads `{read}`, which is in another case: only one of them runs"),
    };
    let place = place(reader, reading.used, reading.path, 1);
    reader.error(place, message);
}
