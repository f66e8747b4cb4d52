//! Reading a step that is a function, with a body or without.

use syn::{Attribute, Error, Ident, ItemFn, Meta, Signature, ext::IdentExt, spanned::Spanned};

use super::{Step, What};
use crate::{
    args::{Arg, Args, Value},
    words::{HOLDERS, KINDS, Kind},
};

/// Whether an attribute makes a step of what it stands before.
pub(super) fn is_one(attr: &Attribute) -> bool {
    is_step(attr) || kind_of(attr).is_some() || holder_of(attr).is_some()
}

/// `#[step(…)] async fn …`
pub(super) fn with_code(function: &mut ItemFn) -> Result<Option<Step>, Error> {
    let name = function.sig.ident.clone();
    let Some(own) = function.attrs.iter().position(is_one) else { return Ok(None) };
    let attr = function.attrs.remove(own);
    if let Some(kind) = kind_of(&attr) {
        let message =
            format!("a step of this kind has no code: end it with `;`, as in `{} fn {name}();`", kind.example);
        return Err(Error::new(attr.path().span(), message));
    }
    if let Some(example) = holder_of(&attr) {
        return Err(Error::new(attr.path().span(), of_modules(example, &name)));
    }
    let mut args = args_of(&attr)?;
    args.first_as_flag();
    if let Some(first) = &args.first {
        return Err(Error::new(first.span(), "an argument of `#[step]` has a name: `after = validate`"));
    }
    if attr.path().is_ident("graft") && args.get("expand").is_none() {
        let flag = Ident::new("expand", attr.path().span());
        let yes = syn::Lit::Bool(syn::LitBool::new(true, flag.span()));
        args.named.push(Arg { key: flag, value: Value::Plain(false, yes) });
    }
    Ok(Some(Step { name, args, what: What::Code }))
}

/// `#[signal("decided", …)] fn …;`
pub(super) fn without_code(attrs: &[Attribute], signature: &Signature) -> Result<Option<Step>, Error> {
    let name = signature.ident.clone();
    if let Some(attr) = attrs.iter().find(|attr| is_step(attr)) {
        let message = "a step needs its code; what others do is `#[activity(\"its.name\")] fn name();`";
        return Err(Error::new(attr.path().span(), message));
    }
    if let Some((attr, example)) = attrs.iter().find_map(|attr| Some((attr, holder_of(attr)?))) {
        return Err(Error::new(attr.path().span(), of_modules(example, &name)));
    }
    let Some((attr, kind)) = attrs.iter().find_map(|attr| Some((attr, kind_of(attr)?))) else { return Ok(None) };
    if !signature.inputs.is_empty() {
        return Err(Error::new(signature.inputs.span(), "a step without code has no arguments"));
    }
    Ok(Some(Step { name, args: args_of(attr)?, what: What::Kind(kind) }))
}

fn of_modules(example: &str, name: &Ident) -> String {
    if example.starts_with("#[for_each") {
        return "a loop over one step is an argument of it: `#[step(for_each = \"${ workflow.input.items }\")]`"
            .to_owned();
    }
    format!("steps inside of a step stand in a module: `{example} mod {} {{ … }}`", name.unraw())
}

fn is_step(attr: &Attribute) -> bool {
    attr.path().is_ident("step") || attr.path().is_ident("graft")
}

fn kind_of(attr: &Attribute) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| attr.path().is_ident(kind.attribute))
}

/// An example of an attribute that stands before modules.
fn holder_of(attr: &Attribute) -> Option<&'static str> {
    HOLDERS.iter().find(|holder| attr.path().is_ident(holder.attribute)).map(|holder| holder.example)
}

pub(super) fn args_of(attr: &Attribute) -> Result<Args, Error> {
    match &attr.meta {
        Meta::Path(_) => Ok(Args::default()),
        Meta::List(list) => list.parse_args(),
        Meta::NameValue(pair) => Err(Error::new(pair.eq_token.span(), "the arguments stand in parentheses")),
    }
}
