//! The values of an evaluation: JSON that is only looked at, and what is made of it.

use std::{cmp::Ordering, collections::BTreeMap, fmt, ops::Deref, rc::Rc};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Number, Value};

use crate::{error::EvalCause, eval::Budget, node::Literal, scope::is_offloaded, time};

/// What a node of JSON counts for, besides its text.
const NODE_BYTES: usize = 16;

/// A text: of the scope or the expression, or made here.
#[derive(Clone, Debug)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

/// A key of a map. Whole numbers are one type here, as `1 == 1u`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key<'a> {
    Bool(bool),
    Int(i128),
    Text(Text<'a>),
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// Cloning one is cheap: what is large is shared.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Text(Text<'a>),
    Array(&'a [Value]),
    Object(&'a Map<String, Value>),
    List(Rc<Vec<Val<'a>>>),
    Map(Rc<BTreeMap<Key<'a>, Val<'a>>>),
    /// The reference to a payload stored elsewhere; the map that it is.
    Offloaded(Rc<Val<'a>>),
    Time(DateTime<Utc>),
    Duration(TimeDelta),
    Type(&'static str),
}

impl<'a> Val<'a> {
    pub(crate) fn literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Int(value) => Self::Int(*value),
            Literal::UInt(value) => Self::UInt(*value),
            Literal::Double(value) => Self::Double(*value),
            Literal::String(text) => Self::Text(Text::Borrowed(text)),
            Literal::Type(name) => Self::Type(name),
        }
    }

    /// A view: copies nothing but a small reference.
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::number(number),
            Value::String(text) => Self::Text(Text::Borrowed(text)),
            Value::Array(elements) => Self::Array(elements),
            Value::Object(object) if is_offloaded(object) => Self::Offloaded(Rc::new(Self::Object(object))),
            Value::Object(object) => Self::Object(object),
        }
    }

    /// What a scope put together; it is moved, not copied, but every node of it is touched.
    pub(crate) fn owned(value: Value, budget: &mut Budget) -> Result<Self, EvalCause> {
        budget.work(1)?;
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::number(&number),
            Value::String(text) => {
                budget.look_at(text.len())?;
                Self::text(text)
            }
            Value::Array(elements) => Self::List(Rc::new(
                elements.into_iter().map(|element| Self::owned(element, budget)).collect::<Result<_, _>>()?,
            )),
            Value::Object(object) => {
                let offloaded = is_offloaded(&object);
                let mut map = BTreeMap::new();
                for (name, value) in object {
                    budget.look_at(name.len())?;
                    map.insert(Key::Text(Text::Made(name.into())), Self::owned(value, budget)?);
                }
                let map = Self::Map(Rc::new(map));
                if offloaded { Self::Offloaded(Rc::new(map)) } else { map }
            }
        })
    }

    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    fn number(number: &Number) -> Self {
        match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Self::Int(int),
            (None, Some(uint)) => Self::UInt(uint),
            // Numbers of any length stay out of the workspace, so this is always one.
            (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    /// What messages call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::UInt(_) | Self::Double(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) | Self::List(_) => "a list",
            Self::Object(_) | Self::Map(_) => "a map",
            Self::Offloaded(_) => "a payload",
            Self::Time(_) => "a timestamp",
            Self::Duration(_) => "a duration",
            Self::Type(_) => "a type",
        }
    }

    /// As `type(x)` gives it.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::UInt(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Array(_) | Self::List(_) => "list",
            Self::Object(_) | Self::Map(_) => "map",
            Self::Time(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::Offloaded(_) => return None,
        })
    }

    /// This as a key of a map; fractions, lists and the like are none.
    pub(crate) fn key(&self) -> Option<Key<'a>> {
        Some(match self {
            Self::Bool(value) => Key::Bool(*value),
            Self::Int(value) => Key::Int(i128::from(*value)),
            Self::UInt(value) => Key::Int(i128::from(*value)),
            Self::Double(value) if value.fract() == 0.0 && value.abs() < 1e19 => Key::Int(*value as i128),
            Self::Text(text) => Key::Text(text.clone()),
            _ => return None,
        })
    }

    /// The element at `index` of a list, the value of a key of a map, nothing of null. What is neither is a [`EvalCause::Types`].
    pub(crate) fn member(&self, index: &Self, budget: &mut Budget) -> Result<Option<Self>, EvalCause> {
        let key = index.key();
        if let Some(Key::Text(name)) = &key {
            budget.look_at(name.len())?;
        }
        let found = match (self, &key) {
            (Self::Null, _) => None,
            (Self::Object(_) | Self::Map(_) | Self::Array(_) | Self::List(_), _) if matches!(index, Self::Null) => None,
            (Self::Object(object), Some(Key::Text(name))) => object.get(&**name).map(Val::of),
            (Self::Object(_), Some(_)) => None,
            (Self::Map(map), Some(key)) => map.get(key).cloned(),
            (Self::Array(elements), Some(Key::Int(at))) => {
                usize::try_from(*at).ok().and_then(|at| elements.get(at)).map(Val::of)
            }
            (Self::List(elements), Some(Key::Int(at))) => {
                usize::try_from(*at).ok().and_then(|at| elements.get(at)).cloned()
            }
            _ => return Err(mismatch("[]", &[self, index])),
        };
        Ok(found)
    }

    /// The elements of a list, the keys of a map in their order.
    pub(crate) fn elements(&self) -> Option<Box<dyn Iterator<Item = Self> + 'a>> {
        Some(match self {
            Self::Array(elements) => Box::new(elements.iter().map(Val::of)),
            Self::List(elements) => {
                let elements = Rc::clone(elements);
                Box::new((0..elements.len()).map(move |index| elements[index].clone()))
            }
            Self::Object(object) => {
                let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
                names.sort_unstable();
                Box::new(names.into_iter().map(|name| Self::Text(Text::Borrowed(name))))
            }
            Self::Map(map) => {
                let keys: Vec<Self> = map.keys().map(Self::from_key).collect();
                Box::new(keys.into_iter())
            }
            _ => return None,
        })
    }

    fn from_key(key: &Key<'a>) -> Self {
        match key {
            Key::Bool(value) => Self::Bool(*value),
            Key::Int(value) => i64::try_from(*value).map_or_else(|_| Self::UInt(*value as u64), Self::Int),
            Key::Text(text) => Self::Text(text.clone()),
        }
    }

    /// Pays for going through the keys of a map, which are put in order for it.
    pub(crate) fn pay_for_order(&self, budget: &mut Budget) -> Result<(), EvalCause> {
        let bytes: usize = match self {
            Self::Object(object) => object.keys().map(String::len).sum(),
            Self::Map(_) => 0,
            _ => return Ok(()),
        };
        budget.look_at(bytes)?;
        budget.work(self.length().unwrap_or(0))
    }

    /// Elements or entries of a list or map.
    pub(crate) fn length(&self) -> Option<usize> {
        match self {
            Self::Array(elements) => Some(elements.len()),
            Self::List(elements) => Some(elements.len()),
            Self::Object(object) => Some(object.len()),
            Self::Map(map) => Some(map.len()),
            _ => None,
        }
    }

    /// As the result of an expression.
    pub(crate) fn into_json(self, budget: &mut Budget) -> Result<Value, EvalCause> {
        budget.built(NODE_BYTES)?;
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => value.into(),
            Self::UInt(value) => value.into(),
            Self::Double(value) => match Number::from_f64(value) {
                Some(number) => Value::Number(number),
                None => return Err(EvalCause::NotJson("a number that is infinite or undefined")),
            },
            Self::Text(text) => {
                budget.built(text.len())?;
                Value::String((*text).to_owned())
            }
            Self::Array(elements) => {
                Value::Array(elements.iter().map(|element| copy(element, budget)).collect::<Result<_, _>>()?)
            }
            Self::Object(object) => Value::Object(copy_object(object, budget)?),
            Self::List(elements) => Value::Array(
                elements.iter().map(|element| element.clone().into_json(budget)).collect::<Result<_, _>>()?,
            ),
            Self::Map(map) => {
                let mut object = Map::new();
                for (key, value) in map.iter() {
                    let name = key.to_string();
                    budget.built(name.len())?;
                    object.insert(name, value.clone().into_json(budget)?);
                }
                Value::Object(object)
            }
            Self::Offloaded(reference) => (*reference).clone().into_json(budget)?,
            Self::Time(time) => Value::String(time::write_timestamp(time)),
            Self::Duration(duration) => Value::String(time::write_duration(duration)),
            Self::Type(_) => return Err(EvalCause::NotJson("a type")),
        })
    }
}

/// A clone that is counted.
pub(crate) fn copy(value: &Value, budget: &mut Budget) -> Result<Value, EvalCause> {
    budget.built(NODE_BYTES)?;
    Ok(match value {
        Value::String(text) => {
            budget.built(text.len())?;
            Value::String(text.clone())
        }
        Value::Array(elements) => {
            Value::Array(elements.iter().map(|element| copy(element, budget)).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => Value::Object(copy_object(object, budget)?),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn copy_object(object: &Map<String, Value>, budget: &mut Budget) -> Result<Map<String, Value>, EvalCause> {
    let mut copied = Map::new();
    for (name, value) in object {
        budget.built(name.len())?;
        copied.insert(name.clone(), copy(value, budget)?);
    }
    Ok(copied)
}

/// That `operation` is nothing for these; or that one of them is not here to be looked at.
pub(crate) fn mismatch(operation: &'static str, operands: &[&Val<'_>]) -> EvalCause {
    if operands.iter().any(|operand| matches!(operand, Val::Offloaded(_))) {
        return EvalCause::Offloaded("a value".to_owned());
    }
    let kinds: Vec<&str> = operands.iter().map(|operand| operand.kind()).collect();
    EvalCause::Types { operation, operands: kinds.join(" and ") }
}
