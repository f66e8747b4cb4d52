//! What must hold of every text: it ends with an answer, soon; what reads is written back as the same; faults name a place that there is.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use sagaline_expr::{EvalError, Expression, Known, Problem, Template, ValueKind};
use sagaline_lang::{Faults, convert, documents, format, read_all, to_yaml, yaml};
use serde_json::{Map, Value, json};

use crate::{
    Form,
    commented::{commented, lost},
    random::Random,
    watchdog::cpu,
};

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub what: String,
}

/// What a text led to: kinds of answers. Texts that lead to others than before are worth keeping.
pub type Signs = BTreeSet<String>;

/// Looks at everything. `Err`: something does not hold.
pub fn check(form: Form, text: &str) -> Result<Signs, Finding> {
    let begun = cpu();
    let answer = catch_unwind(AssertUnwindSafe(|| match form {
        Form::Yaml => definition(text, "any.yaml"),
        Form::Flow => definition(text, "any.flow").and_then(|signs| formatted(text, signs)),
        Form::Expression => expression(text),
    }));
    let took = cpu().saturating_sub(begun);
    if patience(form, text) < took {
        return finding(format!("{} bytes took {took:?} of the processor", text.len()));
    }
    answer.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        finding(format!("it panics: {}", said.unwrap_or_default()))
    })
}

/// What may be taken by a build without optimization, for reading a text some times over. Reading takes milliseconds for a KiB; a loop without
/// end, or one that goes over the text for each of its lines, takes more.
pub(crate) fn patience(form: Form, text: &str) -> Duration {
    let kib = u32::try_from(text.len() / 1024).unwrap_or(u32::MAX).saturating_add(1);
    match form {
        Form::Yaml | Form::Flow => Duration::from_millis(500) + Duration::from_millis(250) * kib,
        // A whole evaluation is bounded by work that takes so long without optimization.
        Form::Expression => Duration::from_secs(5),
    }
}

fn finding<T>(what: impl Into<String>) -> Result<T, Finding> {
    Err(Finding { what: what.into() })
}

fn definition(text: &str, file: &str) -> Result<Signs, Finding> {
    let mut signs = Signs::new();
    match read_all(text, file) {
        Err(faults) => signs.extend(told(&faults, text)?),
        Ok(definitions) => {
            for definition in definitions {
                signs.extend(definition.warnings.iter().map(|warning| kind(&warning.message)));
                let json = serde_json::to_value(&definition.plan).unwrap_or_default();
                shape("", &json, &mut signs);
                match to_yaml(&definition.plan) {
                    Ok(_) => {}
                    // What is just small enough once is too large when everything is written out.
                    Err(error) if error.why.contains("levels deep") || error.why.contains("at most") => {}
                    Err(error) => return finding(error.to_string()),
                }
            }
        }
    }
    let (to, as_file) = match sagaline_lang::Form::of(file) {
        sagaline_lang::Form::Yaml => (sagaline_lang::Form::Flow, "converted.flow"),
        sagaline_lang::Form::Flow => (sagaline_lang::Form::Yaml, "converted.yaml"),
    };
    if let Ok(converted) = convert(text, file, to) {
        same_plans(text, file, &converted, as_file)?;
        with_comments(text, file, to)?;
    }
    if let Ok(documents) = documents(text, file) {
        let written = yaml(&documents);
        let back = sagaline_lang::documents(&written, "written.yaml");
        let meant: Vec<_> = documents.iter().filter(|document| document.json() != Value::Null).cloned().collect();
        match back {
            Ok(back) if back == meant => {}
            // Aliases that were written out.
            Err(faults) if faults.to_string().contains("levels deep") => {}
            other => return finding(format!("it is written as\n{written}\nwhich is read as {other:?}")),
        }
        same_plans(text, file, &written, "written.yaml")?;
    }
    Ok(signs)
}

/// Comments at some places are all in the other form, and none in what it says.
fn with_comments(text: &str, file: &str, to: sagaline_lang::Form) -> Result<(), Finding> {
    let (commented, many) = commented(&mut Random::new(text.len() as u64), text, file, 4);
    let Ok(converted) = convert(&commented, file, to) else {
        return finding(format!("with comments it is\n{commented}\nwhich cannot be converted"));
    };
    let as_file = if to == sagaline_lang::Form::Flow { "converted.flow" } else { "converted.yaml" };
    same_plans(&commented, file, &converted, as_file)?;
    match lost(&converted, many) {
        Some(lost) => finding(format!("{lost}:\n{commented}\nbecomes\n{converted}")),
        None => Ok(()),
    }
}

/// What says the same comes to the same, if it comes to anything.
fn same_plans(text: &str, file: &str, other: &str, as_file: &str) -> Result<(), Finding> {
    let plans = |text: &str, file: &str| {
        let definitions = read_all(text, file).ok()?;
        Some(definitions.into_iter().map(|definition| definition.plan).collect::<Vec<_>>())
    };
    let too_large = sagaline_lang::LARGEST_FILE < other.len();
    match plans(text, file) {
        Some(meant) if !too_large && plans(other, as_file).as_ref() != Some(&meant) => {
            finding(format!("it is written as\n{other}\nwhich means something else"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The canonical form is the same again, and means the same.
fn formatted(text: &str, signs: Signs) -> Result<Signs, Finding> {
    let Ok(once) = format(text, "any.flow") else { return Ok(signs) };
    match format(&once, "once.flow") {
        Ok(twice) if twice == once => {}
        Ok(twice) => return finding(format!("formatted it is\n{once}\nand formatted once more\n{twice}")),
        Err(faults) => return finding(format!("formatted it is\n{once}\nwhich cannot be read: {faults}")),
    }
    same_plans(text, "any.flow", &once, "once.flow")?;
    let comments = |text: &str| text.matches("//").count();
    if comments(&once) < comments(text) {
        return finding(format!("formatted it is\n{once}\nwith fewer comments"));
    }
    Ok(signs)
}

fn told(faults: &Faults, text: &str) -> Result<Signs, Finding> {
    // A carriage return ends a line, too.
    let text_of_lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<usize> = text_of_lines.split('\n').map(|line| line.chars().count()).collect();
    if faults.0.is_empty() {
        return finding("it is refused, and no fault is told");
    }
    for fault in &faults.0 {
        let width = lines.get(fault.line.wrapping_sub(1)).copied();
        // The end of the file is a place, too; a byte order mark is no column.
        let is_there = fault.line == lines.len() + 1 || width.is_some_and(|width| fault.column <= width + 2);
        if fault.line == 0 || fault.column == 0 || fault.width == 0 || !is_there || fault.message.is_empty() {
            return finding(format!("a fault is nowhere: {fault:?}"));
        }
    }
    if faults.render(text).is_empty() {
        return finding("faults that are shown as nothing");
    }
    Ok(faults.0.iter().map(|fault| kind(&fault.message)).collect())
}

/// The message without what it quotes and counts.
fn kind(message: &str) -> String {
    let outside: Vec<&str> = message.split('`').step_by(2).collect();
    outside.join("…").chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The keys of a plan, each with the one that it is in.
fn shape(around: &str, json: &Value, signs: &mut Signs) {
    const VALUES: [&str; 12] = [
        "input",
        "values",
        "metadata",
        "details",
        "data",
        "output",
        "input_schema",
        "schema",
        "queries",
        "set",
        "result",
        "with",
    ];
    match json {
        Value::Array(items) => items.iter().for_each(|item| shape(around, item, signs)),
        Value::Object(fields) => {
            for (key, inside) in fields {
                signs.insert(format!("{around}.{key}"));
                if !VALUES.contains(&key.as_str()) {
                    shape(key, inside, signs);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is told of an expression before it is evaluated stands in it, and comes true.
fn foreseen(
    expression: &Expression,
    scope: &Map<String, Value>,
    result: &Result<Value, EvalError>,
    signs: &mut Signs,
) -> Result<(), Finding> {
    let whole = Value::Object(scope.clone());
    let knows = |path: &[String]| {
        let value = path.iter().try_fold(&whole, |value, name| value.get(name))?;
        ValueKind::of_json(value).map(Known::Kind)
    };
    let foreseen = expression.foresee(&knows);
    for doubt in &foreseen.doubts {
        if expression.source().get(doubt.at..doubt.at + doubt.len).is_none() {
            return finding(format!("it is told of something nowhere: {doubt:?}"));
        }
        if let Problem::Other { message, .. } = &doubt.problem {
            signs.insert(format!("told: {}", kind(message)));
        }
    }
    let (Some(kinds), Ok(value)) = (foreseen.kinds, result) else { return Ok(()) };
    let Some(kind) = ValueKind::of_json(value) else { return Ok(()) };
    // As a result, times and durations are texts.
    let is_text =
        kind == ValueKind::Text && kinds.iter().any(|kind| [ValueKind::Time, ValueKind::Duration].contains(kind));
    if kinds.contains(&kind) || is_text {
        Ok(())
    } else {
        finding(format!("it was told to be {kinds:?} and gives {value}"))
    }
}

fn expression(text: &str) -> Result<Signs, Finding> {
    let mut signs = Signs::new();
    let scope: Map<String, Value> = Map::from_iter([
        ("a".to_owned(), json!({ "n": 3, "s": "text", "l": [1, 2.5, "x", null], "m": { "k": [true] }, "z": null })),
        (
            "workflow".to_owned(),
            json!({ "input": { "total": 12, "items": [{ "price": 120, "id": "A" }, { "price": 7 }] } }),
        ),
        ("item".to_owned(), json!("A-1")),
        ("r".to_owned(), json!({ "$ref": { "key": "k" } })),
    ]);
    match Expression::compile(text) {
        Err(error) => {
            if text.len() < error.offset || error.message.is_empty() {
                return finding(format!("a fault is nowhere: {error:?}"));
            }
            signs.insert(kind(&error.message));
        }
        Ok(expression) => {
            let (one, other) = (expression.evaluate(&scope), expression.evaluate(&scope));
            if format!("{one:?}") != format!("{other:?}") {
                return finding(format!("it gives {one:?}, and then {other:?}"));
            }
            signs.insert(match &one {
                Ok(Value::Null) => "null".to_owned(),
                Ok(Value::Bool(_)) => "a boolean".to_owned(),
                Ok(Value::Number(_)) => "a number".to_owned(),
                Ok(Value::String(_)) => "a text".to_owned(),
                Ok(Value::Array(_)) => "a list".to_owned(),
                Ok(Value::Object(_)) => "a map".to_owned(),
                Err(error) => kind(&error.cause.to_string()),
            });
            foreseen(&expression, &scope, &one, &mut signs)?;
            if expression.holds(&scope) != matches!(one, Ok(Value::Bool(true))) {
                return finding(format!("it holds, or not, and gives {one:?}"));
            }
        }
    }
    // The same as a text with expressions in it.
    match Template::compile(&Value::String(text.to_owned())) {
        Ok(template) => {
            let rendered = template.render(&scope);
            if !text.contains("${") && rendered.as_ref().ok() != Some(&Value::String(text.to_owned())) {
                return finding(format!("a text without expressions becomes {rendered:?}"));
            }
        }
        Err(errors) => signs.extend(errors.iter().map(|error| format!("template: {}", kind(&error.error.message)))),
    }
    Ok(signs)
}
