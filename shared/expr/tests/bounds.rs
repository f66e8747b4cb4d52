//! What is refused: expressions that are too large, and evaluations that cost too much.

use sagaline_expr::{CompileError, EvalCause, Expression, limits::*};
use serde_json::{Map, Value, json};

fn refusal(source: &str) -> CompileError {
    Expression::compile(source).expect_err(source)
}

#[test]
fn an_expression_may_be_as_large_as_the_bounds_say() {
    let fine = [
        format!("'{}'", "a".repeat(MAX_SOURCE_BYTES - 2)),
        "(".repeat(MAX_NESTING) + "1" + &")".repeat(MAX_NESTING),
        "a[".repeat(MAX_NESTING) + "1" + &"]".repeat(MAX_NESTING),
        "[".repeat(MAX_NESTING) + &"]".repeat(MAX_NESTING),
        "{1: ".repeat(MAX_NESTING) + "1" + &"}".repeat(MAX_NESTING),
        "size(".repeat(MAX_NESTING) + "1" + &")".repeat(MAX_NESTING),
        "a.contains(".repeat(MAX_NESTING) + "1" + &")".repeat(MAX_NESTING),
        "-a.b[{1: !c.contains(".repeat(MAX_NESTING / 3) + "1" + &")}]".repeat(MAX_NESTING / 3),
        "a ? b : ".repeat(MAX_NESTING) + "c",
        "(1 + ".repeat(MAX_NESTING) + "1" + &")".repeat(MAX_NESTING),
        "1+".repeat(MAX_DEPTH) + "1",
        "1<".repeat(MAX_DEPTH) + "1",
        "a.".repeat(MAX_DEPTH) + "a",
        "a".to_owned() + &"[a]".repeat(MAX_DEPTH / 2),
        "-".repeat(MAX_DEPTH) + "1",
        "!".repeat(MAX_DEPTH) + "a",
        "a || ".repeat(400) + "b",
        format!("[{}1]", "1,".repeat(MAX_NODES - 2)),
        "[1].map(a, [2].map(b, a + b)).exists(c, c == [])".to_owned(),
    ];
    for source in fine {
        if let Err(error) = Expression::compile(&source) {
            panic!("`{source}`: {error}");
        }
    }
}

#[test]
fn what_is_larger_is_refused_with_a_reason() {
    for (source, expected) in [
        (format!("'{}'", "a".repeat(MAX_SOURCE_BYTES - 1)), "the expression is 4097 bytes long, of 4096 at most"),
        ("(".repeat(2000), "brackets and `? :` are nested deeper than 32"),
        ("a?b:".repeat(1000), "brackets and `? :` are nested deeper than 32"),
        ("1+".repeat(2000) + "1", "operators and selections are chained deeper than 100"),
        (format!("[{}1]", "1,".repeat(MAX_NODES)), "the expression has more than 1024 parts"),
        ("[1].map(a, [1].map(b, [1].map(c, c)))".to_owned(), "`map` is inside 2 others"),
        ("a.matches('(x{0,100}){0,100}')".to_owned(), "the pattern of `matches` is too large once compiled"),
    ] {
        let error = refusal(&source);
        assert_eq!(error.message, expected, "`{source}`");
        assert!(error.hint.is_some(), "`{source}`");
    }
}

#[test]
fn faults_have_a_place_and_a_hint() {
    for (source, place, message, hint) in [
        ("", (1, 1), "the expression is empty", None),
        ("a +", (1, 4), "the expression ends where a value or a closing bracket is missing", None),
        ("a and b", (1, 3), "`and` is not expected here", Some("`and` is written `&&`")),
        ("not a", (1, 5), "`a` is not expected here", Some("`not` is written `!`")),
        ("a = 1", (1, 3), "`= ` is nothing CEL knows", Some("equality is written `==`")),
        (
            "'é' +\n  now()",
            (2, 6),
            "there is no function `now`",
            Some("an expression does not know what time it is; take a time from the input, a step or `execution`"),
        ),
        ("len(a)", (1, 4), "there is no function `len`", Some("write `size(x)`")),
        ("a.default(1)", (1, 10), "there is no function `default` to call on a value", Some("write `coalesce(x, y)`")),
        (
            "size(a, b)",
            (1, 5),
            "`size` does not take 2 arguments",
            Some(
                "the functions are: bool, coalesce, double, duration, dyn, has, int, matches, size, string, timestamp, type, uint",
            ),
        ),
        ("has(a)", (1, 4), "`has` takes a selection", Some("write `has(a.b)`, or `a != null`")),
        (
            "a.map(1, 2)",
            (1, 6),
            "`map` needs a name for the element first",
            Some("write `list.map(x, x.price)`, or `list.map(x, x.price > 1, x.price)`"),
        ),
        ("a.all(x)", (1, 6), "`all` does not take 1 arguments", Some("write `list.all(x, x.price > 1)`")),
        (
            "a.matches(b)",
            (1, 11),
            "the pattern of `matches` is not a literal",
            Some("write it in quotes: `x.matches('^[A-Z]+$')`"),
        ),
        (
            "a.matches('(')",
            (1, 11),
            "the pattern of `matches` is no regular expression: unclosed group",
            Some("a `\\` in a quoted text is written `\\\\`"),
        ),
        ("b'x'", (1, 1), "there are no bytes here, as JSON has none", Some("write a string, without the `b`")),
        ("A{b: 1}", (1, 2), "there is no type `A` to construct", Some("write a map: `{'key': value}`")),
        ("a.?b", (1, 2), "unsupported syntax '.?'", Some("write `a.b`: selecting from nothing gives null")),
    ] {
        let error = refusal(source);
        assert_eq!(
            ((error.line, error.column), error.message.as_str(), error.hint.as_deref()),
            (place, message, hint),
            "`{source}`"
        );
    }
}

fn over(input: Value) -> Map<String, Value> {
    Map::from_iter([("input".to_owned(), input)])
}

#[test]
fn an_evaluation_that_costs_too_much_ends() {
    let many = over(json!({ "list": vec![1; 50_000], "text": "a".repeat(900_000) }));
    for (source, expected) in [
        ("input.list.all(a, input.list.all(b, a == b))", EvalCause::TooMuchWork),
        ("input.list.exists(a, a == 2) || input.list.all(b, input.list == input.list)", EvalCause::TooMuchWork),
        ("input.list.all(a, input.text.contains('b') || true)", EvalCause::TooMuchWork),
        ("input.list.all(a, input.text.matches('b') || true)", EvalCause::TooMuchWork),
        ("input.list.map(a, input.list)", EvalCause::TooLarge),
        ("input.text + input.text + input.text + input.text", EvalCause::TooLarge),
        ("[input.text, input.text, input.text, input.text, input.text]", EvalCause::TooLarge),
        ("input.list.map(a, input.list.map(b, b))", EvalCause::TooLarge),
    ] {
        let expression = Expression::compile(source).expect(source);
        let error = expression.evaluate(&many).expect_err(source);
        assert_eq!(error.cause, expected, "`{source}`");
        assert!(!expression.holds(&many), "`{source}`");
    }
}

#[test]
fn large_inputs_within_the_bounds_are_fine() {
    let many = over(
        json!({ "list": (0..20_000).map(|n| json!({ "n": n })).collect::<Vec<_>>(), "text": "a".repeat(900_000) }),
    );
    for (source, expected) in [
        ("input.list.filter(x, x.n > 19997).map(x, x.n)", json!([19_998, 19_999])),
        ("size(input.text)", json!(900_000)),
        ("input.list[19999].n in [19999]", json!(true)),
    ] {
        assert_eq!(Expression::compile(source).expect(source).evaluate(&many), Ok(expected), "`{source}`");
    }
}
