//! What is told of expressions before they are evaluated.

use sagaline_expr::{Expression, Known, Problem, ValueKind};

/// `n` is a number, `t` a text, `b` true or false, `l` a list, `m` a map, `w` one of two words; of all else nothing is known.
fn knows(path: &[String]) -> Option<Known> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    Some(match path.as_slice() {
        ["n"] => Known::Kind(ValueKind::Number),
        ["t"] => Known::Kind(ValueKind::Text),
        ["b"] => Known::Kind(ValueKind::Boolean),
        ["l"] => Known::Kind(ValueKind::List),
        ["m"] => Known::Kind(ValueKind::Map),
        ["w"] => Known::Words(vec!["small".to_owned(), "large".to_owned()]),
        _ => return None,
    })
}

/// What is told of it, each with its place.
#[track_caller]
fn told(source: &str) -> Vec<String> {
    let expression = Expression::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let doubts = expression.foresee(&knows).doubts;
    doubts
        .iter()
        .map(|doubt| {
            assert!(source.get(doubt.at..).is_some(), "{source}: {doubt:?}");
            match &doubt.problem {
                Problem::NeverThis { side, word, .. } => format!("{}: {side} is never {word}", doubt.at),
                Problem::Other { message, hint } => {
                    assert!(!hint.is_empty(), "{source}");
                    format!("{}: {message}", doubt.at)
                }
            }
        })
        .collect()
}

#[test]
fn what_fails_whatever_comes_is_told() {
    let cases = [
        ("t - 1", "0: `-` cannot be applied here: `t` is text, and `1` is a number"),
        ("x - 'a'", "0: `-` cannot be applied here: `\"a\"` is text"),
        ("x + null", "0: `+` cannot be applied here: `null` is null"),
        ("1 + t", "0: `+` cannot be applied here: `1` is a number, and `t` is text"),
        ("-t", "0: `-` cannot be applied here: `t` is text"),
        ("x / 0", ""),
        ("x + y", ""),
        ("coalesce(x, 0) + 1", ""),
        ("1 / 0", "0: this always divides by zero"),
        ("1 % 0", "0: this always divides by zero"),
        ("9223372036854775807 + 1", "0: this always fails: the result of `+` is out of range"),
        ("size(5)", "0: `size` cannot be applied here: `5` is a number"),
        ("size(n)", "0: `size` cannot be applied here: `n` is a number"),
        ("int('x')", "0: `int` cannot read `x`"),
        ("int(l)", "0: `int` cannot be applied here: `l` is a list"),
        ("duration('5 minutes')", "0: `duration` cannot read `5 minutes`"),
        ("timestamp('tomorrow')", "0: `timestamp` cannot read `tomorrow`"),
        ("timestamp(x) + 5", "0: `+` cannot be applied here: `timestamp(…)` is a time, and `5` is a number"),
        ("t.getHours()", "0: `getHours` cannot be applied here: `t` is text"),
        ("timestamp(x).getHours('Berlin')", ""),
        ("timestamp('2026-11-20T06:00:00Z').getHours('Berlin')", "0: `getHours` cannot read `Berlin`"),
        ("l.contains('a')", "0: `contains` cannot be applied here: `l` is a list, and `\"a\"` is text"),
        ("n.matches('a')", "0: `matches` cannot be applied here: `n` is a number"),
        ("'a' in t", "0: `in` cannot be applied here: `\"a\"` is text, and `t` is text"),
        ("n.exists(x, x > 1)", "0: `exists` cannot be applied here: `n` is a number"),
        ("l.filter(x, size(x))", "0: `filter` takes what is true or false, and `size(…)` is a number"),
        ("b && n", "0: `&&` takes what is true or false, and `n` is a number"),
        ("t || x", "0: `||` takes what is true or false, and `t` is text"),
        ("!n", "0: `!` takes what is true or false, and `n` is a number"),
        ("n ? 1 : 2", "0: `?:` takes what is true or false, and `n` is a number"),
        ("t.first", "0: `t` is text, and has no `first` inside"),
        ("l.first", "0: `l` is a list, and has no `first` inside"),
        ("n[0]", "0: `n` is a number, and nothing can be taken out of it that way"),
        ("[1, 2].x", "0: what stands before it is a list, and has no `x` inside"),
        ("coalesce(n, 0) + 'a'", "0: `+` cannot be applied here: `coalesce(…)` is a number, and `\"a\"` is text"),
        ("(b ? n : 1) + t", "0: `+` cannot be applied here: its left side is a number, and `t` is text"),
        ("(b ? n : 'a') + t", ""),
        ("x ? t - 1 : 0", "0: `-` cannot be applied here: `t` is text, and `1` is a number"),
    ];
    let mut wrong = vec![];
    for (source, expected) in cases {
        let place = |told: String| told.split_once(": ").expect("a place").1.to_owned();
        let expected = expected.strip_prefix("0: ").unwrap_or_default();
        let got: Vec<String> = told(source).into_iter().map(place).collect();
        if got.join("; ") != expected {
            wrong.push(format!("{source}\n  expected {expected}\n  told     {}", got.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn comparisons_that_never_change_are_told_at_their_right_side() {
    let cases = [
        ("n == 'a'", "5: this never holds: `n` is a number, and `\"a\"` is text"),
        ("n != t", "5: this always holds: `n` is a number, and `t` is text"),
        ("n < 'a'", "4: this cannot be compared: `n` is a number, and `\"a\"` is text"),
        ("x && b < l", "9: this cannot be compared: `b` is true or false, and `l` is a list"),
        ("timestamp(x) > t", "15: this cannot be compared: `timestamp(…)` is a time, and `t` is text"),
        ("1 == '1'", "5: this never holds: `1` is a number, and `\"1\"` is text"),
        ("'n' == 'a'", "7: this never holds: neither of its sides reads anything"),
        ("1 + 1 <= 2", "9: this always holds: neither of its sides reads anything"),
        ("w == 'medium'", "5: `w` is never medium"),
        ("'medium' != w", "12: `w` is never medium"),
        ("w in ['large', 'tiny', 'huge']", "15: `w` is never tiny; 23: `w` is never huge"),
        ("w == 'small' || w in ['large'] || w < 'm'", ""),
        ("n == null || x == 'a' || x.y in l || size(x) > 2", ""),
        ("n == 1.5 || 2u < n || t != ''", ""),
        ("l == [] || m == {} || type(n) == int", ""),
    ];
    for (source, expected) in cases {
        assert_eq!(told(source).join("; "), expected, "{source}");
    }
}

#[test]
fn the_kind_of_the_whole_is_known() {
    let cases: [(&str, Option<&[ValueKind]>); 14] = [
        ("x", None),
        ("x.y + 1", Some(&[ValueKind::Number])),
        ("x + y", None),
        ("n * 2", Some(&[ValueKind::Number])),
        ("w", Some(&[ValueKind::Text])),
        ("t + 'a'", Some(&[ValueKind::Text])),
        ("x == y && z", Some(&[ValueKind::Boolean])),
        ("has(x.y)", Some(&[ValueKind::Boolean])),
        ("x.map(y, y)", Some(&[ValueKind::List])),
        ("x.exists(y, y)", Some(&[ValueKind::Boolean])),
        ("coalesce(x, 1)", None),
        ("coalesce(t, null, 1)", Some(&[ValueKind::Text, ValueKind::Number])),
        ("b ? duration('1h') : null", Some(&[ValueKind::Duration])),
        ("timestamp(x) - timestamp(y)", Some(&[ValueKind::Duration])),
    ];
    for (source, expected) in cases {
        let expression = Expression::compile(source).expect(source);
        assert_eq!(expression.foresee(&knows).kinds.as_deref(), expected, "{source}");
    }
}
