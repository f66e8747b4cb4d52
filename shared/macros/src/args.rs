//! What stands in the brackets of an attribute: values as YAML has them, in the words of Rust.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Error, Ident, Lit, LitStr, Macro, Result, Token, braced, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    spanned::Spanned,
    token,
};

/// A value.
pub(crate) enum Value {
    Text(LitStr),
    /// A number, or true or false; a number may have a sign.
    Plain(bool, Lit),
    /// A name: of a step, a group, a function, or one of a few words.
    Word(Ident),
    List(Span, Vec<Value>),
    Map(Span, Vec<(Ident, LitStr, Value)>),
    /// `retry(attempts = 3)`, `compensate(release, allow_skip)`.
    Call(Span, Box<Args>),
    /// `json!(…)`, or any other macro that gives a value.
    Rust(Macro),
}

/// One argument.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

/// Arguments. The first may have no name.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) first: Option<Value>,
    pub(crate) named: Vec<Arg>,
}

impl Arg {
    /// Its name as definitions have it.
    pub(crate) fn name(&self) -> String {
        self.key.unraw().to_string()
    }
}

impl Parse for Args {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            // A name alone is a flag, but for the first one, which may be meant by itself.
            let is_named = input.peek(Ident::peek_any) && !input.peek2(Token![!]);
            let is_alone = input.peek2(Token![,]) || !(input.peek2(Token![=]) || input.peek2(token::Paren));
            if is_named && !(is_alone && args.is_empty()) {
                let key = input.call(Ident::parse_any)?;
                if let Some(before) = args.named.iter().find(|arg| arg.key == key && !may_be_said_again(&arg.name())) {
                    return Err(Error::new(key.span(), format!("`{}` is given twice", before.name())));
                }
                let value = argument_of(input, &key)?;
                args.named.push(Arg { key, value });
            } else if args.is_empty() {
                args.first = Some(input.parse()?);
            } else {
                return Err(input.error("an argument has a name: `name = value`"));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(args)
    }
}

fn may_be_said_again(key: &str) -> bool {
    matches!(key, "on_event" | "schedule" | "compensate" | "rate_limit" | "limit")
}

fn argument_of(input: ParseStream, key: &Ident) -> Result<Value> {
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        return Ok(Value::Call(key.span(), Box::new(content.parse()?)));
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(Value::Plain(false, Lit::Bool(syn::LitBool::new(true, key.span()))));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

impl Parse for Value {
    fn parse(input: ParseStream) -> Result<Self> {
        if input.peek(LitStr) {
            return Ok(Self::Text(input.parse()?));
        }
        if input.peek(Lit) {
            return Ok(Self::Plain(false, input.parse()?));
        }
        if input.peek(Token![-]) {
            input.parse::<Token![-]>()?;
            return Ok(Self::Plain(true, input.parse()?));
        }
        if input.peek(token::Bracket) {
            let content;
            let bracket = bracketed!(content in input);
            let items = content.parse_terminated(Self::parse, Token![,])?;
            return Ok(Self::List(bracket.span.join(), items.into_iter().collect()));
        }
        if input.peek(token::Brace) {
            let content;
            let brace = braced!(content in input);
            let entries = content.parse_terminated(entry, Token![,])?;
            return Ok(Self::Map(brace.span.join(), entries.into_iter().collect()));
        }
        if input.peek(Ident::peek_any) {
            if input.peek2(Token![!]) {
                return Ok(Self::Rust(input.parse()?));
            }
            let word = input.call(Ident::parse_any)?;
            if input.peek(token::Paren) {
                let content;
                parenthesized!(content in input);
                let mut args: Args = content.parse()?;
                if args.first.is_some() {
                    return Err(Error::new(word.span(), "what is called by name has named arguments only"));
                }
                args.first = Some(Self::Word(word.clone()));
                return Ok(Self::Call(word.span(), Box::new(args)));
            }
            return Ok(Self::Word(word));
        }
        Err(input.error("a value: a text, a number, a name, `[…]`, `{ key: … }` or `json!(…)`"))
    }
}

fn entry(input: ParseStream) -> Result<(Ident, LitStr, Value)> {
    let (key, text) = if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        (Ident::new("text", text.span()), text)
    } else {
        let key = input.call(Ident::parse_any)?;
        let text = LitStr::new(&key.unraw().to_string(), key.span());
        (key, text)
    };
    input.parse::<Token![:]>()?;
    Ok((key, text, input.parse()?))
}

impl Args {
    fn is_empty(&self) -> bool {
        self.first.is_none() && self.named.is_empty()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.named.iter().find(|arg| arg.key == key || arg.name() == key).map(|arg| &arg.value)
    }

    /// The first, if it is a name, meant as a flag.
    pub(crate) fn first_as_flag(&mut self) {
        if let Some(Value::Word(word)) = self.first.take_if(|first| matches!(first, Value::Word(_))) {
            let value = Value::Plain(false, Lit::Bool(syn::LitBool::new(true, word.span())));
            self.named.insert(0, Arg { key: word, value });
        }
    }
}

impl Value {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span(),
            Self::Plain(_, lit) => lit.span(),
            Self::Word(word) => word.span(),
            Self::List(span, _) | Self::Map(span, _) | Self::Call(span, _) => *span,
            Self::Rust(rust) => rust.span(),
        }
    }

    /// What it names, if that is one thing: `release`, or `release(allow_skip)`.
    pub(crate) fn named(&self) -> Option<&Ident> {
        match self {
            Self::Word(word) => Some(word),
            Self::Call(_, args) => match &args.first {
                Some(Self::Word(word)) => Some(word),
                _ => None,
            },
            Self::Text(_) | Self::Plain(..) | Self::List(..) | Self::Map(..) | Self::Rust(_) => None,
        }
    }

    /// One value, or each of a list.
    pub(crate) fn each(&self) -> Vec<&Self> {
        match self {
            Self::List(_, items) => items.iter().collect(),
            Self::Text(_) | Self::Plain(..) | Self::Word(_) | Self::Map(..) | Self::Call(..) | Self::Rust(_) => {
                vec![self]
            }
        }
    }

    /// What `json!` makes the value of.
    pub(crate) fn json(&self) -> TokenStream {
        match self {
            Self::Text(text) => text.to_token_stream(),
            Self::Plain(true, lit) => quote!((-#lit)),
            Self::Plain(false, lit) => lit.to_token_stream(),
            Self::Word(word) if word == "null" => quote!(null),
            Self::Word(word) => LitStr::new(&word.unraw().to_string(), word.span()).to_token_stream(),
            Self::List(_, items) => {
                let items = items.iter().map(Self::json);
                quote!([#(#items),*])
            }
            Self::Map(_, entries) => map(entries.iter().map(|(_, key, value)| (key.value(), value.json()))),
            Self::Call(_, args) => {
                // A name without a value is a flag here, the first one too.
                let first = args.first.iter().filter_map(|first| match first {
                    Self::Word(word) => Some((word.unraw().to_string(), quote!(true))),
                    _ => None,
                });
                map(first.chain(args.named.iter().map(|arg| (arg.name(), arg.value.json()))))
            }
            Self::Rust(rust) => quote!((#rust)),
        }
    }
}

/// A map for `json!`.
pub(crate) fn map(entries: impl IntoIterator<Item = (String, TokenStream)>) -> TokenStream {
    let entries = entries.into_iter().map(|(key, value)| quote!(#key: #value));
    quote!({ #(#entries),* })
}
