//! `retry`: what a map says, and the policy that comes of it together with the workflow's own.

use std::rc::Rc;

use sagaline_model::{Backoff, BackoffWord, RetryDefaults, RetryPolicy, Span};
use serde_json::Value;

use crate::{
    expression,
    fault::Severity,
    outline::{MustBe, Outline, Scope},
    reader::Reader,
    source::Place,
    tree::{Content, Node, get},
    words,
};

/// What a `retry` gives; the rest comes from the workflow's, then from the policy's defaults.
#[derive(Default)]
pub(crate) struct Retry {
    attempts: Option<u32>,
    initial: Option<(Length, Place)>,
    backoff: Option<Shape>,
    multiplier: Option<(f64, Place)>,
    max: Option<(Length, Place)>,
    jitter: Option<bool>,
    retry_on: Option<Vec<String>>,
    no_retry_on: Option<(Vec<String>, Place)>,
}

#[derive(Clone)]
enum Length {
    Fixed(Span),
    /// `${…}`, evaluated when a delay is needed.
    Computed(String),
}

#[derive(Clone)]
enum Shape {
    Fixed,
    Linear,
    Exponential,
    Custom(String),
}

impl Retry {
    /// Reads a map, or a number: `retry: 3` is `retry: { attempts: 3 }`.
    pub(crate) fn read(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, scope: Scope) -> Option<Self> {
        if let Content::Plain(Value::Number(_), _) = &node.content {
            return Some(Self { attempts: attempts(reader, node, "retry"), ..Self::default() });
        }
        let entries = reader.map(node, "retry")?;
        reader.keys(entries, "`retry`", words::RETRY);
        let value = |key| get(entries, key).map(|entry| &entry.value);
        Some(Self {
            attempts: value("attempts").and_then(|node| attempts(reader, node, "attempts")),
            initial: value("initial").and_then(|node| length(reader, outline, node, "initial", scope)),
            backoff: value("backoff").and_then(|node| shape(reader, outline, node, scope)),
            multiplier: value("multiplier").and_then(|node| Some((multiplier(reader, node)?, node.place))),
            max: value("max").and_then(|node| length(reader, outline, node, "max", scope)),
            jitter: value("jitter").and_then(|node| reader.boolean(node, "jitter")),
            retry_on: value("retry_on").map(|node| reader.texts(node, "retry_on")),
            no_retry_on: value("no_retry_on").map(|node| (reader.texts(node, "no_retry_on"), node.place)),
        })
    }

    /// What an installation says, which stands in no file.
    pub(crate) fn of(said: &RetryDefaults) -> Self {
        let length = |span: Option<Span>| span.map(|span| (Length::Fixed(span), Place::START));
        Self {
            attempts: said.attempts,
            initial: length(said.initial),
            backoff: said.backoff.map(|word| match word {
                BackoffWord::Fixed => Shape::Fixed,
                BackoffWord::Linear => Shape::Linear,
                BackoffWord::Exponential => Shape::Exponential,
            }),
            multiplier: said.multiplier.map(|multiplier| (multiplier, Place::START)),
            max: length(said.max),
            jitter: said.jitter,
            retry_on: said.retry_on.clone(),
            no_retry_on: said.no_retry_on.clone().map(|kinds| (kinds, Place::START)),
        }
    }

    /// The same the other way. What is computed is left out: an installation cannot say it.
    pub(crate) fn for_an_installation(self) -> RetryDefaults {
        let fixed = |length: Option<(Length, Place)>| match length {
            Some((Length::Fixed(span), _)) => Some(span),
            Some((Length::Computed(_), _)) | None => None,
        };
        RetryDefaults {
            attempts: self.attempts,
            initial: fixed(self.initial),
            backoff: self.backoff.and_then(|shape| match shape {
                Shape::Fixed => Some(BackoffWord::Fixed),
                Shape::Linear => Some(BackoffWord::Linear),
                Shape::Exponential => Some(BackoffWord::Exponential),
                Shape::Custom(_) => None,
            }),
            multiplier: self.multiplier.map(|(multiplier, _)| multiplier),
            max: fixed(self.max),
            jitter: self.jitter,
            retry_on: self.retry_on,
            no_retry_on: self.no_retry_on.map(|(kinds, _)| kinds),
        }
    }

    /// What this one leaves out comes from the other one.
    pub(crate) fn over(self, base: Self) -> Self {
        Self {
            attempts: self.attempts.or(base.attempts),
            initial: self.initial.or(base.initial),
            backoff: self.backoff.or(base.backoff),
            multiplier: self.multiplier.or(base.multiplier),
            max: self.max.or(base.max),
            jitter: self.jitter.or(base.jitter),
            retry_on: self.retry_on.or(base.retry_on),
            no_retry_on: self.no_retry_on.or(base.no_retry_on),
        }
    }

    /// Whether it says nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { attempts, initial, backoff, multiplier, max, jitter, retry_on, no_retry_on } = self;
        attempts.is_none()
            && initial.is_none()
            && backoff.is_none()
            && multiplier.is_none()
            && max.is_none()
            && jitter.is_none()
            && retry_on.is_none()
            && no_retry_on.is_none()
    }

    /// Notes what in this map has no effect, given what it leaves to `defaults`.
    pub(crate) fn check(&self, reader: &mut Reader, defaults: &Self) {
        let shape = self.backoff.as_ref().or(defaults.backoff.as_ref()).unwrap_or(&Shape::Exponential);
        if let (Some((_, place)), Shape::Fixed | Shape::Linear | Shape::Custom(_)) = (self.multiplier, shape) {
            reader.warning(place, "`multiplier` has an effect with `backoff: exponential` only");
        }
        let (initial, max) =
            (self.initial.as_ref().or(defaults.initial.as_ref()), self.max.as_ref().or(defaults.max.as_ref()));
        if let (Some((Length::Fixed(initial), at)), Some((Length::Fixed(max), _))) = (initial, max) {
            let given_here = self.initial.is_some() || self.max.is_some();
            if given_here && max < initial {
                let place = self.max.as_ref().map_or(*at, |(_, place)| *place);
                let what = reader.called(*at, "initial", Severity::Warning);
                let message = format!("`max` ({max}) is below `{what}` ({initial}), so every delay is {max}");
                reader.warning(place, message);
            }
        }
        if let (Some(retry_on), Some((no_retry_on, place))) = (&self.retry_on, &self.no_retry_on) {
            for kind in no_retry_on.iter().filter(|kind| retry_on.contains(kind)) {
                reader.warning(*place, format!("`{kind}` stands in `retry_on` too; it is not retried"));
            }
        }
    }

    pub(crate) fn policy(&self, defaults: &Self) -> RetryPolicy {
        self.policy_with(defaults, RetryPolicy::default())
    }

    /// The policy where this is what is not said.
    pub(crate) fn policy_over(&self, base: RetryPolicy) -> RetryPolicy {
        self.policy_with(&Self::default(), base)
    }

    fn policy_with(&self, defaults: &Self, base: RetryPolicy) -> RetryPolicy {
        let multiplier = self.multiplier.or(defaults.multiplier).map(|(multiplier, _)| multiplier);
        let backoff = match (self.backoff.as_ref().or(defaults.backoff.as_ref()), multiplier) {
            (Some(Shape::Fixed), _) => Backoff::Fixed,
            (Some(Shape::Linear), _) => Backoff::Linear,
            (Some(Shape::Custom(expression)), _) => Backoff::Custom { expression: expression.clone() },
            (Some(Shape::Exponential) | None, Some(multiplier)) => Backoff::Exponential { multiplier },
            (Some(Shape::Exponential) | None, None) => base.backoff,
        };
        let said =
            |own: &Option<(Length, Place)>, other: &Option<(Length, Place)>| match own.as_ref().or(other.as_ref()) {
                Some((Length::Fixed(span), _)) => (Some(*span), None),
                Some((Length::Computed(text), _)) => (None, Some(text.clone())),
                None => (None, None),
            };
        let (initial, computed_initial) = said(&self.initial, &defaults.initial);
        let (max, computed_max) = said(&self.max, &defaults.max);
        let max = max.or(base.max.filter(|_| computed_max.is_none()));
        let no_retry_on = self.no_retry_on.as_ref().or(defaults.no_retry_on.as_ref());
        RetryPolicy {
            attempts: self.attempts.or(defaults.attempts).unwrap_or(base.attempts),
            initial: initial.unwrap_or(base.initial),
            backoff,
            max,
            jitter: self.jitter.or(defaults.jitter).unwrap_or(base.jitter),
            retry_on: self.retry_on.clone().or_else(|| defaults.retry_on.clone()).unwrap_or_default(),
            no_retry_on: no_retry_on.map(|(kinds, _)| kinds.clone()).unwrap_or_default(),
            computed_initial,
            computed_max,
        }
    }
}

fn attempts(reader: &mut Reader, node: &Node, what: &str) -> Option<u32> {
    reader.count(node, what, "it counts runs: 1 means one run and no retry")
}

/// A delay: one that is written may be nothing, a limit may not.
fn length(
    reader: &mut Reader,
    outline: &mut Outline,
    node: &Rc<Node>,
    what: &str,
    scope: Scope,
) -> Option<(Length, Place)> {
    let computed = matches!(&node.content, Content::Text(text) if text.value.contains("${"));
    let length = if computed {
        Length::Computed(expression::duration(reader, outline, node, what, scope)?)
    } else {
        Length::Fixed(if what == "max" { reader.positive_span(node, what)? } else { reader.span(node, what)? })
    };
    Some((length, node.place))
}

fn multiplier(reader: &mut Reader, node: &Node) -> Option<f64> {
    let Content::Plain(Value::Number(number), written) = &node.content else {
        reader.wrong_kind(node, "multiplier", "a number");
        return None;
    };
    let multiplier = number.as_f64().filter(|multiplier| *multiplier > 0.0);
    if multiplier.is_none() {
        let hint = "with 2, each delay is twice the one before";
        reader.error(node.place, format!("`multiplier` must be above 0, not `{written}`")).hint(hint);
    }
    multiplier
}

fn shape(reader: &mut Reader, outline: &mut Outline, node: &Rc<Node>, scope: Scope) -> Option<Shape> {
    if let Content::Text(text) = &node.content
        && text.value.contains("${")
    {
        return expression::whole(reader, outline, node, "backoff", scope, Some(MustBe::Duration)).map(Shape::Custom);
    }
    match reader.choice(node, "backoff", &["fixed", "linear", "exponential"])? {
        "fixed" => Some(Shape::Fixed),
        "linear" => Some(Shape::Linear),
        _ => Some(Shape::Exponential),
    }
}
