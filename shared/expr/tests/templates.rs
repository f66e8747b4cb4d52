//! Templates: which strings are expressions, what becomes of them, and where their faults are.

use sagaline_expr::{Template, whole};
use serde_json::{Map, Value, json};

fn scope() -> Map<String, Value> {
    Map::from_iter([
        (
            "workflow".to_owned(),
            json!({ "input": { "id": "o-1", "n": 7, "f": 2.0, "list": [1, "a"], "none": null, "on": true } }),
        ),
        ("steps".to_owned(), json!({ "big": { "output": { "$ref": { "key": "k" } } } })),
    ])
}

fn render(value: Value) -> Value {
    let template = Template::compile(&value).unwrap_or_else(|faults| panic!("{value}: {faults:?}"));
    template.render(&scope()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

#[test]
fn a_string_that_is_wholly_an_expression_keeps_the_type() {
    for (text, expected) in [
        ("${workflow.input.n}", json!(7)),
        ("${ workflow.input.list }", json!([1, "a"])),
        ("${workflow.input.none}", json!(null)),
        ("${workflow.input.absent.x}", json!(null)),
        ("${ {'a': {'b': '}'}}.a.b }", json!("}")),
        ("${ \"}\" + '${' }", json!("}${")),
        ("${ '''it's }''' }", json!("it's }")),
        ("${steps.big.output}", json!({ "$ref": { "key": "k" } })),
        ("${ workflow.input.n // the } number\n + 1 }", json!(8)),
    ] {
        assert_eq!(render(json!(text)), expected, "{text}");
    }
}

#[test]
fn inside_other_text_the_value_is_written_as_text() {
    for (text, expected) in [
        ("order ${workflow.input.id}!", "order o-1!"),
        ("${workflow.input.id}${workflow.input.n}", "o-17"),
        ("${workflow.input.n} ", "7 "),
        ("f=${workflow.input.f} on=${workflow.input.on}", "f=2.0 on=true"),
        ("${workflow.input.list} ${workflow.input.none}", "[1,\"a\"] null"),
        ("a $${workflow.input.id} b", "a ${workflow.input.id} b"),
        ("$${x}", "${x}"),
        ("$$${workflow.input.id}", "$${workflow.input.id}"),
        ("5 $ and $x {y} $", "5 $ and $x {y} $"),
        ("ä ${workflow.input.id} ö $${", "ä o-1 ö ${"),
        ("", ""),
    ] {
        assert_eq!(render(json!(text)), json!(expected), "{text}");
    }
    let large = Template::compile(&json!("x ${steps.big.output}")).expect("it compiles");
    assert!(large.render(&scope()).is_err(), "a payload stored elsewhere is no text");
}

#[test]
fn a_template_has_the_shape_of_its_value() {
    let value =
        json!({ "a": ["${workflow.input.n}", { "b": "${workflow.input.id}", "${c}": 1 }], "d": null, "e": "plain" });
    assert_eq!(render(value), json!({ "a": [7, { "b": "o-1", "${c}": 1 }], "d": null, "e": "plain" }));
}

#[test]
fn a_value_without_expressions_is_literal() {
    let literal = json!({ "a": [1, { "b": "c" }], "d": "$${e}" });
    let template = Template::compile(&literal).expect("it compiles");
    assert!(template.is_literal());
    assert_eq!(template.render(&scope()), Ok(json!({ "a": [1, { "b": "c" }], "d": "${e}" })));
    assert!(!Template::compile(&json!(["${a}"])).expect("it compiles").is_literal());
}

#[test]
fn a_template_reads_what_its_expressions_read() {
    let template = Template::compile(&json!({ "a": "${ctx.x} and ${ctx.y}", "b": ["${ctx.x}", "${item.z + 1}"] }))
        .expect("it compiles");
    let paths: Vec<String> = template.paths().iter().map(|path| path.join(".")).collect();
    assert_eq!(paths, ["ctx.x", "ctx.y", "item.z"]);
}

#[test]
fn every_fault_is_told_with_its_place() {
    let value = json!({ "ok": "${a}", "list": ["é ${a +} and ${b c}", { "x/y~": "${" }], "z": "${ nope(1) }" });
    let faults = Template::compile(&value).expect_err("four faults");
    let told: Vec<(String, usize, String)> =
        faults.iter().map(|fault| (fault.pointer.clone(), fault.offset, fault.error.message.clone())).collect();
    assert_eq!(
        told,
        [
            ("/list/0".to_owned(), 8, "the expression ends where a value or a closing bracket is missing".to_owned()),
            ("/list/0".to_owned(), 18, "`c` is not expected here".to_owned()),
            ("/list/1/x~1y~0".to_owned(), 0, "the expression that begins here has no end".to_owned()),
            ("/z".to_owned(), 7, "there is no function `nope`".to_owned()),
        ]
    );
    assert!(faults.iter().any(|fault| fault.error.hint.is_some()));
}

#[test]
fn the_whole_of_a_text_is_an_expression_or_it_is_not() {
    for (text, expected) in [
        ("${ a > 1 }", Some(" a > 1 ")),
        ("  ${a}\n", Some("a")),
        ("${ {'x': 1}.x }", Some(" {'x': 1}.x ")),
        ("${a}${b}", None),
        ("${a} b", None),
        ("$${a}", None),
        ("a > 1", None),
        ("${a", None),
        ("{a}", None),
        ("", None),
    ] {
        assert_eq!(whole(text), expected, "{text}");
    }
}
