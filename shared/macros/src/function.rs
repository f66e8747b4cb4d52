//! A function of a module, as far as its signature says what it can be.

use proc_macro2::Span;
use syn::{Error, FnArg, ReturnType, Signature, Type, spanned::Spanned};

pub(crate) struct Function {
    pub(crate) signature: Signature,
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
