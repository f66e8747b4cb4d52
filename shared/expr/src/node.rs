//! The tree that evaluation walks: names resolved, functions known, patterns compiled.

use regex::Regex;

use crate::functions::Function;

/// A part of an expression, and where it stands in the text.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Literal(Literal),
    /// The variable of the macro at this depth.
    Local(usize),
    /// What the scope is asked for: the static path, then keys that are only known during evaluation, or come after one.
    Read {
        path: Vec<String>,
        keys: Vec<Node>,
    },
    /// A selection from something that is no path.
    Index(Box<Node>, Box<Node>),
    /// Whether the selection inside finds anything.
    Has(Box<Node>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Choice(Box<[Node; 3]>),
    Binary(Binary, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    Matches(Box<Node>, Box<Pattern>),
    Coalesce(Vec<Node>),
    Each(Box<Each>),
}

/// A pattern of `matches`, and what a byte of text costs with it: at worst every part of it looks at every byte.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    pub(crate) steps_per_byte: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    String(String),
    /// The name of a type, as `type(x)` gives it.
    Type(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Binary {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }

    pub(crate) fn compares(self) -> bool {
        match self {
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => {
                true
            }
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Modulo | Self::In => false,
        }
    }

    pub(crate) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// A macro over the elements of a list, or the keys of a map.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) what: Macro,
    pub(crate) over: Node,
    /// The place of its variable among the locals.
    pub(crate) slot: usize,
    /// The predicate; for `map`, the optional filter.
    pub(crate) test: Option<Node>,
    /// What `map` makes of an element.
    pub(crate) make: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl Macro {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Filter => "filter",
            Self::Map => "map",
        }
    }
}

impl Node {
    /// The static paths that this and everything below it reads.
    pub(crate) fn collect_paths(&self, into: &mut Vec<Vec<String>>) {
        let mut visit = |nodes: &[Node]| nodes.iter().for_each(|node| node.collect_paths(into));
        match &self.kind {
            Kind::Literal(_) | Kind::Local(_) => {}
            Kind::Read { path, keys } => {
                visit(keys);
                if !into.contains(path) {
                    into.push(path.clone());
                }
            }
            Kind::List(nodes) | Kind::Call(_, nodes) | Kind::Coalesce(nodes) => visit(nodes),
            Kind::Choice(nodes) => visit(nodes.as_slice()),
            Kind::Has(node) | Kind::Not(node) | Kind::Negate(node) | Kind::Matches(node, _) => node.collect_paths(into),
            Kind::Index(left, right)
            | Kind::And(left, right)
            | Kind::Or(left, right)
            | Kind::Binary(_, left, right) => {
                left.collect_paths(into);
                right.collect_paths(into);
            }
            Kind::Map(entries) => {
                for (key, value) in entries {
                    key.collect_paths(into);
                    value.collect_paths(into);
                }
            }
            Kind::Each(each) => {
                each.over.collect_paths(into);
                for node in each.test.iter().chain(&each.make) {
                    node.collect_paths(into);
                }
            }
        }
    }
}
