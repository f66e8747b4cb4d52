//! What a plain scalar means: the core schema of YAML 1.2. `yes`, `no`, `on` and `off` are text.

use serde_json::{Number, Value};

/// What a plain scalar is.
pub(crate) enum Plain {
    /// Null, a boolean or a number.
    Value(Value),
    Text,
    /// A number that JSON cannot write: `.inf`, `.nan`, `1e999`.
    NotJson,
}

pub(crate) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Value(Value::Null),
        "true" | "True" | "TRUE" => Plain::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => Plain::Value(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => Plain::NotJson,
        other => number(other),
    }
}

fn number(text: &str) -> Plain {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Plain::NotJson;
    }
    if let Some(number) = radix(text) {
        return Plain::Value(number.into());
    }
    if !looks_like_a_number(unsigned) {
        return Plain::Text;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Plain::Value(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Plain::Value(whole.into());
    }
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => Plain::Value(Value::Number(number)),
        None => Plain::NotJson,
    }
}

fn radix(text: &str) -> Option<u64> {
    let (digits, radix) = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => (digits, 16),
        (_, Some(digits)) => (digits, 8),
        (None, None) => return None,
    };
    // A sign would be taken by the standard library, but not by YAML.
    (!digits.starts_with(['+', '-'])).then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// `[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?`, or with no digit before the dot but one after it.
fn looks_like_a_number(unsigned: &str) -> bool {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix('.') {
        fraction = digits(after);
        rest = &after[fraction..];
    }
    if whole + fraction == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let value = |text| match plain(text) {
            Plain::Value(value) => Some(value),
            Plain::Text | Plain::NotJson => None,
        };
        for (text, expected) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("12", json!(12)),
            ("-3", json!(-3)),
            ("+3", json!(3)),
            ("007", json!(7)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("1.5e3", json!(1500.0)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("18446744073709551615", json!(u64::MAX)),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        for text in ["yes", "No", "on", "off", "y", "1_000", "1:30", "0x", "0x+1", "1e", "-", ".", "2026-11-20", "5m"] {
            assert!(matches!(plain(text), Plain::Text), "{text}");
        }
        for text in [".inf", "-.inf", ".nan", "1e999"] {
            assert!(matches!(plain(text), Plain::NotJson), "{text}");
        }
    }
}
