//! What is probably not meant is told, and what certainly is right is not.

use sagaline_lang::{Definition, Severity, read};

use crate::without_warnings;

#[test]
fn what_is_doubtful_is_a_warning() {
    let source = "workflow: w
retry: { backoff: linear }
steps:
  a: { activity: noop, retry: { multiplier: 2, initial: 1m, max: 30s } }
  b: { activity: noop, retry: { retry_on: [X], no_retry_on: [X] } }
  c:
    after: [b, b]
    steps:
      d: { activity: echo, input: \"${ steps.a.output }\" }
";
    let Definition { plan, warnings } = read(source, "order.yaml").expect("warnings only");
    assert_eq!(plan.root.nodes.len(), 3);
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
    let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let expected = [
        "order.yaml:4:45: warning: `multiplier` has an effect with `backoff: exponential` only",
        "order.yaml:4:66: warning: `max` (30s) is below `initial` (1m), so every delay is 30s",
        "order.yaml:5:61: warning: `X` stands in `retry_on` too; it is not retried",
        "order.yaml:7:16: warning: `b` is named twice",
        "order.yaml:9:45: warning: `a` may not have ended when `d` reads it\n  hint: let `c` come after it: `after: a`",
    ];
    assert_eq!(told, expected);
}

#[test]
fn however_many_warnings_there_are_they_refuse_nothing_and_hide_no_error() {
    let steps: String = (0..600).map(|i| format!("  s{i}: {{ wait: \"${{ steps.last.output }}\" }}\n")).collect();
    let source = format!("workflow: w\nsteps:\n{steps}  last: {{ activity: noop }}\n");
    let warnings = read(&source, "order.yaml").expect("warnings only").warnings;
    assert_eq!(warnings.len(), 501);
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
    let faults = read(&format!("{source}output: \"${{ banana }}\"\n"), "order.yaml").expect_err("an error");
    assert!(faults.to_string().contains("`banana` is nothing"), "{faults}");
}

#[test]
fn a_step_may_read_all_that_certainly_ran_before_it() {
    without_warnings(
        r#"
workflow: w
steps:
  first: { steps: { one: { activity: noop }, two: { activity: noop, after: one } } }
  second: { activity: noop, after: first }
  third:
    after: second
    steps:
      deep: { steps: { three: { activity: echo, input: "${ [steps.one.output, steps.first.status, steps.second.error] }" } } }
      last: { after: deep, activity: echo, input: "${ steps.three.output }" }
      watch: { activity: noop, retry: { attempts: 3, backoff: "${ error.type == 'Busy' ? attempt : 60 }" } }
output: "${ steps.three.output }"
"#,
    );
}
