//! A module as it was written: its steps, and the functions that others of its words may name.

use std::collections::BTreeMap;

use proc_macro2::Span;
use syn::{
    Attribute, Error, FnArg, Ident, Item, ItemFn, ItemMod, LitStr, Meta, ReturnType, Signature, Type, ext::IdentExt,
    parse::Parser, spanned::Spanned,
};

use crate::{
    args::{Args, Value},
    words::{KINDS, Kind},
};

pub(crate) struct Module {
    /// The name of the workflow.
    pub(crate) name: LitStr,
    pub(crate) args: Args,
    pub(crate) steps: Vec<Step>,
    /// Every function of the module, steps included.
    pub(crate) functions: BTreeMap<String, Function>,
    /// The module without what only this macro reads.
    pub(crate) item: ItemMod,
}

pub(crate) struct Step {
    pub(crate) name: Ident,
    pub(crate) args: Args,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// A function of the module does it.
    Code,
    /// It has no code.
    Kind(&'static Kind),
}

pub(crate) struct Function {
    pub(crate) signature: Signature,
}

impl Step {
    /// As definitions have it.
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }
}

impl Function {
    /// The type of what it gets, if it gets anything.
    pub(crate) fn input(&self) -> Option<&Type> {
        match self.signature.inputs.iter().nth(1)? {
            FnArg::Typed(input) => Some(&input.ty),
            FnArg::Receiver(_) => None,
        }
    }

    /// Why it cannot be an activity.
    pub(crate) fn fault(&self) -> Option<Error> {
        const WANTED: &str = "async fn name(context: ActivityContext, input: Input) -> Result<Output, ActivityError>";
        let signature = &self.signature;
        let fault = |span: Span, what: &str| Some(Error::new(span, format!("{what}: `{WANTED}`")));
        if signature.asyncness.is_none() {
            return fault(signature.fn_token.span, "an activity is asynchronous");
        }
        if !signature.generics.params.is_empty() {
            return fault(signature.generics.span(), "an activity has no generics");
        }
        if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
            return fault(receiver.span(), "an activity has no `self`");
        }
        match signature.inputs.len() {
            1 | 2 => {}
            0 => return fault(signature.ident.span(), "an activity gets its context"),
            _ => return fault(signature.inputs[2].span(), "an activity gets its context and one input"),
        }
        match signature.output {
            ReturnType::Type(..) => None,
            ReturnType::Default => fault(signature.ident.span(), "an activity gives a result"),
        }
    }
}

impl Module {
    /// With all that is wrong with how it is written.
    pub(crate) fn read(args: Args, mut item: ItemMod) -> (Self, Vec<Error>) {
        let mut faults = vec![];
        let (mut steps, mut functions) = (vec![], BTreeMap::new());
        let name = match args.get("name") {
            Some(Value::Text(name)) => name.clone(),
            Some(other) => {
                faults.push(Error::new(other.span(), "the name of a workflow is a text: `name = \"order\"`"));
                LitStr::new(&item.ident.unraw().to_string(), item.ident.span())
            }
            None => LitStr::new(&item.ident.unraw().to_string(), item.ident.span()),
        };
        match &mut item.content {
            Some((_, items)) => {
                items.retain_mut(|item| match take(item, &mut functions) {
                    Ok(Taken { step, keep }) => {
                        steps.extend(step);
                        keep
                    }
                    Err(fault) => {
                        faults.push(fault);
                        // Only what is Rust by itself can stay.
                        !matches!(item, Item::Verbatim(_))
                    }
                });
            }
            None => {
                faults.push(Error::new(item.ident.span(), "`#[workflow]` needs the module itself: `mod name { … }`"))
            }
        }
        (Self { name, args, steps, functions, item }, faults)
    }
}

struct Taken {
    step: Option<Step>,
    /// Whether the item stays in the module.
    keep: bool,
}

fn take(item: &mut Item, functions: &mut BTreeMap<String, Function>) -> Result<Taken, Error> {
    match item {
        Item::Fn(function) => with_code(function, functions).map(|step| Taken { step, keep: true }),
        Item::Verbatim(tokens) => match bodiless(tokens.clone()) {
            Some((attrs, signature)) => without_code(&attrs, &signature),
            None => Ok(Taken { step: None, keep: true }),
        },
        _ => Ok(Taken { step: None, keep: true }),
    }
}

/// `#[step(…)] async fn …`
fn with_code(function: &mut ItemFn, functions: &mut BTreeMap<String, Function>) -> Result<Option<Step>, Error> {
    let name = function.sig.ident.clone();
    functions.insert(name.unraw().to_string(), Function { signature: function.sig.clone() });
    let own = function.attrs.iter().position(|attr| is_step(attr) || kind_of(attr).is_some());
    let Some(own) = own else { return Ok(None) };
    let attr = function.attrs.remove(own);
    if let Some(kind) = kind_of(&attr) {
        let message =
            format!("a step of this kind has no code: end it with `;`, as in `{} fn {name}();`", kind.example);
        return Err(Error::new(attr.path().span(), message));
    }
    let mut args = args_of(&attr)?;
    args.first_as_flag();
    if let Some(first) = &args.first {
        return Err(Error::new(first.span(), "an argument of `#[step]` has a name: `after = validate`"));
    }
    if attr.path().is_ident("graft") && args.get("expand").is_none() {
        let flag = Ident::new("expand", attr.path().span());
        let yes = syn::Lit::Bool(syn::LitBool::new(true, flag.span()));
        args.named.push(crate::args::Arg { key: flag, value: Value::Plain(false, yes) });
    }
    Ok(Some(Step { name, args, what: What::Code }))
}

/// `#[signal("decided", …)] fn …;`
fn without_code(attrs: &[Attribute], signature: &Signature) -> Result<Taken, Error> {
    let name = signature.ident.clone();
    if let Some(attr) = attrs.iter().find(|attr| is_step(attr)) {
        let message = "a step needs its code; what others do is `#[activity(\"its.name\")] fn name();`";
        return Err(Error::new(attr.path().span(), message));
    }
    let Some((attr, kind)) = attrs.iter().find_map(|attr| Some((attr, kind_of(attr)?))) else {
        return Ok(Taken { step: None, keep: true });
    };
    if !signature.inputs.is_empty() {
        return Err(Error::new(signature.inputs.span(), "a step without code has no arguments"));
    }
    Ok(Taken { step: Some(Step { name, args: args_of(attr)?, what: What::Kind(kind) }), keep: false })
}

fn is_step(attr: &Attribute) -> bool {
    attr.path().is_ident("step") || attr.path().is_ident("graft")
}

fn kind_of(attr: &Attribute) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| attr.path().is_ident(kind.attribute))
}

fn args_of(attr: &Attribute) -> Result<Args, Error> {
    match &attr.meta {
        Meta::Path(_) => Ok(Args::default()),
        Meta::List(list) => list.parse_args(),
        Meta::NameValue(pair) => Err(Error::new(pair.eq_token.span(), "the arguments stand in parentheses")),
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
