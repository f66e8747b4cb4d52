//! What a step has that says nothing of its own: what its workflow says, then what the installation does.

use sagaline_lang::{read_all_under, read_defaults};
use sagaline_model::{Backoff, Kind, Name, Plan, RetryPolicy, Span, Step, StepDefaults};

use crate::without_warnings;

#[test]
fn a_number_for_retry_counts_attempts_and_leaves_the_rest_to_the_workflow() {
    let plan = without_warnings(
        "workflow: w\nretry: { initial: 2s, backoff: linear }\nsteps: { a: { activity: noop, retry: 4 }, b: { activity: noop } }\n",
    );
    let policy = |at: usize| match &plan.root.nodes[at].kind {
        Kind::Step(step) => step.retry.clone(),
        other => panic!("{other:?}"),
    };
    let defaults = RetryPolicy { initial: Span::from_secs(2), backoff: Backoff::Linear, ..RetryPolicy::default() };
    assert_eq!(policy(0), RetryPolicy { attempts: 4, ..defaults.clone() });
    assert_eq!(policy(1), defaults);
}

#[test]
fn what_a_step_says_of_a_delay_counts_whether_it_is_computed_or_not() {
    let plan = without_warnings(
        "workflow: w\nretry: { attempts: 2, initial: '${ ctx.pause }', max: 5m }\nsteps:\n  a: { activity: noop }\n  b: { activity: noop, retry: { initial: 1s, max: '${ attempt * 5 }' } }\n",
    );
    let retries = plan.root.nodes.iter().map(|node| match &node.kind {
        Kind::Step(step) => step.retry.clone(),
        other => panic!("{other:?}"),
    });
    let common = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
    let of_workflow = RetryPolicy {
        computed_initial: Some("${ ctx.pause }".to_owned()),
        max: Some(Span::from_secs(300)),
        ..common.clone()
    };
    let own = RetryPolicy { computed_max: Some("${ attempt * 5 }".to_owned()), ..common };
    assert_eq!(retries.collect::<Vec<_>>(), [of_workflow, own]);
    assert_eq!(plan.rules, Plan::RULES_OF_COMPANY);
}

const BARE: &str = "workflow: w\nsteps:\n  a: { activity: noop }\n  b: { activity: noop, timeout: 1s, retry: { initial: 9s } }\n  c: { activity: noop, expand: true, retry: 1 }\n";

fn steps_of(plan: &Plan) -> Vec<&Step> {
    let steps = plan.nodes().into_iter().filter_map(|node| match &node.kind {
        Kind::Step(step) => Some(step),
        _ => None,
    });
    steps.collect()
}

fn under(source: &str, defaults: &str) -> Plan {
    let (defaults, warnings) = read_defaults(defaults, "defaults").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(warnings, []);
    let mut read = read_all_under(source, "order.yaml", &defaults).unwrap_or_else(|faults| panic!("{faults}"));
    read.pop().expect("a definition").plan
}

#[test]
fn a_workflow_without_a_limit_has_that_of_the_installation() {
    let defaults = "concurrency: { limit: 200, pool: everything }";
    let given = under(BARE, defaults);
    let limit = given.concurrency.clone().expect("a limit");
    assert_eq!((limit.limit, limit.pool.as_ref().map(Name::as_str)), (200, Some("everything")));
    assert_eq!(given.rules, Plan::RULES_OF_SAGAS);
    let own = under(&format!("concurrency: 2\n{BARE}"), defaults).concurrency.expect("a limit");
    assert_eq!((own.limit, own.pool), (2, None));
}

#[test]
fn what_a_definition_leaves_out_is_as_the_installation_says() {
    let defaults = "timeout: 1d\nstep_timeout: 5m\nretry: { attempts: 3, initial: 2s, backoff: fixed }";
    let plan = under(BARE, defaults);
    assert_eq!(plan.timeout, Some(Span::from_secs(86_400)));
    let common =
        RetryPolicy { attempts: 3, initial: Span::from_secs(2), backoff: Backoff::Fixed, ..RetryPolicy::default() };
    let [a, b, c] = steps_of(&plan)[..] else { panic!("three steps") };
    assert_eq!((a.timeout.as_deref(), &a.retry), (Some("5m"), &common));
    let own = RetryPolicy { initial: Span::from_secs(9), ..common.clone() };
    assert_eq!((b.timeout.as_deref(), &b.retry), (Some("1s"), &own));
    assert_eq!(c.retry, RetryPolicy { attempts: 1, ..common.clone() });
    let returned = StepDefaults { timeout: Some("5m".to_owned()), retry: Some(common), ..StepDefaults::default() };
    assert_eq!(c.expand.as_ref().expect("it expands").defaults, returned);
}

#[test]
fn a_workflow_goes_before_the_installation() {
    let source = format!(
        "timeout: '${{ workflow.input }}'\nstep_timeout: 7s\nretry: {{ attempts: 2, max: '${{ attempt }}' }}\n{BARE}"
    );
    let plan = under(&source, "{ timeout: 1d, step_timeout: 5m, retry: { attempts: 3, max: 1h, jitter: true } }");
    assert_eq!((plan.timeout, plan.conduct.timeout.as_deref()), (None, Some("${ workflow.input }")));
    let step = steps_of(&plan)[0];
    assert_eq!((step.timeout.as_deref(), step.retry.attempts, step.retry.jitter), (Some("7s"), 2, true));
    assert_eq!((step.retry.max, step.retry.computed_max.as_deref()), (None, Some("${ attempt }")));
}

#[test]
fn defaults_that_say_nothing_change_no_plan() {
    let plain = without_warnings(BARE);
    assert_eq!(under(BARE, "{}").hash(), plain.hash());
    assert_eq!(under(BARE, "retry: {}").hash(), plain.hash());
    assert_ne!(under(BARE, "retry: 2").hash(), plain.hash());
    // What is left to say counts, not where it was said.
    assert_eq!(
        under(BARE, "{ retry: 2, step_timeout: 5m }").hash(),
        without_warnings(&format!("retry: 2\nstep_timeout: 5m\n{BARE}")).hash()
    );
}
