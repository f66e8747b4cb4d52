//! What evaluations cost. Prints figures (`cargo test --release -p sagaline-expr --test cost -- --nocapture`); what it
//! asserts is loose enough for a debug build on a busy machine, and tight enough to notice a bound that does not bind.
//! The time is that of the evaluating thread alone, of which a busy machine gives less but does not take more.

use std::{hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use sagaline_expr::{Expression, Template};
use serde_json::{Map, Value, json};

fn hard_state() -> Map<String, Value> {
    let objects: Vec<Value> = (0..20_000).map(|n| json!({ "n": n, "s": format!("text {n}") })).collect();
    let prefix = "k".repeat(1000);
    let map: Map<String, Value> = (0..900).map(|n| (format!("{prefix}{n}"), json!(n))).collect();
    // Without a pattern, so that the automaton of a pattern meets ever new states.
    let noise: String = (0..40_000_u64)
        .scan(7_u64, |seed, _| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            Some(if *seed >> 63 == 0 { 'a' } else { 'b' })
        })
        .collect();
    let input = json!({
        "noise": noise,
        "ints": (0..100_000).collect::<Vec<_>>(), "few": (0..400).collect::<Vec<_>>(), "objects": objects, "map": map,
        "text": "ab".repeat(90_000), "long": "x".repeat(900_000), "wide": vec![json!({ "a": [1, 2, { "b": null }] }); 10_000],
    });
    Map::from_iter([("input".to_owned(), input)])
}

/// Each finds another way to be dear.
const HARD: [&str; 26] = [
    "input.ints.all(x, x >= 0)",
    "input.few.all(x, input.few.all(y, x + y >= 0))",
    "input.few.all(x, input.few.exists(y, x * 1.5 == y && y > 1000) || true)",
    "input.few.map(x, input.few.map(y, [x, y]))",
    "input.few.map(x, input.few.map(y, {'x': x, 'y': y, 'z': [x]}))",
    "input.few.map(x, input.few.map(y, string(x) + string(y) + string(1.1e300)))",
    "input.few.map(x, input.few.map(y, string(timestamp(y)) + string(duration('1h'))))",
    "input.few.all(x, input.few.all(y, timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp(y)))",
    "input.few.all(x, input.few.exists(y, 1 / (y - y) == 1) || true)",
    "input.objects.filter(o, o.n % 2 == 0 && o.s.startsWith('text')).map(o, o.s)",
    "input.objects.map(o, o)",
    "input.few.all(x, input.objects == input.objects)",
    "input.few.all(x, input.wide == input.wide)",
    "input.few.all(x, input.map.all(k, input.map[k] >= 0))",
    "input.map.all(k, input.map.all(l, k != l || true))",
    "input.few.all(x, !(x + 200000 in input.ints))",
    "input.few.all(x, input.text.contains('ba!') || true)",
    "input.few.all(x, input.long == input.long && size(input.long) > 0)",
    "input.few.all(x, input.text.matches('(a|b|ab){20,40}c') || true)",
    "input.few.all(x, input.text.matches('[ab]*a[ab]{60}c') || true)",
    "input.few.all(x, input.text.matches('(\\\\w+\\\\s*)+$') || true)",
    "input.few.all(x, input.noise.matches('(a|b|ab){20,40}c') || true)",
    "input.few.all(x, input.noise.matches('[ab]*a[ab]{60}c') || true)",
    "input.few.all(x, input.noise.matches('[ab]*a[ab]{500}c') || true)",
    "input.few.all(x, input.noise.matches('[ab]*a.{80}c') || true)",
    "[input.wide, input.objects]",
];

fn now(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("the clock counts from zero")
}

#[test]
fn the_dearest_evaluation_has_an_end() {
    let state = hard_state();
    for source in HARD {
        let expression = Expression::compile(source).unwrap_or_else(|error| panic!("`{source}`: {error}"));
        let start = now(ClockId::ThreadCPUTime);
        let result = expression.evaluate(&state);
        let took = now(ClockId::ThreadCPUTime) - start;
        eprintln!("{took:>12.1?}  {}  {source}", if result.is_ok() { "done  " } else { "bound " });
        assert!(took < Duration::from_secs(3), "`{source}` took {took:?}");
    }
}

fn each_takes(rounds: u32, clock: ClockId, mut work: impl FnMut()) -> Duration {
    (0..rounds / 10).for_each(|_| work());
    let start = now(clock);
    (0..rounds).for_each(|_| work());
    (now(clock) - start) / rounds
}

#[test]
fn common_expressions_are_cheap() {
    let state = Map::from_iter([
        (
            "workflow".to_owned(),
            json!({ "input": { "n": 7, "id": "o-1", "items": [{ "price": 5 }, { "price": 25 }] } }),
        ),
        ("steps".to_owned(), json!({ "validate": { "output": { "total": 120, "ok": true } } })),
    ]);
    for source in [
        "workflow.input.n",
        "steps.validate.output.total > 100",
        "steps.validate.output.ok && workflow.input.id != null",
        "workflow.input.items.exists(i, i.price > 20)",
        "workflow.input.id + '-' + string(workflow.input.n)",
    ] {
        // Parsed on a thread of its own.
        let compiling = each_takes(50, ClockId::Monotonic, || drop(black_box(Expression::compile(black_box(source)))));
        let expression = Expression::compile(source).expect(source);
        let evaluating =
            each_takes(5000, ClockId::ThreadCPUTime, || drop(black_box(expression.evaluate(black_box(&state)))));
        eprintln!("{evaluating:>10.0?} to evaluate, {compiling:>10.1?} to compile  {source}");
        assert!(evaluating < Duration::from_millis(1), "`{source}` took {evaluating:?}");
    }
    for value in [
        json!("${ workflow.input.n }"),
        json!({ "order": "${ workflow.input.id }", "note": "n is ${ workflow.input.n }", "fixed": [1, 2] }),
        json!({ "plain": "text", "list": [1, 2, 3] }),
    ] {
        let template = Template::compile(&value).expect("it compiles");
        let rendering =
            each_takes(5000, ClockId::ThreadCPUTime, || drop(black_box(template.render(black_box(&state)))));
        eprintln!("{rendering:>10.0?} to render  {value}");
        assert!(rendering < Duration::from_millis(1), "{value} took {rendering:?}");
    }
}
