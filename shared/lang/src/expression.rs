//! The expressions of a definition: compiled while it is read, and listed in the outline with what they read.
//!
//! What they may read is not decided here (`references`): that needs all steps.

use std::rc::Rc;

use sagaline_expr::{Expression, Template};
use sagaline_model::Moment;
use serde_json::Value;

use crate::{
    fault::Severity,
    outline::{MustBe, Outline, Scope, Use},
    reader::Reader,
    syntax::shown,
    tree::{Content, Node, Text},
};

/// A condition, `${…}` or bare; gives it bare.
pub(crate) fn condition(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, scope: Scope) -> Option<String> {
    let text = match &node.content {
        Content::Text(text) => text,
        Content::Plain(Value::Bool(value), _) => return Some(value.to_string()),
        Content::Plain(..) | Content::List(_) | Content::Map(_) => {
            reader.wrong_kind(node, "when", "a condition").hint("for example \"${ workflow.input.total > 0 }\"");
            return None;
        }
    };
    if text.value.contains("${") {
        return whole(reader, outline, node, "when", scope, Some(MustBe::Condition));
    }
    bare(reader, outline, node, text, &text.value, scope, Some(MustBe::Condition))
}

/// A text that is one `${…}` and nothing else; gives what is in it.
pub(crate) fn whole(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    what: &str,
    scope: Scope,
    must_be: Option<MustBe>,
) -> Option<String> {
    let text = reader.text(node, what)?;
    let Some(inner) = sagaline_expr::whole(&text.value) else {
        reader.error(node.place, format!("`{what}` must be one `${{…}}` with nothing around it"));
        return None;
    };
    bare(reader, outline, node, text, inner, scope, must_be)
}

/// A duration, or `${…}` that gives one when the time comes.
pub(crate) fn duration(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    what: &str,
    scope: Scope,
) -> Option<String> {
    computed(reader, outline, node, what, scope, MustBe::Duration)
        .unwrap_or_else(|| reader.span(node, what).map(|span| written(node, span)))
}

/// A [`duration`] that is longer than nothing.
pub(crate) fn timeout(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    what: &str,
    scope: Scope,
) -> Option<String> {
    computed(reader, outline, node, what, scope, MustBe::Duration)
        .unwrap_or_else(|| reader.positive_span(node, what).map(|span| written(node, span)))
}

/// A time, or `${…}` that gives one when the time comes.
pub(crate) fn moment(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    what: &str,
    scope: Scope,
) -> Option<String> {
    computed(reader, outline, node, what, scope, MustBe::Moment).unwrap_or_else(|| {
        let text = reader.text(node, what)?;
        if text.value.parse::<Moment>().is_ok() {
            return Some(text.value.clone());
        }
        let message = format!("`{what}`: `{}` is not a time", shown(&text.value));
        reader.error(node.place, message).hint("for example `2026-11-20T06:00:00Z`, or \"${ workflow.input.until }\"");
        None
    })
}

/// A whole number from 1 on, or `${…}` that gives one when the time comes.
pub(crate) fn count(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    what: &str,
    hint: &str,
    scope: Scope,
) -> Option<String> {
    computed(reader, outline, node, what, scope, MustBe::Count)
        .unwrap_or_else(|| reader.count(node, what, hint).map(|count| count.to_string()))
}

fn computed(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    what: &str,
    scope: Scope,
    must_be: MustBe,
) -> Option<Option<String>> {
    match &node.content {
        Content::Text(text) if text.value.contains("${") => {
            let inside = whole(reader, outline, node, what, scope, Some(must_be));
            Some(inside.map(|_| text.value.trim().to_owned()))
        }
        Content::Text(_) | Content::Plain(..) | Content::List(_) | Content::Map(_) => None,
    }
}

fn written(node: &Node, span: sagaline_model::Span) -> String {
    match &node.content {
        Content::Text(text) => text.value.trim().to_owned(),
        Content::Plain(..) | Content::List(_) | Content::Map(_) => span.to_string(),
    }
}

/// Checks every text of a value: each may hold `${…}`, alone or within other text.
pub(crate) fn template(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, scope: Scope) {
    match &node.content {
        Content::Text(text) if text.value.contains("${") => text_template(reader, outline, node, text, scope),
        Content::Text(_) | Content::Plain(..) => {}
        Content::List(items) => items.iter().for_each(|item| template(reader, outline, item, scope)),
        Content::Map(entries) => entries.iter().for_each(|entry| template(reader, outline, &entry.value, scope)),
    }
}

fn text_template(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, text: &Text, scope: Scope) {
    if !reader.admits_expressions(node, &text.value) {
        return;
    }
    match Template::compile(&Value::String(text.value.clone())) {
        Ok(template) => outline.uses.push(Use {
            node: Rc::clone(node),
            offset: 0,
            expression: text.value.clone(),
            paths: template.paths().into_iter().map(<[String]>::to_vec).collect(),
            scope,
            compiled: template.expressions().into_iter().map(|(at, one)| (at, one.clone())).collect(),
            must_be: None,
        }),
        Err(errors) => {
            for error in errors {
                let place = reader.inside(Severity::Error, node, error.offset, 1);
                reader.error(place, error.error.message).maybe_hint(error.error.hint);
            }
        }
    }
}

/// Compiles a part of a text: `inner` is a slice of it.
fn bare(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    text: &Text,
    inner: &str,
    scope: Scope,
    must_be: Option<MustBe>,
) -> Option<String> {
    if !reader.admits_expressions(node, inner) {
        return None;
    }
    let trimmed = inner.trim();
    let offset = text.value.find(trimmed).unwrap_or(0);
    match Expression::compile(trimmed) {
        Ok(expression) => {
            let paths = expression.paths().to_vec();
            let compiled = vec![(offset, expression)];
            let expression = trimmed.to_owned();
            let node = Rc::clone(node);
            outline.uses.push(Use { node, offset, expression: expression.clone(), paths, scope, compiled, must_be });
            Some(expression)
        }
        Err(error) => {
            let place = reader.inside(Severity::Error, node, offset + error.offset, 1);
            reader.error(place, error.message).maybe_hint(error.hint);
            None
        }
    }
}
