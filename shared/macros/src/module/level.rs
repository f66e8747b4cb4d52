//! Reading what stands in a module.

use std::collections::BTreeMap;

use proc_macro2::Span;
use syn::{Attribute, Error, Ident, Item, ItemFn, ItemMod, Signature, ext::IdentExt, parse::Parser, spanned::Spanned};

use super::{Case, Level, Step, What, step};
use crate::{
    args::{Args, Value},
    function::Function,
    words::{HOLDERS, Holder},
};

#[derive(Default)]
pub(super) struct Reading {
    pub(super) faults: Vec<Error>,
    levels: usize,
}

impl Reading {
    pub(super) fn fault(&mut self, span: Span, message: impl std::fmt::Display) {
        self.faults.push(Error::new(span, message));
    }

    fn or_fault<T>(&mut self, read: Result<T, Error>) -> Option<T> {
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// A module with steps. `named` are words of others that may mean a module of it.
    pub(super) fn steps(&mut self, item: ItemMod, what: &str, named: &[&Ident]) -> Level {
        let (mut level, items) = self.level(item, what);
        let (mut kept, mut modules) = (vec![], vec![]);
        for mut item in items {
            let keep = match &mut item {
                Item::Fn(function) => {
                    let read = step::with_code(function);
                    level.steps.extend(self.or_fault(read).flatten());
                    level.know(function);
                    true
                }
                Item::Verbatim(tokens) => match bodiless(tokens.clone()) {
                    None => true,
                    Some((attrs, signature)) => {
                        let read = step::without_code(&attrs, &signature);
                        let is_fine = read.is_ok();
                        let step = self.or_fault(read).flatten();
                        // Only what is Rust by itself can stay.
                        let keep = is_fine && step.is_none();
                        level.steps.extend(step);
                        keep
                    }
                },
                Item::Mod(_) => {
                    let Item::Mod(module) = item else { unreachable!("it was one right now") };
                    modules.push(module);
                    continue;
                }
                _ => true,
            };
            if keep {
                kept.push(item);
            }
        }
        // Those that are named are known only when all others are read.
        let mut plain = vec![];
        for mut module in modules {
            match self.holder(&mut module) {
                None => plain.push(module),
                Some((holder, args)) => {
                    let (name, what) = (module.ident.clone(), format!("`#[{}]`", holder.attribute));
                    let inner = match holder.key {
                        "switch" => self.cases(module, &what),
                        _ => self.steps(module, &what, &[]),
                    };
                    level.steps.push(Step { name, args, what: What::Holds(holder, Box::new(inner)) });
                }
            }
        }
        for module in plain {
            let is_named = level.steps.iter().flat_map(Step::bodies).chain(named.iter().copied());
            if is_named.into_iter().any(|word| *word == module.ident) {
                let inner = self.steps(module, "a module that is named", &[]);
                level.bodies.insert(inner.name(), inner);
            } else {
                kept.push(Item::Mod(module));
            }
        }
        level.keep(kept);
        level
    }

    /// A module with the cases of a switch.
    fn cases(&mut self, item: ItemMod, what: &str) -> Level {
        let (mut level, items) = self.level(item, what);
        let mut kept = vec![];
        for item in items {
            match item {
                Item::Mod(mut module) => match self.case(&mut module) {
                    None => kept.push(Item::Mod(module)),
                    Some(when) => {
                        let inner = self.steps(module, "a case", &[]);
                        level.cases.push(Case { when, level: inner });
                    }
                },
                Item::Fn(mut function) => {
                    if let Some(attr) = function.attrs.iter().find(|attr| step::is_one(attr)) {
                        self.fault(attr.path().span(), NO_CASE);
                        function.attrs.retain(|attr| !step::is_one(attr));
                    }
                    level.know(&function);
                    kept.push(Item::Fn(function));
                }
                Item::Verbatim(tokens) => match bodiless(tokens.clone()) {
                    None => kept.push(Item::Verbatim(tokens)),
                    Some((_, signature)) => self.fault(signature.ident.span(), NO_CASE),
                },
                other => kept.push(other),
            }
        }
        if level.cases.is_empty() {
            self.fault(level.item.ident.span(), format!("the switch has no case: {CASE}"));
        }
        for case in level.cases.iter().rev().skip(1).filter(|case| case.when.is_none()) {
            self.faults.push(Error::new(case.level.item.ident.span(), "what is done otherwise stands last"));
        }
        level.keep(kept);
        level
    }

    /// A level without anything, and the items that it is made of.
    fn level(&mut self, mut item: ItemMod, what: &str) -> (Level, Vec<Item>) {
        let items = match &mut item.content {
            Some((_, items)) => std::mem::take(items),
            None => {
                self.fault(item.ident.span(), format!("{what} needs the module itself: `mod {} {{ … }}`", item.ident));
                vec![]
            }
        };
        self.levels += 1;
        let (steps, cases, functions, bodies) = (vec![], vec![], BTreeMap::new(), BTreeMap::new());
        (Level { id: self.levels, steps, cases, functions, bodies, item }, items)
    }

    /// What a module with an attribute of ours is, and its arguments.
    fn holder(&mut self, module: &mut ItemMod) -> Option<(&'static Holder, Args)> {
        let known = |attr: &Attribute| HOLDERS.iter().find(|holder| attr.path().is_ident(holder.attribute));
        // What it was meant to be is not known; that it holds steps is.
        let steps = (&HOLDERS[0], Args::default());
        if let Some(attr) = module.attrs.extract_if(.., |attr| is_case(attr)).next() {
            self.fault(attr.path().span(), "a case stands in a module with `#[switch]`");
            return Some(steps);
        }
        if let Some(attr) = module.attrs.extract_if(.., |attr| known(attr).is_none() && step::is_one(attr)).next() {
            let holders: Vec<String> = HOLDERS.iter().map(|holder| format!("`#[{}]`", holder.attribute)).collect();
            let message = format!("a module holds steps; say which way: {}", holders.join(", "));
            self.fault(attr.path().span(), message);
            return Some(steps);
        }
        let attr = module.attrs.extract_if(.., |attr| known(attr).is_some()).next()?;
        let holder = known(&attr)?;
        let args = self.or_fault(step::args_of(&attr)).unwrap_or_default();
        if holder.first.is_none() {
            if let Some(first) = &args.first {
                let message = format!("an argument of `#[{}]` has a name: `after = validate`", holder.attribute);
                self.fault(first.span(), message);
            }
        } else if args.first.is_none() {
            self.fault(module.ident.span(), format!("it does not say what: `{}`", holder.example));
        }
        Some((holder, args))
    }

    /// The condition of a module that is a case; of one that is none, nothing.
    fn case(&mut self, module: &mut ItemMod) -> Option<Option<syn::LitStr>> {
        let Some(attr) = module.attrs.extract_if(.., |attr| is_case(attr)).next() else {
            if let Some(attr) = module.attrs.extract_if(.., |attr| step::is_one(attr)).next() {
                self.fault(attr.path().span(), NO_CASE);
            }
            return None;
        };
        let args = self.or_fault(step::args_of(&attr)).unwrap_or_default();
        if let Some(arg) = args.named.first() {
            self.fault(arg.key.span(), "a case has a condition and nothing else");
        }
        match (attr.path().is_ident("case"), args.first) {
            (true, Some(Value::Text(when))) => Some(Some(when)),
            (true, Some(other)) => {
                self.fault(other.span(), format!("the condition of a case is a text: {CASE}"));
                Some(None)
            }
            (true, None) => {
                self.fault(attr.path().span(), "a case has a condition; the one without is `#[otherwise]`");
                Some(None)
            }
            (false, Some(first)) => {
                self.fault(first.span(), "what is done otherwise has no condition");
                Some(None)
            }
            (false, None) => Some(None),
        }
    }
}

const CASE: &str = "`#[case(\"${ ctx.total > 0 }\")] mod name { … }`";
const NO_CASE: &str = "in a switch stand cases only, and the steps in those: `#[case(\"…\")] mod name { … }`, `#[otherwise] mod name { … }`";

fn is_case(attr: &Attribute) -> bool {
    attr.path().is_ident("case") || attr.path().is_ident("otherwise")
}

impl Level {
    fn know(&mut self, function: &ItemFn) {
        let name = function.sig.ident.unraw().to_string();
        self.functions.insert(name, Function { signature: function.sig.clone() });
    }

    fn keep(&mut self, items: Vec<Item>) {
        if let Some((_, kept)) = &mut self.item.content {
            *kept = items;
        }
    }
}

/// A function without a body: Rust only where a macro reads it.
fn bodiless(tokens: proc_macro2::TokenStream) -> Option<(Vec<Attribute>, Signature)> {
    let parse = |input: syn::parse::ParseStream| {
        let attrs = input.call(Attribute::parse_outer)?;
        let _visibility: syn::Visibility = input.parse()?;
        let signature: Signature = input.parse()?;
        input.parse::<syn::Token![;]>()?;
        Ok((attrs, signature))
    };
    parse.parse2(tokens).ok()
}
