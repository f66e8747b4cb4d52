//! The keys of steps and of the whole, as YAML has them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, LitStr};

use super::{activity, activity_of};
use crate::{
    args::{Arg, Args, Value, map},
    module::{Level, Module, Step, What},
    words::{HANDLERS, Kind},
};

/// The keys of a step, as YAML has them.
pub(super) fn keys_of(module: &Module, level: &Level, step: &Step) -> Vec<(String, TokenStream)> {
    let mut keys: Vec<(String, TokenStream)> = vec![];
    let mut inner: Vec<(String, TokenStream)> = vec![];
    match &step.what {
        What::Code => {
            let name = step.text();
            keys.push(("activity".to_owned(), text(&activity(module, &name))));
            let takes_input = level.functions.get(&name).is_some_and(|function| function.input().is_some());
            if takes_input && step.args.get("input").is_none() {
                keys.push(("input".to_owned(), text("${ ctx }")));
            }
        }
        What::Kind(Kind { key, first: Some(inside), .. }) => {
            debug_assert!(!key.is_empty());
            inner.extend(step.args.first.as_ref().map(|value| ((*inside).to_owned(), value.json())));
        }
        What::Kind(Kind { key, first: None, .. }) => {
            keys.extend(step.args.first.as_ref().map(|value| ((*key).to_owned(), value.json())));
        }
        What::Holds(holder, _) => {
            inner.extend(
                holder.first.zip(step.args.first.as_ref()).map(|(items, value)| (items.to_owned(), value.json())),
            );
        }
    }
    let mut approval: Vec<(String, TokenStream)> = vec![];
    for (name, values) in together(&step.args.named) {
        // A module that it names gives steps, which are no value.
        if step.body(&name).is_some_and(|_| matches!(name.as_str(), "catch" | "on_timeout")) {
            continue;
        }
        let value = match name.as_str() {
            "compensate" => compensate(module, &values),
            _ => one_or_list(&values),
        };
        match &step.what {
            What::Kind(kind) if kind.attribute == "approval" && matches!(name.as_str(), "approvers" | "notify") => {
                approval.push((name, value));
            }
            What::Kind(kind) if kind.inner.contains(&name.as_str()) => {
                inner.push((if name == "event_when" { "when".to_owned() } else { name }, value));
            }
            What::Holds(holder, _) if holder.first.is_some() && holder.own.contains(&name.as_str()) => {
                inner.push((name, value));
            }
            What::Holds(..) | What::Kind(_) | What::Code => keys.push((name, value)),
        }
    }
    match &step.what {
        What::Kind(kind) => {
            if kind.attribute == "approval" {
                inner.insert(0, ("approval".to_owned(), map(approval)));
            }
            if !inner.is_empty() {
                keys.insert(0, (kind.key.to_owned(), map(inner)));
            }
        }
        What::Holds(..) if !inner.is_empty() => keys.push(("for_each".to_owned(), map(inner))),
        What::Holds(..) | What::Code => {}
    }
    keys
}

/// The step that is done at an end, of the module with this name, and what else is said of it.
pub(super) fn handler(value: &Value, name: &Ident) -> TokenStream {
    let keys = match value {
        Value::Call(_, args) => named(args, &[]),
        Value::Text(_) | Value::Plain(..) | Value::Word(_) | Value::List(..) | Value::Map(..) | Value::Rust(_) => {
            vec![]
        }
    };
    let keys = keys.into_iter().map(|(key, value)| quote!(.with(#key, ::sagaline_sdk::workflow::__json!(#value))));
    quote!(::sagaline_sdk::workflow::steps(#name::__steps()) #(#keys)*)
}

/// The keys at the top. Handlers that are modules are no values, and stand for themselves.
pub(super) fn top(module: &Module) -> Vec<(String, TokenStream)> {
    let (mut keys, mut on) = (vec![], vec![]);
    for (name, values) in together(&module.args.named) {
        match name.as_str() {
            "name" => {}
            "on_event" => on.extend(values.iter().map(|value| event(value))),
            "schedule" => on.extend(values.iter().map(|value| value.json())),
            "manual" => on.push(text("manual")),
            handler if HANDLERS.contains(&handler) => {
                if values.first().is_some_and(|value| module.handler(value).is_some()) {
                    continue;
                }
                keys.extend(values.first().map(|value| (handler.to_owned(), act(module, value, &[]))));
            }
            _ => keys.push((name, one_or_list(&values))),
        }
    }
    if !on.is_empty() {
        keys.push(("on".to_owned(), quote!([#(#on),*])));
    }
    keys
}

/// `on_event = "order.created"`, several, or `on_event("order.created", when = "…")`.
fn event(value: &Value) -> TokenStream {
    match value {
        Value::Call(_, args) => {
            let first = args.first.iter().map(|first| ("event".to_owned(), first.json()));
            map(first.chain(named(args, &[])))
        }
        Value::Map(..) => value.json(),
        Value::Text(_) | Value::Plain(..) | Value::Word(_) | Value::List(..) | Value::Rust(_) => {
            map([("event".to_owned(), value.json())])
        }
    }
}

/// `compensate = release`, several, or `compensate(release, allow_skip)`.
fn compensate(module: &Module, values: &[&Value]) -> TokenStream {
    const OF_ALL: &[&str] = &["on"];
    let mut actions = vec![];
    let mut keys = vec![];
    for value in values.iter().flat_map(|value| value.each()) {
        if let Value::Call(_, args) = value {
            keys.extend(args.get("on").map(|on| ("on".to_owned(), on.json())));
            if let Some(Value::List(_, items)) = &args.first {
                actions.extend(items.iter().map(|item| act(module, item, OF_ALL)));
                continue;
            }
        }
        actions.push(act(module, value, OF_ALL));
    }
    keys.push(("actions".to_owned(), quote!([#(#actions),*])));
    map(keys)
}

/// What is done by a function of the module, or by what a text names.
fn act(module: &Module, value: &Value, without: &[&str]) -> TokenStream {
    match value {
        Value::Word(word) => map([("activity".to_owned(), text(&activity_of(module, word)))]),
        Value::Text(name) => map([("activity".to_owned(), text(&name.value()))]),
        Value::Call(_, args) => {
            let name = match &args.first {
                Some(Value::Word(word)) => Some(text(&activity_of(module, word))),
                Some(other) => Some(other.json()),
                None => None,
            };
            map(name.map(|name| ("activity".to_owned(), name)).into_iter().chain(named(args, without)))
        }
        Value::Plain(..) | Value::List(..) | Value::Map(..) | Value::Rust(_) => value.json(),
    }
}

fn named(args: &Args, without: &[&str]) -> Vec<(String, TokenStream)> {
    let named = args.named.iter().filter(|arg| !without.contains(&arg.name().as_str()));
    named.map(|arg| (arg.name(), arg.value.json())).collect()
}

/// What was said several times stands together, in the order of the first.
fn together(args: &[Arg]) -> Vec<(String, Vec<&Value>)> {
    let mut all: Vec<(String, Vec<&Value>)> = vec![];
    for arg in args {
        match all.iter_mut().find(|(name, _)| *name == arg.name()) {
            Some((_, values)) => values.push(&arg.value),
            None => all.push((arg.name(), vec![&arg.value])),
        }
    }
    all
}

fn one_or_list(values: &[&Value]) -> TokenStream {
    match values {
        [one] => one.json(),
        several => {
            let several = several.iter().map(|value| value.json());
            quote!([#(#several),*])
        }
    }
}

fn text(text: &str) -> TokenStream {
    let text = LitStr::new(text, proc_macro2::Span::call_site());
    quote!(#text)
}
