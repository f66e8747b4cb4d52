//! What comes of a module: itself, with what makes its definition and what a worker runs.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, LitStr, ext::IdentExt};

use crate::{
    args::{Arg, Args, Value, map},
    check::is_activity,
    module::{Module, Step, What},
    words::{HANDLERS, Kind},
};

pub(crate) fn expand(module: &Module) -> TokenStream {
    let steps = module.steps.iter().map(|step| {
        let (name, keys) = (step.text(), keys_of(module, step));
        quote!(.step(#name, ::sagaline_sdk::workflow::Step::from_keys(::sagaline_sdk::workflow::__json!(#keys))))
    });
    let top =
        top(module).into_iter().map(|(key, value)| quote!(.with(#key, ::sagaline_sdk::workflow::__json!(#value))));
    let name = &module.name;
    let definition = quote!(::sagaline_sdk::workflow::Workflow::new(#name) #(#top)* #(#steps)*);
    let activities = module.functions.iter().filter(|(name, _)| is_activity(module, name)).map(|(name, function)| {
        let activity = activity(module, name);
        let ident = &function.signature.ident;
        let context = quote!(context: ::sagaline_sdk::worker::ActivityContext);
        let (input, call) = match function.input() {
            Some(input) => (quote!(input: #input), quote_spanned!(ident.span()=> #ident(context, input))),
            None => (quote!(_: ::sagaline_sdk::workflow::__Nothing), quote_spanned!(ident.span()=> #ident(context))),
        };
        quote! {
            .activity(#activity, |#context, #input| async move {
                ::core::result::Result::Ok::<_, ::sagaline_sdk::worker::ActivityError>(#call.await?)
            })
        }
    });
    whole(module, &definition, &quote!(worker #(#activities)*))
}

/// With what is wrong, and with what others may call all the same: so that nothing else is told besides.
pub(crate) fn with_faults(module: &Module, faults: &Error) -> TokenStream {
    let faults = faults.to_compile_error();
    let module = whole(module, &quote!(::core::unreachable!()), &quote!(::core::unreachable!()));
    quote!(#faults #module)
}

fn whole(module: &Module, definition: &TokenStream, activities: &TokenStream) -> TokenStream {
    let item = &module.item;
    let (attrs, vis, ident) = (&item.attrs, &item.vis, &item.ident);
    let items = item.content.iter().flat_map(|(_, items)| items);
    let about = format!("The definition of the workflow `{}`.", module.name.value());
    quote! {
        #(#attrs)*
        #vis mod #ident {
            #(#items)*

            #[doc = #about]
            #[allow(unreachable_code, unreachable_pub, dead_code)]
            pub fn definition() -> ::sagaline_sdk::workflow::Workflow {
                #definition
            }

            /// The worker with the activities of this workflow.
            // `?` makes an error of an activity of whatever the function has; some have that already.
            #[allow(unreachable_code, unreachable_pub, dead_code, unused_variables, clippy::needless_question_mark)]
            pub fn activities(worker: ::sagaline_sdk::worker::Worker) -> ::sagaline_sdk::worker::Worker {
                #activities
            }

            /// The worker with the activities of this workflow, which applies its definition when it starts.
            #[allow(unreachable_pub, dead_code)]
            pub fn register(worker: ::sagaline_sdk::worker::Worker) -> ::sagaline_sdk::worker::Worker {
                activities(worker).workflow(definition())
            }
        }
    }
}

/// What a worker knows a function by.
fn activity(module: &Module, function: &str) -> String {
    format!("{}.{function}", module.name.value())
}

/// The keys of a step, as YAML has them.
fn keys_of(module: &Module, step: &Step) -> TokenStream {
    let mut keys: Vec<(String, TokenStream)> = vec![];
    let mut inner: Vec<(String, TokenStream)> = vec![];
    match &step.what {
        What::Code => {
            let name = step.text();
            keys.push(("activity".to_owned(), text(&activity(module, &name))));
            let takes_input = module.functions.get(&name).is_some_and(|function| function.input().is_some());
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
    }
    let mut approval: Vec<(String, TokenStream)> = vec![];
    for (name, values) in together(&step.args.named) {
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
            What::Kind(_) | What::Code => keys.push((name, value)),
        }
    }
    if let What::Kind(kind) = &step.what {
        if kind.attribute == "approval" {
            inner.insert(0, ("approval".to_owned(), map(approval)));
        }
        if !inner.is_empty() {
            keys.insert(0, (kind.key.to_owned(), map(inner)));
        }
    }
    map(keys)
}

/// The keys at the top.
fn top(module: &Module) -> Vec<(String, TokenStream)> {
    let (mut keys, mut on) = (vec![], vec![]);
    for (name, values) in together(&module.args.named) {
        match name.as_str() {
            "name" => {}
            "on_event" => on.extend(values.iter().map(|value| event(value))),
            "schedule" => on.extend(values.iter().map(|value| value.json())),
            "manual" => on.push(text("manual")),
            handler if HANDLERS.contains(&handler) => {
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
        Value::Word(word) => map([("activity".to_owned(), text(&activity(module, &word.unraw().to_string())))]),
        Value::Text(name) => map([("activity".to_owned(), text(&name.value()))]),
        Value::Call(_, args) => {
            let name = match &args.first {
                Some(Value::Word(word)) => Some(text(&activity(module, &word.unraw().to_string()))),
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
