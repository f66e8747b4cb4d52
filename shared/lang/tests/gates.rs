//! Gates of steps and unique keys, as they end up in the plan.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use sagaline_lang::read;
use sagaline_model::{Gate, Kind, Name, PlacesGate, Plan, RateGate, RateRule, Span, Unique, UniqueUntil};

fn plan(source: &str) -> Plan {
    let read = read(source, "order.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(source)));
    assert_eq!(read.warnings, []);
    read.plan
}

fn gates(step: &str) -> (Vec<Gate>, u32) {
    let plan = plan(&format!("workflow: w\nsteps:\n  a: {{ activity: crm.push, {step} }}\n"));
    let Kind::Step(step) = &plan.root.nodes[0].kind else { panic!("it is a step") };
    (step.gates.clone(), plan.rules)
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

#[test]
fn a_rate_says_how_many_begin_in_which_time() {
    let rule = RateRule { limit: 10, per: Span::from_secs(1), burst: None };
    let plain = Gate::Rate(RateGate { name: name("crm-push"), key: None, rule });
    assert_eq!(gates("rate_limit: { limit: 10, per: 1s }"), (vec![plain], Plan::RULES_OF_STARTS));
    let rule = RateRule { burst: Some(5), ..rule };
    let full = RateGate { name: name("crm"), key: Some("${ workflow.input.tenant }".to_owned()), rule };
    let text = "rate_limit: { limit: 10, per: 1s, burst: 5, name: crm, key: '${ workflow.input.tenant }' }";
    assert_eq!(gates(text).0, [Gate::Rate(full)]);
}

#[test]
fn a_limit_says_how_many_are_at_work() {
    let places =
        |of, key: Option<&str>, limit| Gate::Places(PlacesGate { name: name(of), key: key.map(str::to_owned), limit });
    assert_eq!(gates("limit: 3"), (vec![places("crm-push", None, 3)], Plan::RULES_OF_STARTS));
    let text = "limit: [2, { limit: 3, name: crm, key: '${ item }' }], for_each: [1]";
    let plan = plan(&format!("workflow: w\nsteps:\n  a: {{ activity: crm.push, {text} }}\n"));
    let Kind::ForEach(each) = &plan.root.nodes[0].kind else { panic!("it is a loop") };
    let Kind::Step(step) = &each.body.kind else { panic!("of a step") };
    assert_eq!(step.gates, [places("crm-push", None, 2), places("crm", Some("${ item }"), 3)]);
}

#[test]
fn a_workflow_may_have_a_unique_key() {
    let of = |until: &str| {
        let plan = plan(&format!(
            "workflow: w\nunique: {{ key: 'o-${{ workflow.input.id }}', for: 1h{until} }}\nsteps: {{ a: {{ activity: b }} }}"
        ));
        (plan.unique.expect("a key"), plan.rules)
    };
    let unique = |until| Unique { key: "o-${ workflow.input.id }".to_owned(), ttl: Span::from_secs(3600), until };
    assert_eq!(of(""), (unique(UniqueUntil::End), Plan::RULES_OF_STARTS));
    assert_eq!(of(", until: end").0, unique(UniqueUntil::End));
    assert_eq!(of(", until: success").0, unique(UniqueUntil::Success));
    assert_eq!(of(", until: expiry").0, unique(UniqueUntil::Expiry));
}
