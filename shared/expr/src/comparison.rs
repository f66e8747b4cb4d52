//! What an expression compares: for checks that tell, before anything is evaluated, that a comparison can never hold.

use serde_json::Value;

use crate::node::{Binary, Kind, Literal, Node};

/// A comparison of two values.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub left: Side,
    pub right: Side,
    /// Such as `==`.
    pub symbol: &'static str,
    /// Where its right side stands, in bytes of the expression.
    pub at: usize,
}

/// What is known of a side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A static path, and nothing else.
    Path(Vec<String>),
    Literal(Value),
    Other,
}

/// Every comparison in it, wherever it stands.
pub(crate) fn collect(node: &Node, into: &mut Vec<Comparison>) {
    match &node.kind {
        Kind::Literal(_) | Kind::Local(_) => {}
        Kind::Read { keys, .. } => keys.iter().for_each(|node| collect(node, into)),
        Kind::List(nodes) | Kind::Call(_, nodes) | Kind::Coalesce(nodes) => {
            nodes.iter().for_each(|node| collect(node, into));
        }
        Kind::Choice(nodes) => nodes.iter().for_each(|node| collect(node, into)),
        Kind::Has(node) | Kind::Not(node) | Kind::Negate(node) | Kind::Matches(node, _) => collect(node, into),
        Kind::Index(left, right) | Kind::And(left, right) | Kind::Or(left, right) => {
            collect(left, into);
            collect(right, into);
        }
        Kind::Binary(operator, left, right) => {
            collect(left, into);
            collect(right, into);
            if compares(*operator) {
                let (at, symbol) = (right.at, operator.symbol());
                into.push(Comparison { left: side(left), right: side(right), symbol, at });
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                collect(key, into);
                collect(value, into);
            }
        }
        Kind::Each(each) => {
            collect(&each.over, into);
            each.test.iter().chain(&each.make).for_each(|node| collect(node, into));
        }
    }
}

fn compares(operator: Binary) -> bool {
    match operator {
        Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessOrEqual
        | Binary::Greater
        | Binary::GreaterOrEqual => true,
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo | Binary::In => false,
    }
}

fn side(node: &Node) -> Side {
    match &node.kind {
        Kind::Read { path, keys } if keys.is_empty() => Side::Path(path.clone()),
        Kind::Literal(literal) => match literal {
            Literal::Null => Side::Literal(Value::Null),
            Literal::Bool(value) => Side::Literal((*value).into()),
            Literal::Int(value) => Side::Literal((*value).into()),
            Literal::UInt(value) => Side::Literal((*value).into()),
            Literal::Double(value) => Side::Literal((*value).into()),
            Literal::String(value) => Side::Literal(value.clone().into()),
            Literal::Type(_) => Side::Other,
        },
        _ => Side::Other,
    }
}
