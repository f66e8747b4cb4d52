//! What can be told of an expression before it is evaluated: parts that fail whatever comes, comparisons whose outcome never
//! changes, and of which kind its value will be.
//!
//! What operators and functions take is not written down a second time here: each is tried (`fact`) with values of every
//! kind that its operands may have.

mod doubt;
mod fact;

use std::rc::Rc;

pub use self::{
    doubt::{Doubt, Problem},
    fact::{Known, ValueKind},
};
use self::{
    doubt::{Part, called},
    fact::{Fact, tried},
};
use crate::{
    error::EvalCause,
    eval::Budget,
    functions::Function,
    node::{Binary, Each, Kind, Macro, Node},
    operators,
    value::{Text, Val, mismatch},
};

/// What is known of the value at a path.
pub type Knows<'k> = dyn Fn(&[String]) -> Option<Known> + 'k;

/// What is known of an expression before it is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// The kinds that its value may have, besides being null; nothing if that is any.
    pub kinds: Option<Vec<ValueKind>>,
    pub doubts: Vec<Doubt>,
}

pub(crate) fn foresee(source: &str, root: &Node, knows: &Knows<'_>) -> Foreseen {
    let mut looking = Looking { source, knows, doubts: vec![] };
    let fact = looking.look(root);
    Foreseen { kinds: fact.kinds(), doubts: looking.doubts }
}

struct Looking<'k> {
    source: &'k str,
    knows: &'k Knows<'k>,
    doubts: Vec<Doubt>,
}

impl Looking<'_> {
    fn look<'a>(&mut self, node: &'a Node) -> Fact<'a> {
        match &node.kind {
            Kind::Literal(literal) => Fact::Exactly(Val::literal(literal)),
            // An element of what a macro goes through.
            Kind::Local(_) => Fact::Any,
            Kind::Read { path, keys } => self.read(node, path, keys),
            Kind::Index(base, key) => {
                let (base_fact, key_fact) = (self.look(base), self.look(key));
                self.selects(node, &base_fact, called(base), &key_fact);
                Fact::Any
            }
            Kind::Has(inner) => {
                self.look(inner);
                Fact::kind(ValueKind::Boolean)
            }
            Kind::List(nodes) => self.list(nodes),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    self.look(key);
                    self.look(value);
                }
                Fact::kind(ValueKind::Map)
            }
            Kind::Not(inner) => {
                self.truth("!", "it", inner);
                Fact::kind(ValueKind::Boolean)
            }
            Kind::Negate(inner) => {
                let fact = self.look(inner);
                let part = Part { node: inner, fact: &fact, role: "it" };
                self.apply(node, &[&part], |values| operators::negate(&values[0]))
            }
            Kind::And(left, right) => self.both("&&", left, right),
            Kind::Or(left, right) => self.both("||", left, right),
            Kind::Choice(nodes) => {
                let [condition, yes, no] = &**nodes;
                self.truth("?:", "its condition", condition);
                let yes = self.look(yes);
                yes.or(self.look(no))
            }
            Kind::Binary(operator, left, right) => self.binary(node, *operator, left, right),
            Kind::Call(function, arguments) => self.call(node, *function, arguments),
            Kind::Matches(text, _) => {
                let fact = self.look(text);
                let part = Part { node: text, fact: &fact, role: "it" };
                let is_text = |values: &[Val<'a>]| match &values[0] {
                    Val::Text(_) => Ok(Val::Bool(true)),
                    other => Err(mismatch("matches", &[other])),
                };
                self.apply(node, &[&part], is_text);
                Fact::kind(ValueKind::Boolean)
            }
            Kind::Coalesce(nodes) => {
                let facts: Vec<Fact<'a>> = nodes.iter().map(|node| self.look(node)).collect();
                facts.into_iter().reduce(Fact::or).unwrap_or(Fact::Any)
            }
            Kind::Each(each) => self.each(node, each),
        }
    }

    fn tell(&mut self, node: &Node, problem: Problem) {
        self.doubts.push(Doubt::at(self.source, node, problem));
    }

    /// A path. Nothing can be selected from what is known to be neither a map nor a list.
    fn read<'a>(&mut self, node: &'a Node, path: &'a [String], keys: &'a [Node]) -> Fact<'a> {
        let keys: Vec<Fact<'a>> = keys.iter().map(|key| self.look(key)).collect();
        for depth in 1..path.len() {
            let Some(known) = (self.knows)(&path[..depth]) else { continue };
            let name = Fact::Exactly(Val::Text(Text::Borrowed(&path[depth])));
            if !self.selects(node, &of(known), Some(path[..depth].join(".")), &name) {
                return Fact::Any;
            }
        }
        let whole = (self.knows)(path).map_or(Fact::Any, of);
        match keys.first() {
            None => whole,
            Some(key) => {
                self.selects(node, &whole, Some(path.join(".")), key);
                Fact::Any
            }
        }
    }

    /// Whether something may be found by this key; told if not.
    fn selects<'a>(&mut self, node: &Node, base: &Fact<'a>, called: Option<String>, key: &Fact<'a>) -> bool {
        let select = |values: &[Val<'a>]| Ok(values[0].member(&values[1], &mut Budget::new())?.unwrap_or(Val::Null));
        // Whatever is absent is null, from which everything can be selected.
        let possible = matches!(base, Fact::Any) || tried(&[base, key], select).is_ok();
        if !possible {
            self.tell(node, Problem::of_selection(called, base, key));
        }
        possible
    }

    fn list<'a>(&mut self, nodes: &'a [Node]) -> Fact<'a> {
        let facts: Vec<Fact<'a>> = nodes.iter().map(|node| self.look(node)).collect();
        let values: Option<Vec<Val<'a>>> = facts.iter().map(Fact::value).collect();
        values.map_or(Fact::kind(ValueKind::List), |values| Fact::Exactly(Val::List(Rc::new(values))))
    }

    /// Tells if `node` is neither true nor false.
    fn truth(&mut self, operation: &str, role: &'static str, node: &Node) {
        let fact = self.look(node);
        if !fact.may_be(ValueKind::Boolean)
            && let Some(problem) = Problem::of_truth(operation, &Part { node, fact: &fact, role })
        {
            self.tell(node, problem);
        }
    }

    fn both<'a>(&mut self, operation: &str, left: &Node, right: &Node) -> Fact<'a> {
        self.truth(operation, LEFT, left);
        self.truth(operation, RIGHT, right);
        Fact::kind(ValueKind::Boolean)
    }

    fn binary<'a>(&mut self, node: &'a Node, operator: Binary, left: &'a Node, right: &'a Node) -> Fact<'a> {
        let (left_fact, right_fact) = (self.look(left), self.look(right));
        let (left, right) =
            (Part { node: left, fact: &left_fact, role: LEFT }, Part { node: right, fact: &right_fact, role: RIGHT });
        let operation = |values: &[Val<'a>]| operators::binary(operator, &values[0], &values[1], &mut Budget::new());
        if !operator.compares() {
            let result = self.apply(node, &[&left, &right], operation);
            self.tell_of_words(operator, &left, &right);
            return result;
        }
        let compared = tried(&[&left_fact, &right_fact], operation);
        let are_alike = !operator.is_equality() || left_fact.may_equal(&right_fact);
        match compared {
            Ok(Fact::Exactly(Val::Bool(holds))) if are_alike => {
                self.tell(right.node, Problem::of_certainty(holds));
            }
            Ok(_) if are_alike => self.tell_of_words(operator, &left, &right),
            Ok(_) | Err(_) => self.tell(right.node, Problem::of_comparison(operator, &left, &right)),
        }
        Fact::kind(ValueKind::Boolean)
    }

    /// Tells of texts that one side is compared with and never is.
    fn tell_of_words(&mut self, operator: Binary, left: &Part<'_, '_>, right: &Part<'_, '_>) {
        let (side, words, node, other) = match (left.fact, right.fact) {
            (Fact::Words(words), Fact::Exactly(other)) => (left, words, right.node, other),
            (Fact::Exactly(other), Fact::Words(words)) if operator.is_equality() => (right, words, right.node, other),
            _ => return,
        };
        let texts = match (operator, other, &node.kind) {
            (Binary::Equal | Binary::NotEqual, Val::Text(_), _) => vec![(node, other)],
            (Binary::In, Val::List(elements), Kind::List(nodes)) => nodes.iter().zip(elements.iter()).collect(),
            _ => return,
        };
        for (node, text) in texts {
            if let Val::Text(text) = text
                && !words.iter().any(|word| **word == **text)
            {
                self.tell(node, Problem::of_word(side, text, words));
            }
        }
    }

    fn call<'a>(&mut self, node: &'a Node, function: Function, arguments: &'a [Node]) -> Fact<'a> {
        let facts: Vec<Fact<'a>> = arguments.iter().map(|argument| self.look(argument)).collect();
        let parts: Vec<Part<'a, '_>> =
            arguments.iter().zip(&facts).map(|(node, fact)| Part { node, fact, role: "what it is given" }).collect();
        let parts: Vec<&Part<'a, '_>> = parts.iter().collect();
        match (self.apply(node, &parts, |values| function.call(values, &mut Budget::new())), gives(function)) {
            (Fact::Any, Some(kind)) => Fact::kind(kind),
            (fact, _) => fact,
        }
    }

    fn each<'a>(&mut self, node: &'a Node, each: &'a Each) -> Fact<'a> {
        let over = self.look(&each.over);
        let part = Part { node: &each.over, fact: &over, role: "what it is called on" };
        self.apply(node, &[&part], |values| match values[0].elements() {
            Some(_) => Ok(Val::Null),
            None => Err(mismatch(each.what.name(), &[&values[0]])),
        });
        if let Some(test) = &each.test {
            self.truth(each.what.name(), "its condition", test);
        }
        if let Some(make) = &each.make {
            self.look(make);
        }
        Fact::kind(match each.what {
            Macro::All | Macro::Exists | Macro::ExistsOne => ValueKind::Boolean,
            Macro::Filter | Macro::Map => ValueKind::List,
        })
    }

    /// What an operation gives; told if it fails with everything that its parts may be.
    fn apply<'a>(
        &mut self,
        node: &Node,
        parts: &[&Part<'a, '_>],
        operation: impl Fn(&[Val<'a>]) -> Result<Val<'a>, EvalCause>,
    ) -> Fact<'a> {
        let facts: Vec<&Fact<'a>> = parts.iter().map(|part| part.fact).collect();
        tried(&facts, operation).unwrap_or_else(|cause| {
            self.tell(node, Problem::of_fault(&cause, parts));
            Fact::Any
        })
    }
}

const LEFT: &str = "its left side";
const RIGHT: &str = "its right side";

/// What comes of a function, where trying it does not tell: a conversion works for some texts only.
fn gives(function: Function) -> Option<ValueKind> {
    Some(match function {
        Function::Size | Function::Int | Function::UInt | Function::Double | Function::Part(_) => ValueKind::Number,
        Function::Contains | Function::StartsWith | Function::EndsWith | Function::Bool => ValueKind::Boolean,
        Function::String => ValueKind::Text,
        Function::Type => ValueKind::Type,
        Function::Timestamp => ValueKind::Time,
        Function::Duration => ValueKind::Duration,
        Function::Dyn => return None,
    })
}

fn of<'a>(known: Known) -> Fact<'a> {
    match known {
        Known::Kind(kind) => Fact::kind(kind),
        Known::Words(words) => Fact::Words(words),
    }
}
