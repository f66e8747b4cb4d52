//! Whatever the text and the state: no panic, the same result every time, and what `cel` itself gives where it gives one.

use std::collections::HashMap;

use cel::{Context, Program, Value as CelValue, objects::Key};
use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_expr::{EvalCause, Expression, Known, Problem, Template, ValueKind};
use serde_json::{Map, Value, json};

/// Failures are told, not filed: what they teach becomes a row of a table. Every day the same cases, so that who is told of a
/// failure finds it again; others with `SAGALINE_CASES`.
fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("SAGALINE_CASES").ok().and_then(|cases| cases.parse().ok());
    let rng_seed = if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    let cases = asked.unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 500, rng_seed, ..ProptestConfig::default() }
}

fn state() -> Map<String, Value> {
    Map::from_iter([
        ("a".to_owned(), json!({ "n": 3, "s": "text", "l": [1, 2.5, "x", null], "m": { "k": [true] }, "z": null })),
        ("b".to_owned(), json!({ "$ref": { "key": "k" } })),
    ])
}

/// Texts made of what expressions are made of.
fn rubble() -> impl Strategy<Value = String> {
    let bit = prop::sample::select(vec![
        "a",
        ".n",
        ".s",
        ".l",
        ".m",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "0",
        "1",
        "-",
        "!",
        "+",
        "*",
        "/",
        "%",
        " ",
        "'",
        "\"",
        "\\",
        "'k'",
        "?",
        ":",
        ",",
        ".",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        " in ",
        "null",
        "true",
        "b",
        "$ref",
        "${",
        "$${",
        "}",
        ".map(x, ",
        ".exists(x, ",
        ".filter(x, ",
        "x",
        "has(",
        "size(",
        "int(",
        "string(",
        "duration(",
        "timestamp(",
        "coalesce(",
        ".matches(",
        "9223372036854775807",
        "1e308",
        "0u",
        "é",
        "\n",
        "//",
        "r'",
        "\u{0}",
    ]);
    prop::collection::vec(bit, 0..24).prop_map(|bits| bits.concat())
}

/// Expressions that parse, and often evaluate, over JSON of every kind.
fn any_expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "a.n",
        "a.s",
        "a.l",
        "a.m",
        "a.m.k",
        "a.z",
        "a.q.r",
        "b",
        "b.c",
        "c",
        "0",
        "1",
        "-1",
        "2.5",
        "7u",
        "'k'",
        "''",
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "9223372036854775807",
        "1e308",
        "duration('1h')",
        "timestamp('2026-01-01T00:00:00Z')",
        "int",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 32, 3, |inner| {
        let operator =
            prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"]);
        let function = prop::sample::select(vec![
            "size",
            "int",
            "uint",
            "double",
            "string",
            "bool",
            "type",
            "duration",
            "timestamp",
            "!",
            "-",
            "coalesce",
        ]);
        let each = prop::sample::select(vec!["map", "filter", "all", "exists", "exists_one"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            (function, inner.clone()).prop_map(|(function, value)| format!("{function}({value})")),
            (inner.clone(), inner.clone()).prop_map(|(base, key)| format!("({base})[{key}]")),
            inner.clone().prop_map(|base| format!("({base}).k")),
            inner.clone().prop_map(|base| format!("has(({base}).k)")),
            (inner.clone(), each, inner.clone()).prop_map(|(list, each, body)| format!("({list}).{each}(c, {body})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(one, two, three)| format!("({one} ? {two} : {three})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("[{one}, {two}]")),
            (inner.clone(), inner).prop_map(|(one, two)| format!("{{{one}: {two}, 'k': 1}}")),
        ]
    })
}

fn kind_in_state(path: &[String]) -> Option<Known> {
    let state = Value::Object(state());
    let mut value = &state;
    for name in path {
        value = value.get(name)?;
    }
    ValueKind::of_json(value).map(Known::Kind)
}

/// Times and durations are texts as a result.
fn as_json(kind: ValueKind) -> ValueKind {
    match kind {
        ValueKind::Time | ValueKind::Duration => ValueKind::Text,
        other => other,
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![rubble(), any::<String>()]) {
        if let Ok(expression) = Expression::compile(&text) {
            prop_assert_eq!(expression.evaluate(&state()), expression.evaluate(&state()));
        }
        if let Ok(template) = Template::compile(&json!([text, "${a.n}"])) {
            prop_assert_eq!(template.render(&state()), template.render(&state()));
        }
    }

    #[test]
    fn a_place_is_always_within_the_text(text in rubble()) {
        if let Err(error) = Expression::compile(&text) {
            prop_assert!(text.is_char_boundary(error.offset), "{} of {:?}", error.offset, text);
        }
    }

    #[test]
    fn evaluation_is_the_same_every_time(source in any_expression()) {
        // Chance nests macros too deep now and then.
        if let Ok(expression) = Expression::compile(&source) {
            let again = Expression::compile(&source).expect("it compiled before");
            let result = expression.evaluate(&state());
            prop_assert_eq!(&result, &again.evaluate(&state()));
            let truth = result.is_ok_and(|value| value == Value::Bool(true));
            prop_assert_eq!(expression.holds(&state()), truth);
        }
    }

    /// Of what it reads, the kinds are known as they are.
    #[test]
    fn what_is_told_before_is_so(source in any_expression()) {
        let Ok(expression) = Expression::compile(&source) else { return Ok(()) };
        let foreseen = expression.foresee(&kind_in_state);
        let result = expression.evaluate(&state());
        if let (Some(kinds), Ok(value)) = (&foreseen.kinds, &result) {
            let fits = ValueKind::of_json(value).is_none_or(|kind| kinds.iter().any(|foreseen| as_json(*foreseen) == kind));
            prop_assert!(fits, "{} is {}, and {:?} was told", source, value, kinds);
        }
        // Where one part may do without another, that may fail.
        let does_all = ["&&", "||", "?", "coalesce", ".all(", ".exists", ".map(", ".filter("].iter().all(|part| !source.contains(part));
        for doubt in &foreseen.doubts {
            prop_assert!(source.get(doubt.at..doubt.at + doubt.len).is_some(), "{}: {:?}", source, doubt);
        }
        for doubt in foreseen.doubts.iter().filter(|_| does_all) {
            let Problem::Other { message, .. } = &doubt.problem else { continue };
            let is_no_fault = message.starts_with("this never holds") || message.starts_with("this always holds");
            prop_assert!(is_no_fault || result.is_err(), "{} gives {:?}, and was told: {}", source, result, message);
        }
    }

    #[test]
    fn a_comparison_that_never_changes_never_does(left in any_expression(), right in any_expression(), is_equal: bool) {
        let told = |source: &str| Expression::compile(source).map(|expression| expression.foresee(&kind_in_state).doubts);
        let source = format!("({left}) {} ({right})", if is_equal { "==" } else { "!=" });
        let (Ok(doubts), Ok(of_left), Ok(of_right)) = (told(&source), told(&left), told(&right)) else { return Ok(()) };
        if doubts.len() > of_left.len() + of_right.len() {
            let Some(Problem::Other { message, .. }) = doubts.last().map(|doubt| &doubt.problem) else { return Ok(()) };
            let outcome = message.starts_with("this always holds");
            prop_assert!(outcome || message.starts_with("this never holds"), "{}", message);
            if let Ok(result) = Expression::compile(&source).expect("it compiled before").evaluate(&state()) {
                prop_assert_eq!(result, Value::Bool(outcome), "{}: {}", source, message);
            }
        }
    }

    #[test]
    fn a_selection_never_fails_on_what_is_not_there(path in "(\\.[a-z]{1,2}|\\[[0-9]\\]|\\['[a-z]'\\]){0,6}") {
        for root in ["q", "a.q", "a.z", "a.l[9]", "{}.q", "[].map(x, x)[0]"] {
            let expression = Expression::compile(&format!("{root}{path}"));
            // Two letters may be a keyword.
            if let Ok(expression) = expression {
                prop_assert_eq!(expression.evaluate(&state()), Ok(Value::Null));
            }
        }
    }
}

fn number() -> impl Strategy<Value = String> + Clone {
    let leaf =
        prop_oneof![(-20_i64..20).prop_map(|n| format!("({n})")), Just("n".to_owned()), Just("size(s)".to_owned())];
    leaf.prop_recursive(3, 16, 2, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            inner.clone().prop_map(|n| format!("[1, {n}, 3].map(x, x * 2)[1]")),
            inner.clone().prop_map(|n| format!("{{'k': {n}}}.k")),
            inner.prop_map(|n| format!("size(l.filter(x, x > {n}))")),
        ]
    })
}

fn text() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof!["'[a-zé]{0,3}'", Just("s".to_owned()), Just("string(n)".to_owned())];
    leaf.prop_recursive(2, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} + {other})")),
            inner.prop_map(|text| format!("[{text}, 'b'].filter(x, x != 'c')[0]")),
        ]
    })
}

/// Conditions, of parts whose types fit.
fn condition() -> impl Strategy<Value = String> {
    let compare = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (number(), compare(), number()).prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
        (number(), compare()).prop_map(|(left, operator)| format!("{left} {operator} d")),
        (text(), compare(), text()).prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
        (text(), text()).prop_map(|(one, other)| format!("{one}.contains({other})")),
        (text(), text()).prop_map(|(one, other)| format!("({one}.startsWith({other}) || {other}.endsWith({one}))")),
        number().prop_map(|n| format!("{n} in l")),
        number().prop_map(|n| format!("l.exists(x, x == {n})")),
        number().prop_map(|n| format!("l.exists_one(x, 10 / x == {n})")),
        number().prop_map(|n| format!("l.all(x, x / {n} > 0)")),
        text().prop_map(|text| format!("has({{'a': 1}}.a) && {text} in {{'a': 1}}")),
        (number(), number()).prop_map(|(one, other)| format!("[{one}] + [{other}] == l")),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(({one}) && ({other}))")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(({one}) || ({other}))")),
            inner.clone().prop_map(|one| format!("!({one})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(one, two, three)| format!("(({one}) ? ({two}) : ({three}))")),
        ]
    })
}

/// Its parser needs more stack in a debug build than a test's thread has.
fn parsed_by_cel(source: &str) -> Program {
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().stack_size(64 << 20);
        let thread = parser.spawn_scoped(scope, || Program::compile(source).expect("the generator writes CEL"));
        thread.expect("a thread").join().expect("a program")
    })
}

fn to_json(value: &CelValue) -> Value {
    match value {
        CelValue::Null => Value::Null,
        CelValue::Bool(value) => json!(value),
        CelValue::Int(value) => json!(value),
        CelValue::UInt(value) => json!(value),
        CelValue::Float(value) => json!(value),
        CelValue::String(value) => json!(**value),
        CelValue::List(elements) => elements.iter().map(to_json).collect(),
        CelValue::Map(map) => {
            let entry = |(key, value): (&Key, &CelValue)| (key.to_string(), to_json(value));
            Value::Object(map.map.iter().map(entry).collect())
        }
        other => panic!("not a value of these tests: {other:?}"),
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn where_cel_gives_a_value_so_do_we(
        source in prop_oneof![condition(), number(), text()], n in -5_i64..5, d in -5.0..5.0_f64, l in prop::collection::vec(-5_i64..5, 0..5),
    ) {
        let mut context = Context::default();
        context.add_variable_from_value("n", n);
        context.add_variable_from_value("d", d);
        context.add_variable_from_value("s", "été");
        context.add_variable_from_value("l", l.clone());
        let scope = Map::from_iter([("n".to_owned(), json!(n)), ("d".to_owned(), json!(d)), ("s".to_owned(), json!("été")), ("l".to_owned(), json!(l))]);

        let Ok(expression) = Expression::compile(&source) else {
            // Chance nests macros too deep now and then.
            return Ok(());
        };
        let theirs = parsed_by_cel(&source).execute(&context);
        let ours = expression.evaluate(&scope).map_err(|error| error.cause);
        match theirs {
            Ok(value) => prop_assert_eq!(ours, Ok(to_json(&value)), "`{}`", source),
            Err(error) => {
                let arithmetic = matches!(ours, Err(EvalCause::DivisionByZero | EvalCause::Overflow(_)));
                prop_assert!(arithmetic, "`{}`: {} there, {:?} here", source, error, ours);
            }
        }
    }
}

#[test]
fn maps_are_walked_in_one_order_where_the_library_has_none() {
    let names: HashMap<String, i32> = (0..50).map(|n| (format!("k{n:02}"), n)).collect();
    let sorted: Vec<String> = (0..50).map(|n| format!("k{n:02}")).collect();
    let scope = Map::from_iter([("m".to_owned(), json!(names))]);
    assert_eq!(Expression::compile("m.map(k, k)").expect("it compiles").evaluate(&scope), Ok(json!(sorted)));
}
