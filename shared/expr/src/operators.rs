//! What the operators do: equality, order, arithmetic, membership.

use std::{cmp::Ordering, rc::Rc};

use crate::{
    error::EvalCause,
    eval::Budget,
    node::Binary,
    time,
    value::{Val, mismatch},
};

type Outcome<'a> = Result<Val<'a>, EvalCause>;

/// A list that is built costs this much an element.
pub(crate) const ELEMENT_BYTES: usize = size_of::<Val<'_>>();

pub(crate) fn binary<'a>(operator: Binary, left: &Val<'a>, right: &Val<'a>, budget: &mut Budget) -> Outcome<'a> {
    match operator {
        Binary::Add => add(left, right, budget),
        Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => arithmetic(operator, left, right),
        Binary::Equal => equal(left, right, budget).map(Val::Bool),
        Binary::NotEqual => equal(left, right, budget).map(|equal| Val::Bool(!equal)),
        Binary::In => contains(left, right, budget).map(Val::Bool),
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
            let order = compare(operator, left, right, budget)?;
            Ok(Val::Bool(match operator {
                Binary::Less => order.is_some_and(Ordering::is_lt),
                Binary::LessOrEqual => order.is_some_and(Ordering::is_le),
                Binary::Greater => order.is_some_and(Ordering::is_gt),
                _ => order.is_some_and(Ordering::is_ge),
            }))
        }
    }
}

#[derive(Clone, Copy)]
enum Num {
    Whole(i128),
    Double(f64),
}

fn num(value: &Val<'_>) -> Option<Num> {
    match value {
        Val::Int(value) => Some(Num::Whole(i128::from(*value))),
        Val::UInt(value) => Some(Num::Whole(i128::from(*value))),
        Val::Double(value) => Some(Num::Double(*value)),
        _ => None,
    }
}

impl Num {
    fn as_f64(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

/// Exact also between whole numbers and fractions; nothing if one is undefined.
fn order(left: Num, right: Num) -> Option<Ordering> {
    match (left, right) {
        (Num::Whole(left), Num::Whole(right)) => Some(left.cmp(&right)),
        (Num::Double(left), Num::Double(right)) => left.partial_cmp(&right),
        (Num::Double(_), Num::Whole(_)) => order(right, left).map(Ordering::reverse),
        (Num::Whole(whole), Num::Double(double)) => {
            if double.is_nan() {
                return None;
            }
            // The cast saturates, far beyond every whole number there is.
            let below = double.trunc() as i128;
            Some(whole.cmp(&below).then_with(|| 0.0_f64.total_cmp(&(double.fract() + 0.0))))
        }
    }
}

fn compare(
    operator: Binary,
    left: &Val<'_>,
    right: &Val<'_>,
    budget: &mut Budget,
) -> Result<Option<Ordering>, EvalCause> {
    if let (Some(left), Some(right)) = (num(left), num(right)) {
        return Ok(order(left, right));
    }
    match (left, right) {
        (Val::Text(left), Val::Text(right)) => {
            budget.look_at(left.len().min(right.len()))?;
            Ok(Some(left.cmp(right)))
        }
        (Val::Bool(left), Val::Bool(right)) => Ok(Some(left.cmp(right))),
        (Val::Time(left), Val::Time(right)) => Ok(Some(left.cmp(right))),
        (Val::Duration(left), Val::Duration(right)) => Ok(Some(left.cmp(right))),
        _ => Err(mismatch(operator.symbol(), &[left, right])),
    }
}

/// Values of different types are different. Of a payload stored elsewhere only this is known: it is neither null nor a
/// boolean nor a number, which are never large, and it is what has the same reference.
pub(crate) fn equal(left: &Val<'_>, right: &Val<'_>, budget: &mut Budget) -> Result<bool, EvalCause> {
    budget.work(1)?;
    if let (Some(left), Some(right)) = (num(left), num(right)) {
        return Ok(order(left, right) == Some(Ordering::Equal));
    }
    match (left, right) {
        (Val::Null, Val::Null) => Ok(true),
        (Val::Bool(left), Val::Bool(right)) => Ok(left == right),
        (Val::Text(left), Val::Text(right)) => {
            budget.look_at(if left.len() == right.len() { left.len() } else { 0 })?;
            Ok(left == right)
        }
        (Val::Time(left), Val::Time(right)) => Ok(left == right),
        (Val::Duration(left), Val::Duration(right)) => Ok(left == right),
        (Val::Type(left), Val::Type(right)) => Ok(left == right),
        (Val::Offloaded(one), Val::Offloaded(other)) if equal_maps(one, other, budget)? => Ok(true),
        (Val::Offloaded(_), other) | (other, Val::Offloaded(_)) => match other {
            Val::Text(_) | Val::Array(_) | Val::List(_) | Val::Object(_) | Val::Map(_) | Val::Offloaded(_) => {
                Err(mismatch("==", &[left, right]))
            }
            _ => Ok(false),
        },
        (Val::Array(_) | Val::List(_), Val::Array(_) | Val::List(_)) => equal_lists(left, right, budget),
        (Val::Object(_) | Val::Map(_), Val::Object(_) | Val::Map(_)) => equal_maps(left, right, budget),
        _ => Ok(false),
    }
}

fn equal_lists(left: &Val<'_>, right: &Val<'_>, budget: &mut Budget) -> Result<bool, EvalCause> {
    let length = left.length();
    if length != right.length() {
        return Ok(false);
    }
    for index in 0..length.unwrap_or(0) {
        let index = Val::Int(i64::try_from(index).unwrap_or(i64::MAX));
        let (Some(left), Some(right)) = (left.member(&index, budget)?, right.member(&index, budget)?) else {
            return Ok(false);
        };
        if !equal(&left, &right, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(left: &Val<'_>, right: &Val<'_>, budget: &mut Budget) -> Result<bool, EvalCause> {
    if left.length() != right.length() {
        return Ok(false);
    }
    left.pay_for_order(budget)?;
    for key in left.elements().into_iter().flatten() {
        let (Some(left), Some(right)) = (left.member(&key, budget)?, right.member(&key, budget)?) else {
            return Ok(false);
        };
        if !equal(&left, &right, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `left in right`.
fn contains(left: &Val<'_>, right: &Val<'_>, budget: &mut Budget) -> Result<bool, EvalCause> {
    match right {
        Val::Array(elements) => {
            for element in *elements {
                if equal(left, &Val::of(element), budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Val::List(elements) => {
            for element in elements.iter() {
                if equal(left, element, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Val::Object(_) | Val::Map(_) if left.key().is_some() || matches!(left, Val::Null) => {
            Ok(right.member(left, budget)?.is_some())
        }
        _ => Err(mismatch("in", &[left, right])),
    }
}

fn add<'a>(left: &Val<'a>, right: &Val<'a>, budget: &mut Budget) -> Outcome<'a> {
    match (left, right) {
        (Val::Text(left), Val::Text(right)) => {
            budget.built(left.len() + right.len())?;
            Ok(Val::text([&**left, &**right].concat()))
        }
        (Val::Array(_) | Val::List(_), Val::Array(_) | Val::List(_)) => {
            let length = left.length().unwrap_or(0) + right.length().unwrap_or(0);
            budget.built(length * ELEMENT_BYTES)?;
            budget.work(length)?;
            let elements = left.elements().into_iter().chain(right.elements()).flatten();
            Ok(Val::List(Rc::new(elements.collect())))
        }
        _ => arithmetic(Binary::Add, left, right),
    }
}

fn arithmetic<'a>(operator: Binary, left: &Val<'a>, right: &Val<'a>) -> Outcome<'a> {
    match (num(left), num(right)) {
        (Some(Num::Whole(one)), Some(Num::Whole(other))) => {
            let unsigned = matches!((left, right), (Val::UInt(_), Val::UInt(_)));
            let result = whole(operator, one, other)?;
            let overflow = EvalCause::Overflow(operator.symbol());
            if unsigned {
                return u64::try_from(result).map(Val::UInt).map_err(|_| overflow);
            }
            let large = matches!(left, Val::UInt(_)) || matches!(right, Val::UInt(_));
            match (i64::try_from(result), u64::try_from(result)) {
                (Ok(int), _) => Ok(Val::Int(int)),
                (_, Ok(uint)) if large => Ok(Val::UInt(uint)),
                _ => Err(overflow),
            }
        }
        (Some(one), Some(other)) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            match operator {
                Binary::Add => Ok(Val::Double(one + other)),
                Binary::Subtract => Ok(Val::Double(one - other)),
                Binary::Multiply => Ok(Val::Double(one * other)),
                Binary::Divide => Ok(Val::Double(one / other)),
                _ => Err(mismatch(operator.symbol(), &[left, right])),
            }
        }
        _ => time::arithmetic(operator, left, right),
    }
}

/// 128 bits hold every sum, difference and product of two numbers of 64.
fn whole(operator: Binary, left: i128, right: i128) -> Result<i128, EvalCause> {
    match operator {
        Binary::Add => Ok(left + right),
        Binary::Subtract => Ok(left - right),
        Binary::Multiply => left.checked_mul(right).ok_or(EvalCause::Overflow("*")),
        Binary::Divide => left.checked_div(right).ok_or(EvalCause::DivisionByZero),
        _ => left.checked_rem(right).ok_or(EvalCause::DivisionByZero),
    }
}

pub(crate) fn negate<'a>(value: &Val<'a>) -> Outcome<'a> {
    match value {
        Val::Int(value) => value.checked_neg().map(Val::Int).ok_or(EvalCause::Overflow("-")),
        Val::Double(value) => Ok(Val::Double(-value)),
        _ => Err(mismatch("-", &[value])),
    }
}
