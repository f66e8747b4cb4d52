//! Workflows as Rust modules. Users get this from `sagaline_sdk::workflow`, where it is described.
//!
//! What can be seen in the module is checked here, with the place in the source: names of steps, circles, durations, arguments,
//! signatures. All else is checked when the definition is built, as it is for a file.

mod args;
mod check;
mod duration;
mod expand;
mod function;
mod module;
mod words;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Error, Item, parse_macro_input};

/// A module whose functions are the steps of a workflow; see `sagaline_sdk::workflow`.
#[proc_macro_attribute]
pub fn workflow(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as args::Args);
    let item = match parse_macro_input!(item as Item) {
        Item::Mod(item) => item,
        other => {
            let message = "`#[workflow]` stands before a module: `mod order { … }`";
            let fault = Error::new_spanned(&other, message).into_compile_error();
            return quote!(#fault #other).into();
        }
    };
    let (module, mut faults) = module::Module::read(args, item);
    let activities = check::Activities::of(&module);
    faults.extend(check::check(&module, &activities));
    let expanded = match faults.into_iter().reduce(|mut all, fault| {
        all.combine(fault);
        all
    }) {
        None => expand::expand(&module, &activities),
        Some(faults) => expand::with_faults(&module, &faults),
    };
    expanded.into()
}
