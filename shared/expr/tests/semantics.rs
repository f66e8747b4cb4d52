//! What expressions mean, as tables: an expression, what it gives over the state below.

use sagaline_expr::{EvalCause, Expression, Lookup, Scope};
use serde_json::{Map, Value, json};

fn state() -> Map<String, Value> {
    let state = json!({
        "workflow": { "input": {
            "order_id": "o-1", "n": 7, "total": 12.5, "large": 18_446_744_073_709_551_615_u64, "nothing": null,
            "items": [ { "sku": "b", "price": 10 }, { "sku": "a", "price": 2.5 }, { "sku": "c", "price": null } ],
            "labels": { "zone": "eu", "area": "x", "a b": 1 },
        } },
        "steps": {
            "validate": { "output": { "total": 120, "ok": true } },
            "big": { "output": { "$ref": { "bucket": "payloads", "key": "k1" } } },
            "list": { "output": [ { "$ref": { "key": "k2" } }, 5 ] },
        },
        "trigger": { "data": { "at": "2026-11-20T06:30:00.250Z" } },
    });
    match state {
        Value::Object(state) => state,
        _ => Map::new(),
    }
}

fn evaluate(source: &str) -> Result<Value, EvalCause> {
    let expression =
        Expression::compile(source).unwrap_or_else(|error| panic!("`{source}`: {error} ({:?})", error.hint));
    expression.evaluate(&state()).map_err(|error| error.cause)
}

fn check(table: &[(&str, Value)]) {
    for (source, expected) in table {
        assert_eq!(evaluate(source), Ok(expected.clone()), "`{source}`");
    }
}

#[test]
fn values_keep_their_types() {
    check(&[
        ("workflow.input.n", json!(7)),
        ("workflow.input.total", json!(12.5)),
        ("workflow.input.large", json!(18_446_744_073_709_551_615_u64)),
        ("workflow.input.labels", json!({ "zone": "eu", "area": "x", "a b": 1 })),
        ("workflow.input['labels']['a b']", json!(1)),
        ("workflow.input.items[1].sku", json!("a")),
        ("workflow.input.items[1.0].sku", json!("a")),
        ("workflow['in' + 'put'].n", json!(7)),
        ("steps['vali' + 'date']['output'].total + 1", json!(121)),
        (".workflow.input.n", json!(7)),
        ("1", json!(1)),
        ("1u", json!(1)),
        ("1.0", json!(1.0)),
        ("'a' + \"b\"", json!("ab")),
        ("r'\\d'", json!("\\d")),
        ("[1, 'a', null, [true]]", json!([1, "a", null, [true]])),
        ("{'a': 1, 2: 'b', true: null}", json!({ "a": 1, "2": "b", "true": null })),
        ("{'a': {'b': 1}}.a.b", json!(1)),
        ("[1, 2][1]", json!(2)),
    ]);
}

#[test]
fn selecting_from_nothing_is_null() {
    check(&[
        ("steps.absent.output.x.y", json!(null)),
        ("absent", json!(null)),
        ("workflow.input.nothing.x[3]['y'].z", json!(null)),
        ("workflow.input.items[5].price", json!(null)),
        ("workflow.input.items[-1]", json!(null)),
        ("workflow.input.items[2].price.amount", json!(null)),
        ("workflow.input[workflow.input.absent].x", json!(null)),
        ("workflow.input.labels[workflow.input.order_id]", json!(null)),
        ("[][0].x", json!(null)),
        ("{}.a.b['c']", json!(null)),
        ("null.x", json!(null)),
        ("workflow.input.items.map(i, i.absent.deep)", json!([null, null, null])),
        ("[workflow.absent].map(x, x.y.z)", json!([null])),
        ("workflow.absent == null", json!(true)),
        ("workflow.input.order_id != null", json!(true)),
        ("workflow.absent == 1", json!(false)),
        ("coalesce(workflow.absent.x, null, workflow.input.n, 1 / 0)", json!(7)),
        ("coalesce(null)", json!(null)),
    ]);
}

#[test]
fn has_tells_whether_something_is_there() {
    check(&[
        ("has(workflow.input.n)", json!(true)),
        ("has(workflow.input.nothing)", json!(true)),
        ("has(workflow.input.absent)", json!(false)),
        ("has(workflow.input.nothing.x)", json!(false)),
        ("has(absent.a.b)", json!(false)),
        ("has(workflow.input.items[0].sku)", json!(true)),
        ("has(workflow.input.items[9].sku)", json!(false)),
        ("has({'a': 1}.a) && !has({'a': 1}.b)", json!(true)),
        ("workflow.input.items.filter(i, has(i.price)).size()", json!(3)),
    ]);
}

#[test]
fn numbers_mix() {
    check(&[
        ("workflow.input.total > 12", json!(true)),
        ("workflow.input.n >= 7.0", json!(true)),
        ("7 == 7.0 && 7u == 7 && 7.0 == 7u", json!(true)),
        ("9007199254740993 == 9007199254740992.0", json!(false)),
        ("9007199254740993 > 9007199254740992.0", json!(true)),
        ("-1 < -0.5 && -1.5 < -1 && -0.0 == 0", json!(true)),
        ("workflow.input.large > 9223372036854775807", json!(true)),
        ("workflow.input.large < 1e300", json!(true)),
        ("1 + 0.5", json!(1.5)),
        ("workflow.input.n * workflow.input.total", json!(87.5)),
        ("workflow.input.large - 1", json!(18_446_744_073_709_551_614_u64)),
        ("7 / 2", json!(3)),
        ("-7 % 3", json!(-1)),
        ("7 / 2.0", json!(3.5)),
        ("-(3)", json!(-3)),
        ("2 in [1, 2.0]", json!(true)),
        ("0.0 / 0.0 == 1.0", json!(false)),
    ]);
}

#[test]
fn arithmetic_has_limits() {
    for source in [
        "9223372036854775807 + 1",
        "-9223372036854775807 - 2",
        "0u - 1u",
        "9223372036854775807 * 2",
        "int(1e30)",
        "uint(-1)",
    ] {
        assert!(matches!(evaluate(source), Err(EvalCause::Overflow(_))), "`{source}`");
    }
    assert_eq!(evaluate("1 / 0"), Err(EvalCause::DivisionByZero));
    assert_eq!(evaluate("1 % 0"), Err(EvalCause::DivisionByZero));
    assert!(matches!(evaluate("1.0 / 0.0"), Err(EvalCause::NotJson(_))));
    assert!(matches!(evaluate("[0.0 / 0.0]"), Err(EvalCause::NotJson(_))));
}

#[test]
fn logic_is_decided_by_either_side() {
    check(&[
        ("true || 1 / 0 == 1", json!(true)),
        ("1 / 0 == 1 || true", json!(true)),
        ("false && 1 / 0 == 1", json!(false)),
        ("null && false", json!(false)),
        ("true ? 1 : 1 / 0", json!(1)),
        ("[0, 1].exists(x, 1 / x == 1)", json!(true)),
        ("[0, 1].all(x, 1 / x == 2)", json!(false)),
    ]);
    for source in [
        "false || 1 / 0 == 1",
        "[0, 1].exists(x, 1 / x == 2)",
        "null || false",
        "!null",
        "1 ? 2 : 3",
        "null > 1",
        "1 + 'a'",
    ] {
        assert!(evaluate(source).is_err(), "`{source}`");
    }
}

#[test]
fn macros_walk_lists_and_the_sorted_keys_of_maps() {
    check(&[
        ("workflow.input.items.exists(i, i.price > 5)", json!(true)),
        ("workflow.input.items.all(i, i.sku != '')", json!(true)),
        ("workflow.input.items.exists_one(i, i.price == null)", json!(true)),
        ("workflow.input.items.filter(i, i.price != null).map(i, i.sku)", json!(["b", "a"])),
        ("workflow.input.items.map(i, i.price != null, i.price)", json!([10, 2.5])),
        ("workflow.input.labels.map(k, k)", json!(["a b", "area", "zone"])),
        ("{'b': 1, 'a': 2}.map(k, k)", json!(["a", "b"])),
        ("[[1, 2], [3]].map(x, x.map(y, y * 2))", json!([[2, 4], [6]])),
        ("[1, 2].map(x, [10].map(x, x + 1)[0] + x)", json!([12, 13])),
        ("[1, 2, 3].filter(x, x > 1)", json!([2, 3])),
        ("['a'].map(workflow, workflow)", json!(["a"])),
    ]);
}

#[test]
fn functions_of_the_standard_work() {
    check(&[
        ("size('añ') == 2 && [1].size() == 1 && size({'a': 1}) == 1", json!(true)),
        ("workflow.input.order_id.startsWith('o-') && 'abc'.endsWith('c') && 'abc'.contains('b')", json!(true)),
        ("workflow.input.order_id.matches('^o-[0-9]+$') && matches('x1', '\\\\d')", json!(true)),
        ("string(7) + string(1.5) + string(true)", json!("71.5true")),
        ("int('42') + int(3.9) + int(-3.9) + int(2u)", json!(44)),
        ("uint('3') == 3u && double('1.5') == 1.5 && double(2) == 2.0 && bool('true')", json!(true)),
        ("type(1) == int && type('') == string && type(null) == null_type && type(type(1)) == type(int)", json!(true)),
        ("dyn(1) == 1", json!(true)),
        ("'a' in ['a'] && 'zone' in workflow.input.labels && !('x' in {'a': 1})", json!(true)),
        ("[1] + [2.0] == [1.0, 2] && {'a': [1]} == {'a': [1.0]}", json!(true)),
        ("'a' < 'b' && false < true", json!(true)),
        ("workflow.input.labels == {'zone': 'eu', 'area': 'x', 'a b': 1}", json!(true)),
    ]);
    for source in ["int('x')", "uint('-1')", "bool('yes')", "timestamp('yesterday')", "duration('5 minutes')"] {
        assert!(matches!(evaluate(source), Err(EvalCause::Unreadable { .. })), "`{source}`");
    }
}

#[test]
fn times_can_be_read_compared_and_written() {
    check(&[
        ("timestamp(trigger.data.at)", json!("2026-11-20T06:30:00.250Z")),
        ("timestamp('2026-11-20T08:00:00+02:00') + duration('1h30m')", json!("2026-11-20T07:30:00Z")),
        ("timestamp('2026-11-20T06:00:00Z') - timestamp('2026-11-19T06:00:00Z')", json!("86400s")),
        ("duration('1d') == duration('24h') && duration('-1.5s') < duration('0')", json!(true)),
        ("duration('1.5s')", json!("1.5s")),
        ("string(duration('-250ms'))", json!("-0.25s")),
        ("timestamp(trigger.data.at) > timestamp('2026-01-01T00:00:00Z')", json!(true)),
        ("timestamp(trigger.data.at).getHours()", json!(6)),
        ("timestamp(trigger.data.at).getHours('-07:30')", json!(23)),
        ("timestamp(trigger.data.at).getDate('-07:30')", json!(19)),
        ("timestamp(trigger.data.at).getFullYear('UTC')", json!(2026)),
        ("timestamp(trigger.data.at).getMonth() == 10 && timestamp(trigger.data.at).getDayOfWeek() == 5", json!(true)),
        ("timestamp(trigger.data.at).getMilliseconds()", json!(250)),
        ("duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90", json!(true)),
        ("int(timestamp('1970-01-02T00:00:00Z'))", json!(86400)),
        ("timestamp(86400)", json!("1970-01-02T00:00:00Z")),
    ]);
    for source in ["timestamp(trigger.data.at).getHours('Europe/Berlin')", "timestamp('x')", "duration('1x')"] {
        assert!(matches!(evaluate(source), Err(EvalCause::Unreadable { .. })), "`{source}`");
    }
    for source in ["timestamp('9999-12-31T23:59:59Z') + duration('1w')", "timestamp(99999999999999)"] {
        assert!(matches!(evaluate(source), Err(EvalCause::Overflow(_))), "`{source}`");
    }
}

#[test]
fn a_payload_stored_elsewhere_is_passed_on_but_not_looked_into() {
    let reference = json!({ "$ref": { "bucket": "payloads", "key": "k1" } });
    check(&[
        ("steps.big.output", reference.clone()),
        ("{'x': steps.big.output}", json!({ "x": reference })),
        ("steps.list.output[1]", json!(5)),
        ("steps.list.output[0]", json!({ "$ref": { "key": "k2" } })),
        ("steps.big.output != null && steps.big.output != 1", json!(true)),
        ("steps.big.output == steps.big.output", json!(true)),
        ("has(steps.big.output)", json!(true)),
        ("coalesce(steps.big.output, 1) != null", json!(true)),
        ("{'$ref': 1}['$ref']", json!(1)),
    ]);
    for source in [
        "steps.big.output.total",
        "steps.big.output['$ref']",
        "steps.big.output.total > 100",
        "has(steps.big.output.total)",
        "steps.big.output.total > 100 || true",
        "steps.big.output.exists(x, true)",
        "size(steps.big.output) > 0",
        "'x' in steps.big.output",
        "steps.big.output == 'text'",
        "steps.list.output.exists(x, x.a == 1)",
        "type(steps.big.output) == map",
    ] {
        let expression = Expression::compile(source).expect(source);
        let error = expression.evaluate(&state()).expect_err(source);
        assert!(matches!(error.cause, EvalCause::Offloaded(_)), "`{source}`: {error}");
        assert!(expression.condition(&state()).is_err(), "`{source}`");
        assert!(!expression.holds(&state()), "`{source}`");
    }
    let error = Expression::compile("steps.big.output.total")
        .expect("it compiles")
        .evaluate(&state())
        .expect_err("stored elsewhere");
    assert!(
        error
            .to_string()
            .starts_with("`steps.big.output.total` cannot be evaluated: `steps.big.output` was stored outside"),
        "{error}"
    );
}

#[test]
fn a_condition_is_true_or_it_is_false() {
    for (source, expected) in [
        ("steps.validate.output.total > 100", true),
        ("steps.validate.output.ok", true),
        ("steps.absent.output.total > 100", false),
        ("steps.validate.output.total", false),
        ("'true'", false),
        ("null", false),
        ("1 / 0 == 0", false),
        ("!steps.absent.output.ok", false),
        ("steps.absent.output == null", true),
    ] {
        let expression = Expression::compile(source).expect(source);
        assert_eq!(expression.holds(&state()), expected, "`{source}`");
        assert_eq!(expression.condition(&state()), Ok(expected), "`{source}`");
    }
}

#[test]
fn errors_say_what_met_what() {
    for (source, expected) in [
        (
            "steps.absent.total > 100",
            "`>` cannot be applied to null and a number (a path that leads nowhere gives null: `coalesce(x, 0)` gives it a default)",
        ),
        ("workflow.input.n.x", "`workflow.input.n` is a number, of which this cannot be selected"),
        ("workflow.input.items.sku", "`workflow.input.items` is a list, of which this cannot be selected"),
        ("workflow.input.n[0]", "`workflow.input.n` is a number, of which this cannot be selected"),
        ("'a' + 1", "`+` cannot be applied to a string and a number"),
        ("size(1)", "`size` cannot be applied to a number"),
        ("{'a': 1, 'a': 2}", "the key `a` is there twice"),
    ] {
        assert_eq!(evaluate(source).expect_err(source).to_string(), expected, "`{source}`");
    }
    let error = Expression::compile("workflow.input.n +\n  size(1)")
        .expect("it compiles")
        .evaluate(&state())
        .expect_err("no size");
    assert_eq!(error.offset, 25);
}

#[test]
fn paths_are_what_is_read_not_what_macros_bind() {
    for (source, expected) in [
        ("workflow.input.order_id", vec!["workflow.input.order_id"]),
        ("steps['reserve']['output'].x > workflow.input.n", vec!["steps.reserve.output.x", "workflow.input.n"]),
        ("workflow.input.items.exists(i, i.x > item.y)", vec!["workflow.input.items", "item.y"]),
        ("workflow.input.items[index].price", vec!["index", "workflow.input.items"]),
        ("workflow.input.items[0].price", vec!["workflow.input.items"]),
        ("steps[ctx.name].output", vec!["ctx.name", "steps"]),
        ("has(ctx.a.b) && type(ctx.a.b) == int", vec!["ctx.a.b"]),
        ("[1].map(ctx, ctx.x + .ctx.x)", vec!["ctx.x"]),
        ("1 + 1", vec![]),
        (
            "coalesce({'a': ctx.x}.a, -ctx.y, !ctx.z, ctx.t.matches('a'), [ctx.l])",
            vec!["ctx.x", "ctx.y", "ctx.z", "ctx.t", "ctx.l"],
        ),
    ] {
        let expression = Expression::compile(source).expect(source);
        let paths: Vec<String> = expression.paths().iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, expected, "`{source}`");
    }
}

/// Answers one path, and only that.
struct Only(&'static [&'static str]);

impl Scope for Only {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        assert_eq!(path, self.0, "nothing else may be asked for");
        Lookup::made(2, json!({ "output": { "total": 1, "list": [1, 2] } }))
    }
}

#[test]
fn a_scope_is_asked_only_for_what_is_reached() {
    for (source, path) in [
        ("steps.a.output.total == 1 || steps.b.output.total == 1", &["steps", "a", "output", "total"][..]),
        ("true ? steps.a.output.total : steps.b.output", &["steps", "a", "output", "total"]),
        ("steps['' + 'a'].output.total", &["steps", "a", "output", "total"]),
        ("steps.a.output.list[1]", &["steps", "a", "output", "list"]),
        ("steps.a.output.list.map(x, x)", &["steps", "a", "output", "list"]),
        ("steps.a", &["steps", "a"]),
    ] {
        assert!(Expression::compile(source).expect(source).evaluate(&Only(path)).is_ok(), "`{source}`");
    }
}
