//! The functions there are, beside the macros, `matches` and `coalesce`, which are part of the tree.

use crate::{
    error::EvalCause,
    eval::Budget,
    time::{self, Part},
    value::{Text, Val, mismatch},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Bool,
    Int,
    UInt,
    Double,
    String,
    Type,
    Dyn,
    Timestamp,
    Duration,
    Part(Part),
}

const CONVERSIONS: [(&str, Function); 9] = [
    ("bool", Function::Bool),
    ("int", Function::Int),
    ("uint", Function::UInt),
    ("double", Function::Double),
    ("string", Function::String),
    ("type", Function::Type),
    ("dyn", Function::Dyn),
    ("timestamp", Function::Timestamp),
    ("duration", Function::Duration),
];

const TEXT_METHODS: [(&str, Function); 3] =
    [("contains", Function::Contains), ("startsWith", Function::StartsWith), ("endsWith", Function::EndsWith)];

impl Function {
    /// The function called that way; a method's target counts among the arguments.
    pub(crate) fn named(name: &str, is_method: bool, arguments: usize) -> Option<Self> {
        let among =
            |table: &[(&str, Self)]| table.iter().find(|(known, _)| *known == name).map(|(_, function)| *function);
        match (is_method, arguments) {
            (_, 1) if name == "size" => Some(Self::Size),
            (false, 1) => among(&CONVERSIONS),
            (true, 2) if among(&TEXT_METHODS).is_some() => among(&TEXT_METHODS),
            (true, 1 | 2) => Part::ALL.iter().find(|(known, _)| *known == name).map(|(_, part)| Self::Part(*part)),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Part(part) => part.name(),
            _ => CONVERSIONS
                .iter()
                .chain(&TEXT_METHODS)
                .find(|(_, function)| *function == self)
                .map_or("", |(name, _)| name),
        }
    }

    pub(crate) fn call<'a>(self, arguments: &[Val<'a>], budget: &mut Budget) -> Result<Val<'a>, EvalCause> {
        let mismatch = || mismatch(self.name(), &arguments.iter().collect::<Vec<_>>());
        match (self, arguments) {
            (Self::Size, [value]) => size(value, budget)?.ok_or_else(mismatch),
            (Self::Contains | Self::StartsWith | Self::EndsWith, [Val::Text(text), Val::Text(part)]) => {
                budget.look_at(text.len() + part.len())?;
                Ok(Val::Bool(match self {
                    Self::Contains => text.contains(&**part),
                    Self::StartsWith => text.starts_with(&**part),
                    _ => text.ends_with(&**part),
                }))
            }
            (Self::Part(part), [of]) => part.get(of, None),
            (Self::Part(part), [of, zone]) => part.get(of, Some(zone)),
            (Self::Dyn, [value]) => Ok(value.clone()),
            (Self::Type, [value]) => value.type_name().map(Val::Type).ok_or_else(mismatch),
            (_, [value]) => self.convert(value, budget)?.ok_or_else(mismatch),
            _ => Err(mismatch()),
        }
    }

    /// Nothing if the types do not fit.
    fn convert<'a>(self, value: &Val<'a>, budget: &mut Budget) -> Result<Option<Val<'a>>, EvalCause> {
        if let Val::Text(text) = value {
            budget.look_at(text.len())?;
        }
        Ok(match (self, value) {
            (Self::Bool, Val::Bool(_))
            | (Self::Int, Val::Int(_))
            | (Self::UInt, Val::UInt(_))
            | (Self::Double, Val::Double(_))
            | (Self::String, Val::Text(_))
            | (Self::Timestamp, Val::Time(_))
            | (Self::Duration, Val::Duration(_)) => Some(value.clone()),
            (Self::Bool, Val::Text(text)) => Some(Val::Bool(read_bool(text)?)),
            (Self::Int, _) => self.int(value)?,
            (Self::UInt, Val::Int(int)) => {
                Some(Val::UInt(u64::try_from(*int).map_err(|_| EvalCause::Overflow("uint"))?))
            }
            (Self::UInt, Val::Double(double)) => {
                Some(Val::UInt(whole(*double, 0.0, 18_446_744_073_709_551_616.0, "uint")? as u64))
            }
            (Self::UInt, Val::Text(text)) => {
                Some(Val::UInt(text.parse().map_err(|_| unreadable("uint", text, "it is no whole number from 0"))?))
            }
            (Self::Double, Val::Int(int)) => Some(Val::Double(*int as f64)),
            (Self::Double, Val::UInt(uint)) => Some(Val::Double(*uint as f64)),
            (Self::Double, Val::Text(text)) => {
                Some(Val::Double(text.parse().map_err(|_| unreadable("double", text, "it is no number"))?))
            }
            (Self::String, _) => write(value),
            (Self::Timestamp, Val::Text(text)) => Some(Val::Time(time::read_timestamp(text)?)),
            (Self::Timestamp, Val::Int(seconds)) => Some(Val::Time(time::timestamp_of_seconds(*seconds)?)),
            (Self::Duration, Val::Text(text)) => Some(Val::Duration(time::read_duration(text)?)),
            _ => None,
        })
    }

    /// Fractions are cut off; a timestamp is its seconds since 1970.
    fn int<'a>(self, value: &Val<'a>) -> Result<Option<Val<'a>>, EvalCause> {
        Ok(Some(Val::Int(match value {
            Val::UInt(uint) => i64::try_from(*uint).map_err(|_| EvalCause::Overflow("int"))?,
            Val::Double(double) => {
                whole(*double, -9_223_372_036_854_775_808.0, 9_223_372_036_854_775_808.0, "int")? as i64
            }
            Val::Text(text) => text.parse().map_err(|_| unreadable("int", text, "it is no whole number"))?,
            Val::Time(time) => time.timestamp(),
            _ => return Ok(None),
        })))
    }
}

/// Characters of a text, elements of a list, entries of a map.
fn size<'a>(value: &Val<'a>, budget: &mut Budget) -> Result<Option<Val<'a>>, EvalCause> {
    let size = match value {
        Val::Text(text) => {
            budget.look_at(text.len())?;
            Some(text.chars().count())
        }
        _ => value.length(),
    };
    Ok(size.map(|size| Val::Int(i64::try_from(size).unwrap_or(i64::MAX))))
}

fn read_bool(text: &Text<'_>) -> Result<bool, EvalCause> {
    match &**text {
        "1" | "t" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(unreadable("bool", text, "it is neither true nor false")),
    }
}

fn whole(double: f64, from: f64, below: f64, function: &'static str) -> Result<f64, EvalCause> {
    let cut = double.trunc();
    if from <= cut && cut < below { Ok(cut) } else { Err(EvalCause::Overflow(function)) }
}

fn write<'a>(value: &Val<'a>) -> Option<Val<'a>> {
    Some(Val::text(match value {
        Val::Bool(value) => value.to_string(),
        Val::Int(value) => value.to_string(),
        Val::UInt(value) => value.to_string(),
        Val::Double(value) => value.to_string(),
        Val::Time(time) => time::write_timestamp(*time),
        Val::Duration(duration) => time::write_duration(*duration),
        _ => return None,
    }))
}

fn unreadable(function: &'static str, text: &str, reason: &'static str) -> EvalCause {
    EvalCause::Unreadable { function, text: text.chars().take(64).collect(), reason }
}

/// That there is no such function, or not with so many arguments.
pub(crate) fn unknown(name: &str, is_method: bool, arguments: usize) -> String {
    let known = (0..4).any(|count| Function::named(name, is_method, count).is_some());
    match (known, is_method) {
        (true, _) => format!("`{name}` does not take {arguments} arguments"),
        (false, true) => format!("there is no function `{name}` to call on a value"),
        (false, false) => format!("there is no function `{name}`"),
    }
}

pub(crate) fn hint_for(name: &str, is_method: bool) -> String {
    match name {
        "now" | "today" | "timestamp" if !is_method => {
            "an expression does not know what time it is; take a time from the input, a step or `execution`".to_owned()
        }
        "len" | "length" | "count" => "write `size(x)`".to_owned(),
        "random" | "rand" | "uuid" => "an expression gives the same every time; let an activity draw it".to_owned(),
        "default" | "orElse" | "ifNull" => "write `coalesce(x, y)`".to_owned(),
        "any" | "some" => "write `list.exists(x, x > 1)`".to_owned(),
        "every" => "write `list.all(x, x > 1)`".to_owned(),
        _ if is_method => {
            "on a value: size, contains, startsWith, endsWith, matches, map, filter, all, exists, exists_one, getFullYear, \
             getMonth, getDate, getDayOfWeek, getDayOfMonth, getDayOfYear, getHours, getMinutes, getSeconds, getMilliseconds"
                .to_owned()
        }
        _ => "the functions are: bool, coalesce, double, duration, dyn, has, int, matches, size, string, timestamp, type, uint".to_owned(),
    }
}
