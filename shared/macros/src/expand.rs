//! What comes of a module: itself, with what makes its definition and what a worker runs.
//!
//! Each module inside of it gives its steps and its activities by itself, so that types and values mean there what they mean to whoever
//! wrote them.

mod keys;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, Ident, ext::IdentExt};

use self::keys::{handler, keys_of, top};
use crate::{
    args::{Value, map},
    check::Activities,
    module::{Level, Module, Step, What},
    words::Holder,
};

pub(crate) fn expand(module: &Module, activities: &Activities) -> TokenStream {
    let steps = steps(module, &module.root);
    let top =
        top(module).into_iter().map(|(key, value)| quote!(.with(#key, ::sagaline_sdk::workflow::__json!(#value))));
    let handlers = module.args.named.iter().filter_map(|arg| {
        let (word, _) = module.handler(&arg.value)?;
        let (set, step) = (&arg.key, handler(&arg.value, word));
        Some(quote!(.#set(#step)))
    });
    let name = &module.name;
    let definition = quote!(::sagaline_sdk::workflow::Workflow::new(#name) #(#top)* #(#handlers)* #(#steps)*);
    let inside: Vec<TokenStream> = module.root.inside().map(|level| inner(module, level, Some(activities))).collect();
    whole(module, &inside, &definition, &run(module, &module.root, activities))
}

/// With what is wrong, and with what others may call all the same: so that nothing else is told besides.
pub(crate) fn with_faults(module: &Module, faults: &Error) -> TokenStream {
    let faults = faults.to_compile_error();
    let inside: Vec<TokenStream> = module.root.inside().map(|level| inner(module, level, None)).collect();
    let module = whole(module, &inside, &quote!(::core::unreachable!()), &quote!(::core::unreachable!()));
    quote!(#faults #module)
}

fn whole(module: &Module, inside: &[TokenStream], definition: &TokenStream, activities: &TokenStream) -> TokenStream {
    let item = &module.root.item;
    let (attrs, vis, ident) = (&item.attrs, &item.vis, &item.ident);
    let items = item.content.iter().flat_map(|(_, items)| items);
    let about = format!("The definition of the workflow `{}`.", module.name.value());
    quote! {
        #(#attrs)*
        #vis mod #ident {
            #(#items)*

            #(#inside)*

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

/// A module inside of another. Where something is wrong it is only what it was.
fn inner(module: &Module, level: &Level, activities: Option<&Activities>) -> TokenStream {
    let (attrs, vis, ident) = (&level.item.attrs, &level.item.vis, &level.item.ident);
    let items = level.item.content.iter().flat_map(|(_, items)| items);
    let inside = level.inside().map(|level| inner(module, level, activities));
    let made = activities.map(|activities| {
        let gives = gives(module, level);
        let run = run(module, level, activities);
        quote! {
            #gives

            #[doc(hidden)]
            #[allow(clippy::needless_question_mark)]
            pub(super) fn __activities(worker: ::sagaline_sdk::worker::Worker) -> ::sagaline_sdk::worker::Worker {
                #run
            }
        }
    });
    quote! {
        #(#attrs)*
        #vis mod #ident {
            #(#items)*

            #(#inside)*

            #made
        }
    }
}

/// What the module around a level takes from it: its steps, or the whole choice between its cases.
fn gives(module: &Module, level: &Level) -> TokenStream {
    if level.cases.is_empty() {
        let steps = steps(module, level);
        return quote! {
            #[doc(hidden)]
            pub(super) fn __steps() -> ::sagaline_sdk::workflow::Steps {
                ::sagaline_sdk::workflow::Steps::new() #(#steps)*
            }
        };
    }
    let cases = level.cases.iter().map(|case| {
        let (name, when) = (&case.level.item.ident, &case.when);
        match when {
            Some(when) => quote!(.case(#when, #name::__steps())),
            None => quote!(.otherwise(#name::__steps())),
        }
    });
    quote! {
        #[doc(hidden)]
        pub(super) fn __switch() -> ::sagaline_sdk::workflow::Step {
            ::sagaline_sdk::workflow::switch() #(#cases)*
        }
    }
}

/// Each step, as it is added to those before.
fn steps(module: &Module, level: &Level) -> Vec<TokenStream> {
    let one = |one: &Step| {
        let (name, step) = (one.text(), step(module, level, one));
        quote!(.step(#name, #step))
    };
    level.steps.iter().map(one).collect()
}

fn step(module: &Module, level: &Level, step: &Step) -> TokenStream {
    let keys = keys_of(module, level, step);
    let step_of = match &step.what {
        What::Code | What::Kind(_) => {
            let keys = map(keys);
            quote!(::sagaline_sdk::workflow::Step::from_keys(::sagaline_sdk::workflow::__json!(#keys)))
        }
        What::Holds(holder, _) => {
            let holds = holds(step, holder);
            let with =
                keys.into_iter().map(|(key, value)| quote!(.with(#key, ::sagaline_sdk::workflow::__json!(#value))));
            quote!(#holds #(#with)*)
        }
    };
    match step.body("on_timeout") {
        Some(late) => quote!(#step_of.on_timeout(#late::__steps())),
        None => step_of,
    }
}

fn holds(step: &Step, holder: &Holder) -> TokenStream {
    let name = &step.name;
    match holder.key {
        "switch" => quote!(#name::__switch()),
        "race" => quote!(::sagaline_sdk::workflow::race(#name::__steps())),
        "try" => {
            let tried = quote!(::sagaline_sdk::workflow::attempt(#name::__steps()));
            let Some(catch) = step.body("catch") else { return tried };
            match errors(step.args.get("catch")) {
                Some(errors) => quote!(#tried.catch_only([#(#errors),*], #catch::__steps())),
                None => quote!(#tried.catch(#catch::__steps())),
            }
        }
        _ => quote!(::sagaline_sdk::workflow::steps(#name::__steps())),
    }
}

/// The types of errors that are caught, if not all are.
fn errors(catch: Option<&Value>) -> Option<Vec<TokenStream>> {
    let Some(Value::Call(_, args)) = catch else { return None };
    Some(args.get("errors")?.each().into_iter().map(Value::json).collect())
}

/// A worker with the activities of a level, and of all in it.
fn run(module: &Module, level: &Level, activities: &Activities) -> TokenStream {
    let of_functions =
        level.functions.iter().filter(|(name, _)| activities.has(level, name)).map(|(name, function)| {
            let activity = activity(module, name);
            let ident = &function.signature.ident;
            let context = quote!(context: ::sagaline_sdk::worker::ActivityContext);
            let (input, call) = match function.input() {
                Some(input) => (quote!(input: #input), quote_spanned!(ident.span()=> #ident(context, input))),
                None => {
                    (quote!(_: ::sagaline_sdk::workflow::__Nothing), quote_spanned!(ident.span()=> #ident(context)))
                }
            };
            quote! {
                .activity(#activity, |#context, #input| async move {
                    ::core::result::Result::Ok::<_, ::sagaline_sdk::worker::ActivityError>(#call.await?)
                })
            }
        });
    let inside: Vec<&Ident> = level.inside().map(|level| &level.item.ident).collect();
    quote! {
        let worker = worker #(#of_functions)*;
        #(let worker = #inside::__activities(worker);)*
        worker
    }
}

/// What a worker knows a function by.
fn activity(module: &Module, function: &str) -> String {
    format!("{}.{function}", module.name.value())
}

fn activity_of(module: &Module, function: &Ident) -> String {
    activity(module, &function.unraw().to_string())
}
